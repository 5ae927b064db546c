"""An evening of guests who are cut off in the middle of every answer.

All of it is on the clients' side: guests and SillyTaverns, each guest with a cable of
their own. What is said has characters of every length, cut between UTF-16 units.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final

import msgspec

from actors.lifecycle import TERMINAL
from broker.client import (
    IncomingOrder,
    Order,
    TapsterClient,
    TapsterExtension,
    UnreachableError,
)
from broker.client.link import Link
from broker.client.session import Session
from broker.protocol.wire import ASK_FOR_KEY, Event, Namespace
from tests.integration.cable import Cable

CUTS: Final = 5
TAVERNS: Final = 4
PACE: Final = 0.002
"""Seconds between two pieces of an answer."""
NOTICED: Final = 0.1
"""Seconds in which a client notices that it has been cut off."""

LETTERS: Final = 'abc xyz\n\t"\\/\x00\x7f<&é߀中文字、\u2028\U0001f37a\U0001f1e9'
HALF: Final = "\ud83c"
"""The first half of both pictures."""


def pieces_of(number: int) -> list[str]:
    """The pieces of an answer, cut between UTF-16 units as browsers cut them."""
    chance = random.Random(number)  # noqa: S311 - nothing is secret here
    text = "".join(chance.choices(LETTERS, k=chance.randint(200, 1_500)))
    units = text.encode("utf-16-le")
    places = sorted(chance.sample(range(1, len(units) // 2), chance.randint(20, 60)))
    starts, ends = [0, *places], [*places, len(units) // 2]
    return [
        units[2 * start : 2 * end].decode("utf-16-le", "surrogatepass")
        for start, end in zip(starts, ends, strict=True)
    ]


def text_of(number: int) -> str:
    """The whole of it."""
    joined = "".join(pieces_of(number)).encode("utf-16-le", "surrogatepass")
    return joined.decode("utf-16-le")


class Bar:
    """Answers by number, each of which ends only when its reader has been cut off."""

    def __init__(self) -> None:
        self._cut: dict[int, asyncio.Event] = {}

    def has_been_cut(self, number: int) -> asyncio.Event:
        """Set when the reader of an answer has been cut off often enough."""
        return self._cut.setdefault(number, asyncio.Event())

    async def pour(self, order: IncomingOrder) -> AsyncIterator[str]:
        """The pieces of an answer; the last two when its reader is through."""
        number = int(order.message)
        *first, before_last, last = pieces_of(number)
        for piece in first:
            yield piece
            await asyncio.sleep(PACE)
        await self.has_been_cut(number).wait()
        yield before_last
        yield last


class Patron:
    """A client that is cut off while it reads, and what it has heard of ends."""

    def __init__(self, name: str, url: str, cable: Cable, bar: Bar) -> None:
        self._cable = cable
        self._bar = bar
        self.ends: Counter[str] = Counter()
        self.client = TapsterClient(
            url,
            client_id=name,
            key=ASK_FOR_KEY,
            transports=["polling"] if name.endswith(("0", "5")) else ["websocket"],
            reconnect_delay=0.01,
        )
        self.client.listen(Namespace.LLM, Event.REQUEST_STATUS_UPDATE, self._heard)

    def _heard(self, data: Any) -> None:
        if data["status"] in TERMINAL:
            self.ends[data["requestId"]] += 1

    async def read(self, number: int) -> bool:
        """Read an answer in spite of it all; whether it is what was said."""
        target = f"SillyTavern-{number % TAVERNS}"
        order = self.client.order(str(number), target=target, request_id=f"r{number}")
        heard: list[str] = []

        async def listen() -> None:
            heard.extend([piece async for piece in order])

        await asyncio.gather(listen(), self._suffer(order, number))
        return "".join(heard) == await order.text() == text_of(number)

    async def _suffer(self, order: Order, number: int) -> None:
        chance = random.Random(-number)  # noqa: S311
        # Half a character that came alone is put before the next chunk.
        chunks = sum(piece != HALF for piece in pieces_of(number)) - 3
        connection = self.client._connection
        try:
            for place in sorted(chance.sample(range(chunks), CUTS)):
                await _reach(order, place)
                await self._cut_off(await connection.ready())
        finally:
            self._bar.has_been_cut(number).set()

    async def _cut_off(self, link: Link) -> None:
        """Cut until it is noticed: between two polls there is nothing to cut."""
        ended = asyncio.ensure_future(link.ended())
        while not ended.done():
            self._cable.cut()
            await asyncio.wait({ended}, timeout=NOTICED)


async def _reach(order: Order, place: int) -> None:
    """Wait until so many chunks were read."""
    pieces = order.answer.pieces
    while _read(order) < place:
        if not await pieces.more(len(pieces.entries)):
            raise AssertionError(f"{order.request_id} ended before chunk {place}")


def _read(order: Order) -> int:
    return sum(output.next for output in order.answer.outputs.values())


class Evening(msgspec.Struct, frozen=True):
    """What came of all answers."""

    different: list[int]
    """The numbers of those that were not as they were said."""
    ended_twice: int
    """How many were said to have ended more than once."""


def tavern_names() -> list[str]:
    """The SillyTaverns that answer."""
    return [f"SillyTavern-{number}" for number in range(TAVERNS)]


def guest_names(number: int) -> list[str]:
    """As many guests."""
    return [f"guest-{guest}" for guest in range(number)]


@asynccontextmanager
async def arrived(session: Session) -> AsyncIterator[None]:
    """Connect, however often that fails at first, and leave in the end."""
    while True:
        try:
            await session.open()
        except UnreachableError:
            continue
        break
    try:
        yield
    finally:
        await session.close()


async def spend(url: str, guests: int, answers: int) -> Evening:
    """Have guests read that many answers, each of which they are cut off from."""
    bar = Bar()
    numbers = iter(range(answers))
    different: list[int] = []
    ends: Counter[int] = Counter()

    async def come(name: str) -> None:
        async with Cable(url) as cable:
            patron = Patron(name, cable.url, cable, bar)
            async with arrived(patron.client):
                for number in numbers:
                    same = await patron.read(number)
                    different.extend([] if same else [number])
            ends.update(patron.ends.values())

    async with AsyncExitStack() as house:
        for name in tavern_names():
            tavern = TapsterExtension(
                url, client_id=name, answer=bar.pour, capacity=guests
            )
            await house.enter_async_context(arrived(tavern))
        async with asyncio.TaskGroup() as evening:
            for name in guest_names(guests):
                evening.create_task(come(name))
    return Evening(different, sum(times > 1 for times in ends.elements()))
