"""Paths that peers name, and the files they may mean.

Owns the few folders that are anybody's business: ``settings/``, ``public/``,
``client/`` and ``exampleClient/`` below the server root. Must never give a file
outside of them, nor one that is nobody's to see. A path is what it is: nothing is
decoded, so what looks encoded is refused, and so is on every system what would mean
something else on another.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

import msgspec

from actors.errors import Code, NotFoundError, ProtocolError, RefusedError

MAX_PATH: Final = 512
"""Characters of a path."""


class Area(StrEnum):
    """A folder of the server root, by the name that paths begin with."""

    SETTINGS = "settings"
    PUBLIC = "public"
    CLIENT = "client"
    EXAMPLE_CLIENT = "exampleClient"


SERVED: Final = (Area.PUBLIC, Area.CLIENT, Area.EXAMPLE_CLIENT)
"""What is served over HTTP, to everybody."""

KEY_SUFFIXES: Final = frozenset(
    {"asc", "cer", "crt", "csr", "der", "gpg", "jks", "kdbx", "key", "keystore"}
    | {"p12", "p7b", "p8", "pem", "pfx"}
)
DATABASE_SUFFIXES: Final = frozenset(
    f"{kind}{beside}"
    for kind in ("db", "sqlite", "sqlite3")
    for beside in ("", "-journal", "-shm", "-wal")
)
PROGRAM_SUFFIXES: Final = frozenset(
    {"dll", "py", "pyc", "pyd", "pyi", "pyo", "pyw", "pyz", "so"}
)
RESTRICTED_SUFFIXES: Final = KEY_SUFFIXES | DATABASE_SUFFIXES | PROGRAM_SUFFIXES
"""Endings, behind any dot of a name, of files that are nobody's to see."""

RESTRICTED_NAMES: Final = frozenset(
    {"__pycache__", "id_dsa", "id_ecdsa", "id_ed25519", "id_rsa"}
    | {"client-keys.json", "client_keys.json", "clientkeys.json", "keys.json"}
)
"""Names of such files: caches, and what keys are stored in elsewhere."""

_DEVICES: Final = frozenset(
    ["aux", "con", "conin$", "conout$", "nul", "prn"]
    + [f"{port}{digit}" for port in ("com", "lpt") for digit in "0123456789¹²³"]
)
"""What Windows takes for a device, whatever the ending and the folder."""

_UNPRINTABLE: Final = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_SEPARATOR: Final = re.compile(r"[/\\]")
_FOREIGN: Final = re.compile(
    r"""[\\:<>"|?*]"""  # separators, streams and wildcards of Windows
    r"|%[0-9A-Fa-f]{2}"  # percent encoding
    r"|~[0-9]"  # Windows' short names for long ones
    r"|[. ]$"  # which Windows cuts off
)


class Location(msgspec.Struct, frozen=True):
    """A place in an area, where a file may or may not be."""

    area: Area
    parts: tuple[str, ...]
    """The names below the area's folder, links followed."""
    path: Path
    linked: bool
    """Whether a link led here."""

    @property
    def name(self) -> str:
        """The place below the area's folder."""
        return "/".join(self.parts)


