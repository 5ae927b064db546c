"""Clients that come back when their grace time is over."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Final

import msgspec
import pytest

from actors.lifecycle import RequestState
from broker.client import IncomingOrder, OrderError, TapsterClient, TapsterExtension
from broker.protocol.wire import ASK_FOR_KEY, Event, Namespace

from .cable import Cable, careless, forgotten
from .harness import Broker, StartBroker
from .test_ops import metrics

__all__ = ["forgotten"]

GRACE: Final = 0.3
SILENCE: Final = 10.0
"""Seconds after the return in which everybody must have been told something."""
POLL: Final = 0.05
TAVERN: Final = "SillyTavern"
HEARD: Final = ["Once ", "upon "]
MISSED: Final = ["a ", "time."]
STORY: Final = "".join(HEARD + MISSED)
CACHES: Final = {"remembered": 64 * 1024 * 1024, "from the history": 1}


class Told(msgspec.Struct, frozen=True):
    """What a client was told that came back too late."""

    status: str
    text: str
    seconds: float
    """From when it was connected again."""


class Absence:
    """Guests who order, drop out in the middle, and come back after the grace time."""

    def __init__(self, own: Broker, *, companion: bool) -> None:
        self._own = own
        self._companion = companion
        self._over = asyncio.Event()

    async def tell(self, order: IncomingOrder) -> AsyncIterator[str]:
        """Half of the story, and the rest when its listener is long gone."""
        del order
        for piece in HEARD:
            yield piece
        await self._over.wait()
        for piece in MISSED:
            yield piece

    async def of(self, *guests: str) -> list[Told]:
        """Let them all go through it at once."""
        async with AsyncExitStack() as evening:
            tavern = TapsterExtension(
                self._own.url, client_id=TAVERN, answer=self.tell, capacity=len(guests)
            )
            await evening.enter_async_context(tavern)
            friend = TapsterClient(self._own.url, client_id="friend", key=ASK_FOR_KEY)
            await evening.enter_async_context(friend)
            before = await self._present()
            cables = [
                await evening.enter_async_context(Cable(self._own.url)) for _ in guests
            ]
            gone = [asyncio.Event() for _ in guests]
            telling = [
                asyncio.ensure_future(self._visit(*each))
                for each in zip(guests, cables, gone, strict=True)
            ]
            await asyncio.gather(*(event.wait() for event in gone))
            while await self._present() > before:  # noqa: ASYNC110
                await asyncio.sleep(POLL)
            self._over.set()
            for cable in cables:
                cable.plug_in()
            return await asyncio.gather(*telling)

    async def _present(self) -> float:
        told = await asyncio.to_thread(metrics, self._own.url)
        return told["tapster_clients", ""]

    async def _visit(self, guest: str, cable: Cable, gone: asyncio.Event) -> Told:
        client = TapsterClient(
            cable.url,
            client_id=guest,
            key=ASK_FOR_KEY,
            namespaces=[Namespace.ROOMS],
            reconnect_delay=0.01,
        )
        async with client:
            if self._companion:
                member = {"identity": "friend", "roomName": guest}
                await client.call(Namespace.ROOMS, Event.ADD_CLIENT_TO_ROOM, member)
            order = client.order("a story", target=TAVERN)
            await order.answer.pieces.more(len(HEARD) - 1)
            cable.unplug()
            gone.set()
            await self._over.wait()
            await client._connection.ready()
            back = time.monotonic()
            async with asyncio.timeout(SILENCE):
                try:
                    await order.text()
                except OrderError as error:
                    status, text = str(error.status), error.text
                else:
                    status, text = order.status, order.text_so_far
            return Told(status, text, time.monotonic() - back)


async def come_late(
    start_broker: StartBroker, cache: int, guests: list[str], *, companion: bool
) -> list[Told]:
    """Have these guests come back too late to a broker of their own."""
    everybody = [TAVERN, "friend", *guests]
    own = start_broker(
        {name: {} for name in everybody}, reconnectGrace=GRACE, answerCache=cache
    )
    return await Absence(own, companion=companion).of(*guests)


@careless
@pytest.mark.usefixtures("forgotten")
@pytest.mark.parametrize("cache", CACHES)
async def test_who_is_back_too_late_gets_what_others_read_on(
    start_broker: StartBroker, cache: str
) -> None:
    """Section 7: the answer of an ended request, from the cache or the history."""
    told = await come_late(start_broker, CACHES[cache], ["guest"], companion=True)

    assert [(one.status, one.text) for one in told] == [(RequestState.COMPLETED, STORY)]


@careless
@pytest.mark.usefixtures("forgotten")
@pytest.mark.parametrize("cache", CACHES)
async def test_who_is_back_too_late_is_told_that_nobody_read_on(
    start_broker: StartBroker, cache: str
) -> None:
    """Section 7: requests that nobody else reads are cancelled; never silence."""
    told = await come_late(start_broker, CACHES[cache], ["guest"], companion=False)

    assert [one.status for one in told] == [RequestState.CANCELLED]
    assert [one.text for one in told] == ["".join(HEARD)]
