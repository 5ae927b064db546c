"""Who answers which request."""

from __future__ import annotations

from typing import Any

import pytest

from actors.assignment_records import Remembered
from actors.assignments import (
    Assignments,
    Available,
    Forget,
    GetAvailable,
    Gone,
    NotPlaced,
    Place,
    Placed,
    Placement,
    Release,
    Unavailable,
)
from actors.base import LoopRef, ask
from actors.errors import BrokerError, Code
from actors.policies import ConnectionPolicy
from tests.actors.recording import ENOUGH, FakeStore, Neighbour

P = ConnectionPolicy


class Desk:
    """The assignments, an asker, and extensions that do nothing."""

    def __init__(self, policy: ConnectionPolicy = P.FREE, **rooms: str) -> None:
        """Remember a policy, and the one extension that each room was assigned."""
        remembered = Remembered(policy, {room: (one,) for room, one in rooms.items()})
        self.ref = Assignments.start(FakeStore(ok=True).ref, remembered)
        self.asker = Neighbour()
        self.extension: LoopRef[Any] = Neighbour().ref
        self._asked = 0

    def enter(self, identity: str, client: str | None = None) -> None:
        """An extension can be reached."""
        self.ref.tell(Available(identity, client or identity, self.extension))

    async def place(
        self, request: str, *targets: str, avoid: tuple[str, ...] = (), room: str = "r"
    ) -> list[str]:
        """Ask for a place; gives the identities chosen."""
        placements = await self.placements(request, *targets, avoid=avoid, room=room)
        return [placement.identity for placement in placements]

    async def placements(
        self, request: str, *targets: str, avoid: tuple[str, ...] = (), room: str = "r"
    ) -> tuple[Placement, ...]:
        """Ask for a place; raises what is answered instead."""
        self._asked += 1
        self.ref.tell(Place(request, targets, self.asker.ref, room, avoid))
        await self.asker.until(lambda: len(self.asker.items) == self._asked)
        answer = self.asker.items[-1]
        if isinstance(answer, NotPlaced):
            raise answer.error
        assert isinstance(answer, Placed)
        return answer.placements


@pytest.fixture
async def desk() -> Desk:
    """Assignments without any extension."""
    return Desk()


async def test_the_least_busy_is_chosen(desk: Desk) -> None:
    """The policy ``Free``."""
    for identity in ("a", "b"):
        desk.enter(identity)
    await desk.place("1", "a")

    assert await desk.place("2") == ["b"]


async def test_among_equals_who_waited_longest_is_chosen(desk: Desk) -> None:
    """Work goes round."""
    for identity in ("a", "b", "c"):
        desk.enter(identity)
    order = [(await desk.place(str(n)))[0] for n in range(3)]
    for n in range(3):
        desk.ref.tell(Forget(str(n)))

    assert [(await desk.place(str(n)))[0] for n in range(3)] == order


async def test_a_request_that_went_elsewhere_avoids_where_it_was(desk: Desk) -> None:
    """The policy does not choose one twice for a request."""
    for identity in ("a", "b"):
        desk.enter(identity)

    assert await desk.place("1", avoid=("a",)) == ["b"]


async def test_with_nobody_left_there_is_no_llm_available(desk: Desk) -> None:
    """Whoever asked is told why."""
    desk.enter("a")

    with pytest.raises(BrokerError) as caught:
        await desk.place("1", avoid=("a",))
    assert caught.value.code == Code.NO_LLM_AVAILABLE


async def test_with_nobody_connected_there_is_no_llm_available(desk: Desk) -> None:
    """10503, not a wait."""
    with pytest.raises(BrokerError) as caught:
        await desk.place("1")

    assert caught.value.code == Code.NO_LLM_AVAILABLE


async def test_a_named_extension_gets_the_request(desk: Desk) -> None:
    """However busy it is."""
    for identity in ("a", "b"):
        desk.enter(identity)
    await desk.place("1", "a")

    assert await desk.place("2", "a") == ["a"]


@pytest.mark.parametrize(("targets", "by_policy"), [((), True), (("a",), False)])
async def test_a_placement_says_who_chose(
    desk: Desk, targets: tuple[str, ...], *, by_policy: bool
) -> None:
    """What the policy placed may be moved, what was named waits."""
    desk.enter("a", "tavern")

    assert await desk.placements("1", *targets) == (
        Placement("a", "tavern", desk.extension, by_policy),
    )


async def test_a_client_id_means_its_least_busy_instance(desk: Desk) -> None:
    """One client may have several tabs."""
    desk.enter("tab1", "tavern")
    desk.enter("tab2", "tavern")
    desk.enter("other")
    await desk.place("1", "tab1")

    assert await desk.place("2", "tavern") == ["tab2"]


async def test_a_list_of_targets_means_all_of_them(desk: Desk) -> None:
    """A leg for each, in the order they were named."""
    for identity in ("a", "b", "c"):
        desk.enter(identity)

    assert await desk.place("1", "c", "a") == ["c", "a"]


