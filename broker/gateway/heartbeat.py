"""One timer wheel for all connections: pings, their answers, and late handshakes.

Owns when each connection is looked at next, not the connection: one that has ended
would stay in memory until its time came, and 300 of them are 4 MiB. A task per
connection, as the library has it, would cost more memory than the connection itself.
"""

from __future__ import annotations

import asyncio
import math
from typing import Final, Protocol
from weakref import ref

TICK: Final = 1.0
"""Seconds between two turns of the wheel."""


class Watched(Protocol):
    """A connection that is looked at now and then."""

    def look(self) -> float | None:
        """Do what is due; returns the seconds to the next look, None: never."""


class Heartbeat:
    """Turns once a second and looks at the connections that are due."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._due: dict[int, list[ref[Watched]]] = {}
        self._now = 0
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin to turn."""
        self._timer = self._loop.call_later(TICK, self._turn)

    def stop(self) -> None:
        """Turn no more."""
        if self._timer is not None:
            self._timer.cancel()
        self._due.clear()

    def watch(self, connection: Watched, seconds: float) -> None:
        """Look at a connection in so many seconds, rounded up to a tick."""
        due = self._now + max(1, math.ceil(seconds / TICK))
        self._due.setdefault(due, []).append(ref(connection))

    def _turn(self) -> None:
        self._timer = self._loop.call_later(TICK, self._turn)
        self._now += 1
        for each in self._due.pop(self._now, ()):
            connection = each()
            seconds = None if connection is None else connection.look()
            if connection is not None and seconds is not None:
                self.watch(connection, seconds)
