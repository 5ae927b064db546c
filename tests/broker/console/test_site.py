"""The files of the console, and none besides."""

from __future__ import annotations

from pathlib import Path

import pytest

from broker.console.site import find, folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A page and what is around it."""
    (tmp_path / "secret.js").write_text("nobody may see this")
    root = tmp_path / "web"
    (root / "app").mkdir(parents=True)
    for name in ("index.html", "main.js", "app/link.js", ".env.js", "notes.md", "x.py"):
        (root / name).write_text("x")
    (root / "leak.js").symlink_to("../secret.js")
    (root / "out").symlink_to("..")
    return root


@pytest.mark.parametrize("name", ["index.html", "main.js", "app/link.js"])
def test_files_of_the_page_are_found(root: Path, name: str) -> None:
    """By their names."""
    assert find(root, name) == root / name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "app",
        "app/",
        "nothing.js",
        "../secret.js",
        "app/../../secret.js",
        "./main.js",
        "app//link.js",
        "/etc/hosts",
        "..\\secret.js",
        "main.js\0",
        "main.js\n",
        "%2e%2e/secret.js",
        "leak.js",
        "out/secret.js",
        ".env.js",
        "notes.md",
        "x.py",
        "MAIN.JS/",
        "C:/secret.js",
    ],
    ids=repr,
)
def test_nothing_else_is(root: Path, name: str) -> None:
    """No folder, no other kind of file, nothing hidden, and no way out."""
    assert find(root, name) is None


def test_the_page_is_where_this_installation_has_it() -> None:
    """In a checkout beside the packages."""
    root = folder()

    assert find(root, "index.html") is not None
