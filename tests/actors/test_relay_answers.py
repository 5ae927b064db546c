"""One request: what its extensions say, and who reads it."""

from __future__ import annotations

from typing import Any

import pytest

from actors import answers, relay_events
from actors.base import ask
from actors.errors import BrokerError, Code
from actors.lifecycle import RequestState
from actors.outbound import (
    OrderRevoked,
    OutputChunk,
    OutputEnded,
    OutputStarted,
    Resumed,
    Warned,
    WholeAnswer,
)
from actors.output import Piece
from tests.actors.recording import ENOUGH, Bar, RecordingPort, Tab

S = RequestState


async def running(bar: Bar, **order: Any) -> Tab:
    """A request that was sent to the tavern."""
    await bar.tavern()
    tab = Tab(bar, **order)
    await tab.begin()
    return tab


async def warnings(bar: Bar, tab: Tab, reader: str = "tavern") -> list[int]:
    """The codes somebody was warned with."""
    await tab.state()
    return [warned.code for warned in bar.outbound.to(reader, Warned)]


# -- streams and outputs


async def test_chunks_are_delivered_in_the_order_of_their_index(bar: Bar) -> None:
    """A missing one holds back what follows until it comes."""
    tab = await running(bar)
    for index in (0, 2, 3, 1):
        tab.chunk("abcd"[index], index)
    await tab.state()

    assert bar.outbound.text("web") == b"abcd"
    assert [chunk.index for chunk in bar.outbound.of(OutputChunk)] == [0, 1, 2, 3]


async def test_progress_counts_the_chunks_of_all_answers(bar: Bar) -> None:
    """Those that were passed on, whether their answer is whole or not."""
    tab = await running(bar)
    tab.chunk("a", 0, "s1", "o1")
    for index in (0, 1, 3):
        tab.chunk("b", index, "s2", "o2")
    tab.end("s1", "o1")
    progress = await ask(tab.ref, relay_events.GetProgress(), timeout=ENOUGH)

    assert progress == relay_events.Progress(3)


async def test_a_request_may_have_several_answers(bar: Bar) -> None:
    """It is completed when each of them is."""
    tab = await running(bar)
    tab.chunk("a", 0, "s1", "o1")
    tab.chunk("b", 0, "s2", "o2")
    tab.end("s1", "o1")
    halfway = await tab.state()
    tab.end("s2", "o2")
    await tab.ended()

    assert halfway == S.STREAMING
    assert [n.output.output_id for n in bar.outbound.of(OutputEnded)] == ["o1", "o2"]


async def test_one_answer_may_come_in_many_streams(bar: Bar) -> None:
    """Older extensions send a stream per token; readers see one answer."""
    tab = await running(bar)
    for number, text in enumerate("abc"):
        tab.start(f"s{number}")
        tab.chunk(text, 0, f"s{number}")
        tab.end(f"s{number}", final=number == 2)
    await tab.ended()

    assert len(bar.outbound.of(OutputStarted)) == 1
    assert [chunk.index for chunk in bar.outbound.of(OutputChunk)] == [0, 1, 2]
    assert [n.chunks for n in bar.outbound.of(OutputEnded)] == [3]


async def test_an_end_without_final_does_not_end_the_answer(bar: Bar) -> None:
    """More streams of it may come."""
    tab = await running(bar)
    tab.chunk("a")
    tab.end(final=False)

    assert await tab.state() == S.STREAMING


async def test_a_final_end_of_an_answer_without_text_completes_it(bar: Bar) -> None:
    """An answer may be empty; readers hear of its start and its end."""
    tab = await running(bar)
    tab.end()

    assert (await tab.ended()).state == S.COMPLETED
    assert [n.chunks for n in bar.outbound.of(OutputEnded)] == [0]


