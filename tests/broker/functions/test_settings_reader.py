"""``readJsonFromFile``: what can be read, and the tricks that must not work."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from actors.errors import BrokerError, Code
from broker.config import PUBLIC_FIELDS, SERVER_FILE, ServerSettings
from broker.functions.settings_reader import SettingsReader

SECRET = "nobody may see this"
OWN = "settings/guest-settings.json"

ANSWERS = {
    Code.INVALID_PATH,
    Code.RESTRICTED_FILE,
    Code.PATH_TRAVERSAL,
    Code.FILE_NOT_FOUND,
}


class Guest(msgspec.Struct, frozen=True):
    """Whoever reads."""

    client: str = "guest"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A root with settings, other people's settings, and things beside them."""
    settings = tmp_path / "settings"
    settings.mkdir()
    server = {**msgspec.to_builtins(ServerSettings()), "trustedProxies": [SECRET]}
    write(settings / SERVER_FILE, server)
    write(
        settings / "guest-settings.json",
        {
            "clientId": "guest",
            "isTrust": True,
            "sillyTavernPassWord": SECRET,
            "sillyTavernMasterKey": SECRET,
            "mine": [1, {"a": None}],
        },
    )
    write(settings / "other-settings.json", {"clientId": "other", "secret": SECRET})
    write(settings / "routes.json", {"secret": SECRET})
    write(tmp_path / "guest-settings.json", {"secret": SECRET})
    (tmp_path / "tapster.sqlite3").write_text(SECRET)
    return settings


def write(path: Path, values: Any) -> None:
    """Write a JSON file."""
    path.write_text(json.dumps(values))


def read(folder: Path, path: Any, client: str = "guest") -> dict[str, Any]:
    """Read as a client would."""
    return SettingsReader(folder).read(path, Guest(client))


def refusal(folder: Path, path: Any, client: str = "guest") -> int:
    """The code with which reading a path is refused."""
    with pytest.raises(BrokerError) as refused:
        read(folder, path, client)
    assert SECRET not in refused.value.message
    assert str(folder) not in refused.value.message
    return refused.value.code


@pytest.mark.parametrize("path", [OWN, f"./{OWN}", f"/{OWN}"])
def test_own_settings_are_read_without_secrets(folder: Path, path: str) -> None:
    """Section 10: ``./settings/x.json`` and ``/settings/x.json`` both mean that."""
    assert read(folder, path) == {
        "clientId": "guest",
        "isTrust": True,
        "mine": [1, {"a": None}],
    }


@pytest.mark.parametrize("prefix", ["", "./", "/"])
def test_server_settings_show_their_public_fields_only(
    folder: Path, prefix: str
) -> None:
    """Section 10: ``server_settings.json`` in its public fields."""
    found = read(folder, f"{prefix}settings/server_settings.json")

    assert set(found) == set(PUBLIC_FIELDS)
    assert found["serverPort"] == 4000


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


def test_server_settings_without_a_public_field_show_the_others(folder: Path) -> None:
    """A file holds what an operator changed, no more."""
    write(folder / SERVER_FILE, {"serverPort": 4001, "trustedProxies": [SECRET]})

    assert read(folder, "settings/server_settings.json") == {"serverPort": 4001}


@pytest.mark.parametrize(
    "path",
    [
        "../tapster.sqlite3",
        "settings/../tapster.sqlite3",
        "settings/../settings/guest-settings.json",
        "settings/../guest-settings.json",
        "./settings/../../etc/passwd",
        "/settings/../../../etc/passwd",
        "..",
        "settings/..",
        "..\\tapster.sqlite3",
        "settings\\..\\tapster.sqlite3",
        "settings/..\\guest-settings.json",
        "C:\\..\\x",
    ],
)
def test_way_out_by_dots_is_refused(folder: Path, path: str) -> None:
    """Section 10: ``..`` is refused with 201, also where it would lead back in."""
    assert refusal(folder, path) == Code.PATH_TRAVERSAL


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "//etc/passwd",
        "//settings/guest-settings.json",
        ".//settings/guest-settings.json",
        "settings//guest-settings.json",
        "settings/./guest-settings.json",
        "settings/sub/guest-settings.json",
        "x/settings/guest-settings.json",
        "guest-settings.json",
        "tapster.sqlite3",
        "settings",
        "settings/",
        "settings/.",
        "file:///etc/passwd",
        "~/.ssh/id_rsa",
        "SETTINGS/guest-settings.json",
        "settings/GUEST-settings.json",
        "settings/guest-settings.json ",
        " settings/guest-settings.json",
        "settings/guest-settings.json\n",
        "settings/guest-settings.json.",
        "settings/guest-settings.json/",
        "settings/.../guest-settings.json",
    ],
)
def test_other_paths_are_restricted(folder: Path, path: str) -> None:
    """Section 10: other absolute paths and all other files are refused with 202."""
    assert refusal(folder, path) == Code.RESTRICTED_FILE


@pytest.mark.parametrize(
    "path",
    [
        "%2e%2e/tapster.sqlite3",
        "settings/%2e%2e/tapster.sqlite3",
        "settings/%2e%2e%2ftapster.sqlite3",
        "settings%2fguest-settings.json",
        "settings/..%2fguest-settings.json",
        "settings/%252e%252e/x",
        "settings/guest-settings.json%00",
        "settings/guest-settings.json?x",
        "settings/guest-settings.json#x",
        "settings/\u2024\u2024/tapster.sqlite3",
        "settings/\uff0e\uff0e/x",
        "settings\u2215guest-settings.json",
    ],
)
def test_encoded_paths_are_not_decoded(folder: Path, path: str) -> None:
    """Section 10: a path is what it is."""
    assert refusal(folder, path) == Code.RESTRICTED_FILE


