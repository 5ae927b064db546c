"""SIGTERM under load: who is answered, who is refused, and what everybody hears."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any, Final, Self

import aiohttp
import pytest

from actors.errors import Code
from broker.client import (
    IncomingOrder,
    OrderError,
    TapsterClient,
    TapsterExtension,
)
from broker.protocol.wire import Event, Namespace

from .cable import Cable, careless, forgotten
from .harness import Broker, StartBroker

__all__ = ["forgotten"]

PATIENCE: Final = 20.0
"""Seconds in which everything here must have happened."""

AT_ONCE: Final = 10.0
"""Seconds that an end without waiting may take on a slow machine."""

HOUSE: Final[dict[str, dict[str, Any]]] = {
    "guest": {},
    "SillyTavern-1": {"clientType": "SillyTavern"},
}


class Evening:
    """A guest at whose order a SillyTavern has begun to answer."""

    def __init__(self, broker: Broker, guests_url: str | None = None) -> None:
        self.broker = broker
        self._guests_url = guests_url or broker.url
        self.go_on = asyncio.Event()
        self.warnings: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        url = self.broker.url
        enter = self._stack.enter_async_context
        await enter(TapsterExtension(url, client_id="SillyTavern-1", answer=self._tell))
        self.guest = await enter(
            TapsterClient(
                self._guests_url, client_id="guest", key="getKey", reconnect_delay=0.05
            )
        )
        self.guest.listen(Namespace.LLM, Event.WARNING, self.warnings.put_nowait)
        self.order = self.guest.order("A story", target="SillyTavern-1")
        self.pieces = aiter(self.order)
        assert await anext(self.pieces) == "Once "
        await self.order.accepted()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def last_orders(self) -> dict[str, Any]:
        """Have the broker told to stop; what the guest hears then."""
        self.broker.terminate()
        return await self.warnings.get()

    async def ended(self) -> float:
        """Wait for the broker's end; gives the seconds that took."""
        began = time.monotonic()
        await asyncio.to_thread(self.broker.ended)
        return time.monotonic() - began

    async def _tell(self, _order: IncomingOrder) -> AsyncIterator[str]:
        yield "Once "
        await self.go_on.wait()
        yield "upon a time."


async def test_running_answer_finishes_before_the_broker_ends(
    start_broker: StartBroker,
) -> None:
    """Its reader gets all of it, and is told when to come back."""
    broker = start_broker(HOUSE)
    async with asyncio.timeout(PATIENCE), Evening(broker) as evening:
        warning = await evening.last_orders()
        evening.go_on.set()
        rest = [piece async for piece in evening.pieces]
        await evening.ended()

    assert (rest, evening.order.status) == (["upon a time."], "completed")
    assert warning["type"] == Event.WARNING
    assert warning["code"] == Code.UNAVAILABLE
    assert 1 <= warning["retryAfter"] <= 5
    assert "come back" in warning["message"]


async def test_stopping_broker_takes_no_orders_and_says_so(
    start_broker: StartBroker,
) -> None:
    """Code 9; one that is under way is still answered with its state."""
    broker = start_broker(HOUSE)
    async with asyncio.timeout(PATIENCE), Evening(broker) as evening:
        await evening.last_orders()
        began = time.monotonic()
        with pytest.raises(OrderError) as refused:
            await evening.guest.order("Another", target="SillyTavern-1").accepted()
        took = time.monotonic() - began
        known = {"requestId": evening.order.request_id, "message": "A story"}
        again = await evening.guest.call(Namespace.LLM, Event.LLM_REQUEST, known)
        evening.go_on.set()
        await evening.ended()

    assert refused.value.code == Code.UNAVAILABLE
    assert "order again when it is back" in str(refused.value)
    assert again["state"] == "streaming"
    assert took < 1


