"""``readJsonFromFile``: what can be read by whom. Tricks with paths: test_paths."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from actors.errors import BrokerError, Code
from broker.config import PUBLIC_FIELDS, SERVER_FILE
from broker.functions.settings_reader import MAX_FILE, SettingsReader
from broker.functions.visitor import Visitor
from broker.security.paths import ServerRoot

from .conftest import GUEST, MONITOR, SECRET, SILLY_TAVERN, STRANGER, visitor, write

OWN = "settings/guest-settings.json"
SERVER = "settings/server_settings.json"
EVERYBODY = [GUEST, STRANGER, MONITOR, SILLY_TAVERN]


def see(root: ServerRoot, path: Any, reader: Visitor = GUEST) -> Any:
    """Read as a client would."""
    return SettingsReader(root).read(path, reader)


def refusal(root: ServerRoot, path: Any, reader: Visitor = GUEST) -> int:
    """The code with which reading a path is refused."""
    with pytest.raises(BrokerError) as refused:
        see(root, path, reader)
    assert SECRET not in refused.value.message
    return refused.value.code


@pytest.mark.parametrize("path", [OWN, f"./{OWN}", f"/{OWN}"])
@pytest.mark.parametrize("reader", [GUEST, STRANGER])
def test_own_settings_are_read_without_passwords(
    root: ServerRoot, path: str, reader: Visitor
) -> None:
    """Section 10, and section 1 rule 5: by everybody, what else is their own stays."""
    assert see(root, path, reader) == {
        "clientId": "guest",
        "isTrust": True,
        "mine": [1, {"a": None, "token": "my own"}],
    }


@pytest.mark.parametrize("prefix", ["", "./", "/"])
@pytest.mark.parametrize("reader", [GUEST, STRANGER, SILLY_TAVERN])
def test_server_settings_show_their_public_fields_only(
    root: ServerRoot, prefix: str, reader: Visitor
) -> None:
    """Section 10: in its public fields for all but monitors."""
    found = see(root, f"{prefix}{SERVER}", reader)

    assert set(found) == set(PUBLIC_FIELDS)
    assert found["serverPort"] == 4000


def test_monitor_sees_the_server_settings_whole(
    root: ServerRoot, settings: Path
) -> None:
    """Section 10: but not what former installations kept their keys in."""
    values = json.loads((settings / SERVER_FILE).read_text())
    write(settings / SERVER_FILE, {**values, "clientKeys": {"a": SECRET}})

    assert see(root, SERVER, MONITOR) == values


def test_what_the_command_line_overruled_is_what_others_see(root: ServerRoot) -> None:
    """A client needs the port that is in force; a monitor edits the file."""
    reader = SettingsReader(root, {"serverPort": 4321})

    assert reader.read(SERVER, GUEST)["serverPort"] == 4321
    assert reader.read(SERVER, MONITOR)["serverPort"] == 4000


def test_unproven_monitor_is_nobody(root: ServerRoot) -> None:
    """Rights are those of a key."""
    pretender = Visitor(MONITOR.caller, verified=False)

    assert set(see(root, SERVER, pretender)) == set(PUBLIC_FIELDS)
    assert refusal(root, OWN, pretender) == Code.RESTRICTED_FILE


def test_public_fields_are_those_of_the_protocol() -> None:
    """Rule 5: address, port, path, transport, timeout, reconnect…, networkSafe."""
    assert set(PUBLIC_FIELDS) == {
        "serverAddress",
        "serverPort",
        "socketIOPath",
        "transport",
        "timeout",
        "reconnectAttempts",
        "reconnectDelay",
        "networkSafe",
    }


def test_server_settings_without_a_public_field_show_the_others(
    root: ServerRoot, settings: Path
) -> None:
    """A file holds what an operator changed, no more."""
    write(settings / SERVER_FILE, {"serverPort": 4001, "trustedProxies": [SECRET]})

    assert see(root, SERVER) == {"serverPort": 4001}


@pytest.mark.parametrize("reader", [GUEST, SILLY_TAVERN])
def test_settings_of_others_are_read_without_what_looks_secret(
    root: ServerRoot, reader: Visitor
) -> None:
    """Section 10: files under settings/, without passwords, at whatever depth."""
    assert see(root, "settings/other-settings.json", reader) == {
        "clientId": "other",
        "theme": {"colour": "red", "maxTokens": 5},
        "bots": [{"name": "b"}],
    }


def test_monitor_sees_all_of_the_settings_of_others_but_passwords(
    root: ServerRoot,
) -> None:
    """Section 10: nobody reads those back."""
    found = see(root, "settings/other-settings.json", MONITOR)

    assert "sillyTavernPassWord" not in found
    assert found["theme"]["password"] == SECRET


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("settings/routes.json", []),
        ("/settings/routes.json", []),
        ("public/list.json", [1, 2]),
        ("./public/list.json", [1, 2]),
    ],
)
def test_other_files_are_read_by_who_has_a_key(
    root: ServerRoot, path: str, content: Any
) -> None:
    """Section 10: files under settings/ and public/."""
    assert see(root, path) == content
    assert refusal(root, path, STRANGER) == Code.RESTRICTED_FILE


@pytest.mark.parametrize(
    "path",
    [
        "settings/other-settings.json",
        "settings/absent.json",
        "settings/functions/x.json",
        "public/absent.json",
    ],
)
def test_without_a_key_all_else_is_restricted_whether_there_or_not(
    root: ServerRoot, path: str
) -> None:
    """Section 1, rule 5."""
    assert refusal(root, path, STRANGER) == Code.RESTRICTED_FILE


@pytest.mark.parametrize("reader", EVERYBODY)
@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("settings/../data/tapster.sqlite3", Code.PATH_TRAVERSAL),
        ("../guest-settings.json", Code.PATH_TRAVERSAL),
        ("data/tapster.sqlite3", Code.RESTRICTED_FILE),
        ("client/file.json", Code.RESTRICTED_FILE),
        ("guest-settings.json", Code.RESTRICTED_FILE),
        ("settings/functions/example.py", Code.RESTRICTED_FILE),
        ("/etc/passwd", Code.RESTRICTED_FILE),
        (None, Code.INVALID_PATH),
        ({"path": OWN}, Code.INVALID_PATH),
    ],
)
def test_no_rank_opens_what_is_nobodys(
    root: ServerRoot, reader: Visitor, path: Any, code: int
) -> None:
    """Section 10: not even for monitors."""
    assert refusal(root, path, reader) == code


def test_settings_that_are_no_json_files_are_restricted(
    root: ServerRoot, settings: Path
) -> None:
    """Editors leave copies behind."""
    write(settings / "guest-settings.json~", {"secret": SECRET})

    assert refusal(root, "settings/guest-settings.json~") == Code.RESTRICTED_FILE


@pytest.mark.parametrize(
    "client", ["..", "../data", "/etc/passwd", "a/b", "a\\b", "C:x", "x\0"]
)
def test_names_that_are_paths_lead_nowhere(root: ServerRoot, client: str) -> None:
    """A clientId is anything up to 128 characters."""
    path = f"settings/{client}-settings.json"

    assert refusal(root, path, visitor(client)) in {
        Code.INVALID_PATH,
        Code.RESTRICTED_FILE,
        Code.PATH_TRAVERSAL,
        Code.FILE_NOT_FOUND,
    }


@pytest.mark.parametrize("client", ["server_settings.json", "server_", ""])
def test_no_name_opens_the_servers_secrets(root: ServerRoot, client: str) -> None:
    """Its file is never somebody's own."""
    found = see(root, SERVER, visitor(client, verified=False))

    assert SECRET not in json.dumps(found)


