"""Records to be written, and files to write them to."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from broker.logs.files import LogFiles
from broker.logs.record import Entry, Level

KILOBYTE: Final = 1024
PLENTY: Final = 1 << 30


def entry(number: int, level: Level = Level.INFO) -> Entry:
    """A record that says a number, with fields."""
    line = f"2026-01-01 00:00:00 [{level}] [test]: {number}\n"
    return Entry(level, (line + f'{{"n":{number}}}\n').encode())


def text(number: int, level: Level = Level.INFO) -> str:
    """The same as a reader gets it."""
    return entry(number, level).text.decode().rstrip("\n")


def files(folder: Path, *, size: int = PLENTY, number: int = 5) -> LogFiles:
    """The log files of a folder."""
    return LogFiles(folder, size, number)
