"""How much one connection may send, and how many one address may open."""

from __future__ import annotations

import sys

import pytest

from actors.limits import Limit
from broker.gateway.rate import (
    FORBEARANCE,
    STRIDE,
    Crowd,
    EventLimit,
    Pace,
    Rates,
    TokenBucket,
    Verdict,
)

ADDRESS = "203.0.113.9"


class Clock:
    """Time as the test has it."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """Stand still until told."""
    return Clock()


def limit(clock: Clock, per_second: int = 200, burst: int = 400) -> EventLimit:
    """A connection's limit."""
    rates = Rates(per_second, burst, 5_000)
    return EventLimit(rates, clock, Limit.EVENTS_PER_SECOND)


def judge(limit: EventLimit, times: int) -> list[Verdict]:
    """Send so many events at once."""
    return [limit.judge() for _ in range(times)]


def test_burst_may_come_at_once() -> None:
    """And not one more."""
    bucket = TokenBucket(10, 3, 0)

    assert [bucket.take(0) for _ in range(4)] == [True, True, True, False]


def test_bucket_fills_with_time() -> None:
    """At its rate."""
    bucket = TokenBucket(10, 3, 0)
    for _ in range(3):
        bucket.take(0)

    assert [bucket.take(0.05), bucket.take(0.1), bucket.take(0.1)] == [
        False,
        True,
        False,
    ]


def test_bucket_holds_no_more_than_a_burst() -> None:
    """However long nothing came."""
    bucket = TokenBucket(10, 3, 0)

    assert [bucket.take(1_000) for _ in range(4)] == [True, True, True, False]


def test_four_hundred_events_at_once_are_taken(clock: Clock) -> None:
    """Section 9: burst 400."""
    verdicts = judge(limit(clock), 401)

    assert verdicts == [Verdict.TAKEN] * 400 + [Verdict.REFUSED]


def test_two_hundred_events_a_second_are_taken_for_ever(clock: Clock) -> None:
    """Section 9: 200/s per socket."""
    events = limit(clock)
    judge(events, 400)
    verdicts = []
    for _ in range(60):
        clock.now += 1
        verdicts += judge(events, 200)

    assert set(verdicts) == {Verdict.TAKEN}


def test_refused_event_takes_nothing(clock: Clock) -> None:
    """Whoever waits a little gets on, however much was refused before."""
    events = limit(clock)
    judge(events, 600)
    clock.now += 0.006

    assert judge(events, 2) == [Verdict.TAKEN, Verdict.REFUSED]


def test_who_goes_on_after_another_burst_is_closed(clock: Clock) -> None:
    """Over a limit: first a clear error, then the end."""
    verdicts = judge(limit(clock), 801)

    assert verdicts.count(Verdict.REFUSED) == 400
    assert verdicts[-1] is Verdict.LAST


def test_refusals_are_forgiven_in_time(clock: Clock) -> None:
    """A client that is a little too fast, for ever, is not closed for it."""
    events = limit(clock)
    verdicts = []
    for _ in range(60):
        verdicts += judge(events, 200 + 75)
        clock.now += 1

    assert FORBEARANCE == 5
    assert set(verdicts) == {Verdict.TAKEN, Verdict.REFUSED}


def test_twice_as_many_as_may_be_are_soon_the_end(clock: Clock) -> None:
    """Within a few seconds."""
    events = limit(clock)
    verdicts: list[Verdict] = []
    while Verdict.LAST not in verdicts:
        verdicts += judge(events, 40)
        clock.now += 0.1

    assert 1 < clock.now < 10


def test_idle_connection_costs_a_few_numbers(clock: Clock) -> None:
    """Memory is bounded by bytes, not by what came."""
    events, pace = limit(clock), Pace(5_000, clock)

    assert sys.getsizeof(events) + sys.getsizeof(pace) < 200


def read(pace: Pace, clock: Clock, events: int) -> float:
    """Read so many stream events as fast as may be; gives the seconds it took."""
    begun = clock.now
    for _ in range(events):
        pace.unseen += 1
        if pace.unseen >= pace.due:
            clock.now += pace.pause()
    clock.now += pace.pause()
    return clock.now - begun


def test_a_second_of_stream_events_may_come_at_once(clock: Clock) -> None:
    """Section 9: 5,000/s."""
    assert read(Pace(5_000, clock), clock, 5_000) == pytest.approx(0)


@pytest.mark.parametrize("per_second", [1, 7, 100, 5_000, 1_000_000])
def test_stream_events_beyond_are_read_at_the_rate(
    per_second: int, clock: Clock
) -> None:
    """Section 9: reading pauses, whatever was set."""
    pace = Pace(per_second, clock)
    read(pace, clock, per_second)

    assert read(pace, clock, per_second * 3) == pytest.approx(3)


def test_stream_events_within_the_rate_never_pause(clock: Clock) -> None:
    """However long they come."""
    pace = Pace(5_000, clock)
    paused = 0.0
    for _ in range(1_000):
        pace.unseen += 49
        clock.now += 0.01
        paused += pace.pause()

    assert paused == 0


def test_quiet_time_saves_up_one_second_and_no_more(clock: Clock) -> None:
    """An hour's silence is no leave for an hour's worth."""
    pace = Pace(100, clock)
    clock.now += 3_600

    assert read(pace, clock, 300) == pytest.approx(2)


@pytest.mark.parametrize(
    ("per_second", "due"), [(1, 1), (20, 2), (5_000, STRIDE), (10**9, STRIDE)]
)
def test_clock_is_looked_at_only_now_and_then(
    per_second: int, due: int, clock: Clock
) -> None:
    """A chunk costs an addition; a low rate is kept all the same."""
    assert Pace(per_second, clock).due == due


def test_so_many_connections_are_let_in() -> None:
    """Section 9: 50 connections per address."""
    crowd = Crowd(2)

    assert [crowd.enter(ADDRESS) for _ in range(3)] == [True, True, False]
    assert crowd.enter("203.0.113.10")
    assert len(crowd) == 3
    assert crowd.refused == 1


def test_closed_connection_makes_room() -> None:
    """Exactly one; who was refused counts for nothing."""
    crowd = Crowd(2)
    for _ in range(9):
        crowd.enter(ADDRESS)
    crowd.leave(ADDRESS)

    assert [crowd.enter(ADDRESS) for _ in range(2)] == [True, False]


def test_empty_crowd_takes_no_memory() -> None:
    """Addresses that have left are forgotten."""
    crowd = Crowd(2)
    crowd.enter(ADDRESS)
    crowd.leave(ADDRESS)
    crowd.leave(ADDRESS)

    assert len(crowd) == len(crowd._open) == 0


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.8.8", "::1"])
def test_loopback_is_not_counted(address: str) -> None:
    """Section 9: beyond loopback."""
    crowd = Crowd(1)

    assert all(crowd.enter(address) for _ in range(5))
    crowd.leave(address)
    assert len(crowd) == 0
