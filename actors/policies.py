"""Connection policies: which extensions each room may use.

Pure: rooms and extensions are names here, and chance is handed in. An ``Allotment``
is what one policy has given out; it keeps a table of room to identities and says,
at each change, for which rooms that was news. It must never forget a room of its own
accord: rooms are opened, closed and deleted by ``actors.assignments``.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Final, TypeAlias


class ConnectionPolicy(StrEnum):
    """How extensions are given to rooms; the words clients use."""

    FREE = "Free"
    MANUAL = "Manual"
    BALANCED = "Balanced"
    BROADCAST = "Broadcast"
    RANDOM = "Random"


ONE_EACH: Final = frozenset({ConnectionPolicy.BALANCED, ConnectionPolicy.RANDOM})
"""The policies that give each room one extension."""

RESTRICTING: Final = ONE_EACH | {ConnectionPolicy.MANUAL}
"""The policies under which a room may use some extensions and not others."""

Assigned: TypeAlias = tuple[str, ...]
"""Identities of extensions."""

Table: TypeAlias = Mapping[str, Assigned]
"""Room to what it was given."""


class Allotment:
    """What a policy has given out; changes return the rooms they were news for."""

    def of(self, room: str) -> Assigned:
        """What a room may use."""
        raise NotImplementedError

    def table(self) -> Table:
        """What must outlive the process; a room that is not in it has nothing."""
        raise NotImplementedError

    def open(self, room: str) -> Collection[str]:
        """A room is there from now on; idempotent."""
        raise NotImplementedError

    def close(self, room: str) -> Collection[str]:
        """A room is not there any more, but may be again."""
        return self.forget(room)

    def forget(self, room: str) -> Collection[str]:
        """A room was deleted."""
        raise NotImplementedError

    def enter(self, extension: str) -> Collection[str]:
        """An extension has come; idempotent."""
        raise NotImplementedError

    def leave(self, extension: str) -> Collection[str]:
        """An extension has left for good; idempotent."""
        raise NotImplementedError


class Everybody(Allotment):
    """``Free`` and ``Broadcast``: every room may use all.

    What a policy before gave out is kept, unused, for one that comes after.
    """

    def __init__(
        self, extensions: Iterable[str], rooms: Iterable[str], kept: Table
    ) -> None:
        self._all: Assigned = tuple(extensions)
        self._rooms: dict[str, None] = dict.fromkeys(rooms)
        self._kept = dict(kept)

    def of(self, room: str) -> Assigned:  # noqa: ARG002 - the same for all
        """All extensions."""
        return self._all

    def table(self) -> Table:
        """What the policy before left."""
        return self._kept

    def open(self, room: str) -> Collection[str]:
        """A room more that hears of all."""
        self._rooms[room] = None
        return (room,)

    def close(self, room: str) -> Collection[str]:
        """A room less."""
        self._rooms.pop(room, None)
        return ()

    def forget(self, room: str) -> Collection[str]:
        """A room less, and nothing is kept for it."""
        self._rooms.pop(room, None)
        return (room,) if self._kept.pop(room, None) else ()

    def enter(self, extension: str) -> Collection[str]:
        """One more for all."""
        if extension in self._all:
            return ()
        self._all += (extension,)
        return tuple(self._rooms)

    def leave(self, extension: str) -> Collection[str]:
        """One less for all."""
        if extension not in self._all:
            return ()
        self._all = tuple(other for other in self._all if other != extension)
        return tuple(self._rooms)


class ByHand(Allotment):
    """``Manual``: a room may use what it was assigned, here or not."""

    def __init__(self, kept: Table) -> None:
        self._given = {room: assigned for room, assigned in kept.items() if assigned}

    def of(self, room: str) -> Assigned:
        """What was assigned."""
        return self._given.get(room, ())

    def table(self) -> Table:
        """All that was assigned."""
        return self._given

    def assign(self, room: str, extensions: Iterable[str]) -> Collection[str]:
        """Give a room these and no others."""
        assigned = tuple(sorted(set(extensions)))
        if assigned == self.of(room):
            return ()
        if assigned:
            self._given[room] = assigned
        else:
            del self._given[room]
        return (room,)

    def open(self, room: str) -> Collection[str]:
        """It has what it was assigned before."""
        return (room,)

    def close(self, room: str) -> Collection[str]:  # noqa: ARG002
        """What somebody assigned by hand stays for when it opens again."""
        return ()

    def forget(self, room: str) -> Collection[str]:
        """Nothing is assigned to it any more."""
        return (room,) if self._given.pop(room, None) else ()

    def enter(self, extension: str) -> Collection[str]:  # noqa: ARG002
        """Nobody has it by itself."""
        return ()

    def leave(self, extension: str) -> Collection[str]:  # noqa: ARG002
        """It is missed where it was assigned."""
        return ()


class OneEach(Allotment):
    """Every room is given one extension, as long as there are any."""

    def __init__(
        self, extensions: Iterable[str], rooms: Iterable[str], earlier: Table
    ) -> None:
        """Leave rooms what they had earlier where that can be."""
        self._given: dict[str, Assigned] = {}
        self._rooms_of: dict[str, dict[str, None]] = {name: {} for name in extensions}
        self._homeless: dict[str, None] = {}
        for room in rooms:
            had = (name for name in earlier.get(room, ()) if name in self._rooms_of)
            self._put(room, next(had, None))
        self._house()

    def of(self, room: str) -> Assigned:
        """The one it was given."""
        return self._given.get(room, ())

    def table(self) -> Table:
        """What was given."""
        return self._given

    def open(self, room: str) -> Collection[str]:
        """Give it one, unless it has."""
        if room in self._given:
            return (room,)
        self._put(room, None)
        return {room, *self._house()}

    def forget(self, room: str) -> Collection[str]:
        """Give it none; the others keep theirs."""
        for name in self._given.pop(room, ()):
            del self._rooms_of[name][room]
        self._homeless.pop(room, None)
        return (room,)

    def enter(self, extension: str) -> Collection[str]:
        """Give it its share of rooms, at the least those that have none."""
        if extension in self._rooms_of:
            return ()
        self._rooms_of[extension] = {}
        return self._house()

    def leave(self, extension: str) -> Collection[str]:
        """Give its rooms to others."""
        if extension not in self._rooms_of:
            return ()
        left = self._rooms_of.pop(extension)
        for room in left:
            self._put(room, None)
        return left.keys() | self._house()

    def _house(self) -> set[str]:
        """Find a place for whoever has none; returns whom it moved."""
        raise NotImplementedError

    def _put(self, room: str, extension: str | None) -> None:
        if extension is None:
            self._given[room] = ()
            self._homeless[room] = None
        else:
            self._given[room] = (extension,)
            self._rooms_of[extension][room] = None


class Balanced(OneEach):
    """``Balanced``: numbers of rooms differ by one at most, with fewest moves."""

    def _house(self) -> set[str]:
        if not self._rooms_of:
            return set()
        shares = self._shares()
        for name, share in shares.items():
            rooms = self._rooms_of[name]
            while len(rooms) > share:  # who came last moves: the others know theirs
                self._put(rooms.popitem()[0], None)
        moved, self._homeless = tuple(self._homeless), {}
        waiting = iter(moved)
        for name, share in shares.items():
            for _ in range(share - len(self._rooms_of[name])):
                self._put(next(waiting), name)
        return set(moved)

    def _shares(self) -> dict[str, int]:
        """How many rooms each is to have: the fullest keep what can not be halved."""
        share, rest = divmod(len(self._given), len(self._rooms_of))
        fullest_first = sorted(
            self._rooms_of, key=lambda name: len(self._rooms_of[name]), reverse=True
        )
        return {
            name: share + (place < rest) for place, name in enumerate(fullest_first)
        }


class Random(OneEach):
    """``Random``: one by chance, kept as long as it is there."""

    def __init__(
        self,
        extensions: Iterable[str],
        rooms: Iterable[str],
        earlier: Table,
        chance: random.Random,
    ) -> None:
        self._chance = chance
        super().__init__(extensions, rooms, earlier)

    def _house(self) -> set[str]:
        names: Sequence[str] = tuple(self._rooms_of)
        if not names:
            return set()
        moved, self._homeless = set(self._homeless), {}
        for room in moved:
            self._put(room, self._chance.choice(names))
        return moved


def allot(
    policy: ConnectionPolicy,
    extensions: Iterable[str],
    rooms: Iterable[str],
    earlier: Table,
    chance: random.Random,
) -> Allotment:
    """Give out by a policy, beginning with what rooms had earlier."""
    match policy:
        case ConnectionPolicy.FREE | ConnectionPolicy.BROADCAST:
            return Everybody(extensions, rooms, earlier)
        case ConnectionPolicy.MANUAL:
            return ByHand(earlier)
        case ConnectionPolicy.BALANCED:
            return Balanced(extensions, rooms, earlier)
        case ConnectionPolicy.RANDOM:
            return Random(extensions, rooms, earlier, chance)


def inherited(before: ConnectionPolicy, after: ConnectionPolicy, table: Table) -> Table:
    """What a policy begins with when it follows another.

    What was assigned by hand waits under ``Free`` and ``Broadcast``, and is what
    ``Balanced`` begins with; what was given by number or by chance is for nobody else.
    """
    drawn = before in ONE_EACH and after is not ConnectionPolicy.BALANCED
    return {} if drawn or after is ConnectionPolicy.RANDOM else table
