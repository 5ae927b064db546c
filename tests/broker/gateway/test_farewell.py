"""What everybody hears when the broker stops."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from broker.gateway.farewell import (
    FIRST_RETURN,
    LONGEST_SPREAD,
    RETURNS_PER_SECOND,
    SHORTEST_SPREAD,
    Farewell,
)
from broker.protocol.packet import unframe


class Guest:
    """A connection with sessions in two namespaces, and what they hear."""

    def __init__(self, number: int) -> None:
        self.sid = f"sid-{number}"
        self.heard: list[bytes] = []
        outbox = SimpleNamespace(push=self.heard.append)
        self.sessions = {
            name: SimpleNamespace(namespace=name, outbox=outbox)
            for name in ("/llm", "/rooms")
        }

    @property
    def returns(self) -> list[float]:
        """When it is to come back, by namespace."""
        return [self.read(framed)["retryAfter"] for framed in self.heard]

    def read(self, framed: bytes) -> dict[str, Any]:
        """The data of an event."""
        packet = unframe(framed).decode()
        data: dict[str, Any] = json.loads(packet[packet.index("[") :])[1]
        return data


def crowd(number: int) -> Any:
    """So many connections."""
    return [Guest(each) for each in range(number)]


def test_all_namespaces_of_a_connection_are_told_the_same() -> None:
    """It comes back as one."""
    (guest,) = guests = crowd(1)
    Farewell().begin(guests)

    assert len(guest.returns) == 2
    assert len(set(guest.returns)) == 1


def test_it_is_said_once() -> None:
    """However often the broker is told to stop."""
    guests = crowd(1)
    farewell = Farewell()
    farewell.begin(guests)
    farewell.begin(guests)

    assert len(guests[0].heard) == 2


def test_who_is_turned_away_has_a_turn_among_the_others() -> None:
    """It was never connected, and would come back at once with all the rest."""
    farewell = Farewell()
    farewell.begin(crowd(1_000))
    turns = [farewell.turn_of(f"sid-{number}") for number in range(100)]

    assert min(turns) >= FIRST_RETURN
    assert max(turns) > FIRST_RETURN + 1_000 / RETURNS_PER_SECOND / 2
    assert len(set(turns)) > 50


@pytest.mark.parametrize("number", [3, 1_000, 5_000])
def test_returns_are_spread_by_the_number_of_connections(number: int) -> None:
    """No second has many more than keys can be proven in it, up to a minute."""
    guests = crowd(number)
    Farewell().begin(guests)
    returns = [guest.returns[0] for guest in guests]
    wanted = number / RETURNS_PER_SECOND
    spread = min(max(wanted, SHORTEST_SPREAD), LONGEST_SPREAD)
    busiest = max(
        sum(second <= each < second + 1 for each in returns)
        for second in range(int(FIRST_RETURN + spread) + 1)
    )

    assert min(returns) >= FIRST_RETURN
    assert max(returns) <= FIRST_RETURN + spread
    assert busiest <= 2 * number / spread + 3
