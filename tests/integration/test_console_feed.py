"""The house, live: what monitors who watch it are shown."""

from __future__ import annotations

from typing import Any, Final

from .harness import Broker, Names, Node, StartBroker

FIGURES: Final = {
    "version",
    "startTime",
    "uptime",
    "address",
    "networkSafe",
    "debugMode",
    "policy",
    "connections",
    "clients",
    "extensions",
    "rooms",
    "actors",
    "memory",
    "loopLag",
    "loopLagP99",
    "chunks",
    "chunksPerSecond",
    "requests",
    "draining",
}

PAGES: Final = ("first", "second")


def request_of(state: dict[str, Any], request_id: str) -> dict[str, Any]:
    """A request as a state shows it."""
    found: list[dict[str, Any]] = list(state["requests"].values())
    return next(each for each in found if each["requestId"] == request_id)


def test_who_watches_sees_a_request_from_its_order_to_its_end(
    node: Node, start_broker: StartBroker
) -> None:
    """Section 17: a snapshot, and then what changes, in the same shape."""
    own = start_broker({"guest": {}}, monitorsMayGetKey=True)
    told = node(
        "console_feed",
        "story",
        url=own.url,
        extensionId="SillyTavern-1",
        clientId="guest",
    )
    house, over = told["ack"]["snapshot"]["house"], told["over"]
    instance = told["here"]["instances"]["SillyTavern-1"]
    waiting, running = (request_of(told["queued"], name) for name in ("r2", "r1"))
    good, bad = (request_of(over, name) for name in ("r1", "r2"))

    assert told["ack"]["status"] == "ok"
    assert told["ack"]["history"] == []
    assert set(house) >= FIGURES
    assert house["address"] == own.url
    assert (house["policy"], house["draining"]) == ("Free", False)
    assert told["empty"]["requests"] == told["empty"]["instances"] == {}
    assert set(told["empty"]["clients"]) == {"monitor"}

    guest = told["here"]["clients"]["guest"]
    assert guest.pop("connectedAt").endswith("Z")
    assert guest == {
        "identity": "guest",
        "clientId": "guest",
        "clientType": "web-app",
        "desc": "a guest",
        "name": "",
        "address": "127.0.0.1",
        "status": "online",
        "rooms": 1,
    }
    assert instance.pop("connectedAt").endswith("Z")
    assert instance == {
        "identity": "SillyTavern-1",
        "clientId": "SillyTavern-1",
        "desc": "a fake one",
        "state": "idle",
        "character": "Barkeeper",
        "model": "small",
        "version": "1.0.0",
        "capacity": 1,
        "running": 0,
        "queued": 0,
        "completed": 0,
        "failed": 0,
        "timeToFirstToken": None,
    }

    assert told["queued"]["instances"]["SillyTavern-1"]["state"] == "busy"
    assert (running["state"], running["instance"]) == ("sent", "SillyTavern-1")
    assert (waiting["state"], waiting["position"]) == ("queued", 1)
    assert request_of(told["streaming"], "r1")["timeToFirstToken"] >= 0

    assert (good["state"], good["chunks"], good["seq"]) == ("completed", 3, 1)
    assert (good["requester"], good["clientId"], good["room"]) == ("guest",) * 3
    assert good["createdAt"] <= good["sentAt"] <= good["firstAt"] <= good["endedAt"]
    assert (bad["state"], bad["error"]["message"]) == ("failed", "no ink")
    assert isinstance(bad["error"]["code"], int)
    assert over["instances"]["SillyTavern-1"]["timeToFirstToken"] >= 0
    assert any(line.get("event") == "CLIENT_CONNECTED" for line in over["log"])
    assert "guest" not in told["left"]["clients"]
    assert told["revisions"] == sorted(set(told["revisions"]))


def test_those_who_watch_get_the_same_until_they_stop(
    node: Node, start_broker: StartBroker
) -> None:
    """Section 17: one encoding for all; nothing after ``UNWATCH_HOUSE``."""
    own = start_broker({}, monitorsMayGetKey=True)
    told = node("console_feed", "several", url=own.url)
    one, two = told["common"]

    assert one == two
    assert told["ack"]["status"] == "ok"
    assert told["later"] == 0


def test_requests_are_paged_newest_first(node: Node, start_broker: StartBroker) -> None:
    """Section 17: ended ones, too; at most 500 at a time."""
    own = start_broker({"guest": {}}, monitorsMayGetKey=True)
    told = node(
        "console_feed",
        "pages",
        url=own.url,
        extensionId="SillyTavern-1",
        clientId="guest",
    )
    pages = [[each["requestId"] for each in told[page]["requests"]] for page in PAGES]

    assert pages == [["r3", "r2"], ["r1"]]
    assert told["wrong"] == 3


def test_only_monitors_watch(node: Node, broker: Broker, names: Names) -> None:
    """Section 17: code 6 for SillyTaverns, and for everybody else."""
    codes = node(
        "console_feed",
        "refused",
        url=broker.url,
        extensionId=names.extension(),
        clientId=names.client(),
    )

    assert codes == [6] * 6
