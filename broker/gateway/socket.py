"""TapsterSocket: one Engine.IO connection, long-polling or WebSocket.

Subclasses engine.io's socket for what that can not do: reading without a task for
each message, writing without one for each recipient, a bounded outbox, pings from one
timer wheel. The fast lane begins here: a stream event that needs nothing but to be
passed on never becomes a library packet.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol

from aiohttp import WSMessage, WSMsgType, web
from engineio.async_socket import AsyncSocket

from actors.extension import Profile
from actors.limits import Limit, reached
from broker.gateway.broken import ProtocolBrokenError
from broker.gateway.counts import HANDSHAKE_TIMEOUT, ORDINARY, OUTBOX_FULL
from broker.gateway.heartbeat import Heartbeat
from broker.gateway.intake import Intake
from broker.gateway.outbox import Flusher, Limits, Outbox
from broker.gateway.poll_answer import write_answer
from broker.gateway.polled import PolledPacket, attachment_of, packets_of, read_body
from broker.gateway.rate import KNOCKS, EventLimit, Pace, Rates
from broker.gateway.session import Session
from broker.gateway.websocket import TapsterWebSocket, is_too_large
from broker.protocol import library
from broker.protocol.inbound import read_stream_packet
from broker.protocol.packet import (
    ENGINE_CLOSE,
    ENGINE_NOOP,
    ENGINE_PING,
    ENGINE_PONG_PROBE,
    binary_frame,
    frame,
)
from broker.protocol.wire import Namespace
from broker.security.peer import Peer

logger = logging.getLogger(__name__)

_LLM: Final = Namespace.LLM.value
"""Looked up for every packet, and an enum's members are slow to find."""
_MESSAGE: Final = ord("4")
_AT_ONCE: Final = frozenset({b"42", b"43"})
"""How messages begin that are events or acks without attachments."""
_PONG: Final = ord("3")
_CONTROL: Final = frozenset({WSMsgType.PING, WSMsgType.PONG})
_PROBE: Final = b"2probe"
_UPGRADE: Final = b"5"
_CLOSE: Final = b"1"
CLOSE_TIMEOUT: Final = 2.0
"""Seconds a peer has to answer the closing of its WebSocket."""


class Engine(Protocol):
    """What a connection needs of the engine it belongs to."""

    intake: Intake
    flusher: Flusher
    limits: Limits
    heartbeat: Heartbeat
    rates: Rates
    clock: Callable[[], float]
    fast_lane: bool
    max_depth: int
    handshake_timeout: float
    read_timeout: float
    ping_interval: float
    ping_timeout: float
    max_http_buffer_size: int
    reason: Any
    """The library's words for why a connection ended."""
    message: Callable[[TapsterSocket, str | bytes], Awaitable[None]]
    event: Callable[[TapsterSocket, str], None]
    """Takes the text of an event or an ack."""
    gone: Callable[[TapsterSocket, str], None]

    def close_soon(self, socket: TapsterSocket, reason: str) -> None:
        """Close a connection from where nothing can be awaited."""


