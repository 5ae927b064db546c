"""``saveJsonToFile``: the settings a client may write.

Owns nothing. Must never let anybody give themselves a right, write another's file, or
leave a settings file the broker could not use: what would come of it is read as the
broker reads it before anything is replaced.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Any, Final

import msgspec

from actors.errors import BrokerError, Code, ProtocolError, RefusedError
from actors.keyring import MAX_SECRET
from actors.limits import Limit, reached
from broker.config import CLIENT_SUFFIX, PUBLIC_FIELDS, SERVER_FILE, SettingsError
from broker.functions.settings_reader import (
    JSON_SUFFIX,
    MAX_FILE,
    is_own_settings,
    is_server_settings,
    is_settings_file,
    load,
)
from broker.functions.visitor import Visitor
from broker.routes import ROUTES_FILE, read_routes
from broker.security.paths import Area, Location, ServerRoot
from broker.settings_file import (
    read_client_settings,
    read_server_settings,
    write_settings,
)

MAX_FILES: Final = 32
"""Files that one client keeps in the settings folder."""

OF_THE_HOUSE: Final = frozenset({SERVER_FILE, ROUTES_FILE})
"""Files that are no client's, whatever the client is called."""

PROTECTED_FIELDS: Final = frozenset(
    {
        "clientId",
        "clientType",
        "isTrust",
        "mayServeFiles",
        "origins",
        "sillyTavernMasterKey",
        "sillyTavernPassWord",
        "trustedOnFirstUse",
    }
)
"""Fields of its own file that a client can not change: they are its rights."""

SILLY_TAVERN_FIELDS: Final = frozenset(PUBLIC_FIELDS) - {"networkSafe"}
"""Fields of the server's settings that a SillyTavern may change."""


class SettingsWriter:
    """Writes settings files for clients."""

    def __init__(
        self, root: ServerRoot, clients: Callable[[], Collection[str]]
    ) -> None:
        """Write below a root; ``clients`` gives all that are trusted."""
        self._root = root
        self._clients = clients

    def save(self, path: Any, values: Any, visitor: Visitor) -> None:
        """Merge an object into a file at its top level.

        Raises:
            BrokerError: it is not for this visitor, or no valid file would come of it.
        """
        place = self._root.locate(path, (Area.SETTINGS,))
        if place.linked or not place.name.endswith(JSON_SUFFIX):
            raise RefusedError(
                "only .json files that are no links can be written",
                Code.FILE_ACCESS_DENIED,
            )
        self._check_right(place, visitor)
        if visitor.is_monitor and place.parts == (ROUTES_FILE,):
            self._replace(place, values)  # a list: there is nothing to merge
        else:
            self._merge(place, values, visitor)

    def _merge(self, place: Location, values: Any, visitor: Visitor) -> None:
        if not isinstance(values, dict):
            raise ProtocolError("the object must be one", Code.INVALID_ARGUMENTS)
        present = self._present(place)
        if not visitor.is_monitor:
            values = _permitted(place, present, values, visitor)
        self._replace(place, {**present, **values})

    def _check_right(self, place: Location, visitor: Visitor) -> None:
        if visitor.is_monitor:
            return
        if is_server_settings(place):
            allowed = visitor.is_silly_tavern
        else:
            allowed = visitor.verified and self._is_own(place, visitor.client)
        if not allowed:
            raise RefusedError(
                f"only files settings/{visitor.client}*{JSON_SUFFIX} that are no "
                "other client's can be written",
                Code.FILE_ACCESS_DENIED,
            )
        if not place.path.exists():
            self._check_number(place, visitor.client)

    def _is_own(self, place: Location, client: str) -> bool:
        names = [place.name] if len(place.parts) == 1 else []
        return bool(_own_among(names, client, self._clients()))

    def _check_number(self, place: Location, client: str) -> None:
        """A client can not fill the disk with small files."""
        held = [path.name for path in place.path.parent.glob(f"*{JSON_SUFFIX}")]
        if len(_own_among(held, client, self._clients())) >= MAX_FILES:
            reached[Limit.FILES_PER_CLIENT] += 1
            raise RefusedError(
                f"settings/ has {MAX_FILES} files of yours already: write to one of "
                "these",
                Code.FILE_WRITE,
            )

    def _present(self, place: Location) -> dict[str, Any]:
        if not place.path.exists():
            return {}
        values = load(place)
        if not isinstance(values, dict):
            raise ProtocolError(
                f"settings/{place.name} holds no object to merge with", Code.FILE_WRITE
            )
        return values

    def _replace(self, place: Location, values: Any) -> None:
        try:
            size = len(msgspec.json.format(msgspec.json.encode(values), indent=2))
        except (TypeError, ValueError, RecursionError):
            raise ProtocolError("this is no JSON", Code.INVALID_ARGUMENTS) from None
        if size > MAX_FILE:
            reached[Limit.JSON_FILE_SIZE] += 1
            raise ProtocolError(
                f"the file would have {size} bytes, at most {MAX_FILE // 1024} KiB are "
                "written",
                Code.FILE_WRITE,
            )
        _check_valid(place, values)
        if not place.path.parent.is_dir():
            raise RefusedError("there is no such folder", Code.FILE_WRITE)
        try:
            write_settings(place.path, values)
        except SettingsError:
            raise BrokerError(
                f"settings/{place.name} can not be written", Code.FILE_WRITE
            ) from None


