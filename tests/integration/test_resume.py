"""Lost connections, and what is made good when they are back."""

from __future__ import annotations

import pytest

from .harness import Broker, Names, Node, StartBroker

READ = ["one ", "two "]
MISSED = ["three ", "four "]
REST = ["five ", "six"]
STORY = "".join(READ + MISSED + REST)
HALF = {"read": READ, "missed": MISSED}


@pytest.mark.parametrize("by_output", [False, True])
def test_resume_event_gives_what_was_missed_and_then_the_rest(
    node: Node, party: dict[str, str], *, by_output: bool
) -> None:
    """Section 7: what was missed as one text per output, the rest as it comes."""
    result = node("resume", "byEvent", **party, **HALF, rest=REST, byOutput=by_output)

    assert result["ack"]["status"] == "ok"
    (output,) = result["ack"]["outputs"]
    assert output["text"].startswith("".join(MISSED))
    assert output["next"] >= len(READ + MISSED)
    assert result["whole"] == STORY
    assert result["terminal"] == ["completed"]


def test_resume_in_the_handshake_does_the_same(
    node: Node, party: dict[str, str]
) -> None:
    """Section 7: the result comes as event RESUME_STREAM in the shape of the ack."""
    result = node("resume", "byHandshake", **party, **HALF, rest=REST)

    resumed = result["resumed"]
    assert resumed["status"] == "ok"
    assert resumed["state"] == "streaming"
    (output,) = resumed["outputs"]
    assert output["text"] == "".join(MISSED)
    assert output["next"] == len(READ + MISSED)
    assert output["done"] is False
    assert result["whole"] == STORY
    assert [end["chunks"] for end in result["ends"]] == [6]


def test_cut_after_every_word_nothing_is_lost_or_doubled(
    node: Node, party: dict[str, str]
) -> None:
    """Section 7: again and again, on any socket of a member."""
    words = [f"word-{number} " for number in range(8)]

    result = node("resume", "oftenCut", **party, words=words)

    assert result["whole"] == "".join(words)
    assert result["next"] == len(words)
    assert result["terminal"] == ["completed"]


@pytest.mark.parametrize("in_handshake", [False, True])
def test_library_reader_gets_the_answer_from_its_start(
    node: Node, party: dict[str, str], *, in_handshake: bool
) -> None:
    """Section 7: library readers get a new stream from the start of the answer."""
    result = node(
        "resume", "library", **party, **HALF, rest=REST, inHandshake=in_handshake
    )

    assert result["first"]["state"] == "error"
    assert result["first"]["error"] == "Connection aborted"
    assert result["second"]["state"] == "ended"
    assert result["second"]["text"] == STORY


def test_ended_answer_can_be_resumed(node: Node, party: dict[str, str]) -> None:
    """Section 7: the answer of an ended request can be resumed for answerTtl."""
    result = node("resume", "endedMeanwhile", **party, **HALF)

    (there,) = result["fromThere"]["outputs"]
    (again,) = result["again"]["outputs"]
    assert result["fromThere"]["state"] == result["again"]["state"] == "completed"
    assert there["text"] == "".join(MISSED)
    assert again["text"] == "".join(READ + MISSED)
    assert there["done"] is True
    assert there["next"] == again["next"] == 4


def test_resume_is_answered_however_near_the_end(
    node: Node, party: dict[str, str]
) -> None:
    """Section 7: the rest as it comes, or the ended answer; never silence."""
    assert node("resume", "asItEnds", **party, times=20) == ["ok"] * 20


def test_unknown_request_can_not_be_resumed(
    node: Node, broker: Broker, names: Names
) -> None:
    """Section 7: an error that says so, never silence."""
    ack = node("resume", "unknown", url=broker.url, clientId=names.client())

    assert ack["status"] == "error"
    assert ack["code"] in {7, 72}
    assert ack["message"]


def test_members_of_the_room_may_resume_and_strangers_may_not(
    node: Node, broker: Broker, names: Names
) -> None:
    """Section 7: roomName for another member's request."""
    result = node(
        "resume",
        "byOthers",
        url=broker.url,
        clientId=names.client(),
        memberId=names.client(),
        strangerId=names.client(),
        extension=names.extension(),
        texts=READ,
    )

    assert result["member"]["status"] == "ok"
    assert [out["text"] for out in result["member"]["outputs"]] == ["".join(READ)]
    assert result["stranger"]["status"] == "error"
    assert result["stranger"]["code"] in {6, 303, 305}


def test_request_that_nobody_comes_back_for_is_cancelled(
    node: Node, start_broker: StartBroker
) -> None:
    """Section 7: after the grace time, requests that nobody else reads."""
    own = start_broker({"guest": {}, "SillyTavern-1": {}}, reconnectGrace=0.3)

    result = node(
        "resume",
        "graceOver",
        url=own.url,
        clientId="guest",
        extension="SillyTavern-1",
    )

    assert result["stop"]["requestId"] == result["request"]["requestId"]


def test_second_socket_reads_on_while_the_first_is_cut(
    node: Node, party: dict[str, str]
) -> None:
    """Section 5: one reader's fate never costs the others anything."""
    result = node("resume", "otherSocketStays", **party, **HALF, rest=REST)

    assert result["text"] == STORY
    assert result["terminal"] == ["completed"]
