"""Message request modes: what becomes of orders, and who reads what comes of them."""

from __future__ import annotations

import secrets
from typing import Any

import pytest

from .harness import Broker, Names, Node, StartBroker

MONITOR: dict[str, dict[str, Any]] = {"monitor": {"clientType": "monitor"}}


@pytest.fixture
def company(monitored: Broker, names: Names) -> dict[str, Any]:
    """Name a room, four who are in it and an extension."""
    return {
        "url": monitored.url,
        "clientIds": names.clients(4),
        "extension": names.extension(),
        "room": f"room-{secrets.token_hex(4)}",
    }


def test_held_requests_go_out_with_the_next_of_one_who_rules(
    node: Node, company: dict[str, Any]
) -> None:
    """Section 4, Default: merged, the special first; the held share its end."""
    result = node("modes", "held", **company)
    _, manager, special, guest = company["clientIds"]
    request = result["request"]

    assert [ack["state"] for ack in result["acks"]] == ["held"] * 3
    assert result["nowhere"]["code"] == 401
    assert result["cancelled"]["state"] == "cancelled"
    assert result["again"]["state"] == "held"
    assert result["sent"]["state"] == "sent"
    assert request["message"] == "wine\n\nale\n\ncheese\n\nand the bill"
    assert request["currentRequest"]["message"] == request["message"]
    assert (request["isMerged"], request["mergedFromCount"]) == (True, 4)
    assert request["originalRequestIds"] == ["s1", "g1", "g3", "m1"]
    assert (request["requestingIdentity"], request["role"]) == (manager, "manager")
    assert [message["message"] for message in request["context"]] == ["bread"]
    assert result["requests"] == 1
    ends = result["ends"]
    assert {name: end["terminal"] for name, end in ends.items()} == {
        "g1": ["completed"],
        "g2": ["cancelled"],
        "g3": ["completed"],
        "s1": ["completed"],
        "m1": ["completed"],
    }
    assert [status["status"] for status in ends["g1"]["statuses"]] == [
        "held",
        "completed",
    ]
    last = ends["m1"]["statuses"][-1]
    assert last["responseId"] == result["recorded"]["messageId"]
    assert [(m["identity"], m["message"], m["role"]) for m in result["said"]] == [
        (guest, "ale", "guest"),
        (special, "wine", "special"),
        (guest, "bread", "guest"),
        (guest, "cheese", "guest"),
        (manager, "and the bill", "manager"),
    ]


SENT = ["sent"] * 4
ROLES: list[tuple[str, bool, list[str]]] = [
    ("Default", True, ["sent", "sent", "held", "held"]),
    ("HostSubmit", True, ["sent", "sent", "held", "held"]),
    ("Immediate", True, SENT),
    ("MasterOnly", True, ["sent", "sent", "recorded", "recorded"]),
    ("Separate", True, SENT),
    ("Conversational", True, SENT),
    ("Conversational", False, ["recorded"] * 4),
]


@pytest.mark.parametrize(("mode", "named", "states"), ROLES)
def test_mode_and_role_decide_what_becomes_of_an_order(
    node: Node, company: dict[str, Any], mode: str, states: list[str], *, named: bool
) -> None:
    """Section 4's table: master, manager, special and guest, in their order."""
    result = node("modes", "everyRole", **company, mode=mode, named=named)
    sent = states.count("sent")

    assert [ack["state"] for ack in result["acks"]] == states
    assert ["warning" in ack for ack in result["acks"]] == [
        state == "recorded" for state in states
    ]
    assert [request["message"] for request in result["requests"]] == (
        company["clientIds"][:sent]
    )
    shown = "Default" if mode == "HostSubmit" else mode
    assert {request["mode"] for request in result["requests"]} <= {shown}
    assert result["terminal"] == [
        ["recorded" if state == "recorded" else "completed"]
        for state in states
        if state != "held"
    ]


