"""What was taken from npm: its licences, and no trace of where it was built."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
VENDOR = ROOT / "broker" / "http" / "vendor"
README = (VENDOR / "README.md").read_text(encoding="utf-8")
SCRIPTS = sorted(VENDOR.glob("*.js"))

ROW = re.compile(r"^\| \[(\S+)\]\((\S+)\) \| (\S+) \| (.+) \| (\S+) \|$", re.MULTILINE)
ROWS = ROW.findall(README)

BUILDER = ROOT / "scripts" / "vendor"
WRITTEN = [*VENDOR.rglob("*.*"), BUILDER / "package-lock.json"]


def name_of(path: Path) -> str:
    """A file as people speak of it."""
    return path.name


@pytest.mark.parametrize("path", SCRIPTS, ids=name_of)
def test_every_file_is_listed_with_its_packages(path: Path) -> None:
    """What is inside, in which version, under which licence."""
    section = README.partition(f"## {path.name}\n")[2].partition("\n## ")[0]

    assert ROW.search(section)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]}-{row[2]}")
def test_every_package_has_its_licence_beside_it(row: tuple[str, ...]) -> None:
    """The text, not the name alone."""
    name, source, version, licence, text = row

    assert source == f"https://www.npmjs.com/package/{name}/v/{version}"
    assert licence
    assert (VENDOR / "licences" / text).read_text(encoding="utf-8").strip()


def test_every_licence_is_of_a_listed_package() -> None:
    """None is left over from another version."""
    licences = {path.name for path in (VENDOR / "licences").iterdir()}

    assert licences == {row[4] for row in ROWS}


@pytest.mark.parametrize("path", WRITTEN, ids=name_of)
def test_nothing_tells_where_it_was_built(path: Path) -> None:
    """No path of a machine, no address of a registry."""
    text = path.read_text(encoding="utf-8")

    assert str(ROOT) not in text
    assert '"resolved"' not in text
    assert "sourceMappingURL=data:" not in text


def test_the_client_is_the_one_that_the_tests_use() -> None:
    """Or what is served would be another than what is tested."""
    tested = ROOT / "tests" / "integration" / "js" / "package-lock.json"
    pattern = r'"node_modules/socket\.io-client": \{\s+"version": "([\d.]+)"'
    found = re.search(pattern, tested.read_text(encoding="utf-8"))

    assert found is not None
    assert ("socket.io-client", found[1]) in {(row[0], row[2]) for row in ROWS}