class _WebSocketSink:
    """The transport below an accepted WebSocket."""

    __slots__ = ("_request", "_transport")

    def __init__(self, request: web.Request, transport: Any) -> None:
        self._request = request
        self._transport = transport

    def write(self, data: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(data)

    def unwritten(self) -> int:
        return int(self._transport.get_write_buffer_size())

    async def drain(self) -> None:
        await self._request.writer.drain()

    def abort(self) -> None:
        self._transport.abort()


class TapsterSocket(AsyncSocket):  # type: ignore[misc]
    """One connection and the sessions on it."""

    server: Engine
    connected: bool
    upgraded: bool
    upgrading: bool
    closing: bool
    closed: bool

    def __init__(self, server: Engine, sid: str, peer: Peer) -> None:
        """Begin unjoined; the engine's handshake follows."""
        super().__init__(server, sid)
        self.peer = peer
        self.sessions: dict[str, Session] = {}
        self.granted: dict[str, str] = {}
        self.identified: dict[str, Profile] = {}
        self.pending: Any = None
        """A binary packet whose attachments have not all come."""
        self.pending_since = 0.0
        """When it came, by the loop's time."""
        self.outbox = Outbox(server.flusher, server.limits, self._overflow, self._stall)
        self.event_limit = EventLimit(
            server.rates, server.clock, Limit.EVENTS_PER_SECOND
        )
        self.knocks = EventLimit(KNOCKS, server.clock, Limit.JOINS_PER_SECOND)
        self._pause = 0.0
        """Seconds for which no more is to be read."""
        self.pace = Pace(server.rates.stream_events_per_second, server.clock)
        self._websocket: TapsterWebSocket | None = None
        self._sink: _WebSocketSink | None = None
        self._joined = False
        self._overflowed = False
        self._broken: str | None = None
        """How the peer broke the protocol: not the error, whose frames hold the packet,
        and would hold it until the garbage collector comes by."""
        self._pinged = False
        self._ponged = False
        # By the wheel's own time: a look is as late as it says it will be.
        self._age = 0.0
        self._due = float(server.ping_interval)
        self._wait = min(server.handshake_timeout, self._due)

    # -- the engine's signs of life

    def schedule_ping(self) -> None:
        """Enter the timer wheel, with the handshake's deadline first."""
        self.server.heartbeat.watch(self, self._wait)

    def look(self) -> float | None:
        """Ping, or give up who joined nothing or answered nothing."""
        if self.closed or self.closing:
            return None
        self._age += self._wait
        self._joined = self._joined or bool(self.sessions)
        left = self.server.handshake_timeout - self._age
        if not self._joined and left <= 0:
            reached[Limit.HANDSHAKE_TIMEOUT] += 1
            self._close_soon(HANDSHAKE_TIMEOUT)
            return None
        if self.pending is not None and self._waits_too_long():
            reached[Limit.ATTACHMENTS_TIME] += 1
            most = f"{self.server.read_timeout:g} s"
            self._close_soon(f"the attachments of a packet did not come within {most}")
            return None
        wait = self._beat()
        if wait is None:
            return None
        self._wait = wait if self._joined else min(wait, left)
        return self._wait

    def _waits_too_long(self) -> bool:
        return self.server.clock() - self.pending_since > self.server.read_timeout

    def _beat(self) -> float | None:
        """Do what is due of the pings; returns the seconds to what is due next.

        Clients count the interval from the connection's start, and python-engineio's
        gives up one that is five seconds late.
        """
        if self._age < self._due:
            return self._due - self._age
        if not self._pinged:
            self._pinged, self._ponged = True, False
            self.outbox.push(frame(ENGINE_PING))
            rest = self.server.ping_timeout
        elif self._ponged:
            self._pinged = False
            rest = max(self.server.ping_interval - self.server.ping_timeout, 1)
        else:
            self._close_soon(self.server.reason.PING_TIMEOUT)
            return None
        self._due = self._age + rest
        return rest

    # -- writing

    async def send(self, pkt: Any) -> None:
        """Send an engine packet."""
        encoded = pkt.encode()
        if isinstance(encoded, bytes):
            self.outbox.push(binary_frame(encoded))
        else:
            self.outbox.push(frame(encoded.encode()))

    async def poll(self) -> list[PolledPacket]:
        """Answer a poll with what waits, or with what comes."""
        if self.outbox.polled:
            raise ProtocolBrokenError("two polls at once")
        patience = self.server.ping_interval + self.server.ping_timeout
        return [PolledPacket(framed) for framed in await self.outbox.poll(patience)]

    async def answer(self, request: web.Request, response: web.StreamResponse) -> None:
        """Write a poll's answer, and cut a peer that does not read it."""
        self.outbox.answering = True
        try:
            taken = await write_answer(
                request, response, self.server.limits.write_timeout
            )
        finally:
            self.outbox.answering = False
        if not taken:
            self.outbox.cut()

    # -- reading

    async def handle_get_request(self, environ: dict[str, Any]) -> Any:
        """Answer a poll, or upgrade to a WebSocket."""
        if environ.get("HTTP_UPGRADE", "").lower() == "websocket":
            return await self._upgrade_websocket(environ)
        if self.upgrading or self.upgraded:
            return [PolledPacket(frame(ENGINE_NOOP))]
        return await self.poll()

    async def handle_post_request(self, environ: dict[str, Any]) -> None:
        """Take the packets of one poll's body."""
        try:
            most = self.server.max_http_buffer_size
            body = await read_body(environ["wsgi.input"], most)
            for packet in packets_of(body):
                if self.closed:
                    return
                await self._take_polled(packet)
                if self.pace.unseen >= self.pace.due:
                    await self._keep_pace()
        except ProtocolBrokenError as error:
            self._broken = str(error)
            if not self.closed:  # the library does not expect it of who has gone
                raise

    async def _take_polled(self, packet: str) -> None:
        if packet.startswith("b"):
            await self._take_binary(attachment_of(packet))
        else:
            await self._take_text(packet.encode())

    async def _upgrade_websocket(self, environ: dict[str, Any]) -> web.StreamResponse:
        request: web.Request = environ["aiohttp.request"]
        if self.upgraded or self.upgrading:
            raise ProtocolBrokenError("this connection has a WebSocket already")
        websocket = TapsterWebSocket(
            compress=False,
            decode_text=False,
            timeout=CLOSE_TIMEOUT,
            autoping=False,  # aiohttp answers any number in one turn of the loop
            max_msg_size=self.server.max_http_buffer_size + 1,
        )
        try:
            await websocket.prepare(request)
        except ConnectionResetError:  # and nobody is there to read this answer
            raise web.HTTPBadRequest(text="the connection has gone") from None
        self._websocket = websocket
        self._sink = _WebSocketSink(request, request.transport)
        await self._websocket_handler(websocket)
        return websocket

    async def _websocket_handler(self, websocket: TapsterWebSocket) -> None:
        if self.connected and not await self._probe(websocket):
            return
        self.connected = self.upgraded = True
        self.upgrading = False
        if self._sink is not None:
            self.outbox.attach(self._sink)
        reason = self.server.reason.TRANSPORT_CLOSE
        fast = self.server.fast_lane
        if fast:
            websocket.direct.open(self._take_at_once)
        try:
            async for message in websocket:
                self._refuse_broken()
                if message.type is WSMsgType.TEXT:
                    data: bytes = message.data
                    if not (fast and self._take_fast(data)):
                        await self._take_text(data)
                elif message.type is WSMsgType.BINARY:
                    await self._take_binary(message.data)
                elif message.type in _CONTROL:
                    await self._take_control(websocket, message)
                elif is_too_large(message):
                    reached[Limit.MAX_PACKET] += 1
                    reason = "a packet is too large"
                if self._pause or self.pace.unseen >= self.pace.due:
                    await self._keep_pace()
                websocket.direct.handled()
                if self.closed:
                    break
        except ProtocolBrokenError as error:
            reason = str(error)
        finally:
            await self.close(wait=False, abort=True, reason=reason)
            websocket.let_go()

    def _take_at_once(self, packet: bytes) -> bool:
        """Take a packet in the turn in which it came; False: it must wait."""
        if self.pace.unseen >= self.pace.due:
            self._pause = self.pace.pause()
        return not self._pause and (self._take_fast(packet) or self._take_event(packet))

    def _take_event(self, packet: bytes) -> bool:
        """Take an event or an ack that came in one piece.

        To wake a reader for it costs a tenth of a message that is recorded.
        """
        if packet[:2] not in _AT_ONCE or self.pending is not None:
            return False
        try:
            self.server.event(self, packet[1:].decode())
        except UnicodeDecodeError:
            return False
        except ProtocolBrokenError as error:
            self._broken = str(error)  # who reads the rest closes the connection
            return False
        return True

    @property
    def broken(self) -> str | None:
        """How the peer broke the protocol, if it did so in what was polled."""
        return self._broken

    def _refuse_broken(self) -> None:
        if self._broken is not None:
            raise ProtocolBrokenError(self._broken)

    async def _keep_pace(self) -> None:
        """Read no more while more stream events came than may; let others have a turn.

        Who reads what has come already would go on to its end before anybody else.
        """
        pause, self._pause = self._pause or self.pace.pause(), 0.0
        await asyncio.sleep(pause)
        if pause:
            reached[Limit.STREAM_EVENTS_PER_SECOND] += 1
            # Its pong may wait behind what is not read.
            self._ponged = True

    async def _probe(self, websocket: web.WebSocketResponse) -> bool:
        """Take over from polling, as the client's two probes ask."""
        self.upgrading = True
        try:
            async with asyncio.timeout(self.server.handshake_timeout):
                if await self._is_probed(websocket):
                    return True
        except TimeoutError:
            reached[Limit.HANDSHAKE_TIMEOUT] += 1
            logger.info("%s never ended its upgrade", self.peer.address)
        self.upgrading = False
        await websocket.close()
        return False

    async def _is_probed(self, websocket: web.WebSocketResponse) -> bool:
        message = await websocket.receive()
        if message.data != _PROBE:
            return False
        await websocket.send_str(ENGINE_PONG_PROBE.decode())
        self.outbox.release_poll()
        message = await websocket.receive()
        return bool(message.data == _UPGRADE)

    def _take_fast(self, packet: bytes) -> bool:
        """Take a packet that needs no library; False: it wants the plain path."""
        session = self.sessions.get(_LLM)
        if session is None:
            return False
        lane = session.lane
        if lane is not None and lane.take(packet):
            self.pace.unseen += 1
            return True
        return self._take_stream_event(session, packet) or self._take_library(
            session, packet
        )

    def _take_stream_event(self, session: Session, packet: bytes) -> bool:
        event = read_stream_packet(packet, self.server.max_depth)
        if event is None or not self.server.intake.stream_event(session, event):
            return False
        self.pace.unseen += 1
        self.server.intake.pave(session, packet, event)
        return True

    def _take_library(self, session: Session, packet: bytes) -> bool:
        stream_id = library.read_wish(packet)
        if stream_id is not None:
            meant = self.server.intake.library_read(session, stream_id)
        else:
            number = library.acknowledged(packet)
            if number is None:
                return False
            meant = session.take_ack(number, [])
        if not meant:  # it costs as much as what slows the reading
            self.pace.unseen += 1
        return True

    async def _take_control(
        self, websocket: TapsterWebSocket, message: WSMessage
    ) -> None:
        """Take a ping or a pong of the WebSocket itself."""
        self.pace.unseen += 1
        if message.type is WSMsgType.PING:
            with contextlib.suppress(ConnectionError):  # it has gone meanwhile
                await websocket.pong(message.data)

    async def _take_text(self, packet: bytes) -> None:
        if not packet:
            raise ProtocolBrokenError("an empty packet")
        kind = packet[0]
        if kind == _MESSAGE:
            try:
                text = packet[1:].decode()
            except UnicodeDecodeError:
                raise ProtocolBrokenError("a packet that is no UTF-8") from None
            await self.server.message(self, text)
        elif kind == _PONG:
            self.pace.unseen += 1
            self._ponged = True
        elif packet == _CLOSE:
            reason = self.server.reason.CLIENT_DISCONNECT
            await self.close(wait=False, abort=True, reason=reason)
        else:
            raise ProtocolBrokenError("an unknown packet")

    async def _take_binary(self, data: bytes) -> None:
        await self.server.message(self, data)

    # -- the end

    async def close(
        self,
        wait: bool = True,  # noqa: ARG002, FBT001, FBT002 - the library's signature
        abort: bool = False,  # noqa: FBT001, FBT002
        reason: str | None = None,
    ) -> None:
        """End the connection and tell its sessions why."""
        if self.closed or self.closing:
            return
        self.closing = True
        self.server.gone(self, reason or self.server.reason.SERVER_DISCONNECT)
        if not abort and self._websocket is None:
            # A WebSocket's own closing says it; python-engineio's client, told twice,
            # would wait for its next ping before it comes back.
            self.outbox.push(frame(ENGINE_CLOSE))
        self.outbox.flush()
        self.closed = True
        self.outbox.close()
        if self._websocket is not None and not self._websocket.closed:
            if abort and self._sink is not None and self.outbox.blocked:
                self._sink.abort()
            elif reason is None or reason in ORDINARY:
                await self._websocket.close()
            else:
                await self._websocket.refuse(self._explained(reason))

    def _explained(self, reason: str) -> str:
        if reason == HANDSHAKE_TIMEOUT:
            return f"no namespace was joined in {self.server.handshake_timeout:g} s"
        return reason

    def _overflow(self) -> None:
        if self._overflowed:
            return
        self._overflowed = True
        reached[Limit.OUTBOX_LIMIT] += 1
        logger.info("%s reads too slowly and is closed", self.peer.address)
        if self._sink is not None:
            self._sink.abort()
        self._close_soon(OUTBOX_FULL)

    def _stall(self) -> None:
        logger.info("%s takes nothing and is closed", self.peer.address)
        self._close_soon(self.server.reason.TRANSPORT_CLOSE)

    def _close_soon(self, reason: str) -> None:
        self.server.close_soon(self, reason)
