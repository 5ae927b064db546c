"""Entries, and what is new of them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from broker.console.section import Section
from broker.protocol.json_text import encode

PLENTY = 1 << 20


@pytest.fixture
def section() -> Section:
    """Nothing is shown."""
    return Section()


def news(section: Section, room: int = PLENTY) -> Any:
    """What has changed, as it is sent."""
    return json.loads(encode(section.news(room)))


def snapshot(section: Section, room: int = PLENTY) -> Any:
    """Everything, as it is sent."""
    return json.loads(encode(section.snapshot(room)))


def test_news_are_told_once(section: Section) -> None:
    """Whole entries."""
    section.put("a", {"n": 1})

    assert news(section) == {"set": {"a": {"n": 1}}}
    assert news(section) == {}


def test_what_is_as_it_was_is_no_news(section: Section) -> None:
    """Though it was touched."""
    section.put("a", {"n": 1})
    news(section)
    section.put("a", {"n": 1})

    assert news(section) == {}


def test_what_is_gone_is_told_by_its_key(section: Section) -> None:
    """And comes back as something new."""
    section.put("a", {"n": 1})
    news(section)
    section.drop("a")
    gone = news(section)
    section.put("a", {"n": 2})

    assert gone == {"gone": ["a"]}
    assert news(section) == {"set": {"a": {"n": 2}}}


def test_what_came_and_went_between_two_news_is_not_told(section: Section) -> None:
    """Unless a snapshot has shown it."""
    section.put("a", 1)
    section.drop("a")
    section.put("b", 1)
    snapshot(section)
    section.drop("b")

    assert news(section) == {"gone": ["b"]}


def test_what_went_and_came_back_is_told_as_it_is(section: Section) -> None:
    """Not as gone."""
    section.put("a", 1)
    news(section)
    section.drop("a")
    section.put("a", 1)

    assert news(section) == {"set": {"a": 1}}


def test_what_has_no_room_comes_with_the_next_news(section: Section) -> None:
    """At least one entry at a time."""
    for key in "abc":
        section.put(key, "x" * 10)

    assert [list(news(section, 1)["set"]) for _ in "abc"] == [["a"], ["b"], ["c"]]
    assert news(section) == {}


def test_snapshot_has_what_there_is_room_for(section: Section) -> None:
    """Of everything, told or not."""
    section.put("a", 1)
    news(section)
    section.put("b", 2)

    assert snapshot(section) == {"a": 1, "b": 2}
    assert snapshot(section, 3) == {"a": 1}


def test_after_settling_there_is_no_news(section: Section) -> None:
    """What is there is known; what goes is news."""
    section.put("a", 1)
    section.put("b", 1)
    section.settle()
    section.drop("a")

    assert news(section) == {"gone": ["a"]}
    assert ("a" in section, "b" in section) == (False, True)


@pytest.mark.parametrize("key", ['"', "\\", "</script>", "酒", "a\u2028b"])
def test_keys_may_be_anything(section: Section, key: str) -> None:
    """They are names that people choose."""
    section.put(key, 1)

    assert snapshot(section) == {key: 1}
