"""One client sends as fast as it can; all others are heard as if it was not there."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import socket
import time
from typing import Final
from urllib.parse import urlsplit

import pytest

from broker.protocol.wire import ASK_FOR_KEY
from tests.broker.gateway.raw_client import PATH, connected
from tests.integration.harness import StartBroker

from .report import measured

SECONDS: Final = 3.0
"""In which one of these is sent as fast as it goes."""
BLOCK: Final = 200_000
QUESTION: Final = {"data": "Connection active?", "target": "server"}
PAUSE: Final = 0.01
LONGEST: Final = 0.25
"""Seconds that another may wait; it was 0.4 to 7.3 for the kinds that are here."""
TEXT, CONTINUED, PING, PONG = 0x81, 0x00, 0x89, 0x8A
"""First bytes of frames, by the standard of WebSockets (RFC 6455, section 5.2)."""

KINDS: Final = {
    "acks that nobody waits for": (TEXT, b"43/llm,7[]"),
    "signs of life": (TEXT, b"3"),
    "farewells": (TEXT, b"41/rooms,"),
    "events of a namespace not joined": (TEXT, b'42/rooms,["x"]'),
    "pings": (PING, b""),
    "pongs": (PONG, b""),
    "pieces of a message that never ends": (CONTINUED, b""),
    "namespaces joined again": (TEXT, b"40/llm,{}"),
    "what is no packet": (TEXT, b"9"),
}


def frame(first: int, payload: bytes) -> bytes:
    """One frame, masked with zeros."""
    return bytes([first, 0x80 | len(payload)]) + bytes(4) + payload


def connect(url: str) -> socket.socket:
    """Open a WebSocket and join, without a library that would be in the way."""
    where = urlsplit(url)
    line = socket.create_connection((where.hostname, where.port), timeout=10)
    key = base64.b64encode(os.urandom(16)).decode()
    line.sendall(
        f"GET {PATH}websocket HTTP/1.1\r\nHost: {where.netloc}\r\n"
        "Upgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    auth = json.dumps({"clientId": "flood", "key": ASK_FOR_KEY})
    line.sendall(frame(TEXT, f"40/llm,{auth}".encode()))
    heard = b""
    while b"40/llm," not in heard:
        heard += line.recv(BLOCK)
    return line


def flood(url: str, first: int, payload: bytes) -> int:
    """Send it for a while, as much as is taken; gives how many there were."""
    one = frame(first, payload)
    block = one * (BLOCK // len(one))
    sent, until = 0, time.monotonic() + SECONDS
    with connect(url) as line:
        line.settimeout(0.2)
        if first == CONTINUED:
            line.sendall(frame(TEXT & 0x0F, b"6"))
        while time.monotonic() < until:
            try:
                sent += line.send(block)
            except TimeoutError:
                continue
            except OSError:
                break
    return sent // len(one)


@pytest.mark.parametrize("kind", KINDS)
async def test_nobody_waits_for_who_sends_as_fast_as_it_can(
    start_broker: StartBroker, kind: str
) -> None:
    """Item 12, with whatever is no event, and so not counted as one."""
    own = start_broker({"flood": {}, "other": {}})
    waits: list[float] = []
    async with connected(own.url) as line:
        await line.join(clientId="other", key=ASK_FOR_KEY)
        flooding = asyncio.create_task(asyncio.to_thread(flood, own.url, *KINDS[kind]))
        while not flooding.done():
            began = time.monotonic()
            assert (await line.ask("/llm", "message", QUESTION))["status"] == "ok"
            waits.append(time.monotonic() - began)
            await asyncio.sleep(PAUSE)
    waits.sort()
    measured(
        12,
        f"{kind}: {await flooding:,} in {SECONDS:.0f} s; others wait "
        f"{waits[len(waits) // 2] * 1000:.1f} ms, at most {waits[-1] * 1000:.1f} ms",
    )

    assert waits[-1] < LONGEST
