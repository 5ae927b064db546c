"""A lane: the shortest way of one stream's chunks, from their bytes to their relay.

Owns nothing but what it was made of. Made when two chunks of a stream came in a row;
whatever it can not take goes the way of all other packets and means the same there.
"""

from __future__ import annotations

from actors.base import LoopRef
from actors.output import Piece
from actors.relay import Relay
from actors.relay_events import ChunkCame
from broker.protocol.chunk_pattern import ChunkPattern


class Lane:
    """One stream's chunks, on their way from one extension to one relay."""

    __slots__ = ("_deliver", "_extension", "_output", "_read", "_stream")

    def __init__(
        self,
        pattern: ChunkPattern,
        relay: LoopRef[Relay],
        extension: str,
        stream: str,
        output: str,
    ) -> None:
        self._read = pattern.read
        self._deliver = relay.actor_inbox.deliver
        self._extension = extension
        self._stream = stream
        self._output = output

    def take(self, packet: bytes) -> bool:
        """Hand a chunk over; False: it is none of this stream, or nobody is there."""
        read = self._read(packet)
        if read is None:
            return False
        index, text = read
        return self._deliver(
            ChunkCame(self._extension, self._stream, self._output, index, Piece(text))
        )
