"""The fast lane is only faster: what peers hear must not tell whether it is there."""

from __future__ import annotations

import pytest

from broker.config import FAST_LANE_VARIABLE

from .harness import Node, StartBroker

CLIENT = "both-ways"
TAVERN = "SillyTavern-both-ways"


def test_clients_hear_the_same_with_and_without_the_fast_lane(
    node: Node, start_broker: StartBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Halves of characters, gaps, repeats, odd types, late chunks and failures."""
    heard = []
    for switch in ("1", "0"):
        monkeypatch.setenv(FAST_LANE_VARIABLE, switch)
        broker = start_broker({CLIENT: {}, TAVERN: {"clientType": "SillyTavern"}})
        heard.append(
            node("both_ways", "talk", url=broker.url, clientId=CLIENT, extension=TAVERN)
        )
    fast, plain = heard

    assert len(fast["reader"]["atOnce"]) > 50
    assert fast["reader"] == plain["reader"]
    assert fast["extension"] == plain["extension"]
