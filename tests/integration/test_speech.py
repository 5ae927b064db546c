"""Messages between people, events of one's own, and rules that send them elsewhere."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

import pytest

from .harness import Broker, Names, Node, StartBroker

GUESTS = ["guest-1", "guest-2", "guest-3"]
HOUSE: dict[str, dict[str, Any]] = {
    **{name: {} for name in [*GUESTS, "SillyTavern-1"]},
    "monitor": {"clientType": "monitor"},
}
RESTLESS: dict[str, Any] = {
    "monitorsMayGetKey": True,
    "eventsPerSecond": 1_000_000,
    "eventsBurst": 1_000_000,
}
"""Who waits for new rules asks whether they count, again and again."""


@pytest.fixture
def party(monitored: Broker, names: Names) -> dict[str, Any]:
    """Name a room, three clients and an extension."""
    return {
        "url": monitored.url,
        "clientIds": names.clients(3),
        "extension": names.extension(),
        "room": f"room-{secrets.token_hex(4)}",
    }


@pytest.fixture
def ruled(start_broker: StartBroker) -> dict[str, Any]:
    """Start a broker, and say where its routing rules lie."""
    broker = start_broker(HOUSE, **RESTLESS)
    routes = broker.settings / "routes.json"
    return {"url": broker.url, "routes": str(routes), "clientIds": GUESTS}


def codes(acks: Mapping[str, Any]) -> dict[str, int | None]:
    """The code of each ack; None where it was ok."""
    return {name: ack.get("code") for name, ack in acks.items()}


def numbers(messages: list[dict[str, Any]]) -> list[int]:
    """Which of the messages of a scenario these are."""
    return [message["said"] for message in messages]


def test_message_goes_to_whom_it_names(node: Node, party: dict[str, Any]) -> None:
    """Section 8: an identity, all instances of a client, a room, the server."""
    result = node("speech", "people", **party)
    ann, bob, _ = party["clientIds"]
    acks = result["acks"]

    assert set(codes(acks).values()) == {None}
    assert codes(result["refused"]) == {
        "unknown": 401,
        "nobodysRoom": 302,
        "stranger": 303,
        "all": 6,
        "number": 3,
        "answer": 6,
        "long": 4,
        "longObject": 4,
    }
    assert numbers(result["ann"]) == [6]
    assert numbers(result["bob"]) == [2, 3, 7, 8]
    assert numbers(result["tab"]) == [1]
    assert numbers(result["carl"]) == [8]
    to_tab = result["tab"][0]
    assert (to_tab["source"], to_tab["clientId"]) == (ann, ann)
    assert to_tab["data"] == "hi"

    recorded = result["recorded"]
    assert recorded["ann"] == recorded["bob"]
    assert recorded["carl"] == []
    assert [message["data"] for message in recorded["bob"]] == [
        "all",
        "a\ufffdb",
        "two",
    ]
    first = recorded["bob"][0]
    assert first["messageId"] == acks["room"]["messageId"]
    assert first["identity"] == first["clientId"] == ann
    assert (first["fromClient"], first["role"], first["mood"]) == (
        True,
        "master",
        "merry",
    )
    assert {"target", "targetRoom", "source"}.isdisjoint(first)
    assert "messageId" not in acks["identity"]
    assert bob != ann


def test_only_a_monitor_speaks_to_all(node: Node, party: dict[str, Any]) -> None:
    """Section 8: messages and events, to everybody else; SillyTaverns talk as well."""
    result = node(
        "speech", "everybody", **party | {"clientIds": party["clientIds"][:2]}
    )
    ann, bob, tavern, monitor = result["heard"]

    assert codes(result["acks"]) == {
        "tavern": None,
        "toTavern": None,
        "all": None,
        "bell": None,
        "bellByGuest": 6,
    }
    assert ann == [1, 3, 4]
    assert bob == [3, 4]
    assert tavern == [2, 3, 4]
    assert monitor == []


def test_event_of_ones_own_is_passed_on_and_its_ack_brought_back(
    node: Node, party: dict[str, Any]
) -> None:
    """Section 8: stamped; an ack is forwarded when the target is one identity."""
    result = node("speech", "events", **party)
    ann, bob, _ = party["clientIds"]
    extension = party["extension"]

    assert result["answers"] == [6, {"thrown": 4}]
    assert result["dice"] == [
        {"target": bob, "sides": 6, "source": ann, "clientId": ann}
    ]
    acks = result["acks"]
    assert acks["fromTavern"] == {"status": "seen", "by": ann}
    assert {acks[name]["status"] for name in ("room", "server", "longestName")} == {
        "ok"
    }
    assert [each["source"] for each in result["ann"]] == [extension]
    assert [each["n"] for each in result["bob"]] == [2]
    assert [each["n"] for each in result["tavern"]] == [2]
    assert result["own"] == result["carl"] == result["recorded"] == 0
    assert result["refused"].keys() == {
        "nobody",
        "nothing",
        "text",
        "unknown",
        "stranger",
        "longName",
        "digit",
        "space",
        "protocol",
        "elsewhere",
        "longText",
    }
    assert codes(result["refused"]) == dict.fromkeys(result["refused"], 4) | {
        "unknown": 401,
        "stranger": 303,
    }


def test_event_from_a_silly_tavern_reaches_the_rooms_clients(
    node: Node, party: dict[str, Any]
) -> None:
    """Section 8: in /llm or /sillytavern; clients are in /llm alone."""
    result = node("speech", "events", **party)

    assert result["acks"]["roomFromTavern"]["status"] == "ok"
    assert result["bobLastCall"] == 1


def test_event_that_is_not_acked_ends_in_an_error(
    node: Node, start_broker: StartBroker
) -> None:
    """Section 2: 8 after functionTimeout, 11 when the callee has left."""
    broker = start_broker({name: {} for name in GUESTS}, functionTimeout=0.3)
    result = node("speech", "unanswered", url=broker.url, clientIds=GUESTS)

    assert result["silent"]["code"] == 8
    assert result["gone"]["code"] == 11
    assert result["carl"] == "hello"


def test_events_of_ones_own_can_be_switched_off(
    node: Node, start_broker: StartBroker
) -> None:
    """Section 8: customEvents: false; messages are no such events."""
    broker = start_broker({name: {} for name in GUESTS}, customEvents=False)
    result = node("speech", "switchedOff", url=broker.url, clientIds=GUESTS[:2])

    assert result["ack"]["code"] == 4
    assert result["message"]["status"] == "ok"
    assert result["waves"] == 0


def test_rules_send_words_elsewhere_as_soon_as_they_are_written(
    node: Node, ruled: dict[str, Any]
) -> None:
    """Section 8: deliver, copy, drop; the first that matches wins; hot-reloaded."""
    result = node("speech", "ruled", **ruled)
    acks = result["acks"]
    ann, bob, scribe = result["heard"]

    assert bob == [1, 3, 8, 10, 11, 12, 13]
    assert scribe == [1, 2, 3, 5, 11, 12]
    assert ann == []
    assert acks["wave"] == "from the scribe"
    assert acks["nod"] == "nods back"
    assert result["cellar"] == [["guest-1", "gossip"], ["guest-1", "diary"]]
    assert result["lobby"] == 0
    dropped = {
        name
        for name, ack in acks.items()
        if isinstance(ack, dict) and "routing rule" in ack.get("warning", "")
    }
    assert dropped == {"curse", "secret", "firstRuleOnly"}
    for name in ("delivered", "note", "diary", "lost"):
        assert acks[name]["status"] == "ok"
    assert result["free"]["status"] == "ok"
    assert result["after"] == 9


def test_rules_send_answers_elsewhere_with_their_request(
    node: Node, ruled: dict[str, Any]
) -> None:
    """Section 8: chunks inherit their request's decision; Separate is left alone."""
    result = node("speech", "ruledAnswers", **ruled, extension="SillyTavern-1")
    said, rounds = "Once more.", result["rounds"]

    assert {name: each["texts"] for name, each in rounds.items()} == {
        "none": [said, "", ""],
        "copy": [said, said, ""],
        "deliver": ["", said, ""],
        "copyToAll": [said] * 3,
        "wholeToAll": [said] * 3,
        "separate": [said, "", ""],
        "drop": ["", "", ""],
    }
    assert rounds["wholeToAll"]["whole"] == [said]
    assert result["cellar"] == 0
    assert rounds["drop"]["code"] == 6
    for name, each in rounds.items():
        assert each["terminal"] == ([] if name == "drop" else ["completed"])


def test_bad_rules_are_refused_whole_and_the_old_ones_stay(
    node: Node, ruled: dict[str, Any]
) -> None:
    """Section 8: a bad file is refused, with the line, and the old rules stay."""
    result = node("speech", "badRules", **ruled)

    assert "line 3" in result["line"]
    assert "rule 2" in result["line"]
    assert "routing rule" in result["still"]["warning"]
    assert result["free"]["status"] == "ok"
    assert result["heard"] == 1
