"""What guests do when nobody tells them: whatever the dice say."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from broker.client import UnreachableError
from broker.protocol.wire import Event, Namespace

from .guest import Guest
from .place import Place
from .rules import GUEST, ROLES, RULING

MODES: Final = ("Default", "Immediate", "MasterOnly", "Separate", "Conversational")
ROOMS_EACH: Final = 3
"""Rooms a guest likes to be in; few, so that not everybody hears everything."""

RULINGS: Final = {
    Event.KICK_MEMBER: 2,
    Event.REMOVE_CLIENT_FROM_ROOM: 1,
    Event.MUTE_MEMBER: 3,
    Event.UNMUTE_MEMBER: 4,
    Event.SET_MEMBER_ROLE: 3,
    Event.ADD_CLIENT_TO_ROOM: 4,
    Event.SET_ROOM_MESSAGE_REQUEST_MODE: 1,
}
"""What those do who rule a room, or think they do, and how often."""

Habit = Callable[["Habits", Guest, Place], Awaitable[None]]


class Habits:
    """The dice, the rooms there are, and the names of everybody."""

    def __init__(
        self, dice: random.Random, places: Sequence[Place], everybody: Sequence[str]
    ) -> None:
        self._dice = dice
        self._places = places
        self._everybody = everybody

    async def follow(self, guest: Guest) -> None:
        """Do one thing, in a room of one's own choice."""
        (habit,) = self._dice.choices([*HABITS], [*HABITS.values()])
        await habit(self, guest, self._room_of(guest))

    async def come_and_go(self, guest: Guest, place: Place) -> None:
        """Join rooms, found what is not there, leave where there are too many."""
        inside = [p for p in self._places if guest.name in p.state.roles]
        if len(inside) > ROOMS_EACH or (inside and self._dice.random() < 0.2):
            await guest.do(self._dice.choice(inside), Event.LEAVE_ROOM)
            return
        place = self._dice.choice(self._places)
        if place.state.exists:
            await guest.do(place, Event.JOIN_ROOM)
        else:
            await self.found(guest, place)

    async def found(self, guest: Guest, place: Place) -> None:
        """Make a room; every other one is kept."""
        keep = self._places.index(place) % 2 == 0
        mode = self._dice.choice(MODES)
        await guest.do(place, Event.CREATE_ROOM, keep=keep, mode=mode)

    async def rule(self, guest: Guest, place: Place) -> None:
        """Do something to a room or to somebody in it."""
        ruled = [p for p in self._places if p.state.roles.get(guest.name) in RULING]
        if ruled and self._dice.random() < 0.9:
            place = self._dice.choice(ruled)
        elif self._dice.random() < 0.7:
            return  # most know that they may not
        (what,) = self._dice.choices([*RULINGS], [*RULINGS.values()])
        if what is Event.SET_ROOM_MESSAGE_REQUEST_MODE:
            await guest.do(place, what, mode=self._dice.choice(MODES))
            return
        others = self._concerned(what, guest, place)
        if not others:
            return
        whom = self._dice.choice(others)
        if what is Event.ADD_CLIENT_TO_ROOM:
            await guest.do(place, what, whom=whom, role=GUEST)
        elif what is Event.SET_MEMBER_ROLE:
            roles = ROLES if self._dice.random() < 0.2 else ROLES[1:]
            await guest.do(place, what, whom=whom, role=self._dice.choice(roles))
        else:
            await guest.do(place, what, whom=whom)

    async def speak(self, guest: Guest, place: Place) -> None:
        """Say something."""
        await guest.speak(place)

    async def edit(self, guest: Guest, place: Place) -> None:
        """Say something else instead of what one has said."""
        if said := place.ledger.of(guest.name):
            await guest.edit(place, self._dice.choice(said))

    async def delete(self, guest: Guest, place: Place) -> None:
        """Take something back."""
        if said := place.ledger.of(guest.name):
            await guest.delete(place, self._dice.choice(said))

    async def order(self, guest: Guest, place: Place) -> None:
        """Order something, and perhaps call it off."""
        await guest.order(
            place,
            cancel=self._dice.random() < 0.1,
            stream=self._dice.random() < 0.9,
            target="auto" if self._dice.random() < 0.5 else None,
        )

    async def type(self, guest: Guest, place: Place) -> None:
        """Type, and stop it again."""
        if not place.state.may_speak(guest.name):
            return
        data = {"targetRoom": place.name}
        with contextlib.suppress(UnreachableError):
            for event in (Event.START_TYPING, Event.STOP_TYPING):
                await guest.client.emit(Namespace.ROOMS, event, data)

    def _room_of(self, guest: Guest) -> Place:
        """A room one is in, as a rule."""
        inside = [p for p in self._places if guest.name in p.state.roles]
        if inside and self._dice.random() < 0.95:
            return self._dice.choice(inside)
        return self._dice.choice(self._places)

    def _concerned(self, what: Event, guest: Guest, place: Place) -> list[str]:
        """To whom a ruling can be done; oneself not."""
        state = place.state
        if what is Event.ADD_CLIENT_TO_ROOM:
            names = [*state.kicked] or [
                n for n in self._everybody if n not in state.roles
            ]
        elif what is Event.UNMUTE_MEMBER:
            names = [n for n in state.roles if n in state.muted] or [*state.roles]
        else:
            names = [*state.roles]
        return sorted(name for name in names if name != guest.name)


HABITS: Final[dict[Habit, float]] = {
    Habits.come_and_go: 12,
    Habits.rule: 10,
    Habits.speak: 40,
    Habits.edit: 8,
    Habits.delete: 5,
    Habits.order: 20,
    Habits.type: 5,
}
"""What guests do, and how often."""
