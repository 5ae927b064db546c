"""Which extensions each room may use, whatever comes and goes in which order."""

from __future__ import annotations

import itertools
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.policies import (
    ONE_EACH,
    Allotment,
    Balanced,
    ByHand,
    ConnectionPolicy,
    Everybody,
    OneEach,
    Random,
    Table,
    allot,
    inherited,
)

P = ConnectionPolicy

ROOMS = [f"r{number}" for number in range(12)]
EXTENSIONS = [f"e{number}" for number in range(5)]

Happening: TypeAlias = tuple[str, str]
"""What happens, and to whom."""

happenings: st.SearchStrategy[list[Happening]] = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["open", "forget"]), st.sampled_from(ROOMS)),
        st.tuples(st.sampled_from(["enter", "leave"]), st.sampled_from(EXTENSIONS)),
    ),
    max_size=60,
)

thoroughly = settings(max_examples=300, deadline=None)


def dice(seed: int) -> random.Random:
    """Chance that comes out the same each time."""
    return random.Random(seed)  # noqa: S311 - nothing secret


def happen(allotment: Allotment, happening: Happening) -> set[str]:
    """Let something happen; gives the rooms that it was news for."""
    what, who = happening
    method: Callable[[str], Iterable[str]] = getattr(allotment, what)
    return set(method(who))


def loads(allotment: OneEach, present: Iterable[str]) -> dict[str, int]:
    """How many rooms each has."""
    given = Counter(one for each in allotment.table().values() for one in each)
    return {name: given[name] for name in present}


def fewest_moves(counts: Sequence[int], rooms: int) -> int:
    """How many rooms have to leave where they are, trying every even division."""
    share, rest = divmod(rooms, len(counts))
    return min(
        sum(
            max(0, count - share - (place in fuller))
            for place, count in enumerate(counts)
        )
        for fuller in itertools.combinations(range(len(counts)), rest)
    )


class House:
    """Who is there, beside what a policy makes of it."""

    def __init__(self) -> None:
        self.rooms: set[str] = set()
        self.extensions: set[str] = set()

    def expects_balance(self, happening: Happening) -> bool:
        """Whether rooms are even after it: not where one goes, or nothing is new."""
        what, who = happening
        match what:
            case "enter":
                return who not in self.extensions
            case "leave":
                return who in self.extensions and len(self.extensions) > 1
            case _:
                new = what == "open" and who not in self.rooms
                return new and bool(self.extensions)

    def happen(self, happening: Happening) -> None:
        """Let something happen."""
        what, who = happening
        match what:
            case "open":
                self.rooms.add(who)
            case "forget":
                self.rooms.discard(who)
            case "enter":
                self.extensions.add(who)
            case _:
                self.extensions.discard(who)


@thoroughly
@given(happenings)
def test_balanced_numbers_of_rooms_differ_by_one_at_most(
    events: list[Happening],
) -> None:
    """After each room that comes and each extension that comes or goes."""
    allotment, house = Balanced([], [], {}), House()
    for event in events:
        even = house.expects_balance(event)
        happen(allotment, event)
        house.happen(event)
        if not even:
            continue
        counts = loads(allotment, house.extensions).values()

        assert sum(counts) == len(house.rooms)
        assert max(counts) - min(counts) <= 1


@thoroughly
@given(happenings)
def test_balanced_moves_as_few_rooms_as_can_be(events: list[Happening]) -> None:
    """A room keeps its extension as long as that stays and the balance allows it."""
    allotment, house = Balanced([], [], {}), House()
    for event in events:
        even = house.expects_balance(event)
        before = dict(allotment.table())
        happen(allotment, event)
        house.happen(event)
        after = allotment.table()
        kept_on = {
            room
            for room, had in before.items()
            if room in after and had and had[0] in house.extensions
        }
        moved = sum(before[room] != after[room] for room in kept_on)
        least = 0
        if even:
            counts = Counter(before[room][0] for room in kept_on)
            least = fewest_moves(
                [counts[name] for name in house.extensions], len(house.rooms)
            )

        assert moved == least


@thoroughly
@given(happenings, st.integers())
def test_random_gives_each_room_one_that_is_there_and_leaves_it(
    events: list[Happening], seed: int
) -> None:
    """Who has one keeps it until it goes; who has none gets one that comes."""
    chance = dice(seed)
    allotment, house = Random([], [], {}, chance), House()
    for event in events:
        before = dict(allotment.table())
        happen(allotment, event)
        house.happen(event)
        after = allotment.table()

        assert after.keys() == house.rooms
        for room, assigned in after.items():
            assert len(assigned) == min(1, len(house.extensions))
            assert set(assigned) <= house.extensions
            had = before.get(room, ())
            assert not had or had[0] not in house.extensions or assigned == had


