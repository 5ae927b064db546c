"""How often somebody may try."""

from __future__ import annotations

import pytest

from broker.security import attempts
from broker.security.attempts import Bans, RateLimit

ADDRESS = "203.0.113.9"


class Clock:
    """Time as the test has it."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """Stand still until told."""
    return Clock()


def fail(bans: Bans, times: int, address: str = ADDRESS) -> None:
    """Try so many wrong keys."""
    for _ in range(times):
        bans.failed(address)


def ban(bans: Bans, clock: Clock) -> float:
    """Earn one ban, sit it out, and tell how long it was."""
    fail(bans, 10)
    length = bans.remaining(ADDRESS)
    clock.now += length
    return length


def test_rate_limit_allows_so_many_a_minute(clock: Clock) -> None:
    """Section 9: 10 new keys a minute per clientId."""
    limit = RateLimit(2, clock)

    assert [limit.allow("a") for _ in range(3)] == [True, True, False]


def test_rate_limit_counts_each_name_by_itself(clock: Clock) -> None:
    """One client's hunger is not another's."""
    limit = RateLimit(1, clock)
    limit.allow("a")

    assert limit.allow("b")


def test_rate_limit_forgets_after_a_minute(clock: Clock) -> None:
    """The minute slides; what was refused does not count."""
    limit = RateLimit(1, clock)
    limit.allow("a")
    clock.now += 59.9
    late = limit.allow("a")
    clock.now += 0.1

    assert (late, limit.allow("a")) == (False, True)


def test_rate_limit_remembers_a_bounded_number_of_names(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The longest unseen are forgotten first."""
    monkeypatch.setattr(attempts, "REMEMBERED", 3)
    limit = RateLimit(1, clock)
    for name in "abcdef":
        limit.allow(name)

    assert len(limit._events) == 3
    assert not limit.allow("f")
    assert limit.allow("a")


def test_nine_wrong_keys_are_no_ban(clock: Clock) -> None:
    """Section 9: 10 failed keys in 60 s."""
    bans = Bans(10, 60, 3_600, clock)
    fail(bans, 9)

    assert bans.remaining(ADDRESS) == 0


def test_ten_wrong_keys_in_a_minute_are_refused_for_a_minute(clock: Clock) -> None:
    """Section 9: refused for 60 s."""
    bans = Bans(10, 60, 3_600, clock)
    fail(bans, 10)

    assert bans.remaining(ADDRESS) == 60


def test_ten_wrong_keys_in_more_than_a_minute_are_no_ban(clock: Clock) -> None:
    """Section 9: in 60 s, wherever those begin."""
    bans = Bans(10, 60, 3_600, clock)
    fail(bans, 5)
    clock.now += 60
    fail(bans, 9)

    assert bans.remaining(ADDRESS) == 0


def test_ban_counts_down_and_ends(clock: Clock) -> None:
    """A refused client is told how long."""
    bans = Bans(10, 60, 3_600, clock)
    fail(bans, 10)
    clock.now += 45
    left = bans.remaining(ADDRESS)
    clock.now += 15

    assert (left, bans.remaining(ADDRESS)) == (15, 0)


def test_bans_double_up_to_an_hour(clock: Clock) -> None:
    """Section 9: doubling up to 1 h."""
    bans = Bans(10, 60, 3_600, clock)

    lengths = [ban(bans, clock) for _ in range(8)]

    assert lengths == [60, 120, 240, 480, 960, 1920, 3600, 3600]


def test_bans_are_as_long_as_was_set(clock: Clock) -> None:
    """Section 9: each limit can be set; the first may even be the longest."""
    bans = Bans(10, 7, 20, clock)
    short = Bans(10, 60, 20, clock)

    assert [ban(bans, clock) for _ in range(3)] == [7, 14, 20]
    assert ban(short, clock) == 20


def test_bans_are_per_address(clock: Clock) -> None:
    """Section 9: from an address."""
    bans = Bans(10, 60, 3_600, clock)
    fail(bans, 10)

    assert bans.remaining("203.0.113.10") == 0


def test_tries_that_were_under_way_do_not_lengthen_the_ban(clock: Clock) -> None:
    """Section 9: the first ban is 60 s, though bcrypt still had keys to judge."""
    bans = Bans(10, 60, 3_600, clock)
    fail(bans, 16)

    assert bans.remaining(ADDRESS) == 60


def test_bans_are_bounded_in_memory(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A botnet fills no memory."""
    monkeypatch.setattr(attempts, "REMEMBERED", 3)
    bans = Bans(1, 60, 3_600, clock)
    for number in range(6):
        bans.failed(f"10.0.0.{number}")

    assert len(bans._banned) == 3
    assert bans.remaining("10.0.0.5") == 60
