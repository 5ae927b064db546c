"""What is ordered in one room: what waits, what runs, what came of it.

A part of the room actor, which owns the instance and hands it its messages. Decides
by ``actors.modes`` what becomes of an order, and records orders and answers.
"""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Iterator
from functools import partial
from typing import Any, Final, assert_never

import msgspec
import pykka

from actors import relay, relay_events
from actors.alarms import Alarms
from actors.answers import Resume
from actors.base import LoopRef, ask, watch
from actors.directory import Kind
from actors.errors import BrokerError, Code, NotFoundError, RefusedError
from actors.future import LoopFuture
from actors.hall_events import tell_room
from actors.lifecycle import RequestState
from actors.members import not_in
from actors.merging import BLANK_LINE, merge, text_of
from actors.message import Message, MessageKind, without_text
from actors.modes import RequestMode, Treatment, treatment
from actors.outbound import HOUSE, Order
from actors.premises import Premises
from actors.request_records import CloseRequest, RequestRow
from actors.roles import Action, Caller, Role
from actors.room_events import (
    Answer,
    Cancel,
    OrderMessage,
    Overhear,
    RequestClosed,
    RequestOpened,
    Submit,
)
from actors.room_notices import MessageAdded

THINK_REQUEST: Final = "THINK_REQUEST"


class Think(msgspec.Struct, frozen=True):
    """It is time to ask an extension to join in."""


