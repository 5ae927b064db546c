"""A list that is written once and can be read by many while it grows.

Owns entries and the wake-up of those who wait for more. Writing never blocks and
never drops, so an order can note what comes in the handler of its event.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Ledger(Generic[T]):
    """Entries in order; each reader starts at the first."""

    def __init__(self) -> None:
        self.entries: list[T] = []
        self.closed = False
        self._error: Exception | None = None
        self._news = asyncio.Event()

    def append(self, entry: T) -> None:
        """Write an entry; nothing is written after the end."""
        if not self.closed:
            self.entries.append(entry)
            self._wake()

    def close(self, error: Exception | None = None) -> None:
        """Let the readers end where the entries do, in an error if there is one."""
        if not self.closed:
            self.closed = True
            self._error = error
            self._wake()

    async def finished(self) -> None:
        """Wait for the end, and raise the error that it was, if it was one."""
        while not self.closed:
            await self._news.wait()
        if self._error is not None:
            raise self._error

    async def more(self, than: int) -> bool:
        """Wait for an entry beyond the first ``than``; false where none will come."""
        while len(self.entries) <= than:
            if self.closed:
                return False
            await self._news.wait()
        return True

    def __aiter__(self) -> AsyncIterator[T]:
        return LedgerReader(self)

    def _wake(self) -> None:
        # A new event for each wake-up: whoever waited on the old one has seen it.
        self._news.set()
        self._news = asyncio.Event()


class LedgerReader(AsyncIterator[T]):
    """One reader's place. A class, so that leaving the loop early leaks nothing."""

    def __init__(self, ledger: Ledger[T]) -> None:
        self._ledger = ledger
        self._at = 0

    async def __anext__(self) -> T:
        """The next entry.

        Raises:
            StopAsyncIteration: the ledger is closed and read to its end.
            Exception: the same, and it was closed with this error.
        """
        if not await self._ledger.more(self._at):
            await self._ledger.finished()
            raise StopAsyncIteration
        self._at += 1
        return self._ledger.entries[self._at - 1]