class ServerRoot:
    """The folders of one server, wherever they are."""

    def __init__(self, settings_folder: Path, data_folder: Path) -> None:
        """Take the folder of the settings; the others lie beside it."""
        root = settings_folder.absolute().parent
        self._data = data_folder.absolute()
        self._folders = {area: root / area for area in SERVED}
        self._folders[Area.SETTINGS] = settings_folder.absolute()

    def locate(self, path: Any, areas: Collection[Area]) -> Location:
        """The place that a path means, a file being there or not.

        Raises:
            BrokerError: the path is none, leads out, or to what is nobody's to see.
        """
        first, *rest = parts_of(path)
        if first not in areas or not rest:
            named = " and ".join(f"{area}/" for area in areas)
            raise RefusedError(
                f"only files under {named} can be reached", Code.RESTRICTED_FILE
            )
        try:
            return self._follow(Area(first), tuple(rest))
        except PermissionError:
            raise _denied() from None
        except RuntimeError:  # a link to itself
            raise _linked_out() from None
        except OSError:  # a name too long for the file system
            raise ProtocolError("the path is none", Code.INVALID_PATH) from None

    def find(self, path: Any, areas: Collection[Area]) -> Location:
        """The same, of a file that is there.

        Raises:
            BrokerError: as ``locate`` does, and where there is no file.
        """
        location = self.locate(path, areas)
        try:
            exists = location.path.is_file()
        except PermissionError:
            raise _denied() from None
        except OSError:  # a name too long for the file system
            raise ProtocolError("the path is none", Code.INVALID_PATH) from None
        if not exists:
            raise NotFoundError(
                f"there is no file {location.area}/{location.name}",
                Code.FILE_NOT_FOUND,
            )
        return location

    def _follow(self, area: Area, named: tuple[str, ...]) -> Location:
        folder = self._folders[area].resolve()
        real = folder.joinpath(*named).resolve()
        if not real.is_relative_to(folder):
            raise _linked_out()
        parts = real.relative_to(folder).parts
        for part in parts:  # a link may lead to what no path may name
            _check(part)
        if not parts or self._is_private(area, folder, real):
            raise _restricted()
        if area is Area.SETTINGS and not _spelt_as_written(folder, parts):
            raise _restricted()
        return Location(area, parts, real, linked=parts != named)

    def _is_private(self, area: Area, folder: Path, real: Path) -> bool:
        """Whether a place is in the settings or data folder, by another name."""
        settings = self._folders[Area.SETTINGS].resolve()
        if area is not Area.SETTINGS and real.is_relative_to(settings):
            return True
        data = self._data.resolve()
        return real.is_relative_to(data) and not folder.is_relative_to(data)


def parts_of(path: Any) -> Sequence[str]:
    """The names that a path is made of; ``./`` or ``/`` before them means nothing.

    Raises:
        BrokerError: the path is none, leads out, or names what it may not.
    """
    if (
        not isinstance(path, str)
        or not 0 < len(path) <= MAX_PATH
        or _UNPRINTABLE.search(path)
    ):
        raise ProtocolError(
            f"the path must be a text of 1 to {MAX_PATH} characters, "
            "no control characters",
            Code.INVALID_PATH,
        )
    if ".." in _SEPARATOR.split(_decoded(path)):
        raise RefusedError("the path leads out: it has ..", Code.PATH_TRAVERSAL)
    parts = path.removeprefix("." if path.startswith("./") else "").removeprefix("/")
    for part in parts.split("/"):
        _check(part)
    return parts.split("/")


def _decoded(path: str) -> str:
    """What a path would be to somebody who decoded it as often as it goes."""
    earlier = ""
    while path != earlier:
        earlier, path = path, unquote(path)
    return path


def _check(part: str) -> None:
    folded = part.casefold()
    stem, *endings = folded.split(".")
    plain = unicodedata.normalize("NFKC", part)
    if plain == "..":
        raise RefusedError("the path leads out: it has ..", Code.PATH_TRAVERSAL)
    if (
        not part
        or plain.startswith(".")  # hidden
        or _FOREIGN.search(part)
        or stem.rstrip(" ") in _DEVICES
        or folded in RESTRICTED_NAMES
        or not RESTRICTED_SUFFIXES.isdisjoint(endings)
    ):
        raise _restricted()


def _spelt_as_written(folder: Path, parts: Sequence[str]) -> bool:
    """Whether names are written as on the disk.

    Rights in the settings folder go by names; some file systems take several
    spellings for one.
    """
    for part in parts:
        if (folder / part).exists() and part not in _names_in(folder):
            return False
        folder /= part
    return True


def _names_in(folder: Path) -> frozenset[str]:
    return frozenset(entry.name for entry in folder.iterdir())


def _restricted() -> RefusedError:
    return RefusedError("that file is restricted", Code.RESTRICTED_FILE)


def _denied() -> RefusedError:
    return RefusedError("that file can not be reached", Code.FILE_ACCESS_DENIED)


def _linked_out() -> RefusedError:
    return RefusedError("that file is a link that leads out", Code.FILE_ACCESS_DENIED)
