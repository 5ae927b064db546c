"""Which clients are trusted, and as what.

Owns the settings files' and the store's word on it, kept in memory; ``refresh`` looks
for changes. Trust says who may be known here; a key still has to prove who it is.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec

from actors.store import ClientRow
from broker.config import (
    CLIENT_SUFFIX,
    ClientSettings,
    SettingsError,
    read_client_settings,
    read_json,
    write_settings,
)
from broker.protocol.wire import RESERVED_NAMES, SILLY_TAVERN_TYPE

logger = logging.getLogger(__name__)

MAX_FIRST_USES: Final = 32
"""SillyTaverns that may be trusted on first use."""

FIRST_USE: Final = re.compile(r"SillyTavern[A-Za-z0-9_.-]{0,64}\Z")
PATTERN: Final = f"*{CLIENT_SUFFIX}"
BCRYPT_PREFIX: Final = "$2"


class Trust(msgspec.Struct, frozen=True):
    """What is known of a trusted client."""

    client: str
    type: str | None = None
    password_hash: str | None = None
    origins: tuple[str, ...] = ()
    stream_names: str | None = None


class TrustRegistry:
    """All trusted clients."""

    def __init__(self, folder: Path) -> None:
        """Read trust from the settings files of a folder."""
        self._folder = folder
        self._seen: dict[Path, tuple[int, int]] = {}
        self._files: dict[Path, ClientSettings] = {}
        self._from_files: dict[str, Trust] = {}
        self._from_store: dict[str, Trust] = {}
        self._first_uses = 0

    def find(self, client: str) -> Trust | None:
        """What is known of a client, if it is trusted."""
        return self._from_files.get(client) or self._from_store.get(client)

    def in_files(self) -> dict[str, Trust]:
        """The clients that settings files trust."""
        return dict(self._from_files)

    def is_reserved(self, name: str) -> bool:
        """Whether no identity but its own client may be called so."""
        return name in RESERVED_NAMES or self.find(name) is not None

    def replace_stored(self, rows: Iterable[ClientRow]) -> None:
        """Take what the store knows."""
        self._from_store = {row.client: Trust(row.client, row.type) for row in rows}

    def unhashed_passwords(self) -> list[tuple[Path, str]]:
        """Settings files whose password still stands there in plain."""
        return [
            (path, settings.silly_tavern_pass_word)
            for path, settings in self._files.items()
            if settings.silly_tavern_pass_word
            and not settings.silly_tavern_pass_word.startswith(BCRYPT_PREFIX)
        ]

    def store_password_hash(self, path: Path, hashed: str) -> None:
        """Replace a password in a settings file by its hash."""
        write_settings(path, {**read_json(path), "sillyTavernPassWord": hashed})
        self.refresh()

    def trust_on_first_use(self, client: str) -> bool:
        """Trust a SillyTavern never seen before, if its name and number allow it."""
        if FIRST_USE.match(client) is None or self._first_uses >= MAX_FIRST_USES:
            return False
        self._first_uses += 1
        path = self._folder / f"{client}{CLIENT_SUFFIX}"
        if path.exists():  # a file that says otherwise is the operator's word
            return False
        values = {"clientId": client, "isTrust": True, "clientType": SILLY_TAVERN_TYPE}
        try:
            write_settings(path, {**values, "trustedOnFirstUse": True})
        except SettingsError as error:
            logger.warning("%s", error)
            return False
        logger.info("%s is trusted on first use", client)
        self.refresh()
        return True

    def refresh(self) -> None:
        """Read settings files that are new or changed, and forget what is gone."""
        present = {path: _stamp(path) for path in self._folder.glob(PATTERN)}
        if present == self._seen:
            return
        for path in self._files.keys() - present.keys():
            del self._files[path]
        for path, stamp in present.items():
            if self._seen.get(path) != stamp:
                self._read(path)
        self._seen = present
        self._from_files = {
            settings.client_id: _trust_of(settings)
            for settings in self._files.values()
            if settings.is_trust
        }

    def _read(self, path: Path) -> None:
        try:
            self._files[path] = read_client_settings(path)
        except SettingsError as error:
            logger.warning("%s; the client keeps what it had", error)


def _stamp(path: Path) -> tuple[int, int]:
    stat = path.stat()
    return stat.st_mtime_ns, stat.st_size


def _trust_of(settings: ClientSettings) -> Trust:
    return Trust(
        settings.client_id,
        settings.client_type,
        settings.silly_tavern_pass_word,
        tuple(settings.origins),
        settings.stream_names,
    )
