"""The module of names that pages import."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from broker.http.constants import constants, constants_module

DATA = Path(__file__).parents[2] / "data" / "wire_names.json"
NAMES: dict[str, Any] = json.loads(DATA.read_text(encoding="utf-8"))


def named(names: list[str]) -> dict[str, str]:
    """Names that stand for themselves."""
    return {name: name for name in names}


def test_the_message_types_are_the_numbers_and_the_events() -> None:
    """Pages say ``MSG_TYPE.LLM_REQUEST`` and ``MSG_TYPE.STREAM_START``."""
    expected = named(NAMES["events"]) | NAMES["messageTypes"]

    assert constants()["MSG_TYPE"] == expected


def test_the_events_are_those_of_the_log_and_those_that_are_sent() -> None:
    """The shipped ``EVENTS`` are the first of them."""
    expected = named(NAMES["logEvents"]) | named(NAMES["events"])

    assert constants()["EVENTS"] == expected


def test_the_stream_events_of_readers_have_their_plain_names() -> None:
    """Section 14: so that both kinds of clients that import the module work."""
    plain = {"streamed_data": "streamed_data", "streamed_end": "streamed_end"}

    assert constants()["STREAM_EVENTS"] == NAMES["streamEvents"] | plain


def test_namespaces_and_states_of_members_are_the_shipped_ones() -> None:
    """Under the names of the shipped constants."""
    assert constants()["NAMESPACES"] == NAMES["namespaces"]
    assert constants()["MEMBER_STATUS"] == NAMES["memberStatus"]


def test_the_module_exports_five_frozen_objects() -> None:
    """One statement each, in JavaScript."""
    text = constants_module().decode()
    exports = [line for line in text.splitlines() if line.startswith("export")]

    assert exports == [
        f"export const {name} = Object.freeze({{" for name in constants()
    ]
    assert '  LLM: "/llm",' in text.splitlines()
    assert "  STREAM_END: 3," in text.splitlines()
