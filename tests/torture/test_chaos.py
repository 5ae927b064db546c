"""Very many orders while clients, extensions and actors are killed at random."""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any, Final

import aiohttp
import pytest

from actors.lifecycle import TERMINAL
from broker.client import (
    IncomingOrder,
    OrderError,
    TapsterClient,
    TapsterError,
    TapsterExtension,
)
from broker.config import CHAOS_VARIABLE
from broker.protocol.wire import ASK_FOR_KEY, Event, Namespace
from tests.integration.harness import Broker, StartBroker
from tests.integration.soak.crew import cut

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
AT_REST: Final = 60.0
"""Seconds after the last order in which the broker must have come to rest."""

WORDS: Final = [f"word-{number} " for number in range(12)]
STORY: Final = "".join(WORDS)

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

AT_ZERO: Final = re.compile(
    r"^(tapster_requests_open\{.*\}|tapster_queue_longest_requests"
    r'|tapster_actors\{kind="request"\}) (\S+)$',
    re.MULTILINE,
)
CRASHES: Final = re.compile(
    r'^tapster_actor_crashes_total\{actor="(\w+)"\} (\S+)$', re.MULTILINE
)


async def tell(_order: IncomingOrder) -> AsyncIterator[str]:
    """Tell the story, at its leisure."""
    for word in WORDS:
        yield word
        await asyncio.sleep(0.005)


class Evening:
    """What everybody has heard."""

    def __init__(self) -> None:
        self.dice = random.Random(7)  # noqa: S311 - the same accidents every time
        self.numbers = iter(range(REQUESTS))
        self.terminal: Counter[str] = Counter()
        """Terminal statuses that were told of each request."""
        self.accepted: set[str] = set()
        self.outcomes: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.cuts: Counter[str] = Counter()

    def heard(self, data: dict[str, Any]) -> None:
        """Note a status."""
        if data["status"] in TERMINAL:
            self.terminal[data["requestId"]] += 1

    async def order(self, guest: TapsterClient) -> None:
        """Order one after the other, until all are ordered."""
        for number in self.numbers:
            name = f"r{number}"
            try:
                order = guest.order("A story", request_id=name)
                await order.accepted()
                self.accepted.add(name)
                if number % 20 == 0:
                    await order.cancel()
                text = await order.text()
            except OrderError as error:
                self.outcomes[error.status or "refused"] += 1
            except TapsterError as error:  # the cancelling got lost in a crash
                self.outcomes[f"not cancelled ({error.code})"] += 1
            else:
                self.outcomes["completed"] += 1
                if text != STORY:
                    self.wrong.append(f"{name}: {text!r}")

    async def cut_somebody(self, sessions: list[Any]) -> None:
        """Cut a client or an extension now and then, without a farewell."""
        while True:
            await asyncio.sleep(2 * CUT_EVERY * self.dice.random())
            session = self.dice.choice(sessions)
            with contextlib.suppress(AttributeError):  # it is being cut already
                self.cuts[type(session).__name__] += cut(session)


async def metrics(broker: Broker) -> str:
    """What Prometheus would read."""
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{broker.url}/metrics") as answer,
    ):
        return await answer.text()


async def at_rest(broker: Broker) -> dict[str, float]:
    """The counters that are not 0, when they all are or the time is over."""
    until = time.monotonic() + AT_REST
    while True:
        found = AT_ZERO.findall(await metrics(broker))
        busy = {name: float(value) for name, value in found if float(value)}
        if (found and not busy) or time.monotonic() > until:
            return busy
        await asyncio.sleep(0.2)


async def test_ten_thousand_requests_end_once_each_whatever_is_killed(
    start_broker: StartBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Clients, extensions and actors of every kind; and nothing is left over."""
    monkeypatch.setenv(CHAOS_VARIABLE, ACTOR_CRASH_EVERY)
    names = [f"guest-{number}" for number in range(GUESTS)]
    taverns = [f"SillyTavern-{number}" for number in range(TAVERNS)]
    broker = start_broker({name: {} for name in (*names, *taverns)}, **SETTINGS)
    evening = Evening()
    began = time.monotonic()
    async with asyncio.timeout(ENOUGH), AsyncExitStack() as stack:
        guests = [
            TapsterClient(
                broker.url,
                client_id=name,
                key=ASK_FOR_KEY,
                transports=["websocket"],
                reconnect_delay=0.02,
            )
            for name in names
        ]
        crew = [
            TapsterExtension(
                broker.url,
                client_id=name,
                answer=tell,
                transports=["websocket"],
                capacity=GUESTS * AT_ONCE,
                reconnect_delay=0.02,
            )
            for name in taverns
        ]
        for session in (*guests, *crew):
            await stack.enter_async_context(session)
        for guest in guests:
            guest.listen(Namespace.LLM, Event.REQUEST_STATUS_UPDATE, evening.heard)
        accidents = asyncio.create_task(evening.cut_somebody([*guests, *crew]))
        await asyncio.gather(
            *(evening.order(guest) for guest in guests for _ in range(AT_ONCE))
        )
        assert not accidents.done(), accidents
        accidents.cancel()
        took = time.monotonic() - began
        left_over = await at_rest(broker)
        crashes = {
            name: int(float(n)) for name, n in CRASHES.findall(await metrics(broker))
        }
    broker.kill()  # its log is full of crashes, as it was told
    twice = [name for name, times in evening.terminal.items() if times > 1]
    never = evening.accepted - evening.terminal.keys()
    measured(
        7,
        f"{REQUESTS} requests in {took:.0f} s: {dict(evening.outcomes)}; "
        f"{sum(crashes.values())} crashes {crashes}, cuts {dict(evening.cuts)}; "
        f"{len(twice)} ended twice, {len(never)} accepted ones only by resuming, "
        f"{len(evening.wrong)} wrong texts, at rest {left_over or 'all 0'}",
    )

    assert sum(evening.outcomes.values()) == REQUESTS
    assert evening.wrong == []
    assert twice == []
    assert left_over == {}
    assert evening.outcomes["completed"] > REQUESTS // 2
    assert set(crashes) >= {"Client", "Extension", "Relay", "Room"}
