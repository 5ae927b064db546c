"""The rooms that are open, and what each still has to hear of its assignment.

Bookkeeping of the assignments actor, which owns the one there is. Knows nothing of
policies. A room is told only what differs from what it was told last.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Collection
from typing import Any, Final

from actors.assignment_events import AssignmentChanged
from actors.base import LoopRef
from actors.errors import BrokerError
from actors.policies import Assigned

TOLD_AT_ONCE: Final = 500
"""Rooms that hear of a change before the loop has its turn."""

STRANGERS: Final = 10_000
"""Rooms remembered that never said that they opened."""


class OpenRoom:
    """A room that is open; ``ref`` is None where it never said so itself."""

    __slots__ = ("client_room", "ref", "told")

    def __init__(self, ref: LoopRef[Any] | None, *, client_room: bool) -> None:
        self.ref = ref
        self.client_room = client_room
        self.told: Assigned = ()


class OpenRooms:
    """Rooms by name."""

    def __init__(self) -> None:
        self._rooms: dict[str, OpenRoom] = {}
        self._strangers: dict[str, None] = {}
        self._news: dict[str, None] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._rooms

    def names(self) -> Collection[str]:
        """All of them."""
        return self._rooms.keys()

    def client_rooms(self) -> list[str]:
        """Those that are clients' own."""
        return [name for name, room in self._rooms.items() if room.client_room]

    def add(self, name: str, room: OpenRoom) -> None:
        """A room is open; told nothing yet, unless it was open already."""
        known = self._rooms.get(name)
        if known is not None and (known.ref is room.ref or room.client_room):
            room.told = known.told
        self._rooms[name] = room
        self._strangers.pop(name, None)
        if room.ref is None:
            self._strangers[name] = None

    def surplus(self) -> str | None:
        """A room that never said that it opened, where there are too many of these."""
        too_many = len(self._strangers) > STRANGERS
        return next(iter(self._strangers)) if too_many else None

    def remove(self, name: str) -> None:
        """A room is not open any more; idempotent."""
        self._strangers.pop(name, None)
        self._rooms.pop(name, None)

    @property
    def has_news(self) -> bool:
        """Whether a room may have something to hear."""
        return bool(self._news)

    def note(self, names: Collection[str]) -> None:
        """These rooms may have something to hear."""
        self._news.update(dict.fromkeys(names))

    def tell_some(self, assigned_to: Callable[[str], Assigned]) -> None:
        """Tell some of them what they are assigned now, if they do not know it."""
        for name in tuple(itertools.islice(self._news, TOLD_AT_ONCE)):
            del self._news[name]
            room, assigned = self._rooms.get(name), assigned_to(name)
            if room is None or room.ref is None or room.told == assigned:
                continue
            room.told = assigned
            with contextlib.suppress(BrokerError):  # its mailbox is full: not our end
                room.ref.tell(AssignmentChanged(name, assigned))
