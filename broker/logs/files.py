"""The logs: everything together, a file for each level that matters, and the audit's.

``error.log``, ``warn.log`` and ``info.log`` hold exactly their level, so they reach
further back than ``combined.log``. One lock keeps readers from seeing half a
rotation; both sides hold it for a few small reads or one write.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from broker.logs.log import NOTHING, Log, Page
from broker.logs.record import Entry, Level
from broker.logs.segment import ALL
from broker.protocol.wire import LogFile, LogFilter

LEVEL_FILES: Final = {
    LogFile.ERROR: Level.ERROR,
    LogFile.WARN: Level.WARN,
    LogFile.INFO: Level.INFO,
}


class LogFiles:
    """All log files of a folder."""

    def __init__(self, folder: Path, max_size: int, max_files: int) -> None:
        """Open the files, and make what is missing.

        Raises:
            OSError: they can not be written.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._logs = {
            name: Log(folder / name, _kinds(name), max_size, max_files)
            for name in LogFile
        }

    def append(self, entries: Sequence[Entry]) -> None:
        """Write records to the files they belong in.

        Raises:
            OSError: they could not be written, or not all of them.
        """
        with self._lock:
            self._logs[LogFile.COMBINED].append(entries)
            for name, level in LEVEL_FILES.items():
                own = [entry for entry in entries if entry.level is level]
                if own:
                    self._logs[name].append(own)

    def append_actions(self, entries: Sequence[Entry]) -> None:
        """Write records to the audit log.

        Raises:
            OSError: they could not be written, or not all of them.
        """
        with self._lock:
            self._logs[LogFile.AUDIT].append(entries)

    def page(
        self, name: LogFile, level: LogFilter, page: int, size: int, search: str = ""
    ) -> Page:
        """One page of a log, of one level or all; page 1 has the newest records.

        ``search``: of those that hold this text; it takes as long as the log is.

        Raises:
            OSError: a file can not be read.
        """
        kind: str = level
        if name in LEVEL_FILES:
            if level not in (LogFilter.ALL, LEVEL_FILES[name]):
                return NOTHING
            kind = ALL
        with self._lock:
            if search:
                return self._logs[name].search(kind, search, page, size)
            return self._logs[name].page(kind, page, size)

    def close(self) -> None:
        """Close the files."""
        with self._lock:
            for log in self._logs.values():
                log.close()


def _kinds(name: LogFile) -> tuple[str, ...]:
    return (ALL,) if name in LEVEL_FILES else (ALL, *Level)
