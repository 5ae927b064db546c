"""The Room actor: who is in a room, what is said in it, what is ordered there.

Owns      the members of one room, its settings, the tail of its history, its requests
Receives  what ``actors.room_events`` lists
Sends     its members, as they change, to the relays of its requests; notices to its
          members; what must last to the store; what lists show of it to the hall
Stops     when it is deleted; an own room, when its owner has left and nothing is
          said in it any more

Who may what is decided here, by ``actors.roles``, and nowhere else. What happens in
the room is done by its parts, over the premises they share: ``actors.room_orders``,
``room_talk``, ``room_membership``, ``room_mutes``. Here is what concerns it as a whole:
its mode, its end, and whether it sleeps.
"""

from __future__ import annotations

from functools import partial
from typing import Any, TypeAlias

import msgspec

from actors import assignments, hall_events, room_events
from actors.alarms import Alarms
from actors.answers import Resume
from actors.assignment_events import AssignmentChanged
from actors.base import LoopActor, LoopRef
from actors.errors import Code, RefusedError
from actors.future import LoopFuture
from actors.house import House
from actors.premises import Premises
from actors.records import Committed
from actors.roles import Action, Caller, CallerKind, Role
from actors.room_events import (
    Cancel,
    Clear,
    Delete,
    DeleteMessages,
    Edit,
    Founded,
    GetHistory,
    Kick,
    Leave,
    MemberCame,
    MemberGone,
    Mute,
    Overhear,
    PassOn,
    Remove,
    RequestClosed,
    RequestOpened,
    SetMode,
    SetStatus,
    Speak,
    Submit,
    Sweep,
    Unmute,
)
from actors.room_membership import RoomMembership
from actors.room_mutes import MuteOver, RoomMutes
from actors.room_notices import ExtensionsAvailable, RoomDeleted, RoomModeChanged
from actors.room_orders import RoomOrders, Think
from actors.room_records import RoomRow, StoredRoom
from actors.room_talk import Found, RoomTalk


class _Linger(msgspec.Struct, frozen=True):
    """Look whether the owner has stayed away."""


Message: TypeAlias = room_events.Message | Found | Think | MuteOver | _Linger


