"""SillyTavern instances as operators see them.

Asks their actors what they have to do, and adds what only the gateway knows: whether
they can be reached, since when they are here, and how well they have answered.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from actors.assignments import GetDraining
from actors.base import LoopRef, ask
from actors.directory import Kind
from actors.errors import BrokerError
from actors.extension import Details, GetDetails
from actors.house import House
from broker.console.performance import Performances
from broker.gateway.client_list import SHOWN_TEXT, ClientList
from broker.gateway.registry import SessionRegistry
from broker.protocol.house_frames import InstanceState, ShownInstance

TIMEOUT: Final = 2.0
"""Seconds: who is slower is shown as last time."""


class Sources(msgspec.Struct, frozen=True, kw_only=True):
    """Who knows what of instances."""

    house: House
    registry: SessionRegistry
    clients: ClientList
    performances: Performances


class Instances:
    """Those that are here, or in their grace time."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    def identities(self) -> list[str]:
        """All of them."""
        return list(self._sources.house.directory.names(Kind.EXTENSION))

    async def show(self, identities: list[str]) -> dict[str, ShownInstance]:
        """Some of them as they are now; those that did not answer are left out."""
        house = self._sources.house
        draining = ask(house.assignments, GetDraining(), timeout=TIMEOUT)
        asked = {
            identity: ask(ref, GetDetails(), timeout=TIMEOUT)
            for identity in identities
            if (ref := self._find(identity)) is not None
        }
        unwilling: frozenset[str] = frozenset(await draining)
        shown: dict[str, ShownInstance] = {}
        for identity, pending in asked.items():
            try:
                shown[identity] = self._shown(await pending, unwilling)
            except BrokerError:  # it has ended meanwhile
                continue
        return shown

    def _find(self, identity: str) -> LoopRef[Any] | None:
        return self._sources.house.directory.find(Kind.EXTENSION, identity)

    def _shown(self, details: Details, unwilling: frozenset[str]) -> ShownInstance:
        identity, profile = details.identity, details.profile
        performance = self._sources.performances.of(identity)
        entry = self._sources.clients.show(identity)
        return ShownInstance(
            identity=identity,
            client_id=details.client,
            desc=profile.description[:SHOWN_TEXT],
            state=self._state(details, unwilling),
            character=_name_of(profile.current),
            model=_name_of(profile.model),
            version=_name_of(profile.version),
            capacity=profile.capacity,
            running=details.running,
            queued=details.queued,
            completed=performance.completed,
            failed=performance.failed,
            time_to_first_token=performance.time_to_first_token,
            connected_at=None if entry is None else entry.connected_at,
        )

    def _state(self, details: Details, unwilling: frozenset[str]) -> InstanceState:
        if not self._sources.registry.of(details.identity):
            return InstanceState.LOST
        if details.identity in unwilling:
            return InstanceState.DRAINING
        busy = details.running or details.queued
        return InstanceState.BUSY if busy else InstanceState.IDLE


def _name_of(said: Any) -> str | None:
    """What somebody is called, who is described by a name or an object with one."""
    name = said.get("name") if isinstance(said, dict) else said
    return name[:SHOWN_TEXT] if isinstance(name, str) else None
