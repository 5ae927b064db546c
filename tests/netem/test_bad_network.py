"""Answers over a network that loses, delays and is cut."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import msgspec
import pytest

from actors.lifecycle import TERMINAL, RequestState
from broker.config import CHAOS_VARIABLE
from tests.integration.conftest import start_broker
from tests.integration.harness import StartBroker
from tests.integration.test_ops import metrics
from tests.torture.evening import CUTS, Evening, guest_names, tavern_names
from tests.torture.orders import Outcome, at_rest
from tests.torture.report import measured

from .bad_line import DELAY, HERE, LOSS, NETWORK, BadLine

__all__ = ["start_broker"]

GUESTS: Final = 10
ANSWERS: Final = 20
REQUESTS: Final = 300
OUTAGES: Final = (2.0, 6.0, 25.0)
"""Seconds of each; the last is longer than both ends wait for a sign of life."""
BETWEEN: Final = 10.0
SIGN_OF_LIFE: Final = 10
ENOUGH: Final = 900.0
ACTOR_CRASH_EVERY: Final = "2"
OPEN: Final = [state for state in RequestState if state not in TERMINAL]
SETTINGS: Final[dict[str, Any]] = {
    "serverAddress": "http://0.0.0.0",
    "trustedNetworks": [NETWORK],
    "connectionsPerAddress": 1_000,
    "newKeysPerMinute": 1_000,
    # Longer than an outage and the way back after it, which a lost packet prolongs.
    "reconnectGrace": 60,
    "pingInterval": SIGN_OF_LIFE,
    "pingTimeout": SIGN_OF_LIFE,
}


@pytest.fixture(autouse=True)
def _own_network() -> None:
    if "TAPSTER_NETEM" not in os.environ:
        pytest.fail("run it by `make netem`, which gives it a network of its own")


@asynccontextmanager
async def far_away(
    module: str, number: int
) -> AsyncIterator[asyncio.subprocess.Process]:
    """People in another namespace, who wait for the broker's address."""
    command = ["-m", f"tests.netem.{module}", str(GUESTS), str(number)]
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


async def come_through(
    line: BadLine, people: asyncio.subprocess.Process, port: str
) -> bytes:
    """Tell them where the broker is, cut the cable again and again; what they say."""
    address = f"http://{HERE}:{port}\n".encode()
    asked = asyncio.ensure_future(people.communicate(address))
    for seconds in OUTAGES:
        await asyncio.sleep(BETWEEN)
        assert not asked.done(), "they were through before the cable was cut"
        await line.cut(seconds)
    assert not asked.done(), "they were through before the cable was cut"
    said, _ = await asked
    return said


def how_bad(line: BadLine) -> str:
    """The line, for the report."""
    outages = ", ".join(f"{seconds:.0f}" for seconds in OUTAGES)
    delay = f"{LOSS:.0%} loss, {DELAY * 1000:.0f} ms each way ({line.made_by})"
    return f"{delay}, outages of {outages} s"


@pytest.mark.netem
async def test_answers_over_a_bad_network_are_identical_and_end_once(
    start_broker: StartBroker,
) -> None:
    """Sections 4 and 7, with every cable bad and every guest cut off besides."""
    async with (
        asyncio.timeout(ENOUGH),
        far_away("guests", ANSWERS) as guests,
        BadLine(guests.pid) as line,
    ):
        own = start_broker(
            {name: {} for name in guest_names(GUESTS) + tavern_names()}, **SETTINGS
        )
        port = own.url.rpartition(":")[2]
        began = time.monotonic()
        said = await come_through(line, guests, port)
        evening = msgspec.json.decode(said, type=Evening)
        took = time.monotonic() - began
        told = await asyncio.to_thread(metrics, f"http://127.0.0.1:{port}")
    rest = {state.value: told["tapster_requests_open", state.value] for state in OPEN}
    ended = told["tapster_requests_total", "completed"]
    measured(
        19,
        f"{how_bad(line)}: {ANSWERS} answers, "
        f"each cut {CUTS} times besides: {len(evening.different)} differences, "
        f"{evening.ended_twice} ended twice, {ended:.0f} completed, "
        f"{sum(rest.values()):.0f} left open, {took:.0f} s",
    )

    assert evening == Evening([], 0)
    assert ended == ANSWERS
    assert set(rest.values()) == {0}


@pytest.mark.netem
async def test_requests_over_a_bad_network_end_once_each_whatever_is_killed(
    start_broker: StartBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Clients, SillyTaverns and actors, of every kind; and nothing is left over."""
    monkeypatch.setenv(CHAOS_VARIABLE, ACTOR_CRASH_EVERY)
    async with (
        asyncio.timeout(ENOUGH),
        far_away("customers", REQUESTS) as customers,
        BadLine(customers.pid) as line,
    ):
        own = start_broker(
            {name: {} for name in guest_names(GUESTS) + tavern_names()}, **SETTINGS
        )
        port = own.url.rpartition(":")[2]
        began = time.monotonic()
        said = await come_through(line, customers, port)
        outcome = msgspec.json.decode(said, type=Outcome)
        took = time.monotonic() - began
        counted = await at_rest(f"http://127.0.0.1:{port}")
    own.kill()  # its log is full of crashes, as it was told
    measured(
        19,
        f"{how_bad(line)}: {REQUESTS} requests in {took:.0f} s: {outcome}; {counted}",
    )

    assert sum(outcome.ends.values()) == REQUESTS
    assert not any(outcome.faults.values()), outcome.faults
    assert outcome.agrees_with(counted.ends)
    assert counted.not_at_rest == {}
    assert outcome.ends["completed"] > REQUESTS // 2
    assert set(counted.crashes) >= {"Client", "Extension", "Relay", "Room"}
