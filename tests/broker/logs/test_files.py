"""Pages of logs: which, how many, over which files, and at what cost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from broker.logs import segment
from broker.logs.files import LogFiles
from broker.logs.log import NOTHING
from broker.logs.record import Entry, Level
from broker.protocol.wire import LogFile, LogFilter

from .books import KILOBYTE, entry, files, text


@pytest.fixture
def logs(tmp_path: Path) -> Iterator[LogFiles]:
    """Files that are never full."""
    made = files(tmp_path)
    yield made
    made.close()


def numbers(logs: LogFiles, page: int, size: int, **which: Any) -> list[int]:
    """What the records of a page say."""
    name = which.get("name", LogFile.COMBINED)
    level = which.get("level", LogFilter.ALL)
    lines = logs.page(name, level, page, size).lines
    return [int(line.partition("\n")[0].rpartition(" ")[2]) for line in lines]


def test_page_one_has_the_newest_and_ends_with_it(logs: LogFiles) -> None:
    """Section 13."""
    logs.append([entry(n) for n in range(10)])

    assert numbers(logs, 1, 3) == [7, 8, 9]
    assert numbers(logs, 2, 3) == [4, 5, 6]
    assert numbers(logs, 4, 3) == [0]
    assert numbers(logs, 5, 3) == []


def test_record_is_given_with_its_fields(logs: LogFiles) -> None:
    """Its line, and its line of JSON."""
    logs.append([entry(1), entry(2)])

    assert logs.page(LogFile.COMBINED, LogFilter.ALL, 1, 1) == ([text(2)], 2)


def test_log_without_records_has_an_empty_page(logs: LogFiles) -> None:
    """And none in all."""
    assert logs.page(LogFile.COMBINED, LogFilter.ALL, 1, 50) == NOTHING


def test_level_means_exactly_that_level(logs: LogFiles) -> None:
    """Counted and paged as if there were no others."""
    levels = [Level.INFO, Level.ERROR, Level.DEBUG, Level.WARN, Level.ERROR]
    logs.append([entry(n, level) for n, level in enumerate(levels)])
    page = logs.page(LogFile.COMBINED, LogFilter.ERROR, 1, 1)

    assert page == ([text(4, Level.ERROR)], 2)
    assert numbers(logs, 2, 1, level=LogFilter.ERROR) == [1]
    assert numbers(logs, 1, 9, level=LogFilter.WARN) == [3]
    assert numbers(logs, 1, 9, level=LogFilter.INFO) == [0]
    assert numbers(logs, 1, 9) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("name", "own"),
    [(LogFile.ERROR, [1]), (LogFile.WARN, [2]), (LogFile.INFO, [3])],
)
def test_level_file_holds_its_level_alone(
    logs: LogFiles, name: LogFile, own: list[int]
) -> None:
    """Asked for another level, it has nothing."""
    levels = [Level.DEBUG, Level.ERROR, Level.WARN, Level.INFO]
    logs.append([entry(n, level) for n, level in enumerate(levels)])
    other = LogFilter.WARN if name is LogFile.ERROR else LogFilter.ERROR

    assert numbers(logs, 1, 9, name=name) == own
    assert numbers(logs, 1, 9, name=name, level=LogFilter(name.value[:-4])) == own
    assert logs.page(name, other, 1, 9) == NOTHING


def test_pages_go_on_in_rotated_files(tmp_path: Path) -> None:
    """Newest first, without a gap."""
    logs = files(tmp_path, size=3 * len(entry(0).text))
    for number in range(8):
        logs.append([entry(number)])

    assert sorted(path.name for path in tmp_path.glob("combined*")) == [
        "combined.log",
        "combined.log.1",
        "combined.log.2",
    ]
    assert numbers(logs, 1, 100) == list(range(8))
    assert numbers(logs, 2, 3) == [2, 3, 4]
    assert numbers(logs, 3, 3, level=LogFilter.INFO) == [0, 1]
    logs.close()


def test_one_batch_may_fill_several_files(tmp_path: Path) -> None:
    """No file is larger than it may be."""
    size = 3 * len(entry(0).text)
    logs = files(tmp_path, size=size, number=100)
    logs.append([entry(number) for number in range(10)])

    assert numbers(logs, 1, 100) == list(range(10))
    assert max(path.stat().st_size for path in tmp_path.glob("combined*")) <= size
    logs.close()


def test_oldest_file_goes_when_there_are_too_many(tmp_path: Path) -> None:
    """With its indices; the current one counts."""
    logs = files(tmp_path, size=3 * len(entry(0).text), number=2)
    for number in range(8):
        logs.append([entry(number)])
    left = [path.name for path in (tmp_path / "index").glob("combined.log.1.*")]

    assert numbers(logs, 1, 100) == [3, 4, 5, 6, 7]
    assert left == []
    logs.close()


def test_numbers_of_rotated_files_go_on_after_a_restart(tmp_path: Path) -> None:
    """The highest is the newest, also beyond nine."""
    size = len(entry(10).text)
    for number in range(10, 23):
        logs = files(tmp_path, size=size, number=100)
        logs.append([entry(number)])
        logs.close()
    logs = files(tmp_path, size=size, number=100)

    assert numbers(logs, 1, 100) == list(range(10, 23))
    logs.close()


@pytest.mark.parametrize("level", [LogFilter.ALL, LogFilter.ERROR])
def test_long_log_costs_as_much_to_read_as_a_short_one(
    tmp_path: Path, level: LogFilter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted in bytes that are read, not in seconds."""
    read = 0

    def counted(file: Any, start: int, length: int) -> bytes:
        nonlocal read
        file.seek(start)
        found: bytes = file.read(length)
        read += len(found)
        return found

    def cost(folder: Path, records: int) -> int:
        nonlocal read
        logs = files(folder)
        logs.append(
            [
                padded(n, Level.ERROR if n % 10 == 0 else Level.INFO)
                for n in range(1_000_000, 1_000_000 + records)
            ]
        )
        read = 0
        assert len(logs.page(LogFile.COMBINED, level, 1, 10).lines) == 10
        logs.close()
        return read

    monkeypatch.setattr(segment, "read_at", counted)
    short, long = cost(tmp_path / "short", 100), cost(tmp_path / "long", 50_000)

    assert (tmp_path / "long" / "combined.log").stat().st_size > 50_000 * KILOBYTE
    assert long == short
    assert long < 10 * 2 * KILOBYTE


def padded(number: int, level: Level) -> Entry:
    """A record of a good kilobyte."""
    short = entry(number, level)
    return Entry(level, short.text.replace(b" [", b" " * KILOBYTE + b" [", 1))
