"""The gate: TCP connections, before they have said anything.

Owns how long each may take to say what it wants, to send what it promised, and to take
what it asked for. How many there may be is the places' to say (``http.places``), who
may come in is others'. Must never be on the way of a chunk: whatever comes after a
WebSocket's handshake is none of its business.

Reaches into aiohttp, so its version is pinned to a minor.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, Final, TypeAlias, cast

from aiohttp import hdrs, web
from aiohttp.http import HttpProcessingError
from aiohttp.typedefs import Handler, Middleware
from aiohttp.web_protocol import RequestHandler

from actors.errors import BrokerError, TimeoutExpiredError
from actors.limits import Limit, reached
from broker.config import ServerSettings
from broker.gateway.counts import Counts
from broker.gateway.outbox import HIGH_WATER
from broker.http.places import SPARE, Place, Places
from broker.http.taking import Taking
from broker.http.turned_away import Exit, answer
from broker.protocol import json_text, outbound
from broker.security.peer import Neighbourhood

logger = logging.getLogger(__name__)

IDLE: Final = 75.0
"""Seconds an HTTP connection may wait between two requests."""

CONTINUE: Final = "100-continue"

UNREAD: Final = 64 * 1024
"""Bytes of a connection that the system holds for us; Linux takes it twice, and
counts what it needs itself."""

SHUTDOWN: Final = 1.0
"""Seconds that requests have to end when the broker stops."""


class Gate:
    """How many connections there may be, and how slow."""

    def __init__(
        self, settings: ServerSettings, counts: Counts, neighbourhood: Neighbourhood
    ) -> None:
        self.counts = counts
        self.places = Places(settings, neighbourhood, counts)
        self.exit = Exit()
        self.first_request = settings.handshake_timeout
        """Seconds in which a connection must have said what it wants; as many before
        that to be encrypted."""
        self.body = settings.read_timeout
        """Seconds in which a request's body must have come."""
        self.taking = settings.write_timeout
        """Seconds in which a peer must have taken something of an answer."""
        self.farewell = 2 * settings.write_timeout
        """Seconds in which one that is encrypted must have agreed to the end, behind
        all that was written: longer, for who takes nothing is to be cut by then."""
        self.polls = settings.socket_io_path
        """Where small answers may wait: a session can outlive a dead minute."""

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

    def turn_away(self, transport: asyncio.BaseTransport, error: BrokerError) -> None:
        """Tell a connection that there is no place for it, and close it."""
        if self.exit.is_crowded:
            cast("asyncio.Transport", transport).abort()
            return
        away = self.exit.show(error)
        cast("asyncio.Transport", transport).set_protocol(away)
        away.connection_made(transport)

    def _give_up(self, request: web.Request) -> None:
        if request.content.is_eof():
            return  # it is the answer that takes its time
        self.counts.requests_late += 1
        reached[Limit.HTTP_REQUEST_TIME] += 1
        logger.info("%s sends a body too slowly", request.remote)
        if request.transport is not None:
            request.transport.write(_late("body", self.body))
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
        self.gate = gate

    def protocol(self, place: Place) -> asyncio.Protocol:
        """Who talks to a connection that has its place already."""
        guarded = cast("_Server", self.server)()
        guarded.give(place)
        return guarded

    async def _make_server(self) -> web.Server:
        return _Server(await super()._make_server(), self.gate)


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

    def __call__(self) -> _Guarded:
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

    __slots__ = ("_deadline", "_gate", "_place", "_taking")

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
        self._place: Place | None = None
        self._taking: Taking | None = None

    def give(self, place: Place) -> None:
        """Have a place already, taken while the connection was being encrypted."""
        self._place = place

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        gate = self._gate
        if self._place is None:
            try:
                self._place = gate.places.take(_address_of(transport))
            except BrokerError as error:
                gate.turn_away(transport, error)
                return
        _read_evenly(transport)
        self._taking = Taking(transport, self._takes_nothing)
        self._deadline = self._loop.call_later(gate.first_request, self._too_late)
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        if self._taking is not None:
            self._taking.forget()
            self._taking = None
        if self._place is not None:
            self._place.leave()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        # While a handler runs it writes itself, and watches that: see gateway.
        if self._current_request is None and self._taking is not None:
            self._taking.expect(self._gate.taking)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._taking is not None:
            self._taking.forget()

    async def finish_response(
        self, request: Any, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Write an answer, and see that its end is taken as well."""
        done = await super().finish_response(request, resp, start_time)
        if self._taking is not None:
            polled = request.path.startswith(self._gate.polls)
            small = (resp.content_length or 0) <= HIGH_WATER
            self._taking.expect(IDLE if polled and small else self._gate.taking)
        return done

    def force_close(self) -> None:
        """Close, but wait no longer for what was written than for anything else."""
        super().force_close()
        if self._taking is not None:
            self._taking.expect(self._gate.taking)

    def _takes_nothing(self) -> None:
        if self._taking is None or self._current_request is not None:
            return  # a handler writes, and watches that itself
        reached[Limit.HTTP_ANSWER_TIME] += 1
        logger.info("%s takes nothing and is cut", _address_of(self._taking.transport))
        self._taking.cut()

    def log_exception(self, *args: Any, **kw: Any) -> None:
        """Log a fault of ours with its traceback, and a peer's in a line."""
        error = kw.get("exc_info")
        if isinstance(error, HttpProcessingError):
            logger.info("%s sends what is no HTTP", self._peer_name())
        elif isinstance(error, ConnectionResetError) and self.transport is None:
            logger.info("somebody has gone in the middle of a request")
        else:
            super().log_exception(*args, **kw)

    def _peer_name(self) -> str:
        address = "" if self.transport is None else _address_of(self.transport)
        return address or "somebody"

    def _too_late(self) -> None:
        """Close who has not yet said what it wants, in all that time."""
        if self._request_count or self.transport is None:
            return
        self._gate.counts.requests_late += 1
        reached[Limit.HTTP_REQUEST_TIME] += 1
        logger.info("%s asks too slowly", self._peer_name())
        self.transport.write(_late("line and headers", self._gate.first_request))
        self.force_close()


def _late(what: str, seconds: float) -> bytes:
    error = TimeoutExpiredError(f"the {what} of a request must come in {seconds:g} s")
    body = json_text.encode(outbound.refusal(error))
    return answer(HTTPStatus.REQUEST_TIMEOUT, body)


def _read_evenly(transport: asyncio.BaseTransport) -> None:
    """Have one connection wait for the others after each read.

    uvloop goes on reading as long as a read fills its buffer, up to 32 times: 8 MB of a
    flood, while nobody else is heard. A system that holds less than one can not.
    """
    connection = transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, UNREAD)


def _address_of(transport: asyncio.BaseTransport) -> str:
    """Where the other end is; empty where that is not known any more."""
    name = transport.get_extra_info("peername")
    return str(name[0]) if isinstance(name, tuple) else ""


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
                max(1, most - 2 * SPARE),
            )
