"""How well instances answer."""

from __future__ import annotations

from broker.console.performance import (
    FIRST_TOKENS,
    MOST_INSTANCES,
    Performance,
    Performances,
)


def test_time_to_first_token_is_the_median_of_the_last() -> None:
    """In milliseconds; a slow start long ago is forgotten."""
    performance = Performance()
    before = performance.time_to_first_token
    performance.first_tokens.extend([60.0] * FIRST_TOKENS)
    performance.first_tokens.extend([0.25] * FIRST_TOKENS)

    assert before is None
    assert performance.time_to_first_token == 250


def test_instance_unheard_of_longest_is_forgotten() -> None:
    """Names come and go for as long as the broker runs."""
    performances = Performances()
    performances.of("first").completed = 1
    performances.of("second").completed = 2
    performances.of("first")
    for number in range(MOST_INSTANCES - 1):
        performances.of(f"bar-{number}")

    assert performances.of("first").completed == 1
    assert performances.of("second").completed == 0
