"""Who has how much to do."""

from __future__ import annotations

import heapq
import random
from typing import Any

from actors.base import LoopRef
from actors.roster import Roster
from tests.actors.recording import Neighbour

REQUESTS = 10_000
EIGHT = [f"e{number}" for number in range(8)]


def roster_of(names: list[str], ref: LoopRef[Any]) -> Roster:
    """A roster with these."""
    roster = Roster()
    for name in names:
        roster.enter(name, name, ref)
    return roster


async def test_free_gives_everybody_much_the_same() -> None:
    """Of 10,000 requests, short and long, the busiest gets 1.2 times the idlest."""
    chance = random.Random(11)  # noqa: S311 - nothing secret
    roster = roster_of(EIGHT, Neighbour().ref)
    given = dict.fromkeys(EIGHT, 0)
    running: list[tuple[float, str, str]] = []
    now = 0.0
    for number in range(REQUESTS):
        now += chance.expovariate(1.0)
        while running and running[0][0] <= now:
            _, request, identity = heapq.heappop(running)
            roster.release(request, identity)
            roster.forget(request)
        chosen = roster.least_busy(EIGHT)
        assert chosen is not None
        roster.burden(f"{number}", [chosen])
        given[chosen] += 1
        heapq.heappush(
            running, (now + chance.lognormvariate(1.5, 1.5), f"{number}", chosen)
        )
        in_flight = sum(len(roster[name].requests) for name in EIGHT)
        assert in_flight == len(running)
    for _, request, _identity in running:
        roster.forget(request)

    assert max(given.values()) <= 1.2 * min(given.values())
    assert [len(roster[name].requests) for name in EIGHT] == [0] * 8
    assert roster._given == {}


async def test_a_client_has_the_instances_that_say_so() -> None:
    """Those in their grace time included."""
    roster, ref = Roster(), Neighbour().ref
    roster.enter("tab1", "tavern", ref)
    roster.enter("tab2", "tavern", ref)
    roster.enter("other", "other", ref)
    roster.suspend("tab2")

    assert roster.of_client("tavern") == ["tab1", "tab2"]
    assert roster.available() == ["tab1", "other"]


async def test_who_is_draining_is_not_chosen() -> None:
    """And keeps what it has."""
    roster, ref = roster_of(["a", "b"], Neighbour().ref), Neighbour().ref
    roster.burden("1", ["a"])
    roster.drain("a")

    assert roster.least_busy(["a", "b"]) == "b"
    assert roster.least_busy(["a"]) is None
    assert (roster.available(), roster.willing()) == (["b"], ("b",))
    assert roster["a"].requests == {"1"}
    roster.remove("a")
    roster.enter("a", "a", ref)
    assert roster.draining() == {"a"}
    roster.undrain("a")
    assert roster.available() == ["b", "a"]
