"""Clients that take nothing of what they are told are cut, whatever they came by."""

from __future__ import annotations

import asyncio
import json
from typing import Final

import pytest

from tests.broker.gateway.raw_client import ENOUGH, connected

from .deaf import KINDS
from .harness import StartBroker
from .test_ops import metrics
from .test_raw import is_alive, verified

TEXT: Final = "t" * 250_000
TEXTS: Final = 16
"""More than the system takes for somebody, less than the outbox's limit."""
POLL: Final = 0.05
LIMITS: Final = {"writeTimeout": 0.5, "outboxLimit": 64 * 1024 * 1024}


@pytest.mark.parametrize("kind", KINDS)
async def test_client_that_takes_nothing_is_cut(
    start_broker: StartBroker, kind: str
) -> None:
    """Section 9: a socket that takes nothing for 10 s is cut."""
    own = start_broker({"host": {}, "deaf": {}}, **LIMITS)
    deaf = KINDS[kind]()
    async with asyncio.timeout(ENOUGH), connected(own.url) as host:
        await verified(host, "host")
        await deaf.join(own, "deaf")
        message = ["message", {"data": TEXT, "target": "deaf"}]
        for _ in range(TEXTS):
            await host.send("42/llm," + json.dumps(message))
        cut = 0.0
        while not cut:
            told = await asyncio.to_thread(metrics, own.url)
            cut = told["tapster_slow_readers_closed_total", "write_timeout"]
            await asyncio.sleep(POLL)
        deaf.close()

        assert cut == 1
        assert await asyncio.to_thread(own.reached, "writeTimeout") == 1
        assert await is_alive(host)
