"""A room in which a SillyTavern talks at a steady pace, and how late its words come.

All ends are in this process, so that one clock measures the way through the broker.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final

from tests.broker.gateway.raw_client import ClosedError, RawSocket, connected
from tests.integration.harness import Broker
from tests.integration.test_raw import Tavern, verified

PACE: Final = 0.05
"""Seconds between two chunks."""
CHUNK: Final = "x" * 500
HOST: Final = "host"
TAVERN: Final = "SillyTavern"
_INDEX: Final = re.compile(r'"index":(\d+)')


class Audience:
    """Who is in the room, and how late each of them heard each chunk."""

    def __init__(self, tavern: RawSocket, host: RawSocket) -> None:
        self.host = host
        self._tavern = tavern
        self._sent: list[float] = []
        self._late: list[tuple[float, float]] = []
        self._asked = 0
        self.closing = False
        """Whether all has been said."""

    async def talk(self) -> None:
        """Answer an order for as long as there is somebody to listen."""
        order = {"requestId": "r", "message": "talk", "target": TAVERN}
        await self.host.send("42/llm," + json.dumps(["LLM_REQUEST", order]))
        heard = await self._tavern.heard('42/llm,["LLM_REQUEST",')
        (order,) = json.loads("[" + heard)
        ids = {"requestId": order["requestId"], "streamId": "s", "outputId": "o"}
        await self._say("STREAM_START", ids)
        while not self.closing:
            chunk = {**ids, "chunkIndex": len(self._sent), "data": CHUNK}
            self._sent.append(time.perf_counter())
            await self._say("STREAM_DATA_MIDDLE", chunk)
            await asyncio.sleep(PACE)
        await self._say("STREAM_END", {**ids, "final": True})

    async def listen(self, line: RawSocket) -> None:
        """Hear what is said, and note how late it came."""
        while True:
            try:
                packet = await line.receive()
            except ClosedError:
                return
            if isinstance(packet, str) and packet.startswith('42/llm,["streamed_data"'):
                found = _INDEX.search(packet)
                assert found is not None
                sent = self._sent[int(found[1])]
                self._late.append((sent, time.perf_counter() - sent))

    async def invite(self, identity: str) -> None:
        """Have somebody in the room who has come already."""
        member = {"roomName": HOST, "identity": identity}
        await self._ask("/rooms", "ADD_CLIENT_TO_ROOM", member)

    async def tell(self, identity: str, text: str) -> None:
        """Tell somebody something that the others do not hear."""
        message = ["message", {"data": text, "target": identity}]
        await self.host.send("42/llm," + json.dumps(message))

    def p99(self, begin: float, end: float) -> float:
        """How late, in ms, 99 of 100 chunks that were said meanwhile came at most."""
        late = sorted(late for sent, late in self._late if begin <= sent < end)
        assert len(late) >= 100, "too few chunks came to say how late they were"
        return 1_000 * late[len(late) * 99 // 100]

    async def _ask(self, namespace: str, name: str, data: Any) -> None:
        self._asked += 1
        number = f"{self._asked}"
        await self.host.send(f"42{namespace},{number}{json.dumps([name, data])}")
        (answer,) = json.loads(await self.host.heard(f"43{namespace},{number}"))
        assert answer["status"] == "ok", answer

    async def _say(self, name: str, data: dict[str, Any]) -> None:
        await self._tavern.send("42/llm," + json.dumps([name, data]))


@asynccontextmanager
async def audience(
    broker: Broker, readers: list[str], silent: list[str]
) -> AsyncIterator[Audience]:
    """A host and readers in a room, to whom somebody talks; the silent are let in."""
    async with AsyncExitStack() as house:
        tavern, host = [
            await house.enter_async_context(connected(broker.url)) for _ in range(2)
        ]
        await Tavern(tavern).arrive(TAVERN)
        await verified(host, HOST)
        await host.join("/rooms", clientId=HOST, key="getKey")
        room = Audience(tavern, host)
        lines = [host]
        for name in readers:
            line = await house.enter_async_context(connected(broker.url))
            await verified(line, name)
            await room.invite(name)
            lines.append(line)
        for name in silent:
            await room.invite(name)
        listening = [asyncio.ensure_future(room.listen(line)) for line in lines]
        talking = asyncio.ensure_future(room.talk())
        try:
            yield room
        finally:
            room.closing = True
            await asyncio.gather(talking, return_exceptions=True)
            for task in listening:
                task.cancel()
            await asyncio.gather(*listening, return_exceptions=True)
