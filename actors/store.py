"""The Store actor: what must outlive the process, in SQLite.

Owns      the database file and its one writer connection
Receives  every ``Write`` and ``Read`` (some here, others in the ``*_records``
          modules), Load, Reload, Flush, Changed, CheckWritable
Sends     Committed to whoever wrote, once the batch with its row is on disk
Stops     with the broker, when everything owed is written

It has a thread, since SQLite blocks. Rows are committed in batches: whatever came
while the batch before was being written, at most ``BATCH`` rows and, under steady
load, at most one commit every ``LINGER``. When the disk is full or the file locked,
writers are told so, what they wrote stays owed, and is tried again with the next.
Once the file was found damaged, rows are written as far as that goes, and nothing is
promised any more.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import time
from collections import deque
from collections.abc import Callable
from itertools import chain, groupby, islice
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec
import pykka

from actors.base import BlockingActor
from actors.errors import UnavailableError
from actors.histogram import Histogram
from actors.lifecycle import RequestState
from actors.store_file import StoreFile
from actors.store_trouble import DamagedError, is_damage

logger = logging.getLogger(__name__)

BATCH: Final = 500
LINGER: Final = 0.02
"""Seconds between commits under steady load."""
COMMIT_BOUNDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)
"""Seconds that a commit may take."""
IMPATIENT: Final = 100
"""Milliseconds to wait for a lock while the store is down anyway: whoever reads waits
for it, too."""
OWED_LIMIT: Final = 100_000
"""Writes kept for a disk that will be back; beyond it the oldest are given up."""

CRASHED: Final = "the broker was restarted while this request ran"

Statement: TypeAlias = tuple[str, tuple[Any, ...]]
"""SQL and its values."""


class Committed(msgspec.Struct, frozen=True):
    """A write is on disk; or, not ``ok``, it is not and is owed."""

    ok: bool
    token: int = 0
    """What the write was marked with."""


class Unwritten(msgspec.Struct, frozen=True):
    """The answer to what was done and is not on disk, but owed to it."""

    answer: Any


class Write(msgspec.Struct, frozen=True, kw_only=True):
    """Rows to be changed, all or none; tells ``reply_to`` Committed."""

    reply_to: pykka.ActorRef[Any] | None = None
    token: int = 0

    def statements(self, now: float) -> tuple[Statement, ...]:
        """What to run; ``now`` is the wall clock's time."""
        raise NotImplementedError


class Read(msgspec.Struct, frozen=True):
    """A question to the database; sees everything that was told to write before.

    Whoever asks gets ``UnavailableError`` while the database can not be read.
    """

    def run(self, connection: sqlite3.Connection) -> Any:
        """Answer it; must not write."""
        raise NotImplementedError


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
    expires_at: float | None = None
    """When it is good no more, by the wall clock; None: never."""

    def is_good(self, now: float) -> bool:
        """Whether its time is not over."""
        return self.expires_at is None or now < self.expires_at


class ClientRow(msgspec.Struct, frozen=True):
    """A client that is trusted without a settings file."""

    client: str
    type: str
    created_at: float


class OpenRequest(Write, frozen=True):
    """Store a request as open."""

    row: RequestRow

    def statements(self, now: float) -> tuple[Statement, ...]:
        """One row."""
        row = self.row
        statement = """INSERT INTO requests
            (request, requester, request_id, room, opened_at) VALUES (?, ?, ?, ?, ?)"""
        return (
            (statement, (row.request, row.requester, row.request_id, row.room, now)),
        )


class CloseRequest(Write, frozen=True):
    """Store how a request ended."""

    request: str
    state: RequestState
    error: str | None

    def statements(self, now: float) -> tuple[Statement, ...]:
        """One row."""
        statement = """UPDATE requests SET state = ?, error = ?, closed_at = ?
            WHERE request = ?"""
        return ((statement, (self.state, self.error, now, self.request)),)


class PutKey(Write, frozen=True):
    """Store a key, and drop those of ``replaces``."""

    row: KeyRow
    replaces: tuple[str, ...] = ()

    def statements(self, now: float) -> tuple[Statement, ...]:  # noqa: ARG002
        """The key, and one for each that it replaces."""
        row = self.row
        put = (
            "INSERT OR REPLACE INTO keys VALUES (?, ?, ?, ?, ?, ?)",
            msgspec.structs.astuple(row),
        )
        return (put, *map(_remove_key, self.replaces))


