"""The list of who is here, and who is told when it changes.

Owns the entries of all identities with a verified session, or in their grace time,
and the one timer by which changes go out together. A list is encoded once, whoever
gets it; where nobody listens, nothing is done at all. Must never hold a key.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, NamedTuple, Protocol

import msgspec

from actors.message import timestamp
from broker.gateway.session import Session
from broker.protocol.house_frames import ShownClient
from broker.protocol.json_text import encode
from broker.protocol.packet import event
from broker.protocol.wire import Event, LogEvent, Namespace

logger = logging.getLogger(__name__)

SETTLE: Final = 0.02
"""Seconds in which what happens at once comes together."""
INTERVAL: Final = 0.2
"""Between two lists, at the least."""
INTERVAL_PER_CLIENT: Final = 0.01
"""The same, for each who stands on them."""
TOLERANCE: Final = 0.001
"""Seconds by which timers may ring early."""

FREE_TEXTS: Final = ("desc", "description", "html", "name", "avatar")
"""What an entry does without before a list is cut."""


SHOWN_TEXT: Final = 200
"""Characters of a free text that who watches the house sees."""


class Timers(Protocol):
    """The loop, as far as a list needs it."""

    def time(self) -> float:
        """Monotonic seconds."""

    def call_at(self, when: float, callback: Callable[[], None]) -> Any:
        """Call back then."""


class _Member:
    """One identity, described as its newest session did."""

    __slots__ = ("connected_at", "newest", "sessions")

    def __init__(self, session: Session, now: float) -> None:
        self.newest = session
        self.sessions: set[Session] = set()
        self.connected_at = now


class _Entry(NamedTuple):
    text: bytes
    silly_tavern: bool


class ClientList:
    """Who is here."""

    def __init__(
        self,
        limit: int,
        timers: Timers,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Begin with nobody; a list has at most ``limit`` bytes."""
        self._limit = limit
        self._timers = timers
        self._rooms: dict[str, tuple[str, ...]] = {}
        self._clock = clock
        self._members: dict[str, _Member] = {}
        self._listeners: dict[Session, None] = {}
        self._waiting = False
        self._told_at = -INTERVAL
        self.observer: Callable[[str], None] = _ignore
        """Is told the identity of each entry that changes."""

    def __len__(self) -> int:
        return len(self._members)

    def came(self, session: Session) -> None:
        """Take in a verified session."""
        member = self._members.get(session.identity)
        if member is None:
            member = _Member(session, self._clock())
            self._members[session.identity] = member
            _log(LogEvent.CLIENT_CONNECTED, "%s is here", session)
        elif not member.sessions:
            _log(LogEvent.CLIENT_RECONNECTED, "%s is back", session)
        news = not member.sessions
        member.sessions.add(session)
        member.newest = session
        if _listens(session):
            self._listeners[session] = None
            news = True  # it has heard of nobody yet
        self.observer(session.identity)
        if news:
            self.changed()

    def left(self, session: Session) -> None:
        """Let a session go; its identity stays until its grace time is over."""
        self._listeners.pop(session, None)
        member = self._members.get(session.identity)
        if member is None or session not in member.sessions:
            return
        member.sessions.remove(session)
        if not member.sessions:
            _log(LogEvent.CLIENT_DISCONNECTED, "%s has left", session)
            self.observer(session.identity)
            self.changed()

    def gone(self, identity: str) -> None:
        """An identity's grace time is over."""
        member = self._members.get(identity)
        if member is not None and not member.sessions:
            del self._members[identity]
            _log(LogEvent.CLIENT_REMOVED, "%s is gone for good", member.newest)
            self.observer(identity)
            self.changed()

    def rooms_changed(self, identity: str, rooms: tuple[str, ...]) -> None:
        """An identity is in these rooms now."""
        if rooms:
            self._rooms[identity] = rooms
        else:
            self._rooms.pop(identity, None)
        self.observer(identity)
        self.changed()

    def _rooms_of(self, identity: str) -> tuple[str, ...]:
        """The rooms of an identity: at the least the one that is always its own."""
        return self._rooms.get(identity, (identity,))

    def client_of(self, identity: str) -> str | None:
        """The client that an identity which is here belongs to."""
        member = self._members.get(identity)
        return None if member is None else member.newest.client

    def identities(self) -> list[str]:
        """Everybody on it."""
        return list(self._members)

    def show(self, identity: str) -> ShownClient | None:
        """An entry as monitors who watch the house see it, if there is one."""
        member = self._members.get(identity)
        if member is None:
            return None
        shaken = member.newest.handshake
        return ShownClient(
            identity=identity,
            client_id=shaken.client_id,
            client_type=shaken.client_type,
            desc=shaken.desc[:SHOWN_TEXT],
            name=shaken.name[:SHOWN_TEXT],
            address=member.newest.socket.peer.address,
            status=_status(member),
            rooms=len(self._rooms_of(identity)),
            connected_at=timestamp(member.connected_at),
        )

    def changed(self) -> None:
        """Tell who listens, soon and once; for whatever a list shows."""
        if self._listeners and not self._waiting:
            self._waiting = True
            due = max(self._timers.time() + SETTLE, self._earliest())
            self._timers.call_at(due, self._tell)

    def rooms_of_client(self, client: str) -> list[str]:
        """The rooms that the instances of a client are in."""
        rooms: dict[str, None] = {}
        for identity, member in self._members.items():
            if member.newest.client == client:
                rooms |= dict.fromkeys(self._rooms_of(identity))
        return list(rooms)

    def fields(self) -> dict[str, Any]:
        """The list as an ack or an event has it."""
        return self._fields(self._entries())

    def _earliest(self) -> float:
        pause = max(INTERVAL, INTERVAL_PER_CLIENT * len(self._members))
        return self._told_at + pause

    def _tell(self) -> None:
        self._waiting = False
        if self._timers.time() + TOLERANCE < self._earliest():
            self.changed()  # the list has grown meanwhile
            return
        # Who is behind gets the list of the moment in which it has caught up.
        ready = []
        for session in self._listeners:
            if session.outbox.blocked:
                session.outbox.when_ready(self.changed)
            else:
                ready.append(session)
        if ready:
            self._told_at = self._timers.time()
            self._send(ready)

    def _send(self, sessions: Sequence[Session]) -> None:
        entries = self._entries()
        fields = self._fields(entries)
        packets: dict[tuple[str, Event], bytes] = {}
        for session in sessions:
            for name in _told(session):
                key = session.namespace, name
                if key not in packets:
                    full = name is Event.CONNECTED_CLIENTS_UPDATE
                    more = _without_silly_taverns(entries) if full else {}
                    packets[key] = event(session.namespace, name, fields | more)
                session.outbox.push(packets[key])

    def _fields(self, entries: Sequence[_Entry]) -> dict[str, Any]:
        fields: dict[str, Any] = {"clients": _array(entry.text for entry in entries)}
        if len(entries) < len(self._members):
            fields["total"] = len(self._members)
        return fields

    def _entries(self) -> list[_Entry]:
        entries = [self._entry(*item, {}) for item in self._members.items()]
        if sum(len(entry.text) for entry in entries) > self._limit:
            bare = dict.fromkeys(FREE_TEXTS, "")
            entries = [self._entry(*item, bare) for item in self._members.items()]
        room = self._limit
        for place, entry in enumerate(entries):
            room -= len(entry.text) + 1
            if room < 0:
                return entries[:place]
        return entries

    def _entry(self, identity: str, member: _Member, bare: dict[str, str]) -> _Entry:
        shaken = member.newest.handshake
        fields = {
            "clientId": shaken.client_id,
            "id": shaken.client_id,
            "identity": identity,
            "clientType": shaken.client_type,
            "desc": shaken.desc,
            "description": shaken.desc,
            "html": shaken.html,
            "name": shaken.name,
            "avatar": shaken.avatar,
            "rooms": list(self._rooms_of(identity)),
            "status": _status(member),
            "connectedAt": timestamp(member.connected_at),
        }
        return _Entry(encode(fields | bare), shaken.is_silly_tavern)


