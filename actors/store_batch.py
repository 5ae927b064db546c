"""How writes are run together: many rows in one statement, each row's fault its own.

Must never begin or end a transaction: the store does. Whatever is wrong with the
database, as against with a row, goes up to it as ``sqlite3.Error``.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterable
from itertools import chain, groupby
from typing import Final, NamedTuple

from actors.records import Committed, Statement, Writer

logger = logging.getLogger(__name__)

_NEVER_FITS: Final = (
    sqlite3.IntegrityError,
    sqlite3.DataError,
    sqlite3.InterfaceError,
    sqlite3.ProgrammingError,
    UnicodeEncodeError,
    OverflowError,
)
"""What is wrong with a row, as against with the database."""

ROWS: Final = 64
"""Rows in one statement, of eight values or so: SQLite takes 999 at the least."""


class Owed(NamedTuple):
    """A write that the store has taken, and who waits for it."""

    statements: tuple[Statement, ...]
    reply_to: Writer | None
    token: int

    def answer(self, *, ok: bool) -> None:
        """Say whether it is on disk."""
        if self.reply_to is not None:
            self.reply_to.tell(Committed(ok=ok, token=self.token))

    def unheard(self) -> Owed:
        """The same, once nobody waits for it any more."""
        return Owed(self.statements, None, 0)


def write_all(connection: sqlite3.Connection, batch: Iterable[Owed]) -> list[Owed]:
    """Run a batch in its order; returns the writes that will never fit."""
    refused: list[Owed] = []
    for insert, group in groupby(batch, key=_single_insert):
        if insert is None:
            refused += [write for write in group if not _execute(connection, write)]
            continue
        writes = list(group)
        for start in range(0, len(writes), ROWS):
            refused += _insert(connection, insert, writes[start : start + ROWS])
    return refused


def _insert(
    connection: sqlite3.Connection, insert: str, writes: list[Owed]
) -> list[Owed]:
    """Insert many rows at once, or one by one if one of them does not fit.

    Each statement lets other threads run and has to wait for them: rows together
    take half the time of rows apart.
    """
    rows = [write.statements[0][1] for write in writes]
    head, values = insert.rsplit(" VALUES ", 1)
    joined = f"{head} VALUES {', '.join([values] * len(rows))}"
    try:
        connection.execute(joined, tuple(chain.from_iterable(rows)))
    except _NEVER_FITS:
        return [write for write in writes if not _execute(connection, write)]
    return []


def _execute(connection: sqlite3.Connection, write: Owed) -> bool:
    """Run one write; a row that will never fit must not hold up the others."""
    try:
        for statement, values in write.statements:
            connection.execute(statement, values)
    except _NEVER_FITS:
        logger.exception("a row was refused by the database and is given up")
        return False
    return True


def _single_insert(write: Owed) -> str | None:
    """The statement of a write that is one plain row; None: it is something else."""
    if len(write.statements) != 1:
        return None
    statement = write.statements[0][0]
    plain = statement.startswith("INSERT INTO ") and statement.endswith("?)")
    return statement if plain else None
