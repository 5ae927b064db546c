"""A clock that does not jump: for ends and moments that are stored.

What only this process measures goes by the loop's time, and what people read by the
wall clock. What is stored must mean something after a restart and must not change
its length when somebody sets the wall clock meanwhile: that goes by this one.
"""

from __future__ import annotations

import time
from collections.abc import Callable


def steady_clock() -> Callable[[], float]:
    """The wall clock's time as it is now, and evenly on from there."""
    ahead = time.time() - time.monotonic()
    return lambda: time.monotonic() + ahead
