"""The places of TCP connections: how many there are, and how many an address may have.

Owns both counts. A connection has its place from when it is accepted, before it has
said anything or its encryption has begun, until it is gone. That is below Engine.IO,
whose connections are counted apart (``gateway.rate``): one of those may need several of
these, and a page needs some without it.
"""

from __future__ import annotations

import ipaddress
from typing import Final

from actors.errors import BrokerError, Code, RefusedError
from actors.limits import Limit, reached
from broker.config import ServerSettings
from broker.gateway.counts import Counts
from broker.gateway.engine import TooManyConnectionsError
from broker.gateway.rate import Crowd
from broker.security.peer import Neighbourhood

SPARE: Final = 256
"""Connections beyond the cap, so that an operator still sees the figures."""

FOR_EACH: Final = 8
"""TCP connections for each that an address may have of Engine.IO's: browsers open six
for a page, and long-polling takes two and a third while it becomes a WebSocket."""

NEIGHBOURS: Final = 64
"""Bits that the addresses of one IPv6 network share: who has one of them has all."""


class TooManyFromAddressError(RefusedError):
    """One address has as many connections as it may have."""

    def __init__(self, most: int) -> None:
        super().__init__(
            f"too many TCP connections from this address: at most {most}, "
            "close one first",
            Code.TOO_MANY_REQUESTS,
        )


class Place:
    """What one connection has taken, and gives back once."""

    __slots__ = ("_address", "_places", "_taken")

    def __init__(self, places: Places, address: str | None) -> None:
        self._places = places
        self._address = address
        self._taken = True

    def leave(self) -> None:
        """Give it back, if that has not been done."""
        if self._taken:
            self._taken = False
            self._places.give_back(self._address)


class Places:
    """All places."""

    def __init__(
        self, settings: ServerSettings, neighbourhood: Neighbourhood, counts: Counts
    ) -> None:
        self.most = settings.max_connections + SPARE
        self.taken = 0
        self._crowd = Crowd(settings.connections_per_address * FOR_EACH)
        self._neighbourhood = neighbourhood
        self._counts = counts

    def take(self, address: str) -> Place:
        """Take one for a connection from there.

        Raises:
            BrokerError: there is none, or none for that address.
        """
        if self.taken >= self.most:
            raise self._refused(Limit.MAX_CONNECTIONS, TooManyConnectionsError())
        # Many come by one proxy; whom it speaks for is known when they have spoken.
        counted = None
        if not self._neighbourhood.is_proxy(address):
            counted = _network_of(address)
            if not self._crowd.enter(counted):
                error = TooManyFromAddressError(self._crowd.per_address)
                raise self._refused(Limit.TCP_CONNECTIONS_PER_ADDRESS, error)
        self.taken += 1
        return Place(self, counted)

    def give_back(self, address: str | None) -> None:
        """Have one again, that this address had if any."""
        self.taken -= 1
        if address is not None:
            self._crowd.leave(address)

    def _refused(self, limit: Limit, error: BrokerError) -> BrokerError:
        self._counts.turned_away += 1
        reached[limit] += 1
        return error


def _network_of(address: str) -> str:
    """What is counted as one: an address, or the IPv6 network it is in."""
    try:
        parsed = ipaddress.IPv6Address(address)
    except ValueError:
        return address
    if parsed.is_loopback or parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped or parsed)
    return str(ipaddress.IPv6Network((int(parsed), NEIGHBOURS), strict=False))
