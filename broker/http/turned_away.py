"""Connections that have no place: they are told so, and closed.

Owns how many there are at a time. They are told once they have spoken: closed with its
request unread, a client would see a reset instead of the answer. Where there are too
many even of these, they are closed untold.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final

from actors.errors import BrokerError, Code
from broker.protocol import json_text, outbound

FAREWELL: Final = 1.0
"""Seconds in which whoever is too many may say what they wanted, to be told so."""

AT_ONCE: Final = 128
"""Who is too many and still there: each is a file that is open."""


class Exit:
    """Where those go for whom there is no place."""

    def __init__(self) -> None:
        self._waiting = 0

    @property
    def is_crowded(self) -> bool:
        """Whether too many wait already to be told."""
        return self._waiting >= AT_ONCE

    def show(self, error: BrokerError) -> TurnedAway:
        """What to do with a connection for which there is no place."""
        self._waiting += 1
        return TurnedAway(error, self._gone)

    def _gone(self) -> None:
        self._waiting -= 1


class TurnedAway(asyncio.Protocol):
    """One connection too many, until it has heard that."""

    def __init__(self, error: BrokerError, on_gone: Callable[[], None]) -> None:
        self._error = error
        self._on_gone: Callable[[], None] | None = on_gone
        self._transport: Any = None
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for it to speak."""
        self._transport = transport
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(FAREWELL, self._transport.abort)

    def data_received(self, data: bytes) -> None:  # noqa: ARG002 - whatever it is
        """Tell it, and close."""
        if not self._transport.is_closing():
            body = json_text.encode(outbound.refusal(self._error))
            self._transport.write(answer(_status_of(self._error), body))
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """Make room for the next."""
        if self._timer is not None:
            self._timer.cancel()
        self.leave()

    def leave(self) -> None:
        """It is gone, or was never there."""
        if self._on_gone is not None:
            gone, self._on_gone = self._on_gone, None
            gone()


def _status_of(error: BrokerError) -> HTTPStatus:
    if error.code is Code.TOO_MANY_REQUESTS:
        return HTTPStatus.TOO_MANY_REQUESTS
    return HTTPStatus.SERVICE_UNAVAILABLE


def answer(status: HTTPStatus, body: bytes = b"") -> bytes:
    """A whole HTTP answer, for where there is no request to answer yet."""
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}",
        "Content-Type: application/json; charset=utf-8",
        f"Content-Length: {len(body)}",
        "Connection: close",
    )
    return "\r\n".join([*head, "", ""]).encode() + body
