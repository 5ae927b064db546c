"""The Hall actor: which rooms there are, and who is a member where.

Owns      the names of all rooms, awake and asleep; which identity is a member of
          which; the one name space of rooms and identities; the mode of new rooms
Receives  what ``actors.hall_events`` lists
Sends     rooms what is for them, waking those that sleep; to the rooms of an
          identity, that it came or left
Stops     with the broker

A room sleeps in the store and is an actor only while somebody needs it: own rooms
from the first that happens in them until their owner has left, all others from their
first use on.
"""

from __future__ import annotations

from functools import partial
from typing import Any, assert_never

import msgspec

from actors import room_events
from actors.answers import Resume
from actors.assignment_events import AssignmentChanged
from actors.assignments import RoomClosed, RoomOpened
from actors.base import LoopActor, LoopRef, ask
from actors.directory import Kind
from actors.errors import (
    BrokerError,
    Code,
    NotFoundError,
    RefusedError,
    UnavailableError,
)
from actors.future import LoopFuture
from actors.hall_events import (
    Away,
    Came,
    CountRooms,
    CreateRoom,
    Entered,
    Exited,
    ForRoom,
    GetDefaultMode,
    GetHolder,
    GetKnownRooms,
    GetRooms,
    Left,
    Loaded,
    Message,
    Open,
    RoomChanged,
    RoomEnded,
    RoomSummary,
    SetDefaultMode,
    SweepAll,
)
from actors.house import House
from actors.limits import Limit, reached
from actors.modes import RequestMode
from actors.outbound import HOUSE, NO_READERS
from actors.relay_events import Barred, Cancel
from actors.request_records import CloseRequest
from actors.roles import Caller, CallerKind
from actors.room import Room
from actors.room_notices import ExtensionsAvailable, RoomsChanged
from actors.room_records import (
    LoadRoom,
    PutDefaultMode,
    RoomIndex,
    RoomRow,
    StoredRoom,
)
from actors.store import Flush
from actors.transcript import TAIL


class _Waiting(msgspec.Struct, frozen=True):
    """A message for a room that is being woken, and who waits for its answer."""

    message: Any
    answer: LoopFuture[Any]


