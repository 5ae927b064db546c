"""How things may be said: arguments, names, and the rude ones."""

from __future__ import annotations

import pytest

from .harness import Broker, Names, Node

ANSWER = "Yes,connection is fine."


def test_every_form_of_arguments_is_understood(
    node: Node, broker: Broker, names: Names
) -> None:
    """Section 1: (data, ack), (ack), (data) or (); {} and null are no data."""
    result = node("manners", "argumentForms", url=broker.url, clientId=names.client())

    assert result["withData"]["status"] == "ok", result["withData"]
    assert result["withData"]["success"] is True
    assert result["bare"] == result["withData"]
    assert result["ackOnly"]["status"] == "ok"
    for form in ("nothing", "nullData", "emptyData"):
        assert result[form]["status"] == "error", form
        assert result[form]["code"] == 3, form
    assert result["error"]["type"] == "ERROR"
    assert result["error"]["code"] == 3


def test_broker_says_that_it_is_there(node: Node, broker: Broker, names: Names) -> None:
    """Section 8: ``Connection active?`` is answered; a bare string means the text."""
    result = node("manners", "areYouThere", url=broker.url, clientId=names.client())

    heard = [result["ack"], result["bare"], *result["messages"]]
    assert sum(ANSWER in str(answer) for answer in heard) >= 2


def test_forged_events_of_the_library_are_ignored(
    node: Node, broker: Broker, names: Names
) -> None:
    """Section 1: connect, disconnect and connect_error are dropped before dispatch."""
    client_id, victim_id = names.clients(2)

    result = node(
        "manners",
        "forged",
        url=broker.url,
        clientId=client_id,
        victimId=victim_id,
    )

    assert result["alive"] is not None
    assert result["auth"]["status"] == "ok", result["auth"]
    assert (result["connects"], result["drops"]) == (1, 0)


def test_forged_connect_makes_nobody_a_member(
    node: Node, broker: Broker, names: Names
) -> None:
    """Section 1: a forged connect makes no room for whom it names."""
    client_id, victim_id = names.clients(2)

    result = node(
        "manners",
        "forged",
        url=broker.url,
        clientId=client_id,
        victimId=victim_id,
    )

    assert result["own"]["status"] == "ok", result["own"]
    identities = [entry["identity"] for entry in result["own"]["clients"]]
    assert identities == [client_id]
    assert result["victims"]["code"] == 302


def test_event_without_a_name_is_ignored(
    node: Node, broker: Broker, names: Names
) -> None:
    """Section 1: an event whose name is null is ignored."""
    result = node("manners", "nameless", url=broker.url, clientId=names.client())

    assert result["alive"] is not None
    assert result["drops"] == 0


@pytest.mark.parametrize("event", ["CLIENT_DISCONNECTED", "CLIENT_DISCONNETED"])
def test_farewell_closes_this_namespace_only(
    node: Node, broker: Broker, names: Names, event: str
) -> None:
    """Sections 1 and 3: both spellings; the broker closes this namespace's socket."""
    result = node(
        "manners", "farewell", url=broker.url, clientId=names.client(), event=event
    )

    assert result["reason"] == "io server disconnect"
    assert result["other"]["status"] == "ok", result["other"]


def test_unknown_namespace_is_refused(node: Node, broker: Broker, names: Names) -> None:
    """Section 1: any other namespace is refused, with one clear sentence and a code."""
    result = node(
        "manners", "unknownNamespace", url=broker.url, clientId=names.client()
    )

    assert result["message"]
    assert result["data"] is not None
    assert isinstance(result["data"]["code"], int)
    assert result["data"]["message"] == result["message"]
    assert result["alive"] is not None


def test_malformed_orders_are_refused(node: Node, broker: Broker, names: Names) -> None:
    """Section 4: requestId and a text are required; one clear error, and no harm."""
    orders = [
        {"message": "no id"},
        {"requestId": "", "message": "empty id"},
        {"requestId": "x" * 129, "message": "long id"},
        {"requestId": 7, "message": "a number"},
        {"requestId": "r1"},
        {"requestId": "r2", "message": "bad target", "target": 5},
        "only text",
        [1, 2, 3],
    ]

    result = node(
        "manners",
        "badOrders",
        url=broker.url,
        clientId=names.client(),
        orders=orders,
    )

    assert [ack["status"] for ack in result["acks"]] == ["error"] * len(orders)
    assert {ack["code"] for ack in result["acks"]} <= {3, 4}
    assert all(ack["message"] for ack in result["acks"])
    assert result["alive"] is not None


def test_key_works_on_the_next_connection(
    node: Node, broker: Broker, names: Names
) -> None:
    """Section 1, rule 4: a key that matches: connected and verified."""
    result = node(
        "manners", "keyOutlivesConnection", url=broker.url, clientId=names.client()
    )

    assert result["answer"]["code"] in {7, 72}
    assert result["temporary"] == []
