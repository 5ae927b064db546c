"""How one session reads one answer."""

from __future__ import annotations

from typing import Any

import pytest

from actors.errors import NotFoundError
from actors.lifecycle import RequestState
from actors.outbound import OutputEnded, Resumed, ResumedOutput
from broker.gateway.outbox import HIGH_WATER
from broker.gateway.readers import (
    Encoding,
    LibraryStream,
    OutputReader,
    output_key,
    stream_ids,
)
from broker.gateway.session import Session

from .fakes import OUTPUT, FakeConnection, turns

INFO = {"streamId": "s", "outputId": "o", "requestId": "r", "source": "server"}
IDS = stream_ids(OUTPUT)
WINDOW = 64 * 1024
Sent = list[tuple[str, Any]]


class Table:
    """A session, its connection, and its reader of one output."""

    def __init__(self, stream_names: str = "plain", **limits: Any) -> None:
        self.connection = FakeConnection(**limits)
        self.session: Session = self.connection.session(stream_names=stream_names)
        self.encoding = Encoding(OUTPUT, "s")
        self.reader = OutputReader(self.session, self.encoding)

    def sent(self) -> Sent:
        """Every packet that was written."""
        return self.connection.sent()

    def events(self) -> list[list[Any]]:
        """Every event that was written."""
        return [data for _, data in self.sent()]

    def say(self, text: bytes, index: int) -> None:
        """Give the reader a chunk, in a turn of its own."""
        self.reader.chunk(text, index)
        self.session.outbox.flush()

    async def slow(self) -> None:
        """Read no more."""
        self.connection.sink.stuck = True
        self.session.outbox.push(b"x" * (HIGH_WATER + 1))
        await turns()
        self.connection.sink.writes.clear()

    async def awake(self) -> None:
        """Read everything again."""
        self.connection.sink.stuck = False
        self.connection.sink.take_all()
        await turns()

    def read(self, number: int = 0, window: int = WINDOW) -> LibraryStream:
        """Begin to read a library stream."""
        stream = self.reader.read(IDS[number], window)
        assert stream is not None
        return stream

    def live(self, window: int = WINDOW) -> LibraryStream:
        """Read a library stream from the start of an answer that said nothing yet."""
        stream = self.read(window=window)
        stream.resumed(resumed(""))
        return stream

    def ack(self, *args: Any) -> None:
        """Acknowledge the oldest chunk that waits for it."""
        self.session.take_ack(min(self.session.acks), list(args))

    def writes(self) -> list[str]:
        """The texts of all library chunks that were written."""
        return [event[2] for event in self.events() if event[0] == "$stream-write"]


def ended(state: RequestState = RequestState.COMPLETED, **fields: Any) -> OutputEnded:
    """The end of the output."""
    fields.setdefault("final_text", None)
    return OutputEnded(output=OUTPUT, stream="s", state=state, chunks=2, **fields)


def resumed(
    text: str, *, done: bool = False, state: RequestState = RequestState.STREAMING
) -> Resumed:
    """What came before the first read."""
    output = ResumedOutput(OUTPUT, "s", 1, text.encode(), None, done)
    return Resumed(RequestState.COMPLETED if done else state, (output,))


def data(text: str, index: int, name: str = "streamed_data", **more: int) -> list[Any]:
    """A plain chunk as it is heard."""
    return [name, {**INFO, "data": text, **more, "index": index}]


@pytest.fixture
async def table() -> Table:
    """Sit down as a client that says nothing of stream names."""
    return Table()


# -- plain events


async def test_chunk_is_passed_on(table: Table) -> None:
    """Section 5: each chunk as soon as it comes."""
    table.reader.chunk(b"Hi", 0)
    table.reader.chunk(rb" \"there\"", 1)

    assert table.sent() == [
        ("42/llm,", data("Hi", 0)),
        ("42/llm,", data(' "there"', 1)),
    ]


