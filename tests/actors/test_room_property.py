"""Whatever a handful of people do in some rooms: the actors do as the rules say."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actors.directory import Kind
from actors.errors import BrokerError
from actors.hall_events import CreateRoom, SweepAll
from actors.modes import RequestMode
from actors.outbound import OrderPlaced
from actors.relay_events import Barred, Cleared, Held, Recorded
from actors.roles import Caller, CallerKind, Role, Target
from actors.room_events import (
    Add,
    Delete,
    GetMembers,
    Join,
    Kick,
    Leave,
    Mute,
    Remove,
    SetMode,
    SetRole,
    Unmute,
)
from tests.actors.inn import MONITOR, Inn, Shelf, code_of
from tests.actors.rules import Place, RefusedByRuleError, Rules

KINDS: Final = {
    "ann": CallerKind.CLIENT,
    "bob": CallerKind.CLIENT,
    "cat": CallerKind.CLIENT,
    "boss": CallerKind.MONITOR,
    "tav": CallerKind.EXTENSION,
}
PEOPLE: Final = {name: Caller(name, name, kind) for name, kind in KINDS.items()}
ROOMS: Final = ("red", "blue", "ann", "bob")
CREATED: Final = ("red", "blue")


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """Something somebody does; each kind of step looks at what it needs."""

    what: str
    who: str
    target: str = "bob"
    room: str = "red"
    role: str = "guest"
    mode: str = "Default"
    proof: str | None = None
    locked: bool = False
    open: bool = False
    keep: bool = False
    back: frozenset[str] = frozenset()
    """Who comes back after a restart."""


class World:
    """The rules and the actors, side by side."""

    def __init__(self) -> None:
        self.rules = Rules()
        self.shelf = Shelf()
        self.inn = Inn()
        self._requests = 0

    async def open(self, *people: str) -> None:
        """Start the process, with these people."""
        self.inn = Inn(store=self.shelf.ref, index=self.shelf.index())
        await self.inn.tavern("answers", capacity=1_000)
        await self.inn.come(*(PEOPLE[name] for name in people))
        for name in people:
            self.rules.come(name)

    async def take(self, step: Step) -> None:
        """Do something, and see that both say the same of it."""
        if step.what in {"come", "go", "restart"}:
            await getattr(self, f"_{step.what}")(step)
        elif step.who in self.rules.here:
            if step.what == "order":
                await self._order(step)
            else:
                assert await self._do(step) == self._ruled(step), step
        await self.inn.settle()

    # -- who is here

    async def _come(self, step: Step) -> None:
        self.rules.come(step.who)
        await self.inn.come(PEOPLE[step.who])

    async def _go(self, step: Step) -> None:
        if step.who in self.rules.here:
            self.rules.go(step.who)
            await self.inn.go(PEOPLE[step.who])

    async def _restart(self, step: Step) -> None:
        """Some come back in time; from whoever is not here, rooms are swept."""
        back = sorted(self.rules.here & step.back)
        self.rules.restart()
        await self.open(*back)
        self.inn.house.hall.tell(SweepAll())
        await self.inn.settle()
        self.rules.go(*(PEOPLE.keys() - back))

    # -- what they do

    async def _order(self, step: Step) -> None:
        self._requests += 1
        name = f"{self._requests}"
        verdict, _ = await self.inn.submit(
            step.room, PEOPLE[step.who], name, request_id=name
        )
        try:
            expected: Any = self.rules.order(step.who, step.room, name)
        except RefusedByRuleError as error:
            expected = error.code

        assert _said(verdict) == expected, step

    async def _do(self, step: Step) -> int:
        by = PEOPLE[step.who]
        if step.what == "create":
            wanted = CreateRoom(
                name=step.room,
                caller=by,
                mode=RequestMode(step.mode),
                open=step.open,
                password="right" if step.locked else None,
                keep=step.keep,
            )
            return await code_of(self.inn.hall(wanted))
        return await self.inn.outcome(step.room, self._message(step, by))

    def _message(self, step: Step, by: Caller) -> Any:
        target, role = Target(step.target), Role(step.role)
        who, present = PEOPLE[step.target], step.target in self.rules.here
        make: dict[str, Callable[[], Any]] = {
            "delete": lambda: Delete(by),
            "mode": lambda: SetMode(RequestMode(step.mode), by),
            "join": lambda: Join(by, step.proof),
            "leave": lambda: Leave(by),
            "add": lambda: Add(who, by, role, present),
            "remove": lambda: Remove(target, by),
            "kick": lambda: Kick(target, by),
            "mute": lambda: Mute(target, 0, by),
            "unmute": lambda: Unmute(target, by),
            "role": lambda: SetRole(target, role, by),
        }
        return make[step.what]()

    def _ruled(self, step: Step) -> int:
        rules, who, target, room = self.rules, step.who, step.target, step.room
        wanted = Place(
            open=step.open,
            password="right" if step.locked else None,
            keep=step.keep,
            mode=step.mode,
        )
        say: dict[str, Callable[[], int]] = {
            "create": lambda: rules.create(who, room, wanted),
            "delete": lambda: rules.delete(who, room),
            "mode": lambda: rules.set_mode(who, room, step.mode),
            "join": lambda: rules.join(who, room, step.proof),
            "leave": lambda: rules.leave(who, room),
            "add": lambda: rules.add(who, target, room, step.role),
            "remove": lambda: rules.remove(who, target, room),
            "kick": lambda: rules.kick(who, target, room),
            "mute": lambda: rules.mute(who, target, room, muted=True),
            "unmute": lambda: rules.mute(who, target, room, muted=False),
            "role": lambda: rules.set_role(who, target, room, step.role),
        }
        try:
            return say[step.what]()
        except RefusedByRuleError as error:
            return error.code

    # -- what is so

    async def compare(self, step: Step | None) -> None:
        """See that every room is as the rules have it."""
        for name in ROOMS:
            assert await self._actual(name) == self._expected(name), (name, step)

    async def _actual(self, name: str) -> Any:
        try:
            found = await self.inn.room(name, GetMembers(MONITOR))
        except BrokerError as error:
            return error.code
        ref = self.inn.house.directory.find(Kind.ROOM, name)
        assert ref is not None
        room: Any = ref.actor_inbox._actor
        members = [
            (m.identity, m.role.value, m.muted_until is not None, m.present)
            for m in found
        ]
        held = [s.order.request_id for s in room._orders._held.values()]
        return members, room._premises.mode.value, held

    def _expected(self, name: str) -> Any:
        if name not in self.rules.rooms:
            return 302
        room, here = self.rules.rooms[name], self.rules.here
        members = [
            (who, seat.role, seat.muted, who in here)
            for who, seat in room.seats.items()
        ]
        return members, room.mode, [request for _, request in room.held]


def _said(verdict: Cleared | Held | Recorded | Barred) -> Any:
    match verdict:
        case Cleared(order):
            return "sent", order.extra.get("originalRequestIds", [])
        case Held():
            return "held", []
        case Recorded():
            return "kept", []
        case Barred(error):
            return int(error.code)


ACTS: Final = (
    *("come", "go", "restart", "create", "delete", "join", "leave", "add", "remove"),
    *("kick", "mute", "unmute", "role", "mode", "order", "order", "order"),
)

people, rooms = st.sampled_from(tuple(PEOPLE)), st.sampled_from(ROOMS)
steps = st.builds(
    Step,
    what=st.sampled_from(ACTS),
    who=people,
    target=people,
    room=rooms,
    role=st.sampled_from([role.value for role in Role]),
    mode=st.sampled_from([mode.value for mode in RequestMode]),
    proof=st.sampled_from([None, "right", "wrong"]),
    locked=st.booleans(),
    open=st.booleans(),
    keep=st.booleans(),
    back=st.frozensets(people),
).filter(lambda step: step.what != "create" or step.room in CREATED)


async def live(sequence: list[Step]) -> World:
    """Let a house see all that, from an evening on on which a room was made."""
    world = World()
    await world.open(*PEOPLE)
    evening = [
        Step(what="create", who="ann", open=True),
        Step(what="join", who="bob"),
    ]
    for step in [*evening, *sequence]:
        await world.take(step)
        await world.compare(step)
    return world


@settings(
    max_examples=60,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(st.lists(steps, max_size=30))
def test_the_actors_do_as_the_rules_say(sequence: list[Step]) -> None:
    """Every answer, and after each step every member, role, mute, mode and held one."""
    asyncio.run(live(sequence))


def test_a_sequence_is_worth_something() -> None:
    """It does go through the actors: what is held is sent in the end."""
    held = Step(what="order", who="bob")
    sent = Step(what="mode", who="ann", mode="Immediate")
    world = asyncio.run(live([held, held, sent]))

    (placed,) = world.inn.outbound.of(OrderPlaced)
    assert placed.order.extra["originalRequestIds"] == ["1", "2"]
