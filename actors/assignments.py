"""The Assignments actor: which extension answers which request.

Owns      which extensions can be reached and how many requests each has; the
          connection policy, and which extensions each room may use by it; which
          extensions are given nothing new, until the process ends
Receives  Available, Unavailable, Gone, Place, Release, Forget, GetAvailable,
          RoomOpened, RoomClosed, RoomDeleted, SetPolicy, GetPolicy, Assign,
          GetAssignments, GetAssignmentsFor, GetClientRooms, Drain, Undrain,
          GetDraining, Committed
Sends     Placed or NotPlaced to whoever asked for a place; AssignmentChanged to
          rooms; the policy and what was assigned by it to the store
Stops     with the broker

To place a request costs as much as there are extensions; all rooms are looked at only
when the policy or an extension changes, and they hear of it a few at a time.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Collection, Iterable
from typing import Any, Final, TypeAlias, assert_never

import msgspec
import pykka

from actors.assignment_records import PutAssignments, PutPolicy, Remembered
from actors.base import LoopActor, LoopRef
from actors.choice import Choice, unknown
from actors.errors import BrokerError, Code, NotFoundError, RefusedError
from actors.future import LoopFuture
from actors.open_rooms import OpenRoom, OpenRooms
from actors.policies import (
    ONE_EACH,
    Assigned,
    ByHand,
    ConnectionPolicy,
    Table,
    allot,
    inherited,
)
from actors.records import Committed, Write
from actors.roles import Caller
from actors.roster import Roster


class Available(msgspec.Struct, frozen=True):
    """An extension can be given requests."""

    identity: str
    client: str
    ref: LoopRef[Any]


class Unavailable(msgspec.Struct, frozen=True):
    """An extension's socket is lost; it keeps its rooms, and can be waited for."""

    identity: str


class Gone(msgspec.Struct, frozen=True):
    """An extension has left for good."""

    identity: str


class Place(msgspec.Struct, frozen=True):
    """Choose extensions for a request that is said in ``room``.

    ``targets`` are identities or clientIds; none: the policy chooses. ``avoid``: it
    chose these before, and now one other is wanted instead.
    """

    request: str
    targets: tuple[str, ...]
    reply_to: LoopRef[Any]
    room: str
    avoid: Collection[str] = ()


class Release(msgspec.Struct, frozen=True):
    """A request no longer burdens an extension; idempotent."""

    request: str
    identity: str


class Forget(msgspec.Struct, frozen=True):
    """A request has ended and burdens nobody; idempotent."""

    request: str


class GetAvailable(msgspec.Struct, frozen=True):
    """Answers with the identities that can be given requests."""


class RoomOpened(msgspec.Struct, frozen=True):
    """A room is there, or is there anew; ``client_room``: it is a client's own."""

    room: str
    ref: LoopRef[Any]
    client_room: bool


class RoomClosed(msgspec.Struct, frozen=True):
    """Nobody is in a room for now; what it was assigned by hand stays. Idempotent."""

    room: str


class RoomDeleted(msgspec.Struct, frozen=True):
    """A room is no more, and nothing is assigned to its name; idempotent."""

    room: str


class SetPolicy(msgspec.Struct, frozen=True):
    """Give out extensions otherwise; answers with ``Settled``."""

    policy: ConnectionPolicy
    by: Caller


class GetPolicy(msgspec.Struct, frozen=True):
    """Answers with the ``ConnectionPolicy`` in force."""


class Assign(msgspec.Struct, frozen=True):
    """Let a room use these extensions and no others; answers with ``Settled``."""

    room: str
    extensions: tuple[str, ...]
    by: Caller


class GetAssignments(msgspec.Struct, frozen=True):
    """Answers with every room and the extensions it may use."""


class GetAssignmentsFor(msgspec.Struct, frozen=True):
    """Answers with the extensions a room may use."""

    room: str


class GetClientRooms(msgspec.Struct, frozen=True):
    """Answers with the rooms that are clients' own."""


class Drain(msgspec.Struct, frozen=True):
    """Give an extension nothing new: it finishes what it has; idempotent."""

    identity: str
    by: Caller


class Undrain(msgspec.Struct, frozen=True):
    """Give it requests again; idempotent."""

    identity: str
    by: Caller


class GetDraining(msgspec.Struct, frozen=True):
    """Answers with the identities that are given nothing new, here or not."""


class Settled(msgspec.Struct, frozen=True):
    """A change is in force, and on disk unless there is a warning."""

    warning: str | None = None


class Placement(msgspec.Struct, frozen=True):
    """One extension that a request goes to."""

    identity: str
    client: str
    ref: LoopRef[Any]
    by_policy: bool
    """The policy chose it among others, and may choose another in its stead."""


class Placed(msgspec.Struct, frozen=True):
    """The request's extensions, at least one."""

    placements: tuple[Placement, ...]


class NotPlaced(msgspec.Struct, frozen=True):
    """Nobody can answer the request, and why."""

    error: BrokerError


