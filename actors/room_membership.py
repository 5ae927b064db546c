"""Who is in one room and as what: they come, go, are put out, and are given roles.

A part of the room actor, which owns the instance and hands it its messages. Owns
nothing that lasts: who is a member is kept by ``actors.members``. Tells the members,
the hall and the store of each change, and the orders who reads. Must never end the
room: the actor does, and looks whether anybody is left to keep it for.
"""

from __future__ import annotations

from typing import Any, Final, assert_never

from actors import hall_events
from actors.errors import Code, NotFoundError, ProtocolError, RefusedError
from actors.future import LoopFuture
from actors.limits import Limit, reached
from actors.members import IDLE, Member
from actors.premises import Premises
from actors.promises import Promises
from actors.roles import Action, Caller, Role
from actors.room_events import (
    Add,
    GetLock,
    GetMembers,
    Join,
    Kick,
    Leave,
    MemberAway,
    MemberCame,
    MemberGone,
    MemberInfo,
    MemberMessage,
    Remove,
    SetRole,
)
from actors.room_mutes import shown_end
from actors.room_notices import Concerned, MemberJoined, MemberLeft, RoleChanged
from actors.room_orders import RoomOrders

ANNOUNCED_UP_TO: Final = 50
"""Members of a room in which joins and leaves are recorded as messages."""

KICKED: Final = "kicked"
STAYED_AWAY: Final = "gone"
_SAID: Final = {
    KICKED: "was put out",
    STAYED_AWAY: "did not come back",
    "left": "left",
    "removed": "was removed",
}
"""Why somebody is out, and how the history says it."""


