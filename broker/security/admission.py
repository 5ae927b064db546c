"""Who is let in: the rules of the handshake, one after the other.

Owns how many were refused, and how many keys a client was given lately; whether a key
is right is the verifier's to say. Must never send a key, an identity or a reason that
tells a stranger more than that they are refused.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from enum import Enum
from typing import Any

import msgspec
import pykka

from actors import keyring
from actors.base import LoopRef, ask
from actors.client_records import KeyRow
from actors.errors import Code, RefusedError
from actors.hall_events import GetHolder
from actors.limits import Limit, reached
from broker.config import ServerSettings
from broker.protocol.handshake import Handshake
from broker.protocol.wire import (
    ASK_FOR_KEY,
    MONITOR_TYPE,
    RESERVED_NAMES,
    SILLY_TAVERN_TYPE,
)
from broker.security.attempts import RateLimit, Refusals
from broker.security.origins import Origins
from broker.security.peer import Peer
from broker.security.trust import Trust, TrustRegistry
from broker.security.verifier import Verifier


class Standing(Enum):
    """What a connection has shown of itself."""

    VERIFIED = "its key matches"
    UNVERIFIED = "it may ask for a key"


class Admitted(msgspec.Struct, frozen=True):
    """A connection that is let in."""

    standing: Standing
    trust: Trust
    key_id: str | None = None


class Admission:
    """The door."""

    def __init__(
        self,
        settings: ServerSettings,
        trust: TrustRegistry,
        origins: Origins,
        hall: LoopRef[Any],
        keyring_ref: pykka.ActorRef[keyring.Keyring],
    ) -> None:
        self._settings = settings
        self._trust = trust
        self._origins = origins
        self._hall = hall
        self._keyring = keyring_ref
        self._verifier = Verifier(settings, keyring_ref)
        self._new_keys = RateLimit(settings.new_keys_per_minute)
        self.known_keys = self._verifier.known_keys
        self.refusals = Refusals()

    async def admit(self, handshake: Handshake, peer: Peer) -> Admitted:
        """Let a connection in, or not.

        Raises:
            RefusedError: it may not come in; the message is for its eyes.
        """
        with self.refusals:
            return await self._judge(handshake, peer)

    async def holder_of(self, key: str, peer: Peer) -> Trust:
        """Whose key it is that somebody shows who does not say who they are.

        Raises:
            RefusedError: it is nobody's, or that of a client no longer trusted.
        """
        with self.refusals:
            client = await self._verifier.holder_of(key, peer)
            trust = self._trust.find(client)
            if trust is None:
                raise RefusedError(f"client {client!r} is not trusted here")
            return trust

    @contextlib.contextmanager
    def trial(self, peer: Peer) -> Iterator[None]:
        """Count against a peer what is refused within, like a wrong key.

        Raises:
            RefusedError: that is so, or there were too many wrong keys before.
        """
        with self.refusals, self._verifier.trial(peer):
            yield

    async def _judge(self, handshake: Handshake, peer: Peer) -> Admitted:
        trust = self._trusted(handshake, peer)
        self._check_type(handshake, trust)
        await self._check_identity(handshake)
        if handshake.key and handshake.key != ASK_FOR_KEY:
            key_id = await self._verifier.check_key(
                handshake.client_id, handshake.key, peer
            )
            return Admitted(Standing.VERIFIED, trust, key_id)
        if not self._may_ask(handshake.client_id, peer, trust):
            raise RefusedError(
                "a key is needed to connect from here", Code.AUTHENTICATION_FAILED
            )
        return Admitted(Standing.UNVERIFIED, trust)

    async def hash_password(self, password: str) -> str:
        """A room's password as it is kept.

        Raises:
            BrokerError: it is too long to be told apart by its hash.
        """
        return await self._verifier.hash_password(password)

    async def prove_password(self, password: str, hashed: str, peer: Peer) -> None:
        """Prove somebody by a password.

        Raises:
            RefusedError: it is wrong, or was tried too often.
        """
        with self.refusals:
            await self._verifier.check_password(password, hashed, peer)

    def is_reserved(self, name: str) -> bool:
        """Whether no room may be called so."""
        return self._trust.is_reserved(name)

    def is_silly_tavern(self, client: str) -> bool:
        """Whether a client is one that answers."""
        trust = self._trust.find(client)
        typed = trust is not None and trust.type == SILLY_TAVERN_TYPE
        return typed or client.startswith(SILLY_TAVERN_TYPE)

    def is_trusted(self, client: str) -> bool:
        """Whether a client may be known here at all."""
        return self._trust.find(client) is not None

    def type_of(self, client: str) -> str | None:
        """What else a trusted client may be beside a plain one."""
        trust = self._trust.find(client)
        return None if trust is None else trust.type

    async def list_keys(self) -> tuple[KeyRow, ...]:
        """All keys there are, as they are stored."""
        self._verifier.tell_uses()
        rows: tuple[KeyRow, ...] = await ask(
            self._keyring, keyring.ListAllKeys(), timeout=30
        )
        return rows

    async def revoke_keys(self, client: str, key_id: str | None) -> frozenset[str]:
        """Make one key of a client, or all, good no more; gives their ids."""
        dropped = await ask(self._keyring, keyring.Revoke(client, key_id), timeout=30)
        for each in dropped:
            self.known_keys.forget(client, each)
        return frozenset(dropped)

    async def expired_keys(self) -> frozenset[str]:
        """The ids of the keys whose time is over: they are good no more."""
        expired: frozenset[tuple[str, str]] = await ask(
            self._keyring, keyring.GetExpired(), timeout=30
        )
        for client, identifier in expired:
            self.known_keys.expire(client, identifier)
        return frozenset(identifier for _, identifier in expired)

    async def issue_key(self, client: str, in_use: frozenset[str]) -> str:
        """Make a new key for a client.

        Raises:
            RefusedError: it has had too many lately.
        """
        if not self._new_keys.allow(client):
            reached[Limit.NEW_KEYS_PER_MINUTE] += 1
            most = self._settings.new_keys_per_minute
            raise RefusedError(
                f"{client} has had too many new keys, at most {most} a minute: "
                "try again in a minute",
                Code.TOO_MANY_REQUESTS,
            )
        self._verifier.tell_uses()  # the one unused longest makes room
        issued: keyring.Issued = await ask(
            self._keyring, keyring.Issue(client, in_use), timeout=30
        )
        for dropped in issued.dropped:
            self.known_keys.forget(client, dropped)
        self.known_keys.remember(client, issued.key)
        return issued.key

    async def count_keys(self, client: str) -> int:
        """How many keys a client has."""
        keys = await ask(self._keyring, keyring.ListKeys(client), timeout=30)
        return len(keys)

    def may_get_key(self, handshake: Handshake, trust: Trust) -> bool:
        """Whether an unverified client may be given a key for the asking."""
        if handshake.is_monitor:
            return self._settings.monitors_may_get_key
        return trust.password_hash is None

    async def check_password(self, trust: Trust, password: str, peer: Peer) -> None:
        """Prove a SillyTavern by its password.

        Raises:
            RefusedError: it has none, it is wrong, or it was tried too often.
        """
        if trust.password_hash is None:
            with self.refusals:
                self._verifier.refuse_password(password, peer)
        await self.prove_password(password, trust.password_hash, peer)

    def _trusted(self, handshake: Handshake, peer: Peer) -> Trust:
        client = handshake.client_id
        trust = self._trust.find(client)
        if (
            trust is None
            and handshake.is_silly_tavern
            and self._settings.trust_on_first_use
            and self._may_ask(client, peer, Trust(client))
            and self._trust.trust_on_first_use(client)
        ):
            trust = self._trust.find(client)
        if trust is None:
            raise RefusedError(
                f"client {client!r} is not trusted here: the operator can trust it "
                f"with «tapster clients trust {client}»"
            )
        return trust

    def _check_type(self, handshake: Handshake, trust: Trust) -> None:
        client = handshake.client_id
        if handshake.is_monitor and trust.type != MONITOR_TYPE:
            raise RefusedError(f"client {client!r} may not be a monitor")
        if (
            handshake.is_silly_tavern
            and trust.type != SILLY_TAVERN_TYPE
            and not client.startswith(SILLY_TAVERN_TYPE)
        ):
            raise RefusedError(f"client {client!r} may not be a SillyTavern")

    async def _check_identity(self, handshake: Handshake) -> None:
        identity, client = handshake.identity, handshake.client_id
        taken = identity != client and self._trust.is_reserved(identity)
        if taken or identity in RESERVED_NAMES:
            raise RefusedError(f"identity {identity!r} is reserved")
        holder = await ask(self._hall, GetHolder(identity), timeout=10)
        if holder == "":
            raise RefusedError(f"identity {identity!r} is the name of a room")
        if holder not in (None, client):
            raise RefusedError(f"identity {identity!r} belongs to another client")

    def _may_ask(self, client: str, peer: Peer, trust: Trust) -> bool:
        return (
            self._settings.network_safe
            and peer.local
            and self._origins.may_ask_for_key(peer, client, trust.origins)
        )