@pytest.mark.parametrize(
    ("stream_names", "chunks", "ends"),
    [
        ("plain", ["streamed_data"], ["streamed_end"]),
        ("server", ["SERVER_STREAM_DATA"], ["SERVER_STREAM_END"]),
        (
            "both",
            ["streamed_data", "SERVER_STREAM_DATA"],
            ["streamed_end", "SERVER_STREAM_END"],
        ),
    ],
)
async def test_names_are_those_the_client_asked_for(
    stream_names: str, chunks: list[str], ends: list[str]
) -> None:
    """Section 1: ``streamNames`` plain, server or both."""
    table = Table(stream_names)
    table.reader.chunk(b"Hi", 0)
    table.reader.end(ended())

    assert [event[0] for event in table.events()] == chunks + ends


async def test_end_says_how_it_ended(table: Table) -> None:
    """Section 5: status, chunks, finalText."""
    table.reader.end(ended(final_text="Hi."))

    end = {**INFO, "status": "completed", "chunks": 2, "finalText": "Hi."}
    assert table.events() == [["streamed_end", end]]


async def test_chunk_is_encoded_once_for_all_readers() -> None:
    """Fan-out encodes once: the bytes are the same object."""
    encoding = Encoding(OUTPUT, "s")
    first = encoding.form("streamed_data").chunk(b"Hi", 0)

    assert encoding.form("streamed_data").chunk(b"Hi", 0) is first
    assert encoding.form("streamed_data").chunk(b"Ho", 1) is not first


async def test_encoding_tells_streams_and_names_apart() -> None:
    """Section 5: one output may come in many streams."""
    encoding = Encoding(OUTPUT, "s")
    first = encoding.form("streamed_data").chunk(b"Hi", 0)
    other_name = encoding.form("SERVER_STREAM_DATA").chunk(b"Hi", 0)
    encoding.go_on("t")
    other_stream = encoding.form("streamed_data").chunk(b"Hi", 1)

    assert b'"streamId":"s"' in first
    assert b"SERVER_STREAM_DATA" in other_name
    assert b'"streamId":"t"' in other_stream


# -- slow readers


async def test_slow_readers_chunks_are_held(table: Table) -> None:
    """Section 5: while its outbox is above the high-water mark."""
    await table.slow()
    table.reader.chunk(b"a", 0)
    table.reader.chunk(b"b", 1)
    await turns()

    assert table.sent() == []


async def test_held_chunks_are_joined_into_one(table: Table) -> None:
    """Section 5: ``firstIndex`` is the first of them and ``index`` the last."""
    table.reader.chunk(b"0", 0)
    await table.slow()
    for index, text in enumerate((b"a", b"b", b"c"), start=1):
        table.reader.chunk(text, index)
    await table.awake()

    assert table.events() == [data("abc", 3, firstIndex=1)]


async def test_reader_that_caught_up_gets_single_chunks_again(table: Table) -> None:
    """Section 5: and sent when it drains."""
    await table.slow()
    table.reader.chunk(b"a", 0)
    await table.awake()
    table.reader.chunk(b"b", 1)

    assert table.events() == [data("a", 0, firstIndex=0), data("b", 1)]


async def test_reader_may_be_slow_twice(table: Table) -> None:
    """What is held the second time begins where that time began."""
    for index, text in enumerate((b"a", b"b")):
        await table.slow()
        table.reader.chunk(text, index)
        await table.awake()

    assert table.events() == [data("b", 1, firstIndex=1)]


async def test_slow_reader_under_both_names_gets_both_joined() -> None:
    """Joining knows of every name."""
    table = Table("both")
    await table.slow()
    table.reader.chunk(b"a", 0)
    table.reader.chunk(b"b", 1)
    await table.awake()

    assert table.events() == [
        data("ab", 1, firstIndex=0),
        data("ab", 1, "SERVER_STREAM_DATA", firstIndex=0),
    ]


async def test_end_goes_behind_what_is_held(table: Table) -> None:
    """Section 5: a slow reader never loses text."""
    await table.slow()
    table.reader.chunk(b"a", 0)
    table.reader.end(ended())
    await table.awake()

    assert [event[0] for event in table.events()] == ["streamed_data", "streamed_end"]


async def test_slow_reader_costs_the_others_nothing() -> None:
    """Section 5: never costs the others anything."""
    slow, quick = Table(), Table()
    await slow.slow()
    for table in (slow, quick):
        table.reader.chunk(b"a", 0)

    assert quick.events() == [data("a", 0)]


