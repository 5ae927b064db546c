"""The settings: their names, their defaults, and what is told from them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from actors.house import Patience
from broker import config
from broker.config import (
    FORMER_KEYS,
    PUBLIC_FIELDS,
    SERVER_FILE,
    ServerSettings,
    fast_lane_enabled,
)

SHIPPED = Path(__file__).parents[2] / "settings"


def test_shipped_settings_are_the_defaults() -> None:
    """The shipped file is the schema written out."""
    shipped = json.loads((SHIPPED / SERVER_FILE).read_text())

    assert shipped == msgspec.to_builtins(ServerSettings())


def test_defaults_are_the_protocols() -> None:
    """Section 9 and section 1, in numbers."""
    defaults = ServerSettings()

    assert (defaults.server_port, defaults.socket_io_path) == (4000, "/socket.io")
    assert defaults.max_packet == 1024 * 1024
    assert defaults.max_attachments == 10
    assert defaults.outbox_limit == 4 * 1024 * 1024
    assert defaults.write_timeout == defaults.handshake_timeout == 10
    assert defaults.new_keys_per_minute == defaults.wrong_keys_per_minute == 10
    assert defaults.requests_in_flight == 16
    assert defaults.queued_per_extension == 256
    assert defaults.members_per_room == 10_000
    assert defaults.reconnect_grace == 30
    assert (defaults.network_safe, defaults.trust_on_first_use) == (True, True)
    assert defaults.monitors_may_get_key is False


def test_default_patience_is_the_actors_own() -> None:
    """One default, whoever looks at it."""
    assert ServerSettings().patience() == Patience()


def test_every_setting_says_what_it_is() -> None:
    """A setting without a sentence is a riddle."""
    source = Path(config.__file__).read_text()
    schema = source.partition("class ServerSettings")[2].partition("@property")[0]
    fields = msgspec.structs.fields(ServerSettings)

    assert schema.count('"""') // 2 == len(fields) + 1


def test_former_and_public_fields_are_no_riddles() -> None:
    """A former key that is a setting, or a public field that is none, is a mistake."""
    names = {field.encode_name for field in msgspec.structs.fields(ServerSettings)}

    assert names >= set(PUBLIC_FIELDS)
    assert not names & FORMER_KEYS


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("http://127.0.0.1", "127.0.0.1"),
        ("http://127.0.0.1:9", "127.0.0.1"),
        ("https://tap.example/x", "tap.example"),
        ("http://[::1]", "::1"),
        ("0.0.0.0", "0.0.0.0"),  # noqa: S104 - an operator's word
        ("::", "::"),
    ],
)
def test_host_is_told_from_the_address(address: str, host: str) -> None:
    """As clients write it, with a scheme; or without."""
    assert ServerSettings(server_address=address).host == host


@pytest.mark.parametrize(("value", "on"), [(None, True), ("1", True), ("0", False)])
def test_fast_lane_is_switched_by_the_environment(
    monkeypatch: pytest.MonkeyPatch, value: str | None, *, on: bool
) -> None:
    """For comparing, no more."""
    monkeypatch.delenv(config.FAST_LANE_VARIABLE, raising=False)
    if value is not None:
        monkeypatch.setenv(config.FAST_LANE_VARIABLE, value)

    assert fast_lane_enabled() is on


def test_fields_keep_the_bounds_they_name() -> None:
    """Every kind of number has a least and a greatest value."""
    bounded: list[Any] = [config.Seconds, config.Count, config.Port]
    for kind in bounded:
        meta = get_args(kind)[1]
        assert meta.le is not None
        assert meta.gt is not None or meta.ge is not None
