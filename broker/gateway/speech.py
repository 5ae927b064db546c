"""Where words between people go: to identities, clients, rooms or everybody.

Owns nothing. Decides by what the sender named and by the operator's rules; whether a
room takes it is the room's to say.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from actors.errors import Code, NotFoundError, ProtocolError, RefusedError
from actors.outbound import Detour, Order
from actors.room_notices import Passed
from actors.routing import Destination, RoutingAction, Rulebook, Traffic
from broker.gateway.registry import SessionRegistry
from broker.gateway.session import Session
from broker.protocol.packet import event
from broker.protocol.wire import EVERYBODY, SERVER, Event, Namespace

CUSTOM_EVENT: Final = re.compile(r"[A-Za-z][A-Za-z0-9_:.\-]{0,63}\Z")
"""Names that events of one's own may have."""

ELSEWHERE: Final[dict[str, str]] = {
    Namespace.LLM: Namespace.SILLY_TAVERN,
    Namespace.SILLY_TAVERN: Namespace.LLM,
}
"""Where somebody is looked for who is not in the namespace of the event."""


class Addressed(msgspec.Struct, frozen=True):
    """Whom words are for, once the rules have been asked."""

    target: str | None = None
    """An identity, a clientId, ``server`` or ``all``."""
    room: str | None = None
    """The room that the sender named, and must be in; or that a rule did."""
    routed: bool = False
    """Whether a rule named the room: it takes this from anybody."""
    copy: Destination | None = None
    """Where a rule wants it as well; nobody minds if that can not be."""
    dropped: bool = False


def addressed(
    session: Session, name: str, data: Mapping[str, Any], rules: Rulebook
) -> Addressed:
    """Whom an event is for.

    Raises:
        ProtocolError: a target is no text.
        RefusedError: it is for all, and its sender no monitor.
    """
    target, room = data.get("target"), data.get("targetRoom")
    if not isinstance(target, str | None) or not isinstance(room, str | None):
        raise ProtocolError("target and targetRoom must be texts")
    if target == EVERYBODY and not session.handshake.is_monitor:
        raise RefusedError("only a monitor speaks to all")
    meant = Addressed(target or None, room or None)
    kind = data.get("type")
    rule = rules.decide(
        Traffic(
            event=name,
            source=session.identity,
            client_type=session.handshake.client_type,
            type=kind if isinstance(kind, str | int) else None,
            target=target,
            room=room,
        )
    )
    if rule is None:
        return meant
    if rule.to is None:
        return Addressed(dropped=True)
    if rule.action is RoutingAction.DELIVER:
        return _at(rule.to)
    return msgspec.structs.replace(meant, copy=rule.to)


def routed(
    order: Order, session: Session, data: Mapping[str, Any], rules: Rulebook
) -> Order:
    """An order with the detour that the rules have its answer make."""
    kind = data.get("type")
    rule = rules.decide(
        Traffic(
            event=Event.LLM_REQUEST,
            source=session.identity,
            client_type=session.handshake.client_type,
            type=kind if isinstance(kind, str | int) else None,
            target=order.targets or None,
            room=order.room,
        )
    )
    if rule is None:
        return order
    if rule.to is None:
        return msgspec.structs.replace(order, detour=Detour(dropped=True))
    detour = Detour(
        identity=EVERYBODY if rule.to.all else rule.to.identity,
        room=rule.to.room,
        instead=rule.action is RoutingAction.DELIVER,
    )
    return msgspec.structs.replace(order, detour=detour)


def name_of(place: Destination) -> str:
    """The target that a destination is which is no room."""
    return EVERYBODY if place.all else str(place.identity)


def stamped(session: Session, data: Mapping[str, Any]) -> dict[str, Any]:
    """What is passed on: all that was said, and who truly said it."""
    return {**data, "source": session.identity, "clientId": session.client}


class Postman:
    """Brings words to sessions."""

    def __init__(self, registry: SessionRegistry) -> None:
        self._registry = registry

    def sessions(self, target: str, namespace: str) -> Sequence[Session]:
        """The sessions of an identity or of a clientId.

        Raises:
            NotFoundError: nobody of that name is there.
        """
        for where in (namespace, _elsewhere(namespace)):
            found = self._registry.of(target, where) or self._registry.of_client(
                target, where
            )
            if found:
                return found
        raise NotFoundError(f"nobody called {target!r} is here", Code.CLIENT_NOT_FOUND)

    def deliver(
        self, sender: Session, name: str, data: Mapping[str, Any], target: str
    ) -> None:
        """Bring an event to one target.

        Raises:
            NotFoundError: there is nobody of that name.
        """
        if target == SERVER:
            return
        _push(self._recipients(sender, target), name, data)

    def deliver_to_members(self, words: Passed, members: Collection[str]) -> None:
        """Bring an event to the members of a room."""
        found = (
            session
            for member in members
            for session in self._near(member, words.namespace)
        )
        _push(found, words.name, words.data)

    def _recipients(self, sender: Session, target: str) -> Iterator[Session]:
        namespace = sender.namespace
        if target != EVERYBODY:
            yield from self.sessions(target, namespace)
            return
        for session in self._registry.everyone_in(namespace):
            if session is not sender:
                yield session
        for session in self._registry.everyone_in(_elsewhere(namespace)):
            if not self._registry.of(session.identity, namespace):
                yield session

    def _near(self, identity: str, namespace: str) -> Sequence[Session]:
        found = self._registry.of(identity, namespace)
        return found or self._registry.of(identity, _elsewhere(namespace))


def _elsewhere(namespace: str) -> str:
    return ELSEWHERE.get(namespace, namespace)


def _push(sessions: Iterable[Session], name: str, data: Mapping[str, Any]) -> None:
    """Send an event, encoded once for each namespace."""
    packets: dict[str, bytes] = {}
    for session in sessions:
        where = session.namespace
        if where not in packets:
            packets[where] = event(where, name, data)
        session.outbox.push(packets[where])


def _at(place: Destination) -> Addressed:
    if place.room is not None:
        return Addressed(room=place.room, routed=True)
    return Addressed(name_of(place))
