"""The Keyring actor: who holds which key, proven with bcrypt.

Owns      every client's key hashes
Receives  Check, Identify, Used, Issue, Rotate, Revoke, ListKeys, ListAllKeys,
          GetExpired, Reload, HashPassword, CheckPassword
Sends     new, changed and removed keys to the store
Stops     with the broker

A key whose time is over stays on the list, so that its owner is told what is wrong with
it, until it is revoked or a new one needs its place.

It has a thread, since bcrypt blocks on purpose: one thread, so that floods of wrong
keys cost one core at most. Keys are never kept, logged or sent but to their owner.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias, assert_never

import bcrypt
import msgspec
import pykka

from actors import store
from actors.base import BlockingActor
from actors.client_records import ExpireKeys, KeyRow, PutKey, RemoveKeys, UseKey
from actors.clock import steady_clock
from actors.errors import Code, RefusedError
from actors.limits import Limit, reached

MAX_KEYS: Final = 8
"""Live keys of one client: two tabs that both ask must not lock each other out."""

MAX_SECRET: Final = 72
"""Bytes bcrypt reads; it would cut what is longer, so that is refused."""

COST: Final = 10
RELOAD_TIMEOUT: Final = 60.0
"""Seconds the keyring waits for the store; nobody waits for ever."""
USE_STORED_EVERY: Final = 60.0
"""Seconds between two writes of when a key was last used."""
KEY_ID: Final = re.compile(r"[0-9a-f]{12}(?:[0-9a-f]{4})?\Z")
"""What every key's public part looks like: 16 digits, 12 in keys of former versions."""

KEY_PATTERN: Final = re.compile(
    r"tap_([0-9a-f]{12}|[0-9a-f]{16})_([A-Za-z0-9_-]{22,43})\Z"
)
SEALED: Final = 16
"""Digits of an id that is made from its key's secret."""


class KeyExpiredError(RefusedError):
    """A key is its client's, and its time is over."""

    default_code = Code.AUTHENTICATION_FAILED

    def __init__(self, client: str, at: float) -> None:
        """Take whose key it was and when it expired."""
        moment = datetime.fromtimestamp(at, UTC)
        super().__init__(
            f"this key of client {client!r} expired at {moment:%Y-%m-%d %H:%M} UTC: "
            f"the operator makes a new one with «tapster keys make {client}»"
        )


class Check(msgspec.Struct, frozen=True):
    """Answers with the id of the key if it is one of the client's, else None.

    Whoever shows one that is the client's and has expired gets ``KeyExpiredError``.
    """

    client: str
    key: str


class Identify(msgspec.Struct, frozen=True):
    """Answers with the client and the id of a key, whosever it is; None: nobody's.

    As with ``Check``, one that has expired is refused.
    """

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

    ``in_use`` are the ids of keys that sockets hold now and must not lose, ``lifetime``
    the seconds for which the new one is good; None: until it is revoked.
    """

    client: str
    in_use: frozenset[str] = frozenset()
    lifetime: float | None = None


class Rotate(msgspec.Struct, frozen=True):
    """Make a key, and have the client's others expire; answers with ``Rotated``.

    They are good for ``overlap`` seconds more, or for less if that was so before.
    """

    client: str
    overlap: float
    lifetime: float | None = None


class Rotated(msgspec.Struct, frozen=True):
    """A new key in plain, this once, and those whose place it takes."""

    key: str
    dropped: tuple[str, ...]
    expiring: tuple[KeyRow, ...]


class Revoke(msgspec.Struct, frozen=True):
    """Drop one key of a client, or all; answers with the ids dropped."""

    client: str
    key_id: str | None = None


class ListKeys(msgspec.Struct, frozen=True):
    """Answers with the client's ``KeyRow``s."""

    client: str


class ListAllKeys(msgspec.Struct, frozen=True):
    """Answers with the ``KeyRow``s of all clients."""


class GetExpired(msgspec.Struct, frozen=True):
    """Answers with the client and the id of each key whose time is over."""


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
    | Rotate
    | Revoke
    | ListKeys
    | ListAllKeys
    | GetExpired
    | Reload
    | HashPassword
    | CheckPassword
)


def key_id(key: str) -> str | None:
    """The public part of a key that has the right form."""
    match = KEY_PATTERN.match(key)
    return match.group(1) if match else None


def is_sealed(key: str) -> bool:
    """Whether a key's id is that of its secret.

    Nobody finds a secret for somebody else's id, so a sealed key is the owner's or has
    an id that is nobody's: strangers can not have bcrypt work for them.
    """
    match = KEY_PATTERN.match(key)
    return match is not None and match.group(1) == _seal(match.group(2))


def may_be_a_key(key: str) -> bool:
    """Whether it takes bcrypt to tell: no forged id, and a key's form."""
    identifier = key_id(key)
    return identifier is not None and (len(identifier) < SEALED or is_sealed(key))


