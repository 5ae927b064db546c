"""What outlives the process, in a real database."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pykka
import pytest

from actors.base import ask, stop
from actors.client_records import (
    ClientRow,
    ForgetClient,
    KeyRow,
    PutKey,
    RemoveKeys,
    TrustClient,
)
from actors.errors import UnavailableError
from actors.histogram import Histogram
from actors.lifecycle import RequestState
from actors.records import Committed, Read
from actors.request_records import CloseRequest, OpenRequest, RequestRow
from actors.room_records import (
    FindAnswers,
    HistoryView,
    ReadMessages,
    ReadNewest,
)
from actors.schema import SCHEMA_VERSION, StoreError, open_database
from actors.store import (
    BATCH,
    CRASHED,
    IMPATIENT,
    Changed,
    CheckWritable,
    Contents,
    Flush,
    Load,
    Reload,
    Store,
)
from tests.actors.recording import ENOUGH, Neighbour

NOW = 1_000.5
PAGE = 4_096
FILL = "INSERT INTO choices VALUES (hex(randomblob(8)), hex(randomblob(512)))"


class EveryChoice(Read, frozen=True):
    """Read a whole table."""

    def run(self, connection: sqlite3.Connection) -> list[tuple[Any, ...]]:
        """All of it."""
        return connection.execute("SELECT * FROM choices").fetchall()


class Busy(Read, frozen=True):
    """Keep the store busy until that is over."""

    over: threading.Event = msgspec.field(default_factory=threading.Event)

    def run(self, connection: sqlite3.Connection) -> None:
        """Wait."""
        del connection
        self.over.wait(ENOUGH)


class Disk:
    """A store on a file, another connection to that file, and a writer."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.connection = open_database(path)
        self.connection.execute("PRAGMA busy_timeout = 1")
        self.ref: pykka.ActorRef[Store] = Store.start(self.connection, lambda: NOW)
        self.writer = Neighbour()

    def break_it(self) -> None:
        """Let nothing be written."""
        self.connection.execute("PRAGMA query_only = ON")

    def mend_it(self) -> None:
        """Let everything be written."""
        self.connection.execute("PRAGMA query_only = OFF")

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Somebody else writes, and takes long."""
        with contextlib.closing(sqlite3.connect(self.path, isolation_level=None)) as it:
            it.execute("BEGIN IMMEDIATE")
            yield
            it.execute("ROLLBACK")

    def be_full(self) -> None:
        """Let the file grow no more, and have nothing left in it."""
        (pages,) = self.connection.execute("PRAGMA page_count").fetchone()
        self.connection.execute(f"PRAGMA max_page_count = {pages}")
        with contextlib.suppress(sqlite3.OperationalError):
            while True:
                self.connection.execute(FILL)

    def be_roomy(self) -> None:
        """Let it grow."""
        self.connection.execute("PRAGMA max_page_count = 1000000")

    def damage(self, keep: int = 1) -> None:
        """Write nonsense over all but the head of the file."""
        self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self.connection.execute("PRAGMA cache_size = 0")
        self.connection.execute("PRAGMA shrink_memory")
        size = self.path.stat().st_size
        with self.path.open("r+b") as file:
            file.seek(keep * PAGE)
            file.write(b"\xff" * (size - keep * PAGE))

    def busy_timeout(self) -> int:
        """Milliseconds it would wait for a lock."""
        (milliseconds,) = self.connection.execute("PRAGMA busy_timeout").fetchone()
        return int(milliseconds)

    async def fails_to_write(self, request: str) -> None:
        """Have a request stored in vain; it would need a page of its own."""
        before = len(self.writer.items)
        self.open_request(request, room="x" * PAGE)
        await self.writer.hears(Committed, times=before + 1)
        assert self.writer.items[-1] == Committed(ok=False)

    def elsewhere(self, statement: str) -> None:
        """Another process writes."""
        with contextlib.closing(sqlite3.connect(self.path, isolation_level=None)) as it:
            it.execute(statement)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What another process reads."""
        with contextlib.closing(sqlite3.connect(self.path)) as it:
            return it.execute(query).fetchall()

    def requests(self) -> list[tuple[Any, ...]]:
        """The requests that another process reads."""
        return self.rows("SELECT request, state FROM requests ORDER BY request")

    def open_request(self, request: str = "1", room: str = "web") -> None:
        """Store a request."""
        row = RequestRow(request, "web", "r", room)
        self.ref.tell(OpenRequest(row, reply_to=self.writer.ref))

    async def ask(self, message: Any) -> Any:
        """Ask the store."""
        return await ask(self.ref, message, timeout=ENOUGH)