async def test_stopping_broker_is_not_ready_and_says_why(
    start_broker: StartBroker,
) -> None:
    """So that whoever sends people to it sends them elsewhere."""
    broker = start_broker(HOUSE)
    async with asyncio.timeout(PATIENCE), Evening(broker) as evening:
        await evening.last_orders()
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{broker.url}/readyz") as answer,
        ):
            status, checks = answer.status, (await answer.json())["checks"]
        evening.go_on.set()
        await evening.ended()

    assert status == 503
    assert [name for name in checks if not checks[name]["ok"]] == ["draining"]


@careless
@pytest.mark.usefixtures("forgotten")
async def test_who_comes_back_while_it_stops_is_told_as_well(
    start_broker: StartBroker,
) -> None:
    """A reader who was cut off may still come for the rest."""
    broker = start_broker(HOUSE)
    async with (
        asyncio.timeout(PATIENCE),
        Cable(broker.url) as cable,
        Evening(broker, cable.url) as evening,
    ):
        first = await evening.last_orders()
        cable.cut()
        second = await evening.warnings.get()
        evening.go_on.set()
        rest = [piece async for piece in evening.pieces]
        await evening.ended()

    assert first["retryAfter"] >= 1
    assert second["retryAfter"] >= 1
    assert "".join(rest) == "upon a time."


async def test_answer_that_takes_longer_than_the_drain_ends_as_failed(
    start_broker: StartBroker,
) -> None:
    """Its requester is told before the connection goes; what came is kept."""
    broker = start_broker(HOUSE, drainTimeout=0.3)
    async with asyncio.timeout(PATIENCE), Evening(broker) as evening:
        await evening.last_orders()
        with pytest.raises(OrderError) as failed:
            await anext(evening.pieces)
        took = await evening.ended()

    assert (failed.value.status, failed.value.text) == ("failed", "Once ")
    assert failed.value.code == Code.UNAVAILABLE
    assert "the broker stops" in str(failed.value)
    assert took < AT_ONCE


@pytest.mark.parametrize("again", ["terminate", "stop"])
async def test_second_signal_ends_it_at_once(
    start_broker: StartBroker, again: str
) -> None:
    """SIGTERM once more, or Ctrl-C: nobody waits for the drain's half minute."""
    broker = start_broker(HOUSE)
    async with asyncio.timeout(PATIENCE), Evening(broker) as evening:
        await evening.last_orders()
        await asyncio.to_thread(getattr(broker, again))
        took = await evening.ended()
        with pytest.raises(OrderError) as failed:
            await anext(evening.pieces)

    assert failed.value.status == "failed"
    assert took < AT_ONCE


async def test_request_that_its_room_holds_is_not_waited_for(
    start_broker: StartBroker,
) -> None:
    """Only a person could let it go; it ends as failed, and its sender hears it."""
    broker = start_broker(HOUSE | {"friend": {}})
    async with (
        asyncio.timeout(PATIENCE),
        TapsterExtension(broker.url, client_id="SillyTavern-1", answer=_nothing),
        TapsterClient(
            broker.url, client_id="guest", key="getKey", namespaces=[Namespace.ROOMS]
        ) as guest,
        TapsterClient(broker.url, client_id="friend", key="getKey") as friend,
    ):
        room = {"roomName": "bar"}
        await guest.call(Namespace.ROOMS, Event.CREATE_ROOM, room)
        added = {**room, "clientId": "friend", "role": "guest"}
        await guest.call(Namespace.ROOMS, Event.ADD_CLIENT_TO_ROOM, added)
        order = friend.order("A story", room="bar")
        accepted = await order.accepted()
        began = time.monotonic()
        broker.terminate()
        with pytest.raises(OrderError) as failed:
            await order.text()
        await asyncio.to_thread(broker.ended)
        took = time.monotonic() - began

    assert accepted["state"] == "held"
    assert failed.value.code == Code.UNAVAILABLE
    assert took < AT_ONCE


async def _nothing(_order: IncomingOrder) -> AsyncIterator[str]:
    yield ""