def _ignore(_identity: str) -> None:
    """Nobody watches."""


def _status(member: _Member) -> str:
    return "online" if member.sessions else "away"


def _listens(session: Session) -> bool:
    return bool(_told(session))


def _told(session: Session) -> tuple[Event, ...]:
    """The events by which a session hears of changes."""
    shaken = session.handshake
    rules = shaken.is_monitor and session.namespace in (
        Namespace.DEFAULT,
        Namespace.CLIENTS,
    )
    if rules:
        return (Event.UPDATE_CONNECTED_CLIENTS,)
    if shaken.is_silly_tavern and session.namespace == Namespace.CLIENTS:
        return (Event.UPDATE_CONNECTED_CLIENTS, Event.CONNECTED_CLIENTS_UPDATE)
    return ()


def _without_silly_taverns(entries: Iterable[_Entry]) -> dict[str, Any]:
    others = (entry.text for entry in entries if not entry.silly_tavern)
    return {"nonSillyTavernClients": _array(others)}


def _array(texts: Iterable[bytes]) -> msgspec.Raw:
    return msgspec.Raw(b"[%b]" % b",".join(texts))


def _log(name: LogEvent, message: str, session: Session) -> None:
    if logger.isEnabledFor(logging.INFO):
        fields = {
            "clientId": session.client,
            "identity": session.identity,
            "clientType": session.handshake.client_type,
            "address": session.socket.peer.address,
        }
        logger.info(message, session.identity, extra={"event": name, "fields": fields})
