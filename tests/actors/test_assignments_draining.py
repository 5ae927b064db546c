"""Extensions that finish what they have and take nothing new."""

from __future__ import annotations

from typing import Any

import pytest

from actors.assignment_events import AssignmentChanged
from actors.assignment_records import Remembered
from actors.assignments import (
    Assignments,
    Available,
    Drain,
    GetAssignments,
    GetAvailable,
    GetDraining,
    Gone,
    NotPlaced,
    Place,
    Placed,
    RoomOpened,
    SetPolicy,
    Unavailable,
    Undrain,
)
from actors.base import LoopRef, ask
from actors.errors import BrokerError, Code
from actors.policies import ConnectionPolicy
from actors.roles import Caller, CallerKind
from tests.actors.recording import ENOUGH, FakeStore, Neighbour

P = ConnectionPolicy

MONITOR = Caller("monitor", "monitor", CallerKind.MONITOR)
TAVERN = Caller("a", "a", CallerKind.EXTENSION)
GUEST = Caller("guest", "guest")


class House:
    """The assignments of the room ``r``, and two extensions ``a`` and ``b``."""

    def __init__(self, policy: ConnectionPolicy = P.FREE, **rooms: str) -> None:
        remembered = Remembered(policy, {room: (one,) for room, one in rooms.items()})
        self.ref = Assignments.start(FakeStore(ok=True).ref, remembered)
        self.room = Neighbour()
        self.extension: LoopRef[Any] = Neighbour().ref
        self.ref.tell(RoomOpened("r", self.room.ref, client_room=True))
        self.enter("a")
        self.enter("b")

    def enter(self, identity: str) -> None:
        """An extension can be reached."""
        self.ref.tell(Available(identity, identity, self.extension))

    async def ask(self, message: Any) -> Any:
        """Ask the assignments."""
        return await ask(self.ref, message, timeout=ENOUGH)

    async def drain(self, identity: str) -> None:
        """Drain one, as a monitor."""
        await self.ask(Drain(identity, MONITOR))

    async def place(self, *targets: str, avoid: tuple[str, ...] = ()) -> list[str]:
        """Ask for a place in ``r``; gives who was chosen, or raises what was said."""
        asker = Neighbour()
        self.ref.tell(Place("1", targets, asker.ref, "r", avoid))
        await asker.until(lambda: bool(asker.items))
        answer = asker.items[0]
        if isinstance(answer, NotPlaced):
            raise answer.error
        assert isinstance(answer, Placed)
        return [placement.identity for placement in answer.placements]

    async def refusal(self, *targets: str) -> BrokerError:
        """Why there is no place."""
        with pytest.raises(BrokerError) as caught:
            await self.place(*targets)
        return caught.value


@pytest.mark.parametrize("policy", [P.FREE, P.BROADCAST, P.BALANCED, P.RANDOM])
async def test_the_policy_gives_it_nothing_new(policy: ConnectionPolicy) -> None:
    """The room is given the other, also where it had this one."""
    house = House(policy, r="a")
    await house.drain("a")

    assert await house.place() == ["b"]
    assert (await house.ask(GetAssignments()))["r"] == ("b",)


async def test_who_names_it_is_refused() -> None:
    """10503, and the reason."""
    house = House()
    await house.drain("a")
    error = await house.refusal("a")

    assert error.code == Code.NO_LLM_AVAILABLE
    assert error.message == "'a' is draining: it finishes what it has, nothing more"


async def test_a_client_is_served_by_its_other_instance() -> None:
    """A clientId names them all."""
    house = House()
    house.ref.tell(Available("tab1", "tavern", house.extension))
    house.ref.tell(Available("tab2", "tavern", house.extension))
    await house.drain("tab1")

    assert await house.place("tavern") == ["tab2"]


async def test_what_moves_does_not_move_to_it() -> None:
    """It would be new to it."""
    house = House()
    await house.drain("b")

    with pytest.raises(BrokerError):
        await house.place(avoid=("a",))


