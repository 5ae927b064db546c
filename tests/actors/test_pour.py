"""Streams to outputs to readers."""

from __future__ import annotations

import pytest

from actors.house import Patience
from actors.lifecycle import RequestState
from actors.outbound import OutputChunk, OutputEnded, OutputStarted, WholeAnswer
from actors.output import CHUNK_COST, GapTooLargeError, Piece
from actors.pour import MAX_ENDED_STREAMS, STREAM_COST, Pour, Readers, StrayError
from tests.actors.recording import RecordingOutbound, an_order

DONE = RequestState.COMPLETED


class Jug:
    """A pour, and what readers hear of it."""

    def __init__(self, *, streaming: bool = True, gap_chunks: int = 10) -> None:
        self.outbound = RecordingOutbound()
        self.readers = Readers(an_order(streaming=streaming))
        patience = Patience(gap_chunks=gap_chunks)
        self.pour = Pour("req", self.readers, self.outbound, patience)

    def chunk(
        self,
        text: str,
        index: int | None = None,
        stream: str = "s",
        output: str = "o",
        *,
        first: bool = False,
    ) -> None:
        """A chunk comes."""
        self.pour.chunk(stream, output, index, Piece(text.encode()), first=first)


@pytest.fixture
def jug() -> Jug:
    """A pour with one reader, ``web``."""
    return Jug()


# -- streams and outputs


def spent_by(jug: Jug) -> int:
    """The bytes of memory that all of it is reckoned to take."""
    return Patience().answer_limit - jug.pour.room


def test_each_chunk_takes_room(jug: Jug) -> None:
    """Many short chunks take more memory than their text."""
    jug.pour.start("s", "o")
    before = spent_by(jug)
    jug.chunk("12345", 0)

    assert spent_by(jug) - before == 5 + CHUNK_COST


def test_what_says_nothing_takes_room_too(jug: Jug) -> None:
    """Streams without a word, or answers in one piece, are not endless either."""
    jug.pour.start("s", "o")
    streams = spent_by(jug)
    jug.pour.whole("p", Piece(b"123"), "tavern")
    wholes = spent_by(jug) - streams
    jug.pour.end_output("o", DONE, final_text="other")

    assert streams == STREAM_COST
    assert wholes == STREAM_COST + 3
    assert spent_by(jug) == streams + wholes + 5


def test_the_first_stream_of_an_output_starts_it(jug: Jug) -> None:
    """Readers hear that an answer begins."""
    jug.pour.start("s", "o")

    assert [n.output.output_id for n in jug.outbound.of(OutputStarted)] == ["o"]


def test_starting_a_stream_again_means_nothing(jug: Jug) -> None:
    """A repeated start is not a new one."""
    jug.pour.start("s", "o")
    jug.chunk("a", 0)
    jug.pour.start("s", "o")
    jug.chunk("b", 1)

    assert jug.outbound.text("web") == b"ab"


def test_chunks_are_numbered_within_the_output(jug: Jug) -> None:
    """Readers count an answer's chunks, whatever streams they came in."""
    for stream in ("s1", "s2"):
        jug.chunk("a", 0, stream, first=True)
        jug.pour.end_stream(stream, "o")

    assert [chunk.index for chunk in jug.outbound.of(OutputChunk)] == [0, 1]
    assert len(jug.outbound.of(OutputStarted)) == 1


def test_a_first_chunk_opens_its_stream(jug: Jug) -> None:
    """A start may be missing."""
    jug.chunk("a", 0, first=True)

    assert jug.outbound.text("web") == b"a"


def test_a_later_chunk_of_an_unknown_stream_is_stray(jug: Jug) -> None:
    """It opens nothing."""
    with pytest.raises(StrayError):
        jug.chunk("a", 1)


def test_a_late_chunk_of_an_ended_stream_is_stray(jug: Jug) -> None:
    """Even one that says it is the first."""
    jug.chunk("a", 0, first=True)
    jug.pour.end_stream("s", "o")

    with pytest.raises(StrayError):
        jug.chunk("a", 0, first=True)


def test_an_ended_stream_may_be_started_again(jug: Jug) -> None:
    """Who says start means it."""
    jug.chunk("a", 0, first=True)
    jug.pour.end_stream("s", "o")
    jug.pour.start("s", "o")
    jug.chunk("b", 0)

    assert jug.outbound.text("web") == b"ab"


