"""The Answers actor: what ended requests said, for those who come back late.

Owns      finished answers, at most so many bytes and so long
Receives  Keep, Resume, ResumeOutput
Sends     what was missed to whoever resumes, through their port
Stops     with the broker

What is no longer kept is looked for in the history, which knows an answer's text but
not its chunks: such an answer is given as its final text.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import Any, Final, TypeAlias, assert_never

import msgspec
import pykka

from actors.base import LoopActor, ask
from actors.errors import NotFoundError
from actors.future import LoopFuture
from actors.lifecycle import RequestState
from actors.limits import Limit, reached
from actors.members import not_in
from actors.outbound import OutputId, Resumed, ResumedOutput, ResumePort
from actors.output import CHUNK_COST
from actors.room_records import FindAnswers, StoredRequest

LOOK_UP_TIMEOUT: Final = 10.0
"""Seconds to wait for the history."""


class FinishedOutput(msgspec.Struct, frozen=True):
    """One answer of an ended request."""

    output: OutputId
    stream: str
    chunks: tuple[bytes, ...]
    """The text of each chunk, as JSON between the quotes."""
    final_text: str | None


class FinishedRequest(msgspec.Struct, frozen=True, kw_only=True):
    """An ended request with all its answers."""

    request: str
    request_id: str
    requester: str
    room: str
    viewer: str | None = None
    """Who alone may read it; None: whoever is in the room."""
    state: RequestState
    put_out: bool = False
    """The requester was put out of the room before the end, and not let in again."""
    outputs: tuple[FinishedOutput, ...]
    error: str | None = None


class Keep(msgspec.Struct, frozen=True):
    """Remember an ended request."""

    finished: FinishedRequest


class Resume(msgspec.Struct, frozen=True, kw_only=True):
    """Give a reader what it missed.

    ``start`` is the next index wanted, one for all outputs or one for each outputId;
    ``room`` names the room of another member's request, ``requester`` whose it is
    where several may have given theirs the same id.
    """

    request_id: str
    reader: str
    room: str | None
    requester: str | None = None
    start: int | dict[str, int]
    port: ResumePort
    entitled: bool = False
    """The reader may read everything."""


class ResumeOutput(msgspec.Struct, frozen=True):
    """Give one output from its start to a reader that was announced it."""

    request: str
    key: str
    port: ResumePort


Message: TypeAlias = Keep | Resume | ResumeOutput


class Answers(LoopActor):
    """A cache of ended requests; the longest unused goes first."""

    def __init__(self, max_bytes: int, ttl: float, store: pykka.ActorRef[Any]) -> None:
        super().__init__()
        self._store = store
        self._max_bytes = max_bytes
        self._ttl = ttl
        self._bytes = 0
        self._now = asyncio.get_running_loop().time
        self._kept: OrderedDict[str, tuple[FinishedRequest, int, float]] = OrderedDict()
        self._by_requester: dict[tuple[str, str], str] = {}
        self._by_room: dict[tuple[str, str], str] = {}

    def on_receive(self, message: Message) -> Any:
        """Handle one message."""
        match message:
            case Keep(finished):
                return self._keep(finished)
            case Resume():
                return self._resume(message)
            case ResumeOutput(request, key, port):
                return port.resumed(self._resume_output(request, key))
            case _:
                assert_never(message)

    def _keep(self, finished: FinishedRequest) -> None:
        size = 1_000 + sum(
            len(chunk) + CHUNK_COST
            for output in finished.outputs
            for chunk in output.chunks
        )
        self._kept[finished.request] = (finished, size, self._now() + self._ttl)
        self._by_requester[finished.requester, finished.request_id] = finished.request
        self._by_room[finished.room, finished.request_id] = finished.request
        self._bytes += size
        self._make_room()

    def _make_room(self) -> None:
        now = self._now()
        while self._kept:
            oldest, (_, _, expires) = next(iter(self._kept.items()))
            if self._bytes <= self._max_bytes and expires > now:
                break
            if expires > now:
                reached[Limit.ANSWER_CACHE] += 1
            self._drop(oldest)

    def _drop(self, request: str) -> None:
        finished, size, _ = self._kept.pop(request)
        self._bytes -= size
        for index, key in (
            (self._by_requester, (finished.requester, finished.request_id)),
            (self._by_room, (finished.room, finished.request_id)),
        ):
            if index.get(key) == request:
                del index[key]

    def _resume(self, message: Resume) -> None:
        if message.room is None:
            request = self._by_requester.get((message.reader, message.request_id))
        elif message.requester is None:
            request = self._by_room.get((message.room, message.request_id))
        else:
            request = self._by_requester.get((message.requester, message.request_id))
        finished = self._find(request)
        if finished is None or message.room not in (None, finished.room):
            self._look_up(message)
            return
        if finished.put_out and message.room is None:
            message.port.resumed(not_in(finished.room))
            return
        if not may_read(message, finished.viewer, finished.requester):
            message.port.resumed(_too_late(message.request_id))
            return
        missed = tuple(_missed(output, message.start) for output in finished.outputs)
        message.port.resumed(Resumed(finished.state, missed, finished.error))

    def _look_up(self, message: Resume) -> None:
        """Ask the history; the reader's port is answered when that is."""
        wanted = FindAnswers(
            message.request_id,
            message.reader,
            message.room,
            message.entitled,
            message.requester,
        )
        asked = ask(self._store, wanted, timeout=LOOK_UP_TIMEOUT)

        def back(done: LoopFuture[StoredRequest | None]) -> None:
            found = None if done.error() is not None else done.result()
            if found is None:
                message.port.resumed(_too_late(message.request_id))
            else:
                message.port.resumed(_from_history(found, message.request_id))

        asked.when_done(back)

    def _resume_output(self, request: str, key: str) -> Resumed | NotFoundError:
        finished = self._find(request)
        if finished is None:
            return NotFoundError("the answer is no longer kept")
        outputs = [o for o in finished.outputs if o.output.key == key]
        return Resumed(finished.state, tuple(_missed(o, 0) for o in outputs))

    def _find(self, request: str | None) -> FinishedRequest | None:
        self._make_room()
        if request is None or request not in self._kept:
            return None
        finished, _, expires = self._kept[request]
        if expires <= self._now():
            self._drop(request)
            return None
        self._kept.move_to_end(request)
        return finished


def may_read(message: Resume, viewer: str | None, requester: str) -> bool:
    """Whether somebody may read an answer; a room lets only its members ask."""
    if message.entitled or message.reader in (requester, viewer):
        return True
    return message.room is not None and viewer is None


def _missed(output: FinishedOutput, start: int | dict[str, int]) -> ResumedOutput:
    if isinstance(start, dict):
        start = start.get(output.output.output_id, 0)
    return ResumedOutput(
        output.output,
        output.stream,
        len(output.chunks),
        b"".join(output.chunks[max(start, 0) :]),
        output.final_text,
        done=True,
    )


def _from_history(found: StoredRequest, request_id: str) -> Resumed:
    outputs = []
    for number, message in enumerate(found.answers):
        said: dict[str, Any] = msgspec.json.decode(message.body)
        output = OutputId(
            f"{found.request}.h{number}",
            found.request,
            request_id,
            str(said.get("outputId", "")),
        )
        text = said.get("data")
        final = text if isinstance(text, str) else ""
        outputs.append(ResumedOutput(output, "", 0, b"", final, done=True))
    return Resumed(found.state, tuple(outputs), found.error)


def _too_late(request_id: str) -> NotFoundError:
    return NotFoundError(
        f"there is no request {request_id!r}, or it ended too long ago to be resumed"
    )
