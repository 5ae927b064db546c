"""A link that has ended says so, and holds nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import pytest
from aiohttp import ClientConnectionError, ClientConnectionResetError

from broker.client import TapsterClient
from broker.protocol.wire import Event, Namespace

from .fake_broker import FakeBroker, soon


async def has_news(bar: FakeBroker) -> None:
    """The reader gets something before it hears of the end."""
    await bar.status("r", "queued")


async def is_cut(bar: FakeBroker) -> None:
    """It hears of the end."""
    bar.cut()


BREAKS: Final = {
    "at once": (ClientConnectionResetError, has_news),
    "as it waited for the peer": (ClientConnectionError, is_cut),
}
"""How sending fails when a connection has been cut, and what its reader meets then."""


@pytest.mark.parametrize(("error", "follows"), BREAKS.values(), ids=BREAKS)
async def test_link_whose_sending_broke_first_is_replaced_and_leaves_nothing_open(
    bar: FakeBroker,
    monkeypatch: pytest.MonkeyPatch,
    error: type[Exception],
    follows: Callable[[FakeBroker], Awaitable[None]],
) -> None:
    """The library below foresees one of these errors, and closes after neither."""

    async def can_not_send(_text: str) -> None:
        raise error

    async with TapsterClient(
        bar.url,
        client_id="web",
        key="tap_1_x",
        transports=["websocket"],
        reconnect_delay=0.01,
    ) as web:
        link = web._connection.link
        assert link is not None
        socket = link._sio.eio.ws
        monkeypatch.setattr(socket, "send_str", can_not_send)
        sending = link._sio.eio.write_loop_task
        await link.emit(Namespace.LLM, Event.CANCEL_REQUEST, {"requestId": "r"})
        await soon(asyncio.wait({sending}))
        await follows(bar)
        await soon(link.ended())
        await soon(web._connection.ready())

    assert socket.closed
    assert socket._response.connection is None