def test_the_memory_of_ended_streams_is_bounded(jug: Jug) -> None:
    """Older extensions send a stream per token."""
    for number in range(3 * MAX_ENDED_STREAMS):
        jug.chunk("a", 0, f"s{number}", first=True)
        jug.pour.end_stream(f"s{number}", "o")
    jug.chunk("b", 0, "s0", first=True)

    assert jug.outbound.text("web").endswith(b"b")


def test_a_stream_of_a_finished_output_is_stray(jug: Jug) -> None:
    """Nothing is added to what was said to be whole."""
    jug.chunk("a", 0, first=True)
    jug.pour.end_output("o", DONE)

    with pytest.raises(StrayError):
        jug.pour.start("s2", "o")


def test_ending_a_stream_delivers_what_was_held_back(jug: Jug) -> None:
    """In order, and the caller learns that some were missing."""
    jug.chunk("a", 0, first=True)
    jug.chunk("d", 3)
    jug.chunk("c", 2)

    assert jug.pour.end_stream("s", "o") is True
    assert jug.outbound.text("web") == b"acd"


def test_ending_a_stream_without_gaps_misses_nothing(jug: Jug) -> None:
    """The usual case."""
    jug.chunk("a", 0, first=True)

    assert jug.pour.end_stream("s", "o") is False


def test_ending_a_stream_of_nothing_known_is_stray(jug: Jug) -> None:
    """Neither the stream nor its output is there."""
    with pytest.raises(StrayError):
        jug.pour.end_stream("s", "o")


def test_a_gap_that_grows_too_large_is_an_error(jug: Jug) -> None:
    """The leg is to fail then."""
    jug = Jug(gap_chunks=1)
    jug.chunk("a", 0, first=True)
    jug.chunk("c", 2)

    with pytest.raises(GapTooLargeError):
        jug.chunk("d", 3)


# -- ends


def test_an_output_ends_once(jug: Jug) -> None:
    """``streamed_end`` always comes, and once."""
    jug.chunk("a", 0, first=True)
    jug.pour.end_output("o", DONE)
    jug.pour.end_all(RequestState.FAILED)
    ended = jug.outbound.of(OutputEnded)

    assert [(notice.state, notice.chunks) for notice in ended] == [(DONE, 1)]


def test_the_final_text_goes_with_the_end(jug: Jug) -> None:
    """Readers replace what they have."""
    jug.chunk("Hello  ", 0, first=True)
    jug.pour.end_output("o", DONE, "Hello")

    assert jug.outbound.of(OutputEnded)[0].final_text == "Hello"


def test_ending_an_output_ends_its_open_streams(jug: Jug) -> None:
    """What they held back is delivered before the end."""
    jug.chunk("a", 0, first=True)
    jug.chunk("c", 2)
    jug.pour.end_output("o", DONE)

    assert jug.outbound.text("web") == b"ac"
    assert isinstance(jug.outbound.items[-1], OutputEnded)


def test_half_a_character_is_replaced_at_the_end(jug: Jug) -> None:
    """It is counted as a chunk."""
    jug.pour.chunk("s", "o", 0, Piece(b"a", tail=b"\\ud83c"), first=True)
    jug.pour.end_output("o", DONE)

    assert jug.outbound.text("web") == b"a\\ufffd"
    assert jug.outbound.of(OutputEnded)[0].chunks == 2


def test_a_pour_is_finished_when_every_output_is(jug: Jug) -> None:
    """One request may have several answers."""
    jug.chunk("a", 0, "s1", "o1", first=True)
    jug.chunk("b", 0, "s2", "o2", first=True)
    jug.pour.end_output("o1", DONE)
    halfway = jug.pour.finished
    jug.pour.end_output("o2", DONE)

    assert (halfway, jug.pour.finished) == (False, True)


def test_ending_all_leaves_finished_outputs_as_they_are(jug: Jug) -> None:
    """What was completed stays so when the rest fails."""
    jug.chunk("a", 0, "s1", "o1", first=True)
    jug.chunk("b", 0, "s2", "o2", first=True)
    jug.pour.end_output("o1", DONE)
    jug.pour.end_all(RequestState.FAILED)
    states = {n.output.output_id: n.state for n in jug.outbound.of(OutputEnded)}

    assert states == {"o1": DONE, "o2": RequestState.FAILED}