class UseKey(Write, frozen=True):
    """Store when a key was used, and nothing else.

    Another process may have removed it meanwhile, or said when it expires.
    """

    id: str
    at: float

    def statements(self, now: float) -> tuple[Statement, ...]:  # noqa: ARG002
        """One row, if it is still there."""
        statement = "UPDATE keys SET last_used_at = ? WHERE id = ?"
        return ((statement, (self.at, self.id)),)


class ExpireKeys(Write, frozen=True):
    """Store when keys are good no more."""

    ids: tuple[str, ...]
    at: float

    def statements(self, now: float) -> tuple[Statement, ...]:  # noqa: ARG002
        """One for each."""
        statement = "UPDATE keys SET expires_at = ? WHERE id = ?"
        return tuple((statement, (self.at, each)) for each in self.ids)


class RemoveKeys(Write, frozen=True):
    """Drop keys."""

    ids: tuple[str, ...]

    def statements(self, now: float) -> tuple[Statement, ...]:  # noqa: ARG002
        """One for each."""
        return tuple(map(_remove_key, self.ids))


class TrustClient(Write, frozen=True):
    """Trust a client, as one of a type."""

    row: ClientRow

    def statements(self, now: float) -> tuple[Statement, ...]:  # noqa: ARG002
        """One row."""
        row = self.row
        statement = "INSERT OR REPLACE INTO clients VALUES (?, ?, ?)"
        return ((statement, (row.client, row.type, row.created_at)),)


class ForgetClient(Write, frozen=True):
    """Trust a client no longer and drop its keys."""

    client: str

    def statements(self, now: float) -> tuple[Statement, ...]:  # noqa: ARG002
        """The client and its keys."""
        return (
            ("DELETE FROM clients WHERE client = ?", (self.client,)),
            ("DELETE FROM keys WHERE client = ?", (self.client,)),
        )


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
    """Answers whether everything told before is on disk; else it is owed."""


class CheckWritable(msgspec.Struct, frozen=True):
    """Answers why the database can not be written, or is owed to; None: all is well."""


Message: TypeAlias = Write | Read | Load | Reload | Flush | Changed | CheckWritable


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


class _Owed(NamedTuple):
    statements: tuple[Statement, ...]
    reply_to: pykka.ActorRef[Any] | None
    token: int


def _single_insert(write: _Owed) -> str | None:
    """The statement of a write that is one plain row; None: it is something else."""
    if len(write.statements) != 1:
        return None
    statement = write.statements[0][0]
    plain = statement.startswith("INSERT INTO ") and statement.endswith("?)")
    return statement if plain else None