async def test_too_much_held_closes_the_connection() -> None:
    """Section 9: outbox 4 MiB per socket."""
    table = Table(outbox_limit=1_000)
    await table.slow()
    for index in range(11):
        table.reader.chunk(b"x" * 100, index)

    assert table.connection.overflows == 1


async def test_end_does_not_count_what_was_held_twice() -> None:
    """Section 9: text that was held and now waits is one text."""
    table = Table(outbox_limit=10_000)
    await table.slow()
    table.reader.chunk(b"x" * 6_000, 0)
    table.reader.end(ended())
    await turns()

    assert table.connection.overflows == 0


async def test_held_text_given_to_the_library_counts_no_more() -> None:
    """Section 9: what the library reads from the start is not held besides."""
    table = Table(outbox_limit=10_000)
    await table.slow()
    table.reader.chunk(b"x" * 6_000, 0)
    table.read().resumed(resumed("x" * 6_000))
    await turns()

    assert table.connection.overflows == 0


# -- the stream library


async def test_stream_ids_name_their_output() -> None:
    """A read finds its way back."""
    assert [output_key(each) for each in IDS] == [OUTPUT.key] * 2
    assert len(set(IDS)) == 2


async def test_library_stream_starts_with_what_came_before(table: Table) -> None:
    """Section 6: the answer is read from its start."""
    table.reader.chunk(b"Hi", 0)
    table.connection.forget()
    table.read().resumed(resumed("Hi"))
    table.reader.chunk(b" there", 1)

    assert table.sent() == [
        ("42/llm,1", ["$stream-write", IDS[0], "Hi", "utf8"]),
        ("42/llm,2", ["$stream-write", IDS[0], " there", "utf8"]),
    ]


async def test_nothing_is_written_before_it_is_known_where_to_start(
    table: Table,
) -> None:
    """What comes meanwhile is in what is resumed."""
    stream = table.read()
    table.reader.chunk(b"Hi", 0)
    stream.resumed(resumed("Hi"))

    assert table.writes() == ["Hi"]


async def test_reader_of_a_library_stream_gets_no_plain_chunks(table: Table) -> None:
    """Section 5: no plain chunk events for it from then on."""
    table.live()
    table.reader.chunk(b"Hi", 0)
    table.reader.end(ended())

    names = [event[0] for event in table.events()]
    assert names == ["$stream-write", "$stream-end", "streamed_end"]


async def test_stream_is_read_once(table: Table) -> None:
    """A second ``$stream-read`` of the same stream asks for nothing."""
    table.live()

    assert table.reader.read(IDS[0], WINDOW) is None
    assert table.reader.read("nonsense", WINDOW) is None


async def test_both_streams_of_an_output_can_be_read(table: Table) -> None:
    """Section 5: under both names."""
    table.live()
    table.read(1).resumed(resumed(""))
    table.reader.chunk(b"Hi", 0)

    assert [event[1] for event in table.events()] == list(IDS)


async def test_window_ends_the_writing(table: Table) -> None:
    """At most so much is unacknowledged."""
    table.live(window=10)
    for index in range(4):
        table.say(b"12345", index)

    assert table.writes() == ["12345", "12345"]


async def test_chunks_of_a_turn_are_one_write(table: Table) -> None:
    """Each write costs an ack: one for all that came together."""
    table.live()
    table.reader.chunk(b"Hel", 0)
    table.reader.chunk(b"lo", 1)
    await turns()

    assert table.writes() == ["Hello"]
    assert len(table.session.acks) == 1


async def test_ack_opens_the_window_and_what_waited_is_joined(table: Table) -> None:
    """What the window had no room for goes in one."""
    table.live(window=10)
    for index in range(4):
        table.say(b"12345", index)
    table.ack()
    table.ack()

    assert table.writes() == ["12345", "12345", "12345", "12345"]


async def test_what_waited_is_joined(table: Table) -> None:
    """Many small chunks that waited are one."""
    table.live(window=4)
    table.say(b"1234", 0)
    for index, text in enumerate((b"a", b"b", b"c"), start=1):
        table.say(text, index)
    table.ack()

    assert table.writes() == ["1234", "abc"]


