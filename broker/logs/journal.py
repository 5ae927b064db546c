"""The journal of a broker: its log files, and how much is said in them.

Owns the handlers at the root of ``logging`` and, while it is open, the levels of the
loggers ``broker`` and ``actors``. Debug mode raises these to debug and nothing else:
what other libraries say is theirs.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Final

from broker.logs.audit import Audit
from broker.logs.files import LogFiles
from broker.logs.handler import LogHandler
from broker.logs.log import Page
from broker.logs.record import Level
from broker.logs.tap import LogTap
from broker.protocol.wire import LogFile, LogFilter

OURS: Final = ("broker", "actors")
FOLDER: Final = "logs"


class Journal:
    """What a broker has to tell its operators."""

    def __init__(
        self, folder: Path, level: Level, *, max_size: int, max_files: int
    ) -> None:
        """Open the log files of a data folder and log to them.

        Raises:
            OSError: they can not be written.
        """
        self._files = LogFiles(folder / FOLDER, max_size, max_files)
        self._handler = LogHandler(self._files)
        self.audit = Audit(self._files)
        self.tap = LogTap()
        self._level = level.number
        self._before = {name: logging.getLogger(name).level for name in OURS}
        self.debug_mode = False
        self._apply()
        logging.getLogger().addHandler(self._handler)
        logging.getLogger().addHandler(self.tap)

    def toggle_debug_mode(self) -> bool:
        """Log everything, or as much as the settings say again; which it is now."""
        self.debug_mode = not self.debug_mode
        self._apply()
        return self.debug_mode

    def read(
        self, name: LogFile, level: LogFilter, page: int, size: int, search: str = ""
    ) -> Page:
        """One page of a log, with all that was said until now; blocks.

        ``search``: only of records that hold this text, whatever its case.

        Raises:
            OSError: a file can not be read.
        """
        self._handler.flush()
        self.audit.flush()
        return self._files.page(name, level, page, size, search)

    def close(self) -> None:
        """Write what waits, and leave ``logging`` as it was."""
        logging.getLogger().removeHandler(self.tap)
        self.tap.close()
        logging.getLogger().removeHandler(self._handler)
        self._handler.close()
        self.audit.close()
        self._files.close()
        for name, level in self._before.items():
            logging.getLogger(name).setLevel(level)

    def _apply(self) -> None:
        terminal = logging.getLogger().level  # it may want to hear more than the files
        spoken = logging.DEBUG if self.debug_mode else min(self._level, terminal)
        for name in OURS:
            logging.getLogger(name).setLevel(spoken)
        for each in (self._handler, self.tap):
            each.setLevel(logging.DEBUG if self.debug_mode else self._level)
