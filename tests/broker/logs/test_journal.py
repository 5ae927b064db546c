"""From ``logging`` to the files, and how much of it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from broker.logs import handler
from broker.logs.files import LogFiles
from broker.logs.handler import LogHandler
from broker.logs.journal import Journal
from broker.logs.record import Entry, Level
from broker.protocol.wire import LogFile, LogFilter

from .books import PLENTY, files

logger = logging.getLogger("broker.test")


def open_journal(folder: Path, level: Level = Level.INFO) -> Journal:
    """A journal whose files are never full."""
    return Journal(folder, level, max_size=PLENTY, max_files=5)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """Open one that takes what is worth an ``info``."""
    opened = open_journal(tmp_path)
    yield opened
    opened.close()


def said(journal: Journal, name: LogFile = LogFile.COMBINED) -> list[str]:
    """The messages in a log."""
    lines = journal.read(name, LogFilter.ALL, 1, 100).lines
    return [line.partition("]: ")[2] for line in lines]


def test_what_is_logged_can_be_read_at_once(journal: Journal) -> None:
    """Though a thread writes it."""
    logger.info("one")
    logger.warning("two")

    assert said(journal) == ["one", "two"]
    assert said(journal, LogFile.WARN) == ["two"]


def test_other_libraries_are_heard_too(journal: Journal) -> None:
    """Their warnings; how much else they say is theirs."""
    logging.getLogger("aiohttp.server").warning("so they say")

    assert said(journal) == ["so they say"]


def test_debug_mode_raises_the_level_and_takes_it_back(journal: Journal) -> None:
    """Section 13: the log level and nothing else."""
    for turn in range(3):
        logger.debug("debug %d", turn)
        logging.getLogger("aiohttp.server").debug("not ours")
        journal.toggle_debug_mode()

    assert journal.debug_mode is True
    assert said(journal) == ["debug 1"]


def test_files_take_no_more_than_the_settings_say(tmp_path: Path) -> None:
    """``logLevel``; debug mode overrules it."""
    journal = open_journal(tmp_path, Level.ERROR)
    logger.warning("one")
    logger.error("two")
    journal.toggle_debug_mode()
    logger.debug("three")

    assert said(journal) == ["two", "three"]
    journal.close()


def test_terminal_may_hear_more_than_the_files(tmp_path: Path) -> None:
    """``--log-level debug`` is about the terminal alone."""
    root = logging.getLogger()
    before = root.level
    root.setLevel(logging.DEBUG)
    journal = open_journal(tmp_path)
    logger.debug("for the terminal")
    spoken = logger.isEnabledFor(logging.DEBUG)
    found = said(journal)
    journal.close()
    root.setLevel(before)

    assert spoken
    assert found == []


def test_closed_journal_leaves_logging_as_it_was(tmp_path: Path) -> None:
    """Handlers and levels."""
    root, ours = logging.getLogger(), logging.getLogger("broker")
    before = list(root.handlers), ours.level
    journal = open_journal(tmp_path)
    journal.toggle_debug_mode()
    journal.close()

    assert (list(root.handlers), ours.level) == before


def test_closed_journal_has_written_everything(tmp_path: Path) -> None:
    """What was logged before is in the file."""
    journal = open_journal(tmp_path)
    for number in range(3_000):
        logger.info("%d", number)
    journal.close()
    lines = (tmp_path / "logs" / "combined.log").read_text().splitlines()

    assert lines[-1].endswith(": 2999")


def test_journal_goes_on_where_the_last_ended(tmp_path: Path) -> None:
    """Restarts do not begin a new log."""
    for number in range(2):
        journal = open_journal(tmp_path)
        logger.info("%d", number)
        found = said(journal)
        journal.close()

    assert found == ["0", "1"]


class StuckFiles:
    """Files of which a test says when they can be written."""

    def __init__(self, logs: LogFiles) -> None:
        self._files = logs
        self.free = threading.Event()
        self.full = False
        self.begun = threading.Event()

    def append(self, entries: Sequence[Entry]) -> None:
        """Write, or wait, or fail."""
        self.begun.set()
        assert self.free.wait(10)
        if self.full:
            raise OSError(28, "No space left on device")
        self._files.append(entries)


@pytest.fixture
def stuck(tmp_path: Path) -> Iterator[StuckFiles]:
    """Files, and the root logger's handler that writes to them."""
    logs = files(tmp_path)
    yield StuckFiles(logs)
    logs.close()


def combined(folder: Path) -> list[str]:
    """The lines of the log."""
    return (folder / "combined.log").read_text().splitlines()


def test_whoever_logs_never_waits_and_losses_are_counted(
    stuck: StuckFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The queue is bounded; the log says what it could not take."""
    monkeypatch.setattr(handler, "QUEUE_LIMIT", 10)
    writing = LogHandler(stuck)
    first = logging.LogRecord("a", logging.INFO, "", 0, "first", (), None)
    logging.getLogger().addHandler(writing)
    try:
        writing.handle(first)
        assert stuck.begun.wait(10)
        for _ in range(15):
            writing.handle(first)
        stuck.free.set()
        writing.flush()
        writing.flush()
    finally:
        logging.getLogger().removeHandler(writing)
        writing.close()

    assert "5 records could not be logged" in "\n".join(combined(tmp_path))


def test_full_disk_is_said_once_and_survived(
    stuck: StuckFiles, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Afterwards it is written again, and says how much is missing."""
    writing = LogHandler(stuck)
    record = logging.LogRecord("a", logging.INFO, "", 0, "lost", (), None)
    stuck.free.set()
    stuck.full = True
    logging.getLogger().addHandler(writing)
    try:
        for _ in range(3):
            writing.handle(record)
            writing.flush()
        stuck.full = False
        writing.handle(record)
        writing.flush()
        writing.flush()
    finally:
        logging.getLogger().removeHandler(writing)
        writing.close()
    complaints = [r.message for r in caplog.records if "can not be" in r.message]

    assert complaints == ["the log files can not be written: No space left on device"]
    assert "records could not be logged" in combined(tmp_path)[-1]
    assert "lost" in combined(tmp_path)[0]
