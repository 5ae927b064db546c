"""The gate: TCP connections, before they have said anything.

Owns how many are open, and how long each may take to say what it wants and to send
what it promised. Who may come in is others' to say. Must never be on the way of a
chunk: whatever comes after a WebSocket's handshake is none of its business.

Reaches into aiohttp, so its version is pinned to a minor.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, Final, TypeAlias

from aiohttp import hdrs, web
from aiohttp.http import HttpProcessingError
from aiohttp.typedefs import Handler, Middleware
from aiohttp.web_protocol import RequestHandler

from broker.config import ServerSettings
from broker.gateway.counts import Counts
from broker.gateway.server import TooManyConnectionsError
from broker.protocol import json_text, outbound

logger = logging.getLogger(__name__)

SPARE: Final = 256
"""Connections beyond the cap, so that an operator still sees the figures."""

IDLE: Final = 75.0
"""Seconds an HTTP connection may wait between two requests."""

FAREWELL: Final = 1.0
"""Seconds in which whoever is too many may say what they wanted, to be told so."""

PEER: Final = "peername"
CONTINUE: Final = "100-continue"

SHUTDOWN: Final = 1.0
"""Seconds that requests have to end when the broker stops."""


class Gate:
    """How many connections there may be, and how slow."""

    def __init__(self, settings: ServerSettings, counts: Counts) -> None:
        self.counts = counts
        self.places = settings.max_connections + SPARE
        self.first_request = settings.handshake_timeout
        """Seconds in which a connection must have said what it wants."""
        self.body = settings.read_timeout
        """Seconds in which a request's body must have come."""
        self.open = 0

    def in_time(self) -> Middleware:
        """A middleware that waits for no body longer than it should."""

        @web.middleware
        async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
            if not request.can_read_body:
                return await handler(request)
            loop = asyncio.get_running_loop()
            timer = loop.call_later(self.body, self._give_up, request)
            try:
                return await handler(request)
            finally:
                timer.cancel()

        return guarded

    def _give_up(self, request: web.Request) -> None:
        if request.content.is_eof():
            return  # it is the answer that takes its time
        self.counts.requests_late += 1
        logger.info("%s sends a body too slowly", request.remote)
        if request.transport is not None:
            request.transport.write(_LATE)
        request.protocol.force_close()


class GuardedRunner(web.AppRunner):
    """aiohttp's runner, whose connections come through the gate."""

    def __init__(self, app: web.Application, gate: Gate) -> None:
        super().__init__(
            app,
            access_log=None,
            shutdown_timeout=SHUTDOWN,
            keepalive_timeout=IDLE,
            # Nobody has reason to send anything compressed, but to fill the memory.
            auto_decompress=False,
        )
        self._gate = gate

    async def _make_server(self) -> web.Server:
        return _Server(await super()._make_server(), self._gate)


_Answer: TypeAlias = Callable[[Any], Awaitable[web.StreamResponse]]


class _Server(web.Server):
    """aiohttp's factory of protocols, one for each connection."""

    def __init__(self, made: web.Server, gate: Gate) -> None:
        super().__init__(
            _expecting_little(made.request_handler),
            request_factory=made.request_factory,
            handler_cancellation=made.handler_cancellation,
            loop=asyncio.get_running_loop(),
            **made._kwargs,  # noqa: SLF001 - there is no other way to them
        )
        self._gate = gate

    def __call__(self) -> RequestHandler:
        return _Guarded(self, self._gate, self._loop, self._kwargs)


def _expecting_little(handle: _Answer) -> _Answer:
    """Refuse what is expected of us: aiohttp fails at bytes that are no UTF-8."""

    async def guarded(request: Any) -> web.StreamResponse:
        expected = request.headers.get(hdrs.EXPECT, CONTINUE)
        if expected.lower() != CONTINUE:
            return web.Response(
                status=HTTPStatus.EXPECTATION_FAILED,
                text=f"Expect may say {CONTINUE} and nothing else\n",
            )
        return await handle(request)

    return guarded


class _Guarded(RequestHandler):
    """One connection: counted, and closed when it says nothing."""

    __slots__ = ("_deadline", "_gate")

    def __init__(
        self,
        server: web.Server,
        gate: Gate,
        loop: asyncio.AbstractEventLoop,
        options: dict[str, Any],
    ) -> None:
        super().__init__(server, loop=loop, **options)
        self._gate = gate
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        gate = self._gate
        if gate.open >= gate.places:
            gate.counts.turned_away += 1
            away = _TurnedAway(transport, self._loop)
            transport.set_protocol(away)
            return
        gate.open += 1
        self._deadline = self._loop.call_later(gate.first_request, self._too_late)
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
            self._gate.open -= 1
        super().connection_lost(exc)

    def log_exception(self, *args: Any, **kw: Any) -> None:
        """Log a fault of ours with its traceback, and a peer's in a line."""
        error = kw.get("exc_info")
        if isinstance(error, HttpProcessingError):
            logger.info("%s sends what is no HTTP", self._peer_name())
        else:
            super().log_exception(*args, **kw)

    def _peer_name(self) -> str:
        peer = None if self.transport is None else self.transport.get_extra_info(PEER)
        return peer[0] if peer else "somebody"

    def _too_late(self) -> None:
        """Close who has not yet said what it wants, in all that time."""
        if self._request_count or self.transport is None:
            return
        self._gate.counts.requests_late += 1
        logger.info("%s asks too slowly", _address_of(self.peername))
        self.transport.write(_LATE)
        self.force_close()


class _TurnedAway(asyncio.Protocol):
    """One connection too many: it is told so once it has spoken.

    Closed with its request unread, it would see a reset instead of the answer.
    """

    def __init__(
        self, transport: asyncio.BaseTransport, loop: asyncio.AbstractEventLoop
    ) -> None:
        self._transport: Any = transport
        self._timer = loop.call_later(FAREWELL, transport.close)

    def data_received(self, data: bytes) -> None:  # noqa: ARG002 - whatever it is
        answer = json_text.encode(outbound.refusal(TooManyConnectionsError()))
        self._transport.write(_answer(HTTPStatus.SERVICE_UNAVAILABLE, answer))
        self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._timer.cancel()


def _answer(status: HTTPStatus, body: bytes) -> bytes:
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}",
        "Content-Type: application/json; charset=utf-8",
        f"Content-Length: {len(body)}",
        "Connection: close",
    )
    return "\r\n".join([*head, "", ""]).encode() + body


_LATE: Final = _answer(HTTPStatus.REQUEST_TIMEOUT, b"")


def _address_of(peername: Any) -> str:
    return str(peername[0]) if isinstance(peername, tuple) else "somebody"


def allow_files(wanted: int, log: Callable[..., None] = logger.warning) -> None:
    """Let this process open so many files: each connection is one."""
    with contextlib.suppress(ImportError):  # Windows has no such limit
        import resource  # noqa: PLC0415

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        if soft != resource.RLIM_INFINITY and soft < most:
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        if most < wanted:
            log(
                "this process may open only %d files: lower maxConnections to %d, or "
                "raise the limit (ulimit -n)",
                most,
                most - 2 * SPARE,
            )
