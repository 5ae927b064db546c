"""Clients that are cut off in the middle of answers, again and again."""

from __future__ import annotations

import asyncio
import time
from typing import Final

import pytest

from tests.integration.cable import careless, forgotten
from tests.integration.harness import StartBroker

from .evening import CUTS, guest_names, spend, tavern_names
from .report import measured

__all__ = ["forgotten"]

ANSWERS: Final = 500
GUESTS: Final = 20
ENOUGH: Final = 480.0
"""Seconds after which the whole try has failed."""


@careless
@pytest.mark.usefixtures("forgotten")
async def test_answers_cut_five_times_are_identical_and_nothing_is_doubled(
    start_broker: StartBroker,
) -> None:
    """Section 7: within the grace time, again and again."""
    own = start_broker({name: {} for name in guest_names(GUESTS) + tavern_names()})
    began = time.monotonic()
    async with asyncio.timeout(ENOUGH):
        evening = await spend(own.url, GUESTS, ANSWERS)
    took = time.monotonic() - began
    measured(
        3,
        f"{ANSWERS} answers, each cut {CUTS} times: {len(evening.different)} "
        f"differences, {evening.ended_twice} ended twice, {took:.0f} s",
    )

    assert evening.different == []
    assert evening.ended_twice == 0
