"""``saveJsonToFile``: who may write what, and what must never come of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from actors.errors import BrokerError, Code
from broker.config import PUBLIC_FIELDS, SERVER_FILE
from broker.functions.settings_reader import MAX_FILE, SettingsReader
from broker.functions.settings_writer import (
    MAX_FILES,
    PROTECTED_FIELDS,
    SettingsWriter,
)
from broker.functions.visitor import Visitor
from broker.security.paths import Area, ServerRoot
from broker.settings_file import read_client_settings, read_server_settings

from .conftest import GUEST, MONITOR, SILLY_TAVERN, STRANGER, read, visitor, write

OWN = "settings/guest-settings.json"
SERVER = "settings/server_settings.json"

TRUSTED = {"guest", "other", "monitor", "SillyTavern-1"}


def save(
    root: ServerRoot, path: Any, values: Any, writer: Visitor = GUEST, *more: str
) -> None:
    """Write as a client would; ``more`` are trusted as well."""
    SettingsWriter(root, lambda: TRUSTED | {*more}).save(path, values, writer)


def refusal(
    root: ServerRoot, path: Any, values: Any, writer: Visitor = GUEST, *more: str
) -> int:
    """The code with which it is refused; nothing is changed by it."""
    folder = root.locate("settings/x.json", (Area.SETTINGS,)).path.parent
    before = {each: each.read_bytes() for each in folder.glob("*.json")}
    with pytest.raises(BrokerError) as refused:
        save(root, path, values, writer, *more)
    assert {each: each.read_bytes() for each in folder.glob("*.json")} == before
    assert str(folder) not in refused.value.message
    return refused.value.code


# One's own file


@pytest.mark.parametrize("path", [OWN, f"./{OWN}", f"/{OWN}"])
def test_object_is_merged_at_top_level(
    root: ServerRoot, settings: Path, path: str
) -> None:
    """Section 10: what is not named stays, what is named is replaced whole."""
    before = read(settings / "guest-settings.json")

    save(root, path, {"mine": {"b": 1}, "new": None, "streamNames": "both"})

    after = {**before, "mine": {"b": 1}, "new": None, "streamNames": "both"}
    assert read(settings / "guest-settings.json") == after


def test_writing_leaves_nothing_beside_the_file(
    root: ServerRoot, settings: Path
) -> None:
    """Section 10: atomically, by a file that takes the place of the old one."""
    before = sorted(settings.iterdir())
    inode = (settings / "guest-settings.json").stat().st_ino

    save(root, OWN, {"a": 1})

    assert sorted(settings.iterdir()) == before
    assert (settings / "guest-settings.json").stat().st_ino != inode


def test_more_files_that_begin_with_the_client_id_are_ones_own(
    root: ServerRoot, settings: Path
) -> None:
    """Section 10: ``settings/<clientId>*.json``."""
    for name in ("guest-notes.json", "guest.json", "guest2.json", "guest.a.b.json"):
        save(root, f"settings/{name}", {"a": [1]})

        assert read(settings / name) == {"a": [1]}


def test_own_file_that_is_not_there_begins_with_the_client_id(
    root: ServerRoot, settings: Path
) -> None:
    """Who is trusted by the store has none; it gives nobody a right."""
    save(root, "settings/new-settings.json", {"a": 1}, visitor("new"))

    written = read_client_settings(settings / "new-settings.json")
    assert (written.client_id, written.is_trust) == ("new", False)


VALUES: dict[str, Any] = {
    "clientId": "other",
    "clientType": "monitor",
    "isTrust": False,
    "mayServeFiles": True,
    "origins": ["https://evil.example"],
    "sillyTavernMasterKey": "x",
    "sillyTavernPassWord": "x",
    "trustedOnFirstUse": True,
}


def test_every_protected_field_is_tried() -> None:
    """The list below does not outlive the one it is of."""
    assert VALUES.keys() == PROTECTED_FIELDS


@pytest.mark.parametrize("field", sorted(PROTECTED_FIELDS))
@pytest.mark.parametrize("path", [OWN, "settings/guest-notes.json"])
@pytest.mark.parametrize("writer", [GUEST, visitor("guest", SILLY_TAVERN.caller.kind)])
def test_rights_can_not_be_changed_by_who_has_them(
    root: ServerRoot, path: str, field: str, writer: Visitor
) -> None:
    """Section 10: never its clientId, isTrust, clientType, password, origins."""
    values = {"a": 1, field: VALUES[field]}

    assert refusal(root, path, values, writer) == Code.AUTHORISATION_FAILED
    assert refusal(root, path, {field: None}, writer) == Code.AUTHORISATION_FAILED


def test_rights_can_not_be_given_in_a_file_that_is_not_there(root: ServerRoot) -> None:
    """A first file is no way in."""
    path, new = "settings/new-settings.json", visitor("new")

    for field, value in VALUES.items():
        assert refusal(root, path, {field: value}, new) == Code.AUTHORISATION_FAILED
    assert refusal(root, path, {"isTrust": True}, new) == Code.AUTHORISATION_FAILED


def test_what_was_read_can_be_saved_as_a_whole(
    root: ServerRoot, settings: Path
) -> None:
    """Protected fields may stand there as they are; a password is not lost by it."""
    before = read(settings / "guest-settings.json")
    seen = SettingsReader(root).read(OWN, GUEST)

    save(root, OWN, {**seen, "a": 1})

    assert read(settings / "guest-settings.json") == {**before, "a": 1}


@pytest.mark.parametrize(
    "values", [{"streamNames": "loud"}, {"streamNames": 7}, {"streamNames": []}]
)
def test_own_file_stays_one_the_broker_can_read(
    root: ServerRoot, values: dict[str, Any]
) -> None:
    """A client can not lock itself out either."""
    assert refusal(root, OWN, values) == Code.INVALID_PARAMETER


# Files of others


@pytest.mark.parametrize(
    "path",
    [
        "settings/other-settings.json",
        "settings/monitor-settings.json",
        "settings/absent-settings.json",
        "settings/gues.json",
        "settings/Guest-settings.json",
        "settings/x-guest.json",
        "settings/routes.json",
        "settings/functions/guest.json",
        "settings/sub/guest-settings.json",
        "settings/guest/notes.json",
        SERVER,
    ],
)
def test_files_of_others_can_not_be_written(root: ServerRoot, path: str) -> None:
    """Section 10: one's own."""
    assert refusal(root, path, {"a": 1}) == Code.FILE_ACCESS_DENIED


