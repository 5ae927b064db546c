"""History: the figures of the last quarter of an hour, for who opens the console now.

Owns the samples, and the counts by which a number of chunks becomes chunks a second.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

SAMPLE_EVERY: Final = 5.0
SAMPLES: Final = 180
"""A quarter of an hour of them."""

SHORTEST: Final = 0.1
"""Seconds in which a speed can be told."""

Sample: TypeAlias = tuple[int, float, int, int, float, int | None, int]
"""Unix seconds, chunks a second, active, queued, loop lag, memory, clients."""


class Rate:
    """How fast a count grows, between two looks at it."""

    __slots__ = ("_at", "_clock", "_count", "_speed")

    def __init__(
        self, clock: Callable[[], float], count: int = 0, speed: float = 0.0
    ) -> None:
        """Begin with a count, and what its speed was lately."""
        self._clock = clock
        self._at = clock()
        self._count = count
        self._speed = speed

    def at(self, count: int) -> float:
        """What has come a second since the last look, if that is not just over."""
        now = self._clock()
        took = now - self._at
        if took >= SHORTEST:
            self._speed = round((count - self._count) / took, 1)
            self._at, self._count = now, count
        return self._speed


class History:
    """The last samples, the newest last."""

    def __init__(
        self,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._rate = Rate(monotonic)
        self._samples: deque[Sample] = deque(maxlen=SAMPLES)

    def take(self, report: Mapping[str, Any]) -> Sample:
        """Keep what is worth it of the figures of ``SERVER_STATUS``."""
        requests = report["requests"]
        sample = (
            int(self._clock()),
            self._rate.at(report["chunks"]),
            requests["active"],
            requests["queued"],
            report["loopLagP99"],
            report["memory"],
            report["clients"],
        )
        self._samples.append(sample)
        return sample

    @property
    def speed(self) -> float:
        """Chunks a second, in the last sample."""
        return self._samples[-1][1] if self._samples else 0.0

    def samples(self) -> list[Sample]:
        """All of them."""
        return list(self._samples)
