"""How many TCP connections there may be, and how many an address may have."""

from __future__ import annotations

from typing import Any

import pytest

from actors.errors import BrokerError, Code
from broker.config import ServerSettings
from broker.gateway.counts import Counts
from broker.http.places import FOR_EACH, SPARE, Places
from broker.security.peer import Neighbourhood

STRANGER = "203.0.113.9"


def places(**settings: Any) -> Places:
    """Places of which an address has as many as one client needs."""
    limits: dict[str, Any] = {"connections_per_address": 1, **settings}
    near = Neighbourhood([], ["192.0.2.0/24", "2001:db8:1::/64"])
    return Places(ServerSettings(**limits), near, Counts())


def refusal(of: Places, address: str) -> int:
    """The code with which an address is turned away."""
    with pytest.raises(BrokerError) as refused:
        of.take(address)
    return refused.value.code


@pytest.mark.parametrize(
    "addresses",
    [
        [STRANGER],
        [STRANGER, f"::ffff:{STRANGER}"],
        ["2001:db8::1", "2001:db8::2", "2001:db8::ffff:ffff:ffff:ffff"],
    ],
    ids=["address", "the same in IPv6", "IPv6 network"],
)
def test_what_one_stranger_can_have_is_counted_as_one(addresses: list[str]) -> None:
    """Who has one address of an IPv6 network has all of them."""
    taken = places()
    for number in range(FOR_EACH):
        taken.take(addresses[number % len(addresses)])

    assert {refusal(taken, address) for address in addresses} == {
        Code.TOO_MANY_REQUESTS
    }


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (STRANGER, "203.0.113.10"),
        ("2001:db8::1", "2001:db8:0:1::1"),
        ("::ffff:203.0.113.9", "::ffff:203.0.113.10"),
    ],
)
def test_others_are_counted_apart(one: str, other: str) -> None:
    """One stranger takes nobody else's places."""
    taken = places()
    for _ in range(FOR_EACH):
        taken.take(one)

    assert refusal(taken, one) == Code.TOO_MANY_REQUESTS
    taken.take(other)


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "192.0.2.1", "2001:db8:1::9"],
)
def test_this_machine_and_proxies_have_what_there_is(address: str) -> None:
    """All that there are may come by one proxy, and no more than that."""
    taken = places(max_connections=20)
    for _ in range(20 + SPARE):
        taken.take(address)

    assert refusal(taken, address) == Code.UNAVAILABLE
    assert refusal(taken, STRANGER) == Code.UNAVAILABLE


def test_place_is_given_back_once() -> None:
    """However often its connection ends."""
    taken = places()
    first, *_ = [taken.take(STRANGER) for _ in range(FOR_EACH)]
    for _ in range(3):
        first.leave()
    taken.take(STRANGER)

    assert taken.taken == FOR_EACH
    assert refusal(taken, STRANGER) == Code.TOO_MANY_REQUESTS


def test_address_that_is_not_known_any_more_has_few_places() -> None:
    """Whose connection is gone already when it is looked at."""
    taken = places()
    for _ in range(FOR_EACH):
        taken.take("")

    assert refusal(taken, "") == Code.TOO_MANY_REQUESTS
