"""Connection policies: which extensions a room may use, and who says so."""

from __future__ import annotations

from collections import Counter

import pytest

from .harness import Broker, Node, StartBroker

TAVERNS = ["SillyTavern-1", "SillyTavern-2", "SillyTavern-3"]
GUESTS = [f"guest-{number}" for number in range(1, 8)]


@pytest.fixture
def own(start_broker: StartBroker) -> Broker:
    """Start a broker whose policy is nobody else's."""
    trusted: dict[str, dict[str, str]] = {name: {} for name in TAVERNS + GUESTS}
    monitor = {"monitor": {"clientType": "monitor"}}
    return start_broker(trusted | monitor, monitorsMayGetKey=True)


def test_policy_is_free_and_set_by_monitors_alone(node: Node, own: Broker) -> None:
    """Section 8: Free is the default; changed by monitors; asked for by anybody."""
    result = node("policies", "policy", url=own.url)

    assert result["first"]["policy"] == "Free"
    assert result["byGuest"]["code"] == 6
    assert result["untouched"]["policy"] == "Free"
    assert (result["set"]["status"], result["set"]["policy"]) == ("ok", "Balanced")
    assert result["then"]["policy"] == "Balanced"
    assert result["bare"]["policy"] == result["last"]["policy"] == "Manual"


def test_unknown_policy_is_refused_with_those_there_are(
    node: Node, own: Broker
) -> None:
    """Code 3; the names are taken letter by letter."""
    refused = node("policies", "policy", url=own.url)["unknown"]

    assert refused["code"] == 3
    assert refused["message"] == (
        "policy must be one of Free, Manual, Balanced, Broadcast, Random, not 'manual'"
    )


def test_manual_lets_a_room_use_what_it_was_assigned(node: Node, own: Broker) -> None:
    """Section 8: only what was assigned; section 4: else 6, or 10503."""
    result = node("policies", "manual", url=own.url, extensions=TAVERNS[:2])

    assert result["nothing"]["code"] == 10503
    assert result["assigned"]["status"] == "ok"
    assert result["asked"]["assignments"] == TAVERNS[:1]
    assert result["all"]["assignments"]["guest-1"] == TAVERNS[:1]
    assert result["outside"]["code"] == 6
    assert result["inside"]["status"] == result["chosen"]["status"] == "ok"
    assert [end["extension"] for end in result["answers"]] == TAVERNS[:1] * 2


def test_assigning_is_refused_where_it_means_nothing(node: Node, own: Broker) -> None:
    """401 for an extension, 302 for a room, 6 for who may not, 4 where not Manual."""
    result = node("policies", "manual", url=own.url, extensions=TAVERNS[:2])

    assert result["unknownExtension"]["code"] == 401
    assert result["unknownRoom"]["code"] == 302
    assert result["byGuest"]["code"] == 6
    assert result["free"]["code"] == 4
    assert result["free"]["message"] == (
        "the policy is Free: assignments by hand need Manual"
    )


def test_policy_and_assignments_survive_a_restart(node: Node, own: Broker) -> None:
    """Section 8: kept across restarts."""
    node("policies", "manual", url=own.url, extensions=TAVERNS[:2], stay=True)
    own.kill()
    own.restart()
    result = node("policies", "inForce", url=own.url, room="guest-1")

    assert result["policy"] == "Manual"
    assert result["one"] == result["all"]["guest-1"] == TAVERNS[:1]


def test_balanced_numbers_of_rooms_differ_by_one_at_most(
    node: Node, own: Broker
) -> None:
    """Section 8: seven rooms and three extensions; a target outside is refused: 6."""
    result = node(
        "policies",
        "oneEach",
        url=own.url,
        policy="Balanced",
        extensions=TAVERNS,
        clientIds=GUESTS,
    )
    given = {room: result["assignments"][room] for room in GUESTS}

    assert given == {room: [extension] for room, extension in result["rooms"].items()}
    assert sorted(Counter(result["rooms"].values()).values()) == [2, 2, 3]
    assert result["outside"] == [6] * 7


def test_random_gives_each_room_one(node: Node, own: Broker) -> None:
    """Section 8: one at random, and no other."""
    result = node(
        "policies",
        "oneEach",
        url=own.url,
        policy="Random",
        extensions=TAVERNS,
        clientIds=GUESTS[:3],
    )

    for room, extension in result["rooms"].items():
        assert result["assignments"][room] == [extension]
    assert result["outside"] == [6] * 3


def test_broadcast_asks_all_and_ends_once(node: Node, own: Broker) -> None:
    """Section 8: a request without a target goes to all, one leg each."""
    result = node("policies", "broadcast", url=own.url, extensions=TAVERNS)

    assert result["ack"]["status"] == "ok"
    assert result["orders"] == [1, 1, 1]
    assert result["terminal"] == ["completed"]
    texts = {chunk["outputId"]: chunk["data"] for chunk in result["chunks"]}
    assert sorted(texts.values()) == TAVERNS
    assert {end["outputId"] for end in result["ends"]} == texts.keys()
    assert len(result["ends"]) == 3


def test_broadcast_does_not_ask_anybody_twice(node: Node, own: Broker) -> None:
    """A lost leg does not move: all were asked already."""
    result = node("policies", "broadcast", url=own.url, extensions=TAVERNS, lose=True)

    assert result["orders"] == [1, 1, 1]
    assert result["terminal"] == ["completed"]
    assert sorted(chunk["data"] for chunk in result["chunks"]) == TAVERNS[1:]


def test_lists_name_who_is_connected(node: Node, own: Broker) -> None:
    """Section 8: extensions, and the own rooms of clients."""
    result = node(
        "policies",
        "connected",
        url=own.url,
        extensions=TAVERNS,
        clientIds=GUESTS[:2],
    )

    assert sorted(result["extensions"]["extensions"]) == TAVERNS[1:]
    assert sorted(result["rooms"]["rooms"]) == GUESTS[:2]


def test_rooms_hear_of_the_extensions_they_may_use(node: Node, own: Broker) -> None:
    """Section 8: AVAILABLE_EXTENSIONS to each client room whose assignment changed."""
    result = node("policies", "pushed", url=own.url, extensions=TAVERNS[:2])

    assert [each["extensions"] for each in result["heard"]] == [
        TAVERNS[:1],
        TAVERNS[:2],
        TAVERNS[1:2],
        [],
        TAVERNS[1:2],
    ]
    assert result["othersHeard"] == 0
