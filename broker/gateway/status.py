"""How the broker is: the figures of ``SERVER_STATUS``.

Owns when it was started; every other figure is somebody else's, and asked for when it
is wanted.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
import pykka

from actors.base import ask
from actors.directory import Kind
from actors.hall_events import CountRooms
from actors.house import House
from actors.message import timestamp
from broker import __version__
from broker.config import ServerSettings
from broker.gateway.client_list import ClientList
from broker.gateway.loop_lag import LoopLag
from broker.gateway.outbound import SocketOutbound
from broker.gateway.server import TapsterServer
from broker.logs.journal import Journal

_STATM: Final = Path("/proc/self/statm")


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for figures."""

    settings: ServerSettings
    house: House
    server: TapsterServer
    outbound: SocketOutbound
    clients: ClientList
    journal: Journal
    lag: LoopLag


class ServerStatus:
    """What there is to know of a running broker."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._started_at = time.time()
        self._started = time.monotonic()
        self._address = parts.settings.server_address
        self._port = parts.settings.server_port

    def listens_at(self, url: str) -> None:
        """Take the address that is really listened on."""
        parts = urlsplit(url)
        self._address = f"{parts.scheme}://{parts.netloc.rpartition(':')[0]}"
        self._port = parts.port or 0

    async def report(self) -> dict[str, Any]:
        """The figures."""
        parts = self._parts
        directory = parts.house.directory
        return {
            "version": __version__,
            "startTime": timestamp(self._started_at),
            "uptime": round(time.monotonic() - self._started, 3),
            "serverPort": self._port,
            "serverAddress": self._address,
            "networkSafe": parts.settings.network_safe,
            "debugMode": parts.journal.debug_mode,
            "connections": len(parts.server.eio.sockets),
            "clients": len(parts.clients),
            "extensions": directory.count(Kind.EXTENSION),
            "rooms": await ask(
                parts.house.hall,
                CountRooms(),
                timeout=parts.house.patience.ask_timeout,
            ),
            "requests": parts.outbound.tally.figures(),
            "chunks": parts.outbound.chunks,
            "actors": _count_actors(parts.house),
            "memory": resident_bytes(),
            "loopLag": parts.lag.longest,
            "loopLagP99": parts.lag.p99,
        }


def _count_actors(house: House) -> int:
    """Those with a name, those of the house, and those that have a thread."""
    named = sum(house.directory.count(kind) for kind in Kind)
    fixed = [getattr(house, name) for name in house.__struct_fields__]
    living = {
        ref.actor_urn
        for ref in (*fixed, *pykka.ActorRegistry.get_all())
        if isinstance(ref, pykka.ActorRef) and ref.is_alive()
    }
    return named + len(living)


def resident_bytes() -> int | None:
    """The memory this process has; its peak where the system tells only that."""
    try:
        pages = int(_STATM.read_text(encoding="ascii").split()[1])
    except OSError:
        return _peak_bytes()
    return pages * os.sysconf("SC_PAGE_SIZE")


def _peak_bytes() -> int | None:
    if sys.platform == "win32":
        return None
    import resource  # noqa: PLC0415 - there is none on Windows

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
