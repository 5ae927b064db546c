"""The file of a database, as the file system has it.

SQLite keeps it open and does not look again: rows go on into a file that was moved
away, or that another was put in place of, and nobody finds them at the next start.
Must never open the file itself: to close it again would drop SQLite's locks on it.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from actors.store_trouble import is_failing_disk, trouble


class LostFileError(sqlite3.OperationalError):
    """What is written would be in no file that the next start reads."""


class StoreFile:
    """Whether it is still in its place, and what the system says of writing there."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Note which file it is; a database in memory has none."""
        places = connection.execute("PRAGMA database_list").fetchall()
        path: str = places[0][2]
        self._path = Path(path) if path else None
        self._identity = _identity(self._path.stat()) if self._path else None

    def check(self) -> None:
        """Look whether it is where it was.

        Raises:
            LostFileError: it is not.
        """
        if self._path is None:
            return
        try:
            found = self._path.stat()
        except FileNotFoundError:
            raise LostFileError("its file was moved away or deleted") from None
        except OSError as error:
            raise LostFileError(f"its file can not be seen: {error.strerror}") from None
        if _identity(found) != self._identity:
            raise LostFileError("another file was put in the place of its own")
        if found.st_size == 0:
            raise LostFileError("its file was emptied")

    def trouble(self, error: sqlite3.Error) -> str:
        """Why the database can not be used, with the system's reason if it has one."""
        why = trouble(error)
        reason = self._refused() if is_failing_disk(error) else None
        return why if reason is None else f"{why}; the system says: {reason}"

    def _refused(self) -> str | None:
        """Why the system lets nobody write; SQLite says for all of it that it fails."""
        if self._path is None:
            return None
        try:
            # The log beside it: SQLite has no locks on that.
            log = os.open(f"{self._path}-wal", os.O_WRONLY)
        except FileNotFoundError:
            return None
        except OSError as error:
            return error.strerror
        os.close(log)
        return None


def _identity(found: os.stat_result) -> tuple[int, int]:
    return found.st_dev, found.st_ino
