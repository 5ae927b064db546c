"""What becomes of databases of former versions."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

from actors import schema
from actors.base import ask, stop
from actors.client_records import KeyRow
from actors.store import Contents, Reload, Store
from tests.actors.recording import ENOUGH

BEFORE_EXPIRY = 2
"""The version in which keys had no end."""


async def test_keys_of_a_former_version_never_expire(tmp_path: Path) -> None:
    """As was promised when they were made."""
    path = tmp_path / "test.sqlite3"
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as former:
        for migration in schema.MIGRATIONS[:BEFORE_EXPIRY]:
            former.executescript(migration)
        former.execute(f"PRAGMA user_version = {BEFORE_EXPIRY}")
        former.execute("INSERT INTO keys VALUES ('k1', 'web', x'00', 1.0, 2.0)")
    ref = Store.start(schema.open_database(path))
    contents: Contents = await ask(ref, Reload(), timeout=ENOUGH)
    await stop(ref, timeout=ENOUGH)

    assert contents.keys == (KeyRow("k1", "web", b"\0", 1.0, 2.0),)
    assert contents.keys[0].is_good(10e9)
