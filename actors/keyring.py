"""The Keyring actor: who holds which key, proven with bcrypt.

Owns      every client's key hashes
Receives  Check, Identify, Used, Issue, Revoke, ListKeys, ListAllKeys, Reload,
          HashPassword, CheckPassword
Sends     new and removed keys to the store
Stops     with the broker

It has a thread, since bcrypt blocks on purpose: one thread, so that floods of wrong
keys cost one core at most. Keys are never kept, logged or sent but to their owner.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeAlias, assert_never

import bcrypt
import msgspec
import pykka

from actors import store
from actors.base import BlockingActor
from actors.errors import Code, RefusedError

MAX_KEYS: Final = 8
"""Live keys of one client: two tabs that both ask must not lock each other out."""

MAX_SECRET: Final = 72
"""Bytes bcrypt reads; it would cut what is longer, so that is refused."""

COST: Final = 10
RELOAD_TIMEOUT: Final = 60.0
"""Seconds the keyring waits for the store; nobody waits for ever."""
USE_STORED_EVERY: Final = 60.0
"""Seconds between two writes of when a key was last used."""
KEY_ID: Final = re.compile(r"[0-9a-f]{12}\Z")
"""What every key's public part looks like."""

KEY_PATTERN: Final = re.compile(r"tap_([0-9a-f]{12})_([A-Za-z0-9_-]{22,43})\Z")


class Check(msgspec.Struct, frozen=True):
    """Answers with the id of the key if it is one of the client's, else None."""

    client: str
    key: str


class Identify(msgspec.Struct, frozen=True):
    """Answers with the client and the id of a key, whosever it is; None: nobody's."""

    key: str


class Used(msgspec.Struct, frozen=True):
    """Keys were shown that whoever tells this knew to be good already.

    ``when``: by client and id of the key, the wall clock's time.
    """

    when: Mapping[tuple[str, str], float]


class Issued(msgspec.Struct, frozen=True):
    """A new key in plain, this once, and the ids of those that made room for it."""

    key: str
    dropped: tuple[str, ...]


class Issue(msgspec.Struct, frozen=True):
    """Answers with ``Issued``.

    ``in_use`` are the ids of keys that sockets hold now and must not lose.
    """

    client: str
    in_use: frozenset[str] = frozenset()


class Revoke(msgspec.Struct, frozen=True):
    """Drop one key of a client, or all; answers with the ids dropped."""

    client: str
    key_id: str | None = None


class ListKeys(msgspec.Struct, frozen=True):
    """Answers with the client's ``store.KeyRow``s."""

    client: str


class ListAllKeys(msgspec.Struct, frozen=True):
    """Answers with the ``store.KeyRow``s of all clients."""


class Reload(msgspec.Struct, frozen=True):
    """Read the keys again: another process has changed the database.

    Answers with the ids of keys that are no more.
    """


class HashPassword(msgspec.Struct, frozen=True):
    """Answers with a password's bcrypt hash as text."""

    password: str


class CheckPassword(msgspec.Struct, frozen=True):
    """Answers whether a password fits a bcrypt hash."""

    password: str
    hashed: str


Message: TypeAlias = (
    Check
    | Identify
    | Used
    | Issue
    | Revoke
    | ListKeys
    | ListAllKeys
    | Reload
    | HashPassword
    | CheckPassword
)


def key_id(key: str) -> str | None:
    """The public part of a key that has the right form."""
    match = KEY_PATTERN.match(key)
    return match.group(1) if match else None


def hash_secret(secret: str, cost: int = COST) -> bytes:
    """Hash a key or a password.

    Raises:
        RefusedError: it is longer than bcrypt can tell apart, or holds a NUL.
    """
    return bcrypt.hashpw(_as_bytes(secret), bcrypt.gensalt(cost))


def make_key(client: str, now: float) -> tuple[str, store.KeyRow]:
    """Make a key of 256 random bits: the key in plain, and its row."""
    identifier = secrets.token_hex(6)
    key = f"tap_{identifier}_{secrets.token_urlsafe(32)}"
    return key, store.KeyRow(identifier, client, hash_secret(key), now, now)


def _as_bytes(secret: str) -> bytes:
    encoded = secret.encode("utf-8", "surrogatepass")
    if len(encoded) > MAX_SECRET or b"\0" in encoded:
        raise RefusedError(
            f"keys and passwords have at most {MAX_SECRET} bytes and no NUL",
            Code.AUTHENTICATION_FAILED,
        )
    return encoded