async def test_the_final_text_reaches_the_readers(bar: Bar) -> None:
    """They replace what they have by it."""
    tab = await running(bar)
    tab.chunk("Hello  ")
    tab.end(final_text="Hello")
    await tab.ended()

    assert bar.outbound.of(OutputEnded)[0].final_text == "Hello"


async def test_chunks_that_never_came_are_warned_of_at_the_end(bar: Bar) -> None:
    """What was held back is delivered in order."""
    tab = await running(bar)
    tab.chunk("a", 0)
    tab.chunk("c", 2)
    tab.end()
    await tab.ended()

    assert bar.outbound.text("web") == b"ac"
    assert [n.code for n in bar.outbound.to("tavern", Warned)] == [71]


async def test_a_gap_that_grows_too_large_fails_the_leg() -> None:
    """The extension is told to stop."""
    bar = Bar(gap_chunks=1)
    tab = await running(bar)
    for index in (0, 2, 3):
        tab.chunk("a", index)
    end = await tab.ended()

    assert (end.state, end.code) == (S.FAILED, Code.LLM_REQUEST_FAILED)
    assert bar.outbound.to("tavern", OrderRevoked) == [OrderRevoked("req")]


async def test_an_answer_that_grows_too_long_fails() -> None:
    """Section 9: memory is bounded, however long a model talks."""
    bar = Bar(answer_limit=2_000)
    tab = await running(bar)
    for index in range(20):
        tab.chunk("a", index)
    end = await tab.ended()

    assert (end.state, end.code) == (S.FAILED, Code.LLM_REQUEST_FAILED)
    assert end.error == "the answer is too long: it may take 2000 bytes"
    assert bar.outbound.to("tavern", OrderRevoked) == [OrderRevoked("req")]


async def test_streams_without_end_fail_an_answer() -> None:
    """An extension that opens one after the other says nothing at all."""
    bar = Bar(answer_limit=10_000)
    tab = await running(bar)
    for number in range(10):
        started = relay_events.StreamStarted("tavern", f"s{number}", f"o{number}")
        tab.ref.tell(started)

    assert (await tab.ended()).state == S.FAILED


async def test_stop_processing_completes_a_request(bar: Bar) -> None:
    """It ends what is still open."""
    tab = await running(bar)
    tab.chunk("a")
    tab.ref.tell(relay_events.ProcessingStopped("tavern"))

    assert (await tab.ended()).state == S.COMPLETED
    assert [n.state for n in bar.outbound.of(OutputEnded)] == [S.COMPLETED]


async def test_a_later_answer_of_the_extension_completes_a_request(bar: Bar) -> None:
    """Who does one thing at a time has finished what was before."""
    tab = await running(bar)
    tab.chunk("a")
    tab.ref.tell(relay_events.Superseded("tavern"))

    assert (await tab.ended()).state == S.COMPLETED


async def test_a_failed_answer_keeps_what_came(bar: Bar) -> None:
    """``DATA_FAILED`` and ``ERROR`` say why; readers hear of the end."""
    tab = await running(bar)
    tab.chunk("Hel")
    failed = relay_events.StreamFailed("tavern", "out of tokens", 10_429)
    tab.ref.tell(failed)
    end = await tab.ended()

    assert (end.state, end.error, end.code) == (S.FAILED, "out of tokens", 10_429)
    assert bar.outbound.text("web") == b"Hel"
    assert [n.state for n in bar.outbound.of(OutputEnded)] == [S.FAILED]


async def test_an_error_before_the_first_chunk_fails_the_request(bar: Bar) -> None:
    """There is no output to end."""
    tab = await running(bar)
    tab.ref.tell(relay_events.StreamFailed("tavern", "no model", 10_500))

    assert (await tab.ended()).code == Code.LLM_SERVER_ERROR
    assert bar.outbound.of(OutputEnded) == []


# -- what nobody asked for


async def test_a_chunk_of_a_stranger_is_dropped_with_a_warning(bar: Bar) -> None:
    """Only the extension that has the request may answer it."""
    tab = await running(bar)
    tab.chunk("a", by="other")

    assert await warnings(bar, tab, "other") == [Code.WARNING_NO_SUCH_REQUEST]
    assert bar.outbound.of(OutputChunk) == []


