"""Calls as callees see them, and what these may answer."""

from __future__ import annotations

from typing import Any

import pytest

from actors.errors import BrokerError, Code
from broker.protocol.function_frames import forwarded, read_answer


def test_call_is_forwarded_with_who_sends_it() -> None:
    """Section 2: unknown fields untouched, source and clientId stamped."""
    call = {"requestId": 1, "x": [1], "source": "forged", "clientId": "forged"}

    assert forwarded(call, "guest#1", "guest") == {
        "requestId": 1,
        "x": [1],
        "source": "guest#1",
        "clientId": "guest",
    }


def test_call_of_the_server_is_the_servers() -> None:
    """Its functions call others too."""
    assert forwarded({}, "server") == {"source": "server", "clientId": "server"}


@pytest.mark.parametrize(
    "value",
    [
        None,
        0,
        False,
        "text",
        [1],
        {},
        {"a": 1},
        {"result": 1},
        {"success": True},
        {"success": "yes", "result": 1},
        {"success": None, "error": "x"},
    ],
)
def test_bare_value_is_the_result(value: Any) -> None:
    """A callee may answer with the value itself."""
    assert read_answer([value]) == value


def test_ack_without_a_value_is_nothing() -> None:
    """And of several the first counts."""
    assert read_answer([]) is None
    assert read_answer([1, 2]) == 1


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        ({"requestId": "r", "success": True, "result": [1]}, [1]),
        ({"success": True, "result": None}, None),
        ({"requestId": "r", "success": True}, None),
        (
            {"success": True, "result": {"success": False, "error": "x"}},
            {"success": False, "error": "x"},
        ),
    ],
)
def test_envelope_is_opened(answer: dict[str, Any], result: Any) -> None:
    """A callee may answer as the server does; once, not twice."""
    assert read_answer([answer]) == result


@pytest.mark.parametrize(
    ("error", "message", "code"),
    [
        ({"message": "no", "code": 501}, "no", 501),
        ({"message": "no"}, "no", 502),
        ({"message": "no", "code": "501"}, "no", 502),
        ({"message": "no", "code": True}, "no", 502),
        ("in plain words", "in plain words", 502),
        (None, "the function failed where it was called", 502),
        ({"message": ["no"]}, "the function failed where it was called", 502),
        ("", "the function failed where it was called", 502),
        (7, "the function failed where it was called", 502),
    ],
)
def test_refusal_keeps_its_words_and_its_code(
    error: Any, message: str, code: int
) -> None:
    """Whatever the callee calls an error."""
    with pytest.raises(BrokerError) as refused:
        read_answer([{"requestId": "r", "success": False, "error": error}])

    assert (refused.value.message, refused.value.code) == (message, Code(code))