@pytest.mark.parametrize(
    "path",
    [
        "C:\\settings\\guest-settings.json",
        "C:/settings/guest-settings.json",
        "C:settings/guest-settings.json",
        "\\settings\\guest-settings.json",
        "settings\\guest-settings.json",
        "\\\\host\\share\\guest-settings.json",
        "\\\\?\\C:\\x",
        "settings/guest-settings.json:$DATA",
        "settings/guest-settings.json::$DATA",
        "settings/CON",
        "settings/guest~1.jso",
    ],
)
def test_windows_forms_are_restricted(folder: Path, path: str) -> None:
    """Section 10: the same on every system."""
    assert refusal(folder, path) == Code.RESTRICTED_FILE


@pytest.mark.parametrize(
    "path",
    [
        None,
        "",
        7,
        True,
        [OWN],
        {"path": OWN},
        "settings/guest-settings.json\0",
        "settings/guest-settings.json\0.txt",
        "\0",
        "settings/" + "x" * 600,
        "settings/" + "../" * 10_000 + "etc/passwd",
        "./" * 300 + OWN,
    ],
)
def test_what_is_no_short_text_is_no_path(folder: Path, path: Any) -> None:
    """Section 10: 106."""
    assert refusal(folder, path) == Code.INVALID_PATH


@pytest.mark.parametrize(
    "path",
    [
        "settings/other-settings.json",
        "settings/routes.json",
        "settings/monitor-settings.json",
        "settings/functions",
        "settings/.env",
    ],
)
def test_other_files_of_the_folder_are_restricted(folder: Path, path: str) -> None:
    """Rule 5: one's own file and the server's, whether others are there or not."""
    assert refusal(folder, path) == Code.RESTRICTED_FILE


@pytest.mark.parametrize(
    "client", ["..", "../tapster", "/etc/passwd", "a/b", "a\\b", "C:x", "x\0"]
)
def test_names_that_are_paths_lead_nowhere(folder: Path, client: str) -> None:
    """A clientId is anything up to 128 characters."""
    path = f"settings/{client}-settings.json"

    assert refusal(folder, path, client) in ANSWERS


@pytest.mark.parametrize("client", ["server_settings.json", "server_", ""])
def test_no_name_opens_the_servers_secrets(folder: Path, client: str) -> None:
    """Its file is never somebody's own."""
    found = read(folder, "settings/server_settings.json", client)

    assert SECRET not in json.dumps(found)


def test_absent_file_is_not_found(folder: Path) -> None:
    """Section 2: 101, for one's own file only."""
    path = "settings/newcomer-settings.json"

    assert refusal(folder, path, "newcomer") == Code.FILE_NOT_FOUND


def test_directory_is_not_found(folder: Path) -> None:
    """What is no file can not be read."""
    (folder / "d-settings.json").mkdir()

    assert refusal(folder, "settings/d-settings.json", "d") == Code.FILE_NOT_FOUND


@pytest.mark.parametrize("absolute", [True, False])
def test_link_that_leads_out_is_refused(folder: Path, *, absolute: bool) -> None:
    """Section 10: links that lead out are refused with 103."""
    outside = folder.parent / "outside.json"
    write(outside, {"secret": SECRET})
    target = outside if absolute else Path("../outside.json")
    (folder / "link-settings.json").symlink_to(target)

    code = refusal(folder, "settings/link-settings.json", "link")
    assert code == Code.FILE_ACCESS_DENIED


def test_link_by_way_of_a_link_is_refused(folder: Path) -> None:
    """Section 10: however many links it takes."""
    outside = folder.parent / "outside.json"
    write(outside, {"secret": SECRET})
    (folder / "step.json").symlink_to(outside)
    (folder / "link-settings.json").symlink_to(folder / "step.json")

    code = refusal(folder, "settings/link-settings.json", "link")
    assert code == Code.FILE_ACCESS_DENIED


def test_link_to_nowhere_is_an_answer(folder: Path) -> None:
    """A dangling link is as good as no file."""
    (folder / "a-settings.json").symlink_to(folder / "gone.json")

    assert refusal(folder, "settings/a-settings.json", "a") == Code.FILE_NOT_FOUND


def test_link_to_itself_is_an_answer(folder: Path) -> None:
    """A link that goes round is no error of ours."""
    (folder / "a-settings.json").symlink_to(folder / "a-settings.json")

    assert refusal(folder, "settings/a-settings.json", "a") in {101, 103, 104}


def test_name_too_long_for_the_file_system_is_an_answer(folder: Path) -> None:
    """128 characters of a clientId may be more bytes than a file's name has."""
    client = "酒" * 128

    assert refusal(folder, f"settings/{client}-settings.json", client) in ANSWERS


def test_settings_folder_may_itself_be_a_link(folder: Path) -> None:
    """Operators mount and link folders as they like."""
    linked = folder.parent / "linked"
    linked.symlink_to(folder)

    assert read(linked, OWN)["clientId"] == "guest"


@pytest.mark.parametrize(
    "content",
    [b"{", b"", b"[1]", b'"text"', b"null", b'{"a": "\xff"}', b"\xef\xbb\xbf{}"],
    ids=["half", "empty", "list", "text", "null", "no UTF-8", "BOM"],
)
def test_broken_file_is_an_answer(folder: Path, content: bytes) -> None:
    """Section 2: 104, and nothing of what the file holds."""
    (folder / "guest-settings.json").write_bytes(content)

    assert refusal(folder, OWN) == Code.FILE_READ
