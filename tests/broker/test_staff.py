"""The staff: who ends with the house, and with whom the house ends."""

from __future__ import annotations

import asyncio

import pytest

from broker.chaos import Fault
from broker.staff import StaffLostError, employed, staffed
from tests.actors.recording import ENOUGH, MS, Bar, Neighbour


async def test_staff_is_stopped_in_the_end_whatever_happened() -> None:
    """A start that fails half-way leaves no actor behind."""
    neighbour = Neighbour()

    async def run() -> None:
        async with employed(neighbour.ref) as ref:
            assert ref.is_alive()
            raise OSError("no room")

    with pytest.raises(OSError, match="no room"):
        await run()

    assert not neighbour.ref.is_alive()


async def test_process_ends_when_one_of_the_staff_has_crashed() -> None:
    """A house without its hall answers nobody: whoever runs it starts it again."""
    hall = Bar().house.hall

    async def run() -> None:
        async with asyncio.timeout(ENOUGH), staffed({"hall": hall}, every=MS):
            hall.tell(Fault())
            await asyncio.Event().wait()

    with pytest.raises(StaffLostError, match=r"^hall crashed"):
        await run()


async def test_staff_that_lives_is_left_alone() -> None:
    """Who is told to stop stops in peace."""
    async with staffed({"anybody": Neighbour().ref}, every=MS):
        pass
