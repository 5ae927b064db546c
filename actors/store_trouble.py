"""What is wrong with a database, in words that say what to look after.

Pure: SQLite's errors in, a clause out. SQLite's own text stays beside it, for whoever
has to search for it.
"""

from __future__ import annotations

import sqlite3
from typing import Final


class DamagedError(sqlite3.DatabaseError):
    """A row that nobody has written: SQLite has no checksums to tell it by."""

    sqlite_errorcode = sqlite3.SQLITE_CORRUPT


_PRIMARY: Final = 0xFF
"""The part of an error code that is not a detail."""

_CAUSES: Final = {
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_BUSY: "another process has locked it",
    sqlite3.SQLITE_LOCKED: "another process has locked it",
    sqlite3.SQLITE_READONLY: "it is read-only",
    sqlite3.SQLITE_CANTOPEN: "its files can not be opened",
    sqlite3.SQLITE_PERM: "its files can not be opened",
    sqlite3.SQLITE_IOERR: "the disk fails",
    sqlite3.SQLITE_CORRUPT: "the file is damaged",
    sqlite3.SQLITE_NOTADB: "the file is damaged",
}


def trouble(error: sqlite3.Error) -> str:
    """Why the database can not be used."""
    code = _primary(error)
    cause = None if code is None else _CAUSES.get(code)
    return str(error) if cause is None else f"{cause} ({error})"


def is_damage(error: sqlite3.Error) -> bool:
    """Whether the file is not what SQLite has written: that does not pass."""
    return _primary(error) in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def is_failing_disk(error: sqlite3.Error) -> bool:
    """Whether the system has refused to read or write, for whatever reason."""
    return _primary(error) == sqlite3.SQLITE_IOERR


def _primary(error: sqlite3.Error) -> int | None:
    code = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & _PRIMARY
