"""The data folder: log files and the database, and the two actors that own it.

Owns where things lie in the folder, and the sentences for one that can not be used.
Must never touch a database that can not be read: it stays as it is, for its owner to
mend or to move away.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import msgspec
import pykka

from actors import keyring, schema, store
from actors.base import ask
from actors.errors import BrokerError
from actors.histogram import Histogram
from broker.config import ServerSettings
from broker.logs.journal import Journal
from broker.logs.record import Level
from broker.staff import employed
from broker.start import StartError

DATABASE: Final = "tapster.sqlite3"

LEFT_ALONE: Final = (
    f"{DATABASE} in the data folder is left as it is: "
    "put a copy in its place, or move it away to begin anew"
)

RECALL_TIMEOUT: Final = 60.0
"""Seconds in which a question about what is stored must be answered."""


class Storage(msgspec.Struct, frozen=True, kw_only=True):
    """All that outlives the process."""

    journal: Journal
    database: pykka.ActorRef[store.Store]
    keys: pykka.ActorRef[keyring.Keyring]
    contents: store.Contents
    """What the last process had left."""
    commits: Histogram
    """Seconds that commits to the database took."""


@contextlib.asynccontextmanager
async def open_storage(
    settings: ServerSettings, folder: Path
) -> AsyncIterator[Storage]:
    """Open all that is in a data folder; write everything before closing.

    Raises:
        StartError: the folder can not be written, or the database not be used.
    """
    commits = Histogram(store.COMMIT_BOUNDS)
    async with (
        _open_journal(settings, folder) as journal,
        employed(store.Store.start(open_data(folder), commits=commits)) as database,
    ):
        contents: store.Contents = await recall(database, store.Load())
        async with employed(keyring.Keyring.start(contents.keys, database)) as keys:
            yield Storage(
                journal=journal,
                database=database,
                keys=keys,
                contents=contents,
                commits=commits,
            )


def open_data(folder: Path) -> sqlite3.Connection:
    """Open the database of a data folder.

    Raises:
        StartError: the folder can not be written, or the database not be used.
    """
    try:
        _make(folder)
        return schema.open_database(folder / DATABASE)
    except OSError as error:
        raise _unwritable(folder, error) from error
    except schema.StoreError as error:
        raise StartError(str(error)) from error


async def recall(database: pykka.ActorRef[store.Store], question: Any) -> Any:
    """What the last process has left in the database.

    Raises:
        StartError: it can not be read.
    """
    try:
        return await ask(database, question, timeout=RECALL_TIMEOUT)
    except BrokerError as error:
        raise StartError(f"{error.message}; {LEFT_ALONE}") from error


@contextlib.asynccontextmanager
async def _open_journal(
    settings: ServerSettings, folder: Path
) -> AsyncIterator[Journal]:
    try:
        _make(folder)
        journal = await asyncio.to_thread(
            Journal,
            folder,
            Level(settings.log_level),
            max_size=settings.log_file_size,
            max_files=settings.log_files,
        )
    except OSError as error:
        raise _unwritable(folder, error) from error
    try:
        yield journal
    finally:
        await asyncio.to_thread(journal.close)


def _make(folder: Path) -> None:
    """Make a data folder that is missing; others on the machine may not look into it.

    One that is there stays as its owner has it.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def _unwritable(folder: Path, error: OSError) -> StartError:
    return StartError(f"the data folder {folder} can not be written: {error.strerror}")