class _TellRooms(msgspec.Struct, frozen=True):
    """Tell rooms what is news to them."""


class _StartOver(msgspec.Struct, frozen=True):
    """Whoever is remembered and has not come back by now has gone."""


Message: TypeAlias = (
    Available
    | Unavailable
    | Gone
    | Place
    | Release
    | Forget
    | GetAvailable
    | RoomOpened
    | RoomClosed
    | RoomDeleted
    | SetPolicy
    | GetPolicy
    | Assign
    | GetAssignments
    | GetAssignmentsFor
    | GetClientRooms
    | Drain
    | Undrain
    | GetDraining
    | Committed
    | _TellRooms
    | _StartOver
)

ON_DISK: Final = Settled()
NOT_ON_DISK: Final = Settled("the store is down: a restart would undo this")


class Assignments(LoopActor):
    """The connection policy at work."""

    def __init__(
        self,
        store: pykka.ActorRef[Any],
        remembered: Remembered = Remembered(),  # noqa: B008 - frozen
        grace: float = 30,
        chance: random.Random | None = None,
    ) -> None:
        """Go on as remembered; ``grace``: so long extensions may take to be back."""
        super().__init__()
        self._store = store
        self._grace = grace
        self._chance = chance or random.Random()  # noqa: S311 - not a secret
        self._policy = remembered.policy
        self._stored: dict[str, Assigned] = dict(remembered.assignments)
        self._roster = Roster()
        self._expected: set[str] = set()
        if self._policy in ONE_EACH:
            self._expected.update(*self._stored.values())
        self._rooms = OpenRooms()
        self._waiting: dict[int, LoopFuture[Settled]] = {}
        self._tokens = itertools.count(1)
        self._allotment = allot(
            self._policy,
            sorted(self._expected),
            tuple(self._stored),
            self._stored,
            self._chance,
        )

    def on_start(self) -> None:
        """Wait for who was here when the last process ended."""
        if self._stored:
            self.tell_later(self._grace, _StartOver())

    def on_receive(self, message: Message) -> Any:
        """Handle one message."""
        match message:
            case Place():
                return self._place(message)
            case Release(request, identity):
                return self._roster.release(request, identity)
            case Forget(request):
                return self._roster.forget(request)
            case Available() | Unavailable() | Gone():
                return self._extension_changed(message)
            case RoomOpened(name, ref, client_room):
                return self._open(name, OpenRoom(ref, client_room=client_room))
            case RoomClosed(name):
                return self._close_room(name)
            case RoomDeleted(name):
                self._rooms.remove(name)
                return self._changed(self._allotment.forget(name))
            case SetPolicy(policy, by):
                return self._set_policy(policy, by)
            case Assign():
                return self._assign(message)
            case Drain(identity, by):
                return self._drain(identity, by)
            case Undrain(identity, by):
                return self._undrain(identity, by)
            case Committed(ok, token):
                return self._committed(token, ok=ok)
            case _TellRooms():
                return self._tell_rooms()
            case _StartOver():
                return self._start_over()
            case _:
                return self._answer(message)

    def _answer(
        self,
        message: GetAvailable
        | GetPolicy
        | GetAssignments
        | GetAssignmentsFor
        | GetClientRooms
        | GetDraining,
    ) -> Any:
        match message:
            case GetAvailable():
                return self._roster.available()
            case GetPolicy():
                return self._policy
            case GetAssignments():
                names = {*self._rooms.names(), *self._kept()}
                return {name: self._allotment.of(name) for name in sorted(names)}
            case GetAssignmentsFor(name):
                self._must_know(name)
                return self._allotment.of(name)
            case GetClientRooms():
                return self._rooms.client_rooms()
            case GetDraining():
                return self._roster.draining()
            case _:
                assert_never(message)

    # -- extensions and rooms that come and go

    def _extension_changed(self, message: Available | Unavailable | Gone) -> None:
        identity = message.identity
        match message:
            case Available(_, client, ref):
                self._expected.discard(identity)
                self._roster.enter(identity, client, ref)
                if not self._roster.is_draining(identity):
                    self._changed(self._allotment.enter(identity))
            case Unavailable():
                self._roster.suspend(identity)
            case Gone():
                self._expected.discard(identity)
                self._roster.remove(identity)
                self._changed(self._allotment.leave(identity))

    def _open(self, name: str, room: OpenRoom) -> None:
        self._rooms.add(name, room)
        self._changed(self._allotment.open(name))
        surplus = self._rooms.surplus()
        if surplus is not None:
            self._close_room(surplus)

    def _close_room(self, name: str) -> None:
        if name in self._rooms:
            self._rooms.remove(name)
            self._changed(self._allotment.close(name))

    def _start_over(self) -> None:
        """Expect nobody any more, and keep no place for rooms that did not open."""
        for name in tuple(self._kept()):
            if name not in self._rooms:
                self._changed(self._allotment.close(name))
        for identity in self._expected:
            self._changed(self._allotment.leave(identity))
        self._expected.clear()

    # -- draining

    def _drain(self, identity: str, by: Caller) -> None:
        """Rooms that had it are given another, where the policy gives."""
        _must_monitor(by, "drains SillyTaverns")
        if identity not in self._roster:
            raise unknown(identity)
        self._roster.drain(identity)
        self._changed(self._allotment.leave(identity))

    def _undrain(self, identity: str, by: Caller) -> None:
        _must_monitor(by, "drains SillyTaverns")
        here = identity in self._roster
        if not here and not self._roster.is_draining(identity):
            raise unknown(identity)
        self._roster.undrain(identity)
        if here:
            self._changed(self._allotment.enter(identity))

    # -- the policy

    def _set_policy(
        self, policy: ConnectionPolicy, by: Caller
    ) -> LoopFuture[Settled] | Settled:
        _must_monitor(by, "changes the connection policy")
        if policy is not self._policy:
            before = self._kept()
            earlier = inherited(self._policy, policy, before)
            self._policy = policy
            self._expected.clear()
            self._allotment = allot(
                policy,
                self._roster.willing(),
                self._rooms.names(),
                earlier,
                self._chance,
            )
            self._changed({*self._rooms.names(), *before})
        return self._settled()

    def _assign(self, message: Assign) -> LoopFuture[Settled] | Settled:
        _must_monitor(message.by, "assigns SillyTaverns")
        allotment = self._allotment
        if not isinstance(allotment, ByHand):
            raise RefusedError(
                f"the policy is {self._policy}: assignments by hand need "
                f"{ConnectionPolicy.MANUAL}",
                Code.INVALID_REQUEST,
            )
        self._must_know(message.room)
        assigned = allotment.of(message.room)
        for identity in message.extensions:
            if identity not in self._roster and identity not in assigned:
                raise unknown(identity)
        self._changed(allotment.assign(message.room, message.extensions))
        return self._settled()

    def _must_know(self, name: str) -> None:
        if name not in self._rooms and name not in self._kept():
            raise NotFoundError(
                f"there is no room {name!r}, or nobody is in it", Code.ROOM_NOT_FOUND
            )

    # -- placing

    def _place(self, message: Place) -> None:
        if message.room not in self._rooms:
            self._open(message.room, OpenRoom(None, client_room=False))
        choice = Choice(
            roster=self._roster,
            policy=self._policy,
            room=message.room,
            assigned=self._allotment.of(message.room),
            avoid=message.avoid,
        )
        try:
            placements = self._placements(choice, message)
        except BrokerError as error:
            message.reply_to.tell(NotPlaced(error))
        else:
            message.reply_to.tell(Placed(placements))

    def _placements(self, choice: Choice, message: Place) -> tuple[Placement, ...]:
        if message.targets:
            chosen: Collection[str] = dict.fromkeys(map(choice.named, message.targets))
        else:
            chosen = choice.by_policy()
        self._roster.burden(message.request, chosen)
        # Of all that Broadcast asks, none can stand in for another.
        by_policy = not message.targets and not choice.asks_all
        instances = ((identity, self._roster[identity]) for identity in chosen)
        return tuple(
            Placement(identity, instance.client, instance.ref, by_policy)
            for identity, instance in instances
        )

    # -- news

    def _changed(self, rooms: Collection[str]) -> None:
        """Store and tell what is another assignment now, if it is."""
        if not rooms:
            return
        self._store_changes(rooms)
        if not self._rooms.has_news:
            self.tell_later(0, _TellRooms())
        self._rooms.note(rooms)

    def _tell_rooms(self) -> None:
        self._rooms.tell_some(self._allotment.of)
        if self._rooms.has_news:
            self.tell_later(0, _TellRooms())

    def _kept(self) -> Table:
        return self._allotment.table()

    def _store_changes(self, rooms: Iterable[str]) -> None:
        table = self._kept()
        changes = {
            name: assigned
            for name in rooms
            if (assigned := table.get(name, ())) != self._stored.get(name, ())
        }
        # What can not be stored is in force all the same: whoever asked is told.
        if changes and self._tell_store(PutAssignments(changes)):
            self._stored.update(changes)
            for name, assigned in changes.items():
                if not assigned:
                    del self._stored[name]

    def _settled(self) -> LoopFuture[Settled] | Settled:
        """Answer when all that was written up to now is on disk."""
        token, future = next(self._tokens), self.defer()
        write = PutPolicy(self._policy, reply_to=self.actor_ref, token=token)
        if not self._tell_store(write):
            return NOT_ON_DISK
        self._waiting[token] = future
        return future

    def _committed(self, token: int, *, ok: bool) -> None:
        future = self._waiting.pop(token, None)
        if future is not None:
            future.set(ON_DISK if ok else NOT_ON_DISK)

    def _tell_store(self, write: Write) -> bool:
        try:
            self._store.tell(write)
        except BrokerError:  # it is gone, or far behind
            return False
        return True


def _must_monitor(by: Caller, what: str) -> None:
    if not by.monitors:
        raise RefusedError(f"only a monitor {what}")
