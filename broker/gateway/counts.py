"""What the gateway has turned away or lost since the start, for the metrics.

Owns those counts and nothing else: who is turned away, and why, is decided elsewhere.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

from engineio.base_server import BaseServer

OUTBOX_FULL: Final = "outbox full"
HANDSHAKE_TIMEOUT: Final = "handshake timeout"
PROTOCOL_BROKEN: Final = "protocol broken"
"""For all that a peer's own words may be part of."""

ORDINARY: Final = (
    BaseServer.reason.CLIENT_DISCONNECT,
    BaseServer.reason.SERVER_DISCONNECT,
    BaseServer.reason.TRANSPORT_CLOSE,
    BaseServer.reason.TRANSPORT_ERROR,
    BaseServer.reason.PING_TIMEOUT,
)
"""The library's own reasons, which a peer knows without being told."""

REASONS: Final = (*ORDINARY, HANDSHAKE_TIMEOUT, OUTBOX_FULL, PROTOCOL_BROKEN)
"""Why a connection may have ended."""


class Counts:
    """Refusals and losses."""

    def __init__(self) -> None:
        self.events_refused = 0
        """Events beyond what a connection may send."""
        self.turned_away = 0
        """Connections beyond all that there may be."""
        self.foreign = 0
        """Requests by a name that is not ours, or from a page that may not connect."""
        self.requests_late = 0
        """HTTP requests that did not come in time."""
        self._ends: Counter[str] = Counter()

    def connection_ended(self, reason: str) -> None:
        """Count an end; reasons that are not in the list count as one."""
        self._ends[reason if reason in REASONS else PROTOCOL_BROKEN] += 1

    def ends(self) -> dict[str, int]:
        """How many connections have ended, by reason."""
        return {reason: self._ends[reason] for reason in REASONS}
