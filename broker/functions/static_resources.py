"""``addStaticResources``: files that clients have served under URLs of their own.

Owns which URL means which file, and its file in the data folder. Must never give
away a URL that is served already; whether a file may be served at all is asked anew
each time it is, and is ``security.paths``' to say.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec

from actors.errors import BrokerError, Code, ProtocolError, RefusedError
from broker.config import SettingsError
from broker.functions.visitor import Visitor
from broker.security.paths import SERVED, Location, ServerRoot, parts_of
from broker.settings_file import read_json, write_settings

logger = logging.getLogger(__name__)

FILE: Final = "static_resources.json"
"""In the data folder."""

MAX_AT_ONCE: Final = 256
MAX_RESOURCES: Final = 4_096


class StaticResources:
    """Files by URL."""

    def __init__(self, root: ServerRoot, data_folder: Path) -> None:
        """Begin with what was added before the last restart."""
        self.root = root
        self._path = data_folder / FILE
        self._files = _read(self._path)
        self._is_served: Callable[[str], bool] = _nothing_is_served

    def respect(self, is_served: Callable[[str], bool]) -> None:
        """Ask this whether a URL is served by anything else."""
        self._is_served = is_served

    def has(self, url: str) -> bool:
        """Whether a file was added under a URL."""
        return url in self._files

    def find(self, url: str) -> Location:
        """The file of a URL that has one.

        Raises:
            BrokerError: the file may no longer be served, or is gone.
        """
        return self.root.find(self._files[url], SERVED)

    def add(self, wanted: Any, visitor: Visitor) -> list[str]:
        """Serve files from now on: all of them or none. Gives their URLs.

        Raises:
            BrokerError: it is not for this visitor, or one of them can not be served.
        """
        if not visitor.is_monitor and not visitor.may_serve_files:
            raise RefusedError(
                "only monitors, and clients whose settings file says mayServeFiles, "
                "may have files served"
            )
        if not isinstance(wanted, dict) or len(wanted) > MAX_AT_ONCE:
            raise ProtocolError(
                f"the resources must be an object of at most {MAX_AT_ONCE} "
                "{urlPath: filePath}",
                Code.INVALID_ARGUMENTS,
            )
        added = {url: self._checked(url, path) for url, path in wanted.items()}
        files = {**self._files, **added}
        if len(files) > MAX_RESOURCES:
            raise RefusedError(
                f"at most {MAX_RESOURCES} files can be served this way",
                Code.TOO_MANY_REQUESTS,
            )
        if files != self._files:
            self._write(files)
        return list(added)

    def _checked(self, url: str, path: Any) -> str:
        """The file's path as it is written down."""
        if not url.startswith("/") or "#" in url:
            raise ProtocolError(f"the URL {url!r} must be like /a/b.js")
        parts_of(url)  # what is no path is no URL either
        place = self.root.find(path, SERVED)
        found = f"{place.area}/{place.name}"
        # Whoever adds the same after each start has nothing to be refused for.
        if self._files.get(url) != found and (
            url in self._files or self._is_served(url)
        ):
            raise RefusedError(f"{url} is served already", Code.INVALID_REQUEST)
        return found

    def _write(self, files: dict[str, str]) -> None:
        try:
            write_settings(self._path, files)
        except SettingsError as error:
            logger.warning("%s", error)
            raise BrokerError(
                "what is served can not be written down", Code.FILE_WRITE
            ) from None
        self._files = files


def _read(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    try:
        return msgspec.convert(read_json(path), dict[str, str])
    except (SettingsError, msgspec.ValidationError) as error:
        logger.warning("%s; no added files are served: %s", path, error)
        return {}


def _nothing_is_served(_url: str) -> bool:
    return False
