"""``tapster clients``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .conftest import Tapster


def row(output: str, client: str) -> list[str]:
    """The cells of a client's row in a printed table."""
    (line,) = [line for line in output.splitlines() if f" {client} " in line]
    return [cell.strip() for cell in line.strip("│").split("│")]


def test_trusted_client_is_listed(tapster: Tapster) -> None:
    """Trust outlives the command that gave it."""
    trusted = tapster("clients", "trust", "guest", "--type", "monitor")
    listed = tapster("clients", "list")

    assert trusted.exit_code == listed.exit_code == 0
    assert "tapster keys make guest" in trusted.stdout
    assert row(listed.stdout, "guest") == ["guest", "monitor", "database", "0"]


def test_client_of_a_settings_file_is_listed(tapster: Tapster, settings: Path) -> None:
    """Wherever the trust is from."""
    settings.mkdir()
    path = settings / "filed-settings.json"
    path.write_text(json.dumps({"clientId": "filed", "isTrust": True}))
    (settings / "no-settings.json").write_text('{"clientId": "distrusted"}')
    listed = tapster("clients", "list")

    assert row(listed.stdout, "filed") == ["filed", "", "settings file", "0"]
    assert "distrusted" not in listed.stdout


def test_keys_of_a_client_are_counted(tapster: Tapster) -> None:
    """As a column of the list."""
    tapster("keys", "make", "guest")
    tapster("keys", "make", "guest")

    assert row(tapster("clients", "list").stdout, "guest")[3] == "2"


def test_forgotten_client_is_gone_with_its_keys(tapster: Tapster) -> None:
    """Trust a client no longer, and drop its keys."""
    tapster("keys", "make", "guest")
    forgotten = tapster("clients", "forget", "guest")

    assert forgotten.exit_code == 0
    assert "guest" not in tapster("clients", "list").stdout
    assert "guest" not in tapster("keys", "list").stdout


def test_client_that_is_not_there_can_not_be_forgotten(tapster: Tapster) -> None:
    """One sentence on stderr, exit code 1."""
    refused = tapster("clients", "forget", "nobody")

    assert refused.exit_code == 1
    assert refused.stderr == "tapster: the database has no client nobody\n"


@pytest.mark.parametrize("kind", ["Monitor", "robot", "sillytavern"])
def test_type_that_there_is_not_is_refused(tapster: Tapster, kind: str) -> None:
    """A misspelt monitor would be none."""
    assert tapster("clients", "trust", "guest", "--type", kind).exit_code == 2


def test_forgetting_tells_of_a_file_that_still_trusts(
    tapster: Tapster, settings: Path
) -> None:
    """Otherwise the operator would think it done."""
    settings.mkdir()
    path = settings / "guest-settings.json"
    path.write_text('{"clientId": "guest", "isTrust": true}')
    tapster("keys", "make", "guest")
    forgotten = tapster("clients", "forget", "guest")

    assert forgotten.exit_code == 0
    assert str(path) in forgotten.stderr


@pytest.mark.parametrize("name", ["", "x" * 129, "line\nbreak", "bell\x07"])
def test_what_can_be_no_client_is_refused(tapster: Tapster, name: str) -> None:
    """In one sentence, with exit code 1."""
    refused = tapster("clients", "trust", name)

    assert refused.exit_code == 1
    assert refused.stderr.startswith("tapster: a clientId has 1 to 128 characters")
    assert refused.stderr.count("\n") == 1


def test_trusting_twice_keeps_the_last_type(tapster: Tapster) -> None:
    """An operator may change their mind."""
    tapster("clients", "trust", "guest")
    tapster("clients", "trust", "guest", "--type", "SillyTavern")

    listed = tapster("clients", "list").stdout
    assert row(listed, "guest")[1] == "SillyTavern"


def test_data_folder_that_can_not_be_written_is_one_sentence(
    tapster: Tapster, data: Path
) -> None:
    """With exit code 1."""
    data.write_text("")
    refused = tapster("clients", "list")

    assert refused.exit_code == 1
    assert refused.stderr.startswith(f"tapster: the data folder {data}")