async def test_a_word_of_a_stranger_is_dropped_with_a_warning(bar: Bar) -> None:
    """Nobody ends what is another's."""
    tab = await running(bar)
    tab.end(by="other")

    assert await warnings(bar, tab, "other") == [Code.WARNING_NO_SUCH_REQUEST]
    assert await tab.state() == S.SENT


async def test_a_chunk_of_an_unknown_stream_is_dropped_with_a_warning(
    bar: Bar,
) -> None:
    """It neither opens one nor says that it is the first."""
    tab = await running(bar)
    tab.chunk("a", 5, first=False)

    assert await warnings(bar, tab) == [Code.WARNING_UNKNOWN_STREAM]


async def test_a_late_chunk_of_a_finished_answer_is_dropped_with_a_warning(
    bar: Bar,
) -> None:
    """Another answer of the request is still open."""
    tab = await running(bar)
    tab.chunk("a", 0, "s1", "o1")
    tab.chunk("b", 0, "s2", "o2")
    tab.end("s1", "o1")
    tab.chunk("c", 1, "s1", "o1")

    assert await warnings(bar, tab) == [Code.WARNING_UNKNOWN_STREAM]
    assert bar.outbound.text("web", "o1") == b"a"


async def test_the_end_of_an_unknown_stream_is_dropped_with_a_warning(
    bar: Bar,
) -> None:
    """Neither it nor its output was ever opened."""
    tab = await running(bar)
    tab.end("s9", "o9", final=False)

    assert await warnings(bar, tab) == [Code.WARNING_UNKNOWN_STREAM]


# -- who reads


async def test_all_members_of_the_room_read_an_answer(bar: Bar) -> None:
    """From when they come until they go."""
    tab = await running(bar)
    tab.chunk("a", 0)
    tab.ref.tell(relay_events.ReadersChanged(("web", "tab")))
    tab.chunk("b", 1)
    tab.ref.tell(relay_events.ReadersChanged(("web",)))
    tab.chunk("c", 2)
    await tab.state()

    assert (bar.outbound.text("web"), bar.outbound.text("tab")) == (b"abc", b"b")


async def test_the_answering_extension_does_not_read_its_answer(bar: Bar) -> None:
    """Though it may be a member of the room."""
    tab = await running(bar)
    tab.ref.tell(relay_events.ReadersChanged(("web", "tavern")))
    tab.chunk("a")
    tab.end()
    await tab.ended()

    assert bar.outbound.text("tavern") == b""
    assert bar.outbound.to("tavern", OutputEnded) == []


async def test_without_streaming_the_requester_gets_one_message(bar: Bar) -> None:
    """However the extension sends; the other members read the stream."""
    tab = await running(bar, streaming=False)
    tab.ref.tell(relay_events.ReadersChanged(("web", "tab")))
    tab.chunk("Hel", 0)
    tab.chunk("lo", 1)
    tab.end()
    await tab.ended()
    whole = bar.outbound.to("web", WholeAnswer)

    assert [answer.text for answer in whole] == [b"Hello"]
    assert bar.outbound.text("web") == b""
    assert bar.outbound.text("tab") == b"Hello"
    assert bar.outbound.to("tab", WholeAnswer) == []


async def test_the_message_comes_before_the_terminal_status(bar: Bar) -> None:
    """Who hears of the end has the answer."""
    tab = await running(bar, streaming=False)
    tab.chunk("Hello")
    tab.end()
    end = await tab.ended()
    whole = bar.outbound.of(WholeAnswer)[0]

    assert bar.outbound.items.index(whole) < bar.outbound.items.index(end)


