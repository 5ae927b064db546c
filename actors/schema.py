"""The tables of the database, and how older ones become today's.

Owns the schema and nothing that is in it: rows are those of ``actors.shared_settings``
and the ``*_records`` modules. A migration, once published, is never edited.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final

from actors.store_trouble import trouble


class StoreError(Exception):
    """The database can not be used, and one sentence why."""


_CLIENTS: Final = """
CREATE TABLE clients (
    client TEXT PRIMARY KEY, type TEXT NOT NULL, created_at REAL NOT NULL
) STRICT;
CREATE TABLE keys (
    id TEXT PRIMARY KEY, client TEXT NOT NULL, hash BLOB NOT NULL,
    created_at REAL NOT NULL, last_used_at REAL NOT NULL
) STRICT;
CREATE INDEX keys_of_client ON keys (client);
CREATE TABLE requests (
    request TEXT PRIMARY KEY, requester TEXT NOT NULL, request_id TEXT NOT NULL,
    room TEXT NOT NULL, state TEXT, error TEXT,
    opened_at REAL NOT NULL, closed_at REAL
) STRICT;
CREATE INDEX requests_open ON requests (state) WHERE state IS NULL;
"""

_ROOMS: Final = """
CREATE TABLE rooms (
    name TEXT PRIMARY KEY, owner TEXT, creator TEXT NOT NULL, mode TEXT NOT NULL,
    open INTEGER NOT NULL, password TEXT, keep INTEGER NOT NULL,
    created_at REAL NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE members (
    room TEXT NOT NULL, identity TEXT NOT NULL, client TEXT NOT NULL,
    type TEXT NOT NULL, role TEXT NOT NULL, rank INTEGER NOT NULL,
    muted_until REAL, standing INTEGER NOT NULL, seen INTEGER NOT NULL,
    PRIMARY KEY (room, identity)
) STRICT, WITHOUT ROWID;
CREATE TABLE messages (
    room TEXT NOT NULL, seq INTEGER NOT NULL, id TEXT NOT NULL, author TEXT NOT NULL,
    kind TEXT NOT NULL, viewer TEXT, request TEXT, body BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX messages_in_order ON messages (room, seq);
CREATE UNIQUE INDEX messages_by_id ON messages (room, id);
CREATE INDEX answers_of_request ON messages (request) WHERE kind = 'answer';
CREATE INDEX requests_of_room ON requests (room, request_id);
CREATE INDEX requests_of_requester ON requests (requester, request_id);
CREATE TABLE assignments (
    room TEXT NOT NULL, extension TEXT NOT NULL, PRIMARY KEY (room, extension)
) STRICT, WITHOUT ROWID;
CREATE TABLE choices (
    name TEXT PRIMARY KEY, value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE shared_settings (
    name TEXT PRIMARY KEY, version INTEGER NOT NULL, value TEXT NOT NULL,
    source TEXT NOT NULL
) STRICT, WITHOUT ROWID;
"""

_EXPIRY: Final = """
ALTER TABLE keys ADD COLUMN expires_at REAL;
"""

MIGRATIONS: Final = (_CLIENTS, _ROOMS, _EXPIRY)
"""What makes each version of the schema out of the one before."""

SCHEMA_VERSION: Final = len(MIGRATIONS)


def open_database(path: Path) -> sqlite3.Connection:
    """Open the database, making or migrating it as needed.

    Raises:
        StoreError: the file can not be opened, or a newer Tapster wrote it.
    """
    _look_for_leftovers(path)
    try:
        connection = sqlite3.connect(
            path, isolation_level=None, check_same_thread=False, timeout=5
        )
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        for number, migration in enumerate(MIGRATIONS[version:], start=version + 1):
            connection.executescript(
                f"BEGIN;{migration}PRAGMA user_version = {number};COMMIT;"
            )
    except sqlite3.Error as error:
        raise StoreError(
            f"the database {path} can not be used: {trouble(error)}"
        ) from error
    if version > SCHEMA_VERSION:
        connection.close()
        raise StoreError(
            f"the database {path} was written by a newer Tapster "
            f"(schema {version}, this one knows {SCHEMA_VERSION}): upgrade Tapster"
        )
    return connection


def _look_for_leftovers(path: Path) -> None:
    """Keep SQLite from throwing away the log of a file that was emptied.

    Raises:
        StoreError: there is such a log.
    """
    log = Path(f"{path}-wal")
    try:
        emptied = path.stat().st_size == 0 < log.stat().st_size
    except OSError:
        return
    if emptied:
        raise StoreError(
            f"the database {path} can not be used: the file is empty, but its log "
            f"{log.name} is not"
        )
