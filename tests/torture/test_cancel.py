"""Requests called off at every moment, by who may and by who may not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from enum import Enum
from typing import Any, Final

import pytest

from broker.client import (
    BrokerRefusedError,
    IncomingOrder,
    Order,
    OrderError,
    TapsterClient,
    TapsterExtension,
)
from broker.protocol.wire import ASK_FOR_KEY, Event, Namespace
from tests.integration.harness import StartBroker

from .report import measured

TIMES: Final = 50
TOLD_WITHIN: Final = 0.1
"""Seconds, by the table; a slow machine is given five times that."""
ROOM: Final = 5
ENOUGH: Final = 120.0
"""Seconds after which the whole try has failed."""


class When(Enum):
    """At which moment a request is called off."""

    QUEUED = "queued"
    EARLY = "before the first token"
    MIDDLE = "in the middle"
    LATE = "after the last word"


class Tavern:
    """Takes one request at a time, says so much of its answer, and notes all else."""

    def __init__(self, words: int) -> None:
        self._words = words
        self.asked: asyncio.Queue[IncomingOrder] = asyncio.Queue()
        self.stopped: asyncio.Queue[tuple[str, float]] = asyncio.Queue()

    async def answer(self, order: IncomingOrder) -> AsyncIterator[str]:
        """Say some words, and nothing more until called off."""
        self.asked.put_nowait(order)
        for number in range(self._words):
            yield f"word-{number} "
        if order.message != "the next":
            await asyncio.Event().wait()
        yield "."

    def stop(self, data: dict[str, Any]) -> None:
        """Note that a request is called off, and when."""
        self.stopped.put_nowait((data["requestId"], time.monotonic()))


WORDS: Final = {When.QUEUED: 0, When.EARLY: 0, When.MIDDLE: 3, When.LATE: 12}


async def refused(stranger: TapsterClient, order: Order, room: str) -> int:
    """The code with which a stranger is refused."""
    with pytest.raises(BrokerRefusedError) as caught:
        await stranger.call(
            Namespace.LLM,
            Event.CANCEL_REQUEST,
            {"requestId": order.request_id, "roomName": room},
        )
    return int(caught.value.code)


async def call_off(order: Order) -> float:
    """Call a request off as its owner; gives when that was sent."""
    sent = time.monotonic()
    await order.cancel()
    with pytest.raises(OrderError) as caught:
        await order.text()
    assert caught.value.status == "cancelled"
    return sent


async def one_round(
    when: When, tavern: Tavern, guest: TapsterClient, stranger: TapsterClient
) -> float:
    """Order, have a stranger refused, call it off, and see the next one answered."""
    first = guest.order("the first")
    await first.accepted()
    running = await asyncio.wait_for(tavern.asked.get(), ENOUGH)
    order = first
    if when is When.QUEUED:
        order = guest.order("the second")
        await order.accepted()
    while order.text_so_far.count(" ") < WORDS[when]:
        await order.answer.pieces.more(len(order.answer.pieces.entries))
    assert await refused(stranger, order, guest.identity) == 303
    if when is When.QUEUED:
        began = time.monotonic()
        await call_off(order)
        took = time.monotonic() - began
        assert tavern.asked.empty()
        await call_off(first)
        await tavern.stopped.get()
    else:
        sent = await call_off(first)
        request, told = await asyncio.wait_for(tavern.stopped.get(), ENOUGH)
        assert request == running.request_id
        took = told - sent
    following = guest.order("the next")
    text = await asyncio.wait_for(following.text(), ENOUGH)
    await tavern.asked.get()
    assert text == "".join(f"word-{n} " for n in range(WORDS[when])) + "."
    return took


@pytest.mark.parametrize("when", When)
async def test_extension_is_told_at_once_and_is_free(
    start_broker: StartBroker, when: When
) -> None:
    """A stranger is refused; the owner is not; the next request is answered."""
    broker = start_broker({"guest": {}, "stranger": {}, "SillyTavern": {}})
    tavern = Tavern(WORDS[when])
    async with asyncio.timeout(ENOUGH), AsyncExitStack() as stack:
        sessions = [
            TapsterClient(broker.url, client_id=name, key=ASK_FOR_KEY)
            for name in ("guest", "stranger")
        ]
        extension = TapsterExtension(
            broker.url, client_id="SillyTavern", answer=tavern.answer
        )
        extension.listen(Namespace.LLM, Event.CANCEL_REQUEST, tavern.stop)
        for session in (extension, *sessions):
            await stack.enter_async_context(session)
        took = [await one_round(when, tavern, *sessions) for _ in range(TIMES)]
    what = "ended" if when is When.QUEUED else "extension told"
    measured(
        8,
        f"cancelled {when.value}, {TIMES} times: {what} after at most "
        f"{max(took) * 1_000:.1f} ms, {TIMES} strangers refused, slot free each time",
    )

    assert sorted(took)[len(took) // 2] <= TOLD_WITHIN
    assert max(took) <= ROOM * TOLD_WITHIN
