"""What is wrong with a database, in words that say what to look after.

Pure: SQLite's errors in, a clause out. SQLite's own text stays beside it, for whoever
has to search for it.
"""

from __future__ import annotations

import sqlite3
from typing import Final

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
    code = getattr(error, "sqlite_errorcode", None)
    cause = None if code is None else _CAUSES.get(code & _PRIMARY)
    return str(error) if cause is None else f"{cause} ({error})"