@pytest.mark.parametrize("client", ["s", "server_", "server_settings", "r", "routes"])
def test_no_client_id_makes_a_file_of_the_house_ones_own(
    root: ServerRoot, client: str
) -> None:
    """``server_settings.json`` begins with the id of a client called ``s``."""
    for path in (SERVER, "settings/routes.json"):
        code = refusal(root, path, {"serverPort": 1}, visitor(client))

        assert code == Code.FILE_ACCESS_DENIED


@pytest.mark.parametrize(
    "path",
    [
        "settings/guest2-settings.json",
        "settings/guest-2-settings.json",
        "settings/guest-settings-settings.json",
        "settings/guest2.json",
        "settings/guest2-notes.json",
        "settings/GUEST2-notes.json",
    ],
)
def test_prefix_of_another_id_does_not_own_its_files(
    root: ServerRoot, path: str
) -> None:
    """A file belongs to the longest trusted clientId that its name begins with."""
    longer = ("guest2", "guest-2", "guest-settings")

    assert refusal(root, path, {"a": 1}, GUEST, *longer) == Code.FILE_ACCESS_DENIED


def test_nobody_writes_a_settings_file_for_a_client_to_come(root: ServerRoot) -> None:
    """Not even before the other id is trusted: the file would be its trust."""
    path = "settings/guest2-settings.json"
    values = {"clientId": "guest2", "isTrust": True}

    assert refusal(root, path, values) == Code.FILE_ACCESS_DENIED


