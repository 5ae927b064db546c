"""Who in one room must be silent, and until when.

A part of the room actor, which owns the instance and hands it its messages. Owns the
alarms of mutes; that somebody is muted stands in ``actors.members``. Must never keep
anybody from speaking itself: orders and talk refuse what a muted member says.
"""

from __future__ import annotations

from typing import Any, Final, assert_never

import msgspec

from actors.alarms import Alarms
from actors.errors import Code
from actors.future import LoopFuture
from actors.house import House
from actors.members import UNTIL_UNMUTED, Member
from actors.message import timestamp
from actors.premises import Premises
from actors.promises import Promises
from actors.roles import Action
from actors.room_events import Mute, MuteMessage, Unmute
from actors.room_notices import Concerned, MemberMuted, MemberUnmuted

LONGEST_MUTE: Final = 10 * 365 * 24 * 3600.0
"""Seconds; a date that is further off can not be shown."""


class MuteOver(msgspec.Struct, frozen=True):
    """A mute has lasted as long as it should."""

    identity: str


class RoomMutes:
    """The mutes of one room."""

    def __init__(
        self,
        premises: Premises,
        alarms: Alarms,
        promises: Promises,
    ) -> None:
        self._premises = premises
        self._members = premises.members
        self._alarms = alarms
        self._promises = promises

    def receive(self, message: MuteMessage | MuteOver) -> Any:
        """Handle one of the room's messages."""
        match message:
            case Mute():
                return self._mute(message)
            case Unmute():
                return self._unmute(message)
            case MuteOver(identity):
                return self._over(identity)
            case _:
                assert_never(message)

    def take_up(self) -> None:
        """Go on with the mutes that were stored."""
        now = self._premises.house.steady()
        for member in self._members.everybody():
            if member.muted_until and member.muted_until <= now:
                self._over(member.identity)
            else:
                self._time(member)

    def _mute(self, message: Mute) -> LoopFuture[Any]:
        targets = self._members.allow_on(Action.MUTE, message.caller, message.target)
        premises, by = self._premises, message.caller
        seconds = min(max(message.seconds, 0.0), LONGEST_MUTE)
        until = premises.house.steady() + seconds if seconds else UNTIL_UNMUTED
        shown = _moment(premises.house, until) if seconds else None
        for member in targets:
            member.muted_until = until
            self._time(member, seconds)
            premises.publish(
                MemberMuted(premises.name, member.identity, by.identity, shown, seconds)
            )
            text = f"{by.identity} muted {member.identity}"
            premises.announce(text, about=member.identity, client=member.client)
            concerned = Concerned(
                Code.AUTHORISATION_FAILED, f"you are muted in room {premises.name}"
            )
            premises.publish(concerned, [member.identity])
        return premises.members_committed(targets, self._promises.make())

    def _unmute(self, message: Unmute) -> LoopFuture[Any]:
        targets = self._members.allow_on(Action.MUTE, message.caller, message.target)
        for member in targets:
            self._let_speak(member)
        return self._premises.members_committed(targets, self._promises.make())

    def _over(self, identity: str) -> None:
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

    def _time(self, member: Member, seconds: float | None = None) -> None:
        """Set the alarm of a mute, by the loop's time: the wall clock may jump."""
        name = ("mute", member.identity)
        if not member.muted_until:
            self._alarms.cancel(name)
            return
        if seconds is None:
            seconds = max(member.muted_until - self._premises.house.steady(), 0.0)
        self._alarms.set(name, seconds, MuteOver(member.identity))


def shown_end(house: House, member: Member) -> str | None:
    """When a member may speak again; empty: when unmuted; None: it is not muted."""
    until = member.muted_until
    return None if until is None else _moment(house, until) if until else ""


def _moment(house: House, steady: float) -> str:
    """A time of the steady clock as the wall clock will show it."""
    return timestamp(steady + house.clock() - house.steady())
