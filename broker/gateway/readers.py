"""How one session reads one answer: plain events, the stream library, or both.

Owns, for a session, what it has not been given yet. A slow reader's chunks are held
here and joined into one; the bytes are the relay's own, only referred to. Written for
the unmodified ``@sap_oss/node-socketio-stream``: a socket shows by its first
``$stream-read`` that it has the library, and gets no plain chunks from then on.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from actors.errors import BrokerError
from actors.lifecycle import RequestState
from actors.limits import Limit, reached
from actors.outbound import OutputEnded, OutputId, Resumed
from broker.gateway.session import Session
from broker.protocol import library, outbound
from broker.protocol.json_text import cut
from broker.protocol.wire import AnswerEvent

_DATA: Final = {
    "plain": (AnswerEvent.STREAMED_DATA,),
    "server": (AnswerEvent.SERVER_STREAM_DATA,),
    "both": (AnswerEvent.STREAMED_DATA, AnswerEvent.SERVER_STREAM_DATA),
}
_END: Final = {
    "plain": (AnswerEvent.STREAMED_END,),
    "server": (AnswerEvent.SERVER_STREAM_END,),
    "both": (AnswerEvent.STREAMED_END, AnswerEvent.SERVER_STREAM_END),
}
ONE_CHARACTER: Final = 12
"""Bytes of the longest character in JSON: an escaped pair of surrogates."""

LIBRARY_EVENTS: Final = (AnswerEvent.STREAMED_DATA, AnswerEvent.SERVER_STREAM_DATA)
"""The names a library stream is announced under, each with an id of its own."""


def stream_ids(output: OutputId) -> tuple[str, ...]:
    """The library's stream ids of an output, one for each of ``LIBRARY_EVENTS``."""
    return tuple(f"{output.key}/{number}" for number in range(len(LIBRARY_EVENTS)))


def output_key(stream_id: str) -> str:
    """The key of the output that a stream id stands for."""
    return stream_id.rpartition("/")[0]


class Form:
    """The chunks of one output under one event name."""

    __slots__ = ("_encoder", "_framed", "_index", "_name")

    def __init__(self, name: str, output: OutputId, stream: str) -> None:
        self._name = name
        self._index = -1
        self._framed = b""
        self.begin(output, stream)

    def begin(self, output: OutputId, stream: str) -> None:
        """Say from now on that chunks come from this stream."""
        self._encoder = outbound.ChunkEncoder(self._name, output, stream)

    def chunk(self, text: bytes, index: int) -> bytes:
        """A chunk; the same bytes for every reader."""
        if index != self._index:
            self._framed = self._encoder.chunk(text, index)
            self._index = index
        return self._framed

    def joined(self, text: bytes, first: int, index: int) -> bytes:
        """Several chunks in one, for one reader."""
        return self._encoder.joined(text, first, index)


class Encoding:
    """Every form in which the chunks of one output are sent, made when first needed."""

    __slots__ = ("_forms", "output", "stream")

    def __init__(self, output: OutputId, stream: str) -> None:
        self.output = output
        self.stream = stream
        self._forms: dict[str, Form] = {}

    def form(self, name: str) -> Form:
        """How chunks are sent under an event name."""
        form = self._forms.get(name)
        if form is None:
            form = self._forms[name] = Form(name, self.output, self.stream)
        return form

    def go_on(self, stream: str) -> None:
        """The output goes on in another stream."""
        self.stream = stream
        for form in self._forms.values():
            form.begin(self.output, stream)


