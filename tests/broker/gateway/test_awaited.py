"""Who is let in although the broker stops."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from actors.directory import Kind
from broker.gateway.awaited import Awaited


class Evening:
    """Who lives, who has an order under way, and who is connected."""

    def __init__(self) -> None:
        self.living: dict[Kind, set[str]] = {kind: set() for kind in Kind}
        self.ordered: set[str] = set()
        self.here: set[str] = set()
        directory = SimpleNamespace(
            names=lambda kind: self.living[kind],
            find=lambda kind, name: name if name in self.living[kind] else None,
        )
        registry = SimpleNamespace(of=lambda name: [name] if name in self.here else [])
        tally = SimpleNamespace(requesters=lambda: self.ordered)
        self.awaited = Awaited(
            cast("Any", directory), cast("Any", registry), cast("Any", tally)
        )


@pytest.fixture
def evening() -> Evening:
    """A guest reads what a SillyTavern tells; another has nothing to do with it."""
    evening = Evening()
    evening.living[Kind.CLIENT] = {"ann", "bob", "SillyTavern-1"}
    evening.living[Kind.EXTENSION] = {"SillyTavern-1"}
    evening.ordered = {"ann"}
    evening.here = {"ann", "bob", "SillyTavern-1"}
    return evening


def test_nobody_is_awaited_while_all_are_here(evening: Evening) -> None:
    """So whoever knocks is a stranger to what is going on."""
    assert not evening.awaited.anybody()


@pytest.mark.parametrize("identity", ["ann", "SillyTavern-1"])
def test_who_orders_or_answers_and_is_cut_off_is_awaited(
    evening: Evening, identity: str
) -> None:
    """For the rest of the answer."""
    evening.here.remove(identity)

    assert evening.awaited.anybody()


def test_who_only_looked_on_is_not_awaited(evening: Evening) -> None:
    """Nothing is lost to it but time."""
    evening.here.remove("bob")

    assert not evening.awaited.anybody()


@pytest.mark.parametrize("identity", ["ann", "SillyTavern-1"])
def test_who_is_gone_for_good_is_not_awaited(evening: Evening, identity: str) -> None:
    """It said so, or its grace time is over."""
    evening.here.remove(identity)
    evening.living[Kind.CLIENT].remove(identity)

    assert not evening.awaited.anybody()
