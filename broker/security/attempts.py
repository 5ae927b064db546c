"""How often somebody may try: wrong keys by address, new keys by client, refusals.

Owns the counters. Times are monotonic, so a clock that jumps changes nothing; memory
is bounded, the longest unseen are forgotten first.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from actors.errors import BrokerError

MINUTE: Final = 60.0
REMEMBERED: Final = 10_000


class RateLimit:
    """So many events a minute for each name."""

    def __init__(
        self, per_minute: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._per_minute = per_minute
        self._clock = clock
        # Lists: a deque would have twelve times their size, and they stay short.
        self._events: OrderedDict[str, list[float]] = OrderedDict()

    def allow(self, name: str) -> bool:
        """Count an event, if it is within the limit."""
        now = self._clock()
        events = self._events.setdefault(name, [])
        self._events.move_to_end(name)
        while events and events[0] <= now - MINUTE:
            del events[0]
        if len(self._events) > REMEMBERED:
            self._events.popitem(last=False)
        if len(events) >= self._per_minute:
            return False
        events.append(now)
        return True


class Bans:
    """Addresses that tried too many wrong keys; each time for twice as long."""

    def __init__(
        self,
        per_minute: int,
        first: float,
        longest: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the keys that are too many, and the seconds of bans."""
        self._limit = RateLimit(per_minute - 1, clock)
        self._first = first
        self._longest = longest
        self._clock = clock
        self._banned: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def remaining(self, address: str) -> float:
        """Seconds an address is still refused."""
        until, _ = self._banned.get(address, (0.0, 0.0))
        return max(0.0, until - self._clock())

    def failed(self, address: str) -> None:
        """Count a wrong key against an address, unless it is banned already."""
        if self.remaining(address) or self._limit.allow(address):
            return
        _, last = self._banned.get(address, (0.0, self._first / 2))
        length = min(last * 2, self._longest)
        self._banned[address] = (self._clock() + length, length)
        self._banned.move_to_end(address)
        if len(self._banned) > REMEMBERED:
            self._banned.popitem(last=False)


class Turns:
    """One try at a time from each address: how one ends decides about the next."""

    def __init__(self) -> None:
        self._locks: dict[str, asyncio.Lock] = {}
        self._waiting: Counter[str] = Counter()

    @asynccontextmanager
    async def of(self, address: str) -> AsyncIterator[None]:
        """Wait until nobody else of an address is at it."""
        lock = self._locks.setdefault(address, asyncio.Lock())
        self._waiting[address] += 1
        try:
            async with lock:
                yield
        finally:
            self._waiting[address] -= 1
            if not self._waiting[address]:
                del self._waiting[address], self._locks[address]


class Refusals:
    """Counts, by code, whoever is refused within it."""

    def __init__(self) -> None:
        self.by_code: Counter[int] = Counter()

    def __enter__(self) -> None:
        """Begin to judge."""

    def __exit__(self, _kind: object, error: object, _traceback: object) -> None:
        if isinstance(error, BrokerError):
            self.by_code[error.code] += 1
