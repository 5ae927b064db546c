"""A log: the file that is written to, and those it was rotated to.

Owns their names: ``combined.log`` is written to; when it is full it becomes
``combined.log.7``, the highest number the newest, and the lowest is deleted.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from broker.logs.record import Entry
from broker.logs.segment import OpenSegment, Segment


class Page(NamedTuple):
    """Some records, the newest last, and how many there are in all."""

    lines: list[str]
    total: int


NOTHING = Page([], 0)


class Log:
    """One log and its past."""

    def __init__(
        self, path: Path, kinds: Sequence[str], max_size: int, max_files: int
    ) -> None:
        """Open a log, and mend what a crash left of its indices.

        Raises:
            OSError: it can not be written.
        """
        self._path = path
        self._kinds = kinds
        self._max_size = max_size
        self._max_files = max_files
        self._past = [Segment(old, kinds) for old in _rotated(path)]
        for segment in self._past:
            segment.mend()
        self._current = OpenSegment(path, kinds)
        self._drop_oldest()

    def append(self, entries: Sequence[Entry]) -> None:
        """Write records, beginning new files as the size demands.

        Raises:
            OSError: they could not be written, or not all of them.
        """
        fitting: list[Entry] = []
        size = self._current.size
        for entry in entries:
            if size and size + len(entry.text) > self._max_size:
                if fitting:
                    self._current.append(fitting)
                self._rotate()
                fitting, size = [], 0
            fitting.append(entry)
            size += len(entry.text)
        if fitting:
            self._current.append(fitting)

    def page(self, kind: str, page: int, size: int) -> Page:
        """One page of the records of a kind, page 1 the newest.

        Raises:
            OSError: a file can not be read.
        """
        segments = [*self._past, self._current]
        counts = [segment.count(kind) for segment in segments]
        total = sum(counts)
        stop = max(total - (page - 1) * size, 0)
        start = max(stop - size, 0)
        lines: list[str] = []
        before = 0
        for segment, count in zip(segments, counts, strict=True):
            first, last = max(start - before, 0), min(stop - before, count)
            if first < last:
                lines += segment.read(kind, first, last)
            before += count
        return Page(lines, total)

    def search(self, kind: str, text: str, page: int, size: int) -> Page:
        """One page of those records that hold a text, whatever its case.

        Raises:
            OSError: a file can not be read.
        """
        found: list[str] = []
        total = 0
        skipped = (page - 1) * size
        for segment in (self._current, *reversed(self._past)):
            for line in segment.find(kind, text):
                if skipped <= total < skipped + size:
                    found.append(line)
                total += 1
        return Page(found[::-1], total)

    def close(self) -> None:
        """Close the files."""
        self._current.close()

    def _rotate(self) -> None:
        self._current.close()
        number = max(map(_number, _rotated(self._path)), default=0) + 1
        segment = Segment(self._path, self._kinds)
        segment.rename(self._path.with_name(f"{self._path.name}.{number}"))
        self._past.append(segment)
        self._current = OpenSegment(self._path, self._kinds)
        self._drop_oldest()

    def _drop_oldest(self) -> None:
        while len(self._past) >= self._max_files:
            self._past.pop(0).remove()


def _rotated(path: Path) -> list[Path]:
    """The files a log was rotated to, the oldest first."""
    found = [old for old in path.parent.glob(f"{path.name}.*") if _number(old)]
    return sorted(found, key=_number)


def _number(path: Path) -> int:
    suffix = path.suffix[1:]
    return int(suffix) if suffix.isdecimal() and suffix.isascii() else 0
