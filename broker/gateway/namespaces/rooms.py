"""``/rooms``: who is in which room, and as what."""

from __future__ import annotations

from typing import Any, ClassVar

from actors import hall_events, room_events
from actors.base import ask
from actors.errors import Code, NotFoundError, RefusedError
from actors.future import LoopFuture
from actors.hall_events import RoomSummary, ask_room
from actors.members import IDLE
from actors.modes import mode_of
from actors.records import Unwritten
from actors.roles import Caller, CallerKind, Role
from actors.room_events import MemberInfo
from broker.gateway.auditing import audited_of_monitors
from broker.gateway.dispatch import Call, Fields, Later, Result, handles
from broker.gateway.namespaces.messages import MessageHandlers, durably, stored
from broker.gateway.namespaces.policies import PolicyHandlers
from broker.protocol.inbound import Untyped
from broker.protocol.room_frames import (
    CreateRoom,
    JoinRoom,
    MuteMember,
    RoomMember,
    RoomName,
    RoomTarget,
    SetMemberRole,
    SetMode,
    SetRoomMode,
)
from broker.protocol.wire import Event, Namespace


class RoomsHandlers(MessageHandlers, PolicyHandlers):
    """The events of ``/rooms``."""

    name: ClassVar[Namespace] = Namespace.ROOMS

    # -- rooms

    @handles(Event.GET_ROOMS)
    def get_rooms(self, call: Call, _frame: Untyped) -> Result:
        """The rooms one may know of."""
        found = self._ask_hall(hall_events.GetRooms(call.session.caller))
        return Later(found, _rooms)

    @handles(Event.CREATE_ROOM, frame=CreateRoom)
    async def create_room(self, call: Call, frame: CreateRoom) -> Fields:
        """Make a room."""
        frame.check()
        if self.desk.doorman.admission.is_reserved(frame.room_name):
            raise RefusedError(f"the name {frame.room_name!r} is reserved")
        wanted = hall_events.CreateRoom(
            name=frame.room_name,
            caller=call.session.caller,
            mode=None if frame.mode is None else mode_of(frame.mode),
            open=frame.open,
            keep=frame.keep,
            password=await self._hashed(frame.password),
        )
        role: Role | Unwritten = await self._ask_hall(wanted)
        return {"roomName": frame.room_name, **_role_of(role)}

    async def _hashed(self, password: str | None) -> str | None:
        if not password:
            return None
        return await self.desk.doorman.admission.hash_password(password)

    @handles(Event.DELETE_ROOM, frame=RoomName)
    @audited_of_monitors
    def delete_room(self, call: Call, frame: RoomName) -> Result:
        """Delete a room."""
        return self._stored(frame.room_name, room_events.Delete(call.session.caller))

    @handles(Event.SET_ROOM_MESSAGE_REQUEST_MODE, frame=SetRoomMode)
    @audited_of_monitors
    def set_room_mode(self, call: Call, frame: SetRoomMode) -> Result:
        """Have a room treat requests otherwise."""
        mode = mode_of(frame.mode)
        message = room_events.SetMode(mode, call.session.caller)
        return self._stored(frame.room_name, message)

    @handles(Event.SET_MESSAGE_REQUEST_MODE, frame=SetMode)
    @audited_of_monitors
    def set_mode(self, call: Call, frame: SetMode) -> Result:
        """Have new rooms treat requests otherwise."""
        message = hall_events.SetDefaultMode(mode_of(frame.mode), call.session.caller)
        return stored(self._ask_hall(message))

    # -- members

    @handles(Event.GET_CLIENTS_IN_ROOM, frame=RoomName)
    def get_clients(self, call: Call, frame: RoomName) -> Result:
        """Who is in a room."""
        message = room_events.GetMembers(call.session.caller)
        return Later(ask_room(self.desk.house, frame.room_name, message), self._members)

    def _members(self, found: list[MemberInfo]) -> Fields:
        return {"clients": [self._member(info) for info in found]}

    def _member(self, info: MemberInfo) -> dict[str, Any]:
        sessions = self.desk.doorman.registry.everywhere(info.identity)
        shown = sessions[-1].handshake if sessions else None
        fields: dict[str, Any] = {
            "clientId": info.client,
            "identity": info.identity,
            "clientType": info.kind.value if shown is None else shown.client_type,
            "role": info.role,
            "description": "" if shown is None else shown.desc,
            "name": None if shown is None else shown.name or None,
            "avatar": None if shown is None else shown.avatar or None,
            # The room may hear a moment later that somebody has left.
            "status": info.status if sessions else IDLE,
            "online": bool(sessions),
        }
        shown_fields = {k: v for k, v in fields.items() if v is not None}
        if info.muted_until is not None:
            shown_fields["mutedUntil"] = info.muted_until or None
        return shown_fields

    @handles(Event.JOIN_ROOM, frame=JoinRoom)
    def join_room(self, call: Call, frame: JoinRoom) -> Result:
        """Come into an open room, or with its password."""
        caller = call.session.caller
        if frame.password is None:
            message = room_events.Join(caller)
            return _role(ask_room(self.desk.house, frame.room_name, message))
        return self._join_by_password(call, frame.room_name, frame.password)

    async def _join_by_password(self, call: Call, room: str, password: str) -> Fields:
        caller, house = call.session.caller, self.desk.house
        lock: str | None = await ask_room(house, room, room_events.GetLock(caller))
        if lock is not None:
            await self.desk.doorman.admission.prove_password(
                password, lock, call.session.socket.peer
            )
        role = await ask_room(house, room, room_events.Join(caller, lock))
        return _role_of(role)

    @handles(Event.LEAVE_ROOM, frame=RoomName)
    def leave_room(self, call: Call, frame: RoomName) -> Result:
        """Leave a room."""
        return self._stored(frame.room_name, room_events.Leave(call.session.caller))

    @handles(Event.ADD_CLIENT_TO_ROOM, frame=RoomMember)
    @audited_of_monitors
    def add_client(self, call: Call, frame: RoomMember) -> Result:
        """Take somebody into a room."""
        who = self._known(frame.who)
        present = self.desk.doorman.client_list.client_of(frame.who) is not None
        message = room_events.Add(who, call.session.caller, frame.role, present)
        return _role(ask_room(self.desk.house, frame.room_name, message))

    def _known(self, name: str) -> Caller:
        """Who is here under a name, or trusted to be.

        Raises:
            NotFoundError: nobody is.
        """
        doorman = self.desk.doorman
        sessions = doorman.registry.everywhere(name)
        if sessions:
            return sessions[-1].caller
        client = doorman.client_list.client_of(name)
        if client is None and doorman.admission.is_trusted(name):
            client = name
        if client is None:
            raise NotFoundError(
                f"nobody here is called {name!r}", Code.CLIENT_NOT_FOUND
            )
        kind = CallerKind.EXTENSION if self._answers(client) else CallerKind.CLIENT
        return Caller(name, client, kind)

    def _answers(self, client: str) -> bool:
        return self.desk.doorman.admission.is_silly_tavern(client)

    @handles(Event.REMOVE_CLIENT_FROM_ROOM, frame=RoomTarget)
    @audited_of_monitors
    def remove_client(self, call: Call, frame: RoomTarget) -> Result:
        """Put somebody out of a room; they may come again."""
        message = room_events.Remove(frame.target, call.session.caller)
        return self._stored(frame.room_name, message)

    @handles(Event.KICK_MEMBER, frame=RoomTarget)
    @audited_of_monitors
    def kick_member(self, call: Call, frame: RoomTarget) -> Result:
        """Put somebody out of a room until they are added again."""
        message = room_events.Kick(frame.target, call.session.caller)
        return self._stored(frame.room_name, message)

    @handles(Event.MUTE_MEMBER, frame=MuteMember)
    @audited_of_monitors
    def mute_member(self, call: Call, frame: MuteMember) -> Result:
        """Have somebody be silent."""
        message = room_events.Mute(frame.target, frame.duration, call.session.caller)
        return self._stored(frame.room_name, message)

    @handles(Event.UNMUTE_MEMBER, frame=RoomTarget)
    @audited_of_monitors
    def unmute_member(self, call: Call, frame: RoomTarget) -> Result:
        """Let somebody speak again."""
        message = room_events.Unmute(frame.target, call.session.caller)
        return self._stored(frame.room_name, message)

    @handles(Event.SET_MEMBER_ROLE, frame=SetMemberRole)
    @audited_of_monitors
    def set_role(self, call: Call, frame: SetMemberRole) -> Result:
        """Make somebody something else."""
        message = room_events.SetRole(frame.target, frame.role, call.session.caller)
        return self._stored(frame.room_name, message)

    # -- how

    def _stored(self, room: str, message: Any) -> Result:
        return stored(ask_room(self.desk.house, room, message))

    def _ask_hall(self, message: hall_events.Message) -> LoopFuture[Any]:
        house = self.desk.house
        return ask(house.hall, message, timeout=house.patience.ask_timeout)


def _rooms(found: list[RoomSummary]) -> Fields:
    details = [
        {
            "roomName": room.name,
            "mode": room.mode,
            "members": room.members,
            "master": room.master,
            "open": room.open,
            "keep": room.keep,
        }
        for room in found
    ]
    return {"rooms": [room.name for room in found], "details": details}


def _role(answer: LoopFuture[Role | Unwritten]) -> Later:
    return Later(answer, _role_of)


def _role_of(answer: Role | Unwritten) -> dict[str, Any]:
    return durably(answer, lambda role: {"role": role})
