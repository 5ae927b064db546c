"""TapsterServer: python-socketio, subclassed: namespaces, sessions, their packets.

Takes from the library the packet format with attachments; brings its own sessions,
whose look-ups do not walk all rooms. The libraries are subclassed here, in
``gateway.engine`` and ``gateway.socket``, and nowhere else.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

import socketio
from socketio.packet import (
    ACK,
    BINARY_ACK,
    BINARY_EVENT,
    CONNECT,
    DISCONNECT,
    EVENT,
)
from socketio.packet import Packet as SocketPacket

from actors.errors import (
    BrokerError,
    Code,
    NotFoundError,
    ProtocolError,
    RefusedError,
)
from actors.limits import Limit, reached
from broker.config import ServerSettings
from broker.gateway.broken import ProtocolBrokenError
from broker.gateway.counts import Counts
from broker.gateway.dispatch import NamespaceHandlers
from broker.gateway.doorman import Doorman
from broker.gateway.engine import TapsterEngine
from broker.gateway.intake import Intake
from broker.gateway.rate import EventLimit, Verdict
from broker.gateway.session import Session
from broker.gateway.socket import TapsterSocket
from broker.protocol import json_text
from broker.protocol.packet import PacketType, frame, packet, prefix
from broker.protocol.wire import LIBRARY_ANSWERS, STREAM_EVENT_TYPES, Namespace
from broker.security.origins import Origins
from broker.security.peer import Neighbourhood

logger = logging.getLogger(__name__)


_PACKET_TYPES = frozenset({CONNECT, DISCONNECT, EVENT, ACK, BINARY_EVENT, BINARY_ACK})


_PLAIN_EVENT: Final = re.compile(r"2(?:(/[^,?]*),)?([0-9]{0,15})(?=\[)")
"""An event's text up to its list: namespace and number; no attachments, no query."""


class _Json:
    """The JSON module the libraries decode and encode with."""

    def __init__(self, max_depth: int) -> None:
        self._max_depth = max_depth

    def loads(self, text: str | bytes) -> Any:
        return json_text.decode(text, self._max_depth)

    def dumps(self, value: Any, **_options: Any) -> str:
        return json_text.encode(value).decode()


def packet_class(max_depth: int) -> type[SocketPacket]:
    """Socket.IO packets whose JSON is ours, nested no deeper than that."""

    class TapsterPacket(SocketPacket):  # type: ignore[misc]
        json = _Json(max_depth)

    return TapsterPacket


