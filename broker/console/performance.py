"""How well each SillyTavern instance answers, by its identity.

Owns these figures since the start of the broker, for the instances that were heard of
last. Reads no clock.
"""

from __future__ import annotations

from collections import deque
from statistics import median
from typing import Final

MOST_INSTANCES: Final = 1_000
FIRST_TOKENS: Final = 50
"""Times to the first of an answer that a median is taken of."""


class Performance:
    """What has become of the requests that an instance was given."""

    __slots__ = ("completed", "failed", "first_tokens")

    def __init__(self) -> None:
        self.completed = 0
        self.failed = 0
        """Those that took too long are among them, those that were called off not."""
        self.first_tokens: deque[float] = deque(maxlen=FIRST_TOKENS)
        """Seconds from when it was sent a request to the first of its answer."""

    @property
    def time_to_first_token(self) -> int | None:
        """The median, in milliseconds; None where it has not answered yet."""
        if not self.first_tokens:
            return None
        return round(median(self.first_tokens) * 1000)


class Performances:
    """All instances'; the one unheard of longest goes when there are too many."""

    def __init__(self) -> None:
        self._by_identity: dict[str, Performance] = {}

    def of(self, identity: str) -> Performance:
        """An instance's, empty where nothing is known of it."""
        performance = self._by_identity.pop(identity, None) or Performance()
        self._by_identity[identity] = performance
        if len(self._by_identity) > MOST_INSTANCES:
            del self._by_identity[next(iter(self._by_identity))]
        return performance
