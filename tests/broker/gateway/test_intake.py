"""The way of an answer in."""

from __future__ import annotations

from typing import Any, cast

import msgspec
import pytest

from actors.answers import ResumeOutput
from actors.base import LoopActor, LoopRef
from actors.directory import Directory, Kind
from actors.output import Piece
from actors.relay_events import ChunkCame, StreamEnded, StreamFailed, StreamStarted
from broker.gateway.intake import Intake, warn_unknown_request
from broker.gateway.readers import Encoding, OutputReader, stream_ids
from broker.gateway.session import Session
from broker.protocol.inbound import (
    StreamEvent,
    StreamFrame,
    read_stream_event,
    read_stream_packet,
)
from broker.protocol.wire import MessageType
from broker.protocol.wire import StreamEvent as StreamEventName

from .fakes import OUTPUT, FakeConnection, turns

IDS = stream_ids(OUTPUT)


class Listener(LoopActor):
    """Remembers what it was told."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[Any] = []

    def on_receive(self, message: Any) -> None:
        """Remember it."""
        self.told.append(message)

    def begin(self) -> LoopRef[Any]:
        """Start, and stay at hand."""
        self._start_actor_loop()
        return self.actor_ref


class Bar:
    """An intake with one request, and a tavern that answers it."""

    def __init__(self) -> None:
        self.relay, self.answers = Listener(), Listener()
        self.directory = Directory()
        self.directory.add(Kind.REQUEST, "req", self.relay.begin())
        answers = cast("Any", self.answers.begin())
        self.intake = Intake(self.directory, answers, 1_000)
        self.connection = FakeConnection()
        self.tavern = self.connection.session(
            client_id="SillyTavern-1", client_type="SillyTavern"
        )

    def event(self, kind: MessageType, text: str = "", **fields: Any) -> StreamEvent:
        """A stream event for the request."""
        fields = {"request_id": "req", "stream_id": "s", "output_id": "o", **fields}
        piece = Piece(msgspec.json.encode(text)[1:-1])
        return StreamEvent(kind, StreamFrame(**fields), piece)

    async def say(self, kind: MessageType, text: str = "", **fields: Any) -> list[Any]:
        """Send a stream event, and tell what the relay heard."""
        assert self.intake.stream_event(self.tavern, self.event(kind, text, **fields))
        await turns()
        return self.relay.told

    def reading(self) -> Session:
        """A client that has been offered the output."""
        session = FakeConnection().session()
        session.readers[OUTPUT.key] = OutputReader(session, Encoding(OUTPUT, "s"))
        return session


@pytest.fixture
async def bar() -> Bar:
    """A request that is being answered."""
    return Bar()


WHO = "SillyTavern-1"


async def test_start_is_told(bar: Bar) -> None:
    """Section 5: ``STREAM_START``."""
    assert await bar.say(MessageType.STREAM_START) == [StreamStarted(WHO, "s", "o")]


@pytest.mark.parametrize(
    ("kind", "first"),
    [
        (MessageType.STREAM_DATA_FIRST, True),
        (MessageType.STREAM_DATA_MIDDLE, False),
        (MessageType.STREAM_DATA_LAST, False),
        (MessageType.STREAM_DATA_RETRY, False),
    ],
)
async def test_data_is_told_with_its_index(
    bar: Bar, kind: MessageType, *, first: bool
) -> None:
    """Section 5: ``chunkIndex`` and ``data``."""
    told = await bar.say(kind, "Hi", chunk_index=3)

    assert told == [ChunkCame(WHO, "s", "o", 3, Piece(b"Hi"), first)]


async def test_data_without_an_index_has_none(bar: Bar) -> None:
    """Older extensions send none."""
    (told,) = await bar.say(MessageType.STREAM_DATA_MIDDLE, "Hi")

    assert told.index is None


@pytest.mark.parametrize("final", [True, False])
async def test_end_is_told(bar: Bar, *, final: bool) -> None:
    """Section 5: ``final`` and ``finalText``."""
    told = await bar.say(MessageType.STREAM_END, final=final, final_text="Hi.")

    assert told == [StreamEnded(WHO, "s", "o", final, "Hi.")]


async def test_last_data_may_be_the_end(bar: Bar) -> None:
    """Section 5: an END or LAST that says ``final: true``."""
    told = await bar.say(MessageType.STREAM_DATA_LAST, "!", final=True)

    assert told == [
        ChunkCame(WHO, "s", "o", None, Piece(b"!"), False),  # noqa: FBT003
        StreamEnded(WHO, "s", "o", True, None),  # noqa: FBT003
    ]


async def test_final_means_nothing_in_other_data(bar: Bar) -> None:
    """Section 5: an END or LAST, no other."""
    told = await bar.say(MessageType.STREAM_DATA_MIDDLE, "!", final=True)

    assert len(told) == 1


@pytest.mark.parametrize(
    ("fields", "reason", "code"),
    [
        ({"message": "no model", "code": 10500}, "no model", 10500),
        ({}, "the SillyTavern could not finish its answer", 10401),
        ({"code": 0}, "the SillyTavern could not finish its answer", 0),
    ],
)
async def test_failure_is_told_with_its_reason(
    bar: Bar, fields: dict[str, Any], reason: str, code: int
) -> None:
    """Section 5: ``DATA_FAILED`` ends the leg as failed."""
    told = await bar.say(MessageType.STREAM_DATA_FAILED, **fields)

    assert told == [StreamFailed(WHO, reason, code)]


async def test_stream_without_an_output_is_its_own(bar: Bar) -> None:
    """Older extensions name no output."""
    told = await bar.say(MessageType.STREAM_START, output_id="")

    assert told == [StreamStarted(WHO, "s", "s")]


@pytest.mark.parametrize(
    ("client_type", "verified"), [("", True), ("monitor", True), ("SillyTavern", False)]
)
async def test_only_a_verified_silly_tavern_may_answer(
    bar: Bar, client_type: str, *, verified: bool
) -> None:
    """Section 5: only an extension; what others send takes the plain path."""
    session = FakeConnection().session(client_type=client_type, verified=verified)
    event = bar.event(MessageType.STREAM_DATA_FIRST, "Hi")

    assert not bar.intake.stream_event(session, event)
    await turns()
    assert bar.relay.told == []


async def test_answer_to_an_unknown_request_is_dropped_with_one_warning(
    bar: Bar,
) -> None:
    """Section 5: with a WARNING (72) to the sender, not one for every chunk."""
    for _ in range(3):
        await bar.say(MessageType.STREAM_DATA_FIRST, "Hi", request_id="gone")

    ((head, (name, warning)),) = bar.connection.sent()
    assert (head, name) == ("42/llm,", "WARNING")
    assert (warning["code"], warning["requestId"]) == (72, "gone")
    assert bar.relay.told == []


async def test_every_unknown_request_has_its_warning(bar: Bar) -> None:
    """Section 5: by requestId."""
    for request in ("a", "b", "a"):
        warn_unknown_request(bar.tavern, request)

    warned = [data[1]["requestId"] for _, data in bar.connection.sent()]
    assert warned == ["a", "b"]


@pytest.mark.parametrize("request_id", ["\ud800", "a\udfffb"])
async def test_lone_surrogate_in_a_request_id_is_no_fault_of_ours(
    bar: Bar, request_id: str
) -> None:
    """Section 1: a lone surrogate becomes U+FFFD, wherever it is sent back."""
    data = {"requestId": request_id, "streamId": "s", "data": "Hi"}
    event = read_stream_event(StreamEventName.DATA_FIRST, data)
    bar.intake.stream_event(bar.tavern, event)

    ((_, (name, warning)),) = bar.connection.sent()
    assert name == "WARNING"
    assert "\ufffd" in warning["requestId"]


async def test_first_read_of_a_live_answer_asks_its_relay(bar: Bar) -> None:
    """Section 6: the stream starts with what came before."""
    session = bar.reading()
    bar.intake.library_read(session, IDS[0])
    await turns()

    (wish,) = bar.relay.told
    assert isinstance(wish, ResumeOutput)
    assert (wish.request, wish.key) == ("req", OUTPUT.key)
    assert [*session.library] == [IDS[0]]


async def test_first_read_of_an_ended_answer_asks_the_answers(bar: Bar) -> None:
    """Section 6: a short answer may be complete already."""
    bar.directory = Directory()
    bar.intake = Intake(bar.directory, cast("Any", bar.answers.actor_ref), 1_000)
    bar.intake.library_read(bar.reading(), IDS[0])
    await turns()

    assert [wish.key for wish in bar.answers.told] == [OUTPUT.key]
    assert bar.relay.told == []


async def test_further_reads_ask_for_nothing(bar: Bar) -> None:
    """A library reads on after each chunk; the window is ours."""
    session = bar.reading()
    for _ in range(3):
        bar.intake.library_read(session, IDS[0])
    await turns()

    assert len(bar.relay.told) == 1


@pytest.mark.parametrize(
    "stream_id",
    ["", "/", "req.0", "req.0/9", "other.0/0", "req.0/0/0", "..", "x" * 999],
)
async def test_read_of_what_was_never_offered_is_ignored(
    bar: Bar, stream_id: str
) -> None:
    """Section 6: nobody reads what is not theirs."""
    bar.intake.library_read(bar.reading(), stream_id)
    await turns()

    assert bar.relay.told == bar.answers.told == []


async def test_answer_of_others_can_not_be_read(bar: Bar) -> None:
    """A stream id is no key: it counts only for whom it was offered to."""
    bar.reading()
    bar.intake.library_read(FakeConnection().session(), IDS[0])
    await turns()

    assert bar.relay.told == bar.answers.told == []


# -- lanes


def packet(index: int, text: str = "Hi", **ids: str) -> bytes:
    """A chunk of the request, as an extension sends it."""
    fields = {"chunkIndex": index, "data": text, "streamId": "s", "outputId": "o"}
    data = [StreamEventName.DATA_MIDDLE, {**fields, "requestId": "req", **ids}]
    return b"42/llm," + msgspec.json.encode(data)


async def come(bar: Bar, *packets: bytes) -> list[bool]:
    """Send packets; tells which of them came by a lane."""
    by_lane = []
    for sent in packets:
        lane = bar.tavern.lane
        by_lane.append(lane is not None and lane.take(sent))
        if not by_lane[-1]:
            event = read_stream_packet(sent)
            assert event is not None
            bar.intake.stream_event(bar.tavern, event)
            bar.intake.pave(bar.tavern, sent, event)
    await turns()
    return by_lane


def told(bar: Bar) -> list[tuple[int | None, bytes]]:
    """The chunks that the relay heard of."""
    return [(chunk.index, chunk.piece.text) for chunk in bar.relay.told]


async def test_third_chunk_in_a_row_comes_by_a_lane(bar: Bar) -> None:
    """And means the same to the relay."""
    by_lane = await come(bar, *(packet(index, f"word {index}") for index in range(5)))

    assert by_lane == [False, False, True, True, True]
    assert told(bar) == [(index, b"word %d" % index) for index in range(5)]
    assert bar.relay.told[4] == ChunkCame(WHO, "s", "o", 4, Piece(b"word 4"))


async def test_chunk_that_fits_no_lane_goes_the_other_way_and_in_order(
    bar: Bar,
) -> None:
    """A lane stays where one of its stream was different."""
    odd = packet(2).replace(b'"Hi"', b'"\\u0048i"')
    by_lane = await come(bar, packet(0), packet(1), odd, packet(3))

    assert by_lane == [False, False, False, True]
    assert told(bar) == [(0, b"Hi"), (1, b"Hi"), (2, b"\\u0048i"), (3, b"Hi")]


async def test_another_stream_gets_a_lane_of_its_own(bar: Bar) -> None:
    """An extension answers one request after the other."""
    ids = {"streamId": "t", "outputId": "p"}
    first, second = [packet(i) for i in range(3)], [packet(i, **ids) for i in range(3)]
    by_lane = await come(bar, *first, *second)

    assert by_lane == [False, False, True] * 2
    assert [chunk.stream for chunk in bar.relay.told] == ["s"] * 3 + ["t"] * 3


async def test_streams_in_turn_get_no_lane(bar: Bar) -> None:
    """To make one for each chunk would cost more than it saves."""
    ids = {"streamId": "t", "outputId": "p"}
    by_lane = await come(bar, *(packet(i, **o) for i in range(3) for o in ({}, ids)))

    assert not any(by_lane)
    assert len(bar.relay.told) == 6


async def test_stream_without_an_output_is_its_own_by_lane_too(bar: Bar) -> None:
    """Both ways mean the same."""
    by_lane = await come(bar, *(packet(i, outputId="") for i in range(3)))

    assert by_lane[2]
    assert [chunk.output for chunk in bar.relay.told] == ["s"] * 3


async def test_lane_of_a_request_that_has_ended_takes_nothing(bar: Bar) -> None:
    """Its late chunks get the warning that all late chunks get."""
    await come(bar, packet(0), packet(1), packet(2))
    bar.relay.stop()
    by_lane = await come(bar, packet(3), packet(4))

    assert by_lane == [False, False]
    ((_, (name, warning)),) = bar.connection.sent()
    assert (name, warning["code"]) == ("WARNING", 72)


async def test_session_that_has_left_has_no_lane(bar: Bar) -> None:
    """What it may, it may no more."""
    await come(bar, packet(0), packet(1))
    assert bar.tavern.lane is not None
    bar.tavern.close()

    assert bar.tavern.lane is None
