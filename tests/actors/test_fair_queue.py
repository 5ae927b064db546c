"""The fair queue: round robin over requesters."""

from __future__ import annotations

import itertools

import pytest

from actors.fair_queue import FairQueue


def queue(*pairs: tuple[str, str]) -> FairQueue[str]:
    """A queue with these requesters' items, each its own key."""
    made: FairQueue[str] = FairQueue()
    for requester, key in pairs:
        made.push(requester, key, key)
    return made


def drain(waiting: FairQueue[str]) -> list[str]:
    """All items in the order they come out."""
    return [waiting.pop() for _ in range(len(waiting))]


def test_one_requester_is_served_first_come_first_served() -> None:
    """Within a line nobody is overtaken."""
    assert drain(queue(("a", "1"), ("a", "2"), ("a", "3"))) == ["1", "2", "3"]


def test_requesters_take_turns() -> None:
    """Who orders much does not hold up who orders little."""
    waiting = queue(("a", "a1"), ("a", "a2"), ("a", "a3"), ("b", "b1"), ("c", "c1"))

    assert drain(waiting) == ["a1", "b1", "c1", "a2", "a3"]


def test_a_requester_goes_to_the_end_of_the_round_once_served() -> None:
    """A newcomer is served before somebody's second."""
    waiting = queue(("a", "a1"), ("a", "a2"))
    waiting.pop()
    waiting.push("b", "b1", "b1")

    assert drain(waiting) == ["a2", "b1"]


def test_an_empty_queue_has_nothing_to_pop() -> None:
    """It raises, as a dict does."""
    with pytest.raises(KeyError):
        queue().pop()


def test_keys_tell_the_order_of_pop() -> None:
    """What people are told of their places is what happens."""
    pairs = [(r, f"{r}{n}") for r, n in itertools.product("abc", range(3))]
    waiting = queue(*pairs[:7])

    assert list(waiting.keys()) == drain(queue(*pairs[:7]))


def test_a_position_counts_from_one() -> None:
    """The next to be served is first."""
    waiting = queue(("a", "a1"), ("a", "a2"), ("b", "b1"))

    assert [waiting.position(key) for key in ("a1", "b1", "a2")] == [1, 2, 3]


def test_who_does_not_wait_has_position_zero() -> None:
    """Zero is nobody's place."""
    assert queue(("a", "a1")).position("other") == 0


def test_an_item_is_removed_out_of_turn() -> None:
    """Those behind it move up."""
    waiting = queue(("a", "a1"), ("a", "a2"), ("b", "b1"))

    assert waiting.remove("a1") == "a1"
    assert drain(waiting) == ["a2", "b1"]


def test_removing_somebodys_last_item_ends_their_line() -> None:
    """An empty line does not take a turn."""
    waiting = queue(("a", "a1"), ("b", "b1"))
    waiting.remove("a1")

    assert (len(waiting), drain(waiting)) == (1, ["b1"])


def test_removing_what_does_not_wait_gives_none() -> None:
    """Whether it waits is what the caller learns."""
    waiting = queue(("a", "a1"))
    waiting.pop()

    assert waiting.remove("a1") is None


def test_an_item_is_read_by_its_key() -> None:
    """Without taking it out."""
    waiting = queue(("a", "a1"))

    assert waiting["a1"] == "a1"
    assert len(waiting) == 1
