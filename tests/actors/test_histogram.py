"""Values in buckets."""

from __future__ import annotations

import math

from actors.histogram import Histogram


def test_value_counts_for_every_bound_that_it_does_not_exceed() -> None:
    """The bound itself is still within."""
    seen = Histogram([1.0, 2.0])
    for value in (0.5, 1.0, 1.5, 3.0):
        seen.observe(value)

    assert seen.cumulative() == [(1.0, 2), (2.0, 3), (math.inf, 4)]
    assert (seen.count, seen.total) == (4, 6.0)


def test_histogram_begins_empty() -> None:
    """With all its bounds: what is not there has no rate."""
    assert Histogram([1.0]).cumulative() == [(1.0, 0), (math.inf, 0)]
