"""One output of an order as its reader has it: no gap, nothing twice. Pure.

Owns the index arithmetic of section 5 and 7 and nothing else; who sends a resumption
when ``take`` finds a gap is the order's business.
"""

from __future__ import annotations

from broker.client.notice import Chunk, ResumedOutput


class GapError(Exception):
    """A chunk does not continue what we have: ask for what is missing."""


class Output:
    """The text of one ``outputId``."""

    def __init__(self, start: int = 0) -> None:
        """Begin at the chunk with that index; earlier ones are known elsewhere."""
        self.next = start
        self.done = False
        self._start = start
        self._pieces: list[str] = []
        self._final: str | None = None

    @property
    def text(self) -> str:
        """The final text if the broker sent one, else what was streamed."""
        return "".join(self._pieces) if self._final is None else self._final

    def take(self, chunk: Chunk) -> str:
        """What is new in a live chunk; nothing where we have it already.

        Raises:
            GapError: it begins before or after the place where we are.
        """
        if self.done or chunk.index < self.next:
            return ""
        if chunk.first != self.next:
            raise GapError
        self.next = chunk.index + 1
        return self._add(chunk.data)

    def resume(self, missed: ResumedOutput) -> str:
        """What is new in a resumption that was asked for from ``next`` on."""
        if self.done:
            return ""
        self.next = max(self.next, missed.next)
        new = self._add(missed.text)
        return new + (self.end(missed.final_text) if missed.done else "")

    def end(self, final: str | None, chunks: int | None = None) -> str:
        """Note the end, and return what the final text adds to what was streamed.

        Raises:
            GapError: there were more chunks than we have.
        """
        if not self.done and chunks is not None and chunks > self.next:
            raise GapError
        self.done = True
        if final is None:
            return ""
        streamed, self._final = self.text, final
        # Readers of pieces can not unread; they get the rest where it is one.
        if self._start > 0 or not final.startswith(streamed):
            return ""
        return self._add(final[len(streamed) :])

    def _add(self, text: str) -> str:
        self._pieces.append(text)
        return text
