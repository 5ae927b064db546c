"""The database is damaged, locked or can not be written: people are told, and go on."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from .harness import PROJECT, Broker

PATIENCE: Final = 30.0
"""Seconds in which everything here must have happened."""
POLL: Final = 0.05
DATABASE: Final = "tapster.sqlite3"
HOUSE: Final[dict[str, dict[str, Any]]] = {
    "guest": {},
    "SillyTavern-1": {"clientType": "SillyTavern"},
}


def _start(root: Path, *, user: int | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "broker.cli", "serve", "--port", "0"]
    places = ["--settings", str(root / "settings"), "--data", str(root / "data")]
    return subprocess.run(  # noqa: S603 - our own command line
        [*command, *places],
        cwd=PROJECT,
        capture_output=True,
        check=False,
        encoding="utf-8",
        timeout=PATIENCE,
        user=user,
    )


@pytest.mark.parametrize("kept", [0, 4_096], ids=["all of it", "all but its head"])
async def test_a_damaged_file_is_refused_in_a_sentence_and_kept(
    tmp_path: Path, kept: int
) -> None:
    """Nobody loses a history to a start."""
    broker = Broker(tmp_path / "broker", clients=HOUSE)
    broker.start()
    broker.stop()
    path = broker.data / DATABASE
    sound = path.read_bytes()
    damaged = sound[:kept] + b"\xff" * (len(sound) - kept)
    path.write_bytes(damaged)
    done = await asyncio.to_thread(_start, broker.root)
    said = done.stderr.strip().splitlines()[-1]

    assert done.returncode == 1
    assert said.startswith("tapster: the database ")
    assert "the file is damaged" in said
    assert "Traceback" not in done.stderr
    assert path.read_bytes() == damaged
