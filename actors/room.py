"""The Room actor: who is in a room, what is said in it, what is ordered there.

Owns      the members of one room, its settings, the tail of its history, its requests
Receives  what ``actors.room_events`` lists
Sends     its members, as they change, to the relays of its requests; notices to its
          members; what must last to the store; what lists show of it to the hall
Stops     when it is deleted; an own room, when its owner has left and nothing is
          said in it any more

Who may what is decided here, by ``actors.roles``, and nowhere else.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final, TypeAlias, assert_never

import msgspec

from actors import assignments, hall_events, room_events
from actors.alarms import Alarms
from actors.answers import Resume
from actors.assignment_events import AssignmentChanged
from actors.base import LoopActor, LoopRef
from actors.errors import Code, NotFoundError, ProtocolError, RefusedError
from actors.future import LoopFuture
from actors.hall_events import RoomSummary
from actors.house import House
from actors.limits import Limit, reached
from actors.members import IDLE, UNTIL_UNMUTED, Member
from actors.message import timestamp
from actors.premises import Premises
from actors.roles import Action, Caller, CallerKind, Role
from actors.room_events import (
    Add,
    Cancel,
    Clear,
    Delete,
    DeleteMessages,
    Edit,
    Founded,
    GetHistory,
    GetLock,
    GetMembers,
    Join,
    Kick,
    Leave,
    MemberAway,
    MemberCame,
    MemberGone,
    MemberInfo,
    Mute,
    Overhear,
    PassOn,
    Remove,
    RequestClosed,
    RequestOpened,
    SetMode,
    SetRole,
    SetStatus,
    Speak,
    Submit,
    Sweep,
    Unmute,
)
from actors.room_notices import (
    Concerned,
    ExtensionsAvailable,
    MemberJoined,
    MemberLeft,
    MemberMuted,
    MemberUnmuted,
    RoleChanged,
    RoomDeleted,
    RoomModeChanged,
)
from actors.room_orders import RoomOrders, Think
from actors.room_records import RoomRow, StoredRoom
from actors.room_talk import Found, RoomTalk
from actors.store import Committed

ANNOUNCED_UP_TO: Final = 50
"""Members of a room in which joins and leaves are recorded as messages."""

LONGEST_MUTE: Final = 10 * 365 * 24 * 3600.0
"""Seconds; a date that is further off can not be shown."""

KICKED: Final = "kicked"
STAYED_AWAY: Final = "gone"
_SAID: Final = {
    KICKED: "was put out",
    STAYED_AWAY: "did not come back",
    "left": "left",
    "removed": "was removed",
}
"""Why somebody is out, and how the history says it."""


class _Linger(msgspec.Struct, frozen=True):
    """Look whether the owner has stayed away."""


class _MuteOver(msgspec.Struct, frozen=True):
    """A mute has lasted as long as it should."""

    identity: str


Message: TypeAlias = room_events.Message | Found | Think | _Linger | _MuteOver


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
        self._talk = RoomTalk(self._premises, self.defer, self._orders.expect_thought)
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
        now = self._house.steady()
        for member in self._members.everybody():
            if member.muted_until and member.muted_until <= now:
                self._mute_over(member.identity)
            else:
                self._time_mute(member)

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
            case Founded(founder):
                return self._found(founder)
            case SetMode():
                return self._set_mode(message)
            case Delete(caller):
                return self._delete(caller)
            case Sweep():
                return self._sweep()
            case _Linger():
                return self._linger()
            case _MuteOver(identity):
                return self._mute_over(identity)
            case _:
                return self._about_members(message)

    def _about_members(self, message: room_events.MemberMessage) -> Any:
        match message:
            case MemberCame(identity):
                return self._came(identity)
            case MemberAway(identity):
                return self._away(identity)
            case MemberGone(identity):
                return self._gone(identity)
            case Join():
                return self._join(message)
            case GetLock(caller):
                return self._lock(caller)
            case Leave(caller):
                return self._leave(caller)
            case Add():
                return self._add(message)
            case Remove():
                return self._remove(message)
            case Kick():
                return self._kick(message)
            case Mute():
                return self._mute(message)
            case Unmute():
                return self._unmute(message)
            case SetRole():
                return self._set_role(message)
            case GetMembers(caller):
                return self._list(caller)
            case _:
                assert_never(message)

    # -- the room itself

    def _found(self, founder: Caller) -> LoopFuture[Any]:
        member = self._take_in(founder, Role.MASTER)
        member.present = True
        return self._entered(member)

    def _delete(self, caller: Caller) -> LoopFuture[Any]:
        if self._owner is not None:
            raise RefusedError(
                "an own room can not be deleted", Code.ROOM_ACCESS_DENIED
            )
        self._members.allow(Action.DELETE, caller)
        return self._shut(caller.identity)

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
        self._tell_hall()
        return premises.committed(premises.settings_write(), self.defer())

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

    def _sweep(self) -> None:
        if self._premises.row.keep:
            return
        absent = [
            member
            for member in self._members
            if not member.present and member.identity != self._owner
        ]
        self._put_out(absent, STAYED_AWAY)

    def _deserted(self) -> bool:
        """Whether nobody is left to keep the room for."""
        kept = self._owner is not None or self._premises.row.keep
        return not kept and not len(self._members)

    # -- who comes and goes

    def _came(self, identity: str) -> None:
        if identity == self._owner:
            self._owner_here = True
            self._open_for_orders(client_room=True)
        member = self._members.get(identity)
        if member is None:
            return
        member.away = False
        if not member.present:
            member.present = True
            self._orders.readers_changed()

    def _away(self, identity: str) -> None:
        """Remember up to where a member has followed, should it not come back."""
        member = self._members.get(identity)
        if member is not None:
            member.away = True
            member.seen = self._premises.transcript.last_seq

    def _gone(self, identity: str) -> None:
        member = self._members.get(identity)
        if identity == self._owner:
            self._owner_here = False
            self._house.assignments.tell(assignments.RoomClosed(identity))
        if member is None:
            return
        if self._owner == identity or self._premises.row.keep:
            self._rest(member)
        else:
            self._put_out([member], STAYED_AWAY)
        self._linger()

    def _rest(self, member: Member) -> None:
        """Let a member be absent without leaving."""
        member.present, member.status = False, IDLE
        if not member.away:
            member.seen = self._premises.transcript.last_seq
        if self._premises.stored:
            self._premises.write(self._premises.member_write(member))
        self._orders.readers_changed()

    def _join(self, message: Join) -> Any:
        caller, row = message.caller, self._premises.row
        known = self._members.get(caller.identity)
        if known is not None:
            raise RefusedError(
                f"you are in room {row.name} already", Code.ALREADY_IN_ROOM
            )
        self._must_be_open_to(caller)
        if row.password is not None and not caller.monitors:
            if message.proof is None:
                raise RefusedError(
                    f"room {row.name} has a password", Code.ROOM_ACCESS_DENIED
                )
            if message.proof != row.password:
                raise RefusedError("the password is wrong", Code.ROOM_ACCESS_DENIED)
        member = self._take_in(caller, Role.GUEST)
        member.present = True
        return self._entered(member)

    def _lock(self, caller: Caller) -> str | None:
        if caller.monitors or caller.identity in self._members:
            return None
        return self._premises.row.password

    def _must_be_open_to(self, caller: Caller) -> None:
        row = self._premises.row
        outcast = self._members.outcast(caller.identity)
        if caller.monitors:
            return
        if outcast is not None and outcast.kicked:
            raise RefusedError(
                f"you were put out of room {row.name}", Code.ROOM_ACCESS_DENIED
            )
        if not row.open and row.password is None:
            raise RefusedError(f"room {row.name} is not open", Code.ROOM_ACCESS_DENIED)

    def _leave(self, caller: Caller) -> Any:
        member = self._members.get(caller.identity)
        if member is None:
            raise NotFoundError(
                f"you are not in room {self._premises.name}", Code.NOT_IN_ROOM
            )
        if caller.identity == self._owner:
            raise RefusedError(
                "nobody leaves a room of their own", Code.ROOM_ACCESS_DENIED
            )
        return self._out([member], "left")

    def _add(self, message: Add) -> Any:
        self._members.allow(Action.ADD, message.caller)
        if message.role is not Role.GUEST:
            self._members.allow(Action.SET_ROLE, message.caller)
            self._must_suit(message.role)
        member = self._take_in(message.who, message.role)
        member.present = message.present
        return self._entered(member)

    def _remove(self, message: Remove) -> Any:
        own = self._members.get(message.caller.identity)
        if own is not None and own in self._members.meant(message.target):
            return self._leave(message.caller)
        targets = self._members.allow_on(Action.REMOVE, message.caller, message.target)
        return self._out(targets, "removed")

    def _kick(self, message: Kick) -> Any:
        targets = self._members.allow_on(Action.KICK, message.caller, message.target)
        by = message.caller.identity
        for member in targets:
            text = f"{by} has put you out of room {self._premises.name}"
            notice = Concerned(Code.ROOM_ACCESS_DENIED, text)
            self._premises.publish(notice, [member.identity])
            self._orders.drop_held_of(member.identity, by)
        return self._out(targets, KICKED)

    def _take_in(self, who: Caller, role: Role) -> Member:
        limit = self._house.patience.members_per_room
        if len(self._members) >= limit:
            reached[Limit.MEMBERS_PER_ROOM] += 1
            raise RefusedError(
                f"room {self._premises.name} is full: {limit} members are the most "
                "there may be, one must leave first",
                Code.ROOM_ACCESS_DENIED,
            )
        return self._members.enter(who.identity, who.client, who.kind, role)

    def _entered(self, member: Member) -> LoopFuture[Any]:
        """Tell everybody of a new member; answers with its role, once it is stored."""
        premises = self._premises
        name, identity = premises.name, member.identity
        self._house.hall.tell(hall_events.Entered(name, identity, member.client))
        premises.publish(MemberJoined(name, identity, member.client, member.role))
        self._announce(f"{identity} came in", member)
        self._succeed()  # a kept room may have been left by everybody
        self._orders.readers_changed()
        self._tell_hall()
        answer = self.defer()
        premises.answered(premises.member_write(member), answer, member.role)
        return answer

    def _out(self, members: list[Member], reason: str) -> LoopFuture[Any]:
        """Put members out; answers once that is stored."""
        closed = self._put_out(members, reason)
        return self._stored(members) if closed is None else closed

    def _put_out(self, members: list[Member], reason: str) -> LoopFuture[Any] | None:
        """Put members out; after the last of a room that is not kept, it is closed."""
        premises = self._premises
        for member in members:
            left = MemberLeft(premises.name, member.identity, member.client, reason)
            premises.publish(left)
            self._members.put_out(member, kicked=reason == KICKED)
            if reason != STAYED_AWAY:  # who could not be there may still hear of it
                self._orders.put_out(member.identity)
            exited = hall_events.Exited(premises.name, member.identity)
            self._house.hall.tell(exited)
            self._announce(f"{member.identity} {_SAID[reason]}", member)
            premises.write(premises.member_write(member))
        for forgotten in self._members.drop_outcasts(
            self._house.patience.members_per_room
        ):
            premises.write(premises.member_write(forgotten))
        self._orders.readers_changed()
        if self._deserted():
            return self._shut(premises.row.creator)
        self._succeed()
        self._tell_hall()
        return None

    def _stored(self, members: list[Member]) -> LoopFuture[Any]:
        """Answers once members are stored as they are now."""
        premises = self._premises
        for member in members[:-1]:
            premises.write(premises.member_write(member))
        return premises.committed(premises.member_write(members[-1]), self.defer())

    def _succeed(self) -> None:
        """Where no master is left, make the longest-standing member one."""
        successor = self._members.successor()
        if successor is not None:
            self._change_role(successor, Role.MASTER)

    # -- what members are and may

    def _set_role(self, message: SetRole) -> Any:
        targets = self._members.allow_on(
            Action.SET_ROLE, message.caller, message.target
        )
        self._must_suit(message.role)
        masters = [m for m in self._members if m.role is Role.MASTER]
        if message.role is not Role.MASTER and set(masters) <= set(targets):
            raise ProtocolError(
                "a room needs a master: make somebody else master first",
                Code.INVALID_REQUEST,
            )
        for member in targets:
            self._change_role(member, message.role)
        return self._stored(targets)

    def _must_suit(self, role: Role) -> None:
        if self._owner is not None and role is Role.MASTER:
            raise RefusedError(
                f"the master of room {self._premises.name} is its owner",
                Code.ROOM_ACCESS_DENIED,
            )

    def _change_role(self, member: Member, role: Role) -> None:
        member.role = role
        premises = self._premises
        premises.publish(
            RoleChanged(premises.name, member.identity, member.client, role)
        )
        premises.write(premises.member_write(member))
        self._tell_hall()

    def _mute(self, message: Mute) -> Any:
        targets = self._members.allow_on(Action.MUTE, message.caller, message.target)
        premises, by = self._premises, message.caller
        seconds = min(max(message.seconds, 0.0), LONGEST_MUTE)
        until = self._house.steady() + seconds if seconds else UNTIL_UNMUTED
        shown = self._moment(until) if seconds else None
        for member in targets:
            member.muted_until = until
            self._time_mute(member, seconds)
            premises.publish(
                MemberMuted(premises.name, member.identity, by.identity, shown, seconds)
            )
            text = f"{by.identity} muted {member.identity}"
            premises.announce(text, about=member.identity, client=member.client)
            concerned = Concerned(
                Code.AUTHORISATION_FAILED, f"you are muted in room {premises.name}"
            )
            premises.publish(concerned, [member.identity])
        return self._stored(targets)

    def _unmute(self, message: Unmute) -> Any:
        targets = self._members.allow_on(Action.MUTE, message.caller, message.target)
        for member in targets:
            self._let_speak(member)
        return self._stored(targets)

    def _mute_over(self, identity: str) -> None:
        member = self._members.get(identity)
        if member is not None and member.muted:
            self._let_speak(member)
        outcast = self._members.outcast(identity)
        if outcast is not None:
            outcast.muted_until = None
            if not outcast.kicked:
                self._members.forget(outcast)
            self._premises.write(self._premises.member_write(outcast))

    def _let_speak(self, member: Member) -> None:
        if not member.muted:
            return
        member.muted_until = None
        self._alarms.cancel(("mute", member.identity))
        premises = self._premises
        premises.publish(MemberUnmuted(premises.name, member.identity))
        text = f"{member.identity} may speak again"
        premises.announce(text, about=member.identity, client=member.client)
        concerned = Concerned(Code.WARNING_UNKNOWN, f"you may speak in {premises.name}")
        premises.publish(concerned, [member.identity])
        premises.write(premises.member_write(member))

    def _time_mute(self, member: Member, seconds: float | None = None) -> None:
        """Set the alarm of a mute, by the loop's time: the wall clock may jump."""
        name = ("mute", member.identity)
        if not member.muted_until:
            self._alarms.cancel(name)
            return
        if seconds is None:
            seconds = max(member.muted_until - self._house.steady(), 0.0)
        self._alarms.set(name, seconds, _MuteOver(member.identity))

    # -- lists

    def _list(self, caller: Caller) -> list[MemberInfo]:
        row = self._premises.row
        if not (row.open and row.password is None):
            self._members.allow(Action.READ, caller)
        return [self._info(member) for member in self._members]

    def _info(self, member: Member) -> MemberInfo:
        until = member.muted_until
        return MemberInfo(
            identity=member.identity,
            client=member.client,
            kind=member.kind,
            role=member.role,
            status=member.status,
            present=member.present,
            muted_until=None if until is None else self._moment(until) if until else "",
        )

    def _moment(self, steady: float) -> str:
        """A time of the steady clock as the wall clock will show it."""
        house = self._house
        return timestamp(steady + house.clock() - house.steady())

    def _tell_hall(self) -> None:
        row = self._premises.row
        summary = RoomSummary(
            name=row.name,
            mode=row.mode,
            members=len(self._members),
            master=self._members.master(),
            open=row.open,
            keep=row.keep or self._owner is not None,
        )
        self._house.hall.tell(hall_events.RoomChanged(summary))

    def _announce(self, text: str, member: Member) -> None:
        """Record who came or went, in rooms where that is worth it."""
        if len(self._members) <= ANNOUNCED_UP_TO and self._owner != member.identity:
            self._premises.announce(text, about=member.identity, client=member.client)

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