def _seal(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()[:SEALED]


def hash_secret(secret: str, cost: int = COST) -> bytes:
    """Hash a key or a password.

    Raises:
        RefusedError: it is longer than bcrypt can tell apart, or holds a NUL.
    """
    return bcrypt.hashpw(_as_bytes(secret), bcrypt.gensalt(cost))


def make_key(
    client: str, now: float, expires_at: float | None = None
) -> tuple[str, KeyRow]:
    """Make a key of 256 random bits: the key in plain, and its row."""
    secret = secrets.token_urlsafe(32)
    identifier = _seal(secret)
    key = f"tap_{identifier}_{secret}"
    hashed = hash_secret(key)
    return key, KeyRow(identifier, client, hashed, now, now, expires_at)


def check_length(secret: str) -> None:
    """Refuse, and count, what bcrypt would cut.

    Raises:
        RefusedError: it is longer than that, or holds a NUL.
    """
    try:
        _as_bytes(secret)
    except RefusedError:
        reached[Limit.KEY_LENGTH] += 1
        raise


def _as_bytes(secret: str) -> bytes:
    encoded = secret.encode("utf-8", "surrogatepass")
    if len(encoded) > MAX_SECRET or b"\0" in encoded:
        raise RefusedError(
            f"keys and passwords have at most {MAX_SECRET} bytes and no NUL, "
            f"this one has {len(encoded)}",
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
        keys: Iterable[KeyRow],
        store_ref: pykka.ActorRef[Any],
        clock: Callable[[], float] | None = None,
        wall: Callable[[], float] = time.time,
    ) -> None:
        super().__init__()
        self._store = store_ref
        self._clock = clock or steady_clock()
        # When a key expires is a date: no other clock knows of a night's sleep.
        self._wall = wall
        self._keys: dict[str, dict[str, KeyRow]] = {}
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
            case Issue(client, in_use, lifetime):
                return self._issue(client, in_use, lifetime)
            case Rotate(client, overlap, lifetime):
                return self._rotate(client, overlap, lifetime)
            case Revoke(client, identifier):
                return self._revoke(client, identifier)
            case ListKeys(client):
                return tuple(self._keys.get(client, {}).values())
            case ListAllKeys():
                return tuple(
                    row for held in self._keys.values() for row in held.values()
                )
            case GetExpired():
                return self._expired()
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
        if row is None:
            return None
        expired = not row.is_good(self._wall())
        # An id that is sealed proves enough to be told so: no bcrypt for old keys.
        if not (expired and is_sealed(key)) and not _fits(key, row.hash):
            return None
        if expired:
            raise KeyExpiredError(client, row.expires_at or 0.0)
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
            self._store.tell(UseKey(id=identifier, at=now))

    def _issue(
        self, client: str, in_use: frozenset[str], lifetime: float | None
    ) -> Issued:
        held = self._keys.setdefault(client, {})
        now = self._wall()
        spare = sorted(
            (row for row in held.values() if row.id not in in_use),
            key=lambda row: (row.is_good(now), row.last_used_at),
        )
        surplus = len(held) - MAX_KEYS + 1
        if surplus > 0:
            reached[Limit.KEYS_PER_CLIENT] += 1
        if surplus > len(spare):
            raise RefusedError(
                f"all {MAX_KEYS} keys of {client!r} are in use: use one of them, or "
                f"have one revoked with «tapster keys revoke {client} KEY_ID»"
            )
        dropped = tuple(row.id for row in spare[: max(surplus, 0)])
        end = None if lifetime is None else now + lifetime
        key, row = make_key(client, self._clock(), end)
        for identifier in dropped:
            del held[identifier]
            self._use_stored.pop(identifier, None)
        held[row.id] = row
        self._store.tell(PutKey(row, dropped))
        return Issued(key, dropped)

    def _rotate(self, client: str, overlap: float, lifetime: float | None) -> Rotated:
        issued = self._issue(client, frozenset(), lifetime)
        held, end = self._keys[client], self._wall() + overlap
        expiring = tuple(
            msgspec.structs.replace(row, expires_at=end)
            for row in held.values()
            if row.id != key_id(issued.key) and row.is_good(end)
        )
        held.update((row.id, row) for row in expiring)
        ids = tuple(row.id for row in expiring)
        self._store.tell(ExpireKeys(ids=ids, at=end))
        return Rotated(issued.key, issued.dropped, expiring)

    def _expired(self) -> frozenset[tuple[str, str]]:
        now = self._wall()
        return frozenset(
            (client, row.id)
            for client, held in self._keys.items()
            for row in held.values()
            if not row.is_good(now)
        )

    def _revoke(self, client: str, identifier: str | None) -> tuple[str, ...]:
        held = self._keys.get(client, {})
        dropped = tuple(i for i in held if identifier in (None, i))
        for each in dropped:
            del held[each]
            self._use_stored.pop(each, None)
        self._store.tell(RemoveKeys(dropped))
        return dropped

    def _reload(self) -> frozenset[str]:
        """Blocks this thread alone; what it has told the store before is in it."""
        before = {key for held in self._keys.values() for key in held}
        contents: store.Contents = self._store.ask(
            store.Reload(), block=True, timeout=RELOAD_TIMEOUT
        )
        self._replace(contents.keys)
        return frozenset(before - {row.id for row in contents.keys})

    def _replace(self, keys: Iterable[KeyRow]) -> None:
        before, self._keys = self._keys, {}
        for row in keys:
            known = before.get(row.client, {}).get(row.id, row)
            used = max(row.last_used_at, known.last_used_at)
            newest = msgspec.structs.replace(row, last_used_at=used)
            self._keys.setdefault(row.client, {})[row.id] = newest
