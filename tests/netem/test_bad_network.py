"""Answers over a network that loses, delays and is cut."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import msgspec
import pytest

from actors.lifecycle import TERMINAL, RequestState
from tests.integration.conftest import start_broker
from tests.integration.harness import StartBroker
from tests.integration.test_ops import metrics
from tests.torture.evening import CUTS, Evening, guest_names, tavern_names
from tests.torture.report import measured

from .bad_line import DELAY, HERE, LOSS, NETWORK, BadLine

__all__ = ["start_broker"]

GUESTS: Final = 10
ANSWERS: Final = 20
OUTAGES: Final = (2.0, 6.0, 25.0)
"""Seconds of each; the last is longer than both ends wait for a sign of life."""
BETWEEN: Final = 10.0
SIGN_OF_LIFE: Final = 10
ENOUGH: Final = 900.0
OPEN: Final = [state for state in RequestState if state not in TERMINAL]


@pytest.fixture(autouse=True)
def _own_network() -> None:
    if "TAPSTER_NETEM" not in os.environ:
        pytest.fail("run it by `make netem`, which gives it a network of its own")


@asynccontextmanager
async def far_away() -> AsyncIterator[asyncio.subprocess.Process]:
    """Guests in another namespace, who wait for the broker's address."""
    command = ["-m", "tests.netem.guests", str(GUESTS), str(ANSWERS)]
    process = await asyncio.create_subprocess_exec(
        *["unshare", "--net", "--", sys.executable, *command],
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"ready\n"
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@pytest.mark.netem
async def test_answers_over_a_bad_network_are_identical_and_end_once(
    start_broker: StartBroker,
) -> None:
    """Sections 4 and 7, with every cable bad and every guest cut off besides."""
    async with (
        asyncio.timeout(ENOUGH),
        far_away() as guests,
        BadLine(guests.pid) as line,
    ):
        own = start_broker(
            {name: {} for name in guest_names(GUESTS) + tavern_names()},
            serverAddress="http://0.0.0.0",
            trustedNetworks=[NETWORK],
            connectionsPerAddress=1_000,
            pingInterval=SIGN_OF_LIFE,
            pingTimeout=SIGN_OF_LIFE,
        )
        port = own.url.rpartition(":")[2]
        began = time.monotonic()
        address = f"http://{HERE}:{port}\n".encode()
        asked = asyncio.ensure_future(guests.communicate(address))
        for seconds in OUTAGES:
            await asyncio.sleep(BETWEEN)
            assert not asked.done(), "they were through before the cable was cut"
            await line.cut(seconds)
        said, _ = await asked
        evening = msgspec.json.decode(said, type=Evening)
        took = time.monotonic() - began
        told = await asyncio.to_thread(metrics, f"http://127.0.0.1:{port}")
    rest = {state.value: told["tapster_requests_open", state.value] for state in OPEN}
    ended = told["tapster_requests_total", "completed"]
    measured(
        19,
        f"{LOSS:.0%} loss, {DELAY * 1000:.0f} ms each way ({line.made_by}), outages of "
        f"{', '.join(f'{seconds:.0f}' for seconds in OUTAGES)} s: {ANSWERS} answers, "
        f"each cut {CUTS} times besides: {len(evening.different)} differences, "
        f"{evening.ended_twice} ended twice, {ended:.0f} completed, "
        f"{sum(rest.values()):.0f} left open, {took:.0f} s",
    )

    assert evening == Evening([], 0)
    assert ended == ANSWERS
    assert set(rest.values()) == {0}
