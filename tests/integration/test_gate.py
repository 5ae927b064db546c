"""What is slow, half open or one too many, before it is anybody's connection."""

from __future__ import annotations

import asyncio
import json
import zlib
from contextlib import AsyncExitStack
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp
import pytest

from tests.broker.gateway.raw_client import ENOUGH, PATH, connected

from .harness import Broker, StartBroker
from .test_ops import metrics
from .test_raw import polling

HEAD: Final = f"POST {PATH}polling&sid={{sid}} HTTP/1.1\r\nHost: {{host}}\r\n"


async def say(broker: Broker, text: str) -> bytes:
    """Send this much of a request, and give all that comes until it is closed."""
    parts = urlsplit(broker.url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(text.encode())
    async with asyncio.timeout(ENOUGH):
        answer = await reader.read()
    writer.close()
    return answer


def complaints(broker: Broker) -> str:
    """What it has written to its terminal."""
    return (broker.root / "stderr").read_text(encoding="utf-8")


@pytest.mark.parametrize("text", ["", "G", f"GET {PATH}polling HTTP/1.1\r\nHost: x"])
async def test_request_that_does_not_come_is_not_waited_for(
    start_broker: StartBroker, text: str
) -> None:
    """Section 9: the handshake's time begins with the connection."""
    own = start_broker({}, handshakeTimeout=1)
    answer = await say(own, text)

    assert answer.startswith(b"HTTP/1.1 408 ")
    assert metrics(own.url)["tapster_http_requests_late_total", ""] == 1
    assert own.reached("httpRequestTime") == 1


async def test_body_that_does_not_come_is_not_waited_for(
    start_broker: StartBroker,
) -> None:
    """One byte now and then keeps nothing open; and is no fault of ours."""
    own = start_broker({}, readTimeout=0.3)
    async with polling(own) as line:
        host = urlsplit(own.url).netloc
        head = HEAD.format(sid=line.opening["sid"], host=host)
        answer = await say(own, f"{head}Content-Length: 100\r\n\r\n4")
        after = await line.status()

    assert answer.startswith(b"HTTP/1.1 408 ")
    assert after == 400
    assert own.reached("httpRequestTime") == 1
    assert "Traceback" not in complaints(own)


async def test_body_cut_in_the_middle_is_no_fault_of_ours(
    start_broker: StartBroker,
) -> None:
    """The peer has gone: that ends its connection, and the log has no traceback."""
    own = start_broker({})
    async with polling(own) as line:
        parts = urlsplit(own.url)
        head = HEAD.format(sid=line.opening["sid"], host=parts.netloc)
        _, writer = await asyncio.open_connection(parts.hostname, parts.port)
        writer.write(f"{head}Content-Length: 100\r\n\r\n4".encode())
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        async with asyncio.timeout(ENOUGH):
            while await line.status() == 200:
                pass

    assert "Traceback" not in complaints(own)


async def test_compressed_body_is_not_unpacked(start_broker: StartBroker) -> None:
    """A bomb stays as small as it came: it is no packet."""
    own = start_broker({})
    bomb = zlib.compress(b"4" * (1 << 26))
    headers = {"Content-Encoding": "deflate"}
    async with (
        polling(own) as line,
        aiohttp.ClientSession() as session,
        session.post(line.url, data=bomb, headers=headers) as response,
    ):
        status = response.status

    assert status == 400
    assert "Traceback" not in complaints(own)


async def test_upgrade_that_never_ends_is_given_up(start_broker: StartBroker) -> None:
    """The polling goes on, and the half-open WebSocket is closed."""
    own = start_broker({"a": {}}, handshakeTimeout=1)
    async with polling(own) as line, aiohttp.ClientSession() as session:
        await line.join("a")
        url = f"{own.url}{PATH}websocket&sid={line.opening['sid']}"
        async with session.ws_connect(url) as socket:
            message = await socket.receive(ENOUGH)
        alive = await line.status()

    assert message.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)
    assert alive == 200
    assert own.reached("handshakeTimeout") == 1


async def test_attachments_that_never_come_end_the_connection(
    start_broker: StartBroker,
) -> None:
    """What came of them is kept for a while, and no longer."""
    own = start_broker({"a": {}}, readTimeout=0.3, pingInterval=1, pingTimeout=1)
    async with connected(own.url) as line:
        await line.join(clientId="a")
        packet = ["message", {"_placeholder": True, "num": 0}]
        await line.send("451-/llm," + json.dumps(packet))
        reason = await line.closed()

    assert reason == "the attachments of a packet did not come within 0.3 s"
    assert own.reached("attachmentsTime") == 1


async def test_broken_packets_are_not_kept(start_broker: StartBroker) -> None:
    """Forty megabytes that broke the protocol are gone with their connections."""
    own = start_broker({"a": {}})
    before = metrics(own.url)["process_resident_memory_bytes", ""]
    for _ in range(40):
        async with connected(own.url) as line:
            await line.join(clientId="a")
            await line.send("42/llm," + "1" * 1_000_000 + "[]")
            await line.closed()
    grown = metrics(own.url)["process_resident_memory_bytes", ""] - before

    assert grown < 40_000_000


@pytest.mark.parametrize("transport", ["websocket", "polling"])
async def test_connection_beyond_all_is_refused_before_it_is_one(
    start_broker: StartBroker, transport: str
) -> None:
    """503 with a code, and whoever is here is not harmed."""
    own = start_broker({"a": {}}, maxConnections=2)
    async with AsyncExitStack() as inside:
        lines = [await inside.enter_async_context(connected(own.url)) for _ in range(2)]
        await lines[0].join(clientId="a")
        session = await inside.enter_async_context(aiohttp.ClientSession())
        upgrade = {"Connection": "Upgrade", "Upgrade": "websocket"}
        headers = upgrade if transport == "websocket" else {}
        url = f"{own.url}{PATH}{transport}"
        async with session.get(url, headers=headers) as response:
            status, answer = response.status, await response.json()
        question = {"data": "Connection active?", "target": "server"}
        alive: Any = await lines[0].ask("/llm", "message", question)
        refused = metrics(own.url)["tapster_connections_refused_total", ""]
        assert own.reached("maxConnections") == 1

    assert (status, answer["code"]) == (503, 9)
    assert alive["status"] == "ok"
    assert refused == 1


async def test_flood_of_namespaces_is_refused_and_then_cut(
    start_broker: StartBroker,
) -> None:
    """Section 9: to be refused at a door costs something too."""
    own = start_broker({"a": {}})
    async with connected(own.url) as line, connected(own.url) as other:
        await other.join(clientId="a")
        await line.send(*['40/llm,{"clientId":"nobody"}'] * 500)
        codes: list[int] = []
        async with asyncio.timeout(ENOUGH):
            while len(codes) < 60:
                refusal = json.loads(await line.heard("44/llm,"))
                codes.append(refusal["data"]["code"])
            reason = await line.closed()
        question = {"data": "Connection active?", "target": "server"}
        alive = await other.ask("/llm", "message", question)

    assert codes[:32] == [6] * 32
    assert codes[-1] == 10429
    assert reason.startswith("too many namespaces joined: at most 8 a second")
    assert own.reached("joinsPerSecond") >= len(codes) - codes.index(10429)
    assert alive["status"] == "ok"
