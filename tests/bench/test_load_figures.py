"""What ``scripts/load_test.py`` makes of what comes."""

from __future__ import annotations

from load_test import Figures, Reading, chunk_text, percentiles


def test_joined_and_cut_chunks_are_told_apart() -> None:
    """Brokers join chunks for slow readers."""
    figures = Figures(expected=3)
    text = "".join(chunk_text(0.0, 32) for _ in range(3))
    reading = Reading(figures, 32)

    for piece in (text[:40], text[40:41], text[41:]):
        reading.take(piece)

    assert len(figures.latencies) == 3
    assert len(figures.first_chunks) == 1


def test_percentiles_are_in_milliseconds() -> None:
    """And those of nothing are nothing."""
    assert percentiles([]) is None
    assert percentiles([0.002, 0.001]) == {"p50": 2, "p90": 2, "p99": 2, "max": 2}
