"""LogTap: the newest records of the log, for operators who watch it live.

Owns so many of them and numbers all there were. Reads no file: what has been said
before stands in the log. Records come from any thread.
"""

from __future__ import annotations

import logging
from collections import deque
from typing import Final, NamedTuple

from broker.logs.record import lines_of

KEPT: Final = 100
"""Records that are remembered."""


class Tapped(NamedTuple):
    """A record, and which one since the start."""

    number: int
    created: float
    level: int
    service: str
    event: str | None
    lines: list[str]
    """As it stands in the files: its head, and its other fields if it has any."""


class LogTap(logging.Handler):
    """Remembers records."""

    def __init__(self) -> None:
        super().__init__()
        self._records: deque[Tapped] = deque(maxlen=KEPT)
        self.count = 0
        """Records since the start."""

    def emit(self, record: logging.LogRecord) -> None:
        """Remember a record."""
        try:
            lines = lines_of(record)
        except Exception:  # noqa: BLE001 - logging's own way with what can not be said
            self.handleError(record)
            return
        self.count += 1
        event = getattr(record, "event", None)
        self._records.append(
            Tapped(
                self.count, record.created, record.levelno, record.name, event, lines
            )
        )

    def between(self, after: int, until: int) -> list[Tapped]:
        """The remembered ones whose number is above one and at most another."""
        self.acquire()  # a thread may log while we read
        try:
            return [each for each in self._records if after < each.number <= until]
        finally:
            self.release()
