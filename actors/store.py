"""The Store actor: what must outlive the process, in SQLite.

Owns      the database file and its one writer connection
Receives  every ``Write`` and ``Read`` (those of the ``*_records`` modules), Load,
          Reload, Flush, Changed, CheckWritable
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
from itertools import islice
from typing import Any, Final, TypeAlias

import msgspec

from actors.base import BlockingActor
from actors.client_records import ClientRow, KeyRow, stored_keys, trusted_clients
from actors.errors import UnavailableError
from actors.histogram import Histogram
from actors.records import Read, Write
from actors.request_records import RequestRow, end_open
from actors.store_batch import Owed, write_all
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
        self._batch: deque[Owed] = deque()
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
                return self._contents(
                    end_open(self._connection, CRASHED, self._clock())
                )
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
            self._linger()
            self._commit()
        return None

    def _linger(self) -> None:
        """Let more come for the next batch; who asks for it now does not wait."""
        time.sleep(max(0.0, min(LINGER, self._last_commit + LINGER - time.monotonic())))

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

    def _owe(self, write: Write) -> Owed:
        return Owed(write.statements(self._clock()), write.reply_to, write.token)

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
        self._untried = 0
        # What is owed may be much more than a batch: a disk that is still full must not
        # be tried with all of it each time.
        while self._batch and self._commit_some(list(islice(self._batch, BATCH))):
            pass
        self._last_commit = time.monotonic()

    def _commit_some(self, batch: list[Owed]) -> bool:
        """Write the first of what is to be written, all or none."""
        try:
            started = time.monotonic()
            self._file.check()
            self._connection.execute("BEGIN IMMEDIATE")
            refused = write_all(self._connection, batch)
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

    def _succeeded(self, batch: list[Owed], refused: list[Owed]) -> None:
        if self._down:
            logger.warning("the store is back, %d rows were owed", len(self._batch))
            self._down, self._trouble = False, None
            self._connection.execute(f"PRAGMA busy_timeout = {self._patience}")
        for write in batch:
            write.answer(ok=self._damage is None and write not in refused)
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
        owed = [write.unheard() for write in self._batch]
        for write in self._batch:
            write.answer(ok=False)
        self._batch = deque(owed, maxlen=OWED_LIMIT)

    def _lose_patience(self) -> None:
        (self._patience,) = self._connection.execute("PRAGMA busy_timeout").fetchone()
        impatient = min(self._patience, IMPATIENT)
        self._connection.execute(f"PRAGMA busy_timeout = {impatient}")

    def _contents(self, crashed: tuple[RequestRow, ...]) -> Contents:
        return Contents(
            trusted_clients(self._connection), stored_keys(self._connection), crashed
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
