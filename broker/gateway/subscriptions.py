"""Who wants which events of which SillyTaverns.

Owns that table, by identity, for as long as the identity is here or may come back;
an extension is told what is wanted of it whenever that changes and whenever it
introduces itself. Delivers in ``/llm``, to subscribers and to nobody else.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any, Final

import pykka

from actors.base import LoopRef, watch
from actors.errors import RefusedError
from broker.gateway.registry import SessionRegistry
from broker.gateway.session import Session
from broker.protocol import silly_tavern_frames
from broker.protocol.wire import Namespace

MAX_TARGETS: Final = 64
"""SillyTaverns that one identity can subscribe to."""


class Subscriptions:
    """The table; a target is an extension's identity, or the clientId of several."""

    def __init__(self, registry: SessionRegistry) -> None:
        self._registry = registry
        self._wishes: dict[str, dict[str, frozenset[str]]] = {}
        """By subscriber and target."""
        self._subscribers: dict[str, dict[str, set[str]]] = {}
        """By target and event: the same the other way round."""

    def subscribe(
        self,
        subscriber: str,
        presence: LoopRef[Any],
        target: str,
        events: frozenset[str],
    ) -> None:
        """Replace what somebody wants of a target; nothing ends it.

        ``presence`` is the actor with whose end all that its identity wants ends.

        Raises:
            RefusedError: it has as many targets as it may.
        """
        wishes = self._wishes.get(subscriber)
        if wishes is None:
            wishes = self._wishes[subscriber] = {}
            watch(presence, partial(self._forget, subscriber))
        if events and target not in wishes and len(wishes) >= MAX_TARGETS:
            raise RefusedError(
                f"one can subscribe to {MAX_TARGETS} SillyTaverns, end one first"
            )
        self._replace(subscriber, target, events)

    def remind(self, extension: Session) -> None:
        """Tell an extension what is wanted of it."""
        wanted = self._wanted_of(extension)
        extension.outbox.push(silly_tavern_frames.wanted(wanted))

    def publish(self, extension: Session, event: str, packet: bytes) -> None:
        """Send an extension's event to those who want it."""
        subscribers: set[str] = set()
        for target in _names(extension):
            subscribers |= self._subscribers.get(target, {}).get(event, set())
        for subscriber in subscribers:
            for session in self._registry.of(subscriber, Namespace.LLM):
                session.outbox.push(packet)

    def _forget(self, subscriber: str, _presence: pykka.ActorRef[Any]) -> None:
        for target in tuple(self._wishes.get(subscriber, ())):
            self._replace(subscriber, target, frozenset())
        self._wishes.pop(subscriber, None)

    def _replace(self, subscriber: str, target: str, events: frozenset[str]) -> None:
        earlier = self._wishes[subscriber].pop(target, frozenset())
        if events:
            self._wishes[subscriber][target] = events
        by_event = self._subscribers.setdefault(target, {})
        before = set(by_event)
        for event in earlier - events:
            by_event[event].discard(subscriber)
            if not by_event[event]:
                del by_event[event]
        for event in events - earlier:
            by_event.setdefault(event, set()).add(subscriber)
        if not by_event:
            del self._subscribers[target]
        if before != set(by_event):
            for extension in self._extensions(target):
                self.remind(extension)

    def _wanted_of(self, extension: Session) -> set[str]:
        return {
            event
            for target in _names(extension)
            for event in self._subscribers.get(target, ())
        }

    def _extensions(self, target: str) -> Iterator[Session]:
        for session in self._registry.everyone_in(Namespace.SILLY_TAVERN):
            if session.handshake.is_silly_tavern and target in _names(session):
                yield session


def _names(extension: Session) -> set[str]:
    return {extension.identity, extension.client}
