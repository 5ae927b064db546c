"""The broker dies or is stopped, and comes back: nobody waits for ever."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from actors.store import CRASHED
from broker.client import IncomingOrder, OrderError, TapsterClient, TapsterExtension
from broker.protocol.wire import LIVENESS_QUESTION, AnswerEvent, Event, Namespace
from tests.broker.gateway.raw_client import connected

from .harness import StartBroker

PATIENCE = 20.0
"""Seconds in which everything here must have happened."""

HOUSE = {"guest": {}, "SillyTavern-1": {"clientType": "SillyTavern"}}


class Storyteller:
    """Answers with a first word, and with the rest when it is let."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()

    async def tell(self, _order: IncomingOrder) -> AsyncIterator[str]:
        """Tell the story."""
        yield "Once "
        await self.go_on.wait()
        yield "upon a time."


async def test_request_that_a_crash_interrupted_ends_as_failed_for_who_comes_back(
    start_broker: StartBroker,
) -> None:
    """An accepted request is stored as open, and a start after a crash ends it."""
    broker = start_broker(HOUSE)
    teller = Storyteller()

    async with (
        asyncio.timeout(PATIENCE),
        TapsterExtension(
            broker.url,
            client_id="SillyTavern-1",
            answer=teller.tell,
            reconnect_delay=0.05,
        ),
        TapsterClient(
            broker.url, client_id="guest", key="getKey", reconnect_delay=0.05
        ) as guest,
    ):
        order = guest.order("A story, please.", target="SillyTavern-1")
        pieces = aiter(order)
        first = await anext(pieces)
        await order.accepted()
        broker.kill()
        broker.restart()
        with pytest.raises(OrderError) as raised:
            await anext(pieces)

    assert first == "Once "
    assert raised.value.status == "failed"
    assert raised.value.text == "Once "


async def test_who_only_listens_is_told_of_the_end_when_it_is_back(
    start_broker: StartBroker,
) -> None:
    """One terminal status for each request, by itself: not all know how to resume."""
    broker = start_broker(HOUSE)
    teller = Storyteller()
    guest: dict[str, Any] = {"clientId": "guest", "key": "getKey"}

    async with (
        asyncio.timeout(PATIENCE),
        TapsterExtension(broker.url, client_id="SillyTavern-1", answer=teller.tell),
    ):
        async with connected(broker.url) as raw:
            await raw.join(Namespace.AUTH, **guest)
            own = {"clientId": "guest"}
            given = await raw.ask(Namespace.AUTH, Event.GET_CLIENT_KEY, own)
            guest["key"] = given["key"]
            await raw.join(Namespace.LLM, **guest)
            order = {"requestId": "r1", "message": "A story, please."}
            ack = await raw.ask(Namespace.LLM, Event.LLM_REQUEST, order)
            broker.kill()
        broker.restart()
        async with connected(broker.url) as raw:
            await raw.join(Namespace.LLM, **guest)
            told = json.loads(await raw.heard(f"42{Namespace.LLM},"))
        async with connected(broker.url) as raw:
            await raw.join(Namespace.LLM, **guest)
            again = await raw.ask(Namespace.LLM, AnswerEvent.MESSAGE, LIVENESS_QUESTION)

    assert ack["status"] == "ok"
    assert told[0] == Event.REQUEST_STATUS_UPDATE
    assert (told[1]["requestId"], told[1]["status"]) == ("r1", "failed")
    assert told[1]["error"]["message"] == CRASHED
    assert again["status"] == "ok"


async def test_keys_survive_a_crash(start_broker: StartBroker) -> None:
    """What was handed out as a key opens the door of the next process too."""
    broker = start_broker(HOUSE)

    async with asyncio.timeout(PATIENCE):
        async with TapsterClient(broker.url, client_id="guest", key="getKey") as guest:
            key = guest.key
        broker.kill()
        broker.restart()
        async with TapsterClient(broker.url, client_id="guest", key=key) as guest:
            again = guest.key

    assert key is not None
    assert again == key


async def test_broker_stops_in_peace_while_an_answer_streams(
    start_broker: StartBroker,
) -> None:
    """Ctrl-C ends it with exit code 0, whoever is in the middle of what."""
    broker = start_broker(HOUSE)
    teller = Storyteller()

    async with (
        asyncio.timeout(PATIENCE),
        TapsterExtension(broker.url, client_id="SillyTavern-1", answer=teller.tell),
        TapsterClient(broker.url, client_id="guest", key="getKey") as guest,
    ):
        order = guest.order("A story, please.", target="SillyTavern-1")
        first = await anext(aiter(order))
        await asyncio.to_thread(broker.stop)

    assert first == "Once "