def _own_among(
    names: Iterable[str], client: str, clients: Collection[str]
) -> list[str]:
    """The files of the settings folder that are a client's and no other's.

    One clientId may be the beginning of another: a file belongs to the longest that
    its name begins with.
    """
    longer = tuple(other.casefold() for other in clients if len(other) > len(client))
    return [
        name
        for name in names
        if name == f"{client}{CLIENT_SUFFIX}"
        or (name.startswith(client) and not _is_others(name.casefold(), longer))
    ]


def _is_others(name: str, others: tuple[str, ...]) -> bool:
    of_settings = name in OF_THE_HOUSE or name.endswith(CLIENT_SUFFIX)
    return of_settings or name.startswith(others)


def _permitted(
    place: Location, present: dict[str, Any], values: dict[str, Any], visitor: Visitor
) -> dict[str, Any]:
    """What of the values changes something.

    What is as it was may stand there: clients save what they have read as a whole.

    Raises:
        RefusedError: one of them is not for this visitor to change.
    """
    if is_server_settings(place):
        kept = present.keys() & PUBLIC_FIELDS
        forbidden = values.keys() - SILLY_TAVERN_FIELDS
    else:
        if is_own_settings(place, visitor.client):
            present.setdefault("clientId", visitor.client)
        if present.get("clientId", visitor.client) != visitor.client:
            raise RefusedError("that file is another's", Code.FILE_ACCESS_DENIED)
        kept = present.keys() & PROTECTED_FIELDS
        forbidden = values.keys() & PROTECTED_FIELDS
    for field in sorted(forbidden):
        if field not in kept or present[field] != values[field]:
            raise RefusedError(f"{field} is not yours to change")
    return {key: values[key] for key in values.keys() - forbidden}


def _check_valid(place: Location, values: Any) -> None:
    """Read what is to be written as the broker will.

    Raises:
        ProtocolError: it would not be valid; says where.
    """
    is_routes = place.parts == (ROUTES_FILE,)
    if not is_routes and not is_settings_file(place):
        return
    with tempfile.TemporaryDirectory() as folder:
        candidate = Path(folder, place.parts[-1])
        try:
            write_settings(candidate, values)
            if is_routes:
                read_routes(candidate)
            elif is_server_settings(place):
                read_server_settings(candidate.parent)
            else:
                _check_password(read_client_settings(candidate).silly_tavern_pass_word)
        except SettingsError as error:
            reason = str(error).replace(str(candidate), f"settings/{place.name}")
            raise ProtocolError(f"no valid file would come of it: {reason}") from None


def _check_password(password: str | None) -> None:
    if password is not None and len(password.encode()) > MAX_SECRET:
        raise SettingsError(f"sillyTavernPassWord has at most {MAX_SECRET} bytes")
