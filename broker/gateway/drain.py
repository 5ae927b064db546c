"""Drain: how a broker ends that still has answers to give.

Must never wait longer than it was told, nor for what only a person can move on: a
request that its room holds. What is left then ends with a reason, so that nobody
waits for a broker that is not there.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Final

from actors import relay
from actors.acceptance import Accepted
from actors.base import LoopRef, ask, watch
from actors.directory import Kind
from actors.errors import BrokerError
from actors.house import House
from actors.lifecycle import TERMINAL, RequestState
from actors.relay_events import End
from broker.gateway.server import TapsterServer

logger = logging.getLogger(__name__)

SETTLING: Final = 0.1
"""Seconds after which an order that was just taken is with its SillyTavern."""

ENDING: Final = 2.0
"""Seconds in which requests that are ended must have ended."""

_AT_REST: Final = TERMINAL | {RequestState.HELD}


class Drain:
    """Takes no more orders, and lets running answers finish."""

    def __init__(self, house: House, server: TapsterServer) -> None:
        self._house = house
        self._server = server

    async def wait(self, seconds: float, hurry: asyncio.Event) -> None:
        """Wait until all is answered, so long at most, or until ``hurry`` is set."""
        self._server.say_farewell()
        count = self._house.directory.count(Kind.REQUEST)
        if not count:
            return
        logger.info("%d requests are open: they have %g s to end", count, seconds)
        ways = {
            asyncio.create_task(self._answered()),
            asyncio.create_task(_set(hurry)),
        }
        await asyncio.wait(ways, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)

    async def end_rest(self) -> None:
        """End what is still open, and have it told and recorded."""
        left = self._open()
        if not left:
            return
        logger.info("%d requests are ended because the broker stops", len(left))
        ends = [_end_of(ref) for ref in left]
        for ref in left:
            ref.tell(End())
        await asyncio.wait(ends, timeout=ENDING)

    async def _answered(self) -> None:
        """Return when nothing runs, looked at twice."""
        while True:
            await asyncio.sleep(SETTLING)
            running = [ref for ref in self._open() if await _runs(ref)]
            if not running:
                return
            await asyncio.wait([_end_of(ref) for ref in running])

    def _open(self) -> list[LoopRef[Any]]:
        directory = self._house.directory
        refs = [directory.find(Kind.REQUEST, n) for n in directory.names(Kind.REQUEST)]
        return [ref for ref in refs if ref is not None]


async def _runs(ref: LoopRef[Any]) -> bool:
    """Whether a request is on its way to an answer."""
    try:
        accepted: Accepted = await ask(ref, relay.GetState(), timeout=ENDING)
    except BrokerError:  # it has just ended
        return False
    return accepted.state not in _AT_REST


async def _set(event: asyncio.Event) -> None:
    await event.wait()


def _end_of(ref: LoopRef[Any]) -> asyncio.Future[None]:
    """Done when an actor has ended."""
    ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def end(_ref: Any) -> None:
        if not ended.done():
            ended.set_result(None)

    watch(ref, end)
    return ended
