"""Answers as streams of the unmodified ``@sap_oss/node-socketio-stream``."""

from __future__ import annotations

import pytest

from .harness import Broker, Names, Node, StartBroker

TEXTS = ["Once ", "upon ", "a ", "🍺 ", "time."]
STORY = "".join(TEXTS)
MIB = 1024 * 1024
WINDOW = 64 * 1024
NAMES = pytest.mark.parametrize("event", ["streamed_data", "SERVER_STREAM_DATA"])


@NAMES
def test_library_reads_the_answer_under_either_name(
    node: Node, party: dict[str, str], event: str
) -> None:
    """STREAM-LIBRARY: announce under both names; each that is read is written."""
    result = node("library_streams", "reader", **party, event=event, texts=TEXTS)

    stream = result["stream"]
    assert stream["text"] == STORY
    assert stream["state"] == "ended"
    assert stream["info"]["requestId"] == "r1"
    assert stream["info"]["source"] == "server"
    assert stream["info"]["outputId"] == result["ends"][0]["outputId"]


def test_library_reader_gets_no_plain_chunks_but_the_end(
    node: Node, party: dict[str, str]
) -> None:
    """Section 5: from its first read on; the first chunk may come before that."""
    result = node("library_streams", "reader", **party, texts=TEXTS)

    assert [chunk["index"] for chunk in result["chunks"]] in ([], [0])
    assert [end["chunks"] for end in result["ends"]] == [len(TEXTS)]
    assert result["terminal"] == ["completed"]


@NAMES
def test_late_reader_gets_what_came_before_its_first_read(
    node: Node, party: dict[str, str], event: str
) -> None:
    """STREAM-LIBRARY: what came before the read is written as the first chunk."""
    result = node("library_streams", "lateReader", **party, event=event, texts=TEXTS)

    assert result["stream"]["text"] == STORY
    assert result["stream"]["state"] == "ended"


def test_short_answers_are_whole_however_late_they_are_read(
    node: Node, party: dict[str, str]
) -> None:
    """STREAM-LIBRARY: written after the first read, also when the answer has ended."""
    streams = node("library_streams", "manyShort", **party, texts=TEXTS, times=20)

    assert [stream["text"] for stream in streams] == [STORY] * 20
    assert {stream["state"] for stream in streams} == {"ended"}


def test_both_names_may_be_read_at_once(node: Node, party: dict[str, str]) -> None:
    """STREAM-LIBRARY: both event names, with different ids."""
    results = node("library_streams", "bothNames", **party, texts=TEXTS)

    assert [stream["text"] for stream in results] == [STORY, STORY]
    assert [stream["state"] for stream in results] == ["ended", "ended"]


def test_library_gets_characters_whole_that_were_cut_in_two(
    node: Node, party: dict[str, str]
) -> None:
    """Section 1: chunks may cut a character in two UTF-16 halves."""
    text = "Prost 🍺🎲 漢字 👩‍👩‍👧!"

    result = node("library_streams", "halves", **party, text=text)

    assert result["stream"]["text"] == text


def test_stalled_library_reader_is_sent_no_more_than_its_window(
    node: Node, broker: Broker, party: dict[str, str]
) -> None:
    """STREAM-LIBRARY: what is not acked is bounded, 64 KiB a stream; none is lost."""
    before = broker.reached("libraryWindow")
    result = node("library_streams", "megabyte", **party, size=MIB, chunk=4096)

    assert 0 < result["stalledAt"] <= WINDOW
    assert result["peak"] <= WINDOW
    assert result["state"] == "ended"
    assert result["bytes"] == MIB
    assert result["intact"]
    assert broker.reached("libraryWindow") > before


def test_failed_answer_is_an_error_of_the_stream(
    node: Node, party: dict[str, str]
) -> None:
    """STREAM-LIBRARY: a failed answer ends with $stream-error."""
    result = node("library_streams", "failed", **party)

    assert result["stream"]["state"] == "error"
    assert result["stream"]["error"]
    assert result["stream"]["text"] == "so far"
    assert [end["status"] for end in result["ends"]] == ["failed"]


def test_cancelled_answer_ends_the_stream(node: Node, party: dict[str, str]) -> None:
    """STREAM-LIBRARY: a cancelled answer ends with $stream-end."""
    result = node("library_streams", "cancelled", **party)

    assert result["stream"]["state"] == "ended"
    assert result["stream"]["text"] == "so far"
    assert [end["status"] for end in result["ends"]] == ["cancelled"]


def test_destroyed_stream_is_written_to_no_more(
    node: Node, party: dict[str, str]
) -> None:
    """STREAM-LIBRARY: an ack of "invalid stream id" means: stop writing."""
    result = node("library_streams", "destroyed", **party)

    assert result["later"] == 0
    assert [end["chunks"] for end in result["ends"]] == [22]
    assert result["terminal"] == ["completed"]


def test_readers_with_and_without_the_library_share_a_room(
    node: Node, party: dict[str, str], names: Names
) -> None:
    """Section 5: the same answer, as plain chunks and as a readable stream."""
    result = node(
        "library_streams", "mixedRoom", **party, guestId=names.client(), texts=TEXTS
    )

    assert result["stream"]["text"] == STORY
    assert result["owner"]["text"] == STORY


def test_stream_of_who_is_put_out_of_the_room_ends_there(
    node: Node, party: dict[str, str], names: Names
) -> None:
    """It would wait for the rest for ever."""
    result = node("library_streams", "putOut", **party, guestId=names.client())

    assert result["stream"]["text"] == "for both"
    assert (result["stream"]["state"], result["stream"]["error"]) == (
        "error",
        "you read this no more",
    )
    assert result["owner"]["text"] == "for both, for one"


def test_reader_that_acknowledges_nothing_is_closed(
    node: Node, start_broker: StartBroker
) -> None:
    """Section 9: what waits for one connection is bounded; another is not harmed."""
    own = start_broker({"a": {}, "b": {}, "SillyTavern": {}}, outboxLimit=2 * WINDOW)
    result = node(
        "library_streams",
        "deaf",
        url=own.url,
        clientId="a",
        guestId="b",
        extension="SillyTavern",
        size=4 * WINDOW,
        chunk=4_096,
    )

    assert result["other"]["status"] == "ok"