class Hall(LoopActor):
    """All rooms, by name."""

    _house: House

    def __init__(self, mode: RequestMode) -> None:
        super().__init__()
        self._mode = mode
        self._stored: set[str] = set()
        self._begun: set[str] = set()
        """Rooms that were started and have not been reported to have ended."""
        self._creators: dict[str, str] = {}
        self._created: dict[str, int] = {}
        self._summaries: dict[str, RoomSummary] = {}
        self._client_of: dict[str, str] = {}
        self._rooms_of: dict[str, dict[str, None]] = {}
        self._here: dict[str, Caller] = {}
        self._waking: dict[str, list[_Waiting]] = {}

    def on_receive(self, message: Message) -> Any:
        """Handle one message."""
        match message:
            case ForRoom(name, inner):
                return self._pass_on(name, inner)
            case Came(identity, client, kind):
                return self._came(Caller(identity, client, kind))
            case Away(identity):
                return self._tell_rooms(identity, room_events.MemberAway(identity))
            case Left(identity):
                return self._left(identity)
            case GetHolder(name):
                return self._holder(name)
            case CreateRoom():
                return self._create(message)
            case RoomChanged(summary):
                self._summaries[summary.name] = summary
                return None
            case Entered(room, identity, client):
                self._entered(room, identity, client)
                return self._tell_rooms_of(identity)
            case Exited(room, identity):
                self._exited(room, identity)
                return self._tell_rooms_of(identity)
            case RoomEnded(name, stored):
                return self._ended(name, stored=stored)
            case GetRooms(caller):
                return self._list(caller)
            case CountRooms():
                return len(self._creators) + len(self._here)
            case GetKnownRooms(caller):
                return self._known(caller)
            case SetDefaultMode(mode, caller):
                return self._set_mode(mode, caller)
            case GetDefaultMode():
                return self._mode
            case AssignmentChanged(room, extensions):
                notice = ExtensionsAvailable(extensions)
                return self._house.outbound.publish(notice, [room])
            case Loaded(name, stored):
                return self._woken(name, stored, failed=message.failed)
            case Open(house, index):
                return self._open(house, index)
            case SweepAll():
                return self._sweep()
            case _:
                assert_never(message)

    # -- the start

    def _open(self, house: House, index: RoomIndex) -> None:
        self._house = house
        if index.mode is not None:
            self._mode = RequestMode(index.mode)
        for row in index.rooms:
            self._stored.add(row.name)
            if row.owner is None:
                self._count(row.name, row.creator)
        masters: dict[str, str] = {}
        sizes: dict[str, int] = {}
        for room, identity, client, role in index.members:
            self._entered(room, identity, client)
            sizes[room] = sizes.get(room, 0) + 1
            if role == "master":
                masters.setdefault(room, identity)
        for row in index.rooms:
            self._summaries[row.name] = RoomSummary(
                name=row.name,
                mode=row.mode,
                members=sizes.get(row.name, 0),
                master=masters.get(row.name),
                open=row.open,
                keep=row.keep or row.owner is not None,
            )
        self.tell_later(house.patience.reconnect_grace, SweepAll())

    def _sweep(self) -> None:
        """Have rooms look who has not come back since the start."""
        names = {name for name, room in self._summaries.items() if not room.keep}
        for identity, rooms in self._rooms_of.items():
            if identity not in self._here:
                names |= rooms.keys() - self._creators.keys() - {identity}
        for name in names:
            self._tell(name, room_events.Sweep())

    # -- who is here

    def _came(self, caller: Caller) -> None:
        identity = caller.identity
        self._here[identity] = caller
        self._entered(identity, identity, caller.client)
        self._tell_rooms_of(identity)
        if self._is_untouched(identity) and caller.kind is CallerKind.CLIENT:
            opened = RoomOpened(identity, self.actor_ref, client_room=True)
            self._house.assignments.tell(opened)
        self._tell_rooms(identity, room_events.MemberCame(identity))

    def _left(self, identity: str) -> None:
        self._here.pop(identity, None)
        self._house.outbound.publish(RoomsChanged(identity, ()), NO_READERS)
        self._tell_rooms(identity, room_events.MemberGone(identity))
        if self._is_untouched(identity):
            self._house.assignments.tell(RoomClosed(identity))
            self._exited(identity, identity)

    def _tell_rooms(self, identity: str, message: Any) -> None:
        for name in self._rooms_of.get(identity, ()):
            self._tell(name, message)

    def _is_untouched(self, identity: str) -> bool:
        """Whether an own room is no actor yet: nothing has happened in it."""
        return not self._is_awake(identity) and not self._sleeps(identity)

    def _begin_own(self, owner: Caller) -> LoopRef[Room]:
        row = RoomRow(
            name=owner.identity,
            owner=owner.identity,
            creator=owner.identity,
            mode=self._mode,
            created_at=self._house.clock(),
        )
        ref = self._start(Room.start(self._house, row, owner=owner), owner.identity)
        ref.tell(room_events.MemberCame(owner.identity))
        return ref

    def _holder(self, name: str) -> str | None:
        """Whose an identity is; empty where the name is a room's."""
        if name in self._creators:
            return ""
        here = self._here.get(name)
        if here is not None:
            return here.client
        return self._client_of.get(name)

    # -- rooms

    def _create(self, message: CreateRoom) -> LoopFuture[Any]:
        caller, name = message.caller, message.name
        self._must_create(caller)
        if self._is_taken(name):
            raise RefusedError(f"there is a room {name} already", Code.ROOM_EXISTS)
        row = RoomRow(
            name=name,
            creator=caller.identity,
            mode=message.mode or self._mode,
            open=message.open,
            password=message.password,
            keep=message.keep,
            created_at=self._house.clock(),
        )
        self._count(name, caller.identity)
        ref = self._start(Room.start(self._house, row), name)
        founded = room_events.Founded(caller)
        return ask(ref, founded, timeout=self._house.patience.ask_timeout)

    def _must_create(self, caller: Caller) -> None:
        rules, limit = self._house.rules, self._house.patience.rooms_per_identity
        if caller.monitors:
            return
        extension = caller.kind is CallerKind.EXTENSION
        if extension and not rules.extensions_manage_rooms:
            raise RefusedError("SillyTaverns may not create rooms here")
        if not extension and rules.rooms_by_monitors_only:
            raise RefusedError("only a monitor may create rooms here")
        if self._created.get(caller.identity, 0) >= limit:
            reached[Limit.ROOMS_PER_IDENTITY] += 1
            raise RefusedError(
                f"you have created {limit} rooms already: delete one first",
                Code.TOO_MANY_REQUESTS,
            )

    def _is_taken(self, name: str) -> bool:
        return (
            name in self._creators
            or name in self._stored
            or name in self._here
            or name in self._client_of
            or self._is_awake(name)
        )

    def _count(self, name: str, creator: str) -> None:
        self._creators[name] = creator
        self._created[creator] = self._created.get(creator, 0) + 1

    def _ended(self, name: str, *, stored: bool) -> None:
        self._begun.discard(name)
        # An own room is never deleted: this one was begun anew, unread.
        unread = name in self._stored and name not in self._creators
        if stored or unread:
            self._stored.add(name)
            return
        self._stored.discard(name)
        self._summaries.pop(name, None)
        self._exited(name, name)
        owner = self._here.get(name)
        if owner is not None:  # it has crashed before there was anything to keep
            self._came(owner)
        creator = self._creators.pop(name, None)
        if creator is not None:
            self._created[creator] -= 1
            if not self._created[creator]:
                del self._created[creator]

    def _list(self, caller: Caller) -> list[RoomSummary]:
        mine = self._rooms_of.get(caller.identity, {})
        listed = [
            summary
            for name, summary in self._summaries.items()
            if caller.monitors or summary.open or name in mine
        ]
        return listed + [
            self._untouched(owner)
            for owner in (self._here if caller.monitors else (caller.identity,))
            if owner in self._here and owner not in self._summaries
        ]

    def _untouched(self, owner: str) -> RoomSummary:
        """An own room in which nothing has happened yet, as lists show it."""
        return RoomSummary(
            name=owner,
            mode=self._mode,
            members=1,
            master=owner,
            open=False,
            keep=True,
        )

    def _known(self, caller: Caller) -> frozenset[str] | None:
        if caller.monitors:
            return None
        return frozenset(room.name for room in self._list(caller))

    def _set_mode(self, mode: RequestMode, caller: Caller) -> LoopFuture[Any]:
        """Have new rooms begin in a mode; answers once that is stored."""
        if not caller.monitors:
            raise RefusedError("only a monitor sets the mode of new rooms")
        self._mode = mode
        store = self._house.store
        store.tell(PutDefaultMode(mode))
        return ask(store, Flush(), timeout=self._house.patience.ask_timeout)

    # -- members

    def _entered(self, room: str, identity: str, client: str) -> None:
        self._rooms_of.setdefault(identity, {})[room] = None
        self._client_of[identity] = client

    def _exited(self, room: str, identity: str) -> None:
        rooms = self._rooms_of.get(identity, {})
        rooms.pop(room, None)
        if not rooms:
            self._rooms_of.pop(identity, None)
            self._client_of.pop(identity, None)

    def _tell_rooms_of(self, identity: str) -> None:
        if identity in self._here:
            rooms = tuple(self._rooms_of.get(identity, ()))
            self._house.outbound.publish(RoomsChanged(identity, rooms), NO_READERS)

    # -- messages for rooms

    def _tell(self, name: str, message: Any) -> None:
        ref = self._house.directory.find(Kind.ROOM, name)
        if ref is not None:
            ref.tell(message)
        elif self._sleeps(name):
            self._wake(name).append(_Waiting(message, LoopFuture()))

    def _pass_on(self, name: str, message: Any) -> LoopFuture[Any] | None:
        ref = self._house.directory.find(Kind.ROOM, name)
        if ref is not None:
            return self._hand_over(ref, message)
        if self._sleeps(name):
            answer = self.defer()
            self._wake(name).append(_Waiting(message, answer))
            return answer
        owner = self._here.get(name)
        if owner is not None:
            return self._hand_over(self._begin_own(owner), message)
        error = NotFoundError(f"there is no room {name!r}", Code.ROOM_NOT_FOUND)
        _decline(self._house, message, error)
        raise error

    def _hand_over(self, ref: LoopRef[Any], message: Any) -> LoopFuture[Any] | None:
        if isinstance(message, room_events.TOLD):
            ref.tell(message)
            return None
        return ask(ref, message, timeout=self._house.patience.ask_timeout)

    def _wake(self, name: str) -> list[_Waiting]:
        waiting = self._waking.get(name)
        if waiting is None:
            patience = self._house.patience
            wanted = LoadRoom(name, TAIL, patience.context_bytes)
            asked = ask(self._house.store, wanted, timeout=patience.ask_timeout)
            waiting = self._waking[name] = []
            asked.when_done(partial(self._loaded, name))
        return waiting

    def _loaded(self, name: str, done: LoopFuture[StoredRoom | None]) -> None:
        failed = done.error() is not None
        stored = None if failed else done.result()
        self.actor_ref.tell(Loaded(name, stored, failed))

    def _woken(self, name: str, stored: StoredRoom | None, *, failed: bool) -> None:
        waiting = self._waking.pop(name, [])
        if stored is None:
            self._never_woke(name, waiting, failed=failed)
            return
        ref = self._start(Room.start(self._house, stored.row, stored), name)
        for row in stored.members:
            if row.identity in self._here:
                ref.tell(room_events.MemberCame(row.identity))
        for each in waiting:
            each.answer.set(self._hand_over(ref, each.message))

    def _never_woke(self, name: str, waiting: list[_Waiting], *, failed: bool) -> None:
        """The store can not be read, or has no such room after all."""
        error: BrokerError = UnavailableError(
            f"room {name!r} can not be read now, try again later"
        )
        if not failed:
            self._stored.discard(name)
            self._begun.discard(name)
            error = NotFoundError(f"there is no room {name!r}", Code.ROOM_NOT_FOUND)
        owner = self._here.get(name)
        if owner is None:
            for each in waiting:
                _decline(self._house, each.message, error)
                each.answer.fail(error)
            return
        ref = self._begin_own(owner)
        for each in waiting:
            each.answer.set(self._hand_over(ref, each.message))

    def _is_awake(self, name: str) -> bool:
        return self._house.directory.find(Kind.ROOM, name) is not None

    def _sleeps(self, name: str) -> bool:
        """Whether a room that is not awake may be in the store.

        One that has ended in this very moment may be, though it has yet to say so.
        """
        return name in self._waking or name in self._stored or name in self._begun

    def _start(self, ref: LoopRef[Room], name: str) -> LoopRef[Room]:
        self._house.directory.add(Kind.ROOM, name, ref)
        self._begun.add(name)
        return ref


def _decline(house: House, message: Any, error: BrokerError) -> None:
    """Tell whoever counts on a message that there is no room to take it."""
    if isinstance(message, room_events.Submit):
        message.relay.tell(Barred(error))
    elif isinstance(message, room_events.RequestOpened):
        message.relay.tell(Cancel(HOUSE, entitled=True))
    elif isinstance(message, room_events.RequestClosed) and message.placed:
        closed = CloseRequest(message.request, message.state, message.error)
        house.store.tell(closed)
    elif isinstance(message, Resume):
        message.port.resumed(error)
