"""The Store actor: what must outlive the process, in SQLite.

Owns      the database file and its one writer connection
Receives  OpenRequest, CloseRequest, PutKey, RemoveKeys, TrustClient, ForgetClient,
          Load, Reload, Flush, Changed
Sends     Committed to whoever wrote, once the batch with its row is on disk
Stops     with the broker, when everything owed is written

It has a thread, since SQLite blocks. Rows are committed in batches: whatever came
while the batch before was being written, at most ``BATCH`` rows and, under steady
load, at most one commit every ``LINGER``. When the disk is full or the file locked,
writers are told so, what they wrote stays owed, and is tried again with the next.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeAlias, assert_never

import msgspec
import pykka

from actors.base import BlockingActor
from actors.lifecycle import RequestState

logger = logging.getLogger(__name__)

SCHEMA_VERSION: Final = 1
BATCH: Final = 500
LINGER: Final = 0.02
"""Seconds between commits under steady load."""
OWED_LIMIT: Final = 100_000
"""Rows kept for a disk that will be back; beyond it the oldest are given up."""

SCHEMA: Final = """
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

CRASHED: Final = "the broker was restarted while this request ran"


class StoreError(Exception):
    """The database can not be used, and one sentence why."""


class RequestRow(msgspec.Struct, frozen=True):
    """A request as it is stored."""

    request: str
    requester: str
    request_id: str
    room: str


class KeyRow(msgspec.Struct, frozen=True):
    """A client's key as it is stored: never in plain."""

    id: str
    client: str
    hash: bytes
    created_at: float
    last_used_at: float


class ClientRow(msgspec.Struct, frozen=True):
    """A client that is trusted without a settings file."""

    client: str
    type: str
    created_at: float


class OpenRequest(msgspec.Struct, frozen=True):
    """Store a request as open; tells ``reply_to`` Committed."""

    row: RequestRow
    reply_to: pykka.ActorRef[Any]


class CloseRequest(msgspec.Struct, frozen=True):
    """Store how a request ended."""

    request: str
    state: RequestState
    error: str | None


class PutKey(msgspec.Struct, frozen=True):
    """Store a key, and drop those of ``replaces``; tells ``reply_to`` Committed."""

    row: KeyRow
    replaces: tuple[str, ...] = ()
    reply_to: pykka.ActorRef[Any] | None = None


class RemoveKeys(msgspec.Struct, frozen=True):
    """Drop keys."""

    ids: tuple[str, ...]


class TrustClient(msgspec.Struct, frozen=True):
    """Trust a client, as one of a type."""

    row: ClientRow


class ForgetClient(msgspec.Struct, frozen=True):
    """Trust a client no longer and drop its keys."""

    client: str


class Load(msgspec.Struct, frozen=True):
    """Answers with ``Contents``."""


class Reload(msgspec.Struct, frozen=True):
    """Answers with ``Contents`` as other processes have left them."""


class Contents(msgspec.Struct, frozen=True):
    """What the broker knows from before."""

    clients: tuple[ClientRow, ...]
    keys: tuple[KeyRow, ...]
    crashed: tuple[RequestRow, ...]
    """Requests that were open when the last process died; reported once."""


class Changed(msgspec.Struct, frozen=True):
    """Answers whether another process has written since this was last asked.

    Also tries again what could not be written.
    """


class Flush(msgspec.Struct, frozen=True):
    """Answers when everything told before is on disk, or is owed to it."""


class Committed(msgspec.Struct, frozen=True):
    """The row is on disk; or, not ``ok``, it is not and is owed."""

    ok: bool


Message: TypeAlias = (
    OpenRequest
    | CloseRequest
    | PutKey
    | RemoveKeys
    | TrustClient
    | ForgetClient
    | Load
    | Reload
    | Flush
    | Changed
)


_NEVER_FITS: Final = (
    sqlite3.IntegrityError,
    sqlite3.DataError,
    sqlite3.InterfaceError,
    sqlite3.ProgrammingError,
    UnicodeEncodeError,
    OverflowError,
)
"""What is wrong with a row, as against with the database."""


class _Write(NamedTuple):
    statements: tuple[tuple[str, tuple[Any, ...]], ...]
    reply_to: pykka.ActorRef[Any] | None


def open_database(path: Path) -> sqlite3.Connection:
    """Open the database, making or migrating it as needed.

    Raises:
        StoreError: the file can not be opened, or a newer Tapster wrote it.
    """
    try:
        connection = sqlite3.connect(
            path, isolation_level=None, check_same_thread=False, timeout=5
        )
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version == 0:
            connection.executescript(
                f"BEGIN;{SCHEMA}PRAGMA user_version = {SCHEMA_VERSION};COMMIT;"
            )
    except sqlite3.Error as error:
        raise StoreError(f"the database {path} can not be used: {error}") from error
    if version > SCHEMA_VERSION:
        connection.close()
        raise StoreError(
            f"the database {path} was written by a newer Tapster "
            f"(schema {version}, this one knows {SCHEMA_VERSION}): upgrade Tapster"
        )
    return connection


