"""``/debug``: what monitors do about instances, and what they see of the settings."""

from __future__ import annotations

import logging
from typing import Any, Final

from actors import assignments, extension
from actors.base import ask
from actors.choice import unknown
from actors.directory import Kind
from actors.errors import BrokerError
from actors.hall_events import GetDefaultMode
from actors.routing import Explanation, RoutingAction, Traffic, place, written
from broker.console import settings
from broker.gateway.auditing import audited
from broker.gateway.dispatch import Call, Fields, handles
from broker.gateway.namespaces.common import must_be_monitor
from broker.gateway.namespaces.stewarding import StewardHandlers
from broker.protocol.console_frames import (
    DrainExtension,
    RemoveExtension,
    TryRoute,
)
from broker.protocol.house_frames import InstanceState
from broker.protocol.inbound import Untyped
from broker.protocol.wire import Event

logger = logging.getLogger(__name__)

MISFITS_TOLD: Final = 10
"""Rules of which is said why they do not fit."""


class ConsoleHandlers(StewardHandlers):
    """The events of those who run the house."""

    # -- instances

    @handles(Event.DRAIN_EXTENSION, frame=DrainExtension)
    @audited
    async def drain_extension(self, call: Call, frame: DrainExtension) -> Fields:
        """Have a SillyTavern finish what it has and take nothing new, or work again."""
        identity, caller = frame.identity, call.session.caller
        kind = assignments.Drain if frame.drain else assignments.Undrain
        await self._ask(self.desk.house.assignments, kind(identity, caller))
        does = "takes nothing new" if frame.drain else "takes new requests again"
        _log(f"{identity} {does}", call, identity)
        return {"identity": identity, "state": await self._state(identity)}

    @handles(Event.REMOVE_EXTENSION, frame=RemoveExtension)
    @audited
    def remove_extension(self, call: Call, frame: RemoveExtension) -> Fields:
        """Close a SillyTavern's sockets, and wait for it no more."""
        must_be_monitor(call.session, "removes SillyTaverns")
        identity, desk = frame.identity, self.desk
        ref = desk.house.directory.find(Kind.EXTENSION, identity)
        if ref is None:
            raise unknown(identity)
        for session in desk.doorman.registry.everywhere(identity):
            desk.server.dismiss(session)
        ref.tell(extension.Remove())
        _log(f"{identity} was removed", call, identity)
        return {"identity": identity}

    async def _state(self, identity: str) -> InstanceState:
        """As ``WATCH_HOUSE`` shows it."""
        draining = await self._ask(
            self.desk.house.assignments, assignments.GetDraining()
        )
        ref = self.desk.house.directory.find(Kind.EXTENSION, identity)
        if ref is None or not self.desk.doorman.registry.of(identity):
            return InstanceState.LOST
        if identity in draining:
            return InstanceState.DRAINING
        try:
            found: extension.Details = await self._ask(ref, extension.GetDetails())
        except BrokerError:  # it left meanwhile
            return InstanceState.LOST
        busy = found.running or found.queued
        return InstanceState.BUSY if busy else InstanceState.IDLE

    # -- settings and rules

    @handles(Event.GET_SETTINGS)
    async def get_settings(self, call: Call, _frame: Untyped) -> Fields:
        """What is in force, and what each is for."""
        must_be_monitor(call.session, "sees the settings")
        mode = await self._ask(self.desk.house.hall, GetDefaultMode())
        now = {settings.DEFAULT_MODE: mode}
        return {"settings": settings.show(self.desk.settings, now)}

    @handles(Event.GET_ROUTES)
    def get_routes(self, call: Call, _frame: Untyped) -> Fields:
        """The rules in force, and what is wrong with the file if they are not its."""
        must_be_monitor(call.session, "sees the routing rules")
        routes = self.desk.routes
        rules = [written(rule) for rule in routes.rules.rules]
        fields = {"rules": rules, "file": str(routes.path)}
        return fields if routes.error is None else fields | {"error": routes.error}

    @handles(Event.TRY_ROUTE, frame=TryRoute)
    def try_route(self, call: Call, frame: TryRoute) -> Fields:
        """Which rule would take something; nothing is sent."""
        must_be_monitor(call.session, "tries the routing rules")
        target = frame.target
        traffic = Traffic(
            event=frame.event,
            source=frame.source,
            client_type=frame.client_type,
            type=frame.type,
            target=tuple(target) if isinstance(target, list) else target,
            room=frame.room,
        )
        return _verdict(self.desk.routes.rules.explain(traffic))

    async def _ask(self, ref: Any, message: Any) -> Any:
        return await ask(ref, message, timeout=self.desk.house.patience.ask_timeout)


def _verdict(told: Explanation) -> dict[str, Any]:
    fields: dict[str, Any] = {"rule": told.index, "explanation": _explained(told)}
    if told.rule is None:
        return fields
    fields["action"] = told.rule.action
    return fields if told.rule.to is None else fields | {"to": place(told.rule.to)}


def _explained(told: Explanation) -> str:
    return "; ".join((_outcome(told), *_obstacles(told.misfits)))


def _outcome(told: Explanation) -> str:
    if told.rule is None or told.index is None:
        return "no rule fits: it goes where its sender meant"
    head = f"rule {told.index + 1} is the first that fits"
    if told.rule.to is None:
        return f"{head}: it goes nowhere"
    ((kind, name),) = place(told.rule.to).items()
    where = "to everybody" if kind == "all" else f"to the {kind} {name!r}"
    if told.rule.action is RoutingAction.COPY:
        return f"{head}: it goes where its sender meant, and {where} as well"
    return f"{head}: it goes {where}, and not where its sender meant"


def _obstacles(misfits: tuple[str, ...]) -> list[str]:
    told = [
        f"rule {number} does not fit: {field}"
        for number, field in enumerate(misfits[:MISFITS_TOLD], start=1)
    ]
    rest = len(misfits) - len(told)
    return [*told, f"nor do {rest} more"] if rest else told


def _log(message: str, call: Call, identity: str) -> None:
    fields = {"identity": identity, "by": call.session.identity}
    logger.info("%s", message, extra={"fields": fields})
