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


# -- looked through


def found(logs: LogFiles, text: str, page: int = 1, size: int = 100) -> list[str]:
    """The messages of the records that hold a text."""
    lines = logs.page(LogFile.COMBINED, LogFilter.ALL, page, size, text).lines
    return [line.partition("\n")[0].partition("]: ")[2] for line in lines]


def said(*messages: str) -> list[Entry]:
    """Records that say something, the last of them with fields."""
    head = "2026-01-01 00:00:00 [info] [test] [SERVER_START]: "
    entries = [Entry(Level.INFO, f"{head}{each}\n".encode()) for each in messages[:-1]]
    last = f'{head}{messages[-1]}\n{{"who":"Zoë 酒"}}\n'
    return [*entries, Entry(Level.INFO, last.encode())]


def test_records_are_found_by_any_text_in_them_whatever_its_case(
    logs: LogFiles,
) -> None:
    """In the line and in the fields; nothing in the text means more than itself."""
    logs.append(said("one ale", "two ALES", "a (b)*", "done"))

    assert found(logs, "ale") == ["one ale", "two ALES"]
    assert found(logs, "ALE") == ["one ale", "two ALES"]
    assert found(logs, "(B)*") == ["a (b)*"]
    assert found(logs, "ZOË 酒") == ["done"]
    assert found(logs, "server_start") == ["one ale", "two ALES", "a (b)*", "done"]
    assert found(logs, "none of it") == []


def test_what_is_found_has_pages_and_a_number(logs: LogFiles) -> None:
    """As without a search: page 1 the newest, the newest last."""
    logs.append(said(*(f"{'ale' if n % 2 else 'gin'} {n}" for n in range(2_000)), "x"))
    page = logs.page(LogFile.COMBINED, LogFilter.ALL, 2, 3, "ale")

    assert found(logs, "ale", 1, 3) == ["ale 1995", "ale 1997", "ale 1999"]
    assert found(logs, "ale", 2, 3) == ["ale 1989", "ale 1991", "ale 1993"]
    assert found(logs, "ale", 400, 3) == []
    assert page.total == 1_000


def test_level_counts_where_texts_are_looked_for(logs: LogFiles) -> None:
    """Those of one level may be far from each other."""
    levels = [Level.WARN if n % 100 == 0 else Level.INFO for n in range(1_000)]
    logs.append([entry(n, level) for n, level in enumerate(levels)])
    page = logs.page(LogFile.COMBINED, LogFilter.WARN, 1, 2, '"n":')

    assert page.total == 10
    assert page.lines == [text(800, Level.WARN), text(900, Level.WARN)]


def test_records_far_from_each_other_are_found_one_by_one(
    logs: LogFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is between them is not read."""
    logs.append(
        [entry(n, Level.WARN if n in {3, 70} else Level.INFO) for n in range(99)]
    )
    monkeypatch.setattr(segment, "WIDEST", 100)
    page = logs.page(LogFile.COMBINED, LogFilter.WARN, 1, 9, "N")

    assert page.lines == [text(3, Level.WARN), text(70, Level.WARN)]


def test_files_that_the_log_was_rotated_to_are_looked_through(tmp_path: Path) -> None:
    """The newest first."""
    rotating = files(tmp_path, size=KILOBYTE, number=100)
    for number in range(200):
        rotating.append([entry(number)])
    page = rotating.page(LogFile.COMBINED, LogFilter.ALL, 1, 3, '"n":1')
    rotating.close()

    assert page.total == 111
    assert page.lines == [text(197), text(198), text(199)]
