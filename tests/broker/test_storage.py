"""The data folder: how it is made, and what is said of one that can not be used."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from actors import schema
from broker.start import StartError
from broker.storage import DATABASE, open_data


def test_data_folder_is_made(tmp_path: Path) -> None:
    """With the folders above it."""
    open_data(tmp_path / "a" / "b").close()

    assert (tmp_path / "a" / "b" / DATABASE).exists()


def test_data_folder_that_is_a_file_is_a_start_error(tmp_path: Path) -> None:
    """It names the folder."""
    path = tmp_path / "file"
    path.write_text("")
    with pytest.raises(StartError, match="can not be written") as wrong:
        open_data(path)

    assert str(path) in str(wrong.value)


def test_newer_database_is_a_start_error(tmp_path: Path) -> None:
    """It says what to do."""
    open_data(tmp_path).close()
    connection = sqlite3.connect(tmp_path / DATABASE)
    connection.execute(f"PRAGMA user_version = {schema.SCHEMA_VERSION + 1}")
    connection.close()
    with pytest.raises(StartError, match="newer Tapster"):
        open_data(tmp_path)


def test_a_data_folder_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    """All that was said is in it; one that is there stays as its owner has it."""
    new, old = tmp_path / "house" / "new", tmp_path / "old"
    old.mkdir(mode=0o755)
    old.chmod(0o755)
    for folder in (new, old):
        open_data(folder).close()

    assert new.stat().st_mode & 0o777 == 0o700
    assert old.stat().st_mode & 0o777 == 0o755
