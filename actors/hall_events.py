"""What the hall is told, and how a message reaches a room that may be asleep."""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec

from actors.assignment_events import AssignmentChanged
from actors.base import LoopRef, ask
from actors.directory import Kind
from actors.future import LoopFuture
from actors.house import House
from actors.modes import RequestMode
from actors.roles import Caller, CallerKind
from actors.room_records import RoomIndex, StoredRoom


class Open(msgspec.Struct, frozen=True):
    """Begin, with the rooms that are stored."""

    house: House
    index: RoomIndex


class Came(msgspec.Struct, frozen=True):
    """An identity is there: its own room opens, others hear of it."""

    identity: str
    client: str
    kind: CallerKind


class Away(msgspec.Struct, frozen=True):
    """An identity has lost its last socket; it may come back."""

    identity: str


class Left(msgspec.Struct, frozen=True):
    """An identity did not come back, or said goodbye."""

    identity: str


class CreateRoom(msgspec.Struct, frozen=True, kw_only=True):
    """Make a room; answers once it is stored."""

    name: str
    caller: Caller
    mode: RequestMode | None = None
    open: bool = False
    password: str | None = None
    """Its bcrypt hash."""
    keep: bool = False


class ForRoom(msgspec.Struct, frozen=True):
    """Pass a message on to a room, waking it where it sleeps; answers as it does."""

    name: str
    message: Any


class RoomSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A room as lists show it."""

    name: str
    mode: str
    members: int
    master: str | None
    open: bool
    keep: bool


class RoomChanged(msgspec.Struct, frozen=True):
    """What lists show of a room has changed."""

    summary: RoomSummary


class RoomEnded(msgspec.Struct, frozen=True):
    """A room has stopped; ``stored``: it sleeps and can be woken."""

    name: str
    stored: bool


class Entered(msgspec.Struct, frozen=True):
    """An identity is a member of a room."""

    room: str
    identity: str
    client: str


class Exited(msgspec.Struct, frozen=True):
    """An identity is no member of a room any more."""

    room: str
    identity: str


class GetRooms(msgspec.Struct, frozen=True):
    """Answers with the ``RoomSummary``s that a caller may see."""

    caller: Caller


class CountRooms(msgspec.Struct, frozen=True):
    """Answers how many rooms there are: those created, and own ones of who is here."""


class GetKnownRooms(msgspec.Struct, frozen=True):
    """Answers with the names of the rooms a caller may know of; None: all."""

    caller: Caller


class GetHolder(msgspec.Struct, frozen=True):
    """Answers with the clientId that a name belongs to, or None.

    A name that is a room's belongs to nobody's identity: the answer is empty.
    """

    name: str


class SetDefaultMode(msgspec.Struct, frozen=True):
    """The mode of rooms made from now on; monitors only."""

    mode: RequestMode
    caller: Caller


class GetDefaultMode(msgspec.Struct, frozen=True):
    """Answers with the mode of rooms made from now on."""


class Loaded(msgspec.Struct, frozen=True):
    """The store's answer to the waking of a room; None: there is none."""

    name: str
    stored: StoredRoom | None
    failed: bool = False


class SweepAll(msgspec.Struct, frozen=True):
    """The grace time after the start has passed."""


Message: TypeAlias = (
    Open
    | Came
    | Away
    | Left
    | CreateRoom
    | ForRoom
    | RoomChanged
    | RoomEnded
    | Entered
    | Exited
    | GetRooms
    | CountRooms
    | GetKnownRooms
    | GetHolder
    | SetDefaultMode
    | GetDefaultMode
    | Loaded
    | AssignmentChanged
    | SweepAll
)


def tell_room(house: House, name: str, message: Any) -> None:
    """Tell a room something, directly where it is awake."""
    ref: LoopRef[Any] | None = house.directory.find(Kind.ROOM, name)
    if ref is not None:
        ref.tell(message)
    else:
        house.hall.tell(ForRoom(name, message))


def ask_room(house: House, name: str, message: Any) -> LoopFuture[Any]:
    """Ask a room something, directly where it is awake."""
    timeout = house.patience.ask_timeout
    ref: LoopRef[Any] | None = house.directory.find(Kind.ROOM, name)
    if ref is not None:
        return ask(ref, message, timeout=timeout)
    return ask(house.hall, ForRoom(name, message), timeout=timeout)
