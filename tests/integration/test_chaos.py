"""Many orders while everything goes wrong: each ends, and ends once."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

from broker.client import IncomingOrder, OrderError, TapsterClient, TapsterExtension
from broker.protocol.wire import Event, Namespace

from .harness import StartBroker

PATIENCE = 60.0
"""Seconds in which everything here must have happened."""

EXTENSIONS = 4
ORDERS = 200
WORDS = [f"word-{number} " for number in range(20)]
STORY = "".join(WORDS)
TERMINAL = {"completed", "failed", "cancelled", "timeout"}


class Moody:
    """Answers, fails or falls silent, as the dice have it."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice

    async def answer(self, _order: IncomingOrder) -> AsyncIterator[str]:
        """Tell the story, perhaps not to its end."""
        mood = self._dice.random()
        for number, word in enumerate(WORDS):
            if mood < 0.1 and number == 10:
                raise RuntimeError("I forgot how it goes on.")
            if mood > 0.95 and number == 5:
                await asyncio.Event().wait()
            yield word
            await asyncio.sleep(0)


def cut(session: TapsterExtension) -> bool:
    """Lose the network, without a farewell; the session comes back by itself."""
    link = session._connection.link
    if link is None:
        return False
    link._sio.eio.ws._response.connection.transport.abort()
    return True


async def test_every_order_ends_exactly_once_whatever_happens(
    start_broker: StartBroker,
) -> None:
    """One terminal status each, whole text where completed, and no load at rest."""
    dice = random.Random(42)  # noqa: S311 - the same accidents every time
    house: dict[str, dict[str, Any]] = {"guest": {}, "SillyTavern": {}}
    broker = start_broker(
        house,
        chunkTimeout=1,
        firstTokenTimeout=2,
        reconnectGrace=3,
        requestsInFlight=ORDERS,
    )
    ends: Counter[str] = Counter()
    outcomes: Counter[str] = Counter()
    cuts = 0

    def note(data: dict[str, Any]) -> None:
        if data["status"] in TERMINAL:
            ends[data["requestId"]] += 1

    async def place(guest: TapsterClient, number: int) -> None:
        order = guest.order(f"Story {number}", request_id=f"r{number}")
        try:
            if dice.random() < 0.1:
                await order.accepted()
                await order.cancel()
            text = await order.text()
        except OrderError as error:
            outcomes[error.status or "refused"] += 1
        else:
            outcomes["completed"] += 1
            assert text == STORY, f"r{number}"

    async with asyncio.timeout(PATIENCE), AsyncExitStack() as stack:
        guest = await stack.enter_async_context(
            TapsterClient(
                broker.url, client_id="guest", key="getKey", reconnect_delay=0.02
            )
        )
        guest.listen(Namespace.LLM, Event.REQUEST_STATUS_UPDATE, note)
        crew = [
            await stack.enter_async_context(
                TapsterExtension(
                    broker.url,
                    client_id="SillyTavern",
                    identity=f"SillyTavern-{number}",
                    answer=Moody(dice).answer,
                    reconnect_delay=0.02,
                )
            )
            for number in range(EXTENSIONS)
        ]
        orders = [asyncio.create_task(place(guest, i)) for i in range(ORDERS)]
        while not all(order.done() for order in orders):
            await asyncio.wait(orders, timeout=0.3)
            cuts += cut(dice.choice(crew))
        await asyncio.gather(*orders)
        house_now = await guest.call(Namespace.AUTH, Event.GET_SILLYTAVERN_EXTENSION)

    assert cuts > 0
    assert sum(outcomes.values()) == ORDERS
    assert outcomes["completed"] > ORDERS // 2, outcomes
    assert ends == Counter({f"r{number}": 1 for number in range(ORDERS)})
    assert all(not one["busy"] for one in house_now["details"])
    assert all(one["queued"] == 0 for one in house_now["details"])
