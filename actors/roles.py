"""Who may what in a room: roles, actions, and the one table that joins them.

Pure. Whether somebody is a monitor or a SillyTavern is the caller's to show, which
role they have the room's.
"""

from __future__ import annotations

from enum import Enum, StrEnum
from typing import Final

import msgspec


class Role(StrEnum):
    """What a member is in a room, the highest first."""

    MASTER = "master"
    MANAGER = "manager"
    SPECIAL = "special"
    GUEST = "guest"

    @property
    def rules(self) -> bool:
        """Whether this role has a say over others."""
        return self in (Role.MASTER, Role.MANAGER)


class CallerKind(Enum):
    """What a client is in the house, whatever the room."""

    CLIENT = "client"
    MONITOR = "monitor"
    EXTENSION = "SillyTavern"


class Caller(msgspec.Struct, frozen=True):
    """Who asks."""

    identity: str
    client: str
    kind: CallerKind = CallerKind.CLIENT

    @property
    def monitors(self) -> bool:
        """Whether everything is allowed to them."""
        return self.kind is CallerKind.MONITOR


class Target(msgspec.Struct, frozen=True):
    """A member by identity, or all members of a client."""

    identity: str | None
    client: str | None = None


class Action(Enum):
    """What one can do in a room."""

    READ = "read what is said in it and who is in it"
    ORDER = "order answers"
    SPEAK = "send messages and events"
    LEAVE = "leave"
    CANCEL_OTHERS = "cancel the requests of others"
    EDIT_OTHERS = "edit the messages of others"
    DELETE_OTHERS = "delete the messages of others"
    CLEAR = "clear its messages"
    KICK = "kick a member"
    MUTE = "mute or unmute a member"
    SET_MODE = "set its message request mode"
    ADD = "add a member"
    REMOVE = "remove a member"
    SET_ROLE = "set a member's role"
    DELETE = "delete it"


_MEMBER: Final = frozenset({Action.READ, Action.ORDER, Action.SPEAK, Action.LEAVE})
_MANAGER: Final = _MEMBER | {
    Action.CANCEL_OTHERS,
    Action.EDIT_OTHERS,
    Action.DELETE_OTHERS,
    Action.CLEAR,
    Action.KICK,
    Action.MUTE,
    Action.SET_MODE,
    Action.ADD,
    Action.REMOVE,
}
_MASTER: Final = _MANAGER | {Action.SET_ROLE, Action.DELETE}

PERMISSIONS: Final[dict[Role, frozenset[Action]]] = {
    Role.MASTER: _MASTER,
    Role.MANAGER: _MANAGER,
    Role.SPECIAL: _MEMBER,
    Role.GUEST: _MEMBER,
}
"""What each role may; whoever may do it *to* somebody, ``may_touch`` says."""

EXTENSION_ACTIONS: Final = frozenset({Action.ADD, Action.REMOVE, Action.DELETE})
"""What SillyTaverns may in any room that is nobody's own, where the settings say so."""


def may(
    action: Action, role: Role | None, kind: CallerKind, *, extensions_manage: bool
) -> bool:
    """Whether somebody with a role in a room, or with none, may do something."""
    if kind is CallerKind.MONITOR:
        return True
    if role is not None and action in PERMISSIONS[role]:
        return True
    return (
        kind is CallerKind.EXTENSION
        and extensions_manage
        and action in EXTENSION_ACTIONS
    )


def may_touch(role: Role | None, target: Role, kind: CallerKind) -> bool:
    """Whether somebody may do to a member of a role what they may do at all.

    A manager rules guests, not a master and not another manager.
    """
    return role is not Role.MANAGER or kind is CallerKind.MONITOR or not target.rules
