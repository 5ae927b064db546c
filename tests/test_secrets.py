"""The search for keys finds what it is for."""

from __future__ import annotations

import subprocess
import sys
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
@pytest.mark.parametrize("name", ["data/logs/combined.log.3", "crowd.log", "stderr"])
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

    (leak,) = found.leaks
    assert leak.startswith(f"{log}:2: ")
    assert not any(secret in leak for secret in (SECRET, TOKEN, "q" * 43, "h" * 53))
    assert (found.secrets, found.logs) == (2, 2)


def test_public_part_of_a_key_is_no_secret(tmp_path: Path) -> None:
    """Operators find keys by it."""
    (tmp_path / "stderr").write_text("tap_0123456789abcdef_… was made\n")
    seen = tmp_path / "seen_keys"
    seen.write_text(f"{KEY}\n")

    assert search(tmp_path, seen).leaks == []


def test_link_is_for_stdout_and_a_key_is_not(tmp_path: Path) -> None:
    """The operator is told the link there, once and as a link."""
    stdout = tmp_path / "stdout"
    stdout.write_text(f"http://127.0.0.1:4000/#sign-in={TOKEN}\n")
    once = search(tmp_path, tmp_path / "none")
    stdout.write_text(f"http://127.0.0.1:4000/#sign-in={TOKEN}\n{TOKEN}\n{KEY}\n")
    more = search(tmp_path, tmp_path / "none")
    stdout.unlink()

    assert (once.secrets, once.leaks) == (1, [])
    assert more.leaks == [f"{stdout}:2: …", f"{stdout}:3: tap_0123456789abcdef_…"]


def test_secret_that_is_part_of_another_leaves_nothing_of_it(tmp_path: Path) -> None:
    """Whichever of the two is looked for first."""
    log, seen = tmp_path / "stderr", tmp_path / "seen_keys"
    parts = [SECRET[:size] for size in range(22, 43)]
    seen.write_text("".join(f"tap_0123456789abcdef_{x}\n" for x in [*parts, SECRET]))
    log.write_text(f"here: {SECRET}\n")
    found = search(tmp_path, seen)
    log.unlink()

    assert found.leaks == [f"{log}:1: here: …"]


@pytest.mark.parametrize(
    ("logs", "known", "code", "said"),
    [
        ({"stderr": "nothing\n"}, KEY, 0, "1 keys and links looked for in 1 logs"),
        ({"stderr": f"{SECRET}\n"}, KEY, 1, "/stderr:1: …"),
        ({}, KEY, 1, "nobody has looked"),
        ({"stderr": "nothing\n"}, "", 1, "nobody knows what to look for"),
    ],
    ids=["none found", "one found", "no log", "no key"],
)
def test_suites_in_node_are_told_what_was_found(
    tmp_path: Path, logs: dict[str, str], known: str, code: int, said: str
) -> None:
    """By the exit code; what was not looked for or into was not searched."""
    folder, seen = tmp_path / "house", tmp_path / "seen_keys"
    folder.mkdir()
    seen.write_text(f"{known}\n")
    for name, text in logs.items():
        (folder / name).write_text(text)
    done = subprocess.run(  # noqa: S603 (our own command line)
        [sys.executable, "-m", "tests.secrets", str(folder), str(seen)],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        check=False,
        encoding="utf-8",
    )

    assert done.returncode == code
    assert said in done.stdout
    assert SECRET not in done.stdout
