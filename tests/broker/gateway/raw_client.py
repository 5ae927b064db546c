"""A client that says exactly what a test wants said, and nothing by itself.

It knows frames and packets and no more: no pings answered, nothing tried again.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import aiohttp

from tests.secrets import hear

ENOUGH: Final = 10.0
"""Seconds after which a test that waits has failed."""

PATH: Final = "/socket.io/?EIO=4&transport="


class ClosedError(Exception):
    """The broker has closed the connection."""


class RawSocket:
    """A WebSocket to a broker."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self.opening: dict[str, Any] = {}

    async def open(self) -> None:
        """Take the OPEN packet."""
        packet = await self.receive()
        assert isinstance(packet, str)
        assert packet.startswith("0")
        self.opening = json.loads(packet[1:])

    async def send(self, *packets: str | bytes) -> None:
        """Send engine packets, attachments as bytes."""
        for packet in packets:
            if isinstance(packet, bytes):
                await self._socket.send_bytes(packet)
            else:
                await self._socket.send_str(packet)

    async def send_text_frame(self, payload: bytes) -> None:
        """Send a text frame, whatever its bytes are."""
        await self._socket.send_frame(payload, aiohttp.WSMsgType.TEXT)

    async def send_control(self, kind: aiohttp.WSMsgType) -> None:
        """Send a ping or a pong of the WebSocket, which is no packet."""
        await self._socket.send_frame(b"", kind)

    async def receive(self) -> str | bytes:
        """The next engine packet.

        Raises:
            ClosedError: there is none any more.
        """
        message = await self._socket.receive(ENOUGH)
        if message.type is aiohttp.WSMsgType.TEXT:
            hear(text := str(message.data))
            return text
        if message.type is aiohttp.WSMsgType.BINARY:
            return bytes(message.data)
        raise ClosedError(message.extra)

    async def heard(self, prefix: str) -> str:
        """The next packet that begins so; all before it are passed over."""
        while True:
            packet = await self.receive()
            if isinstance(packet, str) and packet.startswith(prefix):
                return packet[len(prefix) :]

    async def join(self, namespace: str = "/llm", **auth: Any) -> dict[str, Any]:
        """Join a namespace; gives what a refusal says, or nothing."""
        room = "" if namespace == "/" else f"{namespace},"
        await self.send(f"40{room}{json.dumps(auth)}")
        while True:
            packet = await self.receive()
            if isinstance(packet, str) and packet.startswith(f"40{room}"):
                return {}
            if isinstance(packet, str) and packet.startswith(f"44{room}"):
                refusal: dict[str, Any] = json.loads(packet[2 + len(room) :])
                return refusal["data"]  # type: ignore[no-any-return]

    async def ask(self, namespace: str, name: str, *args: Any) -> Any:
        """Send an event and give its ack."""
        await self.send(f"42{namespace},77{json.dumps([name, *args])}")
        (answer,) = json.loads(await self.heard(f"43{namespace},77"))
        return answer

    async def closed(self) -> str:
        """Wait until the broker has closed; gives the reason that it says then."""
        async with asyncio.timeout(ENOUGH):
            while True:
                try:
                    await self.receive()
                except ClosedError as closed:
                    return str(closed.args[0] or "")

    async def close(self) -> None:
        """Leave."""
        await self._socket.close()


@asynccontextmanager
async def connected(
    url: str, headers: dict[str, str] | None = None, **options: Any
) -> AsyncIterator[RawSocket]:
    """Connect by WebSocket and take the OPEN packet."""
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(
            f"{url}{PATH}websocket", headers=headers, max_msg_size=0, **options
        ) as socket,
    ):
        raw = RawSocket(socket)
        await raw.open()
        yield raw