def test_id_that_is_the_name_of_a_file_takes_it_from_nobody(
    root: ServerRoot, settings: Path
) -> None:
    """``app`` keeps its settings where ``app-settings`` is a client too."""
    pair = ("app", "app-settings")

    code = refusal(
        root, "settings/app-settings.json", {"a": 1}, visitor("app-settings"), *pair
    )
    save(root, "settings/app-settings.json", {"a": 1}, visitor("app"), *pair)

    assert code == Code.FILE_ACCESS_DENIED
    assert read(settings / "app-settings.json")["clientId"] == "app"


def test_file_that_names_another_client_is_that_clients(
    root: ServerRoot, settings: Path
) -> None:
    """Whatever it is called."""
    write(settings / "guest-x.json", {"clientId": "somebody"})

    assert refusal(root, "settings/guest-x.json", {"a": 1}) == Code.FILE_ACCESS_DENIED


@pytest.mark.parametrize("path", [OWN, SERVER, "settings/guest-notes.json"])
@pytest.mark.parametrize("who", [STRANGER.caller, MONITOR.caller, SILLY_TAVERN.caller])
def test_without_a_key_nothing_can_be_written(
    root: ServerRoot, path: str, who: Any
) -> None:
    """Section 1, rule 5."""
    unproven = Visitor(who, verified=False)

    assert refusal(root, path, {"a": 1}, unproven) == Code.FILE_ACCESS_DENIED


@pytest.mark.parametrize("writer", [GUEST, MONITOR, SILLY_TAVERN])
@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("settings/../guest.json", Code.PATH_TRAVERSAL),
        ("../settings/guest.json", Code.PATH_TRAVERSAL),
        ("settings/%2e%2e/guest.json", Code.PATH_TRAVERSAL),
        ("public/guest.json", Code.RESTRICTED_FILE),
        ("client/guest.json", Code.RESTRICTED_FILE),
        ("data/tapster.sqlite3", Code.RESTRICTED_FILE),
        ("settings/functions/evil.py", Code.RESTRICTED_FILE),
        ("settings/functions/guest.py.json", Code.RESTRICTED_FILE),
        ("settings/guest.pem", Code.RESTRICTED_FILE),
        ("settings/.guest.json", Code.RESTRICTED_FILE),
        ("settings/guest.json:x", Code.RESTRICTED_FILE),
        ("settings/guest.txt", Code.FILE_ACCESS_DENIED),
        ("settings/guest", Code.FILE_ACCESS_DENIED),
        ("settings/guest.JSON", Code.FILE_ACCESS_DENIED),
        (7, Code.INVALID_PATH),
    ],
)
def test_no_rank_writes_anything_but_json_in_settings(
    root: ServerRoot, writer: Visitor, path: Any, code: int
) -> None:
    """Section 10: above all no Python."""
    assert refusal(root, path, {"a": 1}, writer) == code


@pytest.mark.parametrize("writer", [GUEST, MONITOR])
def test_links_are_not_written_through(
    root: ServerRoot, settings: Path, writer: Visitor
) -> None:
    """A link may have another file's rights behind its name."""
    (settings / "guest-link.json").symlink_to(SERVER_FILE)

    code = refusal(root, "settings/guest-link.json", {"networkSafe": False}, writer)
    assert code == Code.FILE_ACCESS_DENIED


# The server's settings


@pytest.mark.parametrize("field", sorted(set(PUBLIC_FIELDS) - {"networkSafe"}))
def test_silly_tavern_may_change_public_fields(
    root: ServerRoot, settings: Path, field: str
) -> None:
    """Section 10: they count after a restart."""
    values = read(settings / SERVER_FILE)
    other = {"transport": "polling", "socketIOPath": "/x", "serverAddress": "http://b"}

    save(root, SERVER, {field: other.get(field, 5)}, SILLY_TAVERN)

    read_server_settings(settings)
    assert read(settings / SERVER_FILE) == {**values, field: other.get(field, 5)}


