"""The answers one extension pours, from its streams to the readers' ears.

Bookkeeping of the relay actor, which owns the instances: streams are put in order,
their text is appended to outputs, and what is new goes to the readers at once.
"""

from __future__ import annotations

import itertools
from typing import Final

import msgspec

from actors.answers import FinishedOutput
from actors.house import Patience
from actors.lifecycle import RequestState
from actors.outbound import (
    EVERYBODY,
    Order,
    Outbound,
    OutputChunk,
    OutputEnded,
    OutputId,
    OutputStarted,
    ResumedOutput,
    WholeAnswer,
)
from actors.output import CHUNK_COST, Output, Piece, StreamOrder

MAX_ENDED_STREAMS: Final = 64
"""Of the streams that have ended, so many are remembered, to tell a late chunk of
theirs from the first of a new one."""

STREAM_COST: Final = 1_024
"""Bytes of memory that a stream and its order take, open or not."""


_numbers = itertools.count()


class StrayError(Exception):
    """What came belongs to no stream or output that is open."""


class Readers:
    """Who hears a request's answers; one for all its legs.

    ``live`` read chunks, ``members`` are everybody in the room; neither holds the
    extensions that answer, ``live`` not a requester that wanted no chunks.
    """

    __slots__ = ("_others", "_room", "extensions", "live", "members", "order")

    def __init__(self, order: Order) -> None:
        self.order = order
        self.extensions: set[str] = set()
        self._room: tuple[str, ...] = ()
        self._others: tuple[str, ...] = ()
        self.members: tuple[str, ...] = ()
        self.live: tuple[str, ...] = ()
        self.set_members((order.requester,))

    def set_members(self, members: tuple[str, ...]) -> None:
        """Take the room's members as they are now."""
        self._room = members
        self._reckon()

    def set_others(self, others: tuple[str, ...]) -> None:
        """Take those who hear it without being in the room."""
        self._others = others
        self._reckon()

    def exclude(self, extension: str) -> None:
        """Tell an extension nothing of what it says itself."""
        self.extensions.add(extension)
        self._reckon()

    def _reckon(self) -> None:
        everybody = dict.fromkeys((*self._room, *self._others))
        if EVERYBODY in everybody:
            everybody = {EVERYBODY: None}
        self.members = tuple(m for m in everybody if m not in self.extensions)
        self.live = tuple(
            m for m in self.members if self.order.streaming or m != self.order.requester
        )


class _PouredOutput:
    """One answer, and the streams it comes in."""

    __slots__ = ("id", "open_streams", "stream", "text", "whole")

    def __init__(self, output_id: OutputId, stream: str) -> None:
        self.id = output_id
        self.stream = stream
        self.text = Output()
        self.open_streams = 0
        self.whole = False


class _Stream:
    """One stream of an output."""

    __slots__ = ("name", "order", "output")

    def __init__(self, name: str, output: _PouredOutput, order: StreamOrder) -> None:
        self.name = name
        self.output = output
        self.order = order


