"""``/rooms``: who is in which room."""

from __future__ import annotations

from typing import Any, ClassVar

from actors import room
from actors.base import LoopRef, ask
from actors.directory import Kind
from actors.errors import Code, NotFoundError
from broker.gateway.dispatch import Call, Fields, Result, handles
from broker.gateway.namespaces.common import CommonHandlers
from broker.protocol.inbound import RoomMember, RoomName
from broker.protocol.wire import Event, Namespace


class RoomsHandlers(CommonHandlers):
    """The events of ``/rooms``."""

    name: ClassVar[Namespace] = Namespace.ROOMS

    @handles(Event.ADD_CLIENT_TO_ROOM, frame=RoomMember)
    def add_client(self, call: Call, frame: RoomMember) -> Result:
        """Take somebody into a room."""
        by, entitled = call.session.identity, call.session.handshake.is_monitor
        message = room.Add(frame.who, by, entitled)
        return self._done(self._ask(frame.room_name, message))

    @handles(Event.REMOVE_CLIENT_FROM_ROOM, frame=RoomMember)
    def remove_client(self, call: Call, frame: RoomMember) -> Result:
        """Put somebody out of a room."""
        by, entitled = call.session.identity, call.session.handshake.is_monitor
        message = room.Remove(frame.who, by, entitled)
        return self._done(self._ask(frame.room_name, message))

    @handles(Event.LEAVE_ROOM, frame=RoomName)
    def leave_room(self, call: Call, frame: RoomName) -> Result:
        """Leave a room."""
        identity = call.session.identity
        return self._done(self._ask(frame.room_name, room.Remove(identity, identity)))

    @handles(Event.GET_CLIENTS_IN_ROOM, frame=RoomName)
    def get_clients(self, call: Call, frame: RoomName) -> Result:
        """Who is in a room."""
        session = call.session
        message = room.GetMembers(session.identity, session.handshake.is_monitor)
        return self._members(self._ask(frame.room_name, message))

    def _ask(self, name: str, message: room.Message) -> Any:
        timeout = self.desk.house.patience.ask_timeout
        return ask(self._room(name), message, timeout=timeout)

    def _room(self, name: str) -> LoopRef[Any]:
        ref = self.desk.house.directory.find(Kind.ROOM, name)
        if ref is None:
            raise NotFoundError(f"there is no room {name!r}", Code.ROOM_NOT_FOUND)
        return ref

    async def _done(self, pending: Any) -> Fields:
        await pending
        return None

    async def _members(self, pending: Any) -> Fields:
        registry = self.desk.doorman.registry
        return {
            "clients": [
                {"identity": identity, "online": bool(registry.of(identity))}
                for identity in await pending
            ]
        }