@pytest.mark.parametrize("verified", [True, False])
def test_absent_file_is_not_found(root: ServerRoot, *, verified: bool) -> None:
    """Section 2: 101."""
    newcomer = visitor("newcomer", verified=verified)

    assert refusal(root, "settings/newcomer-settings.json", newcomer) == 101


def test_link_to_the_servers_settings_is_the_servers_settings(
    root: ServerRoot, settings: Path
) -> None:
    """Rights go by what a file is, not by what a link is called."""
    (settings / "link-settings.json").symlink_to(SERVER_FILE)

    found = see(root, "settings/link-settings.json", visitor("link"))

    assert set(found) == set(PUBLIC_FIELDS)


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"",
        b"[1]",
        b'"text"',
        b"null",
        b'{"a": "\xff"}',
        b"\xef\xbb\xbf{}",
        b'{"a":' + b"[" * 100_000,
    ],
    ids=["half", "empty", "list", "text", "null", "no UTF-8", "BOM", "deep"],
)
def test_broken_file_is_an_answer(
    root: ServerRoot, settings: Path, content: bytes
) -> None:
    """Section 2: 104, and nothing of what the file holds."""
    (settings / "guest-settings.json").write_bytes(content)

    assert refusal(root, OWN) == Code.FILE_READ


def test_large_file_is_not_read(root: ServerRoot, settings: Path) -> None:
    """What is larger is fetched over HTTP."""
    write(settings.parent / "public" / "large.json", "x" * MAX_FILE)

    assert refusal(root, "public/large.json") == Code.FILE_READ
