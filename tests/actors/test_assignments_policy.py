"""The policy as it is set, kept and told: the other half of the assignments actor."""

from __future__ import annotations

import time
from typing import Any

import pytest

from actors.assignment_events import AssignmentChanged
from actors.assignment_records import PutAssignments, PutPolicy, Remembered
from actors.assignments import (
    Assign,
    Assignments,
    Available,
    GetAssignments,
    GetAssignmentsFor,
    GetClientRooms,
    GetPolicy,
    Gone,
    Place,
    RoomClosed,
    RoomDeleted,
    RoomOpened,
    SetPolicy,
    Settled,
    Unavailable,
)
from actors.base import LoopRef, ask
from actors.errors import BrokerError, Code
from actors.policies import Assigned, ConnectionPolicy
from actors.roles import Caller, CallerKind
from tests.actors.recording import ENOUGH, SHORT, FakeStore, Log, Neighbour

P = ConnectionPolicy

MONITOR = Caller("monitor", "monitor", CallerKind.MONITOR)
TAVERN = Caller("a", "a", CallerKind.EXTENSION)
GUEST = Caller("guest", "guest")


class Rooms(Log):
    """A desk, and the rooms that hear of it."""

    def __init__(
        self,
        policy: ConnectionPolicy = P.FREE,
        assigned: dict[str, Assigned] | None = None,
        *,
        ok: bool | None = True,
        grace: float = 30,
    ) -> None:
        super().__init__()
        self.store = FakeStore(ok=ok)
        remembered = Remembered(policy, assigned or {})
        self.ref: LoopRef[Assignments] = Assignments.start(
            self.store.ref, remembered, grace
        )
        self.rooms: dict[str, Neighbour] = {}
        self.extension = Neighbour().ref

    def enter(self, *identities: str) -> None:
        """Extensions can be reached."""
        for identity in identities:
            self.ref.tell(Available(identity, identity, self.extension))

    def open(self, *names: str, client_room: bool = True) -> None:
        """Rooms are there."""
        for name in names:
            self.rooms[name] = Neighbour()
            self.ref.tell(RoomOpened(name, self.rooms[name].ref, client_room))

    async def ask(self, message: Any) -> Any:
        """Ask the assignments."""
        return await ask(self.ref, message, timeout=ENOUGH)

    async def set(self, policy: ConnectionPolicy) -> Settled:
        """Set a policy, as a monitor."""
        settled: Settled = await self.ask(SetPolicy(policy, MONITOR))
        return settled

    async def assign(self, room: str, *extensions: str) -> Settled:
        """Assign extensions, as a monitor."""
        settled: Settled = await self.ask(Assign(room, extensions, MONITOR))
        return settled

    async def assignments(self) -> dict[str, Assigned]:
        """All assignments."""
        found: dict[str, Assigned] = await self.ask(GetAssignments())
        return found

    async def told(self, room: str, *extensions: str) -> None:
        """Wait until a room was told that it may use these."""
        await self.rooms[room].hears(AssignmentChanged, extensions=extensions)

    def heard(self, room: str) -> list[Assigned]:
        """All that a room was told."""
        return [item.extensions for item in self.rooms[room].of(AssignmentChanged)]

    def stored(self) -> dict[str, Assigned]:
        """What a restart would know."""
        rows: dict[str, Assigned] = {}
        for write in self.store.of(PutAssignments):
            rows |= write.rooms
        return {room: assigned for room, assigned in rows.items() if assigned}


async def code_of(rooms: Rooms, message: Any) -> int:
    """The code that a message is refused with."""
    with pytest.raises(BrokerError) as caught:
        await rooms.ask(message)
    return caught.value.code


# -- setting


async def test_free_is_in_force_until_somebody_sets_another() -> None:
    """The default."""
    assert await Rooms().ask(GetPolicy()) is P.FREE


@pytest.mark.parametrize("policy", list(P))
async def test_a_policy_is_in_force_and_stored_when_it_is_acknowledged(
    policy: ConnectionPolicy,
) -> None:
    """The answer comes after the commit."""
    rooms = Rooms()

    assert await rooms.set(policy) == Settled()
    assert await rooms.ask(GetPolicy()) is policy
    assert [write.policy for write in rooms.store.of(PutPolicy)] == [policy]


