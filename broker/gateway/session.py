"""A session: one connection's presence in one namespace.

Owns the numbers of the acks it waits for and what it reads at the moment. Everything
about whom it belongs to is the actors'.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any, Protocol, TypeAlias

from actors.extension import Profile
from actors.outbound import OutputEnded, ResumePort
from actors.roles import Caller, CallerKind
from broker.gateway.lane import Lane
from broker.gateway.outbox import Outbox
from broker.protocol.handshake import Handshake
from broker.protocol.packet import PacketType, event, packet
from broker.security.peer import Peer
from broker.security.trust import Trust

MAX_WARNED = 100

Place: TypeAlias = tuple[str, str, str]
"""Request, stream and output of a chunk."""


class Connection(Protocol):
    """The connection that a session shares with those of other namespaces."""

    peer: Peer
    outbox: Outbox
    sessions: dict[str, Session]
    granted: dict[str, str]
    """Identities that were given a key on this connection, and its id."""
    identified: dict[str, Profile]
    """Identities of SillyTaverns that introduced themselves here, and how."""
    closed: bool


class Reader(Protocol):
    """How a session reads one answer."""

    def chunk(self, text: bytes, index: int) -> None:
        """Take more of it."""

    def end(self, notice: OutputEnded) -> None:
        """Take its end."""

    def end_unread(self) -> None:
        """Close what nobody came to read."""

    def read(self, stream_id: str, window: int) -> LibraryReading | None:
        """Begin to read it as a library stream; None: it is read already."""

    def abandon(self) -> None:
        """End it for a session that may read it no more."""

    def close(self) -> None:
        """Let go of all that waits for the session."""


class LibraryReading(ResumePort, Protocol):
    """How a session reads one stream of the stream library."""

    def close(self) -> None:
        """Let go of all that waits for the session."""


class Session:
    """Who is at the other end, and what they were promised."""

    __slots__ = (
        "_ack_numbers",
        "_losses",
        "acks",
        "answers",
        "client",
        "handshake",
        "identity",
        "key_id",
        "lane",
        "library",
        "namespace",
        "outbox",
        "pagings",
        "paved",
        "place",
        "readers",
        "sid",
        "socket",
        "stream_names",
        "temporary_room",
        "trust",
        "verified",
        "warned",
    )

    def __init__(
        self,
        sid: str,
        namespace: str,
        socket: Connection,
        handshake: Handshake,
        trust: Trust,
    ) -> None:
        self.sid = sid
        self.namespace = namespace
        self.socket = socket
        self.outbox = socket.outbox
        self.handshake = handshake
        self.trust = trust
        self.stream_names = "plain"
        # Looked at for every chunk: attributes, not properties of the handshake.
        self.identity = handshake.identity
        """Which instance of the client this is."""
        self.client = handshake.client_id
        """The clientId that trust and keys belong to."""
        self.answers = handshake.is_silly_tavern
        """Whether it may answer requests, once it is verified."""
        self.verified = False
        self.key_id: str | None = None
        self.temporary_room: str | None = None
        self.acks: dict[int, Callable[[list[Any]], None]] = {}
        self.readers: dict[str, Reader] = {}
        self.library: dict[str, LibraryReading] = {}
        self.warned: set[str] = set()
        self.pagings = 0
        self.lane: Lane | None = None
        """Of the stream that it sends, if that one is fit for it."""
        self.place: Place | None = None
        """Where its last chunk belonged that came by no lane."""
        self.paved: Place | None = None
        """Of what stream the lane is, or would be if it could have one."""
        self._ack_numbers = itertools.count(1)
        self._losses: dict[int, Callable[[], None]] = {}

    @property
    def caller(self) -> Caller:
        """Who this is to the actors."""
        kind = CallerKind.CLIENT
        if self.handshake.is_monitor:
            kind = CallerKind.MONITOR
        elif self.handshake.is_silly_tavern:
            kind = CallerKind.EXTENSION
        return Caller(self.identity, self.client, kind)

    def emit(self, name: str, *args: Any) -> None:
        """Send an event."""
        self.outbox.push(event(self.namespace, name, *args))

    def acknowledge(self, number: int, args: list[Any]) -> None:
        """Answer an event that asked for it."""
        self.outbox.push(packet(PacketType.ACK, self.namespace, args, number))

    def expect_ack(
        self,
        callback: Callable[[list[Any]], None],
        lost: Callable[[], None] | None = None,
    ) -> int:
        """The number under which the peer's ack will call back.

        ``lost`` is called instead when the session ends before that.
        """
        number = next(self._ack_numbers)
        self.acks[number] = callback
        if lost is not None:
            self._losses[number] = lost
        return number

    def forget_ack(self, number: int) -> None:
        """Nobody waits for that ack any more."""
        self.acks.pop(number, None)
        self._losses.pop(number, None)

    def take_ack(self, number: int, args: list[Any]) -> bool:
        """An ack has come; False: nobody waits for it, and it means nothing."""
        callback = self.acks.pop(number, None)
        self._losses.pop(number, None)
        if callback is None:
            return False
        callback(args)
        return True

    def warn_once(self, request_id: str) -> bool:
        """Whether this peer may be warned about a request: not for every chunk."""
        if request_id in self.warned:
            return False
        if len(self.warned) >= MAX_WARNED:
            self.warned.clear()
        self.warned.add(request_id)
        return True

    def forget_stream(self, stream_id: str) -> None:
        """A library stream is done."""
        self.library.pop(stream_id, None)

    def close(self) -> None:
        """Let everything go that was promised to this session."""
        losses, self._losses = self._losses, {}
        self.acks.clear()
        for reader in self.readers.values():
            reader.close()
        for stream in tuple(self.library.values()):
            stream.close()
        self.readers.clear()
        self.library.clear()
        self.lane = self.paved = None
        for lost in losses.values():
            lost()
