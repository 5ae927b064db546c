"""The figures of the status page."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, cast

import pytest

from broker.gateway import status
from broker.gateway.status import SAMPLE_EVERY, SAMPLES, LoopLag, resident_bytes


class FakeLoop:
    """A loop that can be late."""

    def __init__(self) -> None:
        self.now = 0.0
        self.timers: list[tuple[float, Any, tuple[Any, ...]]] = []

    def time(self) -> float:
        """What its clock shows."""
        return self.now

    def call_at(self, when: float, callback: Any, *args: Any) -> Any:
        """Remember what is to ring."""
        self.timers.append((when, callback, args))

    def ring(self, late: float) -> None:
        """Ring the one timer, so late."""
        ((when, callback, args),), self.timers = self.timers, []
        self.now = when + late
        callback(*args)


def lag_of(loop: FakeLoop) -> LoopLag:
    """A sampler that has begun."""
    lag = LoopLag(cast("asyncio.AbstractEventLoop", loop))
    lag.start()
    return lag


def test_lag_is_the_longest_delay_of_late() -> None:
    """In milliseconds."""
    loop = FakeLoop()
    lag = lag_of(loop)
    for late in (0.001, 0.25, 0.002):
        loop.ring(late)

    assert lag.milliseconds == 250


def test_delay_of_long_ago_is_forgotten() -> None:
    """A few seconds are remembered, by one timer."""
    loop = FakeLoop()
    lag = lag_of(loop)
    loop.ring(3)
    for _ in range(SAMPLES):
        loop.ring(0.001)

    assert lag.milliseconds == 1
    assert len(loop.timers) == 1
    assert SAMPLE_EVERY * SAMPLES <= 10


async def test_stopped_sampler_rings_no_more() -> None:
    """It leaves no timer behind."""
    lag = LoopLag(asyncio.get_running_loop())
    lag.start()
    timer = lag._timer
    assert timer is not None
    lag.stop()

    assert timer.cancelled()


def test_memory_is_what_the_process_has() -> None:
    """Python with our libraries, and less than a gigabyte of it."""
    found = resident_bytes()

    assert found is not None
    assert 10 << 20 < found < 1 << 30


def test_memory_is_the_peak_where_the_system_tells_only_that(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """There is no /proc on macOS."""
    now = resident_bytes()
    monkeypatch.setattr(status, "_STATM", tmp_path / "none")
    peak = resident_bytes()

    assert now is not None
    assert peak is not None
    assert peak >= now // 2
