"""One answer as it comes: chunk order, duplicates, gaps, and the text so far.

Pure; the relay actor owns the instances. Text is kept as the bytes that stand
between the quotes of a JSON string, because such bytes join without decoding: one
after the other they are the JSON of the joined text.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

CHUNK_COST: Final = 64
"""Bytes of memory that a chunk takes beside its text."""

REPLACEMENT: Final = b"\\ufffd"
"""What a lone surrogate becomes."""


class Piece(msgspec.Struct, frozen=True, gc=False):
    """The text of one chunk.

    ``head`` and ``tail`` are a lone low surrogate at its start and a lone high one
    at its end, as JSON escapes: halves of characters that a chunk border cut.
    """

    text: bytes
    head: bytes = b""
    tail: bytes = b""

    @property
    def size(self) -> int:
        """Bytes it takes."""
        return len(self.text) + len(self.head) + len(self.tail)


class GapTooLargeError(Exception):
    """A stream's missing chunk holds back more than may be held."""


class StreamOrder:
    """Puts the chunks of one stream into the order of their indexes."""

    __slots__ = ("_bytes_held", "_held", "_max_bytes", "_max_chunks", "_next")

    def __init__(self, max_chunks: int, max_bytes: int) -> None:
        """Hold back at most that many chunks and bytes behind a gap."""
        self._next = 0
        self._held: dict[int, Piece] = {}
        self._bytes_held = 0
        self._max_chunks = max_chunks
        self._max_bytes = max_bytes

    def accept(self, index: int | None, piece: Piece) -> Sequence[Piece]:
        """Take a chunk and return what can be delivered now, in order.

        A chunk without an index is the next one. A repeated index gives nothing.

        Raises:
            GapTooLargeError: too much waits for a chunk that does not come.
        """
        if index is None:
            index = self._next
        if index != self._next:
            self._hold(index, piece)
            return ()
        self._next = index + 1
        if not self._held:  # as nearly always
            return (piece,)
        ready = [piece]
        while self._held and (following := self._held.pop(self._next, None)):
            self._bytes_held -= following.size
            self._next += 1
            ready.append(following)
        return ready

    def flush(self) -> list[Piece]:
        """Return what was held back, in order: the stream has ended."""
        ready = [self._held[index] for index in sorted(self._held)]
        self._held.clear()
        self._bytes_held = 0
        return ready

    def _hold(self, index: int, piece: Piece) -> None:
        if index < self._next or index in self._held:
            return
        self._held[index] = piece
        self._bytes_held += piece.size
        if len(self._held) > self._max_chunks or self._bytes_held > self._max_bytes:
            raise GapTooLargeError


class Output:
    """The text of one answer, chunk by chunk."""

    __slots__ = ("_cut", "_parts", "done", "final_text", "next_index")

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._cut = b""
        self.done = False
        self.final_text: str | None = None
        self.next_index = 0
        """The index the next chunk will have."""

    @property
    def chunks(self) -> tuple[bytes, ...]:
        """The text of each chunk."""
        return tuple(self._parts)

    def append(self, piece: Piece) -> bytes:
        """Add a chunk in order; returns its text, empty where nothing is whole yet."""
        text = piece.text
        if self._cut or piece.head or piece.tail:
            text = self._mend(piece)
        if text:
            self._parts.append(text)
            self.next_index += 1
        return text

    def close(self) -> bytes:
        """End the answer; returns what still stood for half a character."""
        self.done = True
        if not self._cut:
            return b""
        self._cut = b""
        self._parts.append(REPLACEMENT)
        self.next_index += 1
        return REPLACEMENT

    def since(self, index: int) -> bytes:
        """The text from the chunk of that index on, as JSON between the quotes."""
        return b"".join(self._parts[max(index, 0) :])

    def _mend(self, piece: Piece) -> bytes:
        if not piece.size:
            return b""
        if self._cut and piece.head:
            start = self._cut + piece.head
        else:
            start = REPLACEMENT * (bool(self._cut) + bool(piece.head))
        self._cut = piece.tail
        return start + piece.text
