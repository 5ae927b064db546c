"""One answer, in all the shapes it can have."""

from __future__ import annotations

from typing import Any

import pytest

from .harness import Heard, Node, StartBroker

TEXTS = ["Once ", "upon ", "a time."]
STORY = "".join(TEXTS)
SURROGATES = "Grüße 🍺🎲, 漢字 and 👩‍👩‍👧 to all."


def indexes(result: Heard) -> list[int]:
    """Return the numbers of all chunks heard, those of joined ones included."""
    return [
        index
        for chunk in result["chunks"]
        for index in range(chunk.get("firstIndex", chunk["index"]), chunk["index"] + 1)
    ]


def test_plain_stream_arrives_chunk_by_chunk_in_order(
    node: Node, party: dict[str, str]
) -> None:
    """Section 5: index counts the chunks of an output from 0."""
    result = node("answers", "plain", **party, texts=TEXTS)

    assert result["text"] == STORY
    assert indexes(result) == [0, 1, 2]
    assert {chunk["source"] for chunk in result["chunks"]} == {"server"}
    assert {chunk["requestId"] for chunk in result["chunks"]} == {"r1"}


def test_plain_stream_ends_once_with_status_and_number_of_chunks(
    node: Node, party: dict[str, str]
) -> None:
    """Section 5: streamed_end always comes, once per output."""
    result = node("answers", "plain", **party, texts=TEXTS)

    (end,) = result["ends"]
    assert end["status"] == "completed"
    assert end["chunks"] == len(TEXTS)
    assert end["source"] == "server"
    assert end["outputId"] == result["chunks"][0]["outputId"]


def test_request_is_acked_and_reported_until_one_terminal_status(
    node: Node, party: dict[str, str]
) -> None:
    """Section 4: once per request, one of the terminal statuses."""
    result = node("answers", "plain", **party, texts=TEXTS)

    assert result["ack"]["status"] == "ok"
    assert result["ack"]["requestId"] == "r1"
    assert result["ack"]["state"] in {"queued", "sent", "streaming", "completed"}
    assert result["terminal"] == ["completed"]
    said = [status["status"] for status in result["statuses"]]
    assert said[-1] == "completed"
    assert said.index("sent") < said.index("streaming")
    assert {status["roomName"] for status in result["statuses"]} == {party["clientId"]}


def test_extension_gets_the_request_under_an_id_of_the_brokers_own(
    node: Node, party: dict[str, str]
) -> None:
    """Section 4: the broker gives extensions an id of its own and maps it back."""
    received = node("answers", "plain", **party, texts=TEXTS)["received"]

    assert received["requestId"] != "r1"
    assert received["message"] == "Hello?"
    assert received["requestType"] == "newMessage"
    assert received["target"] == party["extension"]
    assert received["targetRoom"] == party["clientId"]
    assert received["requestingIdentity"] == party["clientId"]
    assert received["source"] == "server"
    assert received["role"] == "master"
    assert received["mode"] == "Default"


def test_unknown_fields_and_both_shapes_reach_the_extension(
    node: Node, party: dict[str, str]
) -> None:
    """Section 4: anything else is passed on; flat fields and currentRequest both."""
    received = node("answers", "plain", **party, texts=TEXTS)["received"]

    assert received["mood"] == "dark"
    assert received["isStreaming"] is True
    assert isinstance(received["context"], list)
    assert received["currentRequest"]["message"] == "Hello?"


def test_documented_event_names_mean_the_same(
    node: Node, party: dict[str, str]
) -> None:
    """Section 5: each event under its wire name or its plain name."""
    result = node("answers", "documentedNames", **party)

    assert result["text"] == "plain names too"
    assert indexes(result) == [0, 1, 2]
    assert [end["chunks"] for end in result["ends"]] == [3]
    assert result["terminal"] == ["completed"]


def test_last_chunk_may_be_the_final_word(node: Node, party: dict[str, str]) -> None:
    """Section 5: complete when an END or LAST says final."""
    result = node("answers", "finalLast", **party)

    assert result["text"] == "the last"
    assert result["terminal"] == ["completed"]


