"""From where keys were shown last.

Owns the address of each key, in memory: since the broker's start, and never on disk.
Bounded: those noted longest ago are forgotten first.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

REMEMBERED: Final = 10_000


class LastAddresses:
    """Addresses by the id of the key."""

    def __init__(self) -> None:
        self._addresses: OrderedDict[str, str] = OrderedDict()

    def note(self, key_id: str, address: str) -> None:
        """A key was shown, or given, to somebody there."""
        self._addresses[key_id] = address
        self._addresses.move_to_end(key_id)
        if len(self._addresses) > REMEMBERED:
            self._addresses.popitem(last=False)

    def of(self, key_id: str) -> str | None:
        """Where that was; None: nowhere, since the start."""
        return self._addresses.get(key_id)
