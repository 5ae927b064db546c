"""LoopLag: how late the event loop is.

Owns the one timer that looks, the delays of the last seconds, and a histogram of all
there were. A delay is what a timer due at that moment would have had: a loop that is
held up for a second was late for every timer of that second, not for one.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from typing import Final

from actors.histogram import Histogram

SAMPLE_EVERY: Final = 0.02
SAMPLES: Final = 500
"""Delays that are remembered one by one: ten seconds of them."""

BOUNDS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
"""Seconds."""

_RARE: Final = 0.99


class LoopLag:
    """The delays of a timer that rings all the time."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._recent: deque[float] = deque([0.0], maxlen=SAMPLES)
        self._timer: asyncio.TimerHandle | None = None
        self.histogram = Histogram(BOUNDS)
        """All delays since the start, in seconds."""

    @property
    def longest(self) -> float:
        """The longest delay of the last ten seconds, in milliseconds."""
        return _milliseconds(max(self._recent))

    @property
    def p99(self) -> float:
        """What 99 of 100 delays of these seconds did not exceed, in milliseconds."""
        ordered = sorted(self._recent)
        return _milliseconds(ordered[math.ceil(_RARE * len(ordered)) - 1])

    def start(self) -> None:
        """Begin to look."""
        self._look_at(self._loop.time() + SAMPLE_EVERY)

    def stop(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()

    def _look_at(self, due: float) -> None:
        self._timer = self._loop.call_at(due, self._ring, due)

    def _ring(self, due: float) -> None:
        late = max(self._loop.time() - due, 0.0)
        missed = int(late / SAMPLE_EVERY)
        self._look_at(due + (missed + 1) * SAMPLE_EVERY)
        for each in range(min(missed + 1, SAMPLES)):
            self._note(late - each * SAMPLE_EVERY)

    def _note(self, late: float) -> None:
        self._recent.append(late)
        self.histogram.observe(late)


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 3)