# -- whole answers


def test_a_whole_answer_goes_to_all_members(jug: Jug) -> None:
    """Also to a requester that wanted no chunks."""
    jug = Jug(streaming=False)
    jug.readers.set_members(("web", "tab"))
    jug.pour.whole("o", Piece(b"Hello"), "tavern")

    assert jug.outbound.records[-1].readers == ("web", "tab")
    assert jug.outbound.of(WholeAnswer)[0].text == b"Hello"


def test_a_whole_answer_of_a_known_output_is_stray(jug: Jug) -> None:
    """One output is one answer."""
    jug.chunk("a", 0, first=True)

    with pytest.raises(StrayError):
        jug.pour.whole("o", Piece(b"Hello"), "tavern")


def test_a_requester_without_chunks_gets_each_answer_whole() -> None:
    """However the extension sent them."""
    jug = Jug(streaming=False)
    jug.chunk("a", 0, "s1", "o1", first=True)
    jug.chunk("b", 0, "s2", "o2", first=True)
    jug.pour.send_whole("tavern")

    assert [whole.text for whole in jug.outbound.to("web", WholeAnswer)] == [b"a", b"b"]
    assert jug.outbound.to("web", OutputChunk) == []


def test_a_whole_answer_has_the_final_text() -> None:
    """Trimmed as the extension trimmed it, and escaped as JSON is."""
    jug = Jug(streaming=False)
    jug.chunk("x", 0, first=True)
    jug.pour.end_output("o", DONE, 'say "x"')
    jug.pour.send_whole("tavern")

    assert jug.outbound.of(WholeAnswer)[0].text == b'say \\"x\\"'


def test_an_answer_that_came_whole_is_not_sent_again() -> None:
    """The requester has it."""
    jug = Jug(streaming=False)
    jug.pour.whole("o", Piece(b"Hello"), "tavern")
    jug.pour.send_whole("tavern")

    assert len(jug.outbound.to("web", WholeAnswer)) == 1


# -- readers


def test_an_answering_extension_reads_nothing(jug: Jug) -> None:
    """It knows what it says."""
    jug.readers.exclude("tavern")
    jug.readers.set_members(("web", "tavern"))

    assert jug.readers.members == jug.readers.live == ("web",)


def test_a_requester_without_chunks_is_no_live_reader() -> None:
    """The other members are."""
    readers = Readers(an_order(streaming=False))
    readers.set_members(("web", "tab"))

    assert (readers.live, readers.members) == (("tab",), ("web", "tab"))


# -- coming back


def test_what_was_missed_is_one_text_for_each_output(jug: Jug) -> None:
    """From one index for all, or one for each; none is from the start."""
    for output in ("o1", "o2"):
        for index, text in enumerate("abc"):
            jug.chunk(text, index, f"s{output}", output, first=True)
    by_number = [missed.text for missed in jug.pour.missed(1)]
    by_output = [missed.text for missed in jug.pour.missed({"o2": 2})]

    assert by_number == [b"bc", b"bc"]
    assert by_output == [b"abc", b"c"]


def test_what_was_missed_of_one_output_is_found_by_its_key(jug: Jug) -> None:
    """A library's stream names one answer."""
    jug.chunk("a", 0, "s1", "o1", first=True)
    jug.chunk("b", 0, "s2", "o2", first=True)
    key = jug.outbound.of(OutputStarted)[1].output.key

    assert [missed.text for missed in jug.pour.missed(0, key)] == [b"b"]


def test_output_keys_are_unique_beyond_a_pour() -> None:
    """Two legs may use one outputId."""
    keys = set()
    for _ in range(2):
        jug = Jug()
        jug.pour.start("s", "o")
        keys.add(jug.outbound.of(OutputStarted)[0].output.key)

    assert len(keys) == 2


def test_an_output_is_idle_while_no_stream_of_it_is_open(jug: Jug) -> None:
    """The mark says how far it was then."""
    jug.chunk("a", 0, first=True)
    open_mark = jug.pour.idle_mark("o")
    jug.pour.end_stream("s", "o")
    idle_mark = jug.pour.idle_mark("o")
    jug.pour.end_output("o", DONE)

    assert (open_mark, idle_mark, jug.pour.idle_mark("o")) == (None, 1, None)
