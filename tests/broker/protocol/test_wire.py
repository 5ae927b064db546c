"""The names and numbers of the wire."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest

from actors.errors import (
    BrokerError,
    Code,
    NotFoundError,
    ProtocolError,
    RefusedError,
    TimeoutExpiredError,
    UnavailableError,
)
from broker.protocol import wire
from broker.protocol.wire import (
    EVENT_ALIASES,
    RESERVED_EVENTS,
    RESERVED_NAMES,
    STREAM_EVENT_TYPES,
    AnswerEvent,
    Event,
    LibraryEvent,
    MessageType,
    Namespace,
    PlainStreamEvent,
    StreamEvent,
)

DATA = Path(__file__).parents[2] / "data" / "wire_names.json"
NAMES: dict[str, Any] = json.loads(DATA.read_text(encoding="utf-8"))

CODES = """
1 2 3 4 5 6 7 8 9 11 51 52 61 71 72 101 103 104 105 106 201 202
301 302 303 304 305 401 402 501 502 503 10400 10401 10403 10429 10500 10503
"""
"""All of section 2 of the protocol."""

EVENTS: tuple[type[StrEnum], ...] = (
    Event,
    StreamEvent,
    PlainStreamEvent,
    AnswerEvent,
    LibraryEvent,
)


@pytest.mark.parametrize("name", NAMES["events"])
def test_every_event_of_the_protocol_has_its_name(name: str) -> None:
    """The member is spelt like what it stands for."""
    assert Event[name].value == name


def test_there_are_no_other_events() -> None:
    """What the protocol does not have, nobody sends."""
    assert {event.value for event in Event} == set(NAMES["events"])


def test_the_stream_events_are_those_of_the_shipped_constants() -> None:
    """Under the names of ``constants.js``."""
    shipped = dict(NAMES["streamEvents"])
    answers = {shipped.pop("streamed_data"), shipped.pop("streamed_end")}

    assert {event.name: event.value for event in StreamEvent} == shipped
    assert answers <= {event.value for event in AnswerEvent}


def test_the_plain_stream_events_are_the_same_without_client() -> None:
    """The documents spell them so."""
    plain = {event.name: f"CLIENT_{event.value}" for event in PlainStreamEvent}

    assert plain == {event.name: event.value for event in StreamEvent}


def test_the_namespaces_are_those_of_the_shipped_constants() -> None:
    """Eight of them."""
    assert {each.name: each.value for each in Namespace} == NAMES["namespaces"]


def test_the_message_types_are_those_of_the_shipped_constants() -> None:
    """Numbers."""
    assert {each.name: each.value for each in MessageType} == NAMES["messageTypes"]


def test_the_statuses_of_members_are_those_of_the_shipped_constants() -> None:
    """What ``MEMBER_STATUS_UPDATE`` tells."""
    assert "MemberStatus" in vars(wire)
    statuses = vars(wire)["MemberStatus"]
    assert {each.name: each.value for each in statuses} == NAMES["memberStatus"]


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("START", 1),
        ("DATA_FIRST", 4),
        ("DATA_MIDDLE", 5),
        ("DATA_LAST", 6),
        ("DATA_RETRY", 7),
        ("DATA_FAILED", 8),
        ("END", 3),
    ],
)
def test_both_spellings_of_a_stream_event_mean_one_type(name: str, number: int) -> None:
    """Section 5 of the protocol has the table."""
    both = StreamEvent[name], PlainStreamEvent[name]

    assert [STREAM_EVENT_TYPES[event] for event in both] == [number, number]


def test_no_event_has_two_meanings() -> None:
    """Across all lists of events."""
    names = [event.value for events in EVENTS for event in events]

    assert len(names) == len(set(names))


def test_no_event_is_one_that_socket_io_reserves() -> None:
    """Nor is a misspelling one."""
    names = {event.value for events in EVENTS for event in events}

    assert not (names | EVENT_ALIASES.keys()) & RESERVED_EVENTS
    assert frozenset({"connect", "disconnect", "connect_error"}) == RESERVED_EVENTS


def test_a_misspelt_event_means_the_right_one() -> None:
    """Clients in use send it."""
    assert EVENT_ALIASES == {"CLIENT_DISCONNETED": Event.CLIENT_DISCONNECTED}


def test_the_reserved_names_are_those_of_the_protocol() -> None:
    """No identity and no room may take them."""
    assert frozenset({"server", "all", "auto", "monitor-room"}) == RESERVED_NAMES


def test_the_codes_are_those_of_the_protocol() -> None:
    """All of them, no others, and each once."""
    numbers = [int(number) for number in CODES.split()]

    assert sorted(code.value for code in Code.__members__.values()) == numbers


def test_no_code_has_two_names() -> None:
    """An alias would be a second meaning."""
    assert len(Code.__members__) == len(set(Code))


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (BrokerError, 2),
        (ProtocolError, 3),
        (RefusedError, 6),
        (NotFoundError, 7),
        (UnavailableError, 9),
        (TimeoutExpiredError, 8),
    ],
)
def test_an_error_has_its_code_unless_it_says_another(
    error: type[BrokerError], code: int
) -> None:
    """And the sentence for the peer."""
    assert (error("so").message, error("so").code) == ("so", code)
    assert error("so", Code.NOT_IN_ROOM).code == 305