async def test_a_policy_that_can_not_be_stored_is_in_force_with_a_warning() -> None:
    """The disk is full, the work goes on."""
    rooms = Rooms(ok=False)
    settled = await rooms.set(P.MANUAL)

    assert settled.warning == "the store is down: a restart would undo this"
    assert await rooms.ask(GetPolicy()) is P.MANUAL


@pytest.mark.parametrize("by", [GUEST, TAVERN])
async def test_only_monitors_change_anything(by: Caller) -> None:
    """6 for everybody else."""
    rooms = Rooms(P.MANUAL)
    rooms.enter("a")
    rooms.open("r")

    assert await code_of(rooms, SetPolicy(P.FREE, by)) == Code.AUTHORISATION_FAILED
    assert await code_of(rooms, Assign("r", ("a",), by)) == Code.AUTHORISATION_FAILED
    assert await rooms.ask(GetPolicy()) is P.MANUAL
    assert await rooms.assignments() == {"r": ()}


# -- by hand


async def test_what_is_assigned_is_stored_and_told() -> None:
    """The room's own, and no other's."""
    rooms = Rooms(P.MANUAL)
    rooms.enter("a", "b", "c")
    rooms.open("r", "s")

    assert await rooms.assign("r", "b", "a") == Settled()
    await rooms.told("r", "a", "b")
    assert rooms.stored() == {"r": ("a", "b")}
    assert await rooms.assignments() == {"r": ("a", "b"), "s": ()}
    assert await rooms.ask(GetAssignmentsFor("r")) == ("a", "b")
    assert rooms.heard("s") == []


async def test_an_empty_list_takes_everything_from_a_room() -> None:
    """On disk too."""
    rooms = Rooms(P.MANUAL, {"r": ("a",)})
    rooms.open("r")
    await rooms.assign("r")

    assert await rooms.assignments() == {"r": ()}
    assert rooms.store.of(PutAssignments)[-1].rooms == {"r": ()}


async def test_what_changes_nothing_is_neither_stored_nor_told() -> None:
    """Only acknowledged."""
    rooms = Rooms(P.MANUAL, {"r": ("a",)})
    rooms.enter("a")
    rooms.open("r")
    await rooms.told("r", "a")
    await rooms.assign("r", "a")
    await rooms.assign("r", "a", "a")

    assert rooms.store.of(PutAssignments) == []
    assert rooms.heard("r") == [("a",)]


async def test_an_extension_nobody_knows_can_not_be_assigned() -> None:
    """401, and nothing is."""
    rooms = Rooms(P.MANUAL)
    rooms.enter("a")
    rooms.open("r")
    assign = Assign("r", ("a", "nobody"), MONITOR)

    assert await code_of(rooms, assign) == Code.CLIENT_NOT_FOUND
    assert await rooms.assignments() == {"r": ()}


async def test_an_extension_that_is_away_can_be_assigned() -> None:
    """One in its grace time, and one that the room has already."""
    rooms = Rooms(P.MANUAL, {"r": ("gone",)})
    rooms.enter("a")
    rooms.ref.tell(Unavailable("a"))
    await rooms.assign("r", "a", "gone")

    assert await rooms.ask(GetAssignmentsFor("r")) == ("a", "gone")


@pytest.mark.parametrize(
    "message", [Assign("nowhere", (), MONITOR), GetAssignmentsFor("nowhere")]
)
async def test_a_room_nobody_knows_has_no_assignment(message: Any) -> None:
    """302."""
    assert await code_of(Rooms(P.MANUAL), message) == Code.ROOM_NOT_FOUND


@pytest.mark.parametrize("policy", [P.FREE, P.BROADCAST, P.BALANCED, P.RANDOM])
async def test_assigning_by_hand_needs_manual(policy: ConnectionPolicy) -> None:
    """4, and it says which policy is in the way."""
    rooms = Rooms(policy)
    rooms.enter("a")
    rooms.open("r")
    with pytest.raises(BrokerError) as caught:
        await rooms.assign("r", "a")

    assert caught.value.code == Code.INVALID_REQUEST
    assert caught.value.message == (
        f"the policy is {policy}: assignments by hand need Manual"
    )


