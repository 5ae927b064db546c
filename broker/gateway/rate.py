"""How much one connection may send, and how many one address may open.

Owns the counters. All are computed from the loop's time when something comes: there
are no timers, and an idle connection costs a few numbers. Events beyond the limit are
refused one by one; stream events never are, their connection is read more slowly.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from enum import Enum
from typing import Final

import msgspec

from actors.limits import Limit
from broker.security.peer import is_loopback_host

FORBEARANCE: Final = 5.0
"""Seconds in which a burst of refused events is forgiven."""

STRIDE: Final = 64
"""Stream events between two looks at the clock, at most."""

LOOKS: Final = 8
"""Looks at the clock a second, at least, where stream events come as fast as they
may."""


class Rates(msgspec.Struct, frozen=True):
    """What one connection may send."""

    events_per_second: int
    events_burst: int
    stream_events_per_second: int


KNOCKS: Final = Rates(events_per_second=8, events_burst=32, stream_events_per_second=1)
"""How often one connection may join namespaces: there are nine, and to be refused
costs the broker more than the one who knocks."""


class Verdict(Enum):
    """What becomes of an event."""

    TAKEN = "it is within the limit"
    REFUSED = "it is beyond"
    LAST = "it is far beyond, and the connection ends"


class TokenBucket:
    """So many at once, and so many a second."""

    __slots__ = ("_burst", "_rate", "_seen", "_tokens")

    def __init__(self, rate: float, burst: int, now: float) -> None:
        """Begin full."""
        self._rate = rate
        self._burst = burst
        self._tokens = float(burst)
        self._seen = now

    def take(self, now: float) -> bool:
        """Take one, if there is one."""
        tokens = self._tokens + (now - self._seen) * self._rate
        self._tokens = min(tokens, self._burst)
        self._seen = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class EventLimit:
    """The events of one connection."""

    __slots__ = ("_clock", "_patience", "_rates", "_taken", "name")

    def __init__(self, rates: Rates, clock: Callable[[], float], name: Limit) -> None:
        self.name = name
        self._rates = rates
        self._clock = clock
        # Made when they are needed: most connections are idle.
        self._taken: TokenBucket | None = None
        self._patience: TokenBucket | None = None

    @property
    def per_second(self) -> int:
        """How many may come in the long run."""
        return self._rates.events_per_second

    def judge(self) -> Verdict:
        """Count an event, and say what becomes of it."""
        now, burst = self._clock(), self._rates.events_burst
        if self._taken is None:
            self._taken = TokenBucket(self._rates.events_per_second, burst, now)
        if self._taken.take(now):
            return Verdict.TAKEN
        if self._patience is None:
            self._patience = TokenBucket(burst / FORBEARANCE, burst, now)
        return Verdict.REFUSED if self._patience.take(now) else Verdict.LAST


class Pace:
    """The stream events of one connection, and when reading it has to pause.

    Whoever takes one adds to ``unseen``, and asks for the pause once that is ``due``:
    that way a chunk costs an addition and a comparison.
    """

    __slots__ = ("_clock", "_paid", "_rate", "due", "unseen")

    def __init__(self, per_second: int, clock: Callable[[], float]) -> None:
        self._rate = per_second
        self._clock = clock
        self._paid = -1.0
        self.due = max(1, min(STRIDE, per_second // LOOKS))
        """How many may go unseen."""
        self.unseen = 0
        """How many were taken since the last look at the clock."""

    def pause(self) -> float:
        """Seconds to wait before more is read; a second's worth may come at once."""
        now = self._clock()
        self._paid = max(self._paid, now - 1.0) + self.unseen / self._rate
        self.unseen = 0
        return max(0.0, self._paid - now)


class Crowd:
    """Open connections of each address; those of this machine are not counted."""

    def __init__(self, per_address: int) -> None:
        self.per_address = per_address
        """How many may be open from one."""
        self._open: Counter[str] = Counter()
        self.refused = 0
        """Connections that were too many, since the start."""

    def enter(self, address: str) -> bool:
        """Count a connection in; False: there are too many, and it is not counted."""
        if is_loopback_host(address):
            return True
        if self._open[address] >= self.per_address:
            self.refused += 1
            return False
        self._open[address] += 1
        return True

    def leave(self, address: str) -> None:
        """Count a connection out that was counted in."""
        if address not in self._open:
            return
        self._open[address] -= 1
        if not self._open[address]:
            del self._open[address]

    def __len__(self) -> int:
        """How many connections are counted."""
        return self._open.total()
