"""From where keys were shown last."""

from __future__ import annotations

from broker.security.addresses import REMEMBERED, LastAddresses


def test_the_last_address_counts() -> None:
    """A key may be shown from many places."""
    addresses = LastAddresses()
    addresses.note("a", "127.0.0.1")
    addresses.note("a", "192.0.2.1")

    assert addresses.of("a") == "192.0.2.1"


def test_a_key_that_nobody_showed_has_none() -> None:
    """Since the start."""
    assert LastAddresses().of("a") is None


def test_those_noted_longest_ago_are_forgotten() -> None:
    """Memory is bounded."""
    addresses = LastAddresses()
    addresses.note("first", "192.0.2.1")
    addresses.note("second", "192.0.2.2")
    addresses.note("first", "192.0.2.3")
    for number in range(REMEMBERED - 1):
        addresses.note(str(number), "192.0.2.4")

    assert addresses.of("first") == "192.0.2.3"
    assert addresses.of("second") is None
