"""The cache of ended requests."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from actors.answers import (
    Answers,
    FinishedOutput,
    FinishedRequest,
    Keep,
    Resume,
    ResumeOutput,
)
from actors.base import LoopRef
from actors.errors import BrokerError, Code
from actors.lifecycle import RequestState
from actors.message import Message, MessageKind
from actors.outbound import OutputId, Resumed
from actors.request_records import CloseRequest, RequestRow
from actors.room_records import AddMessage
from tests.actors.inn import Shelf, gone_store
from tests.actors.recording import FakeStore, RecordingPort

ROOM_FOR_TWO = 2_500
"""Bytes that two small answers take, and three do not."""


def finished(request: str = "1", *chunks: bytes, **fields: Any) -> FinishedRequest:
    """An ended request with one answer."""
    output = OutputId(f"{request}.0", request, "r", "o")
    values = {
        "request": request,
        "request_id": f"r{request}",
        "requester": "web",
        "room": "web",
        "state": RequestState.COMPLETED,
        "outputs": (FinishedOutput(output, "s", chunks, None),),
        **fields,
    }
    return FinishedRequest(**values)


async def resume(ref: LoopRef[Answers], request_id: str, **fields: Any) -> Resumed:
    """Resume a request; raises what is answered instead."""
    port = RecordingPort()
    values = {"reader": "web", "room": None, "start": 0, **fields}
    ref.tell(Resume(request_id=request_id, port=port, **values))
    return await result_of(port)


async def result_of(port: RecordingPort) -> Resumed:
    """What came through a port."""
    await port.until(lambda: bool(port.items))
    result = port.items[0]
    if isinstance(result, BrokerError):
        raise result
    assert isinstance(result, Resumed)
    return result


@pytest.fixture
async def answers() -> LoopRef[Answers]:
    """A cache with room and time enough."""
    return Answers.start(1_000_000, 600, FakeStore(ok=True).ref)


@pytest.mark.parametrize(
    ("start", "text"),
    [(0, b"abc"), (2, b"c"), (9, b""), (-1, b"abc"), ({"o": 1}, b"bc"), ({}, b"abc")],
)
async def test_an_ended_answer_is_resumed_from_an_index(
    answers: LoopRef[Answers], start: Any, text: bytes
) -> None:
    """One index for all outputs, or one for each outputId."""
    answers.tell(Keep(finished("1", b"a", b"b", b"c")))
    output = (await resume(answers, "r1", start=start)).outputs[0]

    assert (output.text, output.next_index, output.done) == (text, 3, True)


async def test_a_resumed_request_tells_how_it_ended(
    answers: LoopRef[Answers],
) -> None:
    """Its state, and the reason of a failure."""
    failed = finished(state=RequestState.FAILED, error="out of tokens", outputs=())
    answers.tell(Keep(failed))

    assert await resume(answers, "r1") == Resumed(
        RequestState.FAILED, (), "out of tokens"
    )


async def test_a_final_text_is_kept(answers: LoopRef[Answers]) -> None:
    """It is what the answer is."""
    output = FinishedOutput(OutputId("k", "1", "r1", "o"), "s", (b"x ",), "x")
    answers.tell(Keep(finished(outputs=(output,))))

    assert (await resume(answers, "r1")).outputs[0].final_text == "x"


async def test_another_member_resumes_by_the_room(answers: LoopRef[Answers]) -> None:
    """Whoever read it may read it again."""
    answers.tell(Keep(finished("1", b"a")))
    result = await resume(answers, "r1", reader="tab", room="web")

    assert result.outputs[0].text == b"a"


async def test_a_member_names_whose_answer_it_reads(
    answers: LoopRef[Answers],
) -> None:
    """Ids are each requester's own; without a name it is the last one's."""
    for request, requester in (("1", "ann"), ("2", "bob")):
        text = requester.encode()
        fields = {"request_id": "r", "requester": requester, "room": "lobby"}
        answers.tell(Keep(finished(request, text, **fields)))
    texts = [
        (await resume(answers, "r", room="lobby", requester=name)).outputs[0].text
        for name in ("ann", "bob", None)
    ]

    assert texts == [b"ann", b"bob", b"bob"]


@pytest.mark.parametrize(
    "fields",
    [
        {"reader": "stranger"},
        {"reader": "tab"},
        {"room": "elsewhere"},
        {"room": "elsewhere", "requester": "web"},
        {"room": "web", "requester": "tab"},
    ],
    ids=[
        "by requester",
        "another's id",
        "another room",
        "a requester's, in another room",
        "another requester's",
    ],
)
async def test_strangers_are_told_nothing(
    answers: LoopRef[Answers], fields: dict[str, str]
) -> None:
    """Not even that there is such a request."""
    answers.tell(Keep(finished("1", b"a")))

    with pytest.raises(BrokerError) as caught:
        await resume(answers, "r1", **fields)
    assert caught.value.code == Code.NOT_FOUND


async def test_an_answer_for_one_alone_is_not_the_rooms(
    answers: LoopRef[Answers],
) -> None:
    """Whose it is resumes it, and whoever may read everything."""
    answers.tell(Keep(finished("1", b"a", viewer="web")))

    with pytest.raises(BrokerError, match="too long ago"):
        await resume(answers, "r1", reader="tab", room="web")
    for reader in ({"reader": "web"}, {"reader": "boss", "entitled": True}):
        assert (await resume(answers, "r1", room="web", **reader)).outputs


async def test_a_request_used_twice_means_its_last(answers: LoopRef[Answers]) -> None:
    """A requestId is unique only while its request lives."""
    answers.tell(Keep(finished("1", b"old", request_id="r")))
    answers.tell(Keep(finished("2", b"new", request_id="r")))

    assert (await resume(answers, "r")).outputs[0].text == b"new"


async def test_the_last_of_an_id_outlives_the_first() -> None:
    """Dropping the older does not drop the newer's name."""
    ref = Answers.start(ROOM_FOR_TWO, 600, FakeStore(ok=True).ref)
    for request in ("1", "2", "3"):
        ref.tell(Keep(finished(request, b"a", request_id="r")))

    assert (await resume(ref, "r")).outputs[0].output.request == "3"