def test_held_requests_go_out_when_the_mode_changes(
    node: Node, company: dict[str, Any]
) -> None:
    """Section 4: merged in the name of whoever changed it; what runs runs on."""
    result = node("modes", "switched", **company)
    manager = company["clientIds"][1]

    assert result["changed"]["status"] == "ok"
    assert result["told"] == {
        "roomName": company["room"],
        "mode": "MasterOnly",
        "setter": manager,
    }
    merged = result["merged"]
    assert merged["message"] == "ale\n\nwine"
    assert merged["originalRequestIds"] == ["g1", "g2"]
    assert (merged["isMerged"], merged["mergedFromCount"]) == (True, 2)
    assert merged["requestingIdentity"] == manager
    assert [end["terminal"] for end in result["ends"]] == [["completed"]] * 2
    assert result["later"]["state"] == "recorded"
    assert result["first"]["text"] == "Once upon a time."
    assert result["first"]["terminal"] == ["completed"]
    assert result["system"][-1] == f"{manager} set the mode to MasterOnly"


def test_separate_talk_is_the_senders_alone_for_good(
    node: Node, company: dict[str, Any]
) -> None:
    """Section 4: request, answer, context and history; monitors read all."""
    result = node("modes", "separate", **company)
    guest_says = ["ale", "ale, then.", "bread", "bread, then."]
    special_says = ["wine", "wine, then."]
    for_all = ["water", "water, then."]

    assert result["mine"]["text"] == "ale, then."
    assert result["master"] == ["water, ", "then."]
    assert "".join(result["monitor"]) == "ale, then.wine, then.bread, then.water, then."
    assert result["contexts"] == [[], [], guest_says[:2], []]
    assert result["histories"] == {
        "master": for_all,
        "guest": guest_says + for_all,
        "special": special_says + for_all,
        "monitor": guest_says[:2] + special_says + guest_says[2:] + for_all,
    }
    assert result["told"] == [company["clientIds"][1], company["extension"]]
    assert result["byMaster"]["status"] == "error"


def test_conversation_asks_an_extension_to_join_in(
    node: Node, start_broker: StartBroker
) -> None:
    """Section 4: THINK_REQUEST at random intervals, once somebody has spoken."""
    clients = [f"guest-{number}" for number in range(4)]
    broker = start_broker(
        {name: {} for name in [*clients, "SillyTavern-1"]},
        thinkAfter=0.05,
        thinkBefore=0.1,
    )
    result = node(
        "modes",
        "thinking",
        url=broker.url,
        clientIds=clients,
        extension="SillyTavern-1",
        room="lobby",
    )
    thought = result["thought"]

    assert result["ack"]["state"] == "recorded"
    assert result["end"]["terminal"] == ["recorded"]
    assert (thought["type"], thought["mode"]) == ("THINK_REQUEST", "Conversational")
    assert thought["requestingIdentity"] == "server"
    assert [message["message"] for message in thought["context"]] == ["Nice weather."]
    assert result["recorded"]["identity"] == "SillyTavern-1"
    assert result["text"] == "Is it?"
    assert result["second"]["type"] == "THINK_REQUEST"
    assert [m.get("message", m.get("data")) for m in result["second"]["context"]] == [
        "Nice weather.",
        "Is it?",
        "It is.",
    ]


def test_extension_gets_the_request_in_both_shapes_and_its_context(
    node: Node, company: dict[str, Any]
) -> None:
    """Section 4: flat, currentRequest, context of 20 or as many as wanted."""
    first, second, third = node("modes", "received", **company)
    master = company["clientIds"][0]

    assert first["requestId"] != "r0"
    assert first["currentRequest"] == {
        "requestId": first["requestId"],
        "requestingIdentity": master,
        "role": "master",
        "message": "four",
        "data": None,
        "requestType": "newMessage",
    }
    flat = {
        "message": "four",
        "requestType": "newMessage",
        "requestingIdentity": master,
        "role": "master",
        "mood": "merry",
        "mode": "Default",
        "target": company["extension"],
        "targetRoom": company["room"],
        "isStreaming": True,
        "source": "server",
    }
    assert {key: first[key] for key in flat} == flat
    assert [m["data"] for m in first["context"]] == ["one", "two", "three"]
    assert all(m["fromClient"] for m in first["context"])
    assert [m.get("message", m.get("data")) for m in second["context"]] == [
        "four",
        "five",
    ]
    answer = second["context"][-1]
    assert (answer["fromLlm"], answer["role"]) == (True, "assistant")
    assert answer["identity"] == company["extension"]
    assert third["context"] == []


