"""Who we say we are at the broker's door.

Owns the fields of the handshake's ``auth`` object and the key, also one that the
broker hands out later. Never talks to the broker itself.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from broker.protocol.wire import ASK_FOR_KEY


@dataclass(kw_only=True)
class Credentials:
    """One identity, its key, and whether it asks for one."""

    client_id: str
    """What trust and keys belong to."""
    client_type: str
    key: str | None = None
    """The key; ``"getKey"`` asks the broker for one, ``None`` stays unverified."""
    identity: str | None = None
    """This instance of the client; the client id where it is absent."""
    more: dict[str, Any] = field(default_factory=dict)
    """Other fields of the handshake: ``desc``, ``streamNames``, ``password``…"""

    def __post_init__(self) -> None:
        """Note whether we came to ask for a key."""
        self._asked = self.key == ASK_FOR_KEY
        self._assigned = asyncio.Event()

    @property
    def asking(self) -> bool:
        """Whether a key is still to be handed out."""
        return self.key == ASK_FOR_KEY

    @property
    def known_key(self) -> str | None:
        """The key worth saving, if there is one by now."""
        return None if self.asking else self.key

    def assign(self, key: Any) -> None:
        """Take the key that the broker handed out, and come with it from now on."""
        if isinstance(key, str) and key:
            self.key = key
            self._assigned.set()

    async def assigned(self) -> None:
        """Wait for the key that was asked for."""
        await self._assigned.wait()

    def ask_again(self) -> bool:
        """Give up a key that was handed out and is refused now.

        Returns:
            Whether there is anything to be gained by it: keys that the user brought
            are not given up.
        """
        if not self._asked or self.asking:
            return False
        self.key = ASK_FOR_KEY
        self._assigned.clear()
        return True

    def auth(self) -> dict[str, Any]:
        """The handshake's ``auth`` object; what is ``None`` stays out of it."""
        fields = {
            "clientId": self.client_id,
            "identity": self.identity,
            "clientType": self.client_type,
            "key": self.key,
            **self.more,
        }
        return {name: value for name, value in fields.items() if value is not None}