async def test_what_was_assigned_by_hand_outlives_the_visit_but_not_the_room() -> None:
    """A client that comes back tomorrow has what it had."""
    rooms = Rooms(P.MANUAL, {"r": ("a",), "s": ("a",)})
    rooms.open("r", "s")
    rooms.ref.tell(RoomClosed("r"))
    rooms.ref.tell(RoomDeleted("s"))

    assert await rooms.assignments() == {"r": ("a",)}
    assert rooms.store.of(PutAssignments)[-1].rooms == {"s": ()}


async def test_what_was_assigned_by_hand_waits_under_free() -> None:
    """And is there when Manual is back."""
    rooms = Rooms(P.MANUAL, {"r": ("a",)})
    rooms.enter("a", "b")
    rooms.open("r")
    await rooms.set(P.FREE)
    free = await rooms.assignments()
    await rooms.set(P.MANUAL)

    assert free == {"r": ("a", "b")}
    assert await rooms.assignments() == {"r": ("a",)}
    assert rooms.store.of(PutAssignments) == []


# -- what rooms are told


async def test_a_room_is_told_what_it_may_use_when_it_opens() -> None:
    """And again when that changes."""
    rooms = Rooms()
    rooms.enter("a")
    rooms.open("r")
    await rooms.told("r", "a")
    rooms.enter("b")
    await rooms.told("r", "a", "b")
    rooms.ref.tell(Gone("a"))
    await rooms.told("r", "b")

    assert rooms.heard("r") == [("a",), ("a", "b"), ("b",)]


async def test_changes_of_one_moment_are_told_as_one() -> None:
    """Eight extensions that come at once are one piece of news."""
    rooms = Rooms()
    rooms.open("r")
    eight = [f"e{number}" for number in range(8)]
    rooms.enter(*eight)
    await rooms.told("r", *eight)

    assert len(rooms.heard("r")) == 1


async def test_who_is_lost_and_comes_back_is_no_news() -> None:
    """The grace time keeps it its rooms."""
    rooms = Rooms(P.BALANCED)
    rooms.enter("a", "b")
    rooms.open("r", "s")
    before = await rooms.assignments()
    rooms.ref.tell(Unavailable("a"))
    away = await rooms.assignments()
    rooms.enter("a")

    assert await rooms.assignments() == away == before
    assert sorted(before.values()) == [("a",), ("b",)]


async def test_who_has_gone_leaves_its_rooms_to_the_others() -> None:
    """They are told."""
    rooms = Rooms(P.BALANCED)
    rooms.enter("a", "b")
    rooms.open("r", "s")
    before = await rooms.assignments()
    moved = next(room for room, assigned in before.items() if assigned == ("a",))
    rooms.ref.tell(Gone("a"))
    await rooms.told(moved, "b")

    assert set((await rooms.assignments()).values()) == {("b",)}
    assert rooms.stored() == {"r": ("b",), "s": ("b",)}


async def test_a_room_says_again_that_it_is_open_and_hears_nothing_new() -> None:
    """An own room hears by the hall before it is an actor, and has the same people."""
    rooms = Rooms()
    rooms.enter("a")
    rooms.open("r")
    await rooms.told("r", "a")
    rooms.ref.tell(RoomOpened("r", rooms.rooms["r"].ref, client_room=True))
    rooms.enter("b")
    await rooms.told("r", "a", "b")
    assert len(rooms.heard("r")) == 2


async def test_a_room_that_is_built_again_hears_what_the_one_before_knew() -> None:
    """A fresh actor of a created room knows nothing."""
    rooms = Rooms()
    rooms.enter("a")
    rooms.open("r", client_room=False)
    await rooms.told("r", "a")

    rooms.open("r", client_room=False)
    await rooms.told("r", "a")


