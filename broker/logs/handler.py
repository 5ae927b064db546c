"""What ``logging`` is given: records in, and a thread that writes them.

Owns that thread and a bounded queue to it. Whoever logs never waits for the disk:
when the queue is full or the disk refuses, records are counted and dropped, and the
log says so when it can be written again.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
from collections.abc import Sequence
from typing import Final, Protocol, TypeAlias

from broker.logs.record import Entry, render

logger = logging.getLogger(__name__)

QUEUE_LIMIT: Final = 10_000
"""Records that may wait to be written."""
BATCH: Final = 1_000
"""Records that are written at once."""
LINGER: Final = 0.1
"""Seconds in which records come together: to wake a thread for each of them costs the
loop more than to make it."""
CLOSE_TIMEOUT: Final = 5.0
FLUSH_TIMEOUT: Final = 2.0


class _End:
    """No record comes after this one."""


_Item: TypeAlias = Entry | threading.Event | _End


class Sink(Protocol):
    """Where records are written."""

    def append(self, entries: Sequence[Entry]) -> None:
        """Write records.

        Raises:
            OSError: they could not be written, or not all of them.
        """


class LogHandler(logging.Handler):
    """Writes records to log files."""

    def __init__(self, files: Sink) -> None:
        super().__init__()
        self._files = files
        self._queue: queue.Queue[_Item] = queue.Queue(QUEUE_LIMIT)
        self._hurry = threading.Event()
        self._lost = 0
        self._down = False
        self._thread = threading.Thread(target=self._run, name="logs", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        """Have a record written soon."""
        try:
            self._queue.put_nowait(render(record))
        except queue.Full:
            self._lost += 1
        except Exception:  # noqa: BLE001 - logging's own way with what can not be said
            self.handleError(record)

    def flush(self) -> None:
        """Wait until what was logged before is written."""
        written = threading.Event()
        self._hurry.set()
        with contextlib.suppress(queue.Full):
            self._queue.put_nowait(written)
            if self._thread.is_alive():
                written.wait(FLUSH_TIMEOUT)

    def close(self) -> None:
        """Write what waits and end the thread."""
        if self._thread.is_alive():
            self._hurry.set()
            self._queue.put(_End(), timeout=CLOSE_TIMEOUT)
            self._thread.join(CLOSE_TIMEOUT)
        super().close()

    def _run(self) -> None:
        ended = False
        while not ended:
            batch = self._take()
            entries = [item for item in batch if isinstance(item, Entry)]
            if entries:
                self._write(entries)
            for item in batch:
                if isinstance(item, threading.Event):
                    item.set()
                ended = ended or isinstance(item, _End)

    def _take(self) -> list[_Item]:
        batch = [self._queue.get()]
        if isinstance(batch[0], Entry):
            self._hurry.wait(LINGER)
        self._hurry.clear()
        with contextlib.suppress(queue.Empty):
            while len(batch) < BATCH:
                batch.append(self._queue.get_nowait())
        return batch

    def _write(self, entries: list[Entry]) -> None:
        try:
            self._files.append(entries)
        except OSError as error:
            self._lost += len(entries)
            if not self._down:
                self._down = True
                logger.error("the log files can not be written: %s", error.strerror)  # noqa: TRY400 - the disk's fault
            return
        self._down = False
        if self._lost:
            self._confess()

    def _confess(self) -> None:
        """Write how many are missing, past the queue that may be full again."""
        lost, self._lost = self._lost, 0
        with contextlib.suppress(OSError):
            self._files.append([render(_loss(lost))])


def _loss(lost: int) -> logging.LogRecord:
    message = "%d records could not be logged"
    args = (lost,)
    return logger.makeRecord(logger.name, logging.WARNING, "", 0, message, args, None)
