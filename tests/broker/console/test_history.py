"""The figures of the last quarter of an hour."""

from __future__ import annotations

from typing import Any

from broker.console.history import SAMPLES, SHORTEST, History, Rate


def report(chunks: int) -> dict[str, Any]:
    """The figures of a status page, as far as samples have them."""
    return {
        "chunks": chunks,
        "requests": {"active": 2, "queued": 1, "completed": 9, "failed": 0},
        "loopLagP99": 1.5,
        "memory": 4096,
        "clients": 3,
    }


class Clock:
    """Time that goes on when the test says so."""

    def __init__(self) -> None:
        self.now = 50.0

    def __call__(self) -> float:
        """What it shows."""
        return self.now


def test_sample_has_its_figures_in_order() -> None:
    """When, chunks a second, active, queued, loop lag, memory, clients."""
    clock = Clock()
    history = History(lambda: 1_700_000_000.9, clock)
    clock.now += 5
    sample = history.take(report(chunks=100))

    assert sample == (1_700_000_000, 20.0, 2, 1, 1.5, 4096, 3)
    assert history.samples() == [sample]
    assert history.speed == 20.0


def test_history_is_a_quarter_of_an_hour_long() -> None:
    """The oldest go."""
    clock = Clock()
    history = History(clock, clock)
    for _ in range(SAMPLES + 1):
        clock.now += 5
        history.take(report(0))

    assert len(history.samples()) == SAMPLES
    assert history.samples()[0][0] == 60


def test_speed_is_not_reckoned_of_a_moment() -> None:
    """The one before holds: some chunks in no time are no thousands a second."""
    clock = Clock()
    rate = Rate(clock, 10, speed=7.0)
    clock.now += SHORTEST / 2
    at_once = rate.at(11)
    clock.now += 1 - SHORTEST / 2
    then = rate.at(12)

    assert (at_once, then) == (7.0, 2.0)