@pytest.fixture
async def disk(tmp_path: Path) -> AsyncIterator[Disk]:
    """A new database."""
    disk = Disk(tmp_path / "test.sqlite3")
    yield disk
    await stop(disk.ref, timeout=ENOUGH)


def key(identifier: str = "k1", client: str = "web") -> KeyRow:
    """A key's row."""
    return KeyRow(identifier, client, b"hash", 1.0, 2.0)


# -- writing


async def test_a_writer_is_told_when_its_row_is_on_disk(disk: Disk) -> None:
    """Another process can read it then."""
    disk.open_request()

    assert await disk.writer.hears(Committed) == Committed(ok=True)
    assert disk.requests() == [("1", None)]


async def test_every_writer_of_a_batch_is_told(disk: Disk) -> None:
    """Rows are committed together, answers are one for each."""
    for number in range(50):
        disk.open_request(f"{number:02}")
    await disk.writer.hears(Committed, times=50)

    assert len(disk.requests()) == 50


async def test_a_flush_says_whether_everything_is_on_disk(disk: Disk) -> None:
    """Whoever could not have it written is told so, and when it is."""
    disk.open_request()
    written = await ask(disk.ref, Flush(), timeout=ENOUGH)
    disk.break_it()
    disk.open_request("2")
    owed = await ask(disk.ref, Flush(), timeout=ENOUGH)
    disk.mend_it()
    mended = await ask(disk.ref, Flush(), timeout=ENOUGH)

    assert (written, owed, mended) == (True, False, True)


async def test_a_sound_database_is_writable(disk: Disk) -> None:
    """And stays as it was."""
    assert await disk.ask(CheckWritable()) is None
    assert await disk.ask(Changed()) is False


async def test_a_database_that_takes_no_writer_is_not_writable(disk: Disk) -> None:
    """Even while nobody has anything to write."""
    with disk.locked():
        why = await disk.ask(CheckWritable())

    assert why == "another process has locked it (database is locked)"


async def test_a_database_to_which_rows_are_owed_is_not_writable(disk: Disk) -> None:
    """Until they are written, which the question itself tries."""
    disk.break_it()
    disk.open_request()
    owed = await disk.ask(CheckWritable())
    disk.mend_it()

    assert owed == "it is read-only (attempt to write a readonly database)"
    assert await disk.ask(CheckWritable()) is None


