"""Awaited: who must be let in although the broker stops.

Owns nothing. Somebody whose answer is on its way, or who gives one, and whose
connection is lost has some seconds to come back for the rest of it.
"""

from __future__ import annotations

from itertools import chain

import msgspec

from actors.directory import Directory, Kind
from broker.gateway.registry import SessionRegistry
from broker.gateway.tally import Tally


class Awaited(msgspec.Struct, frozen=True):
    """Looks who is away in the middle of something."""

    directory: Directory
    registry: SessionRegistry
    tally: Tally

    def anybody(self) -> bool:
        """Whether a requester or a SillyTavern is in its grace time; linear."""
        extensions = self.directory.names(Kind.EXTENSION)
        return any(map(self._is_away, chain(self.tally.requesters(), extensions)))

    def _is_away(self, identity: str) -> bool:
        lives = self.directory.find(Kind.CLIENT, identity) is not None
        return lives and not self.registry.of(identity)