async def test_large_text_is_cut_at_the_window(table: Table) -> None:
    """Cut at 64 KiB, each piece when the one before was taken."""
    table.live()
    table.say(b"x" * (WINDOW * 2 + 1), 0)
    sizes = []
    while table.session.acks:
        sizes = [len(text) for text in table.writes()]
        table.ack()

    assert sizes == [WINDOW, WINDOW, 1]


async def test_text_is_cut_between_characters(table: Table) -> None:
    """A piece is JSON text of its own."""
    table.live(window=16)
    text = r"🍺🍺\"🍺\n🍺\ud83c\udf7a🍺"
    table.say(text.encode(), 0)
    while table.session.acks:
        table.ack()

    assert "".join(table.writes()) == '🍺🍺"🍺\n🍺🍺🍺'
    assert len(table.writes()) > 2


@pytest.mark.parametrize("window", [1, 2, 3, 11])
async def test_window_smaller_than_a_character_still_writes(
    table: Table, window: int
) -> None:
    """``libraryWindow`` may be as little as 1; a reader must not starve."""
    table.live(window=window)
    table.say(rb"\ud83c\udf7a" + "🍺".encode(), 0)
    while table.session.acks:
        table.ack()

    assert "".join(table.writes()) == "🍺🍺"


async def test_end_waits_behind_the_text(table: Table) -> None:
    """The end is written behind what waits."""
    table.live(window=3)
    table.reader.chunk(b"123456", 0)
    table.reader.end(ended())
    before = [event[0] for event in table.events()]
    table.ack()

    assert before == ["$stream-write", "streamed_end"]
    assert table.events()[-2:] == [
        ["$stream-write", IDS[0], "456", "utf8"],
        ["$stream-end", IDS[0]],
    ]


async def test_end_does_not_wait_for_acks(table: Table) -> None:
    """All is written: the library orders it."""
    table.live()
    table.reader.chunk(b"123", 0)
    table.reader.end(ended())

    assert ["$stream-end", IDS[0]] in table.events()


@pytest.mark.parametrize("state", [RequestState.FAILED, RequestState.TIMEOUT])
async def test_failed_answer_ends_in_an_error_packet(
    table: Table, state: RequestState
) -> None:
    """Section 6: the stream fails as the answer did, behind its text."""
    table.live()
    table.reader.chunk(b"123", 0)
    table.reader.end(ended(state))

    assert [event[:2] for event in table.events()[:2]] == [
        ["$stream-write", IDS[0]],
        ["$stream-error", IDS[0]],
    ]


async def test_cancelled_answer_ends_well(table: Table) -> None:
    """Whoever cancels knows; it is no failure."""
    table.live()
    table.reader.end(ended(RequestState.CANCELLED))

    assert table.events()[0] == ["$stream-end", IDS[0]]


async def test_stream_of_a_finished_answer_is_written_and_ended(table: Table) -> None:
    """Section 6: the first read may come when a short answer is complete."""
    table.read().resumed(resumed("all of it", done=True))

    assert table.events() == [
        ["$stream-write", IDS[0], "all of it", "utf8"],
        ["$stream-end", IDS[0]],
    ]


async def test_end_before_the_start_is_known_ends_once(table: Table) -> None:
    """The end may overtake what is resumed, which then tells of it."""
    stream = table.read()
    table.reader.end(ended())
    stream.resumed(resumed("all", done=True))

    assert [event[0] for event in table.events()] == [
        "streamed_end",
        "$stream-write",
        "$stream-end",
    ]


async def test_answer_that_can_not_be_had_is_an_error_packet(table: Table) -> None:
    """Never silence."""
    table.read().resumed(NotFoundError("the answer is no longer kept"))

    error = ["$stream-error", IDS[0], "the answer is no longer kept"]
    assert table.events() == [error]