async def test_where_nobody_else_is_the_reason_is_told() -> None:
    """Not that nobody is connected."""
    house = House()
    await house.drain("a")
    await house.drain("b")
    error = await house.refusal()

    assert error.code == Code.NO_LLM_AVAILABLE
    assert error.message == "draining: a, b; nobody else could answer"


async def test_what_was_assigned_by_hand_stays_and_waits() -> None:
    """Under ``Manual`` nobody stands in."""
    house = House(P.MANUAL, r="a")
    await house.drain("a")
    error = await house.refusal()

    assert error.message == "draining: a; nobody else could answer"
    assert (await house.ask(GetAssignments()))["r"] == ("a",)
    await house.ask(Undrain("a", MONITOR))
    assert await house.place() == ["a"]


async def test_a_room_that_nothing_is_assigned_to_is_told_that() -> None:
    """Somebody who drains elsewhere is not the reason."""
    house = House(P.MANUAL)
    await house.drain("a")

    assert "no SillyTavern is assigned" in (await house.refusal()).message


async def test_under_manual_nobody_waits_for_it_in_its_grace_time() -> None:
    """It would be new to it when it is back."""
    house = House(P.MANUAL, r="a")
    await house.drain("a")
    house.ref.tell(Unavailable("a"))

    assert (await house.refusal()).code == Code.NO_LLM_AVAILABLE


async def test_it_is_not_among_those_that_can_be_given_requests() -> None:
    """And rooms hear of it, and of its return."""
    house = House()
    await house.drain("a")
    await house.room.hears(AssignmentChanged, extensions=("b",))

    assert await house.ask(GetAvailable()) == ["b"]
    assert await house.ask(GetDraining()) == {"a"}
    await house.ask(Undrain("a", MONITOR))
    await house.room.hears(AssignmentChanged, extensions=("b", "a"))
    assert await house.ask(GetDraining()) == frozenset()


async def test_it_stays_so_when_it_leaves_and_comes_back() -> None:
    """A page that is loaded anew is no other SillyTavern."""
    house = House(P.BALANCED, r="a")
    await house.drain("a")
    house.ref.tell(Gone("a"))
    house.enter("a")

    assert await house.place() == ["b"]
    assert await house.ask(GetAvailable()) == ["b"]


async def test_it_stays_so_under_another_policy() -> None:
    """Which begins without it."""
    house = House()
    await house.drain("a")
    await house.ask(SetPolicy(P.BALANCED, MONITOR))

    assert await house.place() == ["b"]


async def test_one_that_is_not_here_can_be_let_work_again() -> None:
    """When it comes back, it does."""
    house = House()
    await house.drain("a")
    house.ref.tell(Gone("a"))
    await house.ask(Undrain("a", MONITOR))
    house.enter("a")

    assert await house.ask(GetAvailable()) == ["b", "a"]


@pytest.mark.parametrize("message", [Drain, Undrain])
async def test_an_unknown_one_is_unknown(message: type[Drain | Undrain]) -> None:
    """401, and nothing is kept of it."""
    house = House()

    with pytest.raises(BrokerError) as caught:
        await house.ask(message("nobody", MONITOR))
    assert caught.value.code == Code.CLIENT_NOT_FOUND
    assert await house.ask(GetDraining()) == frozenset()


@pytest.mark.parametrize("message", [Drain, Undrain])
@pytest.mark.parametrize("by", [TAVERN, GUEST])
async def test_only_monitors_drain(message: type[Drain | Undrain], by: Caller) -> None:
    """Not even the SillyTavern itself."""
    with pytest.raises(BrokerError) as caught:
        await House().ask(message("a", by))

    assert caught.value.code == Code.AUTHORISATION_FAILED
    assert caught.value.message == "only a monitor drains SillyTaverns"
