"""Spans of time as people write them."""

from __future__ import annotations

import pytest

from broker.cli.duration import seconds
from broker.start import StartError


@pytest.mark.parametrize(
    ("text", "span"), [("45s", 45), ("90m", 5_400), ("24h", 86_400), ("30d", 2_592_000)]
)
def test_span_has_a_number_and_a_unit(text: str, span: int) -> None:
    """Seconds, minutes, hours, days."""
    assert seconds(text) == span


@pytest.mark.parametrize("text", ["", "30", "d", "-1d", "1.5h", "30d ", "٣d", "1w"])
def test_what_is_no_span_is_refused(text: str) -> None:
    """With how to write one."""
    with pytest.raises(StartError, match="write it like 30d, 24h, 90m or 45s"):
        seconds(text)


def test_span_ends_at_ten_years() -> None:
    """Beyond it, a key is meant to have no end."""
    assert seconds("3650d") > 0
    with pytest.raises(StartError, match="longer than ten years"):
        seconds("3651d")