class Room(LoopActor):
    """One room."""

    def __init__(
        self,
        house: House,
        row: RoomRow,
        stored: StoredRoom | None = None,
        owner: Caller | None = None,
    ) -> None:
        """Take up a stored room, or begin one; an own room has its owner in it."""
        super().__init__()
        self._house = house
        self._owner = row.owner
        self._owner_here = False
        self._premises = Premises(house, row, self.actor_ref)
        self._members = self._premises.members
        self._alarms = Alarms(self.actor_ref)
        self._orders = RoomOrders(self._premises, self._alarms)
        self._talk = RoomTalk(
            self._premises, self.promises, self._orders.expect_thought
        )
        self._mutes = RoomMutes(self._premises, self._alarms, self.promises)
        self._membership = RoomMembership(self._premises, self._orders, self.promises)
        if stored is not None:
            self._premises.restore(stored)
        elif owner is not None:
            kind = owner.kind
            self._members.enter(owner.identity, owner.client, kind, Role.MASTER)
        # Whoever writes to a room that falls asleep in this moment must wake it.
        self.actor_inbox.leave_to(partial(_bring_to_hall, house.hall, row.name))

    def on_start(self) -> None:
        """Take up the mutes that still run, and ask the policy for extensions."""
        if self._owner is None:
            self._open_for_orders(client_room=False)
        else:
            self._linger_on()
        self._mutes.take_up()

    def on_stop(self) -> None:
        """Leave no timer behind, and tell the hall."""
        self._alarms.silence()
        name = self._premises.name
        self._house.assignments.tell(assignments.RoomClosed(name))
        self._house.hall.tell(hall_events.RoomEnded(name, self._premises.stored))

    def on_failure(self, *_exc_info: Any) -> None:
        """Leave as if asleep: whoever needs the room wakes it from the store."""
        self.on_stop()
        self._orders.fail_held()

    def on_receive(self, message: Message) -> Any:
        """Handle one message."""
        match message:
            case Submit() | RequestOpened() | RequestClosed():
                return self._orders.receive(message)
            case Overhear() | Cancel() | Resume():
                return self._orders.receive(message)
            case Speak() | PassOn() | SetStatus():
                return self._talk.receive(message)
            case Edit() | DeleteMessages() | Clear() | GetHistory():
                return self._talk.receive(message)
            case Committed():
                return self._premises.settle(message)
            case Found(then):
                return then()
            case Think():
                return self._orders.think()
            case AssignmentChanged(_, extensions):
                return self._premises.publish(ExtensionsAvailable(extensions))
            case Mute() | Unmute() | MuteOver():
                return self._mutes.receive(message)
            case MemberCame():
                return self._came(message)
            case MemberGone():
                return self._gone(message)
            case Leave() | Remove() | Kick():
                return self._put_out(message)
            case Founded(founder):
                return self._membership.enter(founder, Role.MASTER)
            case SetMode():
                return self._set_mode(message)
            case Delete(caller):
                return self._delete(caller)
            case Sweep():
                return self._sweep()
            case _Linger():
                return self._linger()
            case _:
                return self._membership.receive(message)

    # -- the room itself

    def _delete(self, caller: Caller) -> LoopFuture[Any]:
        if self._owner is not None:
            raise RefusedError(
                "an own room can not be deleted", Code.ROOM_ACCESS_DENIED
            )
        self._members.allow(Action.DELETE, caller)
        return self._shut(caller.identity)

    def _put_out(self, message: Leave | Remove | Kick | MemberGone) -> Any:
        """Let people out; the room ends when nobody is left to keep it for."""
        answer = self._membership.receive(message)
        return self._shut_deserted() if self._membership.deserted else answer

    def _shut_deserted(self) -> LoopFuture[Any]:
        return self._shut(self._premises.row.creator)

    def _shut(self, by: str) -> LoopFuture[Any]:
        premises = self._premises
        text = f"room {premises.name} was deleted"
        premises.publish(RoomDeleted(premises.name, text))
        self._orders.drop_all(by)
        for member in self._members:
            self._house.hall.tell(hall_events.Exited(premises.name, member.identity))
        stored = premises.drop()
        self._house.assignments.tell(assignments.RoomDeleted(premises.name))
        self.stop()
        return stored

    def _set_mode(self, message: SetMode) -> LoopFuture[Any]:
        self._members.allow(Action.SET_MODE, message.caller)
        premises, mode = self._premises, message.mode
        setter = message.caller
        role = self._members.role_of(setter) or Role.MASTER
        premises.row = msgspec.structs.replace(premises.row, mode=mode)
        premises.publish(RoomModeChanged(premises.name, mode, setter.identity))
        text = f"{setter.identity} set the mode to {mode}"
        premises.announce(text, about=setter.identity, client=setter.client)
        self._orders.send_held(setter, role)
        premises.tell_hall()
        return premises.committed(premises.settings_write(), self.defer())

    def _sweep(self) -> None:
        if self._premises.row.keep:
            return
        absent = [
            member
            for member in self._members
            if not member.present and member.identity != self._owner
        ]
        self._membership.put_out_absent(absent)
        if self._membership.deserted:
            self._shut_deserted()

    # -- its owner

    def _came(self, message: MemberCame) -> None:
        if message.identity == self._owner:
            self._owner_here = True
            self._open_for_orders(client_room=True)
        self._membership.receive(message)

    def _gone(self, message: MemberGone) -> None:
        if message.identity == self._owner:
            self._owner_here = False
            self._house.assignments.tell(assignments.RoomClosed(message.identity))
        was_in = message.identity in self._members
        self._put_out(message)
        if was_in:
            self._linger()

    def _linger(self) -> None:
        if self._owner is None or self._owner_here:
            return
        # Whoever sends to a room that is about to stop would be sent away: look again.
        if self._orders.busy or not self.actor_inbox.empty() or self._members.present():
            self._linger_on()
        else:
            self.stop()

    def _linger_on(self) -> None:
        self._alarms.set("linger", self._house.patience.reconnect_grace, _Linger())

    def _open_for_orders(self, *, client_room: bool) -> None:
        """Have the policy give the room its extensions, where its people order."""
        owner = None if self._owner is None else self._members.get(self._owner)
        if owner is not None and owner.kind is not CallerKind.CLIENT:
            return
        opened = assignments.RoomOpened(
            self._premises.name, self.actor_ref, client_room
        )
        self._house.assignments.tell(opened)


def _bring_to_hall(hall: LoopRef[Any], room: str, message: Any) -> bool:
    """Have the hall wake the room for a message that found it asleep."""
    if not isinstance(message, room_events.TOLD):
        return False
    hall.tell(hall_events.ForRoom(room, message))
    return True