class LibraryStream:
    """One readable stream at a peer, written within its window.

    The chunks of a turn go in one write: each costs an ack, half as much as itself.
    What the window has no room for counts as held for the peer.
    """

    __slots__ = ("_drawn", "_ending", "_forget", "_held", "_id", "_live", "_outbox",
                 "_session", "_unacked", "_waiting", "_window")  # fmt: skip

    def __init__(
        self, session: Session, stream_id: str, window: int, forget: Callable[[], None]
    ) -> None:
        self._session = session
        self._outbox = session.outbox
        self._id = stream_id
        self._window = window
        self._forget = forget
        self._held = 0
        self._waiting: deque[bytes] = deque()
        self._unacked = 0
        self._drawn = False
        self._live = False
        self._ending: bytes | None = None

    def resumed(self, result: Resumed | BrokerError) -> None:
        """Start with what came before the first read."""
        self._live = True
        if isinstance(result, BrokerError):
            self._finish(library.error_packet(self._id, result.message))
            return
        for output in result.outputs:
            self._waiting.append(output.text)
        if all(output.done for output in result.outputs):
            self.end(result.state)
        self._write()

    def chunk(self, text: bytes) -> None:
        """Take more; what the window has no room for is joined."""
        if not self._live:
            return
        self._waiting.append(text)
        if self._unacked >= self._window:
            self._hold(self._held + len(text))
        elif not self._drawn:
            self._drawn = True
            self._outbox.draw(self._write)

    def end(self, state: RequestState) -> None:
        """No more to come; written behind what waits."""
        if not self._live or self._ending is not None:
            return
        if state in (RequestState.FAILED, RequestState.TIMEOUT):
            self._ending = library.error_packet(self._id, f"the answer {state}")
        else:
            self._ending = library.end_packet(self._id)
        self._write()

    def abandon(self) -> None:
        """End it in the middle: its reader may read no more of it."""
        if self._live:
            self._finish(library.error_packet(self._id, "you read this no more"))

    def close(self) -> None:
        """Let go of all that waits for the peer."""
        self._live = False
        self._ending = None
        self._waiting.clear()
        self._hold(0)
        self._forget()

    def _write(self) -> None:
        self._drawn = False
        while self._waiting and self._unacked < self._window:
            joined = b"".join(self._waiting)
            self._waiting.clear()
            text, rest = cut(joined, self._window - self._unacked)
            if not text and not self._unacked:  # a window smaller than a character
                text, rest = cut(joined, ONE_CHARACTER)
            if rest:
                reached[Limit.LIBRARY_WINDOW] += 1
                self._waiting.append(rest)
            if not text:  # what is left of the window has no room for a character
                break
            self._send(text)
        self._hold(sum(map(len, self._waiting)))
        if self._ending is not None and not self._waiting:
            self._finish(self._ending)

    def _hold(self, size: int) -> None:
        """Have the outbox know how much waits here."""
        if size != self._held:
            more, self._held = size - self._held, size
            self._outbox.count_held(more)

    def _send(self, text: bytes) -> None:
        size = len(text)
        self._unacked += size

        def acked(args: list[Any]) -> None:
            self._acked(size, failed=bool(args))

        number = self._session.expect_ack(acked)
        self._outbox.push(library.write_packet(number, self._id, text))

    def _acked(self, size: int, *, failed: bool) -> None:
        self._unacked -= size
        if failed:  # the peer destroyed its end
            self.close()
        else:
            self._write()

    def _finish(self, packet: bytes) -> None:
        self._outbox.push(packet)
        self.close()


class OutputReader:
    """One session's reading of one output."""

    __slots__ = ("_first_held", "_forms", "_held", "_key", "_last_held", "_outbox",
                 "_session", "library", "unread")  # fmt: skip

    def __init__(self, session: Session, encoding: Encoding) -> None:
        self._session = session
        self._outbox = session.outbox
        self._key = encoding.output.key
        self._forms = tuple(encoding.form(n) for n in _DATA[session.stream_names])
        self._held: list[bytes] = []
        self._first_held = self._last_held = 0
        self.library: list[LibraryStream] = []
        self.unread = list(stream_ids(encoding.output))

    def chunk(self, text: bytes, index: int) -> None:
        """Pass a chunk on, or hold it while the session reads too slowly."""
        if self.library:
            for stream in self.library:
                stream.chunk(text)
            return
        outbox = self._outbox
        if outbox.blocked or self._held:
            self._hold(text, index)
            return
        for form in self._forms:
            outbox.push(form.chunk(text, index))

    def read(self, stream_id: str, window: int) -> LibraryStream | None:
        """The session reads a library stream; None: it does so already."""
        if stream_id not in self.unread:
            return None
        self.unread.remove(stream_id)
        session = self._session
        stream = LibraryStream(
            session, stream_id, window, partial(session.forget_stream, stream_id)
        )
        session.library[stream_id] = stream
        self.library.append(stream)
        self._take_held()
        return stream

    def end(self, notice: OutputEnded) -> None:
        """The answer has ended; what is held goes first."""
        self._release()
        for stream in self.library:
            stream.end(notice.state)
        for name in _END[self._session.stream_names]:
            self._outbox.push(outbound.ended(name, notice))

    def end_unread(self) -> None:
        """Close the library streams that nobody came to read."""
        for stream_id in self.unread:
            self._outbox.push(library.end_packet(stream_id))
        self.unread.clear()

    def abandon(self) -> None:
        """End it for a session that may read it no more."""
        if self._session.readers.get(self._key) is not self:
            return  # the session has ended, and let go of this
        del self._session.readers[self._key]
        for stream in self.library:
            stream.abandon()
        self.end_unread()
        self.close()

    def close(self) -> None:
        """Let go of all that waits for the session."""
        self._take_held()

    def _hold(self, text: bytes, index: int) -> None:
        if not self._held:
            self._first_held = index
            self._outbox.when_ready(self._release)
        self._held.append(text)
        self._last_held = index
        self._outbox.count_held(len(text))

    def _take_held(self) -> bytes:
        text = b"".join(self._held)
        self._held.clear()
        if text:
            self._outbox.count_held(-len(text))
        return text

    def _release(self) -> None:
        text = self._take_held()
        if not text:
            return
        for form in self._forms:
            self._outbox.push(form.joined(text, self._first_held, self._last_held))
