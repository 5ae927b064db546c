"""The doorman: brings sessions to their actors and takes them away again.

Owns nothing but the wiring: who may come in is ``security.admission``'s to say, who
is present the client actor's, which sockets they have the registry's.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from functools import partial
from typing import Any

import pykka

from actors import client, extension, store
from actors.base import LoopRef, ask, watch
from actors.directory import Kind
from actors.errors import BrokerError, Code, RefusedError
from actors.future import ActorEndedError
from actors.house import House
from actors.keyring import key_id
from broker.config import ServerSettings
from broker.gateway.client_list import ClientList
from broker.gateway.registry import SessionRegistry
from broker.gateway.session import Connection, Session
from broker.protocol.handshake import Handshake, read_handshake
from broker.protocol.wire import ASK_FOR_KEY, Event, LogEvent, Namespace
from broker.security.addresses import LastAddresses
from broker.security.admission import Admission, Standing

logger = logging.getLogger(__name__)

STORE_TIMEOUT = 30.0
REBUILD_AFTER = 1.0
"""Seconds after which a crashed extension's actor is rebuilt, its instance being
still there: a crash that repeats must not fill the log."""


class Doorman:
    """Lets sessions in and out."""

    def __init__(
        self,
        house: House,
        admission: Admission,
        registry: SessionRegistry,
        settings: ServerSettings,
        client_list: ClientList,
    ) -> None:
        self._house = house
        self._settings = settings
        self.admission = admission
        self.registry = registry
        self.client_list = client_list
        self.addresses = LastAddresses()
        self._revoked: set[str] = set()
        self._expired: frozenset[str] = frozenset()

    async def let_in(
        self, socket: Connection, namespace: str, sid: str, auth: Any
    ) -> Session:
        """Make a session for a namespace connection.

        Raises:
            BrokerError: it is refused.
        """
        handshake = read_handshake(auth)
        try:
            admitted = await self.admission.admit(handshake, socket.peer)
        except BrokerError as error:
            _log_refusal(handshake, socket, namespace, error)
            raise
        session = Session(sid, namespace, socket, handshake, admitted.trust)
        session.stream_names = (
            handshake.stream_names
            or admitted.trust.stream_names
            or self._settings.stream_names
        )
        granted = socket.granted.get(handshake.identity)
        if granted in self._revoked or granted in self._expired:
            granted = None
        if admitted.standing is Standing.VERIFIED:
            await self.verify(session, admitted.key_id)
        elif granted is not None and handshake.key == ASK_FOR_KEY:
            await self.verify(session, granted)
        else:
            session.temporary_room = f"temp-{secrets.token_hex(8)}"
        return session

    async def welcome(self, session: Session) -> None:
        """Tell an unverified session where it is, and give it the key it asked for."""
        if session.temporary_room is None:
            return
        session.emit(Event.TEMP_ROOM_ASSIGNED, {"roomId": session.temporary_room})
        if (
            session.namespace == Namespace.AUTH
            and session.handshake.key == ASK_FOR_KEY
            and self.admission.may_get_key(session.handshake, session.trust)
        ):
            key = await self.grant_key(session)
            session.emit(
                Event.GET_CLIENT_KEY,
                {
                    "type": Event.GET_CLIENT_KEY,
                    "key": key,
                    "clientId": session.client,
                },
            )
            session.emit(Event.CLIENT_KEY, {"Key": key})

    async def new_key(self, client_id: str, by: str | None = None) -> str:
        """Make a key for a client; ``by``: who wants it for another.

        Raises:
            RefusedError: it has had too many lately, or holds all it may.
        """
        in_use = self.registry.keys_in_use(client_id)
        key = await self.admission.issue_key(client_id, in_use)
        # Nobody is given a key that a crash could take back, unless the disk is full:
        # then people come in all the same, and ask for another after a restart.
        if not await ask(self._house.store, store.Flush(), timeout=STORE_TIMEOUT):
            logger.warning("a key of %s is not on disk yet", client_id)
        fields = {"clientId": client_id, "keyId": key_id(key)}
        if by is not None:
            fields["by"] = by
        extra = {"event": LogEvent.CLIENT_KEY_GENERATED, "fields": fields}
        logger.info("a key was made for %s", client_id, extra=extra)
        return key

    async def held_keys(self, client_id: str) -> int:
        """How many keys a client has."""
        return await self.admission.count_keys(client_id)

    async def grant_key(self, session: Session) -> str:
        """Give a session a key, which verifies its identity on this connection."""
        key = await self.new_key(session.client)
        identifier = key_id(key) or ""
        session.socket.granted[session.identity] = identifier
        for other in tuple(session.socket.sessions.values()):
            if other.identity == session.identity and not other.verified:
                await self.verify(other, identifier)
        return key

    async def verify(self, session: Session, identifier: str | None) -> None:
        """Make a session its identity's own.

        Raises:
            RefusedError: the identity belongs to another client.
        """
        attach = client.Attach(session.sid, session.client)
        try:
            await ask(self.client(session), attach, timeout=10)
        except ActorEndedError:  # its grace time ended in this very moment
            await ask(self.client(session), attach, timeout=10)
        if session.socket.closed:
            self.client(session).tell(client.Detach(session.sid, deliberate=False))
            raise RefusedError("the connection has closed", Code.CLIENT_DISCONNECTED)
        if identifier in self._revoked:  # while this session was being let in
            self.client(session).tell(client.Detach(session.sid, deliberate=True))
            raise RefusedError("the key was removed", Code.AUTHENTICATION_FAILED)
        if identifier in self._expired:
            self.client(session).tell(client.Detach(session.sid, deliberate=True))
            raise RefusedError("the key has expired", Code.AUTHENTICATION_FAILED)
        if not self.admission.is_trusted(session.client):  # since it was admitted
            self.client(session).tell(client.Detach(session.sid, deliberate=True))
            raise RefusedError(f"client {session.client!r} is not trusted any more")
        session.verified = True
        session.key_id = identifier
        if identifier is not None:
            self.addresses.note(identifier, session.socket.peer.address)
        session.temporary_room = None
        self.registry.add(session)
        self.client_list.came(session)
        if session.handshake.is_silly_tavern and session.namespace == Namespace.LLM:
            self.extension(session).tell(extension.Connected())
            _log_extension(LogEvent.EXTENSION_CONNECTED, session)

    def let_out(self, session: Session, *, deliberate: bool) -> None:
        """Take a session away."""
        session.close()
        if not session.verified:
            return
        session.verified = False
        was_last = self.registry.remove(session)
        self.client(session).tell(client.Detach(session.sid, deliberate))
        self.client_list.left(session)
        if (
            was_last
            and session.handshake.is_silly_tavern
            and session.namespace == Namespace.LLM
        ):
            ref = self._house.directory.find(Kind.EXTENSION, session.identity)
            if ref is not None:  # else it has crashed, and is not built anew
                ref.tell(extension.Lost(deliberate))
            _log_extension(LogEvent.EXTENSION_DISCONNECTED, session)

    def expel(self, dropped: frozenset[str]) -> list[Session]:
        """The sessions whose key, or whose client's trust, is no more.

        Who is on the way in with such a key will be refused.
        """
        self._revoked |= dropped
        return [
            session
            for session in self.registry.everyone()
            if session.key_id in dropped
            or not self.admission.is_trusted(session.client)
        ]

    def expire(self, expired: frozenset[str]) -> list[Session]:
        """The sessions whose key's time is over; ``expired`` are all such keys.

        Unlike what was revoked, a key may be good again: the clock was put right.
        """
        self._expired = expired
        if not expired:
            return []
        return [
            session for session in self.registry.everyone() if session.key_id in expired
        ]

    def client(self, session: Session) -> LoopRef[Any]:
        """The actor of a session's identity; after a crash, a fresh one."""
        directory = self._house.directory
        ref = directory.find(Kind.CLIENT, session.identity)
        if ref is None:
            caller = session.caller
            ref = client.Client.start(
                self._house, caller.identity, caller.client, caller.kind
            )
            directory.add(Kind.CLIENT, session.identity, ref)
            watch(ref, partial(self._client_ended, session.identity))
            for other in self.registry.everywhere(session.identity):
                ref.tell(client.Attach(other.sid, other.client))
        return ref

    def extension(self, session: Session) -> LoopRef[Any]:
        """The actor of the SillyTavern instance at a session's far end."""
        directory = self._house.directory
        ref = directory.find(Kind.EXTENSION, session.identity)
        if ref is None:
            ref = extension.Extension.start(
                self._house, session.identity, session.client
            )
            directory.add(Kind.EXTENSION, session.identity, ref)
            watch(ref, partial(self._extension_ended, session.identity))
        return ref

    def _client_ended(self, identity: str, _ref: pykka.ActorRef[Any]) -> None:
        self.client_list.gone(identity)

    def _extension_ended(self, identity: str, _ref: pykka.ActorRef[Any]) -> None:
        loop = asyncio.get_running_loop()
        loop.call_later(REBUILD_AFTER, self._rebuild_extension, identity)

    def _rebuild_extension(self, identity: str) -> None:
        """Give an instance that outlived its actor a fresh one."""
        sessions = self.registry.of(identity)
        if not sessions:
            return
        session = sessions[-1]
        # There is one already where the instance has said something meanwhile.
        known = self._house.directory.find(Kind.EXTENSION, identity)
        ref = self.extension(session)
        profile = session.socket.identified.get(identity)
        if known is None and profile is not None:
            ref.tell(extension.Identify(profile, frozenset()))
        ref.tell(extension.Connected())


def _log_refusal(
    handshake: Handshake, socket: Connection, namespace: str, error: BrokerError
) -> None:
    fields = {
        "clientId": handshake.client_id,
        "clientType": handshake.client_type,
        "namespace": namespace,
        "address": socket.peer.address,
    }
    extra = {
        "event": LogEvent.CLIENT_AUTH_FAILED,
        "code": int(error.code),
        "fields": fields,
    }
    logger.info("%s was not let in", handshake.client_id, extra=extra)


def _log_extension(event: LogEvent, session: Session) -> None:
    fields = {"clientId": session.client, "identity": session.identity}
    there = "can" if event is LogEvent.EXTENSION_CONNECTED else "can not"
    logger.info(
        "%s %s be given requests",
        session.identity,
        there,
        extra={"event": event, "fields": fields},
    )
