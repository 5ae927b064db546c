"""Keys already known good, so that bcrypt runs once for each.

Owns keyed hashes of them, with a key of this process's own; never the keys.
"""

from __future__ import annotations

import hashlib
import secrets

from actors import keyring


class KnownKeys:
    """Keys that bcrypt has approved in this process, as keyed hashes."""

    def __init__(self) -> None:
        self._secret = secrets.token_bytes(32)
        self._known: dict[tuple[str, str], bytes] = {}
        self._holders: dict[str, str] = {}
        self.age = 0
        """Grows whenever keys are forgotten: a proof from before proves nothing."""

    def knows(self, client: str, key: str) -> str | None:
        """The id of a key that was approved before."""
        identifier = keyring.key_id(key)
        if identifier is None:
            return None
        known = self._known.get((client, identifier))
        if known is None or not secrets.compare_digest(known, self._digest(key)):
            return None
        return identifier

    def holder(self, key: str) -> str | None:
        """The client of a key that was approved before."""
        client = self._holders.get(keyring.key_id(key) or "")
        known = client is not None and self.knows(client, key) is not None
        return client if known else None

    def remember(self, client: str, key: str) -> None:
        """Take a key for good from now on."""
        identifier = keyring.key_id(key)
        if identifier is not None:
            self._known[client, identifier] = self._digest(key)
            self._holders[identifier] = client

    def forget(self, client: str, identifier: str) -> None:
        """A key is good no more."""
        self.age += 1
        self._known.pop((client, identifier), None)
        self._holders.pop(identifier, None)

    def expire(self, client: str, identifier: str) -> None:
        """A key's time is over; whoever proves another meanwhile has proven it."""
        self._known.pop((client, identifier), None)
        self._holders.pop(identifier, None)

    def forget_all(self) -> None:
        """Have every key proven anew: some may have been revoked."""
        self.age += 1
        self._known.clear()
        self._holders.clear()

    def _digest(self, key: str) -> bytes:
        return hashlib.blake2b(key.encode(), key=self._secret).digest()