class TapsterServer(socketio.AsyncServer):  # type: ignore[misc]
    """The Socket.IO half: namespaces, sessions and their packets."""

    eio: TapsterEngine

    def __init__(
        self,
        settings: ServerSettings,
        origins: Origins,
        neighbourhood: Neighbourhood,
        *,
        fast_lane: bool,
    ) -> None:
        """Make the server of one broker, on the running loop."""
        super().__init__(
            async_mode="aiohttp",
            async_handlers=False,
            serializer=packet_class(settings.max_depth),
            # Whoever gets that far has passed the door: see handle_request.
            cors_allowed_origins="*",
            max_http_buffer_size=settings.max_packet,
            ping_interval=settings.ping_interval,
            ping_timeout=settings.ping_timeout,
            http_compression=False,
            monitor_clients=False,
            logger=logging.getLogger("socketio.server"),
            engineio_logger=logging.getLogger("engineio.server"),
        )
        self._settings = settings
        self._handlers: dict[str, NamespaceHandlers] = {}
        self.counts = Counts()
        self.eio.configure(
            settings, origins, neighbourhood, self.counts, fast_lane=fast_lane
        )
        self.eio.message = self._take
        self.eio.event = self._take_at_once
        self.eio.gone = self._gone

    def open(
        self,
        doorman: Doorman,
        intake: Intake,
        handlers: Mapping[str, NamespaceHandlers],
        awaits_anybody: Callable[[], bool],
    ) -> None:
        """Let connections in from now on; when it stops, if somebody is awaited."""
        self._doorman = doorman
        self._handlers = dict(handlers)
        self.eio.intake = intake
        self.eio.awaits_anybody = awaits_anybody
        self.eio.heartbeat.start()

    @property
    def draining(self) -> bool:
        """Whether it stops: it takes no new orders."""
        return self.eio.farewell.begun

    def say_farewell(self) -> None:
        """Tell everybody that it stops, and when to come back."""
        self.eio.farewell.begin(self.eio.sockets.values())

    async def shut(self) -> None:
        """Close all connections."""
        self.say_farewell()
        self.eio.heartbeat.stop()
        sockets = tuple(self.eio.sockets.values())
        await asyncio.gather(*(socket.close() for socket in sockets))

    def leave(self, session: Session, *, deliberate: bool) -> None:
        """End one session; its connection stays."""
        sessions = session.socket.sessions
        if sessions.get(session.namespace) is session:
            del sessions[session.namespace]
            self._doorman.let_out(session, deliberate=deliberate)

    def dismiss(self, session: Session) -> None:
        """End a session whose client said that it leaves."""
        session.outbox.push(frame(prefix(PacketType.DISCONNECT, session.namespace)))
        self.leave(session, deliberate=True)

    def displace(self, session: Session) -> None:
        """End a session in whose place another connection is."""
        session.outbox.push(frame(prefix(PacketType.DISCONNECT, session.namespace)))
        self.leave(session, deliberate=False)

    def _engineio_server_class(self) -> type[TapsterEngine]:
        return TapsterEngine

    async def _take(self, socket: TapsterSocket, data: str | bytes) -> None:
        """Take one Engine.IO message: a packet, or an attachment of one."""
        arrived = self._arrived(socket, data)
        if arrived is None:
            return
        if arrived.packet_type == CONNECT:
            namespace = arrived.namespace or Namespace.DEFAULT
            refuse = partial(self._refuse, socket, namespace)
            if not self._is_too_many(socket, socket.knocks, refuse):
                await self._connect(socket, namespace, arrived.data)
        else:
            self._take_packet(socket, arrived)

    def _take_at_once(self, socket: TapsterSocket, text: str) -> None:
        """Take an event or an ack: nothing of it has to be waited for.

        What is plainly an event is read here: the library takes four times as long.
        """
        found = _PLAIN_EVENT.match(text)
        if found is None:
            arrived = self._arrived(socket, text)
            if arrived is not None:
                self._take_packet(socket, arrived)
            return
        namespace, number = found.groups()
        try:
            data = json_text.decode(text[found.end() :], self._settings.max_depth)
        except ProtocolError as error:
            raise _broken(socket, error) from None
        session = socket.sessions.get(namespace or Namespace.DEFAULT)
        if session is None:
            socket.pace.unseen += 1
        else:
            if json_text.may_hold_surrogates(text):
                data = _without_surrogates(data)
            self._take_event(socket, session, int(number) if number else None, data)

    def _arrived(self, socket: TapsterSocket, data: str | bytes) -> Any:
        """A packet that is whole now.

        Raises:
            ProtocolBrokenError: it is none.
        """
        try:
            return self._assemble(socket, data)
        except (ValueError, IndexError, TypeError, BrokerError) as error:
            raise _broken(socket, error) from None

    def _assemble(self, socket: TapsterSocket, data: str | bytes) -> Any:
        if socket.pending is None:
            if not isinstance(data, str):
                raise ProtocolError("an attachment without its packet")
            if not data:
                raise ProtocolError("an empty packet")
            arrived = self.packet_class(encoded_packet=data)
            mendable = arrived.packet_type != CONNECT  # names are judged as they are
            if mendable and json_text.may_hold_surrogates(data):
                arrived.data = _without_surrogates(arrived.data)
            if arrived.packet_type not in _PACKET_TYPES:
                raise ProtocolError("a packet of an unknown type")
            if arrived.attachment_count:
                most = self._settings.max_attachments
                if arrived.attachment_count > most:
                    reached[Limit.MAX_ATTACHMENTS] += 1
                    raise ProtocolError(f"a packet has at most {most} attachments")
                socket.pending = arrived
                socket.pending_since = self.eio.clock()
                return None
            return arrived
        arrived = socket.pending
        if not isinstance(data, bytes):
            raise ProtocolError("a packet before the attachments of another")
        held = sum(len(attachment) for attachment in arrived.attachments)
        if held + len(data) > self._settings.max_packet:
            reached[Limit.MAX_ATTACHMENTS] += 1
            raise ProtocolError(
                "the attachments of a packet have together at most "
                f"{self._settings.max_packet} bytes"
            )
        if not arrived.add_attachment(data):
            return None
        socket.pending = None
        return arrived

    def _take_packet(self, socket: TapsterSocket, arrived: Any) -> None:
        session = socket.sessions.get(arrived.namespace or Namespace.DEFAULT)
        if session is None:
            socket.pace.unseen += 1
            return
        if arrived.packet_type in (EVENT, BINARY_EVENT):
            self._take_event(socket, session, arrived.id, arrived.data)
        elif arrived.packet_type in (ACK, BINARY_ACK):
            args = arrived.data if isinstance(arrived.data, list) else []
            if not session.take_ack(arrived.id, args):
                socket.pace.unseen += 1
        elif arrived.packet_type == DISCONNECT:
            self.leave(session, deliberate=False)

    def _take_event(
        self, socket: TapsterSocket, session: Session, number: int | None, data: Any
    ) -> None:
        handlers = self._handlers[session.namespace]
        if _is_part_of_an_answer(session, data) or _is_of_the_library(session, data):
            socket.pace.unseen += 1
        else:
            refuse = partial(handlers.refuse, session, number, data)
            if self._is_too_many(socket, socket.event_limit, refuse):
                return
        handlers.dispatch(session, number, data)

    def _is_too_many(
        self,
        socket: TapsterSocket,
        limit: EventLimit,
        refuse: Callable[[BrokerError], None],
    ) -> bool:
        """Count what a connection wants, and refuse what is too much.

        Raises:
            ProtocolBrokenError: it is far too much, and the connection ends.
        """
        verdict = limit.judge()
        if verdict is Verdict.TAKEN:
            return False
        self.counts.events_refused += 1
        reached[limit.name] += 1
        error = _too_many(limit, verdict)
        refuse(error)
        if verdict is Verdict.LAST:
            logger.info("%s sends too many events", socket.peer.address)
            raise ProtocolBrokenError(error.message)
        return True

    async def _connect(self, socket: TapsterSocket, namespace: str, auth: Any) -> None:
        if namespace not in self._handlers:
            error = NotFoundError(f"there is no namespace {namespace}")
            self._refuse(socket, namespace, error)
            return
        earlier = socket.sessions.get(namespace)
        if earlier is not None:
            self.leave(earlier, deliberate=False)
        sid = self.eio.generate_id()
        try:
            session = await self._doorman.let_in(socket, namespace, sid, auth)
        except BrokerError as error:
            self._refuse(socket, namespace, error)
        except Exception:
            logger.exception("a connection to %s failed", namespace)
            self._refuse(socket, namespace, BrokerError("internal error"))
        else:
            if socket.closed:  # it left while it was being let in
                self._doorman.let_out(session, deliberate=False)
                return
            other = socket.sessions.get(namespace)
            if other is not None:  # it knocked twice at once
                self.leave(other, deliberate=False)
            socket.sessions[namespace] = session
            socket.outbox.push(packet(PacketType.CONNECT, namespace, {"sid": sid}))
            await self._doorman.welcome(session)
            self._handlers[namespace].joined(session)
            if self.draining:
                self.eio.farewell.tell(socket, session)

    def _refuse(
        self, socket: TapsterSocket, namespace: str, error: BrokerError
    ) -> None:
        data = {"code": int(error.code), "message": error.message}
        answer = {"message": error.message, "data": data}
        socket.outbox.push(packet(PacketType.CONNECT_ERROR, namespace, answer))

    def _gone(self, socket: TapsterSocket, reason: str) -> None:
        """A connection has ended, and all its sessions with it."""
        self.counts.connection_ended(reason)
        self.eio.crowd.leave(socket.peer.address)
        self.eio.sockets.pop(socket.sid, None)
        for session in tuple(socket.sessions.values()):
            self.leave(session, deliberate=False)


