"""The link that signs in once: what a new installation is opened with.

Owns the hash of the one token there is, in memory: a restart ends it. Must never keep
a token. The link has it behind the ``#``, which browsers send to nobody.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable, Iterable
from typing import Final
from urllib.parse import urlsplit

from actors.client_records import KeyRow
from actors.errors import Code, RefusedError
from broker.protocol.wire import MONITOR_TYPE
from broker.security.trust import TrustRegistry

LIFETIME: Final = 3_600.0
"""Seconds for which a link is good."""

CLIENT: Final = "console"
"""The client whom a link makes a key for."""

FRAGMENT: Final = "sign-in"

_EVERY_ADDRESS: Final = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - read
"""What is listened on, and what can be opened instead."""


class SignIn:
    """At most one token, good once and for an hour."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._digest: bytes | None = None
        self._ends = 0.0
        self.wanted = False
        """Whether no monitor has a key yet: nobody could sign in without a link."""

    def offer(self) -> str:
        """Make a token; one that was made before is good no more."""
        token = secrets.token_urlsafe(32)
        self._digest = _digest(token)
        self._ends = self._clock() + LIFETIME
        return token

    def redeem(self, token: str) -> None:
        """Take a token, which is good no more then.

        Raises:
            RefusedError: it is wrong, was taken already, or is too old.
        """
        expected = self._digest
        good = (
            expected is not None
            and self._clock() < self._ends
            and secrets.compare_digest(expected, _digest(token))
        )
        if not good:
            raise RefusedError(
                "this link is not good, was used already, or is too old: sign in "
                "with a key, from «tapster keys make monitor»",
                Code.AUTHENTICATION_FAILED,
            )
        self._digest = None


def monitor_has_key(trust: TrustRegistry, keys: Iterable[KeyRow]) -> bool:
    """Whether one of these keys, good at this moment, is that of a trusted monitor."""
    now = time.time()
    return any(_is_monitor(trust, key.client) for key in keys if key.is_good(now))


def link(url: str, token: str) -> str:
    """What the operator opens."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    place = parts.netloc
    if host in _EVERY_ADDRESS:
        place = f"{_EVERY_ADDRESS[host]}:{parts.port}"
    return f"{parts.scheme}://{place}/#{FRAGMENT}={token}"


def _is_monitor(trust: TrustRegistry, client: str) -> bool:
    known = trust.find(client)
    return known is not None and known.type == MONITOR_TYPE


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
