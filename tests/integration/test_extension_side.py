"""What an extension does of its own accord: stop an answer, take its place over."""

from __future__ import annotations

import pytest

from .harness import Broker, Names, Node, StartBroker


@pytest.fixture
def pair(party: dict[str, str], names: Names) -> dict[str, str]:
    """A client, its extension, and another."""
    return {**party, "other": names.extension()}


def test_request_that_its_user_stops_ends_as_cancelled(
    node: Node, party: dict[str, str]
) -> None:
    """Section 4: what came is kept, the next is sent, and nobody is told to stop."""
    result = node("extension_side", "stopped", **party)

    assert result["ack"]["status"] == "ok"
    assert result["ack"]["state"] == "cancelled"
    assert result["first"]["terminal"] == ["cancelled"]
    assert result["first"]["text"] == "kept text"
    (end,) = result["first"]["ends"]
    assert end["status"] == "cancelled"
    assert "stopped" in result["first"]["statuses"][-1]["error"]["message"]
    assert result["next"]["terminal"] == ["completed"]
    assert result["stops"] == []


def test_stopping_again_is_answered(node: Node, party: dict[str, str]) -> None:
    """An extension that lost the first ack asks once more."""
    again = node("extension_side", "stopped", **party)["again"]

    assert again["status"] == "error"
    assert again["code"] == 72


def test_stopping_one_of_two_leaves_the_other(node: Node, pair: dict[str, str]) -> None:
    """Section 4: completed if any leg was."""
    result = node("extension_side", "oneOfTwo", **pair)

    assert result["terminal"] == ["completed"]
    assert sorted(end["status"] for end in result["ends"]) == ["cancelled", "completed"]


def test_extension_can_not_stop_what_others_answer(
    node: Node, pair: dict[str, str]
) -> None:
    """Only what it was sent itself."""
    result = node("extension_side", "foreign", **pair)

    assert result["refused"]["code"] == 6
    assert result["unknown"]["code"] == 72
    assert result["terminal"] == ["completed"]
    assert result["text"] == "unharmed"


def test_second_tab_is_told_who_holds_the_identity(
    node: Node, party: dict[str, str]
) -> None:
    """Section 12: an error when another live connection holds that identity."""
    held = node("extension_side", "takenOver", **party)["held"]

    assert (held["status"], held["code"]) == ("error", 4)
    assert held["held"] == {"instance": "aa.01"}


def test_second_tab_takes_the_identity_over(node: Node, party: dict[str, str]) -> None:
    """Section 12: the first is told why, and gets no more requests."""
    result = node("extension_side", "takenOver", **party)

    assert result["taken"]["status"] == "ok"
    assert result["told"]["code"] == 11
    assert result["lost"]["terminal"] == ["failed"]
    assert result["lost"]["text"] == "half"
    assert result["next"]["terminal"] == ["completed"]
    assert result["next"]["text"] == "second"
    assert result["returned"]["status"] == "ok"
    assert len(result["orders"]) == 1


def test_second_tab_without_a_key_is_given_one_as_it_takes_over(
    node: Node, broker: Broker, names: Names
) -> None:
    """It is as local as the first."""
    extension = names.extension()
    result = node("extension_side", "withoutKey", url=broker.url, extension=extension)

    assert result["taken"]["status"] == "warning"
    assert result["taken"]["key"].startswith("tap_")
    assert result["told"]["code"] == 11


def test_who_has_not_said_the_password_takes_nothing_over(
    node: Node, start_broker: StartBroker
) -> None:
    """Section 1: no key for a SillyTavern with a password before LOGIN."""
    own = start_broker(
        {"SillyTavern-1": {"sillyTavernPassWord": "hops", "clientType": "SillyTavern"}}
    )
    result = node(
        "extension_side",
        "withoutPassword",
        url=own.url,
        extension="SillyTavern-1",
        password="hops",
    )

    assert result["refused"]["code"] == 5
    assert result["still"]["status"] == "ok"
    assert result["errors"] == []
