"""The newest records of the log."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from broker.logs.journal import Journal
from broker.logs.record import Level
from broker.logs.tap import KEPT, LogTap

from .books import PLENTY

logger = logging.getLogger("broker.tap_test")


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """Open one that takes what is worth an ``info``."""
    opened = Journal(tmp_path, Level.INFO, max_size=PLENTY, max_files=5)
    yield opened
    opened.close()


def heads(tap: LogTap, after: int, until: int) -> list[str]:
    """What some records say."""
    records = tap.between(after, until)
    return [record.lines[0].partition("]: ")[2] for record in records]


def test_records_are_found_by_their_numbers(journal: Journal) -> None:
    """Each is told once to who remembers the last."""
    for word in ("one", "two", "three"):
        logger.info(word)

    assert journal.tap.count == 3
    assert heads(journal.tap, 0, 2) == ["one", "two"]
    assert heads(journal.tap, 2, 3) == ["three"]
    assert heads(journal.tap, 3, 3) == []


def test_no_more_are_kept_than_a_snapshot_has(journal: Journal) -> None:
    """They are all counted."""
    for number in range(KEPT + 10):
        logger.info("%d", number)

    assert journal.tap.count == KEPT + 10
    assert heads(journal.tap, 0, KEPT + 10)[0] == "10"


def test_tap_has_what_the_files_have(journal: Journal) -> None:
    """Debug lines in debug mode alone, nothing when the journal is closed."""
    logger.debug("one")
    journal.toggle_debug_mode()
    logger.debug("two")
    journal.close()
    logger.warning("three")

    assert heads(journal.tap, 0, 9) == ["two"]


def test_record_that_can_not_be_said_is_left_out(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nobody who logs falls over it."""
    monkeypatch.setattr(logging, "raiseExceptions", False)
    logger.info("%d", "no number")
    logger.info("after")

    assert heads(journal.tap, 0, 9) == ["after"]
