"""Item 18: HTTP, asked by schemathesis for what ``docs/openapi.json`` describes."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from typing import Final

import pytest

from tests.integration.harness import PROJECT

from .report import measured

TOOL: Final = PROJECT / "build" / "fuzz" / "bin" / "schemathesis"
"""Where ``make torture`` and ``make fuzz-http`` install it."""
SECONDS: Final = 60
PATIENCE: Final = 300.0
TOLD: Final = re.compile(
    r"^.+: (\d+) operations, (\d+) requests, (\d+) failures$", re.MULTILINE
)
WAYS: Final = 3
"""From this machine, from elsewhere, and with a monitor's key."""


def test_every_answer_is_as_described_whatever_is_asked() -> None:
    """Whoever asks; no error in the broker's log, nor the key in any."""
    command = [sys.executable, "-m", "scripts.fuzz_http", str(TOOL)]
    begun = time.monotonic()
    done = subprocess.run(  # noqa: S603 (our own command line)
        [*command, "--seconds", str(SECONDS)],
        cwd=PROJECT,
        capture_output=True,
        check=False,
        encoding="utf-8",
        timeout=PATIENCE,
    )
    took = time.monotonic() - begun
    lines = list(TOLD.finditer(done.stdout))
    told = "; ".join(line[0] for line in lines) or done.stdout.strip()
    measured(18, f"schemathesis: {told}; exit {done.returncode}, {took:.0f} s")
    if done.stdout.startswith("SKIPPED"):
        pytest.skip(told)

    assert done.returncode == 0, done.stdout + done.stderr
    assert len(lines) == WAYS
    assert all(int(line[1]) and int(line[2]) for line in lines)
    assert all(line[3] == "0" for line in lines)
