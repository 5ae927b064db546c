"""HouseView: the house as it is shown to whoever watches it.

Owns what has been shown, section by section, and who tells it what has changed. It is
there only while somebody watches: nobody pays for it otherwise.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from msgspec import UNSET

from actors.assignments import GetPolicy
from actors.base import ask
from actors.directory import Kind
from actors.errors import BrokerError
from actors.house import House
from actors.relay_events import GetProgress, Progress
from broker.console import log_lines
from broker.console.history import Rate
from broker.console.instances import Instances
from broker.console.instances import Sources as InstanceSources
from broker.console.section import Section
from broker.gateway.client_list import ClientList
from broker.gateway.outbound import SocketOutbound
from broker.gateway.registry import SessionRegistry
from broker.gateway.server import TapsterServer
from broker.gateway.status import ServerStatus
from broker.logs.tap import KEPT, LogTap

ASKED: Final = 100
"""Relays, and extensions, that are asked at a time; of more, some in turn."""
TIMEOUT: Final = 2.0
ENDED_SHOWN: Final = 50
"""Requests that have ended, in a snapshot."""
ROOM: Final = 256 * 1024
"""Bytes of one section's news, at a time."""
SNAPSHOT_ROOM: Final = 1024 * 1024
"""Bytes of one section of a snapshot: all of it must fit into an outbox."""

RESTLESS: Final = frozenset({"uptime", "memory", "loopLag", "loopLagP99"})
"""Figures that change all the time: they are told with each sample."""


class Sources(msgspec.Struct, frozen=True, kw_only=True):
    """Who knows what of the house."""

    house: House
    status: ServerStatus
    server: TapsterServer
    registry: SessionRegistry
    clients: ClientList
    outbound: SocketOutbound
    tap: LogTap


class HouseView:
    """What is shown, and what is news of it."""

    def __init__(self, sources: Sources, rate: Rate) -> None:
        """Show nothing yet; ``rate`` is that of the chunks."""
        self._sources = sources
        self._book = sources.outbound.book
        self._house: dict[str, Any] = {}
        self._told: dict[str, Any] = {}
        self._requests, self._instances = Section(), Section()
        self._clients = Section()
        self._ended: deque[int] = deque()
        self._written: set[int] = set()
        self._moved: set[str] = set()
        self._relays, self._extensions = _Turns(), _Turns()
        self._rate = rate
        self._lines = sources.tap.count
        self._known = Instances(
            InstanceSources(
                house=sources.house,
                registry=sources.registry,
                clients=sources.clients,
                performances=self._book.performances,
            )
        )

    async def open(self) -> None:
        """Hear of changes from now on, and see how everything is."""
        book, clients = self._book, self._sources.clients
        book.observer, clients.observer = self._written.add, self._moved.add
        self._written.update(book.last_ended(ENDED_SHOWN), book.in_flight())
        self._moved.update(clients.identities())
        await self.refresh()
        self._told = dict(self._house)
        for section in (self._instances, self._requests, self._clients):
            section.settle()

    def close(self) -> None:
        """Hear of changes no more."""
        self._book.observer = self._sources.clients.observer = _ignore

    async def refresh(self) -> None:
        """See how everything is now."""
        await self._ask_relays()
        await self._ask_extensions()
        self._house = await self._figures()
        self._show_requests()
        self._show_clients()

    def news(self) -> dict[str, Any]:
        """What has changed since the last news, by section."""
        figures = {
            name: value
            for name, value in self._house.items()
            if name not in RESTLESS and self._told.get(name) != value
        }
        self._told.update(figures)
        parts = {
            "house": figures,
            "instances": self._instances.news(ROOM),
            "requests": self._requests.news(ROOM),
            "clients": self._clients.news(ROOM),
            "log": self._log_news(),
        }
        return {name: part for name, part in parts.items() if part}

    def restless(self) -> dict[str, Any]:
        """The figures that news do not tell."""
        return {name: self._house[name] for name in RESTLESS}

    def snapshot(self) -> dict[str, Any]:
        """Everything as it was at the last look."""
        tap, until = self._sources.tap, self._lines
        lines = tap.between(until - KEPT, until)
        return {
            "house": self._house,
            "instances": self._instances.snapshot(SNAPSHOT_ROOM),
            "requests": self._requests.snapshot(SNAPSHOT_ROOM),
            "clients": self._clients.snapshot(SNAPSHOT_ROOM),
            "log": [log_lines.line_of(line) for line in lines],
        }

    # -- sections

    def _show_requests(self) -> None:
        for seq in sorted(self._written):
            shown = self._book.show(seq)
            if shown is None:  # ended, and crowded out already
                self._requests.drop(str(seq))
                continue
            self._requests.put(str(seq), shown)
            if shown.ended_at is not UNSET:
                self._ended.append(seq)
        self._written.clear()
        while len(self._ended) > ENDED_SHOWN:
            self._requests.drop(str(self._ended.popleft()))

    def _show_clients(self) -> None:
        for identity in self._moved:
            shown = self._sources.clients.show(identity)
            if shown is None:
                self._clients.drop(identity)
            else:
                self._clients.put(identity, shown)
        self._moved.clear()

    async def _ask_relays(self) -> None:
        book, directory = self._book, self._sources.house.directory
        asked = {
            request: ask(ref, GetProgress(), timeout=TIMEOUT)
            for request in self._relays.some(list(book.streaming()))
            if (ref := directory.find(Kind.REQUEST, request)) is not None
        }
        for request, pending in asked.items():
            try:
                progress: Progress = await pending
            except BrokerError:  # it has ended meanwhile
                continue
            book.progressed(request, progress.chunks)

    async def _ask_extensions(self) -> None:
        identities = self._known.identities()
        shown = await self._known.show(self._extensions.some(identities))
        for identity, instance in shown.items():
            self._instances.put(identity, instance)
        for identity in set(self._instances.keys()).difference(identities):
            self._instances.drop(identity)

    async def _figures(self) -> dict[str, Any]:
        sources = self._sources
        figures = await sources.status.report()
        policy = await ask(sources.house.assignments, GetPolicy(), timeout=TIMEOUT)
        address = f"{figures.pop('serverAddress')}:{figures.pop('serverPort')}"
        return figures | {
            "address": address,
            "policy": policy,
            "chunksPerSecond": self._rate.at(figures["chunks"]),
            "draining": sources.server.draining,
        }

    def _log_news(self) -> Sequence[Any]:
        tap, before = self._sources.tap, self._lines
        self._lines = tap.count
        if self._lines == before:
            return ()
        return log_lines.news(tap.between(before, self._lines), self._lines - before)


class _Turns:
    """Some of many, so that each has its turn."""

    def __init__(self) -> None:
        self._start = 0

    def some(self, names: list[str]) -> list[str]:
        """As many as may be asked at a time."""
        if len(names) <= ASKED:
            return names
        start = self._start % len(names)
        self._start = start + ASKED
        return (names[start:] + names[:start])[:ASKED]


def _ignore(_key: object) -> None:
    """Nobody watches."""
