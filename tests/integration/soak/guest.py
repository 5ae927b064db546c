"""A guest of the house: does things over a connection and notes what was acked."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections import Counter
from typing import Any

from actors.errors import Code
from actors.lifecycle import TERMINAL, RequestState
from broker.client import (
    BrokerRefusedError,
    Order,
    OrderError,
    TapsterClient,
    TapsterError,
    UnreachableError,
)
from broker.protocol.wire import AnswerEvent, Event, Namespace

from .crew import cut, is_story
from .ledger import Ordered, Words
from .place import Place, Report
from .rules import Deed

WARNING = "warning"
RIGHTS = (Code.AUTHORISATION_FAILED, Code.ROOM_ACCESS_DENIED)
"""The codes of refusals that are about who may what."""
MAX_OPEN = 12
"""Orders that one guest has under way; the broker allows 16."""


class Guest:
    """One identity and its connection."""

    def __init__(
        self, client: TapsterClient, numbers: itertools.count[int], report: Report
    ) -> None:
        self.client = client
        self.name = client.identity
        self.ends: Counter[str] = Counter()
        """The terminal statuses that came, by request."""
        self.open_orders = 0
        self.deeds = 0
        """Deeds under way."""
        self.cuts = 0
        """How often the connection was lost."""
        self._whole = asyncio.Event()
        self._whole.set()
        self.told: list[str] = []
        """Accepted requests whose end must have been told, since nothing was cut."""
        self._numbers = numbers
        self._report = report
        client.listen(Namespace.LLM, Event.REQUEST_STATUS_UPDATE, self._status_came)

    def _status_came(self, data: dict[str, Any]) -> None:
        if data["status"] in TERMINAL:
            self.ends[data["requestId"]] += 1

    # -- deeds

    async def do(self, place: Place, what: Event, **more: Any) -> None:
        """Do something to a room or its members."""
        deed = Deed(what=what, room=place.name, who=self.name, **more)
        await self._whole.wait()
        self.deeds += 1
        try:
            await place.do(self.client.call, deed)
        finally:
            self.deeds -= 1

    async def lose_connection(self) -> None:
        """Have an accident; not in the middle of a deed, which could not be judged."""
        link = self.client._connection.link
        if self.deeds or not self._whole.is_set() or link is None:
            return
        self._whole.clear()
        if cut(self.client):
            await link.ended()
            self.cuts += 1
            self._report.counts["connections cut"] += 1
        self._whole.set()

    # -- words

    async def speak(self, place: Place) -> None:
        """Say something in a room."""
        number = next(self._numbers)
        text = f"{self.name} says {number}"
        words = place.ledger.send(self.name, number, text)
        moment, heard = place.moment(), place.state.may_speak(self.name)
        data = {"targetRoom": place.name, "data": text, "number": number}
        try:
            ack = await self.client.call(Namespace.LLM, AnswerEvent.MESSAGE, data)
        except BrokerRefusedError as refusal:
            words.deleted = True
            self._refused(place, refusal, unfair=heard, moment=moment)
            return
        except UnreachableError:
            return
        if not heard and place.unchanged_since(moment):
            self._report.wrong(f"{text!r} in {place.name} was not refused")
        if WARNING in ack:
            self._report.wrong(f"a warning came: {ack}")
        words.accept(ack["messageId"])
        self._report.counts["words"] += 1

    async def edit(self, place: Place, words: Words) -> None:
        """Say something else instead."""
        before = words.texts
        text = f"{self.name} means {next(self._numbers)}"
        data = {
            "roomName": place.name,
            "messageId": words.message_id,
            "updatedMessage": {"data": text},
        }
        words.texts = before | {text}
        moment, heard = place.moment(), place.state.may_speak(self.name)
        try:
            await self.client.call(Namespace.LLM, Event.EDIT_MESSAGE, data)
        except BrokerRefusedError as refusal:
            words.texts = before
            self._refused(place, refusal, unfair=heard, moment=moment)
        except UnreachableError:
            return
        else:
            words.texts = {text}
            self._report.counts["edits"] += 1

    async def delete(self, place: Place, words: Words) -> None:
        """Take something back."""
        data = {"roomName": place.name, "messageId": words.message_id}
        words.deleted = None
        moment, inside = place.moment(), self.name in place.state.roles
        try:
            await self.client.call(Namespace.ROOMS, Event.DELETE_MESSAGE, data)
        except BrokerRefusedError as refusal:
            words.deleted = False
            self._refused(place, refusal, unfair=inside, moment=moment)
        except UnreachableError:
            return
        else:
            words.deleted = True
            self._report.counts["deletions"] += 1

    # -- orders

    async def order(self, place: Place, *, cancel: bool = False, **how: Any) -> None:
        """Order something in a room and wait for its end."""
        if self.open_orders >= MAX_OPEN:
            return
        self.open_orders += 1
        try:
            await self._order(place, cancel=cancel, **how)
        finally:
            self.open_orders -= 1

    async def _order(self, place: Place, *, cancel: bool, **how: Any) -> None:
        request_id = f"{self.name}-{next(self._numbers)}"
        ordered = place.ledger.order(self.name, request_id)
        exits, cuts = place.exits[self.name], self.cuts
        moment, heard = place.moment(), place.state.may_speak(self.name)
        order = self.client.order(
            "A story", room=place.name, request_id=request_id, **how
        )
        try:
            await order.accepted()
        except OrderError as refusal:
            unfair = heard and refusal.code in RIGHTS
            self._refused(place, refusal, unfair=unfair, moment=moment)
            return
        if not heard and place.unchanged_since(moment):
            self._report.wrong(f"{request_id} in {place.name} was not refused")
        if order.ack:  # where the answer was quicker, the ack is still to come
            ordered.accept()
        await self._read(order, cancel=cancel)
        self._report.counts[f"orders {order.status}"] += 1
        if not order.ack:
            return
        ordered.accept()
        if cuts == self.cuts:
            self.told.append(request_id)
        # Who is on the way out just now may have missed the end.
        stayed = exits == place.exits[self.name] and place.moment() is not None
        if stayed and not ordered.orphaned:
            self._take_answers(ordered, order)

    async def _read(self, order: Order, *, cancel: bool) -> None:
        if cancel:
            with contextlib.suppress(TapsterError):
                await order.cancel()
        with contextlib.suppress(OrderError):
            await order.text()

    def _take_answers(self, ordered: Ordered, order: Order) -> None:
        texts = [text for text in order.outputs.values() if text]
        ordered.answers = Counter(texts)
        if order.status == RequestState.COMPLETED and not all(map(is_story, texts)):
            self._report.wrong(f"{order.request_id} was answered {texts}")

    def _refused(
        self, place: Place, refusal: TapsterError, *, unfair: bool, moment: int | None
    ) -> None:
        """Note a refusal; an unfair one is wrong, if no deed came in between."""
        self._report.counts[f"refused with {refusal.code}"] += 1
        if unfair and place.unchanged_since(moment):
            self._report.wrong(f"{self.name} in {place.name} was told: {refusal}")
