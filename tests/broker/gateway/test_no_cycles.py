"""A connection that has ended keeps nothing of itself alive.

Collecting all garbage holds up everybody for as long as the house is large, so it is
done seldom: what only a collector can find would add up.
"""

from __future__ import annotations

import asyncio
import gc
import types
from pathlib import Path
from typing import Any

import pytest

from broker.gateway.socket import TapsterSocket

from .in_process import Wire, broker_in_process

TURNS = 200


def connection() -> TapsterSocket:
    """The only connection that is open; those of earlier tests may be garbage."""
    gc.collect()
    every = (each for each in gc.get_objects() if type(each) is TapsterSocket)
    (found,) = [each for each in every if not each.closed]
    return found


def callbacks_to(owner: object, holder: Any) -> list[str]:
    """The attributes of a holder that are methods of an object."""
    names = [name for name in dir(holder) if not name.startswith("__")]
    values = {name: getattr(holder, name, None) for name in names}
    return [
        name
        for name, value in values.items()
        if isinstance(value, types.MethodType) and value.__self__ is owner
    ]


def breaks_off(wire: Wire) -> None:
    """Lose the network."""
    wire.close()


def says_goodbye(wire: Wire) -> None:
    """Close the WebSocket as clients do."""
    wire.feed(b"\x88\x82\0\0\0\0\x03\xe8")


@pytest.mark.parametrize("end", [breaks_off, says_goodbye])
async def test_ended_connection_is_called_back_by_nothing_it_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: Any
) -> None:
    """Neither by its WebSocket, nor by its outbox, nor by the error that ended it."""
    async with broker_in_process(tmp_path, monkeypatch, "guest") as broker:
        wire = await broker.client("guest")
        socket = connection()
        websocket: Any = socket._websocket
        assert callbacks_to(socket, websocket.direct) == ["_take"]
        assert callbacks_to(socket, socket.outbox)
        end(wire)
        for _ in range(TURNS):
            await asyncio.sleep(0)

        assert socket.closed
        assert callbacks_to(socket, websocket.direct) == []
        assert callbacks_to(socket, socket.outbox) == []
        assert websocket.exception() is None
