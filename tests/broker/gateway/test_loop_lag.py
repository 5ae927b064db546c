"""How late the loop is, by a loop that can be made late."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from broker.gateway.loop_lag import SAMPLE_EVERY, SAMPLES, LoopLag


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


@pytest.fixture
def loop() -> FakeLoop:
    """One that is on time until it is told."""
    return FakeLoop()


@pytest.fixture
def lag(loop: FakeLoop) -> LoopLag:
    """A sampler that has begun."""
    begun = LoopLag(cast("asyncio.AbstractEventLoop", loop))
    begun.start()
    return begun


def test_lag_is_the_longest_delay_of_late(loop: FakeLoop, lag: LoopLag) -> None:
    """In milliseconds."""
    for late in (0.001, 0.25, 0.002):
        loop.ring(late)

    assert lag.longest == 250


def test_delay_of_long_ago_is_forgotten(loop: FakeLoop, lag: LoopLag) -> None:
    """Ten seconds are remembered, by one timer."""
    loop.ring(3)
    for _ in range(SAMPLES):
        loop.ring(0.001)

    assert (lag.longest, lag.p99) == (1, 1)
    assert len(loop.timers) == 1
    assert SAMPLE_EVERY * SAMPLES == 10


def test_p99_leaves_out_the_longest_of_a_hundred(loop: FakeLoop, lag: LoopLag) -> None:
    """And not the second."""
    for late in (*[0.001] * 98, 0.015):
        loop.ring(late)
    one_late = lag.p99
    loop.ring(0.016)

    assert one_late == 1
    assert lag.p99 == 15


def test_loop_that_was_held_up_is_late_for_every_timer_of_that_time(
    loop: FakeLoop, lag: LoopLag
) -> None:
    """Or the longest hold-ups would count the least."""
    for _ in range(SAMPLES):
        loop.ring(0)
    loop.ring(0.21)
    by_bound = dict(lag.histogram.cumulative())

    assert lag.p99 == 110
    assert by_bound[float("inf")] - by_bound[0.1] == 6
    assert loop.timers[0][0] > loop.now


def test_hold_up_of_a_day_costs_no_more_than_is_remembered(
    loop: FakeLoop, lag: LoopLag
) -> None:
    """A machine may have slept."""
    loop.ring(86_400.01)

    assert lag.histogram.count == SAMPLES
    assert 0 < loop.timers[0][0] - loop.now <= SAMPLE_EVERY


def test_all_delays_are_counted_since_the_start(loop: FakeLoop, lag: LoopLag) -> None:
    """For who wants to see a day."""
    for _ in range(2 * SAMPLES):
        loop.ring(0.003)
    by_bound = dict(lag.histogram.cumulative())

    assert (by_bound[0.002], by_bound[0.005]) == (0, 2 * SAMPLES)


async def test_stopped_sampler_rings_no_more() -> None:
    """It leaves no timer behind."""
    lag = LoopLag(asyncio.get_running_loop())
    lag.start()
    timer = lag._timer
    assert timer is not None
    lag.stop()

    assert timer.cancelled()