async def test_who_asks_does_not_wait_for_more_to_write(
    disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only what nobody asks for is let come together."""
    disk.open_request("1")
    await disk.writer.hears(Committed)
    monkeypatch.setattr("actors.store.LINGER", 2 * ENOUGH)
    busy = Busy()
    disk.ref.tell(busy)
    disk.open_request("2")
    asked = ask(disk.ref, Flush(), timeout=ENOUGH)
    busy.over.set()

    assert await asked is True


async def test_every_batch_is_timed(tmp_path: Path) -> None:
    """Those that were written; there is none without a row."""
    commits = Histogram([ENOUGH])
    connection = open_database(tmp_path / "timed.sqlite3")
    ref = Store.start(connection, commits=commits)
    await ask(ref, Flush(), timeout=ENOUGH)
    before = commits.count
    ref.tell(PutKey(key()))
    await ask(ref, Flush(), timeout=ENOUGH)
    await stop(ref, timeout=ENOUGH)

    assert (before, commits.count) == (0, 1)
    assert 0 < commits.total < ENOUGH


async def test_a_request_is_stored_as_it_ended(disk: Disk) -> None:
    """With its reason and the time."""
    disk.open_request()
    disk.ref.tell(CloseRequest("1", RequestState.FAILED, "no model"))
    await disk.ask(Changed())

    assert disk.rows("SELECT * FROM requests") == [
        ("1", "web", "r", "web", "failed", "no model", NOW, NOW)
    ]


async def test_what_is_owed_at_the_end_is_written(tmp_path: Path) -> None:
    """The store stops when all is on disk."""
    disk = Disk(tmp_path / "test.sqlite3")
    disk.open_request()
    await stop(disk.ref, timeout=ENOUGH)

    assert disk.requests() == [("1", None)]


async def test_keys_and_clients_are_loaded_as_they_were_stored(disk: Disk) -> None:
    """A start knows what the last process knew."""
    client = ClientRow("web", "monitor", 3.0)
    disk.ref.tell(TrustClient(client))
    disk.ref.tell(PutKey(key(), reply_to=disk.writer.ref))
    await disk.writer.hears(Committed)

    assert await disk.ask(Load()) == Contents((client,), (key(),), ())


async def test_a_key_that_is_put_again_is_changed(disk: Disk) -> None:
    """Its last use moves on."""
    used = KeyRow("k1", "web", b"hash", 1.0, 9.0)
    disk.ref.tell(PutKey(key()))
    disk.ref.tell(PutKey(used))
    await disk.ask(Changed())

    assert (await disk.ask(Reload())).keys == (used,)


async def test_a_new_key_drops_those_it_replaces(disk: Disk) -> None:
    """In the same commit."""
    disk.ref.tell(PutKey(key("k1")))
    disk.ref.tell(PutKey(key("k2"), ("k1",)))
    await disk.ask(Changed())

    assert (await disk.ask(Reload())).keys == (key("k2"),)


async def test_keys_are_removed(disk: Disk) -> None:
    """By their ids."""
    for identifier in ("k1", "k2", "k3"):
        disk.ref.tell(PutKey(key(identifier)))
    disk.ref.tell(RemoveKeys(("k1", "k3")))
    await disk.ask(Changed())

    assert (await disk.ask(Reload())).keys == (key("k2"),)


async def test_a_client_that_is_forgotten_takes_its_keys_along(disk: Disk) -> None:
    """Nobody else's."""
    disk.ref.tell(TrustClient(ClientRow("web", "", 3.0)))
    disk.ref.tell(PutKey(key("k1", "web")))
    disk.ref.tell(PutKey(key("k2", "other")))
    disk.ref.tell(ForgetClient("web"))
    await disk.ask(Changed())

    assert await disk.ask(Reload()) == Contents((), (key("k2", "other"),), ())


# -- a disk that fails


async def test_a_writer_is_told_when_its_row_is_not_on_disk(disk: Disk) -> None:
    """It is owed then, and nobody waits for it."""
    disk.break_it()
    disk.open_request()

    assert await disk.writer.hears(Committed) == Committed(ok=False)
    assert disk.requests() == []


async def test_a_locked_database_is_a_disk_that_fails(disk: Disk) -> None:
    """Another process holds it."""
    with disk.locked():
        disk.open_request()

        assert await disk.writer.hears(Committed) == Committed(ok=False)


async def test_what_is_owed_is_written_with_the_next_row(disk: Disk) -> None:
    """In the order it came; its writer has had its answer."""
    disk.break_it()
    disk.open_request("1")
    await disk.writer.hears(Committed)
    disk.mend_it()
    disk.open_request("2")
    await disk.writer.hears(Committed, times=2)

    assert disk.requests() == [("1", None), ("2", None)]
    assert disk.writer.items == [Committed(ok=False), Committed(ok=True)]


async def test_what_is_owed_is_written_at_the_next_look(disk: Disk) -> None:
    """Without anybody writing."""
    disk.break_it()
    disk.open_request()
    disk.ref.tell(CloseRequest("1", RequestState.COMPLETED, None))
    await disk.ask(Changed())
    disk.mend_it()
    await disk.ask(Changed())

    assert disk.requests() == [("1", "completed")]


async def test_a_failing_disk_is_logged_once(
    disk: Disk, caplog: pytest.LogCaptureFixture
) -> None:
    """And once that it is back."""
    disk.break_it()
    for number in range(3):
        disk.open_request(f"{number}")
        await disk.writer.hears(Committed, times=number + 1)
    disk.mend_it()
    await disk.ask(Changed())
    levels = [r.levelname for r in caplog.records if r.name == "actors.store"]

    assert levels == ["ERROR", "WARNING"]


async def test_another_fault_of_a_failing_disk_is_logged_as_well(
    disk: Disk, caplog: pytest.LogCaptureFixture
) -> None:
    """Each with what is to be done about it."""
    disk.break_it()
    await disk.fails_to_write("1")
    disk.mend_it()
    disk.be_full()
    await disk.fails_to_write("2")
    said = [r.getMessage() for r in caplog.records if r.name == "actors.store"]

    down = "the store can not be written, rows are owed: "
    assert said == [
        f"{down}it is read-only (attempt to write a readonly database)",
        f"{down}the disk is full (database or disk is full)",
    ]


async def test_a_full_disk_keeps_nothing_of_what_did_not_fit(disk: Disk) -> None:
    """It is written as soon as there is room, each row once."""
    disk.be_full()
    await disk.fails_to_write("1")
    why = await disk.ask(CheckWritable())
    during = disk.requests()
    disk.be_roomy()

    assert why == "the disk is full (database or disk is full)"
    assert during == []
    assert await disk.ask(CheckWritable()) is None
    assert disk.requests() == [("1", None)]


async def test_a_store_that_is_down_does_not_wait_for_locks(disk: Disk) -> None:
    """Who asks it something meanwhile would wait as well; later it is patient again."""
    disk.connection.execute("PRAGMA busy_timeout = 200")
    with disk.locked():
        await disk.fails_to_write("1")
        during = disk.busy_timeout()
    await disk.ask(Changed())

    assert during == IMPATIENT
    assert disk.busy_timeout() == 200


async def test_what_is_owed_is_tried_by_the_batch(disk: Disk) -> None:
    """All of it is written in its order when the disk is back."""
    disk.break_it()
    for number in range(2 * BATCH + 1):
        disk.ref.tell(OpenRequest(RequestRow(f"{number:05}", "web", "r", "web")))
    await disk.ask(Changed())
    disk.mend_it()
    written = await disk.ask(Flush())

    assert written is True
    assert len(disk.requests()) == 2 * BATCH + 1


async def test_a_damaged_file_is_said_to_be_damaged_and_harms_nobody(
    disk: Disk,
) -> None:
    """Whoever asks is told, and the store lives on; but it promises nothing."""
    disk.open_request()
    await disk.writer.hears(Committed)
    disk.damage()
    with pytest.raises(UnavailableError, match="the file is damaged"):
        await disk.ask(Reload())

    assert await disk.ask(Flush()) is False
    assert "the file is damaged" in await disk.ask(CheckWritable())


async def test_damage_that_was_read_once_is_remembered(
    disk: Disk, caplog: pytest.LogCaptureFixture
) -> None:
    """Rows may still fit in a page that is sound: the file is not to be relied on."""
    (sound,) = disk.connection.execute("PRAGMA page_count").fetchone()
    disk.connection.executemany(
        "INSERT INTO choices VALUES (?, ?)", [(f"{n}", "x" * 512) for n in range(100)]
    )
    disk.damage(keep=sound)
    with pytest.raises(UnavailableError):
        await disk.ask(EveryChoice())
    disk.open_request()
    heard = await disk.writer.hears(Committed)
    said = [r.getMessage() for r in caplog.records if r.levelname == "ERROR"]

    assert heard == Committed(ok=False)
    assert disk.requests() == [("1", None)]
    assert "the file is damaged" in await disk.ask(CheckWritable())
    assert len(said) == 1
    assert said[0].startswith("from now on no row is promised to be kept: the file is")


async def test_a_row_that_makes_no_sense_is_damage(disk: Disk) -> None:
    """SQLite has no checksums: it gives what it finds."""
    disk.connection.execute(
        "INSERT INTO requests VALUES ('1', 'web', 'r', 'web', 'eaten', '', 0, 0)"
    )
    with pytest.raises(UnavailableError, match="can not be read now"):
        await disk.ask(FindAnswers("r", "web"))

    assert "the file is damaged (a row in it" in await disk.ask(CheckWritable())


@pytest.mark.parametrize("body", [b"\xff" * 9, b"\0" * 9, b'{"a":"', b'{"a":"\xff"}'])
async def test_a_message_that_is_no_json_is_damage(disk: Disk, body: bytes) -> None:
    """Whoever was sent it would lose the connection."""
    disk.connection.execute(
        "INSERT INTO messages (room, seq, id, author, kind, body)"
        " VALUES ('den', 1, 'm', 'web', 'message', ?)",
        (body,),
    )
    with pytest.raises(UnavailableError, match="can not be read now"):
        await disk.ask(ReadMessages(HistoryView("den", "web"), 10, 1_000))
    with pytest.raises(UnavailableError, match="can not be read now"):
        await disk.ask(ReadNewest(HistoryView("den", "web"), 1_000))

    assert "a message in it is no JSON" in await disk.ask(CheckWritable())


async def test_no_row_is_promised_that_goes_into_a_file_nobody_will_find(
    disk: Disk,
) -> None:
    """Moved away while it is open; when it is back, what was owed is in it."""
    aside = disk.path.with_suffix(".aside")
    disk.path.rename(aside)
    await disk.fails_to_write("1")
    gone = await disk.ask(CheckWritable())
    disk.path.write_bytes(b"")
    other = await disk.ask(CheckWritable())
    aside.rename(disk.path)
    back = await disk.ask(CheckWritable())

    assert gone == "its file was moved away or deleted"
    assert other == "another file was put in the place of its own"
    assert back is None
    assert disk.requests() == [("1", None)]


async def test_a_file_that_was_emptied_takes_no_rows(disk: Disk) -> None:
    """SQLite itself would go on in its log, and begin anew at the next start."""
    os.truncate(disk.path, 0)
    await disk.fails_to_write("1")

    assert await disk.ask(CheckWritable()) == "its file was emptied"


async def test_rows_that_are_owed_at_the_end_are_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """They were promised to nobody, but whoever reads the log shall know."""
    disk = Disk(tmp_path / "test.sqlite3")
    disk.break_it()
    await disk.fails_to_write("1")
    await stop(disk.ref, timeout=ENOUGH)

    assert caplog.messages[-1].startswith("1 rows could not be written and are lost:")


async def test_a_text_that_is_no_unicode_harms_nobody(disk: Disk) -> None:
    """SQLite can not store half a character: the store lives on."""
    disk.ref.tell(CloseRequest("0", RequestState.FAILED, "\ud83c"))

    assert await disk.ask(Changed()) is False


async def test_a_row_that_can_not_be_written_does_not_hold_up_the_others(
    disk: Disk,
) -> None:
    """One that breaks a constraint will never be written."""
    disk.open_request("1")
    disk.open_request("1")
    disk.open_request("2")
    await disk.writer.hears(Committed, times=3)
    await disk.ask(Changed())

    assert disk.requests() == [("1", None), ("2", None)]


# -- starting again


async def test_requests_that_a_crash_left_open_are_ended(disk: Disk) -> None:
    """As failed, and reported once."""
    disk.open_request("1")
    disk.open_request("2")
    disk.ref.tell(CloseRequest("2", RequestState.COMPLETED, None))
    await disk.ask(Changed())
    first, second = await disk.ask(Load()), await disk.ask(Load())

    assert first.crashed == (RequestRow("1", "web", "r", "web"),)
    assert second.crashed == ()
    assert disk.rows("SELECT state, error FROM requests WHERE request = '1'") == [
        ("failed", CRASHED)
    ]


async def test_reloading_ends_nothing(disk: Disk) -> None:
    """The requests that run are this process's own."""
    disk.open_request()
    await disk.writer.hears(Committed)

    assert (await disk.ask(Reload())).crashed == ()
    assert disk.requests() == [("1", None)]


def test_a_database_of_a_newer_tapster_is_refused(tmp_path: Path) -> None:
    """With a sentence that says what to do."""
    path = tmp_path / "test.sqlite3"
    open_database(path).close()
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")

    with pytest.raises(StoreError, match="newer Tapster"):
        open_database(path)


def test_a_database_is_opened_again(tmp_path: Path) -> None:
    """Its schema is made once."""
    path = tmp_path / "test.sqlite3"
    open_database(path).close()
    with contextlib.closing(open_database(path)) as connection:
        version = connection.execute("PRAGMA user_version").fetchone()[0]

    assert version == SCHEMA_VERSION


def test_a_commit_waits_for_the_disk(tmp_path: Path) -> None:
    """What is acked must not be in the memory of the system alone."""
    with contextlib.closing(open_database(tmp_path / "test.sqlite3")) as connection:
        (level,) = connection.execute("PRAGMA synchronous").fetchone()

    assert level == 2


def test_a_database_is_in_wal_mode(tmp_path: Path) -> None:
    """Readers do not wait for the writer."""
    with contextlib.closing(open_database(tmp_path / "test.sqlite3")) as connection:
        mode = connection.execute("PRAGMA journal_mode").fetchone()[0]

    assert mode == "wal"


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    """Naming the file."""
    path = tmp_path / "test.sqlite3"
    path.write_bytes(b"this is no database " * 100)

    with pytest.raises(StoreError, match=r"test\.sqlite3"):
        open_database(path)


def test_a_file_that_was_emptied_beside_its_log_is_refused(tmp_path: Path) -> None:
    """Rows may still be found in the log, which SQLite would delete."""
    path = tmp_path / "test.sqlite3"
    log = tmp_path / "test.sqlite3-wal"
    path.touch()
    log.write_bytes(b"rows")
    with pytest.raises(StoreError, match="the file is empty, but its log"):
        open_database(path)

    assert log.read_bytes() == b"rows"


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """It is for the composition root to make it."""
    with pytest.raises(StoreError):
        open_database(tmp_path / "nowhere" / "test.sqlite3")


# -- other processes


async def test_what_another_process_writes_is_noticed_once(disk: Disk) -> None:
    """The broker asks every second."""
    before = await disk.ask(Changed())
    disk.elsewhere("INSERT INTO clients VALUES ('bot', '', 1.0)")
    answers = [await disk.ask(Changed()), await disk.ask(Changed())]

    assert (before, answers) == (False, [True, False])
    assert (await disk.ask(Reload())).clients == (ClientRow("bot", "", 1.0),)


async def test_what_it_writes_itself_is_no_change(disk: Disk) -> None:
    """It knows that already."""
    disk.open_request()
    await disk.writer.hears(Committed)

    assert await disk.ask(Changed()) is False
