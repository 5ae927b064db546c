"""What a crash leaves, and how it is mended."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from broker.logs.record import Entry, Level
from broker.logs.segment import ALL, WIDTH, OpenSegment, Segment

from .books import entry, text

KINDS = (ALL, *Level)
WRITTEN = [Level.INFO, Level.ERROR, Level.INFO, Level.WARN]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file with four records, closed in peace."""
    path = tmp_path / "combined.log"
    opened = OpenSegment(path, KINDS)
    opened.append([entry(n, level) for n, level in enumerate(WRITTEN)])
    opened.close()
    return path


def index(path: Path, kind: str = ALL) -> Path:
    """The index of a kind."""
    return path.parent / "index" / f"{path.name}.{kind}"


def everything(path: Path) -> dict[str, list[str]]:
    """All records by kind, as they are after the next opening."""
    OpenSegment(path, KINDS).close()
    found = Segment(path, KINDS)
    return {kind: found.read(kind, 0, found.count(kind)) for kind in KINDS}


def test_index_has_eight_bytes_a_record(path: Path) -> None:
    """For all, and for each level."""
    sizes = {kind: index(path, kind).stat().st_size // WIDTH for kind in KINDS}

    assert sizes == {"all": 4, "debug": 0, "info": 2, "warn": 1, "error": 1}


def cut(path: Path, size: int, *kinds: str) -> None:
    """Cut bytes off the end of a file, and of the same index of other kinds."""
    for each in (path, *(path.with_suffix(f".{kind}") for kind in kinds)):
        with each.open("ab") as file:
            file.truncate(each.stat().st_size - size)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "nothing": lambda _: None,
    "an index is missing": lambda path: index(path).unlink(),
    "an index of a level is missing": lambda path: index(path, "info").unlink(),
    "all indices are missing": lambda path: shutil.rmtree(path.parent / "index"),
    "an index is shorter": lambda path: cut(index(path), WIDTH),
    "an index of a level is shorter": lambda path: cut(index(path, "warn"), WIDTH),
    "all indices are shorter": lambda path: cut(index(path), WIDTH, "warn"),
    "an index ends within a number": lambda path: cut(index(path), 3),
    "an index is longer": lambda path: index(path).write_bytes(
        index(path).read_bytes() * 2
    ),
    "an index is another's": lambda path: index(path).write_bytes(b"\x07" * 32),
    "an index is empty": lambda path: index(path).write_bytes(b""),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_indices_are_mended_from_the_file(
    path: Path, damage: Callable[[Path], object]
) -> None:
    """Whatever has become of them."""
    damage(path)
    found = everything(path)

    assert found[ALL] == [text(n, level) for n, level in enumerate(WRITTEN)]
    assert found["info"] == [text(0), text(2)]
    assert found["error"] == [text(1, Level.ERROR)]
    assert found["warn"] == [text(3, Level.WARN)]


def test_only_what_is_new_is_looked_at(path: Path) -> None:
    """A long log is not read from its start for the records of its last second."""
    before = index(path).stat().st_ino, index(path).read_bytes()
    with path.open("ab") as file:
        file.write(entry(4).text)
    found = everything(path)

    assert found[ALL][-1] == text(4)
    assert index(path).stat().st_ino == before[0]
    assert index(path).read_bytes()[: len(before[1])] == before[1]


def test_record_that_was_cut_off_does_not_swallow_the_next(path: Path) -> None:
    """A process was killed while it wrote."""
    cut(path, len(entry(3).text) // 2)
    opened = OpenSegment(path, KINDS)
    opened.append([entry(4)])
    opened.close()
    found = everything(path)

    assert found[ALL][-1] == text(4)
    assert found[ALL][:3] == [text(n, level) for n, level in enumerate(WRITTEN[:3])]


def test_file_without_a_single_record_is_no_obstacle(tmp_path: Path) -> None:
    """Somebody else's, or zeros that a power cut left."""
    path = tmp_path / "combined.log"
    path.write_bytes(b"\0" * 200_000)
    opened = OpenSegment(path, KINDS)
    opened.append([entry(1)])
    opened.close()

    assert everything(path)[ALL] == [text(1)]


@pytest.mark.parametrize(
    "change",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.unlink(),
        lambda path: path.rename(path.with_name("elsewhere")),
    ],
    ids=["emptied", "deleted", "moved"],
)
def test_file_that_somebody_changes_meanwhile_is_begun_anew(
    tmp_path: Path, change: Callable[[Path], object]
) -> None:
    """As ``logrotate`` does; what was written since can be read."""
    path = tmp_path / "combined.log"
    opened = OpenSegment(path, KINDS)
    opened.append([entry(1)])
    change(path)
    opened.append([entry(2)])

    assert opened.read(ALL, 0, opened.count(ALL)) == [text(2)]
    opened.close()


def test_what_could_not_be_written_is_mended_with_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk was full between a record and its index."""
    opened = OpenSegment(tmp_path / "combined.log", KINDS)
    opened.append([entry(1)])
    writes = 0

    def write(file: object, data: bytes) -> None:
        nonlocal writes
        writes += 1
        if writes > 1:
            raise OSError("no space left")
        file.write(data)  # type: ignore[attr-defined]

    with monkeypatch.context() as full:
        full.setattr("broker.logs.segment._write", write)
        with pytest.raises(OSError, match="no space"):
            opened.append([entry(2)])
    opened.append([Entry(Level.ERROR, entry(3, Level.ERROR).text)])

    assert opened.read(ALL, 0, opened.count(ALL)) == [
        text(1),
        text(2),
        text(3, Level.ERROR),
    ]
    assert opened.read("info", 0, opened.count("info")) == [text(1), text(2)]
    opened.close()
