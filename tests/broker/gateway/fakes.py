"""What stands around a session under test: no socket, no network."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Final

from actors.extension import Profile
from actors.outbound import OutputId
from broker.gateway.outbox import Flusher, Limits, Outbox
from broker.gateway.session import Session
from broker.protocol.handshake import Handshake
from broker.protocol.packet import unframe
from broker.protocol.wire import Namespace
from broker.security.peer import Peer
from broker.security.trust import Trust

MS: Final = 0.001
"""The unit of all times a test has to wait for."""

ENOUGH: Final = 5.0
"""Seconds after which a test that waits has failed."""

PEER: Final = Peer("127.0.0.1", local=True, origin=None, host="127.0.0.1:4000")
OUTPUT: Final = OutputId("req.0", "req", "r", "o")


async def turns(number: int = 5) -> None:
    """Let the loop do what is scheduled."""
    for _ in range(number):
        await asyncio.sleep(0)


def split(data: bytes) -> list[bytes]:
    """Cut what was written to a WebSocket into the payloads of its frames."""
    payloads = []
    while data:
        length, header = data[1], 2
        if length == 126:
            length, header = int.from_bytes(data[2:4], "big"), 4
        elif length == 127:
            length, header = int.from_bytes(data[2:10], "big"), 10
        payloads.append(data[header : header + length])
        data = data[header + length :]
    return payloads


class FakeSink:
    """A WebSocket's transport that takes as much as the test says."""

    def __init__(self) -> None:
        self.writes: list[bytes] = []
        self.buffered = 0
        self.stuck = False
        """Whether what is written stays in the buffer."""
        self.drains = 0
        """How many wait at the moment for the buffer to be low."""
        self.aborted = asyncio.Event()
        self.broken = False
        self._low = asyncio.Event()

    def write(self, data: bytes) -> None:
        """Take bytes."""
        self.writes.append(data)
        if self.stuck:
            self.buffered += len(data)

    def unwritten(self) -> int:
        """Bytes that are buffered."""
        return self.buffered

    async def drain(self) -> None:
        """Wait until the test lets the peer read."""
        if self.broken:
            raise ConnectionResetError
        self.drains += 1
        try:
            await self._low.wait()
        finally:
            self.drains -= 1

    def abort(self) -> None:
        """Remember that the connection was cut."""
        self.aborted.set()

    def take_all(self) -> None:
        """Have the peer read everything that is buffered."""
        self.buffered = 0
        low, self._low = self._low, asyncio.Event()
        low.set()

    def payloads(self) -> list[bytes]:
        """What all frames held, in order."""
        return split(b"".join(self.writes))


class FakeConnection:
    """A connection whose outbox writes to a fake sink."""

    def __init__(self, outbox_limit: int = 1 << 20, write_timeout: float = 10) -> None:
        self.peer = PEER
        self.sink = FakeSink()
        self.overflows = 0
        limits = Limits(outbox_limit, write_timeout)
        self.outbox = Outbox(Flusher(), limits, self._overflow, self._overflow)
        self.outbox.attach(self.sink)
        self.sessions: dict[str, Session] = {}
        self.granted: dict[str, str] = {}
        self.identified: dict[str, Profile] = {}
        self.closed = False

    def _overflow(self) -> None:
        self.overflows += 1
        self.outbox.close()

    def session(
        self,
        namespace: str = Namespace.LLM,
        *,
        verified: bool = True,
        stream_names: str = "plain",
        **handshake: Any,
    ) -> Session:
        """Join a namespace."""
        handshake.setdefault("client_id", "guest")
        shaken = Handshake(**handshake)
        trust = Trust(shaken.client_id)
        session = Session(f"sid-{namespace}", namespace, self, shaken, trust)
        session.verified = verified
        session.stream_names = stream_names
        self.sessions[namespace] = session
        return session

    def sent(self) -> list[tuple[str, Any]]:
        """Every packet written so far: what stands before its JSON, and that."""
        self.outbox.flush()
        return [packet_of(payload) for payload in self.sink.payloads()]

    def forget(self) -> None:
        """Look only at what is written from now on."""
        self.outbox.flush()
        self.sink.writes.clear()


def packet_of(payload: bytes) -> tuple[str, Any]:
    """Cut a packet's payload into its head and its JSON."""
    text = payload.decode()
    start = min((i for i in (text.find("["), text.find("{")) if i >= 0), default=None)
    if start is None:
        return text, None
    return text[:start], json.loads(text[start:])


def frames_of(framed: list[bytes]) -> list[bytes]:
    """The payloads of frames."""
    return [unframe(each) for each in framed]
