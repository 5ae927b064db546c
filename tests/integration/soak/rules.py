"""The rules of rooms, written down a second time: the model that brokers are held to.

Follows section 8 of the protocol and knows nothing of the broker's code but the names
of the wire. Pure: a state and a deed make the next state, or none where the deed is
against the rules.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final

from broker.protocol.wire import Event

MASTER: Final = "master"
MANAGER: Final = "manager"
GUEST: Final = "guest"
ROLES: Final = (MASTER, MANAGER, "special", GUEST)
RULING: Final = frozenset({MASTER, MANAGER})

ANNOUNCED_UP_TO: Final = 50
"""Members of a room whose comings and goings are recorded."""


@dataclass(frozen=True, kw_only=True)
class Deed:
    """What somebody does to a room or its members."""

    what: Event
    room: str
    who: str
    whom: str = ""
    role: str = ""
    mode: str = ""
    keep: bool = False

    def data(self) -> dict[str, Any]:
        """The deed as it is sent."""
        data: dict[str, Any] = {"roomName": self.room}
        if self.what is Event.CREATE_ROOM:
            data |= {"open": True, "keep": self.keep}
        elif self.what is Event.MUTE_MEMBER:
            data["duration"] = 0
        if self.whom:
            adding = self.what is Event.ADD_CLIENT_TO_ROOM
            data["identity" if adding else "targetIdentity"] = self.whom
        if self.role:
            data["role"] = self.role
        if self.mode:
            data["mode"] = self.mode
        return data


@dataclass(frozen=True, kw_only=True)
class RoomState:
    """A room as the rules have it; every room here is open."""

    exists: bool = False
    keep: bool = False
    mode: str = ""
    roles: dict[str, str] = field(default_factory=dict)
    """Role by identity, in the order in which they came."""
    muted: frozenset[str] = frozenset()
    """Members, and those who left while they were muted."""
    kicked: frozenset[str] = frozenset()
    told: tuple[str, ...] = ()
    """The texts of the system messages."""

    @property
    def master(self) -> str | None:
        """The longest-standing master."""
        return next((who for who, role in self.roles.items() if role == MASTER), None)

    def may_speak(self, who: str) -> bool:
        """Whether somebody is heard here."""
        return who in self.roles and who not in self.muted

    def after(self, deed: Deed) -> RoomState | None:
        """The state that a deed leads to; None: it is refused."""
        if deed.what is Event.CREATE_ROOM:
            return None if self.exists else self._founded(deed)
        if not self.exists:
            return None
        return _DEEDS[deed.what](self, deed)

    # -- deeds

    def _founded(self, deed: Deed) -> RoomState:
        state = RoomState(exists=True, keep=deed.keep, mode=deed.mode)
        return state._entered(deed.who, MASTER)

    def _join(self, deed: Deed) -> RoomState | None:
        if deed.who in self.roles or deed.who in self.kicked:
            return None
        return self._entered(deed.who, GUEST)

    def _leave(self, deed: Deed) -> RoomState | None:
        return self._out(deed.who, "left") if deed.who in self.roles else None

    def _add(self, deed: Deed) -> RoomState | None:
        if self.roles.get(deed.who) not in RULING or deed.whom in self.roles:
            return None
        return self._entered(deed.whom, GUEST)

    def _remove(self, deed: Deed) -> RoomState | None:
        if not self._rules_over(deed):
            return None
        return self._out(deed.whom, "was removed")

    def _kick(self, deed: Deed) -> RoomState | None:
        if not self._rules_over(deed):
            return None
        kicked = replace(self, kicked=self.kicked | {deed.whom})
        return kicked._out(deed.whom, "was put out")

    def _mute(self, deed: Deed) -> RoomState | None:
        if not self._rules_over(deed):
            return None
        muted = replace(self, muted=self.muted | {deed.whom})
        return muted._tell(f"{deed.who} muted {deed.whom}")

    def _unmute(self, deed: Deed) -> RoomState | None:
        if not self._rules_over(deed):
            return None
        if deed.whom not in self.muted:
            return self
        heard = replace(self, muted=self.muted - {deed.whom})
        return heard._tell(f"{deed.whom} may speak again")

    def _set_role(self, deed: Deed) -> RoomState | None:
        if self.roles.get(deed.who) != MASTER or deed.whom not in self.roles:
            return None
        roles = {**self.roles, deed.whom: deed.role}
        return replace(self, roles=roles) if MASTER in roles.values() else None

    def _set_mode(self, deed: Deed) -> RoomState | None:
        if self.roles.get(deed.who) not in RULING:
            return None
        changed = replace(self, mode=deed.mode)
        return changed._tell(f"{deed.who} set the mode to {deed.mode}")

    def _delete(self, deed: Deed) -> RoomState | None:
        return RoomState() if self.roles.get(deed.who) == MASTER else None

    # -- what deeds have in common

    def _rules_over(self, deed: Deed) -> bool:
        own, other = self.roles.get(deed.who), self.roles.get(deed.whom)
        if own not in RULING or other is None:
            return False
        return own == MASTER or other not in RULING

    def _entered(self, who: str, role: str) -> RoomState:
        state = replace(
            self, roles={**self.roles, who: role}, kicked=self.kicked - {who}
        )
        return state._announce(f"{who} came in")._succeeded()

    def _out(self, who: str, how: str) -> RoomState:
        roles = {name: role for name, role in self.roles.items() if name != who}
        if not roles and not self.keep:
            return RoomState()
        state = replace(self, roles=roles)._announce(f"{who} {how}")
        return state._succeeded()

    def _succeeded(self) -> RoomState:
        if self.master is not None or not self.roles:
            return self
        managers = (who for who, role in self.roles.items() if role == MANAGER)
        heir = next(managers, next(iter(self.roles)))
        return replace(self, roles={**self.roles, heir: MASTER})

    def _announce(self, text: str) -> RoomState:
        return self._tell(text) if len(self.roles) <= ANNOUNCED_UP_TO else self

    def _tell(self, text: str) -> RoomState:
        return replace(self, told=(*self.told, text))


_DEEDS: Final[dict[Event, Callable[[RoomState, Deed], RoomState | None]]] = {
    Event.JOIN_ROOM: RoomState._join,
    Event.LEAVE_ROOM: RoomState._leave,
    Event.ADD_CLIENT_TO_ROOM: RoomState._add,
    Event.REMOVE_CLIENT_FROM_ROOM: RoomState._remove,
    Event.KICK_MEMBER: RoomState._kick,
    Event.MUTE_MEMBER: RoomState._mute,
    Event.UNMUTE_MEMBER: RoomState._unmute,
    Event.SET_MEMBER_ROLE: RoomState._set_role,
    Event.SET_ROOM_MESSAGE_REQUEST_MODE: RoomState._set_mode,
    Event.DELETE_ROOM: RoomState._delete,
}
