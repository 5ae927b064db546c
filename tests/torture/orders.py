"""Very many orders amid accidents, what came of them, and what the broker counted.

The guests' side of it can run in another process: ``Outcome`` is what it says.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from typing import Any, Final

import aiohttp
import msgspec

from actors.lifecycle import TERMINAL, RequestState
from broker.client import (
    BrokerRefusedError,
    IncomingOrder,
    Order,
    OrderError,
    TapsterClient,
    UnreachableError,
)
from tests.integration.soak.crew import cut

WORDS: Final = [f"word-{number} " for number in range(12)]
STORY: Final = "".join(WORDS)
PACE: Final = 0.005
"""Seconds between two words."""
CANCELLED: Final = 20
"""One order of so many is called off."""
FAILED: Final = RequestState.FAILED.value
REFUSED: Final = "refused"
"""The end of an order that was never acked, and of which nothing else was told."""
AT_REST: Final = 60.0
"""Seconds after the last order in which the broker must have come to rest."""

AT_ZERO: Final = re.compile(
    r"^(tapster_requests_open\{.*\}|tapster_queue_longest_requests"
    r'|tapster_actors\{kind="request"\}) (\S+)$',
    re.MULTILINE,
)
ENDED: Final = re.compile(
    r'^tapster_requests_total\{outcome="(\w+)"\} (\S+)$', re.MULTILINE
)
CRASHES: Final = re.compile(
    r'^tapster_actor_crashes_total\{actor="(\w+)"\} (\S+)$', re.MULTILINE
)


async def tell(_order: IncomingOrder) -> AsyncIterator[str]:
    """Tell the story, at its leisure."""
    for word in WORDS:
        yield word
        await asyncio.sleep(PACE)


class Outcome(msgspec.Struct, frozen=True):
    """What came of all orders, as those who ordered heard."""

    ends: dict[str, int]
    """How many ended how."""
    faults: dict[str, list[str]]
    """The orders of which something else was told than one end, by what."""
    cuts: dict[str, int]
    not_cancelled: int
    """Cancellations that got lost in a crash or a cut."""

    def __str__(self) -> str:
        """All of it, for the report."""
        faults = ", ".join(f"{len(of)} {what}" for what, of in self.faults.items())
        lost = f"{self.not_cancelled} cancellations lost"
        return f"{self.ends}, cuts {self.cuts}, {lost}; {faults}"

    def agrees_with(self, counted: dict[str, int]) -> bool:
        """Whether the broker counted each end once.

        What was refused for a crash may have been a request by then, that failed.
        """
        told = Counter(self.ends)
        refused = told.pop(REFUSED, 0)
        others = Counter(counted)
        failed = others.pop(FAILED, 0) - told.pop(FAILED, 0)
        return others == told and 0 <= failed <= refused


class Orders:
    """So many orders, placed by whoever is free, and what is heard of them."""

    def __init__(self, number: int, cut_every: float) -> None:
        self._dice = random.Random(7)  # noqa: S311 - the same accidents every time
        self._numbers = iter(range(number))
        self._cut_every = cut_every
        self._told: defaultdict[str, list[str]] = defaultdict(list)
        """Terminal statuses that were told of each order."""
        self._ends: dict[str, str] = {}
        """How each ended, for whoever placed it."""
        self._why: dict[str, str] = {}
        """Of those that ended in an error, which one."""
        self._without_ack: set[str] = set()
        """Those that ended in an error before they were acked."""
        self._wrong: list[str] = []
        self._not_cancelled = 0
        self._cuts: Counter[str] = Counter()

    def outcome(self) -> Outcome:
        """What came of them."""
        told = self._told
        refused = dict.fromkeys(self._without_ack - told.keys(), REFUSED)
        otherwise = [
            f"{name}: told {told[name]}, ended as {end} ({self._why.get(name)})"
            for name, end in self._ends.items()
            if {end, *told.get(name, ())} != {end}
        ]
        return Outcome(
            ends=dict(Counter((self._ends | refused).values())),
            faults={
                "ended twice": [name for name, ends in told.items() if len(ends) > 1],
                "ended otherwise": otherwise,
                "wrong texts": self._wrong,
            },
            cuts=dict(self._cuts),
            not_cancelled=self._not_cancelled,
        )

    def heard(self, data: dict[str, Any]) -> None:
        """Note a status."""
        if data["status"] in TERMINAL:
            self._told[data["requestId"]].append(data["status"])

    async def place(self, guest: TapsterClient) -> None:
        """Place one after the other, until all are placed."""
        for number in self._numbers:
            name = f"r{number}"
            try:
                order = guest.order("A story", request_id=name)
                await order.accepted()
                if number % CANCELLED == 0:
                    await self._cancel(order)
                text = await order.text()
            except OrderError as error:
                self._ends[name] = error.status
                self._why[name] = f"{guest.identity}: {error.code}, {error.message}"
                if not order.ack:
                    self._without_ack.add(name)
            else:
                self._ends[name] = "completed"
                if text != STORY:
                    self._wrong.append(f"{name}: {text!r}")

    async def _cancel(self, order: Order) -> None:
        try:
            await order.cancel()
        except (BrokerRefusedError, UnreachableError):
            self._not_cancelled += 1

    async def cut_somebody(self, sessions: list[Any]) -> None:
        """Cut a client or an extension now and then, without a farewell."""
        while True:
            await asyncio.sleep(2 * self._cut_every * self._dice.random())
            session = self._dice.choice(sessions)
            with contextlib.suppress(AttributeError):  # it is being cut already
                self._cuts[type(session).__name__] += cut(session)


class Counted(msgspec.Struct, frozen=True):
    """What the broker says of itself when all is over."""

    ends: dict[str, int]
    """How many requests it counted by how they ended."""
    crashes: dict[str, int]
    """How often actors crashed, by kind."""
    not_at_rest: dict[str, float]
    """What is not 0 of the requests, queues and relays there are."""

    def __str__(self) -> str:
        """All of it, for the report."""
        crashes = f"{sum(self.crashes.values())} crashes {self.crashes}"
        rest = f"at rest {self.not_at_rest or 'all 0'}"
        return f"the broker counted {self.ends}; {crashes}; {rest}"


async def at_rest(url: str) -> Counted:
    """What the broker counts, when it is at rest or the time for that is over."""
    until = time.monotonic() + AT_REST
    while True:
        said = await _metrics(url)
        found = AT_ZERO.findall(said)
        busy = {name: float(value) for name, value in found if float(value)}
        if (found and not busy) or time.monotonic() > until:
            ends, crashes = _numbers(ENDED, said), _numbers(CRASHES, said)
            return Counted({name: n for name, n in ends.items() if n}, crashes, busy)
        await asyncio.sleep(0.2)


async def _metrics(url: str) -> str:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{url}/metrics") as answer,
    ):
        return await answer.text()


def _numbers(pattern: re.Pattern[str], said: str) -> dict[str, int]:
    return {name: int(float(number)) for name, number in pattern.findall(said)}