def _too_many(limit: EventLimit, verdict: Verdict) -> RefusedError:
    then = "the connection is closed"
    if verdict is Verdict.REFUSED:
        then = "wait a little and send it again"
    what = "events" if limit.name is Limit.EVENTS_PER_SECOND else "namespaces joined"
    most = f"too many {what}: at most {limit.per_second} a second"
    return RefusedError(f"{most}, {then}", Code.TOO_MANY_REQUESTS)


def _broken(socket: TapsterSocket, error: Exception) -> ProtocolBrokenError:
    logger.info("%s broke the protocol: %s", socket.peer.address, error)
    return ProtocolBrokenError(str(error))


def _without_surrogates(data: Any) -> Any:
    """Mend all data but that of stream events, whose halves find each other."""
    if isinstance(data, list) and data and data[0] in STREAM_EVENT_TYPES:
        return data
    return json_text.without_surrogates(data)


def _is_part_of_an_answer(session: Session, data: Any) -> bool:
    """Whether it is one of the events whose number only slows the reading."""
    return (
        session.namespace == Namespace.LLM
        and session.verified
        and session.handshake.is_silly_tavern
        and _name_of(data) in STREAM_EVENT_TYPES
    )


def _is_of_the_library(session: Session, data: Any) -> bool:
    """Whether it is one of the events that the stream library sends by itself."""
    return session.namespace == Namespace.LLM and _name_of(data) in LIBRARY_ANSWERS


def _name_of(data: Any) -> str:
    """The name of an event; empty where it has none."""
    name = data[0] if isinstance(data, list) and data else ""
    return name if isinstance(name, str) else ""