class RoomOrders:
    """The requests of one room."""

    def __init__(self, premises: Premises, alarms: Alarms) -> None:
        self._premises = premises
        self._alarms = alarms
        self._open: dict[str, RequestOpened] = {}
        self._held: dict[str, Submit] = {}
        self._merged: dict[str, list[Submit]] = {}
        self._own_words: dict[str, Order] = {}
        self._overheard: dict[str, LoopRef[Any]] = {}
        self._sent_by_us: set[str] = set()
        self._thought_expected = False

    @property
    def busy(self) -> bool:
        """Whether somebody waits for something here."""
        return bool(self._open or self._held or self._merged)

    def receive(self, message: OrderMessage) -> Any:
        """Handle one of the room's messages."""
        match message:
            case Submit():
                return self._submit(message)
            case RequestOpened():
                return self._opened(message)
            case RequestClosed():
                return self._closed(message)
            case Overhear():
                return self._overhear(message)
            case Cancel():
                return self._cancel(message)
            case Resume():
                return self._resume(message)
            case _:
                assert_never(message)

    # -- in

    def _submit(self, message: Submit) -> None:
        """Decide what becomes of an order."""
        mode = self._premises.mode
        if message.request in self._sent_by_us:
            order = msgspec.structs.replace(message.order, mode=mode)
            self._send(msgspec.structs.replace(message, order=order), [])
            return
        try:
            role = self._admit(message.order)
        except BrokerError as error:
            message.relay.tell(relay_events.Barred(error))
            return
        order = self._as_said_here(message.order, role)
        ordered = msgspec.structs.replace(message, order=order)
        what = treatment(mode, role, has_target=bool(order.targets))
        match what:
            case _ if _is_dropped(order):
                dropped = RefusedError("a routing rule of this server drops this")
                message.relay.tell(relay_events.Barred(dropped))
            case Treatment.SEND:
                shared = role.rules and order.viewer is None
                self._send(ordered, self._take_held() if shared else [])
            # The verdict goes first: the store may be quicker than this turn.
            case Treatment.HOLD:
                self._held[message.request] = ordered
                message.relay.tell(relay_events.Held())
                self._record(ordered)
                self._tell_readers(ordered)
            case Treatment.RECORD:
                reason = f"the room's mode is {mode}: your message is kept, not sent"
                message.relay.tell(relay_events.Recorded(reason))
                self._record(ordered)
            case _:
                assert_never(what)

    def _opened(self, message: RequestOpened) -> None:
        """A request that was let go has its extension."""
        self._open[message.request] = message
        if message.request not in self._sent_by_us:
            # What was held is recorded already, each text as its author's.
            own = self._own_words.pop(message.request, message.order)
            self._record(msgspec.structs.replace(message, order=own))
        self._tell_readers(message)
        detour = message.order.detour
        if detour is not None and detour.room is not None and not message.order.viewer:
            overhear = Overhear(message.request, message.relay)
            tell_room(self._premises.house, detour.room, overhear)

    def _overhear(self, message: Overhear) -> None:
        """Let the members hear what is answered in another room."""
        self._overheard[message.request] = message.relay
        watch(message.relay, partial(self._overheard_all, message.request))
        self._tell_overhearers(message.relay)

    def _overheard_all(self, request: str, _relay: pykka.ActorRef[Any]) -> None:
        self._overheard.pop(request, None)

    def _tell_overhearers(self, relay_ref: LoopRef[Any]) -> None:
        present = self._premises.members.present()
        relay_ref.tell(relay_events.OverhearersChanged(present))

    def _closed(self, message: RequestClosed) -> None:
        """A request has ended: record its answers, and end what was merged into it."""
        self._open.pop(message.request, None)
        self._held.pop(message.request, None)
        self._own_words.pop(message.request, None)
        self._sent_by_us.discard(message.request)
        for others in self._merged.values():
            others[:] = [each for each in others if each.request != message.request]
        for answer in message.answers:
            self._record_answer(message, answer)
        merged = self._merged.pop(message.request, [])
        if not message.placed:
            self._hold_again(merged)
            return
        # Behind its answers: what is stored as ended has them stored too.
        self._premises.write(
            CloseRequest(message.request, message.state, message.error)
        )
        ended = relay_events.EndShared(message.state, message.error, message.code)
        for submitted in merged:
            submitted.relay.tell(ended)

    def _cancel(self, message: Cancel) -> LoopFuture[Any]:
        """Call off a request of this room."""
        caller = message.caller
        found = self._find(message.request_id, caller.identity, message.requester)
        if found is None:
            self._premises.members.allow(Action.READ, caller)
            raise NotFoundError(
                f"there is no request {message.request_id!r} in {self._premises.name}"
            )
        if caller.identity != found.order.requester:
            self._premises.members.allow(Action.CANCEL_OTHERS, caller)
        return ask(
            found.relay,
            relay_events.Cancel(caller.identity, entitled=True),
            timeout=self._premises.house.patience.ask_timeout,
        )

    def _resume(self, message: Resume) -> None:
        """Let a member go on reading an answer of this room."""
        found = self._find(message.request_id, message.reader, message.requester)
        if message.reader not in self._premises.members and not message.entitled:
            message.port.resumed(not_in(self._premises.name))
        elif found is not None:
            found.relay.tell(message)
        else:
            self._premises.house.answers.tell(message)

    # -- what others change

    def readers_changed(self) -> None:
        """Members have come or gone."""
        ordered: list[Submit | RequestOpened] = [*self._open.values()]
        ordered += self._held.values()
        for each in ordered:
            self._tell_readers(each)
        for relay_ref in self._overheard.values():
            self._tell_overhearers(relay_ref)

    def send_held(self, by: Caller, role: Role) -> None:
        """Send what is held, merged, in somebody's name."""
        held = self._take_held()
        if not held:
            return
        first, *others = (submitted.order for submitted in held)
        joined = BLANK_LINE.join(text_of(order) for order in (first, *others))
        order = Order(
            request_id=f"held-{secrets.token_hex(6)}",
            requester=by.identity,
            client=by.client,
            kind=by.kind,
            room=self._premises.name,
            message=joined,
            role=role,
            extra={
                "isMerged": True,
                "mergedFromCount": len(held),
                "originalRequestIds": [s.order.request_id for s in held],
            },
        )
        self._merged[self._begin(order)] = held

    def put_out(self, identity: str) -> None:
        """Let somebody who is in no more resume nothing of what is answered yet."""
        for each in self._ordered():
            if each.order.requester == identity:
                each.relay.tell(relay_events.RequesterPutOut())

    def drop_held_of(self, identity: str, by: str) -> None:
        """Let nothing go out any more that somebody had wanted to say."""
        for submitted in tuple(self._held.values()):
            if submitted.order.requester == identity:
                submitted.relay.tell(relay_events.Cancel(by, entitled=True))

    def drop_all(self, by: str) -> None:
        """The room is no more: nothing of it goes on."""
        for relay_ref in self._relays():
            relay_ref.tell(relay_events.Cancel(by, entitled=True))

    def fail_held(self) -> None:
        """The room has crashed: nobody would ever end what waits here."""
        failed = relay_events.EndShared(
            RequestState.FAILED, "internal error", Code.INTERNAL
        )
        for submitted in itertools.chain(self._held.values(), *self._merged.values()):
            submitted.relay.tell(failed)

    def think(self) -> None:
        """Ask an extension to join in: somebody has spoken since the last time."""
        self._thought_expected = False
        conversational = self._premises.mode is RequestMode.CONVERSATIONAL
        if not conversational or not self._premises.members.present():
            return
        order = Order(
            request_id=f"think-{secrets.token_hex(6)}",
            requester=HOUSE,
            room=self._premises.name,
            message="",
            extra={"type": THINK_REQUEST},
        )
        self._begin(order)

    def expect_thought(self) -> None:
        """Somebody has spoken: have an extension join in, some time later."""
        conversational = self._premises.mode is RequestMode.CONVERSATIONAL
        if not conversational or self._thought_expected:
            return
        self._thought_expected = True
        patience = self._premises.house.patience
        seconds = self._premises.house.between(
            patience.think_after, patience.think_before
        )
        self._alarms.set("think", seconds, Think())

    # -- how

    def _admit(self, order: Order) -> Role:
        members = self._premises.members
        members.allow(Action.ORDER, order.caller)
        member = members.get(order.requester)
        if member is not None and member.muted and not order.caller.monitors:
            raise RefusedError(f"you are muted in room {self._premises.name}")
        role = members.role_of(order.caller)
        if role is None:
            raise not_in(self._premises.name)
        return role

    def _as_said_here(self, order: Order, role: Role) -> Order:
        mode = self._premises.mode
        viewer = order.requester if mode is RequestMode.SEPARATE else None
        return msgspec.structs.replace(order, role=role, mode=mode, viewer=viewer)

    def _send(self, message: Submit, held: list[Submit]) -> None:
        """Let a request go, with what was held before it."""
        if held:
            self._merged[message.request] = held
            self._own_words[message.request] = message.order
        told = {s.request for s in self._merged.get(message.request, [])}
        order = merge(message.order, [submitted.order for submitted in held])
        context = self._premises.transcript.context(order.viewer, told)
        cleared = msgspec.structs.replace(order, context=context)
        message.relay.tell(relay_events.Cleared(cleared))

    def _take_held(self) -> list[Submit]:
        """What is held, special members' first, the oldest first among each."""
        held, self._held = list(self._held.values()), {}
        return sorted(held, key=lambda submitted: submitted.order.role != Role.SPECIAL)

    def _hold_again(self, merged: list[Submit]) -> None:
        again = {submitted.request: submitted for submitted in merged}
        self._held = {**again, **self._held}

    def _begin(self, order: Order) -> str:
        """Start a request of the room's own."""
        request = secrets.token_hex(8)
        house = self._premises.house
        ref = relay.Relay.start(house, request, order)
        house.directory.add(Kind.REQUEST, request, ref)
        self._sent_by_us.add(request)
        ref.tell(relay.Begin())
        return request

    def _record(self, message: Submit | RequestOpened) -> None:
        order, premises = message.order, self._premises
        recorded = premises.transcript.add(
            _said(order),
            author=order.requester,
            client=order.client,
            role=order.role,
            kind=MessageKind.REQUEST,
            viewer=order.viewer,
            request=message.request,
        )
        row = RequestRow(message.request, order.requester, order.request_id, order.room)
        write = premises.message_write(recorded, row)
        premises.write(msgspec.structs.replace(write, reply_to=message.relay))
        premises.publish(
            MessageAdded(premises.name, recorded.body), premises.viewers(order.viewer)
        )
        self.expect_thought()

    def _record_answer(self, closed: RequestClosed, answer: Answer) -> None:
        order, premises = closed.order, self._premises
        fields = {
            "data": msgspec.Raw(b'"%b"' % answer.text),
            "requestId": order.request_id,
            "responseId": answer.message_id,
            "outputId": answer.output_id,
            "status": closed.state,
        }
        message = premises.transcript.add(
            fields,
            author=answer.extension,
            client=answer.extension_client,
            role="assistant",
            kind=MessageKind.ANSWER,
            viewer=order.viewer,
            request=closed.request,
            message_id=answer.message_id,
        )
        premises.write(premises.message_write(message))
        self._show_answer(order, answer, message)

    def _show_answer(self, order: Order, answer: Answer, message: Message) -> None:
        """Show an answer, without its text to those who have read it already."""
        premises = self._premises
        viewers = premises.viewers(order.viewer)
        if order.detour is not None and order.detour.instead and not order.viewer:
            return  # it goes elsewhere
        if answer.whole:
            premises.publish(MessageAdded(premises.name, message.body), viewers)
            return
        unread = [] if order.streaming else [order.requester]
        premises.publish(
            MessageAdded(premises.name, without_text(message.body)),
            [viewer for viewer in viewers if viewer not in unread],
        )
        premises.publish(
            MessageAdded(premises.name, message.body),
            [viewer for viewer in viewers if viewer in unread],
        )

    def _tell_readers(self, ordered: Submit | RequestOpened) -> None:
        readers = tuple(self._readers(ordered.order))
        ordered.relay.tell(relay_events.ReadersChanged(readers))

    def _readers(self, order: Order) -> list[str]:
        """Who hears the answers to an order."""
        detour = order.detour
        if order.viewer is not None:
            readers = list(self._premises.viewers(order.viewer))
        elif detour is not None and detour.instead:
            readers = []
        else:
            readers = list(self._premises.members.present())
        if detour is not None and detour.identity and order.viewer is None:
            readers.append(detour.identity)
        if order.caller.monitors:
            readers.append(order.requester)
        return list(dict.fromkeys(readers))

    def _relays(self) -> Iterator[LoopRef[Any]]:
        return (each.relay for each in self._ordered())

    def _ordered(self) -> Iterator[Submit | RequestOpened]:
        yield from self._open.values()
        yield from self._held.values()
        for merged in self._merged.values():
            yield from merged

    def _find(
        self, request_id: str, by: str, requester: str | None
    ) -> Submit | RequestOpened | None:
        """An order by the id its requester gave it, one's own before another's."""
        found = [
            each
            for each in self._ordered()
            if each.order.request_id == request_id
            and requester in (None, each.order.requester)
        ]
        own = (each for each in found if each.order.requester == by)
        return next(own, found[0] if found else None)


def _said(order: Order) -> dict[str, Any]:
    """What is recorded of an order."""
    return {
        **order.extra,
        "requestId": order.request_id,
        "message": order.message,
        "data": order.data,
        "messages": order.messages,
        "requestType": order.request_type,
        "target": _named(order.targets),
    }


def _named(targets: tuple[str, ...]) -> str | tuple[str, ...] | None:
    """Targets as a client writes them."""
    return targets[0] if len(targets) == 1 else targets or None


def _is_dropped(order: Order) -> bool:
    """Whether a rule drops it; rules do not touch what is one's own alone."""
    detour = order.detour
    return detour is not None and detour.dropped and order.viewer is None
