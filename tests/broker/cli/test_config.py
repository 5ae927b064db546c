"""``tapster config``."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec

from broker.config import ServerSettings
from broker.settings_file import ensure_settings

from .conftest import Tapster


def test_settings_in_force_are_shown_with_their_defaults(
    tapster: Tapster, settings: Path
) -> None:
    """What the file does not say is said here."""
    settings.mkdir()
    (settings / "server_settings.json").write_text('{"serverPort": 4711}')
    shown = tapster("config", "show")

    defaults = msgspec.to_builtins(ServerSettings())
    assert json.loads(shown.stdout) == {**defaults, "serverPort": 4711}


def test_showing_writes_nothing(tapster: Tapster, settings: Path) -> None:
    """Looking is not installing."""
    tapster("config", "show")
    tapster("config", "check")

    assert not settings.exists()


def test_broken_settings_can_not_be_shown(tapster: Tapster, settings: Path) -> None:
    """One sentence on stderr, exit code 1."""
    settings.mkdir()
    path = settings / "server_settings.json"
    path.write_text('{\n"prot": 1}')
    shown = tapster("config", "show")

    assert shown.exit_code == 1
    sentence = f"tapster: {path}, line 2: unknown field - at `$.prot`\n"
    assert shown.stderr == sentence


def test_sound_settings_are_sound(tapster: Tapster, settings: Path) -> None:
    """As a new installation has them."""
    ensure_settings(settings)
    checked = tapster("config", "check")

    assert checked.exit_code == 0
    assert checked.stdout == f"{settings}: sound, 1 client files.\n"
    assert checked.stderr == ""


def test_every_broken_file_is_named(tapster: Tapster, settings: Path) -> None:
    """All at once, each on a line, exit code 1."""
    settings.mkdir()
    (settings / "server_settings.json").write_text('{"serverPort": "x"}')
    (settings / "a-settings.json").write_text("{")
    (settings / "b-settings.json").write_text('{"clientId": "b"}')
    (settings / "c-settings.json").write_text('{"clientId": 7}')
    checked = tapster("config", "check")

    assert checked.exit_code == 1
    lines = checked.stderr.splitlines()
    assert [line.partition("-settings.json")[0][-1] for line in lines[1:]] == ["a", "c"]
    assert "server_settings.json, line 1" in lines[0]
    assert "$.serverPort" in lines[0]


def test_file_that_is_no_text_is_named(tapster: Tapster, settings: Path) -> None:
    """An editor may save in another encoding."""
    settings.mkdir()
    (settings / "a-settings.json").write_bytes('{"clientId": "Käse"}'.encode("latin-1"))
    checked = tapster("config", "check")

    assert checked.exit_code == 1
    assert "a-settings.json, line 1" in checked.stderr


def test_former_keys_are_warned_of(tapster: Tapster, settings: Path) -> None:
    """They are no reason to fail."""
    settings.mkdir()
    (settings / "server_settings.json").write_text('{"autoConnect": true}')
    checked = tapster("config", "check")

    assert checked.exit_code == 0
    assert "autoConnect" in checked.stderr


def test_broken_routing_rules_are_named(tapster: Tapster, settings: Path) -> None:
    """With the line and the rule's number; sound ones are sound."""
    settings.mkdir()
    path = settings / "routes.json"
    path.write_text('[\n{"match": {}, "action": "eat"}]')
    broken = tapster("config", "check")
    path.write_text('[\n{"match": {}, "action": "drop"}]')
    mended = tapster("config", "check")

    assert (broken.exit_code, mended.exit_code) == (1, 0)
    assert broken.stderr.startswith(f"{path}, line 2: rule 1: ")
    assert mended.stdout == f"{settings}: sound, 0 client files.\n"
