"""UntoldEnds: how requests ended while whoever ordered them was away.

Owns the last word on each such request until its requester is back, for as long as
its answer is kept, and of so many at most. What the last process left open ended so
too. It must never hold what was said: that is the answers' cache's and the history's.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from actors.outbound import StatusChanged

MOST: Final = 10_000
"""Ends kept at a time; the oldest go first."""


class UntoldEnds:
    """The ends that nobody was there to hear of, by requester."""

    def __init__(
        self, seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Keep each end for so many seconds."""
        self._seconds = seconds
        self._clock = clock
        self._serial = 0
        self._ends: dict[str, dict[int, StatusChanged]] = {}
        self._ages: OrderedDict[int, tuple[float, str]] = OrderedDict()
        """When each is forgotten and whose it is, the oldest first."""

    def __len__(self) -> int:
        return len(self._ages)

    def keep(self, requester: str, notice: StatusChanged) -> None:
        """Remember an end for when its requester is back."""
        self._serial += 1
        self._ends.setdefault(requester, {})[self._serial] = notice
        self._ages[self._serial] = self._clock() + self._seconds, requester
        self._forget_old()

    def take(self, requester: str) -> list[StatusChanged]:
        """What a requester has not been told; it is told now, and once."""
        self._forget_old()
        ends = self._ends.pop(requester, {})
        for serial in ends:
            del self._ages[serial]
        return list(ends.values())

    def _forget_old(self) -> None:
        now = self._clock()
        while self._ages:
            serial, (expires, requester) = next(iter(self._ages.items()))
            if len(self._ages) <= MOST and expires > now:
                return
            del self._ages[serial]
            ends = self._ends[requester]
            del ends[serial]
            if not ends:
                del self._ends[requester]