class RoomMembership:
    """The coming and going in one room."""

    def __init__(
        self,
        premises: Premises,
        orders: RoomOrders,
        promises: Promises,
    ) -> None:
        self._premises = premises
        self._members = premises.members
        self._owner = premises.row.owner
        self._orders = orders
        self._promises = promises

    @property
    def deserted(self) -> bool:
        """Whether nobody is left to keep the room for."""
        kept = self._owner is not None or self._premises.row.keep
        return not kept and not len(self._members)

    def receive(self, message: MemberMessage) -> Any:
        """Handle one of the room's messages."""
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
            case SetRole():
                return self._set_role(message)
            case GetMembers(caller):
                return self._list(caller)
            case _:
                assert_never(message)

    # -- in

    def enter(
        self, who: Caller, role: Role, *, present: bool = True
    ) -> LoopFuture[Any]:
        """Take somebody in and tell everybody; answers with the role, once stored."""
        member = self._take_in(who, role)
        member.present = present
        premises = self._premises
        name, identity = premises.name, member.identity
        premises.house.hall.tell(hall_events.Entered(name, identity, member.client))
        premises.publish(MemberJoined(name, identity, member.client, member.role))
        self._announce(f"{identity} came in", member)
        self._succeed()  # a kept room may have been left by everybody
        self._orders.readers_changed()
        premises.tell_hall()
        answer = self._promises.make()
        premises.answered(premises.member_write(member), answer, member.role)
        return answer

    def _take_in(self, who: Caller, role: Role) -> Member:
        limit = self._premises.house.patience.members_per_room
        if len(self._members) >= limit:
            reached[Limit.MEMBERS_PER_ROOM] += 1
            raise RefusedError(
                f"room {self._premises.name} is full: {limit} members are the most "
                "there may be, one must leave first",
                Code.ROOM_ACCESS_DENIED,
            )
        return self._members.enter(who.identity, who.client, who.kind, role)

    def _join(self, message: Join) -> LoopFuture[Any]:
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
        return self.enter(caller, Role.GUEST)

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

    def _add(self, message: Add) -> LoopFuture[Any]:
        self._members.allow(Action.ADD, message.caller)
        if message.role is not Role.GUEST:
            self._members.allow(Action.SET_ROLE, message.caller)
            self._must_suit(message.role)
        return self.enter(message.who, message.role, present=message.present)

    # -- here and away

    def _came(self, identity: str) -> None:
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
        if member is None:
            return
        if self._owner == identity or self._premises.row.keep:
            self._rest(member)
        else:
            self.put_out_absent([member])

    def _rest(self, member: Member) -> None:
        """Let a member be absent without leaving."""
        member.present, member.status = False, IDLE
        if not member.away:
            member.seen = self._premises.transcript.last_seq
        if self._premises.stored:
            self._premises.write(self._premises.member_write(member))
        self._orders.readers_changed()

    # -- out

    def put_out_absent(self, members: list[Member]) -> None:
        """Put out who has not come back in time."""
        self._put_out(members, STAYED_AWAY)

    def _leave(self, caller: Caller) -> LoopFuture[Any] | None:
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

    def _remove(self, message: Remove) -> LoopFuture[Any] | None:
        own = self._members.get(message.caller.identity)
        if own is not None and own in self._members.meant(message.target):
            return self._leave(message.caller)
        targets = self._members.allow_on(Action.REMOVE, message.caller, message.target)
        return self._out(targets, "removed")

    def _kick(self, message: Kick) -> LoopFuture[Any] | None:
        targets = self._members.allow_on(Action.KICK, message.caller, message.target)
        by = message.caller.identity
        for member in targets:
            text = f"{by} has put you out of room {self._premises.name}"
            notice = Concerned(Code.ROOM_ACCESS_DENIED, text)
            self._premises.publish(notice, [member.identity])
            self._orders.drop_held_of(member.identity, by)
        return self._out(targets, KICKED)

    def _out(self, members: list[Member], reason: str) -> LoopFuture[Any] | None:
        """Put members out; answers once that is stored, but for a deserted room."""
        self._put_out(members, reason)
        if self.deserted:
            return None
        return self._premises.members_committed(members, self._promises.make())

    def _put_out(self, members: list[Member], reason: str) -> None:
        premises = self._premises
        for member in members:
            self._put_out_one(member, reason)
        for forgotten in self._members.drop_outcasts(
            premises.house.patience.members_per_room
        ):
            premises.write(premises.member_write(forgotten))
        self._orders.readers_changed()
        if not self.deserted:
            self._succeed()
            premises.tell_hall()

    def _put_out_one(self, member: Member, reason: str) -> None:
        premises = self._premises
        left = MemberLeft(premises.name, member.identity, member.client, reason)
        premises.publish(left)
        self._members.put_out(member, kicked=reason == KICKED)
        if reason != STAYED_AWAY:  # who could not be there may still hear of it
            self._orders.put_out(member.identity)
        exited = hall_events.Exited(premises.name, member.identity)
        premises.house.hall.tell(exited)
        self._announce(f"{member.identity} {_SAID[reason]}", member)
        premises.write(premises.member_write(member))

    # -- roles

    def _set_role(self, message: SetRole) -> LoopFuture[Any]:
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
        return self._premises.members_committed(targets, self._promises.make())

    def _must_suit(self, role: Role) -> None:
        if self._owner is not None and role is Role.MASTER:
            raise RefusedError(
                f"the master of room {self._premises.name} is its owner",
                Code.ROOM_ACCESS_DENIED,
            )

    def _succeed(self) -> None:
        """Where no master is left, make the longest-standing member one."""
        successor = self._members.successor()
        if successor is not None:
            self._change_role(successor, Role.MASTER)

    def _change_role(self, member: Member, role: Role) -> None:
        member.role = role
        premises = self._premises
        premises.publish(
            RoleChanged(premises.name, member.identity, member.client, role)
        )
        premises.write(premises.member_write(member))
        premises.tell_hall()

    # -- what others see of them

    def _lock(self, caller: Caller) -> str | None:
        if caller.monitors or caller.identity in self._members:
            return None
        return self._premises.row.password

    def _list(self, caller: Caller) -> list[MemberInfo]:
        row = self._premises.row
        if not (row.open and row.password is None):
            self._members.allow(Action.READ, caller)
        return [self._info(member) for member in self._members]

    def _info(self, member: Member) -> MemberInfo:
        return MemberInfo(
            identity=member.identity,
            client=member.client,
            kind=member.kind,
            role=member.role,
            status=member.status,
            present=member.present,
            muted_until=shown_end(self._premises.house, member),
        )

    def _announce(self, text: str, member: Member) -> None:
        """Record who came or went, in rooms where that is worth it."""
        if len(self._members) <= ANNOUNCED_UP_TO and self._owner != member.identity:
            self._premises.announce(text, about=member.identity, client=member.client)
