"""What a restart knows of assignments, in a real database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pykka
import pytest

from actors.assignment_records import PutAssignments, PutPolicy, Recall, Remembered
from actors.base import ask, stop
from actors.policies import ConnectionPolicy
from actors.schema import open_database
from actors.store import Store
from tests.actors.recording import ENOUGH


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[pykka.ActorRef[Any]]:
    """A new database."""
    ref = Store.start(open_database(tmp_path / "test.sqlite3"))
    yield ref
    await stop(ref, timeout=ENOUGH)


async def test_a_new_database_remembers_free_and_nothing_assigned(
    store: pykka.ActorRef[Any],
) -> None:
    """The defaults."""
    assert await ask(store, Recall(), timeout=ENOUGH) == Remembered()


async def test_policy_and_assignments_are_read_as_they_were_written_last(
    store: pykka.ActorRef[Any],
) -> None:
    """A room's rows are replaced, those of other rooms stay."""
    store.tell(PutPolicy(ConnectionPolicy.BALANCED))
    store.tell(PutPolicy(ConnectionPolicy.MANUAL))
    store.tell(PutAssignments({"r": ("b", "a"), "s": ("a",), "t": ("c",)}))
    store.tell(PutAssignments({"r": ("c",), "t": ()}))

    assert await ask(store, Recall(), timeout=ENOUGH) == Remembered(
        ConnectionPolicy.MANUAL, {"r": ("c",), "s": ("a",)}
    )