def test_readers_get_chunks_or_the_whole_and_the_message_once(
    node: Node, company: dict[str, Any], names: Names
) -> None:
    """Sections 4, 5 and 8: isStreaming false, latecomers, streamed: true."""
    late = names.client()
    result = node("modes", "readers", **company, late=late)
    story = "Once upon a time."
    master, guest, latecomer = result["others"]

    assert result["requester"]["chunks"] == []
    assert [m["data"] for m in result["requester"]["messages"]] == [story]
    assert result["requester"]["terminal"] == ["completed"]
    assert master["text"] == guest["text"] == story
    assert latecomer["text"] == "a time."
    assert [chunk["index"] for chunk in latecomer["chunks"]] == [2, 3]
    assert latecomer["ends"][0]["chunks"] == 4
    assert all(each["statuses"] == [] for each in result["others"])
    (missed,) = result["resumed"]["outputs"]
    assert (missed["text"], missed["done"]) == (story, True)

    with_text, at_once = result["answers"]["requester"]
    streamed, at_once_too = result["answers"]["guest"]
    assert with_text["data"] == story
    assert "streamed" not in with_text
    assert streamed["streamed"] is True
    assert {"data", "message"}.isdisjoint(streamed)
    assert streamed["messageId"] == with_text["messageId"]
    assert at_once["data"] == at_once_too["data"] == "All at once."
    assert [m["data"] for m in result["guestWhole"]] == ["All at once."]
    assert result["whole"]["terminal"] == ["completed"]
    for end, message in (
        (result["requester"], with_text),
        (result["whole"], at_once),
    ):
        assert end["statuses"][-1]["responseId"] == message["messageId"]
        assert message["responseId"] == message["messageId"]
        assert message["requestId"] in ("r1", "r2")
        assert message["status"] == "completed"


def test_guest_of_an_own_room_is_held_until_its_owner_orders(
    node: Node, broker: Broker, names: Names
) -> None:
    """Section 4: who is in their own room rules it."""
    result = node(
        "modes",
        "guestInOwnRoom",
        url=broker.url,
        clientIds=names.clients(2),
        extension=names.extension(),
    )

    assert result["ack"]["state"] == "held"
    assert result["request"]["message"] == "ale\n\ntwo of them"
    assert result["guest"]["terminal"] == result["owner"]["terminal"] == ["completed"]
    assert result["read"] == "Cheers."


def test_monitor_sets_the_mode_of_new_rooms_for_good(
    node: Node, start_broker: StartBroker
) -> None:
    """Section 8: SET_MESSAGE_REQUEST_MODE; the settings say it before that."""
    broker = start_broker(
        {"guest": {}} | MONITOR,
        monitorsMayGetKey=True,
        defaultRoomMessageRequestMode="Immediate",
    )
    result = node("modes", "newRooms", url=broker.url, clientId="guest")
    broker.kill()
    broker.restart()
    then = node("modes", "another", url=broker.url, clientId="guest")

    assert result["byGuest"]["code"] == 6
    assert result["unknown"]["code"] == result["none"]["code"] == 3
    assert result["bare"]["status"] == result["set"]["status"] == "ok"
    modes = {"before": "Immediate", "after": "MasterOnly", "named": "Immediate"}
    assert {room: result["modes"][room] for room in modes} == modes
    assert (then["after"], then["another"]) == ("MasterOnly", "MasterOnly")
