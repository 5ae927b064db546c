"""``readJsonFromFile``: the settings a client may read.

Owns nothing. Must never follow a path out of the settings folder or show a password;
so it does not open what it is told to, but the one file it finds by that name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Protocol

from actors.errors import Code, NotFoundError, ProtocolError, RefusedError
from broker.config import (
    CLIENT_SUFFIX,
    PUBLIC_FIELDS,
    SERVER_FILE,
    SettingsError,
    read_json,
)

MAX_PATH: Final = 512
SECRET_FIELDS: Final = frozenset({"sillyTavernPassWord", "sillyTavernMasterKey"})

_SETTINGS_FILE: Final = re.compile(r"(?:\.?/)?settings/([^/\\:]+)\Z")


class Reader(Protocol):
    """Who reads."""

    @property
    def client(self) -> str:
        """Its clientId."""


class SettingsReader:
    """Reads settings files for clients."""

    def __init__(self, folder: Path, in_force: Mapping[str, Any] | None = None) -> None:
        """Read in a folder; ``in_force`` is what the command line has overruled."""
        self._folder = folder
        self._in_force = dict(in_force or {})

    def read(self, path: Any, reader: Reader) -> dict[str, Any]:
        """The content of a settings file, without what is secret.

        Raises:
            BrokerError: the path is none, leads out, or is not for this reader.
        """
        name = _file_name(path)
        if name == SERVER_FILE:
            values = {**self._load(name), **self._in_force}
            return {key: values[key] for key in PUBLIC_FIELDS if key in values}
        if name != f"{reader.client}{CLIENT_SUFFIX}":
            raise RefusedError(
                "only your own settings file and the server's can be read",
                Code.RESTRICTED_FILE,
            )
        values = self._load(name)
        return {key: values[key] for key in values.keys() - SECRET_FIELDS}

    def _load(self, name: str) -> dict[str, Any]:
        path = self._folder / name
        try:
            leads_out = path.resolve().parent != self._folder.resolve()
            exists = path.is_file()
        except RuntimeError:  # a link to itself
            raise RefusedError("that file is a link", Code.FILE_ACCESS_DENIED) from None
        except OSError:  # a name too long for the file system
            raise ProtocolError("the path is none", Code.INVALID_PATH) from None
        if leads_out:
            raise RefusedError("that file is a link", Code.FILE_ACCESS_DENIED)
        if not exists:
            raise NotFoundError(f"there is no settings/{name}", Code.FILE_NOT_FOUND)
        try:
            values = read_json(path)
        except SettingsError:
            raise ProtocolError(
                f"settings/{name} can not be read", Code.FILE_READ
            ) from None
        if not isinstance(values, dict):
            raise ProtocolError(f"settings/{name} is no object", Code.FILE_READ)
        return values


def _file_name(path: Any) -> str:
    if not isinstance(path, str) or not path or len(path) > MAX_PATH or "\0" in path:
        raise ProtocolError("the path must be a short text", Code.INVALID_PATH)
    if ".." in path.replace("\\", "/").split("/"):
        raise RefusedError("the path leads out", Code.PATH_TRAVERSAL)
    match = _SETTINGS_FILE.match(path)
    if match is None:
        raise RefusedError(
            "only files under settings/ can be read", Code.RESTRICTED_FILE
        )
    return match.group(1)
