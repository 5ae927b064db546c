"""What was said in rooms: kept, read again, changed and deleted."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

import pytest

from .harness import Broker, Names, Node, StartBroker


@pytest.fixture
def party(monitored: Broker, names: Names) -> dict[str, Any]:
    """Name a room, three clients and an extension."""
    return {
        "url": monitored.url,
        "clientIds": names.clients(3),
        "extension": names.extension(),
        "room": f"room-{secrets.token_hex(4)}",
    }


def codes(acks: Mapping[str, Any]) -> dict[str, int | None]:
    """The code of each ack; None where it was ok."""
    return {name: ack.get("code") for name, ack in acks.items()}


def test_message_is_edited_by_its_author_or_by_who_rules(
    node: Node, party: dict[str, Any]
) -> None:
    """Section 8: one's own; managers and up those of others; told to the room."""
    result = node("history", "editing", **party)
    own, answer = result["ids"]["own"], result["ids"]["answer"]

    assert set(codes(result["done"]).values()) == {None}
    assert codes(result["refused"]) == {
        "others": 6,
        "answer": 6,
        "notFromLlm": 7,
        "unknown": 7,
        "nothing": 3,
        "stranger": 303,
        "long": 4,
    }
    assert [ack["code"] for ack in result["fixed"]] == [3] * 5
    updates = [update["message"] for update in result["updates"]]
    assert {update["roomName"] for update in result["updates"]} == {party["room"]}
    assert [(m["messageId"], m["data"]) for m in updates] == [
        (own, "an ale"),
        (own, "an ale"),
        (own, "two ales"),
        (own, "three ales"),
        (answer, "There."),
    ]
    assert updates[1]["mood"] == "merry"
    assert all(m["lastEdited"] >= m["timestamp"] for m in updates)
    assert result["overheard"] == 0
    assert result["history"][-4:] == ["three ales", "wine", "Well?", "There."]


def test_messages_are_deleted_by_their_authors_or_by_who_rules(
    node: Node, party: dict[str, Any]
) -> None:
    """Section 8: one or several, answers or requests only, all or none of them."""
    result = node("history", "deleting", **party)
    one, two, three, _ = result["ids"]
    acks = result["acks"]

    assert codes(acks) == {
        "own": None,
        "others": 6,
        "mixed": 6,
        "byMaster": None,
        "again": 7,
        "answersOnly": None,
        "none": 3,
        "tooMany": 3,
    }
    assert acks["byMaster"]["messageIds"] == [two, three]
    assert acks["answersOnly"]["messageIds"] == [result["answer"]]
    assert result["told"] == [[one], [two, three], [result["answer"]]]
    assert result["history"][-2:] == ["four", "Well?"]


def test_room_is_cleared_of_answers_of_requests_or_of_everything(
    node: Node, party: dict[str, Any]
) -> None:
    """Section 8: CLEAR_MESSAGES by managers and up; extensions are told no more."""
    result = node("history", "clearing", **party)
    by_guest, answers, requests, nothing, everything = result["acks"]
    room = party["room"]

    assert by_guest["code"] == 6
    assert nothing["code"] == 4
    assert answers["status"] == requests["status"] == everything["status"] == "ok"
    left = [[text for text in texts if text != "system"] for texts in result["left"]]
    assert left == [
        ["ale", "Well?", "Here."],
        ["ale", "Well?"] * 2,
        ["Here."],
        ["Here.", "ale", "Well?", "Here."],
        [],
    ]
    assert "system" in result["left"][3]
    assert result["left"][4] == []
    assert result["told"] == [
        {"roomName": room, "clearedRequests": requests_, "clearedResponses": answers_}
        for requests_, answers_ in ((False, True), (True, False), (True, True))
    ]
    assert result["context"] == []


def test_history_comes_page_by_page_or_in_one_piece(
    node: Node, start_broker: StartBroker
) -> None:
    """Section 8: UPDATE_CONTEXT_PAGE of contextPageSize, or one UPDATE_CONTEXT."""
    clients = ["guest-1", "guest-2", "guest-3"]
    broker = start_broker(
        {name: {} for name in clients}, contextPageSize=3, contextSendDelay=0.05
    )
    result = node("history", "pages", url=broker.url, clientIds=clients, room="lobby")
    pages, ack = result["full"]["pages"], result["full"]["ack"]
    whole = result["whole"]

    assert (ack["total"], ack["totalPages"]) == (9, 3)
    assert [
        (
            p["updateId"],
            p["roomName"],
            p["pageNumber"],
            p["totalPages"],
            p["isLastPage"],
        )
        for p in pages
    ] == [(ack["updateId"], "lobby", n, 3, n == 3) for n in (1, 2, 3)]
    assert [message for page in pages for message in page["contextPage"]] == whole
    assert [message["isSystem"] for message in whole[:2]] == [True, True]
    assert [message["data"] for message in whole[2:]] == list("1234567")
    assert result["complete"] is True
    assert [message["messageId"] for message in whole[2:]] == result["ids"]
    since = [m["data"] for p in result["since"]["pages"] for m in p["contextPage"]]
    assert since == ["5", "6", "7"]
    (empty,) = result["nothing"]["pages"]
    assert (empty["contextPage"], empty["pageNumber"], empty["totalPages"]) == (
        [],
        1,
        1,
    )
    assert result["bare"]["total"] == 9
    assert sorted(result["many"], key=bool) == [None] * 4 + [10429]
    assert result["stranger"]["code"] == 303
    assert result["nowhere"]["code"] == 302
    assert result["unknown"]["code"] == 7


