"""Many clients that come back when their grace time is over."""

from __future__ import annotations

from collections import Counter
from typing import Final

import pytest

from actors.lifecycle import RequestState
from tests.integration.cable import careless, forgotten
from tests.integration.harness import StartBroker
from tests.integration.test_late_return import (
    CACHES,
    HEARD,
    SILENCE,
    STORY,
    come_late,
)

from .report import measured

__all__ = ["forgotten"]

GUESTS: Final = 50


@careless
@pytest.mark.usefixtures("forgotten")
@pytest.mark.parametrize("companion", [True, False])
@pytest.mark.parametrize("cache", CACHES)
async def test_nobody_who_is_back_too_late_meets_silence(
    start_broker: StartBroker, cache: str, *, companion: bool
) -> None:
    """Section 7: the answer where others read on, else an error that says so."""
    guests = [f"guest-{number}" for number in range(GUESTS)]
    told = await come_late(start_broker, CACHES[cache], guests, companion=companion)
    slowest = max(one.seconds for one in told)
    ends = dict(Counter(one.status for one in told))
    others = "others read on" if companion else "nobody else"
    measured(
        4,
        f"{GUESTS} back too late ({others}, {cache}): {ends}, all told within "
        f"{1_000 * slowest:.0f} ms",
    )

    status = RequestState.COMPLETED if companion else RequestState.CANCELLED
    text = STORY if companion else "".join(HEARD)
    assert {(one.status, one.text) for one in told} == {(status, text)}
    assert slowest < SILENCE
