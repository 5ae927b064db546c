"""The figures of the status page."""

from __future__ import annotations

from pathlib import Path

import pytest

from broker.gateway import status
from broker.gateway.status import resident_bytes


def test_memory_is_what_the_process_has() -> None:
    """Python with our libraries, and less than a gigabyte of it."""
    found = resident_bytes()

    assert found is not None
    assert 10 << 20 < found < 1 << 30


def test_memory_is_the_peak_where_the_system_tells_only_that(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """There is no /proc on macOS."""
    now = resident_bytes()
    monkeypatch.setattr(status, "_STATM", tmp_path / "none")
    peak = resident_bytes()

    assert now is not None
    assert peak is not None
    assert peak >= now // 2
