"""Very many orders while clients, extensions and actors are killed at random."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from typing import Any, Final

import pytest

from broker.client import TapsterClient, TapsterExtension
from broker.config import CHAOS_VARIABLE
from broker.protocol.wire import ASK_FOR_KEY, Event, Namespace
from tests.integration.harness import StartBroker

from .orders import Orders, at_rest, tell
from .report import measured

REQUESTS: Final = 10_000
GUESTS: Final = 20
AT_ONCE: Final = 8
"""Orders that each guest has under way."""
TAVERNS: Final = 6
ACTOR_CRASH_EVERY: Final = "0.1"
CUT_EVERY: Final = 0.1
"""Seconds between two cuts of a client or an extension."""
ENOUGH: Final = 540.0
"""Seconds after which the whole try has failed."""

SETTINGS: Final[dict[str, Any]] = {
    "monitorsMayGetKey": True,
    "chunkTimeout": 2,
    "firstTokenTimeout": 4,
    "reconnectGrace": 2,
    "requestsInFlight": 10_000,
    "eventsPerSecond": 100_000,
    "eventsBurst": 100_000,
    "newKeysPerMinute": 100_000,
    "queuedPerExtension": 10_000,
}
QUICK: Final[dict[str, Any]] = {
    "key": ASK_FOR_KEY,
    "transports": ["websocket"],
    "reconnect_delay": 0.02,
}


async def test_ten_thousand_requests_end_once_each_whatever_is_killed(
    start_broker: StartBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Clients, extensions and actors of every kind; and nothing is left over."""
    monkeypatch.setenv(CHAOS_VARIABLE, ACTOR_CRASH_EVERY)
    names = [f"guest-{number}" for number in range(GUESTS)]
    taverns = [f"SillyTavern-{number}" for number in range(TAVERNS)]
    broker = start_broker({name: {} for name in (*names, *taverns)}, **SETTINGS)
    guests = [TapsterClient(broker.url, client_id=name, **QUICK) for name in names]
    crew = [
        TapsterExtension(
            broker.url,
            client_id=name,
            answer=tell,
            capacity=GUESTS * AT_ONCE,
            **QUICK,
        )
        for name in taverns
    ]
    orders = Orders(REQUESTS, CUT_EVERY)
    began = time.monotonic()
    async with asyncio.timeout(ENOUGH), AsyncExitStack() as stack:
        for session in (*guests, *crew):
            await stack.enter_async_context(session)
        for guest in guests:
            guest.listen(Namespace.LLM, Event.REQUEST_STATUS_UPDATE, orders.heard)
        accidents = asyncio.create_task(orders.cut_somebody([*guests, *crew]))
        await asyncio.gather(
            *(orders.place(guest) for guest in guests for _ in range(AT_ONCE))
        )
        assert not accidents.done(), accidents
        accidents.cancel()
        took = time.monotonic() - began
        counted = await at_rest(broker.url)
    broker.kill()  # its log is full of crashes, as it was told
    outcome = orders.outcome()
    measured(7, f"{REQUESTS} requests in {took:.0f} s: {outcome}; {counted}")

    assert sum(outcome.ends.values()) == REQUESTS
    assert not any(outcome.faults.values()), outcome.faults
    assert outcome.agrees_with(counted.ends)
    assert counted.not_at_rest == {}
    assert outcome.ends["completed"] > REQUESTS // 2
    assert set(counted.crashes) >= {"Client", "Extension", "Relay", "Room"}
