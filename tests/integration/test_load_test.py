"""``scripts/load_test.py`` against a real broker."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from .harness import PROJECT, StartBroker

TIMEOUT = 60


def load_test(url: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run it as users do."""
    script = str(PROJECT / "scripts" / "load_test.py")
    return subprocess.run(  # noqa: S603 - our own script
        [sys.executable, script, "--url", url, *options],
        check=False,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        cwd=PROJECT,
    )


@pytest.mark.parametrize("rate", ["0", "200"])
def test_every_chunk_arrives_and_is_summed_up(
    start_broker: StartBroker, tmp_path: Path, rate: str
) -> None:
    """Flat out and at a pace: orders, chunks, percentiles; and all of it as JSON."""
    broker = start_broker({"load-test": {}})
    summary = tmp_path / "summary.json"
    numbers = ("--clients", "4", "--instances", "2", "--orders", "2", "--chunks", "30")

    done = load_test(broker.url, *numbers, "--rate", rate, "--json", str(summary))

    assert done.returncode == 0, done.stderr
    read: dict[str, Any] = json.loads(summary.read_text())
    assert read["orders"] == {"completed": 8, "failed": 0}
    assert read["chunks"] == {"expected": 240, "arrived": 240}
    latency = read["latencyMs"]
    assert 0 < latency["p50"] <= latency["p90"] <= latency["p99"] <= latency["max"]
    assert "240 of 240" in done.stdout


def test_broker_that_is_not_there_is_named() -> None:
    """With what to do about it, and no traceback."""
    done = load_test("http://127.0.0.1:9")

    assert done.returncode == 1
    assert "http://127.0.0.1:9" in done.stderr
    assert "--url" in done.stderr
    assert "Traceback" not in done.stderr


def test_client_that_is_not_trusted_is_told_how_to_be(
    start_broker: StartBroker,
) -> None:
    """The broker's own words, as they say what to type."""
    done = load_test(start_broker({}).url, "--clients", "1")

    assert done.returncode == 1
    assert "tapster clients trust load-test" in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
