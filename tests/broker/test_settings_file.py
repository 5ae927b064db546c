"""Files of settings: read, written, and what is said of those that are wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from broker.config import (
    FORMER_KEYS,
    SERVER_FILE,
    ClientSettings,
    ServerSettings,
    SettingsError,
)
from broker.settings_file import (
    ensure_settings,
    read_client_settings,
    read_server_settings,
    write_settings,
)

SHIPPED = Path(__file__).parents[2] / "settings"


def write(folder: Path, text: str | bytes) -> Path:
    """Write the server's settings file."""
    path = folder / SERVER_FILE
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def complaint(folder: Path) -> str:
    """What is said of the server's settings file."""
    with pytest.raises(SettingsError) as wrong:
        read_server_settings(folder)
    return str(wrong.value)


def test_shipped_monitor_is_a_monitor() -> None:
    """Section 1: the shipped file for the id ``monitor`` has the type."""
    found = read_client_settings(SHIPPED / "monitor-settings.json")

    assert (found.client_id, found.client_type) == ("monitor", "monitor")


def test_defaults_round_trip(tmp_path: Path) -> None:
    """What a new installation writes is what it reads."""
    ensure_settings(tmp_path)

    assert read_server_settings(tmp_path) == (ServerSettings(), [])


def test_absent_file_means_the_defaults(tmp_path: Path) -> None:
    """Every setting has one."""
    assert read_server_settings(tmp_path) == (ServerSettings(), [])


def test_values_in_the_file_count(tmp_path: Path) -> None:
    """Names on disk are those that clients know."""
    write(tmp_path, '{"serverPort": 4001, "socketIOPath": "/io", "pingInterval": 1.5}')
    found, _ = read_server_settings(tmp_path)

    assert (found.server_port, found.socket_io_path) == (4001, "/io")
    assert found.ping_interval == 1.5


@pytest.mark.parametrize("field", ["prot", "server-port", "$ref", "käse", "a b"])
def test_unknown_field_is_named_with_its_line(tmp_path: Path, field: str) -> None:
    """Unknown keys of ours fail with file, line and path."""
    path = write(tmp_path, f'{{\n  "serverPort": 1,\n  "{field}": 2\n}}')
    said = complaint(tmp_path)

    assert f"{path}, line 3" in said
    assert f"unknown field - at `$.{field}`" in said


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("serverPort", '"4000"'),
        ("serverPort", "70000"),
        ("serverPort", "-1"),
        ("networkSafe", '"yes"'),
        ("transport", '"carrier pigeon"'),
        ("streamNames", "null"),
        ("pingInterval", "0"),
        ("reconnectGrace", "-1"),
        ("requestTimeout", "1e300"),
        ("maxPacket", "0"),
        ("trustedNetworks", '"10.0.0.0/8"'),
        ("allowedOrigins", "[1]"),
        ("serverAddress", "null"),
    ],
)
def test_wrong_value_is_named_with_its_line(
    tmp_path: Path, field: str, value: str
) -> None:
    """File, line and field, and what was expected."""
    path = write(tmp_path, f'{{\n"timeout": 1,\n\n"{field}": {value}}}')
    said = complaint(tmp_path)

    assert f"{path}, line 4" in said
    assert f"$.{field}" in said
    assert "xpected" in said or "nvalid" in said


@pytest.mark.parametrize("field", ["trustedNetworks", "trustedProxies"])
@pytest.mark.parametrize("network", ["10.0.0.1/8", "here", "", "::/129"])
def test_network_that_is_none_is_named_with_its_line(
    tmp_path: Path, field: str, network: str
) -> None:
    """They decide who counts as local."""
    path = write(tmp_path, f'{{\n"timeout": 1,\n"{field}": ["::/8", "{network}"]}}')

    assert f"{path}, line 3: {field}" in complaint(tmp_path)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('{\n"serverPort": 4000\n"timeout": 1}', 3),
        ('{\n"serverPort": 4000,\n}', 3),
        ("{\n'a': 1}", 2),
        ("{\n\n// 1\n}", 3),
        ('{"a":\n', 2),
        ("", 1),
        (b'\n{"serverAddress": "\xff"}', 2),
    ],
    ids=["no comma", "comma", "quotes", "comment", "half", "empty", "no UTF-8"],
)
def test_broken_json_is_named_with_its_line(
    tmp_path: Path, text: str | bytes, line: int
) -> None:
    """File and line; a field there is not."""
    path = write(tmp_path, text)

    assert f"{path}, line {line}: " in complaint(tmp_path)