def test_large_messages_have_a_page_each_and_the_newest_fit_one_piece(
    node: Node, party: dict[str, Any]
) -> None:
    """Section 8: UPDATE_CONTEXT holds at most 1 MiB; section 9: a text 256 KiB."""
    result = node("history", "large", **party)

    assert [page for page in result["pages"] if page] == [[c] for c in "abcde"]
    assert result["numbers"][-1][0] == result["numbers"][-1][1] == len(result["pages"])
    assert result["whole"] == list("bcde")
    assert result["complete"] is False
    assert result["tooLong"]["code"] == 4
    assert [ack.get("code") for ack in result["grown"]] == [None, 4, None]


def test_who_was_away_reads_what_was_said_meanwhile(
    node: Node, start_broker: StartBroker
) -> None:
    """Section 7: GET_OFFLINE_MESSAGES, since a message or since one was here."""
    clients = ["guest-1", "guest-2"]
    broker = start_broker(
        {name: {} for name in clients}, contextPageSize=3, contextSendDelay=0
    )
    result = node("history", "missed", url=broker.url, clientIds=clients, room="lobby")

    assert result["few"] == result["fromHeard"] == [["one", "two"]]
    assert result["whole"] == ["one", "two"]
    assert result["offline"] == [["lobby", ["one", "two"]]] * 3
    assert result["many"] == [["one", "two", "three"], ["four"]]
    assert result["ofMany"] == 0
    assert result["strangers"]["code"] == 303


def test_history_and_answers_survive_a_crash(
    node: Node, start_broker: StartBroker
) -> None:
    """Section 7: what the cache has no more is resumed from the history."""
    broker = start_broker({"guest": {}, "SillyTavern-1": {}})
    party = {"url": broker.url, "clientId": "guest", "room": "lobby"}
    before = node("history", "story", **party, extension="SillyTavern-1")
    broker.kill()
    broker.restart()
    after = node("history", "remembered", **party)

    assert [m.get("data", m.get("message")) for m in before["history"][1:]] == [
        "Listen.",
        "Well?",
        "Once upon a time.",
    ]
    assert before["history"][1]["mood"] == "grave"
    assert after["history"] == before["history"]
    assert_from_history(after)


def test_answer_is_resumed_from_the_history_after_its_time(
    node: Node, start_broker: StartBroker
) -> None:
    """Section 7: for answerTtl, then from the history; unknown: an error."""
    broker = start_broker({"guest": {}, "SillyTavern-1": {}}, answerTtl=0.05)
    party = {"url": broker.url, "clientId": "guest", "room": "lobby"}
    node("history", "story", **party, extension="SillyTavern-1")
    after = node("history", "remembered", **party)

    assert_from_history(after)


def test_answer_for_which_there_is_no_room_is_resumed_from_the_history(
    node: Node, start_broker: StartBroker
) -> None:
    """Section 7: what is beyond answerCache is not kept; then from the history."""
    broker = start_broker({"guest": {}, "SillyTavern-1": {}}, answerCache=1)
    party = {"url": broker.url, "clientId": "guest", "room": "lobby"}
    node("history", "story", **party, extension="SillyTavern-1")
    after = node("history", "remembered", **party)

    assert_from_history(after)
    assert broker.reached("answerCache") == 1


def assert_from_history(after: dict[str, Any]) -> None:
    """The answer as its final text: its chunks are not kept."""
    for resumed in (after["resumed"], after["byRoom"]):
        assert (resumed["status"], resumed["state"]) == ("ok", "completed")
        (output,) = resumed["outputs"]
        assert output["finalText"] == "Once upon a time."
        assert output["outputId"].startswith("output-")
        assert (output["text"], output["done"]) == ("", True)
    assert after["unknown"]["code"] == 7


def test_oldest_messages_make_room_for_new_ones(
    node: Node, start_broker: StartBroker
) -> None:
    """Section 9: history per room, oldest dropped."""
    broker = start_broker({"guest": {}}, historyPerRoom=5)
    result = node("history", "overfull", url=broker.url, clientId="guest", room="lobby")

    assert result["kept"] == list("45678")
    assert result["dropped"]["code"] == 7
    assert broker.reached("historyPerRoom") == 4  # "guest came in" was the first


def test_monitor_reads_and_changes_what_it_likes(
    node: Node, party: dict[str, Any]
) -> None:
    """Section 8: everything, everywhere, in rooms it is not in."""
    result = node("history", "overseen", **party)
    history = result.pop("history")

    assert set(codes(result).values()) == {None}
    assert history[-1] == "…"
