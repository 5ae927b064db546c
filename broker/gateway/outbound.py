"""SocketOutbound: the actors' port to the outside, made of sockets.

Owns how far each answer has been announced. A notice is encoded once, whoever gets
it, and its bytes are appended to outboxes; nothing here waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterator
from typing import Any, Final, get_args

from actors.lifecycle import TERMINAL
from actors.outbound import (
    HOUSE,
    Notice,
    OrderPlaced,
    OrderRevoked,
    OutputChunk,
    OutputEnded,
    OutputId,
    OutputStarted,
    Resumed,
    StatusChanged,
    Warned,
    WholeAnswer,
)
from actors.room_notices import Passed, RoomNotice, RoomsChanged
from broker.console.book import RequestBook
from broker.gateway.client_list import ClientList
from broker.gateway.readers import (
    LIBRARY_EVENTS,
    Encoding,
    OutputReader,
    stream_ids,
)
from broker.gateway.registry import SessionRegistry
from broker.gateway.session import Reader, Session
from broker.gateway.speech import Postman
from broker.gateway.tally import Tally
from broker.gateway.untold import UntoldEnds
from broker.protocol import library, outbound, room_outbound

LIBRARY_PATIENCE: Final = 5.0
"""Seconds after an answer's end in which a library may still come to read it: its
first read crosses the network while a short answer is complete already."""


class Audience:
    """Who hears an answer, as far as it is known: looked up again when that changes."""

    __slots__ = ("encoding", "identities", "readers", "version")

    def __init__(self, encoding: Encoding) -> None:
        self.encoding = encoding
        self.identities: tuple[str, ...] | None = None
        self.version = -1
        """Of the registry, when the readers were looked up."""
        self.readers: list[Reader] = []


class SocketOutbound:
    """Sends notices to the sessions of identities."""

    def __init__(
        self, registry: SessionRegistry, clients: ClientList, answer_ttl: float = 600
    ) -> None:
        """Send to these sessions; ``answer_ttl``: so long an end can be told late."""
        self._registry = registry
        self._clients = clients
        self._audiences: dict[str, Audience] = {}
        self.chunks = 0
        """Chunks taken from relays since the start, for the status page."""
        self.tally = Tally()
        self.untold = UntoldEnds(answer_ttl)
        self.book = RequestBook(clients.client_of)
        self._handlers: dict[type[Any], Callable[[Any, Collection[str]], None]] = {
            OutputStarted: self._started,
            OutputEnded: self._ended,
            WholeAnswer: self._whole,
            StatusChanged: self._status,
            OrderPlaced: self._order,
            OrderRevoked: self._revoked,
            Warned: self._warned,
            RoomsChanged: self._rooms_changed,
            **dict.fromkeys(get_args(RoomNotice), self._said_in_room),
            Passed: Postman(registry).deliver_to_members,
        }

    def publish(self, notice: Notice, readers: Collection[str]) -> None:
        """Send a notice to identities; nobody at all where there are none."""
        self._handlers[type(notice)](notice, readers)

    def pour(self, chunk: OutputChunk, readers: tuple[str, ...]) -> None:
        """Send a chunk to all sessions of identities."""
        self.chunks += 1
        audience = self._audiences.get(chunk.output.key)
        if (
            audience is None
            or audience.identities is not readers
            or audience.version != self._registry.version
        ):
            audience = self._gather(chunk.output, chunk.stream, readers)
        if audience.encoding.stream != chunk.stream:
            audience.encoding.go_on(chunk.stream)
        text, index = chunk.text, chunk.index
        for reader in audience.readers:
            reader.chunk(text, index)

    def _gather(
        self, output: OutputId, stream: str, identities: tuple[str, ...]
    ) -> Audience:
        """Look up who hears an answer; who came in the middle is told of it first."""
        audience = self._audience(output, stream)
        audience.identities = identities
        audience.version = self._registry.version
        before, audience.readers = (
            audience.readers,
            [
                session.readers.get(output.key)
                or self._offer(session, audience.encoding)
                for session in self._sessions(identities)
            ],
        )
        _dismiss(before, audience.readers)
        return audience

    def announce(self, session: Session, result: Resumed) -> None:
        """Offer the answers of a resumed request to a session's stream library."""
        for output in result.outputs:
            key = output.output.key
            if key in session.readers:
                continue
            encoding = self._audience(output.output, output.stream).encoding
            reader = self._offer(session, encoding)
            if output.done:
                self._audiences.pop(key, None)
                self._end_later([(session, reader)], key)

    def tell_untold(self, session: Session) -> None:
        """Tell who is back how its requests ended meanwhile.

        What the handshake resumes is told by the result of that, with the text.
        """
        resumed = {wish.request_id for wish in session.handshake.resume}
        for notice in self.untold.take(session.identity):
            if notice.request_id not in resumed:
                session.outbox.push(outbound.status(notice))

    def _started(self, notice: OutputStarted, readers: Collection[str]) -> None:
        encoding = self._audience(notice.output, notice.stream).encoding
        packets = _announcement(encoding)
        for session in self._sessions(readers):
            self._offer(session, encoding, packets)

    def _ended(self, notice: OutputEnded, readers: Collection[str]) -> None:
        key = notice.output.key
        ended: list[tuple[Session, Reader]] = []
        for session in self._sessions(readers):
            reader = session.readers.get(key)
            if reader is None:
                encoding = self._audience(notice.output, notice.stream).encoding
                reader = self._offer(session, encoding)
            reader.end(notice)
            ended.append((session, reader))
        audience = self._audiences.pop(key, None)
        if audience is not None:
            _dismiss(audience.readers, [reader for _, reader in ended])
        self._end_later(ended, key)
        self.book.output_ended(notice)

    def _audience(self, output: OutputId, stream: str) -> Audience:
        audience = self._audiences.get(output.key)
        if audience is None:
            audience = Audience(Encoding(output, stream))
            self._audiences[output.key] = audience
        return audience

    def _offer(
        self,
        session: Session,
        encoding: Encoding,
        packets: list[bytes] | None = None,
    ) -> Reader:
        """Announce an answer to a session, which reads it from now on."""
        reader: Reader = OutputReader(session, encoding)
        session.readers[encoding.output.key] = reader
        for packet in packets or _announcement(encoding):
            session.outbox.push(packet)
        return reader

    def _end_later(self, ended: list[tuple[Session, Reader]], key: str) -> None:
        if ended:
            loop = asyncio.get_running_loop()
            loop.call_later(LIBRARY_PATIENCE, _forget_readers, ended, key)

    def _whole(self, notice: WholeAnswer, readers: Collection[str]) -> None:
        self._send(readers, outbound.whole_answer(notice))

    def _status(self, notice: StatusChanged, readers: Collection[str]) -> None:
        for requester in readers:
            self.tally.note(requester, notice)
            self.book.note(requester, notice)
            if notice.state in TERMINAL and self._is_away(requester):
                self.untold.keep(requester, notice)
        self._send(readers, outbound.status(notice))

    def _is_away(self, requester: str) -> bool:
        """Whether it may come back to hear of it; the broker itself never does."""
        return requester != HOUSE and not self._registry.of(requester)

    def _warned(self, notice: Warned, readers: Collection[str]) -> None:
        for session in self._sessions(readers):
            if notice.request_id is None or session.warn_once(notice.request_id):
                session.outbox.push(outbound.warned(notice))

    def _order(self, notice: OrderPlaced, readers: Collection[str]) -> None:
        self._send_to_newest(readers, outbound.order(notice))

    def _revoked(self, notice: OrderRevoked, readers: Collection[str]) -> None:
        self._send_to_newest(readers, outbound.revoked(notice))

    def _rooms_changed(self, notice: RoomsChanged, _readers: Collection[str]) -> None:
        self._clients.rooms_changed(notice.identity, notice.rooms)

    def _said_in_room(self, notice: RoomNotice, readers: Collection[str]) -> None:
        namespace, packet = room_outbound.said(notice)
        for identity in readers:
            for session in self._registry.of(identity, namespace):
                session.outbox.push(packet)

    def _send(self, readers: Collection[str], packet: bytes) -> None:
        for session in self._sessions(readers):
            session.outbox.push(packet)

    def _send_to_newest(self, readers: Collection[str], packet: bytes) -> None:
        """An order goes to one socket, or it would be answered twice."""
        for identity in readers:
            sessions = self._registry.of(identity)
            if sessions:
                sessions[-1].outbox.push(packet)

    def _sessions(self, readers: Collection[str]) -> Iterator[Session]:
        for identity in readers:
            yield from self._registry.of(identity)


def _announcement(encoding: Encoding) -> list[bytes]:
    info = outbound.stream_info(encoding.output, encoding.stream)
    ids = stream_ids(encoding.output)
    return [
        library.open_packet(stream_id, name, info)
        for stream_id, name in zip(ids, LIBRARY_EVENTS, strict=True)
    ]


def _dismiss(before: list[Reader], now: list[Reader]) -> None:
    """End it for those who read it no more: they left its room, or were put out."""
    for reader in set(before).difference(now):
        reader.abandon()


def _forget_readers(ended: list[tuple[Session, Reader]], key: str) -> None:
    for session, reader in ended:
        if session.readers.get(key) is reader:
            reader.end_unread()
            del session.readers[key]
