"""``kill -9`` at any moment: what was acked is there when the broker is back."""

from __future__ import annotations

import asyncio
import itertools
import random
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

from broker.client import (
    TapsterClient,
    TapsterError,
    TapsterExtension,
)
from broker.protocol.wire import Event, Namespace

from .harness import Broker, StartBroker
from .soak.crew import Moody
from .soak.guest import Guest
from .soak.habits import Habits
from .soak.inspector import Inspector
from .soak.ledger import Body
from .soak.place import Place, Report
from .soak.rules import RoomState

KILLS = 20
PATIENCE = 100.0
"""Seconds in which everything here must have happened."""
GUESTS = [f"guest-{number}" for number in range(6)]
AT_ONCE = 3
"""Things that each guest does at a time."""
SHORTEST, LONGEST = 0.05, 0.4
"""Seconds of work before the end."""
SETTINGS: dict[str, Any] = {
    "monitorsMayGetKey": True,
    "contextPageSize": 1_000,
    "contextSendDelay": 0,
    "eventsPerSecond": 100_000,
    "eventsBurst": 100_000,
}


class World:
    """The model, and the keys that everybody keeps from one life to the next."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)  # noqa: S311 - the same deeds every time
        self.report = Report()
        self.places = [Place(f"room-{number}", self.report) for number in range(5)]
        self.numbers = {name: itertools.count(1) for name in GUESTS}
        self.keys: dict[str, str | None] = {}

    def client(self, broker: Broker, name: str) -> TapsterClient:
        """A connection of somebody."""
        return TapsterClient(
            broker.url,
            client_id=name,
            client_type="monitor" if name == "monitor" else "guest",
            key=self.keys.get(name, "getKey"),
            namespaces=[Namespace.ROOMS],
            transports=["websocket"],
        )


async def work(guest: Guest, habits: Habits, world: World) -> None:
    """Do one thing after another until the broker is dead."""
    for place in world.places:
        if guest.name in place.state.kicked:
            await guest.do(place, Event.JOIN_ROOM)
    try:
        while guest.client._connection.link is not None:
            await habits.follow(guest)
            # What fails at once must not keep the loop from noticing the end.
            await asyncio.sleep(0)
    except TapsterError:
        return


async def live_and_die(broker: Broker, world: World) -> None:
    """Let everybody work, and kill the broker at some moment."""
    async with AsyncExitStack() as stack:
        clients = [world.client(broker, name) for name in GUESTS]
        server = TapsterExtension(
            broker.url,
            client_id="SillyTavern",
            answer=Moody(world.dice).answer,
            capacity=4,
            key=world.keys.get("SillyTavern") or "getKey",
        )
        await asyncio.gather(
            *(stack.enter_async_context(each) for each in (*clients, server))
        )
        world.keys |= {each.identity: each.key for each in (*clients, server)}
        guests = [Guest(c, world.numbers[c.identity], world.report) for c in clients]
        habits = Habits(world.dice, world.places, GUESTS)
        at_work = [
            asyncio.create_task(work(guest, habits, world))
            for guest in guests
            for _ in range(AT_ONCE)
        ]
        await asyncio.wait(at_work, timeout=world.dice.uniform(SHORTEST, LONGEST))
        broker.kill()
        for client in clients:
            await client.close()
        await asyncio.gather(*at_work)


async def look_around(broker: Broker, world: World) -> None:
    """Hold every room against the model, and go on from what is there."""
    async with world.client(broker, "monitor") as monitor:
        world.keys["monitor"] = monitor.key
        inspector = Inspector(monitor)
        for place in world.places:
            for ordered in place.ledger.orders.values():
                ordered.answers = None  # an end is no ack: answers are stored after it
            found, history = await inspector.look(place)
            for difference in (
                *state_differences(place, found),
                *place.ledger.differences(history),
            ):
                world.report.wrong(f"{place.name}: {difference}")
            settle(place, found, history)


def state_differences(place: Place, found: RoomState) -> list[str]:
    """Where a room is neither as before the deed in doubt nor as after it."""
    before = place.state
    deed, after = place.doubt or (None, before)
    wrong = []
    if found.exists not in (before.exists, after.exists):
        return [f"exists: {found.exists}, in doubt was {deed}"]
    if not found.exists:
        return []
    if found.mode not in (before.mode, after.mode):
        wrong.append(f"the mode is {found.mode}")
    for who in found.roles.keys() | before.roles.keys() | after.roles.keys():
        role = found.roles.get(who)
        if role not in (before.roles.get(who), after.roles.get(who)):
            wrong.append(f"{who} is {role}")
        muted = who in found.muted
        if role and muted not in (who in before.muted, who in after.muted):
            wrong.append(f"{who} is muted: {muted}")
    news = after.told[len(before.told) :] or (f"{deed and deed.who} left",)
    told, more = found.told[: len(before.told)], found.told[len(before.told) :]
    if told != before.told or more != news[: len(more)]:
        wrong.append(f"the system messages are {found.told}, not {before.told}")
    return [f"{each}; in doubt was {deed}" for each in wrong]


def settle(place: Place, found: RoomState, history: list[Body]) -> None:
    """End all doubt about a room."""
    state = place.state
    if place.doubt is not None:
        deed, after = place.doubt
        concerned = deed.whom or deed.who
        if (concerned in found.roles) == (concerned in after.roles):
            state = after
    hidden = state.muted - found.roles.keys()
    place.doubt = None
    place.state = replace(
        found, muted=found.muted | hidden, kicked=state.kicked - found.roles.keys()
    )
    place.ledger.adopt(history)


async def test_what_was_acked_survives_twenty_kills_under_load(
    start_broker: StartBroker,
) -> None:
    """Rooms, members, roles, mutes, kicks, modes, words, edits and deletions."""
    house: dict[str, dict[str, Any]] = {name: {} for name in GUESTS}
    house |= {"monitor": {"clientType": "monitor"}, "SillyTavern": {}}
    broker = start_broker(house, **SETTINGS)
    world = World(seed=9)

    async with asyncio.timeout(PATIENCE):
        for _ in range(KILLS):
            await live_and_die(broker, world)
            broker.restart()
            await look_around(broker, world)

    print(world.report.counts)  # noqa: T201 - shown where the test fails
    assert world.report.differences == []
    assert world.report.counts["words"] > KILLS * 10
