"""``kill -9`` of the broker in the middle of answers, again and again."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any, Final

from actors.lifecycle import TERMINAL
from broker.client import IncomingOrder, OrderError, TapsterClient, TapsterExtension
from broker.protocol.wire import ASK_FOR_KEY, Event, Namespace
from tests.broker.gateway.raw_client import RawSocket, connected
from tests.integration.harness import Broker, StartBroker

from .report import measured

KILLS: Final = 50
GUESTS: Final = 4
"""Those with a library, which resume, and as many that only listen."""
ORDERS: Final = 2
"""Of each guest, in each life of the broker."""
BACK_WITHIN: Final = 10.0
"""Seconds after which who is back must have a terminal answer."""
ENOUGH: Final = 600.0
"""Seconds after which the whole try has failed."""


async def begin_a_story(_order: IncomingOrder) -> AsyncIterator[str]:
    """Begin, and never come to the end."""
    yield "Once "
    yield "upon "
    await asyncio.Event().wait()


class Times:
    """How long who was back had to wait, and what was wrong."""

    def __init__(self) -> None:
        self.waits: list[float] = []
        self.wrong: list[str] = []


class Listener:
    """A guest that knows nothing of resuming: it comes back and listens."""

    def __init__(self, name: str, url: str) -> None:
        self.name = name
        self.url = url
        self.key = ASK_FOR_KEY

    async def order(self, stack: AsyncExitStack, life: int) -> None:
        """Order as a page would, and read a first word of each answer."""
        raw = await self._come(stack)
        for number in range(ORDERS):
            request = {"requestId": f"{self.name}-{life}-{number}", "message": "Go on"}
            ack = await raw.ask(Namespace.LLM, Event.LLM_REQUEST, request)
            assert ack["status"] == "ok", ack

    async def come_back(self, life: int, times: Times) -> None:
        """Come back and wait for the ends of what was ordered."""
        wanted = {f"{self.name}-{life}-{number}" for number in range(ORDERS)}
        ends: Counter[str] = Counter()
        async with AsyncExitStack() as stack:
            began = time.monotonic()
            raw = await self._come(stack)
            while wanted - ends.keys():
                status = await heard_status(raw)
                if status["status"] in TERMINAL:
                    ends[status["requestId"]] += 1
            times.waits.append(time.monotonic() - began)
        if ends != Counter(dict.fromkeys(wanted, 1)):
            times.wrong.append(f"{self.name} heard {ends}, wanted {wanted}")

    async def _come(self, stack: AsyncExitStack) -> RawSocket:
        raw = await stack.enter_async_context(connected(self.url))
        who = {"clientId": self.name, "key": self.key}
        if self.key == ASK_FOR_KEY:
            assert await raw.join(Namespace.AUTH, **who) == {}
            answer = await raw.ask(
                Namespace.AUTH, Event.GET_CLIENT_KEY, {"clientId": self.name}
            )
            self.key = answer["key"]
            who["key"] = self.key
        refused = await raw.join(Namespace.LLM, **who)
        assert refused == {}, refused
        return raw


async def heard_status(raw: RawSocket) -> dict[str, Any]:
    """The next status that a raw client hears."""
    prefix = f'42{Namespace.LLM},["{Event.REQUEST_STATUS_UPDATE}",'
    found: dict[str, Any] = json.loads((await raw.heard(prefix))[:-1])
    return found


async def fail_in_time(order: Any, client: TapsterClient, times: Times) -> None:
    """Wait for the end of an order that the crash has interrupted."""
    await client._connection.ready()
    began = time.monotonic()
    try:
        await order.text()
    except OrderError as error:
        times.waits.append(time.monotonic() - began)
        if error.status != "failed" or not error.text.startswith("Once"):
            times.wrong.append(f"{error.status} with {error.text!r}")
    else:
        times.wrong.append("an interrupted answer was given as whole")


async def live_and_die(
    broker: Broker,
    clients: list[TapsterClient],
    listeners: list[Listener],
    life: int,
    times: Times,
) -> None:
    """Let everybody read, kill the broker, start it, and see who is told what."""
    async with AsyncExitStack() as stack:
        for listener in listeners:
            await listener.order(stack, life)
        orders = [
            (client.order("Go on", request_id=f"{client.identity}-{life}-{n}"), client)
            for client in clients
            for n in range(ORDERS)
        ]
        for order, _ in orders:
            await order.accepted()
            await anext(aiter(order))
        room = {"roomName": f"kept-{life}", "keep": True}
        await clients[0].call(Namespace.ROOMS, Event.CREATE_ROOM, room)
        broker.kill()
    await asyncio.to_thread(broker.restart)
    async with asyncio.timeout(2 * BACK_WITHIN):
        await asyncio.gather(
            *(fail_in_time(order, client, times) for order, client in orders),
            *(listener.come_back(life, times) for listener in listeners),
        )
    rooms = await clients[0].call(Namespace.ROOMS, Event.GET_ROOMS)
    missing = {f"kept-{n}" for n in range(life + 1)} - set(rooms["rooms"])
    times.wrong += [f"after life {life} there is no {name}" for name in missing]


async def test_who_waits_when_the_broker_is_killed_is_told_the_end(
    start_broker: StartBroker,
) -> None:
    """Whether it resumes or only listens; and what was acked is there."""
    names = [f"reader-{n}" for n in range(GUESTS)]
    others = [f"listener-{n}" for n in range(GUESTS)]
    broker = start_broker({name: {} for name in (*names, *others, "SillyTavern")})
    times = Times()
    began = time.monotonic()
    async with asyncio.timeout(ENOUGH), AsyncExitStack() as stack:
        tavern = TapsterExtension(
            broker.url,
            client_id="SillyTavern",
            answer=begin_a_story,
            capacity=100,
            reconnect_delay=0.05,
        )
        clients = [
            TapsterClient(
                broker.url,
                client_id=name,
                key=ASK_FOR_KEY,
                namespaces=[Namespace.ROOMS],
                reconnect_delay=0.05,
            )
            for name in names
        ]
        for session in (tavern, *clients):
            await stack.enter_async_context(session)
        listeners = [Listener(name, broker.url) for name in others]
        for life in range(KILLS):
            await live_and_die(broker, clients, listeners, life, times)
            await tavern._connection.ready()
    took = time.monotonic() - began
    measured(
        5,
        f"{KILLS} kills, {len(times.waits)} interrupted waits: the longest "
        f"{max(times.waits):.2f} s after coming back, {len(times.wrong)} wrong, "
        f"{took:.0f} s",
    )

    assert times.wrong == []
    assert len(times.waits) == KILLS * GUESTS * (ORDERS + 1)
    assert max(times.waits) <= BACK_WITHIN
