"""One file of records, and where in it each record stands.

Owns the file and its indices: for each kind (all records, and those of each level)
a side file of 8 bytes a record, so that the last page of a long log costs as much as
that of a short one. An index only ever follows what is written: one that is missing,
shorter or wrong after a crash is mended from the file when that is opened.
"""

from __future__ import annotations

import contextlib
import io
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from broker.logs.record import HEAD, Entry

ALL: Final = "all"
"""The kind that every record is of."""
INDEX_FOLDER: Final = "index"
WIDTH: Final = 8
MAX_LENGTH: Final = (1 << 20) - 1
"""Bytes of one record; the rest of the 8 bytes is where it begins."""
STRETCH: Final = 256
"""Records that are searched at once."""
WIDEST: Final = 4 * 1024 * 1024
"""Bytes that these may be apart: those of one level may be far from each other."""
_LINE: Final = 64 * 1024
"""Bytes that are read at once where a file has no line ends."""


class Place(NamedTuple):
    """Where a record stands."""

    start: int
    length: int

    def pack(self) -> bytes:
        """As it stands in an index."""
        return struct.pack("<Q", self.start << 20 | self.length)

    @property
    def end(self) -> int:
        """Where the next may begin."""
        return self.start + self.length


class Segment:
    """A file that can be read."""

    def __init__(self, path: Path, kinds: Sequence[str]) -> None:
        self.path = path
        self._kinds = tuple(kinds)

    def count(self, kind: str) -> int:
        """How many records of a kind there are."""
        try:
            return self._index(kind).stat().st_size // WIDTH
        except FileNotFoundError:
            return 0

    def read(self, kind: str, first: int, last: int) -> list[str]:
        """The records of a kind from ``first`` to before ``last``.

        Raises:
            OSError: the file can not be read.
        """
        with self.path.open("rb", buffering=0) as file:
            places = self.places(kind, first, last)
            texts = [read_at(file, *place) for place in places]
        return [_decode(text).rstrip("\n") for text in texts]

    def find(self, kind: str, text: str) -> Iterator[str]:
        """The records of a kind that hold a text, the newest first.

        Many are looked through at once: most hold nothing that is looked for.

        Raises:
            OSError: the file can not be read.
        """
        wanted = text.casefold()
        last = self.count(kind)
        if not last:
            return
        with self.path.open("rb", buffering=0) as file:
            for first in reversed(range(0, last, STRETCH)):
                places = self.places(kind, first, min(first + STRETCH, last))
                for record in map(_decode, _candidates(file, places, wanted)):
                    if wanted in record.casefold():
                        yield record.rstrip("\n")

    def places(self, kind: str, first: int, last: int) -> list[Place]:
        """Where these records stand."""
        with self._index(kind).open("rb", buffering=0) as file:
            packed = read_at(file, first * WIDTH, (last - first) * WIDTH)
        whole = len(packed) - len(packed) % WIDTH
        numbers = struct.unpack(f"<{whole // WIDTH}Q", packed[:whole])
        return [Place(number >> 20, number & MAX_LENGTH) for number in numbers]

    def rename(self, path: Path) -> None:
        """Give file and indices another name; the file first.

        Indices that a crash leaves behind fit neither file, and are mended.
        """
        before = [self._index(kind) for kind in self._kinds]
        self.path = self.path.rename(path)
        for kind, index in zip(self._kinds, before, strict=True):
            index.rename(self._index(kind))

    def remove(self) -> None:
        """Delete file and indices."""
        for path in (self.path, *map(self._index, self._kinds)):
            path.unlink(missing_ok=True)

    def mend(self) -> None:
        """Make the indices say what the file holds, making both if need be.

        Raises:
            OSError: they can not be written.
        """
        self._index(ALL).parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("ab+") as file:
            _end_last_line(file)
            size = file.tell()
            start = self._covered(file, size)
            if start is None:
                self._clear()
            elif start == size:
                return
            found: dict[str, bytearray] = {kind: bytearray() for kind in self._kinds}
            for level, place in _scan(file, start or 0):
                found[ALL] += place.pack()
                if level in found:
                    found[level] += place.pack()
        for kind, packed in found.items():
            with self._index(kind).open("ab") as index:
                index.write(packed)

    def _covered(self, file: io.BufferedRandom, size: int) -> int | None:
        """Up to where the indices are right; None: they have to be made anew."""
        with contextlib.suppress(FileNotFoundError):
            sizes = [self._index(kind).stat().st_size for kind in self._kinds]
            total, levels = sizes[0], sizes[1:]
            if any(size % WIDTH for size in sizes) or (levels and sum(levels) != total):
                return None
            if not total:
                return 0
            (last,) = self.places(ALL, total // WIDTH - 1, total // WIDTH)
            begins = HEAD.match(read_at(file, last.start, 64)) is not None
            if begins and last.end <= size and _ends_line(file, last.end):
                return last.end
        return None

    def _clear(self) -> None:
        for kind in self._kinds:
            self._index(kind).write_bytes(b"")

    def _index(self, kind: str) -> Path:
        return self.path.parent / INDEX_FOLDER / f"{self.path.name}.{kind}"


class OpenSegment(Segment):
    """A file that is written to; mended whenever it is not as it was left."""

    def __init__(self, path: Path, kinds: Sequence[str]) -> None:
        """Open the file, and make it if there is none.

        Raises:
            OSError: it can not be written.
        """
        super().__init__(path, kinds)
        self._files: dict[str, io.FileIO] = {}
        self.size = 0
        self._open()

    def append(self, entries: Sequence[Entry]) -> None:
        """Write records, and after them where they stand.

        Raises:
            OSError: they could not be written, or not all of them.
        """
        if not self._files or self._size_on_disk() != self.size:
            self._open()  # somebody has cut, moved or deleted it, or the disk was full
        packed: dict[str, bytearray] = {kind: bytearray() for kind in self._kinds}
        start = self.size
        for entry in entries:
            place = Place(start, len(entry.text)).pack()
            start += len(entry.text)
            packed[ALL] += place
            if entry.level in packed:
                packed[entry.level] += place
        try:
            _write(self._data, b"".join(entry.text for entry in entries))
            for kind, places in packed.items():
                _write(self._files[kind], places)
        except OSError:
            self.close()
            raise
        self.size = start

    def close(self) -> None:
        """Close the files."""
        for file in (self._data, *self._files.values()):
            file.close()
        self._files = {}

    def _open(self) -> None:
        if self._files:
            self.close()
        self.mend()
        self._data = io.FileIO(self.path, "a")
        self._files = {kind: io.FileIO(self._index(kind), "a") for kind in self._kinds}
        self.size = self._size_on_disk()

    def _size_on_disk(self) -> int:
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return -1


def read_at(file: io.BufferedIOBase | io.RawIOBase, start: int, length: int) -> bytes:
    """Read a piece of a file."""
    file.seek(start)
    return file.read(length) or b""


def _candidates(
    file: io.RawIOBase, places: Sequence[Place], wanted: str
) -> Iterator[bytes]:
    """The records at these places, the last first; none where none can fit."""
    start, end = places[0].start, places[-1].end
    if end - start > WIDEST:
        yield from (read_at(file, *place) for place in reversed(places))
        return
    stretch = read_at(file, start, end - start)
    if wanted in _decode(stretch).casefold():
        for place in reversed(places):
            yield stretch[place.start - start : place.end - start]


def _decode(text: bytes) -> str:
    return text.decode("utf-8", "replace")


def _write(file: io.FileIO, data: bytes | bytearray) -> None:
    left = memoryview(data)
    while left:
        left = left[file.write(left) :]


def _ends_line(file: io.BufferedRandom, end: int) -> bool:
    return end > 0 and read_at(file, end - 1, 1) == b"\n"


def _end_last_line(file: io.BufferedRandom) -> None:
    """End a line that a crash cut off, or the next record would be part of it."""
    size = file.seek(0, io.SEEK_END)
    if size and not _ends_line(file, size):
        file.write(b"\n")
    file.seek(0, io.SEEK_END)


def _scan(file: io.BufferedRandom, start: int) -> Iterator[tuple[str, Place]]:
    """The records of a file and their levels; what belongs to none is left out."""
    file.seek(start)
    level, place, here = "", Place(start, 0), start
    whole = True  # whether a line begins where we stand
    while line := file.readline(_LINE):
        match = HEAD.match(line) if whole else None
        if match is not None:
            if level:
                yield level, place
            level, place = match[1].decode(), Place(here, len(line))
        elif level and place.end == here and line.startswith(b"{"):
            yield level, Place(place.start, place.length + len(line))
            level = ""
        here += len(line)
        whole = line.endswith(b"\n")
    if level:
        yield level, place