@pytest.mark.parametrize(("choice", "plain"), [("server", False), ("both", True)])
def test_handshake_chooses_the_names_of_the_chunks(
    node: Node, party: dict[str, str], *, choice: str, plain: bool
) -> None:
    """Section 5: SERVER_STREAM_DATA and _END for streamNames server or both."""
    result = node("answers", "serverNames", **party, texts=TEXTS, streamNames=choice)

    assert "".join(chunk["data"] for chunk in result["serverChunks"]) == STORY
    assert len(result["serverEnds"]) == 1
    assert result["text"] == (STORY if plain else "")
    assert len(result["ends"]) == int(plain)


def test_settings_file_chooses_the_names_of_the_chunks(
    node: Node, start_broker: StartBroker
) -> None:
    """Section 1: the client's settings file can say streamNames too."""
    own = start_broker({"reader": {"streamNames": "server"}, "SillyTavern-1": {}})

    result = node(
        "answers",
        "serverNames",
        url=own.url,
        clientId="reader",
        extension="SillyTavern-1",
        texts=TEXTS,
    )

    assert "".join(chunk["data"] for chunk in result["serverChunks"]) == STORY
    assert result["chunks"] == []


WHOLE: list[Any] = [
    pytest.param(None, {}, id="from-a-stream"),
    pytest.param("message", {"type": 0, "data": "all at once"}, id="message"),
    pytest.param("LLM_RESPONSE", {"data": "all at once"}, id="LLM_RESPONSE-data"),
    pytest.param("LLM_RESPONSE", {"message": "all at once"}, id="LLM_RESPONSE-message"),
]


@pytest.mark.parametrize(("event", "fields"), WHOLE)
def test_without_streaming_the_answer_is_one_message(
    node: Node, party: dict[str, str], event: str | None, fields: dict[str, Any]
) -> None:
    """Section 4: one whole message at the end, however the extension sends."""
    result = node(
        "answers", "whole", **party, event=event, fields=fields, isStreaming=False
    )

    assert result["received"]["isStreaming"] is False
    (message,) = result["messages"]
    assert message["type"] == 0
    assert message["data"] == "all at once"
    assert message["source"] == "server"
    assert message["clientId"] == party["extension"]
    assert result["chunks"] == []
    assert result["terminal"] == ["completed"]


@pytest.mark.parametrize(("event", "fields"), WHOLE[1:])
def test_whole_answer_to_a_streaming_request_is_a_message(
    node: Node, party: dict[str, str], event: str, fields: dict[str, Any]
) -> None:
    """Section 5: message type 0 for an answer that came whole."""
    result = node(
        "answers", "whole", **party, event=event, fields=fields, isStreaming=True
    )

    assert [message["data"] for message in result["messages"]] == ["all at once"]
    assert result["terminal"] == ["completed"]


def test_missing_chunk_holds_back_what_follows_until_it_comes(
    node: Node, party: dict[str, str]
) -> None:
    """Section 5: a missing index holds back what follows, RETRY included."""
    result = node("answers", "gap", **party)

    assert result["before"] == "a"
    assert result["text"] == "abcde"
    assert indexes(result) == [0, 1, 2, 3, 4]
    assert result["terminal"] == ["completed"]


def test_repeated_chunk_is_ignored(node: Node, party: dict[str, str]) -> None:
    """Section 5: a repeated index is ignored."""
    result = node("answers", "duplicates", **party)

    assert result["text"] == "abc"
    assert [end["chunks"] for end in result["ends"]] == [3]


def test_chunk_that_never_comes_is_given_up_at_the_end(
    node: Node, party: dict[str, str]
) -> None:
    """Section 5: at END what is held back is delivered in order, with a WARNING."""
    result = node("answers", "unfilledGap", **party)

    assert result["text"] == "acd"
    assert result["terminal"] == ["completed"]
    assert len(result["warnings"]) >= 1


@pytest.mark.parametrize("finish", ["final", "stop"])
def test_one_output_may_come_in_many_streams(
    node: Node, party: dict[str, str], finish: str
) -> None:
    """Section 5: complete with final, or when STOP_PROCESSING names the request."""
    result = node("answers", "streamPerToken", **party, finish=finish)

    assert result["text"] == "one two three"
    assert indexes(result) == [0, 1, 2]
    assert len(result["ends"]) == 1
    assert result["terminal"] == ["completed"]


def test_older_extensions_output_ends_when_nothing_more_comes(
    node: Node, start_broker: StartBroker
) -> None:
    """Section 5: without a version, outputIdleTimeout after a stream has ended."""
    own = start_broker({"guest": {}, "SillyTavern-1": {}}, outputIdleTimeout=0.3)

    result = node(
        "answers",
        "streamPerToken",
        url=own.url,
        clientId="guest",
        extension="SillyTavern-1",
        identify={"version": None},
        finish="silence",
    )

    assert result["text"] == "one two three"
    assert [end["status"] for end in result["ends"]] == ["completed"]
    assert result["terminal"] == ["completed"]


