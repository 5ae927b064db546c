"""The members of one room: who is in, as what, and who must not be.

Bookkeeping of the room actor, which owns the instance. Decides and refuses by
``actors.roles``; sends nothing, stores nothing, reads no clock.
"""

from __future__ import annotations

from collections.abc import Iterator

from actors.errors import Code, NotFoundError, RefusedError
from actors.roles import (
    EXTENSION_ACTIONS,
    Action,
    Caller,
    CallerKind,
    Role,
    Target,
    may,
    may_touch,
)
from actors.room_records import IN, KICKED, OUT, MemberRow

IDLE = "idle"
UNTIL_UNMUTED = 0.0
"""What ``muted_until`` is for who is muted without an end."""


class Member:
    """Somebody in a room, or an outcast of it: kicked, or gone while muted."""

    __slots__ = (
        "away",
        "client",
        "identity",
        "kind",
        "muted_until",
        "present",
        "rank",
        "role",
        "seen",
        "standing",
        "status",
    )

    def __init__(
        self, identity: str, client: str, kind: CallerKind, role: Role, rank: int
    ) -> None:
        self.identity = identity
        self.client = client
        self.kind = kind
        self.role = role
        self.rank = rank
        self.muted_until: float | None = None
        self.standing = IN
        self.seen = 0
        self.present = False
        self.away = False
        self.status = IDLE

    @property
    def muted(self) -> bool:
        """Whether it must be silent."""
        return self.muted_until is not None

    @property
    def kicked(self) -> bool:
        """Whether it was put out for good."""
        return self.standing == KICKED

    @property
    def caller(self) -> Caller:
        """The member as one who asks."""
        return Caller(self.identity, self.client, self.kind)