async def test_a_target_named_twice_is_one(desk: Desk) -> None:
    """Nobody is asked the same thing twice."""
    desk.enter("a")

    assert await desk.place("1", "a", "a") == ["a"]


@pytest.mark.parametrize("targets", [("nobody",), ("a", "nobody")])
async def test_an_unknown_target_is_an_error(
    desk: Desk, targets: tuple[str, ...]
) -> None:
    """401, and nothing is placed."""
    desk.enter("a")

    with pytest.raises(BrokerError) as caught:
        await desk.place("1", *targets)
    assert caught.value.code == Code.CLIENT_NOT_FOUND


async def test_an_extension_that_was_lost_is_not_chosen(desk: Desk) -> None:
    """The policy only gives work to those who can do it."""
    for identity in ("a", "b"):
        desk.enter(identity)
    desk.ref.tell(Unavailable("a"))

    assert await desk.place("1") == ["b"]
    assert await ask(desk.ref, GetAvailable(), timeout=ENOUGH) == ["b"]


@pytest.mark.parametrize("name", ["tab", "tavern"])
async def test_an_extension_that_was_lost_can_still_be_named(
    desk: Desk, name: str
) -> None:
    """By identity and by clientId: the request waits for it."""
    desk.enter("tab", "tavern")
    desk.ref.tell(Unavailable("tab"))

    assert await desk.place("1", name) == ["tab"]


async def test_an_extension_that_is_back_is_chosen_again(desk: Desk) -> None:
    """With the load it had."""
    for identity in ("a", "b"):
        desk.enter(identity)
    await desk.place("1", "a")
    desk.ref.tell(Unavailable("a"))
    desk.enter("a")

    assert await desk.place("2") == ["b"]
    assert await ask(desk.ref, GetAvailable(), timeout=ENOUGH) == ["a", "b"]


async def test_an_extension_that_has_gone_can_not_be_named(desk: Desk) -> None:
    """Nobody waits for who said goodbye."""
    desk.enter("a")
    desk.ref.tell(Gone("a"))

    with pytest.raises(BrokerError) as caught:
        await desk.place("1", "a")
    assert caught.value.code == Code.CLIENT_NOT_FOUND


@pytest.mark.parametrize(
    "message", [Gone("x"), Unavailable("x"), Release("1", "x"), Forget("1")]
)
async def test_words_about_the_unknown_mean_nothing(desk: Desk, message: Any) -> None:
    """They may come late, and twice."""
    await ask(desk.ref, message, timeout=ENOUGH)
    desk.enter("a")

    assert await desk.place("2") == ["a"]


async def test_releasing_twice_frees_once(desk: Desk) -> None:
    """The load is a set of requests, not a number."""
    for identity in ("a", "b"):
        desk.enter(identity)
    for request in ("1", "2"):
        await desk.place(request, "a")
    await desk.place("3", "b")
    desk.ref.tell(Release("1", "a"))
    desk.ref.tell(Release("1", "a"))
    desk.ref.tell(Forget("1"))
    first = await desk.place("4")

    # One request each: "a" waited longer. Freed twice, "a" would get the next, too.
    assert first == ["a"]
    assert await desk.place("5") == ["b"]


async def test_forgetting_frees_every_extension_of_a_request(desk: Desk) -> None:
    """All its legs at once."""
    for identity in ("a", "b", "c"):
        desk.enter(identity)
    await desk.place("1", "a", "b")
    await desk.place("2", "c")
    desk.ref.tell(Forget("1"))

    assert {(await desk.place(n))[0] for n in ("3", "4")} == {"a", "b"}


async def test_all_loads_end_at_nothing(desk: Desk) -> None:
    """After any mixture of placing and ending, work goes round as at first."""
    identities = ["a", "b", "c"]
    for identity in identities:
        desk.enter(identity)
    for n in range(20):
        await desk.place(f"{n}", *identities[: n % 4])
    for n in range(20):
        if n % 2:
            for identity in identities:
                desk.ref.tell(Release(f"{n}", identity))
        desk.ref.tell(Forget(f"{n}"))
    rounds = [(await desk.place(f"x{n}"))[0] for n in range(6)]

    assert sorted(rounds[:3]) == identities
    assert rounds[3:] == rounds[:3]


# -- what rooms may use


async def test_an_assigned_room_has_the_least_busy_of_its_own() -> None:
    """However idle another is."""
    desk = Desk(P.MANUAL, r="a")
    for identity in ("b", "a"):
        desk.enter(identity)

    assert await desk.place("1") == ["a"]
    assert await desk.place("2") == ["a"]


@pytest.mark.parametrize("policy", [P.MANUAL, P.BALANCED, P.RANDOM])
@pytest.mark.parametrize("targets", [("b",), ("a", "b"), ("b-tavern",)])
async def test_a_target_outside_the_assignment_is_refused(
    policy: ConnectionPolicy, targets: tuple[str, ...]
) -> None:
    """6, and nothing is placed."""
    desk = Desk(policy, r="a", s="b")
    for identity in ("a", "b"):
        desk.enter(identity, f"{identity}-tavern")

    with pytest.raises(BrokerError) as caught:
        await desk.place("1", *targets)
    assert caught.value.code == Code.AUTHORISATION_FAILED
    assert "assigned to room 'r'" in caught.value.message


