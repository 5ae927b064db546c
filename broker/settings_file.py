"""Settings files: read with the line of what is wrong in them, written in one step.

What may stand in them is ``config``'s to say. Must never leave a file half written, or
an error without the file that it is in.
"""

from __future__ import annotations

import ipaddress
import re
import tempfile
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from broker.config import (
    CLIENT_SUFFIX,
    FORMER_KEYS,
    SERVER_FILE,
    ClientSettings,
    ServerSettings,
    SettingsError,
)

T = TypeVar("T")


def read_server_settings(folder: Path) -> tuple[ServerSettings, list[str]]:
    """Read the server's settings, and warnings about keys of former installations.

    Raises:
        SettingsError: the file can not be read or holds what it may not.
    """
    path = folder / SERVER_FILE
    values = _read_object(path) if path.exists() else {}
    former = sorted(FORMER_KEYS & values.keys())
    known = {key: value for key, value in values.items() if key not in FORMER_KEYS}
    fields = {field.encode_name for field in msgspec.structs.fields(ServerSettings)}
    unknown = sorted(known.keys() - fields)
    if unknown:
        line = _line_of_field(unknown[0], path)
        raise SettingsError(f"{path}{line}: unknown field - at `$.{unknown[0]}`")
    settings = _convert(path, known, ServerSettings)
    _check_address(path, settings)
    _check_networks(path, "trustedNetworks", settings.trusted_networks)
    _check_networks(path, "trustedProxies", settings.trusted_proxies)
    return settings, [
        f"{path}: {key} is a setting of former versions and means nothing here"
        for key in former
    ]


def read_client_settings(path: Path) -> ClientSettings:
    """Read one client's settings file.

    Raises:
        SettingsError: the file can not be read or holds what it may not.
    """
    return _convert(path, _read_object(path), ClientSettings)


def write_settings(path: Path, values: dict[str, Any]) -> None:
    """Write a settings file in one step: readers see the old one or the new.

    Raises:
        SettingsError: the folder can not be written.
    """
    text = msgspec.json.format(msgspec.json.encode(values), indent=2)
    beside: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            beside = Path(file.name)
            file.write(text + b"\n")
        beside.replace(path)
    except OSError as error:
        if beside is not None:
            beside.unlink(missing_ok=True)
        raise SettingsError(f"{path}: can not be written: {error.strerror}") from error


def ensure_settings(folder: Path) -> None:
    """Write the settings files a new installation starts with.

    Raises:
        SettingsError: the folder can not be written.
    """
    if not (folder / SERVER_FILE).exists():
        write_settings(folder / SERVER_FILE, msgspec.to_builtins(ServerSettings()))
    monitor = folder / f"monitor{CLIENT_SUFFIX}"
    if not monitor.exists():
        write_settings(
            monitor, {"clientId": "monitor", "isTrust": True, "clientType": "monitor"}
        )


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        SettingsError: it can not be read, or is no JSON; says in which line.
    """
    return decode_json(path, read_bytes(path))


def read_bytes(path: Path) -> bytes:
    """Read a file.

    Raises:
        SettingsError: it can not be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise SettingsError(f"{path}: can not be read: {error.strerror}") from error


def decode_json(path: Path, text: bytes) -> Any:
    """The value that a file's text is.

    Raises:
        SettingsError: it is no JSON; says in which line.
    """
    try:
        text.decode()
        return msgspec.json.decode(text)
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start) + 1
        raise SettingsError(f"{path}, line {line}: this is no UTF-8") from error
    except msgspec.DecodeError as error:
        raise SettingsError(f"{path}{_line_of(error, text)}: {error}") from error


def _check_address(path: Path, settings: ServerSettings) -> None:
    try:
        host = settings.host
    except ValueError as error:
        line = _line_of_field("serverAddress", path)
        raise SettingsError(f"{path}{line}: serverAddress: {error}") from error
    if not host:
        line = _line_of_field("serverAddress", path)
        raise SettingsError(f"{path}{line}: serverAddress must not be empty")


def _check_networks(path: Path, field: str, networks: list[str]) -> None:
    for network in networks:
        try:
            ipaddress.ip_network(network)
        except ValueError as error:
            line = _line_of_field(field, path)
            raise SettingsError(
                f"{path}{line}: {field} holds networks like 10.0.0.0/8: {error}"
            ) from error


def _read_object(path: Path) -> dict[str, Any]:
    values = read_json(path)
    if not isinstance(values, dict):
        raise SettingsError(f"{path}: must be an object in braces")
    return values


def _convert(path: Path, values: Any, kind: type[T]) -> T:
    try:
        return msgspec.convert(values, kind)
    except msgspec.ValidationError as error:
        match = re.search(r"\$\.(\w+)", str(error))
        line = _line_of_field(match.group(1), path) if match else ""
        raise SettingsError(f"{path}{line}: {error}") from error


def _line_of(error: msgspec.DecodeError, text: bytes) -> str:
    """The line an error speaks of, from the byte it names."""
    _, _, rest = str(error).partition("(byte ")
    digits = rest.partition(")")[0]
    end = int(digits) if digits.isdigit() else len(text)
    line = text.count(b"\n", 0, end) + 1
    return f", line {line}"


def _line_of_field(name: str, path: Path) -> str:
    """The line in which a field of that name stands."""
    quoted = msgspec.json.encode(name).decode()
    lines = path.read_text("utf-8", "replace").splitlines()
    for number, line in enumerate(lines, start=1):
        if quoted in line:
            return f", line {number}"
    return ""
