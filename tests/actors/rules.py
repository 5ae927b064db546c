"""The rules of rooms once more, as plain as they can be said.

A model to hold the room actors against. It is written from the protocol and shares no
table with ``actors``: whoever changes a rule changes it in both places. Answers are 0
or the code of a refusal; of an order, ``held``, ``kept`` or ``sent``, with the ids of
what is sent together.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

MONITOR, TAVERN = "boss", "tav"

DENIED, OUTSIDER = 6, 303
NO_ROOM, EXISTS, IN_ALREADY, NOT_IN = 302, 301, 304, 305
NEEDS_MASTER = 4

RULERS = ("master", "manager")


@dataclass
class Seat:
    """A member."""

    role: str
    muted: bool = False


@dataclass
class Outcast:
    """Somebody who is out, and whom the room has not forgotten."""

    kicked: bool
    muted: bool


@dataclass
class Place:
    """A room; its members in the order in which they came."""

    owner: str | None = None
    open: bool = False
    password: str | None = None
    keep: bool = False
    mode: str = "Default"
    seats: dict[str, Seat] = field(default_factory=dict)
    outcasts: dict[str, Outcast] = field(default_factory=dict)
    held: list[tuple[str, str]] = field(default_factory=list)
    """Role and id of each request that waits."""
    touched: bool = False
    """Whether there is anything to be kept of it."""


class RefusedByRuleError(Exception):
    """What the rules do not allow, and the code that says so."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Rules:
    """A house, as it should be."""

    def __init__(self) -> None:
        self.here: set[str] = set()
        self.rooms: dict[str, Place] = {}

    # -- people

    def come(self, who: str) -> None:
        """Everybody who is here has a room."""
        self.here.add(who)
        self.rooms.setdefault(who, Place(owner=who, seats={who: Seat("master")}))

    def go(self, *people: str) -> None:
        """Who goes stays a member of its own room and of those that are kept."""
        self.here -= set(people)
        for who in people:
            if who in self.rooms and not self.rooms[who].touched:
                del self.rooms[who]
        for name, room in list(self.rooms.items()):
            if not room.keep:
                gone = [p for p in people if p in room.seats and p != room.owner]
                self._out(name, gone, kicked=False)

    def restart(self) -> None:
        """What waits does not outlive the process, nor what was never touched."""
        for name, room in list(self.rooms.items()):
            room.held.clear()
            if room.owner is not None and not room.touched:
                del self.rooms[name]

    # -- rooms

    def create(self, who: str, name: str, room: Place) -> int:
        """Whoever makes a room is its master."""
        if name in self.rooms:
            return EXISTS
        self.rooms[name] = replace(room, seats={who: Seat("master")}, touched=True)
        return 0

    def delete(self, who: str, name: str) -> int:
        """A master's, a monitor's, a SillyTavern's; never an own room."""
        room = self._room(name)
        if room.owner is not None:
            return OUTSIDER
        self._may(who, room, who == TAVERN or self._role(who, room) == "master")
        del self.rooms[name]
        return 0

    def set_mode(self, who: str, name: str, mode: str) -> int:
        """Who rules sets it, and what is held goes out."""
        room = self._room(name)
        self._may(who, room, self._role(who, room) in RULERS)
        room.mode = mode
        room.held.clear()
        room.touched = True
        return 0

    # -- members

    def join(self, who: str, name: str, proof: str | None) -> int:
        """Open rooms, and others with their password; never after a kick."""
        room = self._room(name)
        if who in room.seats:
            return IN_ALREADY
        if who != MONITOR:
            if who in room.outcasts and room.outcasts[who].kicked:
                return OUTSIDER
            if room.password is None and not room.open:
                return OUTSIDER
            if room.password is not None and proof != room.password:
                return OUTSIDER
        self._in(room, who, "guest")
        return 0

    def leave(self, who: str, name: str) -> int:
        """Everybody may; nobody leaves its own room."""
        room = self._room(name)
        if who not in room.seats:
            return NOT_IN
        if who == room.owner:
            return OUTSIDER
        self._out(name, [who], kicked=False)
        return 0

    def add(self, by: str, who: str, name: str, role: str) -> int:
        """Who rules adds guests, a master anybody; to an own room, its owner."""
        room = self._room(name)
        mine = room.owner is None or by == room.owner
        ruler = self._role(by, room) in RULERS
        self._may(by, room, (ruler and mine) or (by == TAVERN and room.owner is None))
        if role != "guest":
            self._may(by, room, self._role(by, room) == "master" and mine)
            if role == "master" and room.owner is not None:
                return OUTSIDER
        if who in room.seats:
            return IN_ALREADY
        self._in(room, who, role)
        return 0

    def remove(self, by: str, who: str, name: str) -> int:
        """Oneself, or whom one rules over; a SillyTavern anybody."""
        room = self._room(name)
        if by == who and by in room.seats:
            return self.leave(by, name)
        manages = by == TAVERN and room.owner is None
        self._may(by, room, manages or self._role(by, room) in RULERS)
        self._over(by, who, room, always=manages)
        self._out(name, [who], kicked=False)
        return 0

    def kick(self, by: str, who: str, name: str) -> int:
        """Out until added."""
        self._rule(by, who, name)
        self._out(name, [who], kicked=True)
        return 0

    def mute(self, by: str, who: str, name: str, *, muted: bool) -> int:
        """Silent until unmuted."""
        room = self._rule(by, who, name)
        room.seats[who].muted = muted
        room.touched = True
        return 0

    def set_role(self, by: str, who: str, name: str, role: str) -> int:
        """A master's; the owner of an own room is its only one."""
        room = self._room(name)
        mine = room.owner is None or by == room.owner
        self._may(by, room, self._role(by, room) == "master" and mine)
        self._over(by, who, room)
        if room.owner is not None and role == "master":
            return OUTSIDER
        masters = [m for m, seat in room.seats.items() if seat.role == "master"]
        if role != "master" and masters == [who]:
            return NEEDS_MASTER
        room.seats[who].role = role
        room.touched = True
        return 0

    # -- orders

    def order(self, who: str, name: str, request: str) -> tuple[str, list[str]]:
        """What becomes of an order without a target, and what goes with it."""
        room = self._room(name)
        self._may(who, room, who in room.seats)
        if who != MONITOR and room.seats[who].muted:
            raise RefusedByRuleError(DENIED)
        role = "master" if who == MONITOR else self._role(who, room) or ""
        ruler = role in RULERS
        if room.mode == "Conversational" or (room.mode == "MasterOnly" and not ruler):
            room.touched = True
            return "kept", []
        if room.mode == "Default" and not ruler:
            room.held.append((role, request))
            room.touched = True
            return "held", []
        if not ruler or room.mode == "Separate" or not room.held:
            return "sent", []
        special = [r for held, r in room.held if held == "special"]
        others = [r for held, r in room.held if held != "special"]
        room.held.clear()
        return "sent", [*special, *others, request]

    # -- how

    def _room(self, name: str) -> Place:
        if name not in self.rooms:
            raise RefusedByRuleError(NO_ROOM)
        return self.rooms[name]

    def _role(self, who: str, room: Place) -> str | None:
        return room.seats[who].role if who in room.seats else None

    def _may(self, who: str, room: Place, allowed: Any) -> None:
        if not allowed and who != MONITOR:
            raise RefusedByRuleError(DENIED if who in room.seats else OUTSIDER)

    def _rule(self, by: str, who: str, name: str) -> Place:
        room = self._room(name)
        self._may(by, room, self._role(by, room) in RULERS)
        self._over(by, who, room)
        return room

    def _over(self, by: str, who: str, room: Place, *, always: bool = False) -> None:
        if who not in room.seats:
            raise RefusedByRuleError(NOT_IN)
        if who == room.owner:
            raise RefusedByRuleError(OUTSIDER)
        equals = self._role(by, room) == "manager" and room.seats[who].role in RULERS
        if equals and by != MONITOR and not always:
            raise RefusedByRuleError(DENIED)

    def _in(self, room: Place, who: str, role: str) -> None:
        before = room.outcasts.pop(who, None)
        room.seats[who] = Seat(role, muted=before is not None and before.muted)
        room.touched = True
        self._crown(room)

    def _out(self, name: str, people: list[str], *, kicked: bool) -> None:
        room = self.rooms[name]
        for who in people:
            seat = room.seats.pop(who)
            room.touched = True
            if kicked or seat.muted:
                room.outcasts[who] = Outcast(kicked, seat.muted)
        if room.owner is None and not room.keep and not room.seats:
            del self.rooms[name]
        else:
            self._crown(room)

    def _crown(self, room: Place) -> None:
        roles = [seat.role for seat in room.seats.values()]
        if "master" in roles or not roles:
            return
        heir = roles.index("manager") if "manager" in roles else 0
        list(room.seats.values())[heir].role = "master"
