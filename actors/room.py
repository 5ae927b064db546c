"""The Room actor: who is in a room, and which requests are said in it.

Owns      the member list of one room and its open requests
Receives  Add, Remove, GetMembers, RequestOpened, RequestClosed, Cancel, Resume,
          OwnerCame, OwnerLeft
Sends     its members, as they change, to the relays of its requests
Stops     when its owner has left and nothing is said in it any more
"""

from __future__ import annotations

from typing import Any, TypeAlias, assert_never

import msgspec

from actors import answers, relay_events
from actors.base import LoopActor, LoopRef, ask
from actors.errors import Code, NotFoundError, RefusedError
from actors.future import LoopFuture
from actors.house import House
from actors.outbound import Order


class Add(msgspec.Struct, frozen=True):
    """Take an identity in; ``by`` must own the room, or be ``entitled``."""

    identity: str
    by: str
    entitled: bool = False


class Remove(msgspec.Struct, frozen=True):
    """Put an identity out; ``by`` must own the room, or be ``entitled``."""

    identity: str
    by: str
    entitled: bool = False


class GetMembers(msgspec.Struct, frozen=True):
    """Answers with the identities in the room; ``by`` must be one of them."""

    by: str
    entitled: bool = False


class RequestOpened(msgspec.Struct, frozen=True):
    """A request is said in this room."""

    request: str
    order: Order
    relay: LoopRef[Any]


class RequestClosed(msgspec.Struct, frozen=True):
    """A request of this room has ended; idempotent."""

    request: str


class Cancel(msgspec.Struct, frozen=True):
    """Call off another member's request; answers with its state."""

    request_id: str
    by: str
    entitled: bool = False


class OwnerCame(msgspec.Struct, frozen=True):
    """The owner's client actor lives."""


class OwnerLeft(msgspec.Struct, frozen=True):
    """The owner's client actor has ended; another of that name may follow."""


class _Linger(msgspec.Struct, frozen=True):
    """Look whether the owner has stayed away."""


Message: TypeAlias = (
    OwnerCame
    | OwnerLeft
    | _Linger
    | Add
    | Remove
    | GetMembers
    | RequestOpened
    | RequestClosed
    | Cancel
    | answers.Resume
)


class Room(LoopActor):
    """A client's own room: its owner is its master and can not leave it."""

    def __init__(self, house: House, name: str, owner: str) -> None:
        super().__init__()
        self._house = house
        self._name = name
        self._owner = owner
        self._members: dict[str, None] = {owner: None}
        self._requests: dict[str, RequestOpened] = {}
        self._owned = True

    def on_receive(self, message: Message) -> Any:
        """Handle one message."""
        match message:
            case RequestOpened():
                self._requests[message.request] = message
                return message.relay.tell(
                    relay_events.ReadersChanged(tuple(self._members))
                )
            case RequestClosed(request):
                self._requests.pop(request, None)
                return None
            case Add(identity, by, entitled):
                return self._add(identity, by, entitled=entitled)
            case Remove(identity, by, entitled):
                return self._remove(identity, by, entitled=entitled)
            case GetMembers(by, entitled):
                return self._get_members(by, entitled=entitled)
            case Cancel(request_id, by, entitled):
                return self._cancel(request_id, by, entitled=entitled)
            case answers.Resume():
                return self._resume(message)
            case OwnerCame():
                self._owned = True
                return None
            case OwnerLeft():
                self._owned = False
                return self._linger()
            case _Linger():
                return self._linger()
            case _:
                assert_never(message)

    def _linger(self) -> None:
        if self._owned:
            return
        # Whoever sends to a room that is about to stop would be sent away: look again.
        if self._requests or not self.actor_inbox.empty():
            self.tell_later(self._house.patience.reconnect_grace, _Linger())
        else:
            self.stop()

    def _add(self, identity: str, by: str, *, entitled: bool) -> None:
        self._must_rule(by, entitled=entitled)
        if identity in self._members:
            raise RefusedError(
                f"{identity} is in room {self._name} already", Code.ALREADY_IN_ROOM
            )
        if len(self._members) >= self._house.patience.members_per_room:
            raise RefusedError(f"room {self._name} is full", Code.ROOM_ACCESS_DENIED)
        self._members[identity] = None
        self._tell_relays()

    def _remove(self, identity: str, by: str, *, entitled: bool) -> None:
        if by != identity:
            self._must_rule(by, entitled=entitled)
        if identity == self._owner:
            raise RefusedError(
                "nobody leaves a room of their own", Code.ROOM_ACCESS_DENIED
            )
        if identity not in self._members:
            raise NotFoundError(
                f"{identity} is not in room {self._name}", Code.NOT_IN_ROOM
            )
        del self._members[identity]
        self._tell_relays()

    def _get_members(self, by: str, *, entitled: bool) -> tuple[str, ...]:
        self._must_be_in(by, entitled=entitled)
        return tuple(self._members)

    def _cancel(self, request_id: str, by: str, *, entitled: bool) -> LoopFuture[Any]:
        entitled = entitled or by == self._owner
        opened = self._request(request_id)
        if opened is None:
            raise NotFoundError(f"there is no request {request_id!r} in {self._name}")
        return ask(
            opened.relay,
            relay_events.Cancel(by, entitled=entitled),
            timeout=self._house.patience.ask_timeout,
        )

    def _resume(self, message: answers.Resume) -> None:
        opened = self._request(message.request_id)
        if message.reader not in self._members:
            message.port.resumed(
                RefusedError(
                    f"you are not in room {self._name}", Code.ROOM_ACCESS_DENIED
                )
            )
        elif opened is not None:
            opened.relay.tell(message)
        else:
            self._house.answers.tell(message)

    def _request(self, request_id: str) -> RequestOpened | None:
        for opened in self._requests.values():
            if opened.order.request_id == request_id:
                return opened
        return None

    def _must_rule(self, by: str, *, entitled: bool) -> None:
        if by != self._owner and not entitled:
            raise RefusedError(
                f"only {self._owner} decides who is in room {self._name}",
                Code.ROOM_ACCESS_DENIED,
            )

    def _must_be_in(self, by: str, *, entitled: bool) -> None:
        if by not in self._members and not entitled:
            raise RefusedError(
                f"you are not in room {self._name}", Code.ROOM_ACCESS_DENIED
            )

    def _tell_relays(self) -> None:
        members = tuple(self._members)
        for opened in self._requests.values():
            opened.relay.tell(relay_events.ReadersChanged(members))
