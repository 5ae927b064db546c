"""TapsterEngine: engine.io, subclassed: connections, not yet whose they are.

Takes from the library the handshake over HTTP and the upgrade. Refuses at the door what
comes from foreign pages or by a foreign name, and who is one too many. Must never look
into a packet: sockets take them, and ``gateway.server`` reads them.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

import engineio
from aiohttp import web
from engineio.packet import OPEN
from engineio.packet import Packet as EnginePacket

from actors.errors import (
    BrokerError,
    Code,
    ProtocolError,
    RefusedError,
    UnavailableError,
)
from actors.limits import Limit, reached
from broker.config import ServerSettings
from broker.gateway.counts import Counts
from broker.gateway.farewell import Farewell
from broker.gateway.heartbeat import Heartbeat
from broker.gateway.intake import Intake
from broker.gateway.outbox import HIGH_WATER, Flusher, Limits
from broker.gateway.rate import Crowd, Rates
from broker.gateway.socket import TapsterSocket
from broker.protocol import json_text, outbound
from broker.security.origins import Origins
from broker.security.peer import Neighbourhood

logger = logging.getLogger(__name__)


class TapsterEngine(engineio.AsyncServer):  # type: ignore[misc]
    """The Engine.IO half: connections, not yet whose they are."""

    intake: Intake
    message: Callable[[TapsterSocket, str | bytes], Awaitable[None]]
    event: Callable[[TapsterSocket, str], None]
    gone: Callable[[TapsterSocket, str], None]
    awaits_anybody: Callable[[], bool]

    def configure(
        self,
        settings: ServerSettings,
        origins: Origins,
        neighbourhood: Neighbourhood,
        counts: Counts,
        *,
        fast_lane: bool,
    ) -> None:
        """Take what connections need to know; once, before the first."""
        self.handshake_timeout = settings.handshake_timeout
        self.fast_lane = fast_lane
        self.limits = Limits(settings.outbox_limit, settings.write_timeout)
        self.flusher = Flusher()
        self.heartbeat = Heartbeat()
        self.clock = asyncio.get_running_loop().time
        self.rates = Rates(
            settings.events_per_second,
            settings.events_burst,
            settings.stream_events_per_second,
        )
        self.max_depth = settings.max_depth
        self.crowd = Crowd(settings.connections_per_address)
        self.counts = counts
        self._places = settings.max_connections
        self.read_timeout = settings.read_timeout
        self.farewell = Farewell()
        self._closing: set[asyncio.Task[None]] = set()
        self._origins = origins
        self._neighbourhood = neighbourhood

    def close_soon(self, socket: TapsterSocket, reason: str) -> None:
        """Close a connection from where nothing can be awaited."""
        closing = socket.close(wait=False, abort=True, reason=reason)
        task = asyncio.get_running_loop().create_task(closing)
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    def create_queue(self, *_args: Any, **_kwargs: Any) -> None:
        """Sockets have an outbox instead of the library's queue."""

    async def handle_request(self, request: web.Request) -> web.StreamResponse:
        """Answer an HTTP request, if it comes from where it may."""
        here = local_address(request)
        if not self._origins.is_our_name(request.headers.get("Host", ""), here):
            return self._forbid("this server is not called by that Host name")
        if not self._origins.may_connect(request.headers.get("Origin"), here):
            return self._forbid("pages of this Origin may not connect")
        socket: TapsterSocket | None = self.sockets.get(request.query.get("sid", ""))
        response: web.StreamResponse = await super().handle_request(request)
        if socket is None:
            return response
        if socket.broken is not None and response.status == HTTPStatus.BAD_REQUEST:
            return _bad_request(socket.broken)
        if (response.content_length or 0) > HIGH_WATER:
            await socket.answer(request, response)
        return response

    async def _handle_connect(
        self, environ: dict[str, Any], transport: str, jsonp_index: int | None = None
    ) -> Any:
        request: web.Request = environ["aiohttp.request"]
        if self.farewell.begun and not self.awaits_anybody():
            return self._turned_away()
        if len(self.sockets) >= self._places:
            self.counts.turned_away += 1
            reached[Limit.MAX_CONNECTIONS] += 1
            return _unavailable()
        peer = self._neighbourhood.peer(request.remote, request.headers)
        if not self.crowd.enter(peer.address):
            reached[Limit.CONNECTIONS_PER_ADDRESS] += 1
            logger.info("%s has too many connections", peer.address)
            return _too_many_connections(self.crowd.per_address)
        sid = self.generate_id()
        socket = self.sockets[sid] = TapsterSocket(self, sid, peer)
        await socket.send(EnginePacket(OPEN, self._opening(sid, transport)))
        socket.schedule_ping()
        if transport == "websocket":
            try:
                return await socket.handle_get_request(environ)
            finally:  # it may have failed before there was a WebSocket
                await socket.close(wait=False, abort=True)
        socket.connected = True
        return self._ok(await socket.poll(), jsonp_index=jsonp_index)

    def _forbid(self, message: str) -> web.Response:
        self.counts.foreign += 1
        answer = outbound.refusal(BrokerError(message, Code.AUTHORISATION_FAILED))
        return web.json_response(answer, status=HTTPStatus.FORBIDDEN)

    def _turned_away(self) -> dict[str, Any]:
        """What the library answers with, readable for pages of other origins too."""
        seconds = self.farewell.turn_of(self.generate_id())
        headers = [
            ("Content-Type", "application/json; charset=utf-8"),
            ("Retry-After", str(math.ceil(seconds))),
        ]
        return {
            "status": "503 SERVICE UNAVAILABLE",
            "headers": headers,
            "response": json_text.encode(outbound.turned_away(seconds)),
        }

    def _opening(self, sid: str, transport: str) -> dict[str, Any]:
        return {
            "sid": sid,
            "upgrades": self._upgrades(sid, transport),
            "pingInterval": int(self.ping_interval * 1000),
            "pingTimeout": int(self.ping_timeout * 1000),
            "maxPayload": self.max_http_buffer_size,
        }


def local_address(request: web.Request) -> str:
    """The address by which a request reached this machine."""
    transport = request.transport
    name = transport.get_extra_info("sockname") if transport is not None else None
    return str(name[0]) if isinstance(name, tuple) else ""


class TooManyConnectionsError(UnavailableError):
    """There are as many connections as there may be."""

    def __init__(self) -> None:
        super().__init__("too many connections are open here, try again in a minute")


def _unavailable() -> web.Response:
    answer = outbound.refusal(TooManyConnectionsError())
    return web.json_response(answer, status=503, headers={"Retry-After": "60"})


def _bad_request(reason: str) -> web.Response:
    return web.json_response(outbound.refusal(ProtocolError(reason)), status=400)


def _too_many_connections(most: int) -> web.Response:
    error = RefusedError(
        f"too many connections from this address: at most {most}, close one first",
        Code.TOO_MANY_REQUESTS,
    )
    return web.json_response(outbound.refusal(error), status=429)