class Store(BlockingActor):
    """The one writer."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        clock: Callable[[], float] = time.time,
        commits: Histogram | None = None,
    ) -> None:
        """Take the database; ``commits`` is told how long each batch took."""
        super().__init__()
        self._commits = commits or Histogram(COMMIT_BOUNDS)
        self._connection = connection
        self._file = StoreFile(connection)
        self._clock = clock
        self._batch: deque[_Owed] = deque()
        self._untried = 0
        """How many of the batch have come since it was tried to write it."""
        self._last_commit = 0.0
        self._down = False
        self._trouble: str | None = None
        """Why what is owed could not be written, when that was tried last."""
        self._damage: str | None = None
        """What was found damaged since the start."""
        self._patience = 0
        """Milliseconds to wait for a lock, in good times."""
        self._data_version = self._read_data_version()

    def on_receive(self, message: Message) -> Any:
        """Handle one message; a database that fails is an answer, and no crash."""
        try:
            return self._handle(message)
        except sqlite3.Error as error:
            raise UnavailableError(
                f"the database can not be used: {self._why(error)}"
            ) from None

    def _handle(self, message: Message) -> Any:
        match message:
            case Load():
                return self._contents(self._end_crashed())
            case Reload():
                self._commit()
                return self._contents(())
            case Flush():
                self._commit()
                return self._damage is None and not self._batch
            case Changed():
                self._commit()
                return self._changed()
            case CheckWritable():
                self._commit()
                return self._trouble or self._damage or self._why_locked()
            case Read():
                return self._read(message)
            case _:
                self._batch.append(self._owe(message))
                self._untried += 1
        if self.actor_inbox.empty() or self._untried >= BATCH:
            self._commit()
        return None

    def on_stop(self) -> None:
        """Write what is owed and close the file."""
        self._commit()
        if self._batch:
            logger.error(
                "%d rows could not be written and are lost: %s",
                len(self._batch),
                self._trouble,
            )
        self._connection.close()

    def _owe(self, write: Write) -> _Owed:
        return _Owed(write.statements(self._clock()), write.reply_to, write.token)

    def _read(self, read: Read) -> Any:
        self._commit()
        try:
            return _run(read, self._connection)
        except sqlite3.Error as error:
            logger.warning("the store can not be read: %s", self._why(error))
            raise UnavailableError("the history can not be read now") from None

    def _commit(self) -> None:
        if not self._batch:
            return
        time.sleep(max(0.0, min(LINGER, self._last_commit + LINGER - time.monotonic())))
        self._untried = 0
        # What is owed may be much more than a batch: a disk that is still full must not
        # be tried with all of it each time.
        while self._batch and self._commit_some(list(islice(self._batch, BATCH))):
            pass
        self._last_commit = time.monotonic()

    def _commit_some(self, batch: list[_Owed]) -> bool:
        """Write the first of what is to be written, all or none."""
        try:
            started = time.monotonic()
            self._file.check()
            self._connection.execute("BEGIN IMMEDIATE")
            refused = self._write_all(batch)
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._failed(error)
            return False
        self._commits.observe(time.monotonic() - started)
        self._succeeded(batch, refused)
        return True

    def _why_locked(self) -> str | None:
        """Why the file takes no writer: it may be locked, or read-only by now."""
        try:
            self._file.check()
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.execute("ROLLBACK")
        except sqlite3.Error as error:
            return self._why(error)
        return None

    def _why(self, error: sqlite3.Error) -> str:
        """Why the database can not be used; remembers damage, which does not pass."""
        why = self._file.trouble(error)
        if self._damage is None and is_damage(error):
            self._damage = why
            logger.error("from now on no row is promised to be kept: %s", why)
        return why

    def _write_all(self, batch: list[_Owed]) -> list[_Owed]:
        """Run a batch in its order; returns the writes that will never fit."""
        refused: list[_Owed] = []
        for insert, group in groupby(batch, key=_single_insert):
            if insert is None:
                refused += [write for write in group if not self._execute(write)]
                continue
            writes = list(group)
            for start in range(0, len(writes), ROWS):
                refused += self._insert(insert, writes[start : start + ROWS])
        return refused

    def _insert(self, insert: str, writes: list[_Owed]) -> list[_Owed]:
        """Insert many rows at once, or one by one if one of them does not fit.

        Each statement lets other threads run and has to wait for them: rows together
        take half the time of rows apart.
        """
        rows = [write.statements[0][1] for write in writes]
        head, values = insert.rsplit(" VALUES ", 1)
        joined = f"{head} VALUES {', '.join([values] * len(rows))}"
        try:
            self._connection.execute(joined, tuple(chain.from_iterable(rows)))
        except _NEVER_FITS:
            return [write for write in writes if not self._execute(write)]
        return []

    def _execute(self, write: _Owed) -> bool:
        """Run one write; a row that will never fit must not hold up the others."""
        try:
            for statement, values in write.statements:
                self._connection.execute(statement, values)
        except _NEVER_FITS:
            logger.exception("a row was refused by the database and is given up")
            return False
        return True

    def _succeeded(self, batch: list[_Owed], refused: list[_Owed]) -> None:
        if self._down:
            logger.warning("the store is back, %d rows were owed", len(self._batch))
            self._down, self._trouble = False, None
            self._connection.execute(f"PRAGMA busy_timeout = {self._patience}")
        for write in batch:
            _answer(write, ok=self._damage is None and write not in refused)
            self._batch.popleft()

    def _failed(self, error: sqlite3.Error) -> None:
        if self._connection.in_transaction:
            # A disk that fails may fail here as well; it is tried again next time.
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")
        before, self._trouble = self._trouble, self._why(error)
        if self._trouble != before:
            logger.error(
                "the store can not be written, rows are owed: %s", self._trouble
            )
        if not self._down:
            self._down = True
            self._lose_patience()
        owed = [_Owed(write.statements, None, 0) for write in self._batch]
        for write in self._batch:
            _answer(write, ok=False)
        self._batch = deque(owed, maxlen=OWED_LIMIT)

    def _lose_patience(self) -> None:
        (self._patience,) = self._connection.execute("PRAGMA busy_timeout").fetchone()
        impatient = min(self._patience, IMPATIENT)
        self._connection.execute(f"PRAGMA busy_timeout = {impatient}")

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


def _run(read: Read, connection: sqlite3.Connection) -> Any:
    try:
        return read.run(connection)
    except ValueError as error:  # of an enumeration's, say
        raise DamagedError(f"a row in it makes no sense: {error}") from error


def _answer(write: _Owed, *, ok: bool) -> None:
    if write.reply_to is not None:
        write.reply_to.tell(Committed(ok=ok, token=write.token))


def _remove_key(key: str) -> Statement:
    return ("DELETE FROM keys WHERE id = ?", (key,))
