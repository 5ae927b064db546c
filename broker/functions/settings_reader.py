"""``readJsonFromFile``: the settings and public files a client may read.

Owns nothing. Must never follow a path out of its folder, which is ``security.paths``'
to prevent, or show a password.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from actors.errors import Code, ProtocolError, RefusedError
from actors.limits import Limit, reached
from broker.config import CLIENT_SUFFIX, PUBLIC_FIELDS, SERVER_FILE, SettingsError
from broker.functions.visitor import Visitor
from broker.security.paths import Area, Location, ServerRoot
from broker.settings_file import read_json

MAX_FILE: Final = 256 * 1024
"""Bytes of a file that is read or written this way."""

JSON_SUFFIX: Final = ".json"
READABLE: Final = (Area.SETTINGS, Area.PUBLIC)

SECRET_FIELDS: Final = frozenset(
    {"sillyTavernPassWord", "sillyTavernMasterKey", "clientKeys"}
)
"""Fields that nobody is shown, at whatever depth."""

_SECRET_WORDS: Final = re.compile(
    r"passw(or)?d|passphrase|secret|token$|(api|client|master|private)_?key",
    re.IGNORECASE,
)
"""What is in the names of fields that clients keep to themselves."""


class SettingsReader:
    """Reads JSON files for clients."""

    def __init__(
        self, root: ServerRoot, in_force: Mapping[str, Any] | None = None
    ) -> None:
        """Read below a root; ``in_force`` is what the command line has overruled."""
        self._root = root
        self._in_force = dict(in_force or {})

    def read(self, path: Any, visitor: Visitor) -> Any:
        """The content of a file, without what is secret.

        Raises:
            BrokerError: the path is none, leads out, or is not for this visitor.
        """
        place = self._root.locate(path, READABLE)
        own = is_own_settings(place, visitor.client)
        if is_server_settings(place):
            values = self._load(path)
            if not visitor.is_monitor:
                values |= self._in_force
                return {key: values[key] for key in PUBLIC_FIELDS if key in values}
        elif not visitor.verified and not own:
            raise RefusedError(
                "without a key only your own settings file and the server's "
                "can be read",
                Code.RESTRICTED_FILE,
            )
        else:
            values = self._load(path)
        shy = visitor.is_monitor or own or place.area is Area.PUBLIC
        return _without(_is_hidden if shy else _is_secret, values)

    def _load(self, path: Any) -> Any:
        place = self._root.find(path, READABLE)
        if place.area is Area.SETTINGS and place.path.suffix != JSON_SUFFIX:
            raise RefusedError("that file is no JSON", Code.RESTRICTED_FILE)
        values = load(place)
        if is_settings_file(place) and not isinstance(values, dict):
            raise ProtocolError(f"settings/{place.name} is no object", Code.FILE_READ)
        return values


def load(place: Location) -> Any:
    """The JSON of a file that is there.

    Raises:
        ProtocolError: it is too large, or none.
    """
    name = f"{place.area}/{place.name}"
    try:
        if place.path.stat().st_size > MAX_FILE:
            reached[Limit.JSON_FILE_SIZE] += 1
            raise ProtocolError(
                f"{name} is too large to be read: at most {MAX_FILE // 1024} KiB",
                Code.FILE_READ,
            )
        return read_json(place.path)
    except (SettingsError, OSError, RecursionError):
        raise ProtocolError(f"{name} can not be read", Code.FILE_READ) from None


def is_server_settings(place: Location) -> bool:
    """Whether a place is that of the server's settings."""
    return place.area is Area.SETTINGS and place.parts == (SERVER_FILE,)


def is_own_settings(place: Location, client: str) -> bool:
    """Whether a place is that of a client's settings file."""
    return place.area is Area.SETTINGS and place.parts == (f"{client}{CLIENT_SUFFIX}",)


def is_settings_file(place: Location) -> bool:
    """Whether the broker reads a place as its own or a client's settings."""
    return is_server_settings(place) or (
        place.area is Area.SETTINGS
        and len(place.parts) == 1
        and place.name.endswith(CLIENT_SUFFIX)
    )


def _is_hidden(field: str) -> bool:
    return field in SECRET_FIELDS


def _is_secret(field: str) -> bool:
    return field in SECRET_FIELDS or _SECRET_WORDS.search(field) is not None


def _without(unwanted: Callable[[str], bool], value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: _without(unwanted, item)
            for key, item in value.items()
            if not unwanted(key)
        }
    if isinstance(value, list):
        return [_without(unwanted, item) for item in value]
    return value