@thoroughly
@given(happenings, st.sampled_from([P.FREE, P.BALANCED, P.RANDOM, P.MANUAL]))
def test_whoever_has_another_assignment_is_named(
    events: list[Happening], policy: ConnectionPolicy
) -> None:
    """What is not named is neither stored nor told."""
    allotment, house = allot(policy, [], [], {}, dice(1)), House()
    for event in events:
        before = {room: allotment.of(room) for room in house.rooms}
        table = dict(allotment.table())
        named = happen(allotment, event)
        house.happen(event)
        changed = {
            room for room in house.rooms if allotment.of(room) != before.get(room, ())
        }
        unlike = {
            room
            for room in table.keys() | allotment.table().keys()
            if allotment.table().get(room, ()) != table.get(room, ())
        }

        assert changed | unlike <= named


def test_random_gives_every_extension_some_rooms() -> None:
    """By chance, but not to one alone."""
    allotment = Random(EXTENSIONS, [], {}, dice(7))
    for number in range(500):
        allotment.open(f"{number}")

    assert min(loads(allotment, EXTENSIONS).values()) > 60


def test_free_lets_every_room_use_all() -> None:
    """Those that come and go included."""
    allotment = Everybody(["a"], ["r"], {})

    assert happen(allotment, ("enter", "b")) == {"r"}
    assert allotment.of("r") == allotment.of("another") == ("a", "b")
    assert happen(allotment, ("leave", "a")) == {"r"}
    assert allotment.of("r") == ("b",)


def test_free_keeps_what_was_assigned_for_later() -> None:
    """Unless the room is deleted."""
    allotment = Everybody(["a"], ["r", "s"], {"r": ("b",), "s": ("b",)})
    allotment.close("r")
    allotment.forget("s")

    assert allotment.table() == {"r": ("b",)}


def test_by_hand_a_room_has_what_it_was_assigned() -> None:
    """Nothing before, and nothing else after."""
    allotment = ByHand({})
    allotment.open("r")

    assert allotment.of("r") == ()
    assert allotment.assign("r", ["b", "a", "b"]) == ("r",)
    assert allotment.of("r") == ("a", "b")
    assert allotment.assign("r", ["a", "b"]) == ()
    assert allotment.assign("r", []) == ("r",)
    assert allotment.table() == {}


def test_by_hand_an_assignment_outlives_extension_and_room() -> None:
    """Only who deletes the room undoes it."""
    allotment = ByHand({"r": ("a",)})
    allotment.leave("a")
    allotment.close("r")

    assert allotment.of("r") == ("a",)
    allotment.forget("r")
    assert allotment.of("r") == ()


@pytest.mark.parametrize("policy", sorted(ONE_EACH))
def test_rooms_go_on_with_what_they_had(policy: ConnectionPolicy) -> None:
    """After a restart."""
    earlier: Table = {"r": ("b",), "s": ("a",), "t": ("gone",)}
    allotment = allot(policy, ["a", "b"], earlier, earlier, dice(1))

    assert allotment.of("r") == ("b",)
    assert allotment.of("s") == ("a",)
    assert allotment.of("t") in {("a",), ("b",)}


@pytest.mark.parametrize(
    ("before", "after", "inherits"),
    [
        (P.MANUAL, P.FREE, True),
        (P.MANUAL, P.BROADCAST, True),
        (P.FREE, P.MANUAL, True),
        (P.MANUAL, P.BALANCED, True),
        (P.RANDOM, P.BALANCED, True),
        (P.BALANCED, P.MANUAL, False),
        (P.BALANCED, P.FREE, False),
        (P.RANDOM, P.MANUAL, False),
        (P.MANUAL, P.RANDOM, False),
        (P.BALANCED, P.RANDOM, False),
    ],
)
def test_what_was_assigned_by_hand_waits_and_what_was_drawn_does_not(
    before: ConnectionPolicy, after: ConnectionPolicy, *, inherits: bool
) -> None:
    """Manual means: only what was assigned."""
    table: Table = {"r": ("a",)}

    assert inherited(before, after, table) == (table if inherits else {})


@pytest.mark.parametrize("policy", sorted(P))
def test_an_extension_that_comes_to_many_rooms_costs_little(
    policy: ConnectionPolicy,
) -> None:
    """10,000 rooms and 8 extensions: well under 50 ms."""
    rooms = [f"room-{number}" for number in range(10_000)]
    seven = [f"e{number}" for number in range(7)]
    allotment = allot(policy, seven, rooms, {}, dice(1))
    times = []
    for _ in range(3):
        began = time.perf_counter()
        allotment.enter("e7")
        times.append(time.perf_counter() - began)
        allotment.leave("e7")

    assert min(times) < 0.025
