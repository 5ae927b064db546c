"""The way of an answer in: from an extension's stream events to its relay.

The fast lane and the plain path meet here, so that both mean the same. One directory
look-up, one message, no waiting.
"""

from __future__ import annotations

from typing import Final

from actors.answers import Answers, ResumeOutput
from actors.base import LoopRef
from actors.directory import Directory, Kind
from actors.errors import Code
from actors.outbound import Warned
from actors.relay import Relay
from actors.relay_events import ChunkCame, StreamEnded, StreamFailed, StreamStarted
from broker.gateway.lane import Lane
from broker.gateway.readers import output_key
from broker.gateway.session import Session
from broker.protocol import outbound
from broker.protocol.chunk_pattern import pattern_of
from broker.protocol.inbound import StreamEvent
from broker.protocol.wire import MessageType

_MIDDLE: Final = MessageType.STREAM_DATA_MIDDLE
_DATA: Final = frozenset(
    {
        MessageType.STREAM_DATA_FIRST,
        MessageType.STREAM_DATA_MIDDLE,
        MessageType.STREAM_DATA_LAST,
        MessageType.STREAM_DATA_RETRY,
    }
)


class Intake:
    """Hands stream events to relays."""

    def __init__(
        self,
        directory: Directory,
        answers: LoopRef[Answers],
        library_window: int,
    ) -> None:
        self._directory = directory
        self._answers = answers
        self._window = library_window

    def stream_event(self, session: Session, event: StreamEvent) -> bool:
        """Pass a stream event on; False: the session may not send such."""
        if not session.verified or not session.answers:
            return False
        frame = event.frame
        ref = self._directory.find(Kind.REQUEST, frame.request_id)
        if ref is None:
            warn_unknown_request(session, frame.request_id)
        else:
            _tell(ref, session.identity, event)
        return True

    def pave(self, session: Session, packet: bytes, event: StreamEvent) -> None:
        """Give a stream a lane, once two of its chunks have come in a row."""
        frame = event.frame
        place = frame.request_id, frame.stream_id, frame.output_id
        if event.type is not _MIDDLE or place == session.paved:
            return
        if place != session.place:
            session.place = place
            return
        session.paved, session.lane = place, None
        pattern = pattern_of(packet, frame.chunk_index, event.piece.text)
        ref = self._directory.find(Kind.REQUEST, frame.request_id)
        if pattern is not None and ref is not None:
            stream, output = frame.stream_id, frame.output_id or frame.stream_id
            session.lane = Lane(pattern, ref, session.identity, stream, output)

    def library_read(self, session: Session, stream_id: str) -> bool:
        """A peer with the stream library reads a stream, perhaps for the first time.

        False: there is none of that name to be read.
        """
        if stream_id in session.library:
            return True
        key = output_key(stream_id)
        reader = session.readers.get(key)
        stream = reader.read(stream_id, self._window) if reader is not None else None
        if stream is None:
            return False
        request = key.partition(".")[0]
        wish = ResumeOutput(request, key, stream)
        ref = self._directory.find(Kind.REQUEST, request)
        (ref or self._answers).tell(wish)
        return True


def _tell(ref: LoopRef[Relay], extension: str, event: StreamEvent) -> None:
    frame, kind = event.frame, event.type
    stream, output = frame.stream_id, frame.output_id or frame.stream_id
    if kind is _MIDDLE or kind in _DATA:  # most are, and an enum is slow to hash
        first = kind is MessageType.STREAM_DATA_FIRST
        index = frame.chunk_index
        ref.deliver(ChunkCame(extension, stream, output, index, event.piece, first))
    elif kind is MessageType.STREAM_START:
        ref.tell(StreamStarted(extension, stream, output))
    elif kind is MessageType.STREAM_DATA_FAILED:
        reason = frame.message or "the SillyTavern could not finish its answer"
        code = Code.LLM_REQUEST_FAILED if frame.code is None else frame.code
        ref.tell(StreamFailed(extension, reason, code))
    if kind is MessageType.STREAM_END or (
        kind is MessageType.STREAM_DATA_LAST and frame.final
    ):
        final, text = frame.final, frame.final_text
        ref.tell(StreamEnded(extension, stream, output, final, text))


def warn_unknown_request(session: Session, request_id: str) -> None:
    """Tell a peer, once, that nothing is known of a request."""
    if session.warn_once(request_id):
        notice = Warned(
            Code.WARNING_NO_SUCH_REQUEST,
            "there is no such request, or it has ended",
            request_id,
        )
        session.outbox.push(outbound.warned(notice))