class Pour:
    """All answers of one leg."""

    def __init__(
        self, request: str, readers: Readers, outbound: Outbound, patience: Patience
    ) -> None:
        self._request = request
        self._readers = readers
        self._outbound = outbound
        self._patience = patience
        self._outputs: dict[str, _PouredOutput] = {}
        self._streams: dict[str, _Stream] = {}
        self._ended: dict[str, None] = {}
        self.room = patience.answer_limit
        """Bytes that the answers may still take; below 0 they are too large."""

    @property
    def finished(self) -> bool:
        """Whether every answer that was begun is whole."""
        return all(output.text.done for output in self._outputs.values())

    @property
    def chunks(self) -> int:
        """How many chunks have been passed on, of all answers together."""
        return sum(output.text.next_index for output in self._outputs.values())

    def start(self, stream: str, output_id: str) -> None:
        """Open a stream of an output; again means nothing."""
        if stream not in self._streams:
            self._open(stream, output_id)

    def chunk(
        self, stream: str, output_id: str, index: int | None, piece: Piece, *,
        first: bool,
    ) -> None:  # fmt: skip
        """Take a chunk and pass on what is in order now.

        Raises:
            StrayError: no such stream is open, and this is not its ``first`` chunk.
            GapTooLargeError: too much waits for a chunk that does not come.
        """
        opened = self._streams.get(stream)
        if opened is None:
            if not first or stream in self._ended:
                raise StrayError
            opened = self._open(stream, output_id)
        for ready in opened.order.accept(index, piece):
            self._deliver(opened.output, stream, ready)

    def end_stream(self, stream: str, output_id: str) -> bool:
        """Close a stream; returns whether chunks of it were missing.

        Raises:
            StrayError: neither stream nor output is known.
        """
        closed = self._streams.pop(stream, None)
        if closed is None:
            if output_id not in self._outputs:
                raise StrayError
            return False
        self._ended[stream] = None
        if len(self._ended) > MAX_ENDED_STREAMS:
            del self._ended[next(iter(self._ended))]
        closed.output.open_streams -= 1
        held = closed.order.flush()
        for piece in held:
            self._deliver(closed.output, stream, piece)
        return bool(held)

    def end_output(
        self, output_id: str, state: RequestState, final_text: str | None = None
    ) -> None:
        """End an answer, once; ``final_text`` where it differs from what came."""
        output = self._outputs[output_id]
        if output.text.done:
            return
        for name in [s.name for s in self._streams.values() if s.output is output]:
            self.end_stream(name, output_id)
        output.text.final_text = final_text
        if final_text is not None:
            self.room -= len(final_text)
        rest = output.text.close()
        if rest:
            self._publish(output, output.stream, rest)
        ended = OutputEnded(
            output.id, output.stream, state, output.text.next_index, final_text
        )
        self._outbound.publish(ended, self._readers.live)

    def end_all(self, state: RequestState) -> None:
        """End every answer that is not whole yet."""
        for output_id in self._outputs:
            self.end_output(output_id, state)

    def whole(self, output_id: str, piece: Piece, client: str) -> None:
        """Take an answer in one piece and pass it on to everybody.

        Raises:
            StrayError: that output is whole already, or came in chunks.
        """
        if output_id in self._outputs:
            raise StrayError
        output = self._new_output("", output_id)
        output.whole = True
        output.text.append(piece)
        output.text.close()
        self.room -= piece.size + STREAM_COST
        answer = WholeAnswer(output.id, output.text.since(0), client)
        self._outbound.publish(answer, self._readers.members)

    def send_whole(self, client: str) -> None:
        """Give a requester that wanted no chunks each answer in one piece."""
        requester, members = self._readers.order.requester, self._readers.members
        if requester not in members and EVERYBODY not in members:
            return
        for output in self._outputs.values():
            if output.whole:
                continue
            answer = WholeAnswer(output.id, _final(output), client)
            self._outbound.publish(answer, [requester])

    def idle_mark(self, output_id: str) -> int | None:
        """How far an answer is, if no stream of it is open; None otherwise."""
        output = self._outputs[output_id]
        if output.open_streams or output.text.done:
            return None
        return output.text.next_index

    def missed(
        self, start: int | dict[str, int], key: str | None = None
    ) -> list[ResumedOutput]:
        """What a reader lacks that wants all answers, or one, from ``start`` on."""
        return [
            ResumedOutput(
                output.id,
                output.stream,
                output.text.next_index,
                output.text.since(
                    start if isinstance(start, int) else start.get(output_id, 0)
                ),
                output.text.final_text,
                output.text.done,
            )
            for output_id, output in self._outputs.items()
            if key in (None, output.id.key)
        ]

    def texts(self) -> list[tuple[OutputId, bytes, bool]]:
        """Each answer's whole text, and whether it came in one piece."""
        return [
            (output.id, _final(output), output.whole)
            for output in self._outputs.values()
        ]

    def finished_outputs(self) -> list[FinishedOutput]:
        """The answers, to be kept."""
        return [
            FinishedOutput(
                output.id, output.stream, output.text.chunks, output.text.final_text
            )
            for output in self._outputs.values()
        ]

    def _open(self, stream: str, output_id: str) -> _Stream:
        output = self._outputs.get(output_id)
        if output is None:
            output = self._new_output(stream, output_id)
            started = OutputStarted(output.id, stream)
            self._outbound.publish(started, self._readers.live)
        elif output.text.done:
            raise StrayError
        order = StreamOrder(self._patience.gap_chunks, self._patience.gap_bytes)
        opened = self._streams[stream] = _Stream(stream, output, order)
        output.stream = stream
        output.open_streams += 1
        self.room -= STREAM_COST
        self._ended.pop(stream, None)
        return opened

    def _new_output(self, stream: str, output_id: str) -> _PouredOutput:
        identifier = OutputId(
            f"{self._request}.{next(_numbers)}",
            self._request,
            self._readers.order.request_id,
            output_id,
        )
        output = self._outputs[output_id] = _PouredOutput(identifier, stream)
        return output

    def _deliver(self, output: _PouredOutput, stream: str, piece: Piece) -> None:
        text = output.text.append(piece)
        if text:
            self.room -= len(text) + CHUNK_COST
            # As ``_publish`` does, without the call: this is the way of a chunk.
            chunk = OutputChunk(output.id, stream, text, output.text.next_index - 1)
            self._outbound.pour(chunk, self._readers.live)

    def _publish(self, output: _PouredOutput, stream: str, text: bytes) -> None:
        chunk = OutputChunk(output.id, stream, text, output.text.next_index - 1)
        self._outbound.pour(chunk, self._readers.live)


def _final(output: _PouredOutput) -> bytes:
    """An answer's text, by the extension's last word on it."""
    if output.text.final_text is not None:
        return msgspec.json.encode(output.text.final_text)[1:-1]
    return output.text.since(0)
