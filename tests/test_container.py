"""What the container is built of, as far as that can be told without building it.

That it runs so is tried by ``tests/torture/test_read_only_root.py``.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
CONTAINERFILE: Final = (ROOT / "Containerfile").read_text("utf-8")
IGNORED: Final = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
COPY: Final = re.compile(r"^COPY (?!--)(.+) \S+$", re.MULTILINE)
PACKAGE_DIRECTORY: Final = re.compile(r'"tapster_\w+": "(\w+)"')


def copied() -> set[str]:
    """The files and folders that the image is built of."""
    return set(" ".join(COPY.findall(CONTAINERFILE)).split())


def test_only_what_is_copied_is_sent_to_the_builder() -> None:
    """Settings, keys and data lie in the same folder, and node_modules."""
    let_through = {line.removeprefix("!") for line in IGNORED if line.startswith("!")}

    assert "*" in IGNORED
    assert let_through == copied()
    assert [name for name in let_through if not (ROOT / name).exists()] == []


def test_all_that_the_wheel_is_made_of_is_copied() -> None:
    """Its packages, the folders of JavaScript in it, and what its metadata name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    folders = PACKAGE_DIRECTORY.findall((ROOT / "setup.py").read_text("utf-8"))

    assert {"actors", "broker", "setup.py", "pyproject.toml", *folders} <= copied()
    assert {project["readme"], *project["license-files"]} <= copied()
    assert len(folders) == 2


def test_it_is_not_root() -> None:
    """By number, so that whoever runs it can see that."""
    users = re.findall(r"^USER (\d+):(\d+)$", CONTAINERFILE, re.MULTILINE)

    assert users
    assert "0" not in users[-1]
