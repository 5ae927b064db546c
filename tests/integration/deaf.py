"""Clients that come in, and then take nothing of what they are told.

Three kinds: a WebSocket that is not read, a connection by long-polling that polls no
more, and one whose poll is answered and the answer not read.
"""

from __future__ import annotations

import asyncio
import io
import json
import socket
from typing import Final, Protocol
from urllib.parse import urlsplit

import aiohttp

from tests.broker.gateway.raw_client import PATH

from .harness import Broker
from .test_raw import Deaf as DeafWebSocket

SMALL: Final = 4_096
"""Bytes that the system takes for a peer that does not read."""


class Deaf(Protocol):
    """A client that reads nothing once it is there."""

    async def join(self, broker: Broker, client: str) -> None:
        """Come into ``/llm`` with a key, and take nothing from then on."""

    def close(self) -> None:
        """Hang up."""


class NeverPolls:
    """Comes by long-polling and polls no more."""

    def __init__(self) -> None:
        self._url = ""

    async def join(self, broker: Broker, client: str) -> None:
        """Come in."""
        auth = json.dumps({"clientId": client, "key": "getKey"})
        url = f"{broker.url}{PATH}polling"
        async with aiohttp.ClientSession() as session:
            async with session.get(url) as response:
                opening = json.loads((await response.text())[1:])
            self._url = f"{url}&sid={opening['sid']}"
            for said, awaited in (("/auth", "CLIENT_KEY"), ("/llm", "40/llm,")):
                body = io.BytesIO(f"40{said},{auth}".encode())
                async with session.post(self._url, data=body) as response:
                    assert response.status == 200
                await self._hear(session, awaited)

    async def _hear(self, session: aiohttp.ClientSession, words: str) -> None:
        heard = ""
        while words not in heard:
            async with session.get(self._url) as response:
                heard = await response.text()

    def close(self) -> None:
        """It has gone already."""


class NeverReadsPolls(NeverPolls):
    """Polls once more, and does not read the answer."""

    def __init__(self) -> None:
        super().__init__()
        self._line: socket.socket | None = None

    async def join(self, broker: Broker, client: str) -> None:
        """Come in and poll."""
        await super().join(broker, client)
        parts = urlsplit(self._url)
        line = self._line = socket.socket()
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
        line.setblocking(False)  # noqa: FBT003 - the library's signature
        loop = asyncio.get_running_loop()
        await loop.sock_connect(line, (parts.hostname, parts.port))
        request = f"GET {parts.path}?{parts.query} HTTP/1.1\r\nHost: {parts.netloc}"
        await loop.sock_sendall(line, f"{request}\r\n\r\n".encode())

    def close(self) -> None:
        """Hang up."""
        if self._line is not None:
            self._line.close()


KINDS: Final[dict[str, type[Deaf]]] = {
    "text": DeafWebSocket,
    "polling, never polls": NeverPolls,
    "polling, never reads": NeverReadsPolls,
}