def test_several_outputs_are_numbered_and_ended_each(
    node: Node, party: dict[str, str]
) -> None:
    """Section 5: one outputId is one answer, index counts chunks of this output."""
    result = node("answers", "severalOutputs", **party)

    texts = {"left": "", "right": ""}
    for chunk in result["chunks"]:
        texts[chunk["outputId"]] += chunk["data"]
    assert texts == {"left": "l0 l1", "right": "r0 r1 r2"}
    ends = {end["outputId"]: end["chunks"] for end in result["ends"]}
    assert ends == {"left": 2, "right": 3}
    assert result["terminal"] == ["completed"]


def test_final_text_replaces_what_was_streamed(
    node: Node, party: dict[str, str]
) -> None:
    """Section 5: streamed_end and RESUME_STREAM then have finalText."""
    result = node("answers", "finalText", **party)

    assert result["text"] == "Seraphina: Hello.  "
    assert [end["finalText"] for end in result["ends"]] == ["Hello."]
    assert result["resumed"]["status"] == "ok"
    assert [out["finalText"] for out in result["resumed"]["outputs"]] == ["Hello."]


def test_failed_stream_keeps_what_came(node: Node, party: dict[str, str]) -> None:
    """Section 5: DATA_FAILED ends the leg as failed and keeps what came."""
    result = node("answers", "failed", **party)

    assert result["text"] == "so far"
    assert [end["status"] for end in result["ends"]] == ["failed"]
    assert result["terminal"] == ["failed"]
    assert result["resumed"]["state"] == "failed"
    assert [out["text"] for out in result["resumed"]["outputs"]] == ["so far"]


def test_answer_that_grows_too_long_fails(
    node: Node, start_broker: StartBroker
) -> None:
    """Section 9: memory is bounded, however long a SillyTavern talks."""
    own = start_broker({"web": {}, "SillyTavern": {}}, answerLimit=10_000)
    party = {"url": own.url, "clientId": "web", "extension": "SillyTavern"}
    result = node("answers", "tooLong", **party, chunks=20, chunk=1_000)

    first = result["first"]
    assert first["terminal"] == ["failed"]
    assert first["statuses"][-1]["error"] == {
        "code": 10401,
        "message": "the answer is too long: it may take 10000 bytes",
    }
    assert first["text"] == "x" * 9_000
    assert result["told"]["requestId"]
    assert (result["second"]["terminal"], result["second"]["text"]) == (
        ["completed"],
        "short",
    )
    assert own.reached("answerLimit") == 1


def test_error_of_the_extension_fails_the_request(
    node: Node, party: dict[str, str]
) -> None:
    """Section 4: ERROR from the extension fails that leg; its code passes through."""
    result = node("answers", "error", **party)

    assert result["terminal"] == ["failed"]
    error = result["statuses"][-1]["error"]
    assert error["code"] == 10401
    assert "quota exceeded" in error["message"]


def test_characters_cut_in_two_arrive_whole(node: Node, party: dict[str, str]) -> None:
    """Section 1: a trailing high surrogate is put before the next chunk."""
    result = node("answers", "halves", **party, text=SURROGATES)

    assert result["text"] == SURROGATES
    for chunk in result["chunks"]:
        chunk["data"].encode()  # no lone surrogate in any of them
    assert result["terminal"] == ["completed"]


def test_lone_surrogates_become_replacement_characters(
    node: Node, party: dict[str, str]
) -> None:
    """Section 1: any other lone surrogate becomes U+FFFD."""
    result = node("answers", "loneSurrogates", **party)

    assert result["text"] == "a\ufffdb\ufffdc"


def test_same_request_twice_starts_nothing(node: Node, party: dict[str, str]) -> None:
    """Section 4: the same id again is answered with the state of the first."""
    result = node("answers", "sameRequestTwice", **party)

    assert result["first"]["status"] == result["second"]["status"] == "ok"
    assert result["second"]["requestId"] == "r1"
    assert result["second"]["state"] in {"queued", "sent"}
    assert result["received"] == 1
    assert result["text"] == "once"
    assert result["terminal"] == ["completed"]