@pytest.mark.parametrize(
    "values",
    [
        {"networkSafe": False},
        {"serverPort": 5, "networkSafe": False},
        {"trustedNetworks": ["0.0.0.0/0"]},
        {"monitorsMayGetKey": True},
        {"monitorsMayGetKey": False},
        {"allowedOrigins": ["*"]},
        {"unknown": 1},
    ],
)
def test_silly_tavern_may_change_nothing_else_there(
    root: ServerRoot, values: dict[str, Any]
) -> None:
    """Section 10: except networkSafe; what it can not read it can not guess either."""
    code = refusal(root, SERVER, values, SILLY_TAVERN)

    assert code == Code.AUTHORISATION_FAILED


def test_silly_tavern_may_save_what_it_has_read(
    root: ServerRoot, settings: Path
) -> None:
    """``networkSafe`` may stand there as it is."""
    before = read(settings / SERVER_FILE)
    seen = SettingsReader(root).read(SERVER, SILLY_TAVERN)

    save(root, SERVER, {**seen, "timeout": 5}, SILLY_TAVERN)

    assert read(settings / SERVER_FILE) == {**before, "timeout": 5}


@pytest.mark.parametrize(
    "values",
    [
        {"serverPort": "4000"},
        {"serverPort": -1},
        {"serverPort": None},
        {"transport": "pigeon"},
        {"serverAddress": ""},
        {"serverAddress": "http://["},
    ],
)
@pytest.mark.parametrize("writer", [SILLY_TAVERN, MONITOR])
def test_server_settings_stay_ones_the_broker_can_start_with(
    root: ServerRoot, values: dict[str, Any], writer: Visitor
) -> None:
    """A result must still be a valid file."""
    assert refusal(root, SERVER, values, writer) == Code.INVALID_PARAMETER


# Monitors


def test_monitor_writes_any_settings_file(root: ServerRoot, settings: Path) -> None:
    """Section 10: rights included."""
    (settings / "sub").mkdir()
    save(root, SERVER, {"networkSafe": False}, MONITOR)
    save(root, OWN, {"isTrust": False, "origins": ["http://a"]}, MONITOR)
    save(root, "settings/new-settings.json", {"clientId": "new"}, MONITOR)
    save(root, "settings/anything.json", {"a": 1}, MONITOR)
    save(root, "settings/sub/deep.json", {"a": 1}, MONITOR)

    assert read(settings / SERVER_FILE)["networkSafe"] is False
    assert read(settings / "guest-settings.json")["origins"] == ["http://a"]
    assert read_client_settings(settings / "new-settings.json").client_id == "new"
    assert read(settings / "anything.json") == {"a": 1}
    assert read(settings / "sub" / "deep.json") == {"a": 1}


@pytest.mark.parametrize(
    ("path", "values"),
    [
        (OWN, {"isTrust": "yes"}),
        (OWN, {"clientId": None}),
        (OWN, {"mayServeFiles": 1}),
        (OWN, {"sillyTavernPassWord": "x" * 73}),
        (OWN, {"sillyTavernPassWord": "é" * 37}),
        ("settings/new-settings.json", {"isTrust": True}),
        (SERVER, {"notASetting": 1}),
        (SERVER, {"trustedNetworks": ["everywhere"]}),
        ("settings/routes.json", [{"action": "explode"}]),
        ("settings/routes.json", {"rules": []}),
        ("settings/routes.json", "x"),
    ],
)
def test_monitor_leaves_no_broken_file_behind(
    root: ServerRoot, path: str, values: Any
) -> None:
    """Code 3, and a message that says where."""
    assert refusal(root, path, values, MONITOR) == Code.INVALID_PARAMETER


def test_refusal_says_what_is_wrong_with_the_file(root: ServerRoot) -> None:
    """With the path as the client knows it."""
    with pytest.raises(BrokerError) as refused:
        save(root, SERVER, {"serverPort": "x"}, MONITOR)

    assert "settings/server_settings.json, line" in refused.value.message
    assert "$.serverPort" in refused.value.message


