"""Requests that are taken back."""

from __future__ import annotations

from .harness import Broker, Names, Node, StartBroker


def test_queued_request_is_dropped_before_the_extension_hears_of_it(
    node: Node, party: dict[str, str]
) -> None:
    """Section 4: a queued or held request is dropped."""
    result = node("cancel", "queued", **party)

    assert result["ack"]["status"] == "ok"
    assert result["terminal"] == ["cancelled"]
    assert result["received"] == 1
    assert result["stops"] == []


def test_request_is_stopped_at_the_extension_before_its_first_chunk(
    node: Node, party: dict[str, str]
) -> None:
    """Section 4: a running one is stopped, CANCEL_REQUEST {requestId} to it."""
    result = node("cancel", "beforeFirstChunk", **party)

    assert result["ack"]["status"] == "ok"
    assert result["terminal"] == ["cancelled"]
    (stop,) = result["stops"]
    assert stop["requestId"] == result["request"]["requestId"]
    assert result["chunks"] == []


def test_request_is_stopped_in_the_middle_and_later_chunks_are_dropped(
    node: Node, party: dict[str, str]
) -> None:
    """Section 4: ended; later chunks of it are dropped."""
    result = node("cancel", "midStream", **party)

    assert result["ack"]["status"] == "ok"
    assert result["text"] == "kept text"
    assert result["terminal"] == ["cancelled"]
    (end,) = result["ends"]
    assert (end["status"], end["chunks"]) == ("cancelled", 2)
    (stop,) = result["stops"]
    assert stop["requestId"] == result["request"]["requestId"]
    assert {warning["code"] for warning in result["warnings"]} <= {71, 72}


def test_cancelled_request_makes_room_for_the_next(
    node: Node, party: dict[str, str]
) -> None:
    """Section 4: extensions take one request at a time, and then the next."""
    result = node("cancel", "freesTheExtension", **party)

    assert result["text"] == "second"
    assert result["terminal"] == ["completed"]


def test_request_of_others_can_not_be_cancelled(
    node: Node, party: dict[str, str], names: Names
) -> None:
    """Section 4: the requester, a master or manager of the room, or a monitor."""
    result = node(
        "cancel",
        "strangers",
        **party,
        strangerId=names.client(),
        guestId=names.client(),
    )

    refusals = result["refusals"]
    assert {refusal["status"] for refusal in refusals.values()} == {"error"}
    assert refusals["guest"]["code"] == 6
    assert refusals["stranger"]["code"] in {6, 303}  # not in the room at all
    assert refusals["unnamedRoom"]["code"] in {6, 7, 72}  # no such request of its own
    assert result["text"] == "unharmed"
    assert result["stops"] == []
    assert result["terminal"] == ["completed"]


def test_monitor_may_cancel_what_it_likes(
    node: Node, start_broker: StartBroker
) -> None:
    """Section 4: a monitor may, in any room."""
    house: dict[str, dict[str, str]] = {"guest": {}, "SillyTavern-1": {}}
    watched = house | {"monitor": {"clientType": "monitor"}}
    own = start_broker(watched, monitorsMayGetKey=True)

    result = node(
        "cancel",
        "byMonitor",
        url=own.url,
        clientId="guest",
        extension="SillyTavern-1",
        monitorId="monitor",
    )

    assert result["ack"]["status"] == "ok", result["ack"]
    assert result["terminal"] == ["cancelled"]


def test_monitor_names_whose_request_it_reads_and_cancels(
    node: Node, start_broker: StartBroker
) -> None:
    """Sections 4 and 7: ids are each requester's own; of another's none is meant."""
    house: dict[str, dict[str, str]] = {"guest": {}, "SillyTavern-1": {}}
    watched = house | {"monitor": {"clientType": "monitor"}}
    own = start_broker(watched, monitorsMayGetKey=True)

    result = node(
        "cancel",
        "byNamedRequester",
        url=own.url,
        clientId="guest",
        extension="SillyTavern-1",
        monitorId="monitor",
    )

    assert [o["text"] for o in result["read"]["outputs"]] == ["so far"]
    assert {result["unread"]["code"], result["refused"]["code"]} == {7}
    assert result["ack"]["status"] == "ok", result["ack"]
    assert result["reread"]["state"] == "cancelled"
    assert result["terminal"] == ["cancelled"]


def test_unknown_request_can_not_be_cancelled(
    node: Node, broker: Broker, names: Names
) -> None:
    """Section 2: 7 not found, or 72 no request with that requestId."""
    ack = node("cancel", "unknown", url=broker.url, clientId=names.client())

    assert ack["status"] == "error"
    assert ack["code"] in {7, 72}
