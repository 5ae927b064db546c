"""Farewell: what everybody hears when the broker stops, and when each may come back.

All clients of a broker that is started anew come at once, each with a key that must
be proven again. So each connection gets a turn of its own. It follows from the
connection's id, which is random: all namespaces of one connection are told the same.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final
from zlib import crc32

from broker.gateway.session import Session
from broker.gateway.socket import TapsterSocket
from broker.protocol.outbound import farewell

FIRST_RETURN: Final = 1.0
"""Seconds that a start takes at least."""

RETURNS_PER_SECOND: Final = 20
"""Keys that one thread proves; bcrypt takes its time on purpose."""

SHORTEST_SPREAD: Final = 4.0
LONGEST_SPREAD: Final = 60.0

_TURNS: Final = 1 << 32


class Farewell:
    """Tells each session once, those that come later as well."""

    def __init__(self) -> None:
        self.begun = False
        """Whether the broker has been told to stop."""
        self._spread = SHORTEST_SPREAD

    def begin(self, sockets: Collection[TapsterSocket]) -> None:
        """Tell everybody who is here."""
        if self.begun:
            return
        self.begun = True
        wanted = len(sockets) / RETURNS_PER_SECOND
        self._spread = min(max(wanted, SHORTEST_SPREAD), LONGEST_SPREAD)
        for socket in sockets:
            for session in socket.sessions.values():
                self.tell(socket, session)

    def tell(self, socket: TapsterSocket, session: Session) -> None:
        """Tell one session of a connection when to come back."""
        session.outbox.push(farewell(session.namespace, self.turn_of(socket.sid)))

    def turn_of(self, connection: str) -> float:
        """The seconds for which a connection, by its id, is to stay away."""
        turn = crc32(connection.encode()) / _TURNS
        return round(FIRST_RETURN + self._spread * turn, 1)