def test_monitor_replaces_the_routing_rules(root: ServerRoot, settings: Path) -> None:
    """They are a list, so there is nothing to merge."""
    rules = [{"match": {"event": "a"}, "action": "drop"}]
    save(root, "settings/routes.json", rules, MONITOR)

    assert read(settings / "routes.json") == rules


def test_folder_that_is_not_there_is_not_made(root: ServerRoot, settings: Path) -> None:
    """A file's place is the operator's to make."""
    code = refusal(root, "settings/new/x.json", {"a": 1}, MONITOR)

    assert code == Code.FILE_WRITE
    assert not (settings / "new").exists()


# Sizes, and what can not be merged


@pytest.mark.parametrize("values", [None, 1, "x", [], [{"a": 1}], True])
@pytest.mark.parametrize("writer", [GUEST, MONITOR])
def test_what_is_no_object_can_not_be_merged(
    root: ServerRoot, values: Any, writer: Visitor
) -> None:
    """Section 2: 503."""
    assert refusal(root, OWN, values, writer) == Code.INVALID_ARGUMENTS


def test_file_does_not_grow_beyond_its_limit(root: ServerRoot) -> None:
    """Neither at once nor bit by bit."""
    half = "x" * (MAX_FILE // 2)

    assert refusal(root, OWN, {"a": half, "b": half}) == Code.FILE_WRITE
    save(root, OWN, {"a": half})
    assert refusal(root, OWN, {"b": half}) == Code.FILE_WRITE
    save(root, OWN, {"a": half[:-1]})


def test_client_can_not_fill_the_folder(root: ServerRoot, settings: Path) -> None:
    """What is there already can still be written."""
    for number in range(MAX_FILES - 1):
        save(root, f"settings/guest-{number}.json", {})

    assert refusal(root, "settings/guest-more.json", {}) == Code.FILE_WRITE
    save(root, "settings/guest-0.json", {"a": 1})
    assert read(settings / "guest-0.json") == {"a": 1}


def test_files_of_others_are_not_counted(root: ServerRoot, settings: Path) -> None:
    """Their ids may begin with one's own."""
    others = [f"guest-{number:02}" for number in range(MAX_FILES)]
    for other in others:
        write(settings / f"{other}-settings.json", {})
        write(settings / f"{other}-notes.json", {})

    save(root, "settings/guest-notes.json", {"a": 1}, GUEST, *others)

    assert read(settings / "guest-notes.json") == {"a": 1}


@pytest.mark.parametrize("content", [b"{", b"\xff", b""])
def test_broken_file_is_not_replaced(
    root: ServerRoot, settings: Path, content: bytes
) -> None:
    """Nobody knows what it held."""
    (settings / "guest-notes.json").write_bytes(content)

    assert refusal(root, "settings/guest-notes.json", {"a": 1}) == Code.FILE_READ


def test_list_is_not_merged_with(root: ServerRoot, settings: Path) -> None:
    """There is no top level to merge at."""
    write(settings / "guest-notes.json", [1])

    assert refusal(root, "settings/guest-notes.json", {"a": 1}) == Code.FILE_WRITE


def test_text_that_is_no_text_is_an_answer(root: ServerRoot) -> None:
    """Lone surrogates are mended before; if one comes through, nothing is written."""
    assert refusal(root, OWN, {"a": "\ud800"}) == Code.INVALID_ARGUMENTS


def test_folder_that_can_not_be_written_is_an_answer(
    root: ServerRoot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Section 2: 105."""

    def full(*_args: Any, **_options: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("broker.settings_file.tempfile.NamedTemporaryFile", full)

    assert refusal(root, "settings/guest-notes.json", {"a": 1}) == Code.FILE_WRITE


def test_json_that_is_written_reads_like_what_people_write(
    root: ServerRoot, settings: Path
) -> None:
    """Operators open these files."""
    save(root, "settings/guest-notes.json", {"a": {"b": "酒"}})

    text = (settings / "guest-notes.json").read_text("utf-8")
    assert text == json.dumps({"a": {"b": "酒"}}, indent=2, ensure_ascii=False) + "\n"
