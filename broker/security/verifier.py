"""The verifier: whether a key or a password is right, and how often one may try.

Owns who tries and how often, what bcrypt has found right once, and which keys were used
lately. Must never have bcrypt judge a guess from an address that is banned.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Awaitable, Iterator
from typing import Any, Final, NoReturn, TypeAlias

import pykka

from actors import keyring
from actors.base import ask
from actors.clock import steady_clock
from actors.errors import Code, RefusedError, UnavailableError
from actors.limits import Limit, reached
from broker.config import ServerSettings
from broker.security.attempts import Bans, Turns
from broker.security.known_keys import KnownKeys
from broker.security.peer import Peer

MAX_BEING_CHECKED = 64
"""Keys that may wait for bcrypt at once; beyond it a try is refused unheard."""

NOTED_AFTER: Final = 1.0
"""Seconds in which notes that keys were used come together: each wakes a thread."""

ASK_TIMEOUT: Final = 30.0

Proof: TypeAlias = (
    keyring.Check | keyring.Identify | keyring.CheckPassword | keyring.HashPassword
)
"""What bcrypt is asked."""


class Verifier:
    """Judges what people show of themselves."""

    def __init__(
        self, settings: ServerSettings, keyring_ref: pykka.ActorRef[keyring.Keyring]
    ) -> None:
        self._keyring = keyring_ref
        self._wrong_keys = settings.wrong_keys_per_minute
        self._bans = Bans(
            settings.wrong_keys_per_minute,
            settings.wrong_keys_ban,
            settings.wrong_keys_longest_ban,
        )
        self._turns = Turns()
        self._being_checked = 0
        self._uses: dict[tuple[str, str], float] = {}
        self._clock = steady_clock()
        self.known_keys = KnownKeys()

    async def check_key(self, client: str, key: str, peer: Peer) -> str:
        """The id of a client's key.

        Raises:
            RefusedError: it is wrong or has expired, or too many were wrong before.
        """
        known = self.known_keys.knows(client, key)
        if known is not None:
            self._note_use(client, known)
            return known
        age = self.known_keys.age
        found: str | None = await self._try_key(keyring.Check(client, key), peer)
        if found is None:
            raise RefusedError(
                f"the key does not match client {client!r}",
                Code.AUTHENTICATION_FAILED,
            )
        if self.known_keys.age == age:
            self.known_keys.remember(client, key)
        return found

    async def holder_of(self, key: str, peer: Peer) -> str:
        """The client whose key it is.

        Raises:
            RefusedError: it is nobody's or has expired, or too many were wrong before.
        """
        client = self.known_keys.holder(key)
        if client is None:
            return await self._identify(key, peer)
        self._note_use(client, keyring.key_id(key) or "")
        return client

    async def hash_password(self, password: str) -> str:
        """A password as it is kept.

        Raises:
            BrokerError: it is too long to be told apart by its hash.
        """
        keyring.check_length(password)
        return str(await self._prove(keyring.HashPassword(password)))

    async def check_password(self, password: str, hashed: str, peer: Peer) -> None:
        """Find a password right.

        Raises:
            RefusedError: it is wrong, or too many were wrong before.
        """
        async with self._turns.of(peer.address):
            self._refuse_banned(peer)
            if not await self._prove(keyring.CheckPassword(password, hashed)):
                self._refuse_password(peer, password)

    def refuse_password(self, password: str, peer: Peer) -> NoReturn:
        """Find a password wrong that nobody has.

        Raises:
            RefusedError: always.
        """
        self._refuse_banned(peer)
        self._refuse_password(peer, password)

    @contextlib.contextmanager
    def trial(self, peer: Peer) -> Iterator[None]:
        """Count against a peer what is refused within, like a wrong key.

        Raises:
            RefusedError: that is so, or too many were wrong before.
        """
        self._refuse_banned(peer)
        try:
            yield
        except RefusedError:
            self._bans.failed(peer.address)
            raise

    def tell_uses(self) -> None:
        """Have the keyring know now which keys were used."""
        uses, self._uses = self._uses, {}
        if not uses:
            return
        # When a key was used is not worth refusing anybody for.
        with contextlib.suppress(UnavailableError):
            self._keyring.tell(keyring.Used(uses))

    def _note_use(self, client: str, identifier: str) -> None:
        """Remember when a key was used, and have the keyring know soon."""
        if not self._uses:
            asyncio.get_running_loop().call_later(NOTED_AFTER, self.tell_uses)
        self._uses[client, identifier] = self._clock()

    async def _identify(self, key: str, peer: Peer) -> str:
        """The client of a key that is not known yet."""
        age = self.known_keys.age
        found: tuple[str, str] | None = await self._try_key(keyring.Identify(key), peer)
        if found is None:
            raise RefusedError("the key is nobody's", Code.AUTHENTICATION_FAILED)
        client, _ = found
        if self.known_keys.age == age:
            self.known_keys.remember(client, key)
        return client

    async def _try_key(
        self, message: keyring.Check | keyring.Identify, peer: Peer
    ) -> Any:
        """Have a key judged, and count a wrong one; None: it is wrong.

        A sealed key is asked for past bans and crowds: it is the owner's, whoever else
        is at the same address, or its id is nobody's, which costs no bcrypt.
        """
        if keyring.is_sealed(message.key):
            banned = self._bans.remaining(peer.address)
            found = await self._counted(self._ask_keyring(message), peer)
            if found is None and banned:
                self._refuse_banned(peer)
            return found
        async with self._turns.of(peer.address):
            self._refuse_banned(peer)
            if not keyring.may_be_a_key(message.key):
                self._bans.failed(peer.address)
                keyring.check_length(message.key)
                return None
            return await self._counted(self._prove(message), peer)

    async def _counted(self, judging: Awaitable[Any], peer: Peer) -> Any:
        """A judgement; a wrong key, expired ones included, counts against the peer."""
        try:
            found = await judging
        except keyring.KeyExpiredError:
            self._bans.failed(peer.address)
            raise
        if found is None:
            self._bans.failed(peer.address)
        return found

    async def _prove(self, message: Proof) -> Any:
        """Have bcrypt judge, unless too much waits for it already."""
        if self._being_checked >= MAX_BEING_CHECKED:
            reached[Limit.KEYS_BEING_CHECKED] += 1
            raise RefusedError(
                f"{MAX_BEING_CHECKED} keys and passwords are being checked already: "
                "try again in a moment",
                Code.UNAVAILABLE,
            )
        self._being_checked += 1
        try:
            return await self._ask_keyring(message)
        finally:
            self._being_checked -= 1

    async def _ask_keyring(self, message: Proof) -> Any:
        return await ask(self._keyring, message, timeout=ASK_TIMEOUT)

    def _refuse_password(self, peer: Peer, password: str) -> NoReturn:
        self._bans.failed(peer.address)
        keyring.check_length(password)
        raise RefusedError("the password is wrong", Code.AUTHENTICATION_FAILED)

    def _refuse_banned(self, peer: Peer) -> None:
        seconds = self._bans.remaining(peer.address)
        if seconds:
            reached[Limit.WRONG_KEYS_PER_MINUTE] += 1
            raise RefusedError(
                f"too many wrong keys, at most {self._wrong_keys} a minute: try again "
                f"in {math.ceil(seconds)} seconds",
                Code.AUTHENTICATION_FAILED,
            )
