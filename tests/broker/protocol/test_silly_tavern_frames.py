"""What SillyTaverns share and announce, as it is written and read."""

from __future__ import annotations

from typing import Any

import pytest

from actors.errors import ProtocolError
from broker.protocol.inbound import Frame, read_frame
from broker.protocol.json_text import encode
from broker.protocol.packet import unframe
from broker.protocol.silly_tavern_frames import (
    MAX_SHARED_VALUE,
    MAX_VERSION,
    GetSharedSettings,
    SaveSharedSettings,
    SillyTavernEvent,
    SubscribeEvents,
    announced,
    shared_text,
    shared_value,
    updated,
    wanted,
)

LONGEST = "e" * 64

GOOD: list[tuple[type[Frame], Any, Frame]] = [
    (
        SubscribeEvents,
        {"target": "tavern", "events": ["chat_changed", LONGEST]},
        SubscribeEvents(target="tavern", events=["chat_changed", LONGEST]),
    ),
    (
        SubscribeEvents,
        {"target": "tavern", "events": []},
        SubscribeEvents(target="tavern", events=[]),
    ),
    (
        SillyTavernEvent,
        {"event": "chat_changed", "data": [1], "more": 2},
        SillyTavernEvent(event="chat_changed", data=[1]),
    ),
    (SillyTavernEvent, {"event": "x"}, SillyTavernEvent(event="x")),
    (
        SaveSharedSettings,
        {"name": "n" * 128, "value": None, "version": MAX_VERSION},
        SaveSharedSettings(name="n" * 128, value=None, version=MAX_VERSION),
    ),
    (GetSharedSettings, {"name": "theme"}, GetSharedSettings(name="theme")),
    (GetSharedSettings, "theme", GetSharedSettings(name="theme")),
]

BAD: list[tuple[type[Frame], Any, str]] = [
    (SubscribeEvents, None, "target"),
    (SubscribeEvents, {"target": "", "events": []}, "target"),
    (SubscribeEvents, {"target": "t" * 129, "events": []}, "target"),
    (SubscribeEvents, {"target": "tavern"}, "events"),
    (SubscribeEvents, {"target": "tavern", "events": "x"}, "events"),
    (SubscribeEvents, {"target": "tavern", "events": [""]}, "events"),
    (SubscribeEvents, {"target": "tavern", "events": [f"{LONGEST}e"]}, "events"),
    (SubscribeEvents, {"target": "tavern", "events": ["e"] * 65}, "events"),
    (SillyTavernEvent, {"data": 1}, "event"),
    (SillyTavernEvent, {"event": f"{LONGEST}e"}, "event"),
    (SaveSharedSettings, {"name": "", "value": 1, "version": 1}, "name"),
    (SaveSharedSettings, {"name": "n" * 129, "value": 1, "version": 1}, "name"),
    (SaveSharedSettings, {"name": "theme", "version": 1}, "value"),
    (SaveSharedSettings, {"name": "theme", "value": 1}, "version"),
    (SaveSharedSettings, {"name": "theme", "value": 1, "version": -1}, "version"),
    (SaveSharedSettings, {"name": "theme", "value": 1, "version": 1.5}, "version"),
    (SaveSharedSettings, {"name": "theme", "value": 1, "version": "1"}, "version"),
    (SaveSharedSettings, {"name": "theme", "value": 1, "version": 2**53}, "version"),
    (GetSharedSettings, {}, "name"),
]


@pytest.mark.parametrize(("kind", "data", "frame"), GOOD)
def test_frames_are_read(kind: type[Frame], data: Any, frame: Frame) -> None:
    """Within their bounds, which are part of the protocol."""
    assert read_frame(kind, data) == frame


@pytest.mark.parametrize(("kind", "data", "field"), BAD)
def test_what_is_wrong_is_named(kind: type[Frame], data: Any, field: str) -> None:
    """The error says which field."""
    with pytest.raises(ProtocolError, match=field):
        read_frame(kind, data)


def test_an_extension_reads_what_is_wanted_of_it() -> None:
    """In the order of the alphabet, so that the same is the same."""
    assert unframe(wanted({"b", "a"})) == (
        b'42/sillytavern,["SUBSCRIBE_EVENTS",{"events":["a","b"]}]'
    )
    assert unframe(wanted(())) == (b'42/sillytavern,["SUBSCRIBE_EVENTS",{"events":[]}]')


def test_subscribers_read_whose_event_it_is() -> None:
    """Section 2: nobody speaks in another's name; what else there is stays."""
    fields = {"event": "x", "data": {"a": 1}, "source": "liar", "at": 2}

    assert unframe(announced(fields, "tab", "SillyTavern")) == (
        b'42/llm,["SILLYTAVERN_EVENT",{"event":"x","data":{"a":1},"source":"tab",'
        b'"at":2,"clientId":"SillyTavern"}]'
    )


def test_the_others_read_a_setting_as_it_was_saved() -> None:
    """The text of the value goes through untouched."""
    assert unframe(updated("theme", '{"dark":true}', 7, "tab")) == (
        b'42/sillytavern,["SHARED_SETTINGS_UPDATED",'
        b'{"name":"theme","value":{"dark":true},"version":7,"source":"tab"}]'
    )


@pytest.mark.parametrize("value", [None, 1, "🍺", [1, {"a": []}], 10**30])
def test_values_come_back_as_they_were(value: Any) -> None:
    """Whatever JSON can say."""
    text = shared_text(value)

    assert encode(shared_value(text)) == text.encode()


def test_a_value_has_a_bound() -> None:
    """Its text may have that many bytes and no more."""
    longest = "x" * (MAX_SHARED_VALUE - 2)  # the quotes

    assert len(shared_text(longest)) == MAX_SHARED_VALUE
    with pytest.raises(ProtocolError, match="at most 256 KiB"):
        shared_text(f"{longest}x")
