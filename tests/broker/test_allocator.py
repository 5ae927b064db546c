"""What becomes of large pieces of memory that are freed."""

from __future__ import annotations

import ctypes
import platform
import subprocess
import sys
from typing import Final

import pytest

from broker.allocator import give_back_large_pieces

MIB: Final = 1024 * 1024

PROGRAM: Final = """
import sys
from pathlib import Path
from broker.allocator import give_back_large_pieces

def memory():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

if sys.argv[1:]:
    assert give_back_large_pieces()
bytearray(1 << 20)  # freed: from here on glibc would map nothing smaller by itself
before = memory()
small, large = [], []
for _ in range(200):
    large.append(bytes(200_000))
    small.append(bytes(2_000))
large.clear()
print(memory() - before)
"""
"""Tells how much it has more than before, when all that was large is free again."""


def left(*told: str) -> int:
    """What it says."""
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", PROGRAM, *told], capture_output=True, check=True
    )
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="there is no glibc here")
def test_large_pieces_go_back_when_they_are_freed() -> None:
    """Without being told, glibc keeps all of them below the last small one."""
    assert left("told") < 4 * MIB
    assert left() > 16 * MIB


@pytest.mark.parametrize("system", ["darwin", "win32"])
def test_other_systems_are_left_alone(
    monkeypatch: pytest.MonkeyPatch, system: str
) -> None:
    """Nothing is loaded there, and nothing called."""
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.delattr(ctypes, "CDLL")

    assert not give_back_large_pieces()


def test_other_c_libraries_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """As musl, which has neither that function nor ``mallopt``."""
    monkeypatch.setattr(ctypes, "CDLL", lambda _name: object())

    assert not give_back_large_pieces()