async def test_an_answer_that_came_whole_goes_to_everybody(bar: Bar) -> None:
    """And completes the request."""
    tab = await running(bar)
    tab.ref.tell(relay_events.ReadersChanged(("web", "tab")))
    tab.ref.tell(relay_events.WholeCame("tavern", "o", Piece(b"Hello")))
    await tab.ended()

    assert [n.text for n in bar.outbound.to("web", WholeAnswer)] == [b"Hello"]
    assert [n.text for n in bar.outbound.to("tab", WholeAnswer)] == [b"Hello"]
    assert bar.outbound.ends() == [S.COMPLETED]


async def test_a_whole_answer_of_a_stream_that_came_is_a_warning(bar: Bar) -> None:
    """One output is one answer."""
    tab = await running(bar)
    tab.chunk("Hello")
    tab.ref.tell(relay_events.WholeCame("tavern", "o", Piece(b"Hello")))

    assert await warnings(bar, tab) == [Code.WARNING_UNKNOWN_STREAM]
    assert bar.outbound.of(WholeAnswer) == []


# -- coming back


async def resumed(
    tab: Tab,
    start: int | dict[str, int],
    reader: str = "web",
    room: str | None = None,
) -> Resumed | BrokerError:
    """Resume a request that runs; ``room``: the room has let the reader ask."""
    port = RecordingPort()
    tab.ref.tell(
        answers.Resume(request_id="r", reader=reader, room=room, start=start, port=port)
    )
    await tab.state()
    result: Resumed | BrokerError = port.items[0]
    return result


@pytest.mark.parametrize(
    ("start", "texts"),
    [
        (0, [b"abc", b"xyz"]),
        (1, [b"bc", b"yz"]),
        (3, [b"", b""]),
        ({"o1": 2}, [b"c", b"xyz"]),
        ({"o1": 1, "o2": 3}, [b"bc", b""]),
    ],
)
async def test_a_reader_resumes_in_the_middle(
    bar: Bar, start: int | dict[str, int], texts: list[bytes]
) -> None:
    """From an index of its own, for all outputs or for each."""
    tab = await running(bar)
    for index in range(3):
        tab.chunk("abc"[index], index, "s1", "o1")
        tab.chunk("xyz"[index], index, "s2", "o2")
    result = await resumed(tab, start)

    assert isinstance(result, Resumed)
    assert [output.text for output in result.outputs] == texts
    assert [output.next_index for output in result.outputs] == [3, 3]


async def test_what_follows_a_resumption_comes_live(bar: Bar) -> None:
    """Nothing is lost in between, nothing comes twice."""
    tab = await running(bar)
    tab.chunk("a", 0)
    result = await resumed(tab, 0)
    tab.chunk("b", 1)
    await tab.state()

    assert isinstance(result, Resumed)
    assert result.outputs[0].text == b"a"
    assert bar.outbound.of(OutputChunk)[-1].index == result.outputs[0].next_index


async def test_a_stranger_does_not_resume(bar: Bar) -> None:
    """Who does not read it live does not read it later."""
    tab = await running(bar)
    result = await resumed(tab, 0, "stranger")

    assert isinstance(result, BrokerError)
    assert result.code == Code.AUTHORISATION_FAILED


async def test_another_member_resumes(bar: Bar) -> None:
    """It reads what the requester reads."""
    tab = await running(bar)
    tab.chunk("a")
    result = await resumed(tab, 0, "tab", room="web")

    assert isinstance(result, Resumed)
    assert result.outputs[0].text == b"a"


async def test_one_output_is_resumed_by_its_key(bar: Bar) -> None:
    """As a library's stream reads it."""
    tab, port = await running(bar), RecordingPort()
    tab.chunk("a", 0, "s1", "o1")
    tab.chunk("b", 0, "s2", "o2")
    await tab.state()
    key = bar.outbound.of(OutputStarted)[1].output.key
    tab.ref.tell(answers.ResumeOutput("req", key, port))

    assert [o.text for o in (await port.hears(Resumed)).outputs] == [b"b"]
