"""The front of the house: the parts of the gateway and of its door, put together.

Owns how they know each other. Must never start to take connections: that is the site's,
when all else is ready.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final

import msgspec
import pykka

from actors.house import House
from actors.keyring import Keyring
from broker.config import ServerSettings, fast_lane_enabled
from broker.gateway.client_list import ClientList
from broker.gateway.doorman import Doorman
from broker.gateway.intake import Intake
from broker.gateway.loop_lag import LoopLag
from broker.gateway.outbound import SocketOutbound
from broker.gateway.registry import SessionRegistry
from broker.gateway.server import TapsterServer
from broker.security.admission import Admission
from broker.security.origins import Origins
from broker.security.peer import Neighbourhood
from broker.security.trust import TrustRegistry

LIST_SHARE: Final = 4
"""A client list has at most this part of what may wait for one socket."""


class Lines(msgspec.Struct, frozen=True, kw_only=True):
    """Who is connected, and how they are told: what the house speaks to."""

    registry: SessionRegistry
    clients: ClientList
    outbound: SocketOutbound


class Front(msgspec.Struct, frozen=True, kw_only=True):
    """What stands between connections and the house, and what it goes by."""

    settings: ServerSettings
    house: House
    trust: TrustRegistry
    lines: Lines
    origins: Origins
    neighbourhood: Neighbourhood
    admission: Admission
    server: TapsterServer
    intake: Intake
    doorman: Doorman
    lag: LoopLag


def make_lines(settings: ServerSettings) -> Lines:
    """Nobody is connected yet."""
    registry = SessionRegistry()
    loop = asyncio.get_running_loop()
    clients = ClientList(settings.outbox_limit // LIST_SHARE, loop)
    outbound = SocketOutbound(registry, clients, settings.answer_ttl)
    return Lines(registry=registry, clients=clients, outbound=outbound)


@contextlib.asynccontextmanager
async def open_front(
    settings: ServerSettings,
    lines: Lines,
    house: House,
    trust: TrustRegistry,
    keys: pykka.ActorRef[Keyring],
) -> AsyncIterator[Front]:
    """Put the parts together, and begin to look how late the loop is."""
    origins = Origins(settings.allowed_origins, settings.allowed_hosts)
    near = Neighbourhood(settings.trusted_networks, settings.trusted_proxies)
    admission = Admission(settings, trust, origins, house.hall, keys)
    registry, clients = lines.registry, lines.clients
    async with _loop_lag() as lag:
        yield Front(
            settings=settings,
            house=house,
            trust=trust,
            lines=lines,
            origins=origins,
            neighbourhood=near,
            admission=admission,
            server=TapsterServer(
                settings, origins, near, fast_lane=fast_lane_enabled()
            ),
            intake=Intake(house.directory, house.answers, settings.library_window),
            doorman=Doorman(house, admission, registry, settings, clients),
            lag=lag,
        )


@contextlib.asynccontextmanager
async def _loop_lag() -> AsyncIterator[LoopLag]:
    lag = LoopLag(asyncio.get_running_loop())
    lag.start()
    try:
        yield lag
    finally:
        lag.stop()
