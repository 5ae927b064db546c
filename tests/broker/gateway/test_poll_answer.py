"""Whose poll is answered, and who takes the answer."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import chain, repeat
from types import SimpleNamespace
from typing import Any

from broker.gateway.poll_answer import write_answer

from .fakes import ENOUGH, MS


class Peer:
    """One end of a connection, and what of an answer it has not taken yet."""

    def __init__(self, left: Iterator[int]) -> None:
        self._left = left
        self.taken = asyncio.Event()
        self.aborted = False

    def get_write_buffer_size(self) -> int:
        """What it has not taken; with the last figure it has all it wants."""
        size = next(self._left)
        if not size:
            self.taken.set()
        return size

    def abort(self) -> None:
        """It is cut."""
        self.aborted = True

    async def prepare(self, _request: Any) -> None:
        """Nothing to do."""

    async def write_eof(self) -> None:
        """Until it has taken all."""
        await self.taken.wait()


async def write_to(peer: Peer, timeout: float) -> bool:
    """Write an answer to it."""
    request: Any = SimpleNamespace(transport=peer)
    response: Any = peer
    async with asyncio.timeout(ENOUGH):
        return await write_answer(request, response, timeout)


async def test_peer_that_takes_its_answer_is_not_cut() -> None:
    """As almost everybody does."""
    peer = Peer(repeat(1))
    peer.taken.set()

    assert await write_to(peer, ENOUGH)
    assert not peer.aborted


async def test_peer_that_takes_nothing_of_its_answer_is_cut() -> None:
    """Section 9: a socket that takes nothing for 10 s."""
    peer = Peer(repeat(100_000))

    assert not await write_to(peer, MS)
    assert peer.aborted


async def test_peer_that_takes_its_answer_slowly_is_not_cut() -> None:
    """Section 9: *nothing* for 10 s."""
    peer = Peer(chain(range(100_000, 0, -5_000), repeat(0)))

    assert await write_to(peer, MS)
    assert not peer.aborted


async def test_peer_that_has_hung_up_gets_nothing() -> None:
    """Aiohttp finds out by itself."""
    gone: Any = SimpleNamespace(transport=None)

    assert await write_answer(gone, SimpleNamespace(), ENOUGH)  # type: ignore[arg-type]
