"""What the store is told to write and asked to read, and how it answers.

Pure: a write brings its statements along, a read its query, and nothing runs them but
the store. Those of each table are in the ``*_records`` module of whom it belongs to.
"""

from __future__ import annotations

import sqlite3
from typing import Any, Protocol, TypeAlias

import msgspec

Statement: TypeAlias = tuple[str, tuple[Any, ...]]
"""SQL and its values."""


class Committed(msgspec.Struct, frozen=True):
    """A write is on disk; or, not ``ok``, it is not and is owed."""

    ok: bool
    token: int = 0
    """What the write was marked with."""


class Writer(Protocol):
    """Who is told what became of a write: an actor's ref, as a rule."""

    def tell(self, message: Any) -> None:
        """Take ``Committed``, in the store's thread."""


class Unwritten(msgspec.Struct, frozen=True):
    """The answer to what was done and is not on disk, but owed to it."""

    answer: Any


class Write(msgspec.Struct, frozen=True, kw_only=True):
    """Rows to be changed, all or none; tells ``reply_to`` Committed."""

    reply_to: Writer | None = None
    token: int = 0

    def statements(self, now: float) -> tuple[Statement, ...]:
        """What to run; ``now`` is the wall clock's time."""
        raise NotImplementedError


class Mark(Write, frozen=True, kw_only=True):
    """No row: ``Committed`` says whether all that was written before is on disk.

    Unlike a ``Flush`` it waits for the next commit, and costs none of its own.
    """

    def statements(self, now: float) -> tuple[Statement, ...]:
        """Nothing."""
        del now
        return ()


class Read(msgspec.Struct, frozen=True):
    """A question to the database; sees everything that was told to write before.

    Whoever asks gets ``UnavailableError`` while the database can not be read.
    """

    def run(self, connection: sqlite3.Connection) -> Any:
        """Answer it; must not write."""
        raise NotImplementedError
