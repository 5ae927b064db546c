"""Who clients say they are."""

from __future__ import annotations

from typing import Any

import pytest

from actors.errors import Code, ProtocolError
from broker.protocol.handshake import (
    MAX_NAME,
    Handshake,
    ResumeWish,
    is_name,
    read_handshake,
)


def test_a_client_id_is_enough() -> None:
    """The identity is then the same."""
    handshake = read_handshake({"clientId": "web"})

    assert handshake == Handshake(client_id="web")
    assert (handshake.identity, handshake.client_id) == ("web", "web")


def test_every_field_is_read_under_its_wire_name() -> None:
    """Golden data."""
    handshake = read_handshake(
        {
            "clientId": "web",
            "identity": "tab",
            "clientType": "discord-bot",
            "key": "getKey",
            "password": "secret",
            "desc": "d",
            "html": "h",
            "name": "n",
            "avatar": "a",
            "streamNames": "both",
            "resume": [
                {"requestId": "r1", "from": 3},
                {"requestId": "r2", "from": {"o": 1}},
                {"requestId": "r3"},
            ],
        }
    )

    assert handshake == Handshake(
        client_id="web",
        claimed_identity="tab",
        client_type="discord-bot",
        key="getKey",
        password="secret",
        desc="d",
        html="h",
        name="n",
        avatar="a",
        stream_names="both",
        resume=[
            ResumeWish(request_id="r1", start=3),
            ResumeWish(request_id="r2", start={"o": 1}),
            ResumeWish(request_id="r3", start=0),
        ],
    )
    assert handshake.identity == "tab"


def test_unknown_fields_are_no_error() -> None:
    """Clients say more than the protocol knows."""
    assert read_handshake({"clientId": "web", "colour": "red"}).client_id == "web"


@pytest.mark.parametrize(
    ("client_type", "is_silly_tavern", "is_monitor"),
    [
        ("SillyTavern", True, False),
        ("extension", True, False),
        ("monitor", False, True),
        ("web-app", False, False),
        ("", False, False),
    ],
)
def test_a_client_type_says_what_it_wants_to_be(
    client_type: str, *, is_silly_tavern: bool, is_monitor: bool
) -> None:
    """``extension`` counts as ``SillyTavern``."""
    handshake = read_handshake({"clientId": "web", "clientType": client_type})

    assert handshake.is_silly_tavern is is_silly_tavern
    assert handshake.is_monitor is is_monitor


@pytest.mark.parametrize(
    "auth",
    [
        None,
        "web",
        [],
        {},
        {"clientId": None},
        {"clientId": 5},
        {"clientId": "web", "identity": 5},
        {"clientId": "web", "key": 5},
        {"clientId": "web", "streamNames": "all"},
        {"clientId": "web", "resume": "r"},
        {"clientId": "web", "resume": [{"from": 0}]},
        {"clientId": "web", "resume": [{"requestId": "r", "from": "0"}]},
    ],
)
def test_what_is_malformed_is_refused(auth: Any) -> None:
    """Code 3."""
    with pytest.raises(ProtocolError) as caught:
        read_handshake(auth)

    assert caught.value.code == Code.INVALID_PARAMETER


NAMES = {
    "empty": "",
    "too long": "a" * (MAX_NAME + 1),
    "a newline": "a\nb",
    "a NUL": "a\0b",
    "DEL": "a\x7f",
    "C1": "a\x85",
    "half a character": "a\ud83c",
}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
@pytest.mark.parametrize("field", ["clientId", "identity"])
def test_a_name_that_can_not_be_one_is_refused(field: str, name: str) -> None:
    """It says which field."""
    with pytest.raises(ProtocolError, match=field) as caught:
        read_handshake({"clientId": "web", field: name})

    assert caught.value.code == Code.INVALID_PARAMETER


@pytest.mark.parametrize("name", ["a", "a" * MAX_NAME, "Jürgen's 🍺", "a b", " "])
def test_a_name_may_be_anything_else(name: str) -> None:
    """Up to 128 characters."""
    assert is_name(name)
    assert read_handshake({"clientId": name}).client_id == name