async def test_ack_with_an_error_stops_the_stream(table: Table) -> None:
    """The peer has destroyed its end: nothing more is written, not even the end."""
    table.live(window=3)
    table.say(b"123456", 0)
    table.ack("destroyed")
    table.say(b"789", 1)
    table.reader.end(ended())

    assert [event[0] for event in table.events()] == ["$stream-write", "streamed_end"]
    assert not table.session.library


async def test_finished_stream_is_forgotten(table: Table) -> None:
    """A session keeps nothing of what it has read."""
    table.live()
    known = set(table.session.library)
    table.reader.end(ended())

    assert known == {IDS[0]}
    assert not table.session.library


async def test_library_reader_that_acknowledges_nothing_is_closed() -> None:
    """Section 9: what waits for one connection is bounded, wherever it waits."""
    table = Table(outbox_limit=1_000)
    table.live(window=10)
    for index in range(101):
        table.say(b"x" * 10, index)
    before = table.connection.overflows
    table.say(b"x" * 10, 101)

    assert (before, table.connection.overflows) == (0, 1)


async def test_library_reader_that_acknowledges_may_read_any_length() -> None:
    """What has been acknowledged waits no more."""
    table = Table(outbox_limit=1_000)
    table.live(window=10)
    for index in range(500):
        table.say(b"x" * 10, index)
        table.ack()

    assert table.connection.overflows == 0


async def test_session_that_ends_gives_back_what_it_held() -> None:
    """Its connection may have other sessions, which are not to pay for it."""
    table = Table(outbox_limit=1_000)
    table.live(window=10)
    for index in range(101):
        table.say(b"x" * 10, index)
    table.session.close()
    table.session.outbox.count_held(999)

    assert table.connection.overflows == 0


async def test_slow_session_that_ends_gives_back_what_it_held() -> None:
    """The same for plain chunks."""
    table = Table(outbox_limit=3 * HIGH_WATER)
    table.session.readers[OUTPUT.key] = table.reader
    await table.slow()
    table.say(b"x" * HIGH_WATER, 0)
    table.session.close()
    table.session.outbox.count_held(2 * HIGH_WATER)

    assert table.connection.overflows == 0


async def test_abandoned_stream_says_so() -> None:
    """Who left the room in the middle of an answer must not wait for its end."""
    table = Table()
    table.session.readers[OUTPUT.key] = table.reader
    table.live()
    table.say(b"123", 0)
    table.reader.abandon()

    *_, error, end = table.events()
    assert error == ["$stream-error", IDS[0], "you read this no more"]
    assert end == ["$stream-end", IDS[1]]
    assert (table.session.readers, table.session.library) == ({}, {})


async def test_late_acks_are_harmless(table: Table) -> None:
    """The last chunks are acknowledged after the end."""
    table.live()
    table.reader.chunk(b"123", 0)
    table.reader.end(ended())
    before = table.events()
    table.ack()

    assert table.events() == before


async def test_unread_streams_are_ended(table: Table) -> None:
    """Section 6: whoever does not come to read is told that it is over."""
    table.live()
    table.connection.forget()
    table.reader.end_unread()
    table.reader.end_unread()

    assert table.events() == [["$stream-end", IDS[1]]]


async def test_slow_library_reader_is_held_by_its_window_alone(table: Table) -> None:
    """No more than a window waits in the outbox of one that acknowledges nothing."""
    await table.slow()
    table.live(window=10)
    for index in range(100):
        table.say(b"12345", index)
    await table.awake()

    assert table.writes() == ["12345", "12345"]


async def test_joined_text_of_many_sizes_is_whole() -> None:
    """Whenever the reader wakes, it has read every character once."""
    table = Table()
    pieces = [f"{number} ".encode() for number in range(200)]
    heard = ""
    for index, piece in enumerate(pieces):
        if index % 7 == 3:
            await table.slow()
        table.reader.chunk(piece, index)
        if index % 7 == 6:
            await table.awake()
            heard += "".join(event[1]["data"] for event in table.events())
            table.connection.forget()
        elif index % 7 == 2:
            heard += "".join(event[1]["data"] for event in table.events())
            table.connection.forget()
    await table.awake()
    heard += "".join(event[1]["data"] for event in table.events())

    assert heard.encode() == b"".join(pieces)
    assert not table.session.outbox.blocked