class Store(BlockingActor):
    """The one writer."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__()
        self._connection = connection
        self._clock = clock
        self._batch: deque[_Write] = deque()
        self._last_commit = 0.0
        self._down = False
        self._data_version = self._read_data_version()

    def on_receive(self, message: Message) -> Any:
        """Handle one message."""
        match message:
            case Load():
                return self._contents(self._end_crashed())
            case Reload():
                self._commit()
                return self._contents(())
            case Flush():
                return self._commit()
            case Changed():
                self._commit()
                return self._changed()
            case _:
                self._batch.append(self._write(message))
        if self.actor_inbox.empty() or len(self._batch) >= BATCH:
            self._commit()
        return None

    def on_stop(self) -> None:
        """Write what is owed and close the file."""
        self._commit()
        self._connection.close()

    def _write(
        self,
        message: OpenRequest
        | CloseRequest
        | PutKey
        | RemoveKeys
        | TrustClient
        | ForgetClient,
    ) -> _Write:
        now = self._clock()
        match message:
            case OpenRequest(row, reply_to):
                return _Write((_open_request(row, now),), reply_to)
            case CloseRequest(request, state, error):
                return _Write((_close_request(request, state, error, now),), None)
            case PutKey(row, replaces, reply_to):
                drops = tuple(_remove_key(key) for key in replaces)
                return _Write((_put_key(row), *drops), reply_to)
            case RemoveKeys(ids):
                return _Write(tuple(_remove_key(key) for key in ids), None)
            case TrustClient(row):
                return _Write((_trust(row),), None)
            case ForgetClient(client):
                return _Write(_forget(client), None)
            case _:
                assert_never(message)

    def _commit(self) -> None:
        if not self._batch:
            return
        time.sleep(max(0.0, min(LINGER, self._last_commit + LINGER - time.monotonic())))
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            refused = [write for write in self._batch if not self._execute(write)]
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._failed(error)
        else:
            self._succeeded(refused)
        self._last_commit = time.monotonic()

    def _execute(self, write: _Write) -> bool:
        """Run one write; a row that will never fit must not hold up the others."""
        try:
            for statement, values in write.statements:
                self._connection.execute(statement, values)
        except _NEVER_FITS:
            logger.exception("a row was refused by the database and is given up")
            return False
        return True

    def _succeeded(self, refused: list[_Write]) -> None:
        if self._down:
            logger.warning("the store is back, %d rows were owed", len(self._batch))
            self._down = False
        for write in self._batch:
            if write.reply_to is not None:
                write.reply_to.tell(Committed(ok=write not in refused))
        self._batch.clear()

    def _failed(self, error: sqlite3.Error) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
        if not self._down:
            logger.error("the store can not be written, rows are owed: %s", error)
            self._down = True
        owed = [_Write(write.statements, None) for write in self._batch]
        for write in self._batch:
            if write.reply_to is not None:
                write.reply_to.tell(Committed(ok=False))
        self._batch = deque(owed, maxlen=OWED_LIMIT)

    def _end_crashed(self) -> tuple[RequestRow, ...]:
        """End what the last process left open; returns it."""
        rows = self._connection.execute(
            "SELECT request, requester, request_id, room FROM requests"
            " WHERE state IS NULL"
        )
        crashed = tuple(RequestRow(*row) for row in rows)
        self._connection.execute(
            "UPDATE requests SET state = ?, error = ?, closed_at = ?"
            " WHERE state IS NULL",
            (RequestState.FAILED, CRASHED, self._clock()),
        )
        return crashed

    def _contents(self, crashed: tuple[RequestRow, ...]) -> Contents:
        clients = self._connection.execute("SELECT * FROM clients")
        keys = self._connection.execute("SELECT * FROM keys")
        return Contents(
            tuple(ClientRow(*row) for row in clients),
            tuple(KeyRow(*row) for row in keys),
            crashed,
        )

    def _changed(self) -> bool:
        version, self._data_version = self._data_version, self._read_data_version()
        return version != self._data_version

    def _read_data_version(self) -> int:
        return int(self._connection.execute("PRAGMA data_version").fetchone()[0])


def _open_request(row: RequestRow, now: float) -> tuple[str, tuple[Any, ...]]:
    return (
        """INSERT INTO requests (request, requester, request_id, room, opened_at)
        VALUES (?, ?, ?, ?, ?)""",
        (row.request, row.requester, row.request_id, row.room, now),
    )


def _close_request(
    request: str, state: RequestState, error: str | None, now: float
) -> tuple[str, tuple[Any, ...]]:
    return (
        "UPDATE requests SET state = ?, error = ?, closed_at = ? WHERE request = ?",
        (state, error, now, request),
    )


def _put_key(row: KeyRow) -> tuple[str, tuple[Any, ...]]:
    return (
        "INSERT OR REPLACE INTO keys VALUES (?, ?, ?, ?, ?)",
        (row.id, row.client, row.hash, row.created_at, row.last_used_at),
    )


def _remove_key(key: str) -> tuple[str, tuple[Any, ...]]:
    return ("DELETE FROM keys WHERE id = ?", (key,))


def _trust(row: ClientRow) -> tuple[str, tuple[Any, ...]]:
    return (
        "INSERT OR REPLACE INTO clients VALUES (?, ?, ?)",
        (row.client, row.type, row.created_at),
    )


def _forget(client: str) -> tuple[tuple[str, tuple[Any, ...]], ...]:
    return (
        ("DELETE FROM clients WHERE client = ?", (client,)),
        ("DELETE FROM keys WHERE client = ?", (client,)),
    )