async def test_a_room_that_has_closed_is_told_nothing_and_counts_no_more() -> None:
    """Nothing is stored for it either."""
    rooms = Rooms(P.RANDOM)
    rooms.enter("a")
    rooms.open("r", "s")
    await rooms.told("r", "a")
    rooms.ref.tell(RoomClosed("r"))
    rooms.ref.tell(RoomClosed("r"))
    rooms.enter("b")
    rooms.ref.tell(Gone("a"))
    await rooms.told("s", "b")

    assert await rooms.assignments() == {"s": ("b",)}
    assert rooms.heard("r") == [("a",)]
    assert rooms.stored() == {"s": ("b",)}


async def test_client_rooms_are_listed_and_others_are_not() -> None:
    """A room somebody made is nobody's own."""
    rooms = Rooms()
    rooms.open("guest")
    rooms.open("lobby", client_room=False)
    rooms.open("web")
    rooms.ref.tell(RoomClosed("web"))

    assert await rooms.ask(GetClientRooms()) == ["guest"]
    assert (await rooms.assignments()).keys() == {"guest", "lobby"}


async def test_a_change_reaches_many_rooms_in_little_time() -> None:
    """10,000 rooms and 8 extensions: it takes the processor less than 50 ms."""
    rooms, hearer = Rooms(P.BALANCED), Neighbour()
    rooms.enter(*[f"e{number}" for number in range(7)])
    for number in range(10_000):
        rooms.ref.tell(RoomOpened(f"r{number}", hearer.ref, client_room=True))
    await rooms.ask(GetPolicy())
    began = time.thread_time()
    rooms.enter("e7")
    await rooms.ask(GetPolicy())
    took = time.thread_time() - began

    assert took < 0.05
    shares = [one for (one,) in (await rooms.assignments()).values()]
    assert {shares.count(name) for name in set(shares)} == {1250}


async def test_rooms_that_never_opened_are_remembered_up_to_a_bound() -> None:
    """The oldest make room."""
    rooms, asker = Rooms(P.RANDOM), Neighbour()
    rooms.enter("a")
    for number in range(10_001):
        rooms.ref.tell(Place(f"{number}", (), asker.ref, f"r{number}"))
    found = await rooms.assignments()

    assert len(found) == 10_000
    assert "r0" not in found


# -- after a restart


async def test_rooms_and_extensions_that_come_back_find_each_other() -> None:
    """In whichever order; nothing is written."""
    assigned: dict[str, Assigned] = {"r": ("b",), "s": ("a",), "t": ("a",)}
    rooms = Rooms(P.BALANCED, assigned)
    rooms.open("t", "r")
    rooms.enter("a", "b")
    rooms.open("s")
    await rooms.told("s", "a")

    assert await rooms.assignments() == assigned
    assert rooms.store.of(PutAssignments) == []


async def test_extensions_that_do_not_come_back_have_gone_after_the_grace_time() -> (
    None
):
    """Their rooms are given to others."""
    rooms = Rooms(P.BALANCED, {"r": ("a",), "s": ("b",)}, grace=SHORT)
    rooms.open("r", "s")
    rooms.enter("b")
    await rooms.told("r", "a")
    await rooms.told("r", "b")

    assert await rooms.assignments() == {"r": ("b",), "s": ("b",)}


async def test_rooms_that_do_not_come_back_are_forgotten_after_the_grace_time() -> None:
    """Or they would count for ever."""
    rooms = Rooms(P.RANDOM, {"r": ("a",), "s": ("gone",)}, grace=SHORT)
    rooms.enter("a")
    rooms.open("s")
    await rooms.told("s", "a")

    assert await rooms.assignments() == {"s": ("a",)}
    assert {"r": ()}.items() <= rooms.store.of(PutAssignments)[0].rooms.items()


async def test_what_was_assigned_by_hand_needs_nobody_to_come_back() -> None:
    """A monitor decided it, and a monitor undoes it."""
    rooms = Rooms(P.MANUAL, {"r": ("a",)}, grace=SHORT)
    waiter = Rooms(P.RANDOM, {"s": ("gone",)}, grace=SHORT)
    waiter.enter("b")
    waiter.open("s")
    await waiter.told("s", "b")  # by now both have started over

    assert await rooms.assignments() == {"r": ("a",)}