@pytest.mark.parametrize("policy", [P.FREE, P.BROADCAST])
async def test_where_all_may_be_used_all_may_be_named(policy: ConnectionPolicy) -> None:
    """Whatever was assigned by hand before."""
    desk = Desk(policy, r="a")
    for identity in ("a", "b"):
        desk.enter(identity)

    assert await desk.place("1", "b") == ["b"]


async def test_a_client_id_means_its_instance_that_the_room_may_use() -> None:
    """Not the idler one next to it."""
    desk = Desk(P.MANUAL, r="tab1")
    for identity in ("tab1", "tab2"):
        desk.enter(identity, "tavern")
    await desk.place("1", "tab1")

    assert await desk.place("2", "tavern") == ["tab1"]


async def test_an_unknown_target_is_unknown_under_every_policy() -> None:
    """401 before 6."""
    desk = Desk(P.MANUAL, r="a")

    with pytest.raises(BrokerError) as caught:
        await desk.place("1", "nobody")
    assert caught.value.code == Code.CLIENT_NOT_FOUND


async def test_a_room_that_nothing_is_assigned_to_is_told_so() -> None:
    """10503, though somebody is connected."""
    desk = Desk(P.MANUAL)
    desk.enter("a")

    with pytest.raises(BrokerError) as caught:
        await desk.place("1")
    assert caught.value.code == Code.NO_LLM_AVAILABLE
    assert "no SillyTavern is assigned to room 'r'" in caught.value.message


async def test_a_room_whose_extension_is_not_there_is_told_so() -> None:
    """10503; the others are not for it."""
    desk = Desk(P.MANUAL, r="a")
    desk.enter("b")

    with pytest.raises(BrokerError) as caught:
        await desk.place("1")
    assert caught.value.code == Code.NO_LLM_AVAILABLE
    assert caught.value.message == "not connected: a, assigned to room 'r'"


async def test_a_room_waits_for_its_one_extension_in_its_grace_time() -> None:
    """The request goes to its queue; nobody else may be asked."""
    desk = Desk(P.BALANCED, r="a", s="b")
    for identity in ("a", "b"):
        desk.enter(identity)
    desk.ref.tell(Unavailable("a"))

    assert await desk.place("1") == ["a"]


async def test_a_request_does_not_leave_its_room_s_assignment() -> None:
    """Its extension is lost: it stays with it until that is gone."""
    desk = Desk(P.BALANCED, r="a", s="b")
    for identity in ("a", "b"):
        desk.enter(identity)
    await desk.place("1")
    desk.ref.tell(Unavailable("a"))

    with pytest.raises(BrokerError) as caught:
        await desk.place("1", avoid=("a",))
    assert caught.value.code == Code.NO_LLM_AVAILABLE
    desk.ref.tell(Gone("a"))
    assert await desk.place("1", avoid=("a",)) == ["b"]


@pytest.mark.parametrize("policy", [P.BALANCED, P.RANDOM])
async def test_a_room_that_never_opened_is_given_one_at_its_first_request(
    policy: ConnectionPolicy,
) -> None:
    """And keeps it."""
    desk = Desk(policy)
    for identity in ("a", "b", "c"):
        desk.enter(identity)
    first = await desk.place("1", room="new")

    assert [await desk.place(f"{n}", room="new") for n in range(2, 6)] == [first] * 4


# -- Broadcast


async def test_broadcast_asks_everybody_who_is_there() -> None:
    """One leg each, and none of them stands in for another."""
    desk = Desk(P.BROADCAST)
    for identity in ("a", "b", "c"):
        desk.enter(identity)
    desk.ref.tell(Unavailable("b"))
    placements = await desk.placements("1")

    assert [placement.identity for placement in placements] == ["a", "c"]
    assert not any(placement.by_policy for placement in placements)


async def test_broadcast_asks_whom_was_named_where_somebody_was() -> None:
    """A target is a target."""
    desk = Desk(P.BROADCAST)
    for identity in ("a", "b"):
        desk.enter(identity)

    assert await desk.place("1", "b") == ["b"]


async def test_broadcast_with_nobody_there_has_no_llm_available() -> None:
    """10503."""
    with pytest.raises(BrokerError) as caught:
        await Desk(P.BROADCAST).place("1")

    assert caught.value.code == Code.NO_LLM_AVAILABLE


async def test_what_was_placed_with_one_moves_to_one_under_broadcast() -> None:
    """The policy changed while it ran."""
    desk = Desk(P.BROADCAST)
    for identity in ("a", "b", "c"):
        desk.enter(identity)

    assert len(await desk.place("1", avoid=("a",))) == 1
