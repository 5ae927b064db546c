"""Packets that ask for nothing, and cost as much as others: they are read slowly."""

from __future__ import annotations

import asyncio
import time
from typing import Final

import pytest
from aiohttp import WSMsgType

from tests.broker.gateway.raw_client import RawSocket, connected

from .harness import StartBroker

A_SECOND: Final = 200
SENT: Final = 3 * A_SECOND
"""A second's worth comes at once, and the others in two more."""
QUESTION: Final = {"data": "Connection active?", "target": "server"}

PACKETS: Final = {
    "a sign of life": "3",
    "an ack that nobody waits for": "43/llm,7[]",
    "an ack of a namespace that was not joined": "43/rooms,7[]",
    "an event of one": '42/rooms,["GET_ROOMS"]',
    "a farewell to one": "41/rooms,",
    "a stream that there is not": '42/llm,["$stream-read","x",1]',
}
CONTROL: Final = {"a ping": WSMsgType.PING, "a pong": WSMsgType.PONG}


async def seconds_until_heard(line: RawSocket) -> float:
    """How long the broker takes until it has read all that was sent."""
    began = time.monotonic()
    answer = await line.ask("/llm", "message", QUESTION)
    assert answer["status"] == "ok"
    return time.monotonic() - began


async def packets(url: str, client: str, packet: str) -> float:
    """Send one of these packets again and again."""
    async with connected(url) as line:
        await line.join(clientId=client)
        await line.send(*[packet] * SENT)
        return await seconds_until_heard(line)


async def frames(url: str, client: str, kind: WSMsgType) -> float:
    """Send one of these frames again and again."""
    async with connected(url) as line:
        await line.join(clientId=client)
        for _ in range(SENT):
            await line.send_control(kind)
        return await seconds_until_heard(line)


@pytest.mark.parametrize("lane", ["1", "0"], ids=["fast lane", "plain way"])
async def test_who_floods_with_what_asks_for_nothing_is_read_slowly(
    start_broker: StartBroker, monkeypatch: pytest.MonkeyPatch, lane: str
) -> None:
    """A million acks, read as fast as they came, were seconds of silence for others."""
    monkeypatch.setenv("TAPSTER_FAST_LANE", lane)
    own = start_broker(
        {name: {} for name in (*PACKETS, *CONTROL)}, streamEventsPerSecond=A_SECOND
    )
    took = await asyncio.gather(
        *(packets(own.url, name, packet) for name, packet in PACKETS.items()),
        *(frames(own.url, name, kind) for name, kind in CONTROL.items()),
    )
    at_once = {
        name: seconds
        for name, seconds in zip((*PACKETS, *CONTROL), took, strict=True)
        if seconds < 1.5
    }

    assert at_once == {}
    assert own.reached("streamEventsPerSecond") >= len(took)