class Members:
    """All members of one room."""

    def __init__(
        self, name: str, owner: str | None, *, extensions_manage: bool
    ) -> None:
        self._name = name
        self._owner = owner
        self._extensions_manage = extensions_manage and owner is None
        self._in: dict[str, Member] = {}
        self._out: dict[str, Member] = {}
        self._next_rank = 0

    def __len__(self) -> int:
        return len(self._in)

    def __iter__(self) -> Iterator[Member]:
        return iter(self._in.values())

    def __contains__(self, identity: str) -> bool:
        return identity in self._in

    def restore(self, row: MemberRow) -> None:
        """Take in who was stored."""
        kind, role = CallerKind(row.type), Role(row.role)
        member = Member(row.identity, row.client, kind, role, row.rank)
        member.muted_until, member.standing = row.muted_until, row.standing
        member.seen = row.seen
        (self._in if row.standing == IN else self._out)[row.identity] = member
        self._next_rank = max(self._next_rank, row.rank + 1)

    def row(self, member: Member) -> MemberRow:
        """A member as it is stored."""
        return MemberRow(
            room=self._name,
            identity=member.identity,
            client=member.client,
            type=member.kind.value,
            role=member.role,
            rank=member.rank,
            muted_until=member.muted_until,
            standing=member.standing,
            seen=member.seen,
        )

    def get(self, identity: str) -> Member | None:
        """Somebody who is in."""
        return self._in.get(identity)

    def outcast(self, identity: str) -> Member | None:
        """Somebody who was kicked, or left muted."""
        return self._out.get(identity)

    def everybody(self) -> list[Member]:
        """All that are in or remembered."""
        return [*self._in.values(), *self._out.values()]

    def present(self) -> tuple[str, ...]:
        """The identities that are here, or in their grace time."""
        return tuple(m.identity for m in self._in.values() if m.present)

    def master(self) -> str | None:
        """The master, the longest-standing where there are several."""
        masters = [m for m in self if m.role is Role.MASTER]
        return min(masters, key=_rank).identity if masters else None

    # -- who may

    def role_of(self, caller: Caller) -> Role | None:
        """What a caller is here; a monitor is master everywhere."""
        if caller.monitors:
            return Role.MASTER
        member = self._in.get(caller.identity)
        return None if member is None else member.role

    def allow(self, action: Action, caller: Caller) -> None:
        """Let a caller do something to the room.

        Raises:
            RefusedError: its role does not allow it, or it has none here.
        """
        role = self.role_of(caller)
        manage = self._extensions_manage
        allowed = may(action, role, caller.kind, extensions_manage=manage)
        if allowed and not self._is_owners_alone(action, caller):
            return
        if role is None:
            raise not_in(self._name)
        raise RefusedError(f"a {role} of room {self._name} may not {action.value}")

    def allow_on(self, action: Action, caller: Caller, target: Target) -> list[Member]:
        """Let a caller do something to members; gives them.

        Raises:
            RefusedError: the caller may not, or not to one of these.
            NotFoundError: none of these is in the room.
        """
        self.allow(action, caller)
        found = self.find(target)
        for member in found:
            self._must_rule_over(caller, member, action)
        return found

    def find(self, target: Target) -> list[Member]:
        """The members that are meant, at least one.

        Raises:
            NotFoundError: none of these is in the room.
        """
        found = self.meant(target)
        if not found:
            raise NotFoundError(
                f"{target.identity or target.client} is not in room {self._name}",
                Code.NOT_IN_ROOM,
            )
        return found

    def meant(self, target: Target) -> list[Member]:
        """The members that are meant, if they are in the room."""
        if target.identity:
            return [m for m in self if m.identity == target.identity]
        return [m for m in self if m.client == target.client]

    def _must_rule_over(self, caller: Caller, member: Member, action: Action) -> None:
        if member.identity == self._owner:
            raise RefusedError(
                f"room {self._name} is {member.identity}'s own", Code.ROOM_ACCESS_DENIED
            )
        own = self._in.get(caller.identity)
        if may_touch(own.role if own else None, member.role, caller.kind):
            return
        is_extension = caller.kind is CallerKind.EXTENSION
        if self._extensions_manage and is_extension and action in EXTENSION_ACTIONS:
            return
        raise RefusedError(f"a manager has no say over a {member.role}")

    def _is_owners_alone(self, action: Action, caller: Caller) -> bool:
        """Whether an own room leaves this to its owner and monitors."""
        if self._owner is None or action not in (Action.ADD, Action.SET_ROLE):
            return False
        return not caller.monitors and caller.identity != self._owner

    # -- changes

    def enter(self, identity: str, client: str, kind: CallerKind, role: Role) -> Member:
        """Take somebody in; a mute from before still holds.

        Raises:
            RefusedError: it is in already.
        """
        if identity in self._in:
            raise RefusedError(
                f"{identity} is in room {self._name} already", Code.ALREADY_IN_ROOM
            )
        member = Member(identity, client, kind, role, self._next_rank)
        self._next_rank += 1
        earlier = self._out.pop(identity, None)
        if earlier is not None:
            member.muted_until = earlier.muted_until
        self._in[identity] = member
        return member

    def put_out(self, member: Member, *, kicked: bool) -> bool:
        """Take somebody out; returns whether it is remembered as an outcast."""
        del self._in[member.identity]
        member.present, member.status = False, IDLE
        if not kicked and not member.muted:
            return False
        member.standing = KICKED if kicked else OUT
        member.role = Role.GUEST
        self._out[member.identity] = member
        return True

    def drop_outcasts(self, limit: int) -> list[Member]:
        """Forget the oldest of those who are out, where they are too many."""
        surplus = list(self._out.values())[: max(len(self._out) - limit, 0)]
        for member in surplus:
            del self._out[member.identity]
        return surplus

    def forget(self, member: Member) -> None:
        """Remember an outcast no more."""
        self._out.pop(member.identity, None)

    def successor(self) -> Member | None:
        """Who becomes master where none is left: the longest-standing that rules."""
        if any(member.role is Role.MASTER for member in self):
            return None
        managers = [m for m in self if m.role is Role.MANAGER]
        return min(managers or list(self), key=_rank, default=None)


def _rank(member: Member) -> int:
    return member.rank


def not_in(room: str) -> RefusedError:
    """What somebody is told who is not in a room."""
    return RefusedError(f"you are not in room {room}", Code.ROOM_ACCESS_DENIED)