def _fits(secret: str, hashed: bytes) -> bool:
    try:
        return bcrypt.checkpw(_as_bytes(secret), hashed)
    except (RefusedError, ValueError):  # ValueError: not a bcrypt hash
        return False


class Keyring(BlockingActor):
    """All keys of all clients."""

    def __init__(
        self,
        keys: Iterable[store.KeyRow],
        store_ref: pykka.ActorRef[Any],
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__()
        self._store = store_ref
        self._clock = clock
        self._keys: dict[str, dict[str, store.KeyRow]] = {}
        self._use_stored: dict[str, float] = {}
        self._replace(keys)

    def on_receive(self, message: Message) -> Any:
        """Handle one message."""
        match message:
            case Check(client, key):
                return self._check(client, key)
            case Identify(key):
                return self._identify_by(key)
            case Used(when):
                for (client, identifier), at in when.items():
                    self._note_use(client, identifier, at)
                return None
            case Issue(client, in_use):
                return self._issue(client, in_use)
            case Revoke(client, identifier):
                return self._revoke(client, identifier)
            case ListKeys(client):
                return tuple(self._keys.get(client, {}).values())
            case ListAllKeys():
                return tuple(
                    row for held in self._keys.values() for row in held.values()
                )
            case Reload():
                return self._reload()
            case HashPassword(password):
                return hash_secret(password).decode()
            case CheckPassword(password, hashed):
                return _fits(password, hashed.encode())
            case _:
                assert_never(message)

    def _check(self, client: str, key: str) -> str | None:
        identifier = key_id(key)
        row = self._keys.get(client, {}).get(identifier or "")
        if row is None or not _fits(key, row.hash):
            return None
        self._use_stored.pop(row.id, None)
        self._note_use(client, row.id, self._clock())
        return row.id

    def _identify_by(self, key: str) -> tuple[str, str] | None:
        identifier = key_id(key)
        holders = (client for client, held in self._keys.items() if identifier in held)
        client = next(holders, None)
        if client is None or (found := self._check(client, key)) is None:
            return None
        return client, found

    def _note_use(self, client: str, identifier: str, now: float) -> None:
        """Note when a key was used; on disk, only once in a while."""
        row = self._keys.get(client, {}).get(identifier)
        if row is None:
            return
        used = msgspec.structs.replace(row, last_used_at=now)
        self._keys[client][identifier] = used
        stored = self._use_stored.get(identifier)
        if stored is None or now - stored >= USE_STORED_EVERY:
            self._use_stored[identifier] = now
            self._store.tell(store.PutKey(used))

    def _issue(self, client: str, in_use: frozenset[str]) -> Issued:
        held = self._keys.setdefault(client, {})
        spare = sorted(
            (row for row in held.values() if row.id not in in_use),
            key=lambda row: row.last_used_at,
        )
        surplus = len(held) - MAX_KEYS + 1
        if surplus > len(spare):
            raise RefusedError(f"all {MAX_KEYS} keys of {client!r} are in use")
        dropped = tuple(row.id for row in spare[: max(surplus, 0)])
        key, row = make_key(client, self._clock())
        for identifier in dropped:
            del held[identifier]
            self._use_stored.pop(identifier, None)
        held[row.id] = row
        self._store.tell(store.PutKey(row, dropped))
        return Issued(key, dropped)

    def _revoke(self, client: str, identifier: str | None) -> tuple[str, ...]:
        held = self._keys.get(client, {})
        dropped = tuple(i for i in held if identifier in (None, i))
        for each in dropped:
            del held[each]
            self._use_stored.pop(each, None)
        self._store.tell(store.RemoveKeys(dropped))
        return dropped

    def _reload(self) -> frozenset[str]:
        """Blocks this thread alone; what it has told the store before is in it."""
        before = {key for held in self._keys.values() for key in held}
        contents: store.Contents = self._store.ask(
            store.Reload(), block=True, timeout=RELOAD_TIMEOUT
        )
        self._replace(contents.keys)
        return frozenset(before - {row.id for row in contents.keys})

    def _replace(self, keys: Iterable[store.KeyRow]) -> None:
        before, self._keys = self._keys, {}
        for row in keys:
            known = before.get(row.client, {}).get(row.id, row)
            newer = max(row, known, key=lambda each: each.last_used_at)
            self._keys.setdefault(row.client, {})[row.id] = newer
