"""The table of faults and attacks in ``docs/security.md`` names what there is.

Names only, as in ``test_docs``: the tests it leads to, and the metrics it says one sees
them in. That they show what it says, their readers have to see.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.broker.metrics.test_dashboard import SUFFIXES, exported

__all__ = ["exported"]

ROOT: Final = Path(__file__).parents[1]
DOCUMENT: Final = ROOT / "docs" / "security.md"
NUMBERS: Final = range(1, 20)
ROW: Final = re.compile(r"^\| (\d+) \| (.+) \|$", re.MULTILINE)
LINK: Final = re.compile(r"\]\(([^)]+\.py)\)")
METRIC: Final = re.compile(r"`((?:tapster|process)_\w+)`")


def rows() -> dict[int, list[str]]:
    """The cells of each row, by its number."""
    text = DOCUMENT.read_text("utf-8")
    section = text.partition("\n## What is tried\n")[2].partition("\n## ")[0]
    return {int(number): cells.split(" | ") for number, cells in ROW.findall(section)}


def files_of(cells: list[str]) -> set[Path]:
    """The files that a row leads to."""
    return {(DOCUMENT.parent / link).resolve() for link in LINK.findall(cells[2])}


def has_tests(path: Path) -> bool:
    """Whether pytest would find anything in a file."""
    tree = ast.parse(path.read_text("utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return any(isinstance(x, kinds) and x.name.startswith("test_") for x in tree.body)


def measuring() -> Iterator[tuple[int, Path]]:
    """The numbers that figures are noted under, and the files that do."""
    for path in (ROOT / "tests").rglob("test_*.py"):
        for each in ast.walk(ast.parse(path.read_text("utf-8"))):
            match each:
                case ast.Call(
                    func=ast.Name("measured"), args=[ast.Constant(int(number)), *_]
                ):
                    yield number, path
                case _:
                    pass


def test_table_has_every_number_once() -> None:
    """One to nineteen; the report has them too."""
    text = DOCUMENT.read_text("utf-8").partition("\n## What is tried\n")[2]
    section = text.partition("\n## ")[0]

    assert [int(number) for number, _ in ROW.findall(section)] == [*NUMBERS]


def test_every_row_leads_to_tests() -> None:
    """At least one file each, and none without a test but the scripts."""
    found = {number: files_of(cells) for number, cells in rows().items()}
    tests = {
        number: [path for path in paths if path.parent != ROOT / "scripts"]
        for number, paths in found.items()
    }

    assert all(path.is_file() for paths in found.values() for path in paths)
    assert [number for number, paths in tests.items() if not paths] == []
    assert [
        path for paths in tests.values() for path in paths if not has_tests(path)
    ] == []


def test_row_leads_to_all_that_note_figures_under_its_number() -> None:
    """Whoever reads the report finds what has measured it."""
    table = {number: files_of(cells) for number, cells in rows().items()}
    found = set(measuring())

    assert found
    assert [(n, path.name) for n, path in sorted(found) if path not in table[n]] == []


def test_every_row_names_metrics_that_there_are(exported: dict[str, str]) -> None:
    """As Prometheus stores them: counters with their ending."""
    metrics = {
        name if kind != "counter" else f"{name}{SUFFIXES[kind][0]}"
        for name, kind in exported.items()
    }
    named = {number: METRIC.findall(cells[3]) for number, cells in rows().items()}

    assert [number for number, names in named.items() if not names] == []
    assert {name for names in named.values() for name in names} - metrics == set()
