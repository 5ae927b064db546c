"""The search for keys finds what it is for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import secrets
from tests.secrets import search

SECRET = "s-_" * 14 + "s"
KEY = f"tap_0123456789abcdef_{SECRET}"
TOKEN = "t" * 43


@pytest.fixture(autouse=True)
def _nothing_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the keys that other tests have heard."""
    monkeypatch.setattr(secrets, "_heard", set())


@pytest.mark.parametrize(
    "line",
    [
        f"a key was made: {KEY}",
        f"half of one: {SECRET}",
        f"with something before it: xx{SECRET}",
        f"a link: {TOKEN}",
        "tap_0123456789ab_" + "q" * 43,
        "$2b$10$" + "h" * 53,
    ],
)
@pytest.mark.parametrize("name", ["data/logs/combined.log.3", "stderr"])
def test_key_in_a_log_is_found(tmp_path: Path, name: str, line: str) -> None:
    """Whole or only its secret, known or only of the form; a link; a hash."""
    folder = tmp_path / "suite"
    log = folder / name
    log.parent.mkdir(parents=True)
    log.write_text(f"one line\n{line}\n")
    (folder / "stdout").write_text(f"http://127.0.0.1:4000/#sign-in={TOKEN}\n")
    seen = tmp_path / "seen_keys"
    seen.write_text(f"{KEY}\n")
    found = search(folder, seen)
    log.unlink()

    assert found.leaks
    assert (found.secrets, found.logs) == (2, 1)


def test_public_part_of_a_key_is_no_secret(tmp_path: Path) -> None:
    """Operators find keys by it."""
    (tmp_path / "stderr").write_text("tap_0123456789abcdef_… was made\n")
    seen = tmp_path / "seen_keys"
    seen.write_text(f"{KEY}\n")

    assert search(tmp_path, seen).leaks == []
