"""Watching: one look after the other, whatever becomes of one of them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator

import pytest

from actors.errors import UnavailableError
from broker import watching
from broker.config import SettingsError
from broker.watching import watched
from tests.actors.recording import ENOUGH, MS


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look every millisecond instead of every second."""
    monkeypatch.setattr(watching, "WATCH_EVERY", MS)


class Looks:
    """Fails with these errors, one look after the other, and then no more."""

    def __init__(self, *errors: Exception) -> None:
        self._errors: Iterator[Exception] = iter(errors)
        self.well = asyncio.Event()

    async def __call__(self) -> None:
        """Look."""
        for error in self._errors:
            raise error
        self.well.set()


async def test_a_look_that_failed_is_followed_by_the_next(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The log says of what; a fault of ours comes with its traceback."""
    fault = TypeError("a fault of ours")
    look = Looks(OSError("gone"), SettingsError("bad"), UnavailableError("no"), fault)
    async with watched("the cellar", look), asyncio.timeout(ENOUGH):
        await look.well.wait()

    assert [(record.levelno, record.getMessage()) for record in caplog.records] == [
        (logging.WARNING, "the cellar could not be looked at: gone"),
        (logging.WARNING, "the cellar could not be looked at: bad"),
        (logging.WARNING, "the cellar could not be looked at: no"),
        (logging.ERROR, "the cellar could not be looked at"),
    ]
    assert "a fault of ours" in caplog.text


async def test_watching_ends_with_what_it_is_for() -> None:
    """No task is left that looks."""
    before = asyncio.all_tasks()
    async with watched("the cellar", Looks()):
        (task,) = asyncio.all_tasks() - before
    await asyncio.wait({task}, timeout=ENOUGH)

    assert task.cancelled()
