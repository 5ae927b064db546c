"""A link that has ended holds nothing."""

from __future__ import annotations

import pytest
from aiohttp import ClientConnectionResetError

from broker.client import TapsterClient
from broker.protocol.wire import Event, Namespace

from .fake_broker import FakeBroker, soon


async def can_not_send(_text: str) -> None:
    """Meet a cut connection, of which whoever reads has not heard yet."""
    raise ClientConnectionResetError


async def test_link_whose_sending_broke_first_leaves_no_connection_open(
    bar: FakeBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the garbage collector complains of it, at any later time."""
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
        await soon(sending)
        await bar.status("r", "queued")
        await soon(link.ended())
        await soon(web._connection.ready())

    assert socket.closed
    assert socket._response.connection is None