async def test_an_answer_is_kept_no_longer_than_its_time() -> None:
    """Too late is an error that says so, never silence."""
    ref = Answers.start(1_000_000, 0, FakeStore(ok=True).ref)
    ref.tell(Keep(finished("1", b"a")))

    with pytest.raises(BrokerError, match="too long ago"):
        await resume(ref, "r1")


async def test_the_oldest_makes_room_for_the_new() -> None:
    """The cache is bounded in bytes."""
    ref = Answers.start(ROOM_FOR_TWO, 600, FakeStore(ok=True).ref)
    for request in ("1", "2", "3"):
        ref.tell(Keep(finished(request, b"a")))

    with pytest.raises(BrokerError):
        await resume(ref, "r1")
    assert [(await resume(ref, f"r{n}")).state for n in (2, 3)] == ["completed"] * 2


async def test_the_longest_unused_goes_first() -> None:
    """What is resumed is used."""
    ref = Answers.start(ROOM_FOR_TWO, 600, FakeStore(ok=True).ref)
    ref.tell(Keep(finished("1", b"a")))
    ref.tell(Keep(finished("2", b"a")))
    await resume(ref, "r1")
    ref.tell(Keep(finished("3", b"a")))

    assert (await resume(ref, "r1")).state == "completed"
    with pytest.raises(BrokerError):
        await resume(ref, "r2")


async def test_an_answer_larger_than_the_cache_is_not_kept() -> None:
    """One does not push out all."""
    ref = Answers.start(ROOM_FOR_TWO, 600, FakeStore(ok=True).ref)
    ref.tell(Keep(finished("1", b"a" * 10_000)))

    with pytest.raises(BrokerError):
        await resume(ref, "r1")


async def test_one_output_is_read_from_its_start(answers: LoopRef[Answers]) -> None:
    """A library's stream that is read late begins where the answer did."""
    outputs = tuple(
        FinishedOutput(OutputId(key, "1", "r1", key), "s", (key.encode(), b"!"), None)
        for key in ("k1", "k2")
    )
    answers.tell(Keep(finished(outputs=outputs)))
    port = RecordingPort()
    answers.tell(ResumeOutput("1", "k2", port))

    assert [o.text for o in (await result_of(port)).outputs] == [b"k2!"]


