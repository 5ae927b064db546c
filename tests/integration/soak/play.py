"""The play itself: everybody lives for a while, then all is held against the model."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Coroutine, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Final

from broker.client import TapsterClient, TapsterExtension
from broker.protocol.wire import Event, Namespace

from .crew import Moody, cut
from .guest import Guest
from .habits import Habits
from .inspector import Inspector
from .place import Place, Report

MONITOR: Final = "monitor"
CREW_ID: Final = "SillyTavern"
COMING_IN_AT_ONCE: Final = 10
"""Each gets a key, and making one takes the broker a moment."""
REST: Final = "Immediate"
"""The mode in which nothing is held."""
REST_WITHIN: Final = 60.0
"""Seconds in which everything must have ended, once nobody does anything new."""
POLL: Final = 0.2
CUT: Final = 0.03
"""How likely a guest's connection is lost, each time it does something."""
CREW_CUT_EVERY: Final = 2.0

SETTINGS: Final[dict[str, Any]] = {
    "monitorsMayGetKey": True,
    "contextPageSize": 500,
    "contextSendDelay": 0,
    "chunkTimeout": 2,
    "firstTokenTimeout": 5,
    "thinkAfter": 3,
    "thinkBefore": 10,
}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How long and how large."""

    seconds: float = 300
    identities: int = 100
    rooms: int = 10
    extensions: int = 8
    pause: float = 2
    """Seconds between two doings of a guest, on average."""
    seed: int = 1

    def guests(self) -> list[str]:
        """The names of all guests."""
        return [f"guest-{number:03}" for number in range(self.identities)]

    def house(self) -> dict[str, dict[str, Any]]:
        """Whom the broker has to trust, and as what."""
        guests: dict[str, dict[str, Any]] = {name: {} for name in self.guests()}
        return guests | {MONITOR: {"clientType": "monitor"}, CREW_ID: {}}


class Play:
    """One run of a plan against a broker."""

    def __init__(self, url: str, plan: Plan) -> None:
        self._url = url
        self._plan = plan
        self._dice = random.Random(plan.seed)  # noqa: S311 - the same play each time
        self._report = Report()
        self._places = [
            Place(f"room-{number}", self._report) for number in range(plan.rooms)
        ]
        self._habits = Habits(self._dice, self._places, plan.guests())
        self._doings: set[asyncio.Task[None]] = set()

    def kept(self) -> int:
        """How many rooms outlive those who were in them."""
        return sum(p.state.exists and p.state.keep for p in self._places)

    async def run(self) -> Report:
        """Play it, and return what happened."""
        async with AsyncExitStack() as stack:
            monitor = self._client(MONITOR, MONITOR, [Namespace.DEBUG])
            await stack.enter_async_context(monitor)
            crew = [self._extension(n) for n in range(self._plan.extensions)]
            clients = [self._client(name, "guest", []) for name in self._plan.guests()]
            for each in crew:
                await stack.enter_async_context(each)
            for some in _batches(clients, COMING_IN_AT_ONCE):
                await asyncio.gather(*map(stack.enter_async_context, some))
            guests = [Guest(each, itertools.count(1), self._report) for each in clients]
            await self._live(guests, crew)
            inspector = Inspector(monitor)
            await self._come_to_rest(monitor, inspector)
            await self._compare(guests, inspector)
        return self._report

    def _client(
        self, name: str, client_type: str, more: list[Namespace]
    ) -> TapsterClient:
        return TapsterClient(
            self._url,
            client_id=name,
            client_type=client_type,
            key="getKey",
            namespaces=[Namespace.ROOMS, *more],
            transports=["websocket"],
            reconnect_delay=0.05,
        )

    def _extension(self, number: int) -> TapsterExtension:
        return TapsterExtension(
            self._url,
            client_id=CREW_ID,
            identity=f"{CREW_ID}-{number}",
            answer=Moody(self._dice).answer,
            capacity=1 + number % 2,
            transports=["websocket"],
            reconnect_delay=0.05,
        )

    # -- life

    async def _live(
        self, guests: Sequence[Guest], crew: Sequence[TapsterExtension]
    ) -> None:
        accidents = asyncio.create_task(self._have_accidents(crew))
        end = asyncio.get_running_loop().time() + self._plan.seconds
        await asyncio.gather(*(self._live_until(end, guest) for guest in guests))
        accidents.cancel()
        await asyncio.wait({accidents})

    async def _live_until(self, end: float, guest: Guest) -> None:
        loop = asyncio.get_running_loop()
        for place in self._dice.sample(self._places, 2):
            self._begin(self._habits.come_and_go(guest, place))
        while loop.time() < end:
            await asyncio.sleep(self._dice.uniform(0, 2 * self._plan.pause))
            self._begin(self._habits.follow(guest))
            if self._dice.random() < CUT:
                self._begin(guest.lose_connection())

    async def _have_accidents(self, crew: Sequence[TapsterExtension]) -> None:
        while True:
            await asyncio.sleep(CREW_CUT_EVERY)
            self._report.counts["extensions cut"] += cut(self._dice.choice(crew))

    def _begin(self, doing: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(doing)
        self._doings.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._doings.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._report.wrong(f"a guest failed: {error!r}")

    # -- rest

    async def _come_to_rest(self, monitor: TapsterClient, inspector: Inspector) -> None:
        """Let go what is held, and wait until everything has ended."""
        for place in self._places:
            await place.calm(monitor.call, MONITOR, REST)
            if place.doubt is not None:
                self._report.wrong(f"there was no answer to {place.doubt[0]}")
        if self._doings:
            await asyncio.wait(self._doings, timeout=REST_WITHIN)
        for _ in range(round(REST_WITHIN / POLL)):
            if not await inspector.at_rest():
                break
            await asyncio.sleep(POLL)
        for wrong in await inspector.at_rest():
            self._report.wrong(f"there is no rest: {wrong}")
        for task in self._doings:
            self._report.wrong(f"this has not ended: {task.get_coro()}")
            task.cancel()

    async def _compare(self, guests: Sequence[Guest], inspector: Inspector) -> None:
        for wrong in await inspector.rooms(self._places):
            self._report.wrong(wrong)
        by_name = {guest.name: guest for guest in guests}
        for place in self._places:
            wrongs = await inspector.differences(place)
            if place.state.roles:
                member = by_name[self._dice.choice([*place.state.roles])]
                wrongs += await inspector.own_view(place, member.client)
            for wrong in wrongs:
                self._report.wrong(wrong)
            for outcast in place.state.kicked:
                await by_name[outcast].do(place, Event.JOIN_ROOM)
            self._report.counts["words compared"] += len(place.ledger.words)
            self._report.counts["orders compared"] += len(place.ledger.orders)
        for guest in guests:
            self._compare_ends(guest)

    def _compare_ends(self, guest: Guest) -> None:
        for request_id, times in guest.ends.items():
            if times > 1:
                self._report.wrong(f"{request_id} ended {times} times")
        for request_id in guest.told:
            if not guest.ends[request_id]:
                self._report.wrong(f"{guest.name} was not told that {request_id} ended")
        self._report.counts["ends told"] += len(guest.told)


def _batches(clients: list[TapsterClient], size: int) -> list[list[TapsterClient]]:
    return [clients[at : at + size] for at in range(0, len(clients), size)]
