"""What is written and never taken, when its connection is to be closed or idle."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.broker.gateway.fakes import ENOUGH
from tests.broker.gateway.in_process import Wire, broker_in_process

GET = b"GET /%b HTTP/1.1\r\nHost: 127.0.0.1:4000\r\nConnection: %b\r\n\r\n"
POLL = b"socket.io/?EIO=4&transport=polling"
WRITE_TIMEOUT = 0.2


class Deaf(Wire):
    """A client of whose answers the end waits for ever, and their closing with it."""

    def __init__(self, make_protocol: Any) -> None:
        self.cut = asyncio.Event()
        super().__init__(make_protocol)

    def get_write_buffer_size(self) -> int:
        """There is always something that it has not taken."""
        return 1

    def close(self) -> None:
        """It would be closed when that is taken."""

    def abort(self) -> None:
        """It is closed all the same."""
        self.cut.set()
        super().close()


@pytest.mark.parametrize("then", [b"close", b"keep-alive"])
async def test_end_of_an_answer_is_not_waited_for_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, then: bytes
) -> None:
    """Neither where more may be asked for, nor where the connection ends with it."""
    limits = {"write_timeout": WRITE_TIMEOUT}
    async with broker_in_process(tmp_path, monkeypatch, **limits) as broker:
        wire = Deaf(broker.make_protocol)
        wire.feed(GET % (b"healthz", then))
        await wire.hear("200 OK")
        async with asyncio.timeout(ENOUGH):
            await wire.cut.wait()


async def test_refusal_that_is_not_taken_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who asks too slowly is told so, and gone, whether they listen or not."""
    limits = {"write_timeout": WRITE_TIMEOUT, "handshake_timeout": WRITE_TIMEOUT}
    async with broker_in_process(tmp_path, monkeypatch, **limits) as broker:
        wire = Deaf(broker.make_protocol)
        await wire.hear("408 Request Timeout")
        async with asyncio.timeout(ENOUGH):
            await wire.cut.wait()


async def test_end_of_a_polls_answer_may_wait_longer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A session outlives a while without a network; the gate must not end it."""
    limits = {"write_timeout": WRITE_TIMEOUT}
    async with broker_in_process(tmp_path, monkeypatch, **limits) as broker:
        polling, other = Deaf(broker.make_protocol), Deaf(broker.make_protocol)
        polling.feed(GET % (POLL, b"keep-alive"))
        await polling.hear("pingInterval")
        other.feed(GET % (b"healthz", b"keep-alive"))
        async with asyncio.timeout(ENOUGH):
            await other.cut.wait()

        assert not polling.cut.is_set()


async def test_websocket_is_not_watched_by_the_gate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its outbox does that, by rules of its own."""
    limits = {"write_timeout": WRITE_TIMEOUT}
    async with broker_in_process(tmp_path, monkeypatch, **limits) as broker:
        talking, other = Deaf(broker.make_protocol), Deaf(broker.make_protocol)
        await talking.open()
        talking.get_protocol().pause_writing()
        other.feed(GET % (b"healthz", b"keep-alive"))
        async with asyncio.timeout(ENOUGH):
            await other.cut.wait()

        assert not talking.cut.is_set()
        talking.get_protocol().resume_writing()
        talking.abort()