@pytest.mark.parametrize("text", ["[]", "null", "7", '"text"'])
def test_settings_that_are_no_object_are_named(tmp_path: Path, text: str) -> None:
    """A file holds one object."""
    path = write(tmp_path, text)

    assert complaint(tmp_path) == f"{path}: must be an object in braces"


def test_file_that_can_not_be_read_is_named(tmp_path: Path) -> None:
    """A directory, say."""
    path = tmp_path / SERVER_FILE
    path.mkdir()

    assert f"{path}: can not be read" in complaint(tmp_path)


@pytest.mark.parametrize("key", sorted(FORMER_KEYS))
def test_former_key_is_accepted_with_a_warning(tmp_path: Path, key: str) -> None:
    """Keys that older installations still carry."""
    path = write(tmp_path, json.dumps({key: {"any": "thing"}, "serverPort": 4001}))
    found, warnings = read_server_settings(tmp_path)

    assert found.server_port == 4001
    assert len(warnings) == 1
    assert str(path) in warnings[0]
    assert key in warnings[0]


def test_client_settings_may_hold_more(tmp_path: Path) -> None:
    """The file may hold more, which is the client's own."""
    path = tmp_path / "guest-settings.json"
    path.write_text('{"clientId": "guest", "isTrust": true, "theme": "dark"}')

    assert read_client_settings(path) == ClientSettings(
        client_id="guest", is_trust=True
    )


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ('{"isTrust": true}', ["`clientId`"]),
        ('{"clientId": 7}', ["line 1", "$.clientId"]),
        ('{"clientId": "a",\n"isTrust": "true"}', ["line 2", "$.isTrust"]),
        ('{"clientId": "a",\n\n"origins": "*"}', ["line 3", "$.origins"]),
        ('{"clientId": "a",\n"streamNames": "all"}', ["line 2", "$.streamNames"]),
        ('{"clientId":', ["line 1"]),
        ("[]", ["object"]),
    ],
)
def test_wrong_client_settings_are_named(
    tmp_path: Path, text: str, parts: list[str]
) -> None:
    """File, line and field here too."""
    path = tmp_path / "a-settings.json"
    path.write_text(text)
    with pytest.raises(SettingsError) as wrong:
        read_client_settings(path)

    assert all(part in str(wrong.value) for part in [str(path), *parts])


def test_new_installation_gets_its_files(tmp_path: Path) -> None:
    """The server's settings and a monitor."""
    folder = tmp_path / "deep" / "settings"
    ensure_settings(folder)

    names = {path.name for path in folder.iterdir()}
    assert names == {SERVER_FILE, "monitor-settings.json"}


def test_files_that_are_there_are_left_alone(tmp_path: Path) -> None:
    """Also broken ones: they are the operator's."""
    write(tmp_path, "{ mine")
    (tmp_path / "monitor-settings.json").write_text('{"isTrust": false}')
    ensure_settings(tmp_path)

    assert (tmp_path / SERVER_FILE).read_text() == "{ mine"
    assert (tmp_path / "monitor-settings.json").read_text() == '{"isTrust": false}'


def test_folder_that_can_not_be_written_is_named(tmp_path: Path) -> None:
    """Where a file stands in its place."""
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(SettingsError, match="can not be written") as wrong:
        ensure_settings(blocked)

    assert str(blocked) in str(wrong.value)


def test_settings_are_written_in_one_step(tmp_path: Path) -> None:
    """Readers see the old file or the new one, and nothing is left behind."""
    path = tmp_path / "a-settings.json"
    path.write_text("{}")
    write_settings(path, {"clientId": "a"})

    assert json.loads(path.read_text()) == {"clientId": "a"}
    assert list(tmp_path.iterdir()) == [path]


def test_nothing_is_left_behind_where_writing_fails(tmp_path: Path) -> None:
    """A folder must not fill with halves."""
    target = tmp_path / "a-settings.json"
    target.mkdir()
    with pytest.raises(SettingsError):
        write_settings(target, {"clientId": "a"})

    assert list(tmp_path.iterdir()) == [target]
