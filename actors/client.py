"""The Client actor: one identity, for as long as it is here or may come back.

Owns      its sockets, its grace time, its requests in flight
Receives  Attach, Detach, PlaceOrder, FindOrder, Cancel, Resume, GetPresence
Sends     orders to relays of their own; RequesterGone to those when it is; to the
          hall, that it came and left
Stops     when the grace time after its last socket has passed
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from functools import partial
from typing import Any, TypeAlias, assert_never

import msgspec
import pykka

from actors import answers, hall_events, relay, relay_events
from actors.acceptance import Accepted
from actors.base import LoopActor, LoopRef, ask, watch
from actors.directory import Kind
from actors.errors import Code, NotFoundError, RefusedError, UnavailableError
from actors.future import LoopFuture
from actors.house import House
from actors.lifecycle import RequestState
from actors.limits import Limit, reached
from actors.outbound import Order
from actors.roles import CallerKind


class Attach(msgspec.Struct, frozen=True):
    """A socket of this identity is there; ``client`` must be whose it is."""

    socket: str
    client: str


class Detach(msgspec.Struct, frozen=True):
    """A socket is gone; ``deliberate``: its client said so, and needs no grace."""

    socket: str
    deliberate: bool


class PlaceOrder(msgspec.Struct, frozen=True):
    """Order an answer; answers with ``Accepted``."""

    order: Order


class FindOrder(msgspec.Struct, frozen=True):
    """Answers with ``Accepted`` of a request under way; starts none."""

    request_id: str


class Cancel(msgspec.Struct, frozen=True):
    """Call off a request of one's own; answers with its state."""

    request_id: str


class GetPresence(msgspec.Struct, frozen=True):
    """Answers with ``Presence``."""


class Presence(msgspec.Struct, frozen=True):
    """Whose identity it is, and whether it is here."""

    client: str
    online: bool
    requests: int


class _GraceOver(msgspec.Struct, frozen=True):
    """The time to come back has passed, unless the identity did."""

    absence: int


Message: TypeAlias = (
    Attach
    | Detach
    | PlaceOrder
    | FindOrder
    | Cancel
    | answers.Resume
    | GetPresence
    | _GraceOver
)


class Client(LoopActor):
    """One identity of a client."""

    def __init__(
        self,
        house: House,
        identity: str,
        client: str,
        kind: CallerKind = CallerKind.CLIENT,
    ) -> None:
        super().__init__()
        self._house = house
        self._identity = identity
        self._client = client
        self._kind = kind
        self._sockets: set[str] = set()
        self._absences = 0
        self._requests: dict[str, LoopRef[relay.Relay]] = {}
        # Who resumes in the moment of a crash must not take it for the end of all.
        self.actor_inbox.leave_to(partial(_resume, self._requests, house.answers))

    def on_start(self) -> None:
        """Have the hall open the identity's own room, and go on after a crash."""
        came = hall_events.Came(self._identity, self._client, self._kind)
        self._house.hall.tell(came)
        left = self._house.directory.inherit(Kind.CLIENT, self._identity) or {}
        for request_id, ref in left.items():
            self._follow(request_id, ref)

    def on_stop(self) -> None:
        """Let go of what only this identity wanted."""
        for ref in self._requests.values():
            ref.tell(relay_events.RequesterGone())
        self._house.hall.tell(hall_events.Left(self._identity))

    def on_failure(self, *_exc_info: Any) -> None:
        """Leave sockets and requests to a fresh actor of the same name."""
        if self._sockets:
            directory = self._house.directory
            directory.bequeath(Kind.CLIENT, self._identity, self._requests)
        else:
            self.on_stop()

    def on_receive(self, message: Message) -> Any:
        """Handle one message."""
        match message:
            case PlaceOrder(order):
                return self._place_order(order)
            case FindOrder(request_id):
                return self._find_order(request_id)
            case Cancel(request_id):
                return self._cancel(request_id)
            case answers.Resume():
                return self._resume(message)
            case Attach(socket, client):
                return self._attach(socket, client)
            case Detach(socket, deliberate):
                return self._detach(socket, deliberate=deliberate)
            case GetPresence():
                return Presence(self._client, bool(self._sockets), len(self._requests))
            case _GraceOver(absence):
                return self._give_up(absence)
            case _:
                assert_never(message)

    def _attach(self, socket: str, client: str) -> None:
        if client != self._client:
            raise RefusedError(f"identity {self._identity!r} belongs to another client")
        self._sockets.add(socket)

    def _detach(self, socket: str, *, deliberate: bool) -> None:
        # It may be unknown: a crash has taken the actor that it came to.
        self._sockets.discard(socket)
        if self._sockets:
            return
        self._absences += 1
        if deliberate:
            self._give_up(self._absences)
        else:
            self._wait_for_return()

    def _wait_for_return(self) -> None:
        self._house.hall.tell(hall_events.Away(self._identity))
        grace = self._house.patience.reconnect_grace
        self.tell_later(grace, _GraceOver(self._absences))

    def _give_up(self, absence: int) -> None:
        if self._sockets or absence != self._absences:
            return
        if self.actor_inbox.empty():
            self.stop()
        else:  # somebody is at the door in this very moment: look again
            self._wait_for_return()

    def _place_order(self, order: Order) -> LoopFuture[Any]:
        timeout = self._house.patience.ask_timeout
        known = self._requests.get(order.request_id)
        if known is not None:
            return ask(known, relay.GetState(), timeout=timeout)
        if len(self._requests) >= self._house.patience.requests_in_flight:
            reached[Limit.REQUESTS_IN_FLIGHT] += 1
            raise RefusedError(
                f"you have {len(self._requests)} requests in flight already: wait "
                "until one has ended, or cancel one",
                Code.TOO_MANY_REQUESTS,
            )
        request = secrets.token_hex(8)
        ref = relay.Relay.start(self._house, request, order)
        self._house.directory.add(Kind.REQUEST, request, ref)
        self._follow(order.request_id, ref)
        return ask(ref, relay.Begin(), timeout=timeout)

    def _follow(self, request_id: str, ref: LoopRef[relay.Relay]) -> None:
        self._requests[request_id] = ref
        watch(ref, lambda ended: self._request_over(request_id, ended))

    def _find_order(self, request_id: str) -> LoopFuture[Accepted]:
        known = self._requests.get(request_id)
        if known is None:
            raise UnavailableError(
                "the broker stops and takes no orders: order again when it is back"
            )
        return ask(known, relay.GetState(), timeout=self._house.patience.ask_timeout)

    def _request_over(self, request_id: str, ended: pykka.ActorRef[Any]) -> None:
        if self._requests.get(request_id) is ended:
            del self._requests[request_id]

    def _cancel(self, request_id: str) -> LoopFuture[RequestState]:
        ref = self._requests.get(request_id)
        if ref is None:
            raise NotFoundError(f"you have no request {request_id!r}, or it has ended")
        timeout = self._house.patience.ask_timeout
        return ask(ref, relay_events.Cancel(self._identity), timeout=timeout)

    def _resume(self, message: answers.Resume) -> None:
        _resume(self._requests, self._house.answers, message)


def _resume(
    requests: Mapping[str, LoopRef[relay.Relay]],
    kept: LoopRef[answers.Answers],
    message: Any,
) -> bool:
    """Ask whoever has the answer, even where the client's actor has ended."""
    if isinstance(message, answers.Resume):
        (requests.get(message.request_id) or kept).tell(message)
        return True
    return False
