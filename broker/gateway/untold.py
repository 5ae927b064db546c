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
"""Ends kept at a time; whose last is the oldest lose theirs first."""


class UntoldEnds:
    """The ends that nobody was there to hear of, by requester."""

    def __init__(
        self, seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Keep each end for so many seconds."""
        self._seconds = seconds
        self._clock = clock
        self._ends: OrderedDict[str, list[tuple[float, StatusChanged]]] = OrderedDict()
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def keep(self, requester: str, notice: StatusChanged) -> None:
        """Remember an end for when its requester is back."""
        expires = self._clock() + self._seconds
        self._ends.setdefault(requester, []).append((expires, notice))
        self._ends.move_to_end(requester)
        self._count += 1
        self._make_room()

    def take(self, requester: str) -> list[StatusChanged]:
        """What a requester has not been told; it is told now, and once."""
        ends = self._ends.pop(requester, [])
        self._count -= len(ends)
        now = self._clock()
        return [notice for expires, notice in ends if expires > now]

    def _make_room(self) -> None:
        now = self._clock()
        while self._ends:
            requester, ends = next(iter(self._ends.items()))
            if self._count <= MOST and ends[-1][0] > now:
                return
            self._count -= len(ends)
            del self._ends[requester]
