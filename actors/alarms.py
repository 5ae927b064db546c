"""Alarms: an actor's timers by name, each set at most once at a time.

Owns the timers. Must never do anything when one rings but send the actor its message.
"""

from __future__ import annotations

import asyncio
from collections.abc import Hashable
from typing import Any

from actors.base import LoopRef


class Alarms:
    """The timers of one actor."""

    __slots__ = ("_loop", "_ref", "_timers")

    def __init__(self, ref: LoopRef[Any]) -> None:
        self._loop = asyncio.get_running_loop()
        self._ref = ref
        self._timers: dict[Hashable, asyncio.TimerHandle] = {}

    def set(self, name: Hashable, seconds: float, message: Any) -> None:
        """Send the actor a message in so many seconds; an earlier one is undone."""
        earlier = self._timers.get(name)
        if earlier is not None:
            earlier.cancel()
        self._timers[name] = self._loop.call_later(seconds, self._ref.tell, message)

    def cancel(self, name: Hashable) -> None:
        """Undo one, if it is set."""
        timer = self._timers.pop(name, None)
        if timer is not None:
            timer.cancel()

    def silence(self) -> None:
        """Undo all."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
