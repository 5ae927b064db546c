"""``/rooms``: which extensions rooms may use."""

from __future__ import annotations

from typing import Any

from actors import assignments, hall_events
from actors.base import ask
from actors.errors import ProtocolError
from actors.policies import ConnectionPolicy
from broker.gateway.auditing import audited
from broker.gateway.dispatch import Call, Fields, Result, handles
from broker.gateway.namespaces.common import CommonHandlers
from broker.protocol.inbound import Untyped
from broker.protocol.policy_frames import (
    AssignExtension,
    AssignmentsForRoom,
    SetConnectionPolicy,
)
from broker.protocol.wire import Event


class PolicyHandlers(CommonHandlers):
    """The events of connection policies."""

    @handles(Event.SET_CONNECTION_POLICY, frame=SetConnectionPolicy)
    @audited
    def set_policy(self, call: Call, frame: SetConnectionPolicy) -> Result:
        """Give out extensions otherwise."""
        policy = _policy(frame.policy)
        message = assignments.SetPolicy(policy, call.session.caller)
        return self._settled(self._ask_assignments(message), {"policy": policy})

    @handles(Event.GET_CONNECTION_POLICY)
    def get_policy(self, _call: Call, _frame: Untyped) -> Result:
        """How extensions are given out."""
        return self._under("policy", assignments.GetPolicy())

    @handles(Event.ASSIGN_EXTENSION_TO_CLIENT, frame=AssignExtension)
    @audited
    def assign(self, call: Call, frame: AssignExtension) -> Result:
        """Let a room use some extensions and no others."""
        message = assignments.Assign(
            frame.client_room, tuple(frame.extensions), call.session.caller
        )
        return self._settled(self._ask_assignments(message), {})

    @handles(Event.GET_ASSIGNMENTS)
    def get_assignments(self, call: Call, _frame: Untyped) -> Result:
        """The extensions of every room that one may know of."""
        pending = self._ask_assignments(assignments.GetAssignments())
        house, caller = self.desk.house, call.session.caller
        known = ask(
            house.hall,
            hall_events.GetKnownRooms(caller),
            timeout=house.patience.ask_timeout,
        )
        return self._assigned(pending, known)

    async def _assigned(self, pending: Any, known: Any) -> Fields:
        rooms: frozenset[str] | None = await known
        assigned = {
            room: extensions
            for room, extensions in (await pending).items()
            if rooms is None or room in rooms
        }
        return {"assignments": assigned}

    @handles(Event.GET_ASSIGNMENTS_FOR_ROOM, frame=AssignmentsForRoom)
    def get_assignments_for(self, _call: Call, frame: AssignmentsForRoom) -> Result:
        """The extensions of one room."""
        message = assignments.GetAssignmentsFor(frame.room_name)
        return self._under("assignments", message)

    @handles(Event.GET_CONNECTED_EXTENSIONS)
    def get_connected_extensions(self, _call: Call, _frame: Untyped) -> Result:
        """The extensions that can be given requests."""
        return self._under("extensions", assignments.GetAvailable())

    @handles(Event.GET_CONNECTED_CLIENT_ROOMS)
    def get_connected_client_rooms(self, _call: Call, _frame: Untyped) -> Result:
        """The own rooms of the clients that are here."""
        return self._under("rooms", assignments.GetClientRooms())

    def _ask_assignments(self, message: assignments.Message) -> Any:
        house = self.desk.house
        return ask(house.assignments, message, timeout=house.patience.ask_timeout)

    def _under(self, field: str, message: assignments.Message) -> Result:
        return self._answered(field, self._ask_assignments(message))

    async def _answered(self, field: str, pending: Any) -> Fields:
        return {field: await pending}

    async def _settled(self, pending: Any, fields: dict[str, Any]) -> Fields:
        settled: assignments.Settled = await pending
        if settled.warning is not None:
            fields["warning"] = settled.warning
        return fields


def _policy(name: str) -> ConnectionPolicy:
    try:
        return ConnectionPolicy(name)
    except ValueError:
        known = ", ".join(ConnectionPolicy)
        raise ProtocolError(f"policy must be one of {known}, not {name!r}") from None
