"""A whole broker without a network: its connections are transports in this process.

What a test does to it happens in the same turns of the loop each time, so that what it
costs can be counted.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import pytest

from broker.app import running_broker
from broker.config import ServerSettings
from broker.protocol.wire import MONITOR_TYPE, AnswerEvent, Event, Namespace
from broker.start import Where

from .fakes import ENOUGH

ADDRESS: Final = ("127.0.0.1", 4000)
UPGRADE: Final = (
    b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\n"
    b"Host: 127.0.0.1:4000\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
TEXT_FRAME: Final = 0x81
MASKED: Final = 0x80
MASK: Final = bytes(4)
"""Of zeros: it changes nothing."""
SHORT: Final = 126
CHUNK: Final = f'["{AnswerEvent.STREAMED_DATA}"'.encode()


def masked(packet: str) -> bytes:
    """A packet in a WebSocket's frame, as clients send it."""
    payload = packet.encode()
    size = len(payload)
    if size < SHORT:
        return bytes((TEXT_FRAME, MASKED | size)) + MASK + payload
    head = bytes((TEXT_FRAME, MASKED | SHORT)) + size.to_bytes(2, "big")
    return head + MASK + payload


def event(name: str, data: Any, number: str = "") -> str:
    """An event in ``/llm`` as browsers write it; with a number it wants an ack."""
    written = json.dumps([name, data], separators=(",", ":"))
    return f"42{Namespace.LLM},{number}{written}"


class Wire(asyncio.Transport):
    """One connection to the broker: the transport it writes to, and its client."""

    def __init__(self, make_protocol: Callable[[], Any]) -> None:
        super().__init__()
        self.writes = 0
        """How often the broker has written chunks; other news may come at any time."""
        self.chunks = 0
        """How many chunks it has written."""
        self._heard = bytearray()
        self._news = asyncio.Event()
        self._wanted = 0
        self._enough: asyncio.Future[None] | None = None
        self._closing = False
        self._protocol = make_protocol()
        self._protocol.connection_made(self)

    # -- what the broker does with it

    def write(self, data: Any) -> None:
        """Take what the broker writes."""
        self._heard += data
        chunks = bytes(data).count(CHUNK)
        self.chunks += chunks
        self.writes += chunks > 0
        self._news.set()
        if self._enough is not None and self.chunks >= self._wanted:
            enough, self._enough = self._enough, None
            enough.set_result(None)

    def writelines(self, pieces: Any) -> None:
        """Take it in pieces."""
        self.write(b"".join(pieces))

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Where both ends are."""
        return ADDRESS if name in {"peername", "sockname"} else default

    def get_write_buffer_size(self) -> int:
        """The client reads as fast as it is written to."""
        return 0

    def is_closing(self) -> bool:
        """Whether the broker has closed it."""
        return self._closing

    def close(self) -> None:
        """End it."""
        if not self._closing:
            self._closing = True
            loop = asyncio.get_running_loop()
            loop.call_soon(self._protocol.connection_lost, None)

    def abort(self) -> None:
        """End it at once."""
        self.close()

    def pause_reading(self) -> None:
        """The test sends no more than is read."""

    def resume_reading(self) -> None:
        """The same."""

    def set_protocol(self, protocol: Any) -> None:
        """Hand what comes to another one."""
        self._protocol = protocol

    def get_protocol(self) -> Any:
        """Whoever gets what comes."""
        return self._protocol

    # -- what a client does with it

    async def open(self) -> None:
        """Become a WebSocket."""
        self.feed(UPGRADE)
        await self.hear('"pingInterval"')

    def feed(self, data: bytes) -> None:
        """Send bytes, all in one read of the broker's."""
        self._protocol.data_received(data)

    def send(self, *packets: str) -> None:
        """Send packets."""
        self.feed(b"".join(map(masked, packets)))

    async def join(self, namespace: str, **auth: Any) -> None:
        """Come into a namespace."""
        self.send(f"40{namespace},{json.dumps(auth)}")
        await self.hear(f"40{namespace},")

    async def hear(self, words: str) -> str:
        """What came until these words and a little beyond; all of it is forgotten."""
        wanted = words.encode()
        async with asyncio.timeout(ENOUGH):
            while wanted not in self._heard:
                self._news.clear()
                await self._news.wait()
        heard = self._heard.decode(errors="replace")
        self._heard.clear()
        return heard

    def has(self, chunks: int) -> asyncio.Future[None]:
        """Done when so many chunks have come; costs the loop next to nothing."""
        self._wanted = chunks
        self._enough = asyncio.get_running_loop().create_future()
        return self._enough


class Broker:
    """A broker and the connections to it."""

    def __init__(self, make_protocol: Callable[[], Any]) -> None:
        self.make_protocol = make_protocol

    async def visitor(self) -> Wire:
        """A connection of somebody who has said nothing yet."""
        wire = Wire(self.make_protocol)
        await wire.open()
        return wire

    def line(self) -> Wire:
        """A connection on which nothing has been sent."""
        return Wire(self.make_protocol)

    async def tavern(self, name: str) -> Wire:
        """A SillyTavern that is ready for requests."""
        wire = Wire(self.make_protocol)
        await wire.open()
        auth = {"clientId": name, "clientType": "SillyTavern", "key": "getKey"}
        await wire.join(Namespace.SILLY_TAVERN, **auth)
        card = json.dumps(
            [Event.IDENTIFY_SILLYTAVERN, {"clientId": name, "version": "1"}]
        )
        wire.send(f"42{Namespace.SILLY_TAVERN},1{card}")
        await wire.hear(f"43{Namespace.SILLY_TAVERN},1")
        await wire.join(Namespace.LLM, **auth)
        return wire

    async def client(self, name: str) -> Wire:
        """A client that reads plain events."""
        wire = Wire(self.make_protocol)
        await wire.open()
        auth = {"clientId": name, "key": "getKey"}
        await wire.join(Namespace.AUTH, **auth)
        await wire.hear(Event.GET_CLIENT_KEY)
        await wire.join(Namespace.LLM, **auth)
        return wire


@asynccontextmanager
async def broker_in_process(
    folder: Path, monkeypatch: pytest.MonkeyPatch, *clients: str, **limits: Any
) -> AsyncIterator[Broker]:
    """Run a broker that trusts these clients, and listens nowhere."""
    settings, data = folder / "settings", folder / "data"
    settings.mkdir()
    data.mkdir()
    for client in clients:
        trusted: dict[str, Any] = {"clientId": client, "isTrust": True}
        if client == MONITOR_TYPE:
            trusted["clientType"] = MONITOR_TYPE
        (settings / f"{client}-settings.json").write_text(json.dumps(trusted))
    made: list[Callable[[], Any]] = []

    async def create_server(factory: Any, *_args: Any, **_kwargs: Any) -> Any:
        made.append(factory)
        listener = SimpleNamespace(getsockname=lambda: ADDRESS)
        return SimpleNamespace(sockets=[listener], close=lambda: None)

    loop = asyncio.get_running_loop()
    monkeypatch.setattr(loop, "create_server", create_server)
    where = Where(
        host="127.0.0.1", port=4000, settings_folder=settings, data_folder=data
    )
    limits = {"stream_events_per_second": 1_000_000, **limits}
    async with running_broker(ServerSettings(**limits), where):
        yield Broker(made[0])