async def test_an_output_that_is_no_longer_kept_is_an_error(
    answers: LoopRef[Answers],
) -> None:
    """The library's stream can then be ended."""
    port = RecordingPort()
    answers.tell(ResumeOutput("1", "k", port))

    with pytest.raises(BrokerError):
        await result_of(port)


# -- what only the history knows


async def old(viewer: str | None = None, **fields: Any) -> LoopRef[Answers]:
    """A cache that has forgotten a request of ``web`` in the lobby."""
    shelf = Shelf()
    texts = fields.pop("texts", ("Hello", "again"))
    asked = a_message(1, MessageKind.REQUEST, viewer, {"message": "hi"})
    row = RequestRow("1", "web", "r1", "lobby")
    shelf.ref.tell(AddMessage(asked, request=row))
    for number, text in enumerate(texts, start=2):
        body = {"data": text, "outputId": f"o{number}"}
        shelf.ref.tell(AddMessage(a_message(number, MessageKind.ANSWER, viewer, body)))
    if fields:
        shelf.ref.tell(CloseRequest("1", **fields))
    return Answers.start(1_000_000, 600, shelf.ref)


def a_message(
    seq: int, kind: MessageKind, viewer: str | None, body: dict[str, str]
) -> Message:
    """A message of the lobby that is, or answers, the request."""
    return Message(
        room="lobby",
        seq=seq,
        id=f"{seq}",
        author="web",
        kind=kind,
        viewer=viewer,
        request="1",
        body=msgspec.json.encode(body),
    )


COMPLETED: Any = {"state": RequestState.COMPLETED, "error": None}


@pytest.mark.parametrize(
    "reader",
    [
        {},
        {"reader": "tab", "room": "lobby"},
        {"reader": "tab", "room": "lobby", "requester": "web"},
    ],
    ids=["requester", "member", "member who names the requester"],
)
async def test_what_is_no_longer_kept_is_in_the_history(reader: dict[str, str]) -> None:
    """As the whole text of each answer: its chunks are not known any more."""
    resumed = await resume(await old(**COMPLETED), "r1", **reader)

    assert resumed.state == RequestState.COMPLETED
    assert [
        (o.output.output_id, o.text, o.final_text, o.done) for o in resumed.outputs
    ] == [("o2", b"", "Hello", True), ("o3", b"", "again", True)]
    assert len({o.output.key for o in resumed.outputs}) == 2


async def test_the_history_knows_why_a_request_failed() -> None:
    """And what came of it before."""
    ref = await old(state=RequestState.FAILED, error="out of tokens", texts=("Hel",))
    resumed = await resume(ref, "r1")

    assert (resumed.state, resumed.error) == (RequestState.FAILED, "out of tokens")
    assert [o.final_text for o in resumed.outputs] == ["Hel"]


@pytest.mark.parametrize(
    "reader",
    [
        {"reader": "tab"},
        {"room": "elsewhere"},
        {"reader": "tab", "room": "lobby"},
        {"room": "lobby", "requester": "tab"},
    ],
    ids=["another's id", "another room", "for one alone", "another requester's"],
)
async def test_the_history_is_not_everybodys(reader: dict[str, str]) -> None:
    """It tells nobody of what is not for them."""
    with pytest.raises(BrokerError) as caught:
        await resume(await old("web", **COMPLETED), "r1", **reader)

    assert caught.value.code == Code.NOT_FOUND


@pytest.mark.parametrize(
    "reader",
    [{}, {"reader": "boss", "room": "lobby", "entitled": True}],
    ids=["requester", "monitor"],
)
async def test_the_history_is_theirs_who_may_see_it(reader: dict[str, Any]) -> None:
    """Whose it is, and whoever may read everything."""
    resumed = await resume(await old("web", **COMPLETED), "r1", **reader)

    assert len(resumed.outputs) == 2


async def test_a_request_that_has_not_ended_is_not_in_the_history() -> None:
    """What is asked here has ended, or never was."""
    with pytest.raises(BrokerError, match="too long ago"):
        await resume(await old(), "r1")


async def test_a_history_that_can_not_be_read_is_an_error() -> None:
    """Never silence."""
    ref = Answers.start(1_000_000, 600, await gone_store())

    with pytest.raises(BrokerError, match="too long ago"):
        await resume(ref, "r1")
