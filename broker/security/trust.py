"""Which clients are trusted, and as what.

Owns the settings files' and the store's word on it, kept in memory; ``refresh`` looks
for changes. Trust says who may be known here; a key still has to prove who it is.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from actors.client_records import ClientRow
from actors.errors import RefusedError
from actors.limits import Limit, reached
from broker.config import CLIENT_SUFFIX, ClientSettings, SettingsError
from broker.protocol.wire import MONITOR_TYPE, RESERVED_NAMES, SILLY_TAVERN_TYPE
from broker.settings_file import read_client_settings, read_json, write_settings

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
    may_serve_files: bool = False


class Snapshot(NamedTuple):
    """The settings files of a folder as they were read, and when they were written."""

    stamps: dict[Path, tuple[int, int]]
    files: dict[Path, ClientSettings]


def read_folder(folder: Path, earlier: Snapshot) -> Snapshot:
    """Read the files that are new or changed; gives ``earlier`` where none is."""
    stamps = {path: _stamp(path) for path in folder.glob(PATTERN)}
    if stamps == earlier.stamps:
        return earlier
    files = {}
    for path, stamp in stamps.items():
        if earlier.stamps.get(path) == stamp and path in earlier.files:
            files[path] = earlier.files[path]
            continue
        try:
            files[path] = read_client_settings(path)
        except SettingsError as error:
            logger.warning("%s; the client keeps what it had", error)
            if path in earlier.files:
                files[path] = earlier.files[path]
    return Snapshot(stamps, files)


class TrustRegistry:
    """All trusted clients."""

    def __init__(self, folder: Path) -> None:
        """Take the folder of the settings files; ``refresh`` reads them."""
        self.folder = folder
        self.snapshot = Snapshot({}, {})
        self._from_files: dict[str, Trust] = {}
        self._from_store: dict[str, Trust] = {}
        self._unhashable: dict[Path, tuple[int, int]] = {}

    def find(self, client: str) -> Trust | None:
        """What is known of a client, if it is trusted."""
        return self._from_files.get(client) or self._from_store.get(client)

    def in_files(self) -> dict[str, Trust]:
        """The clients that settings files trust."""
        return dict(self._from_files)

    def clients(self) -> frozenset[str]:
        """All clients that are trusted."""
        return frozenset(self._from_files.keys() | self._from_store.keys())

    def is_reserved(self, name: str) -> bool:
        """Whether no identity but its own client may be called so."""
        return name in RESERVED_NAMES or self.find(name) is not None

    def stored(self) -> frozenset[str]:
        """All that are trusted without a settings file."""
        return frozenset(self._from_store)

    def replace_stored(self, rows: Iterable[ClientRow]) -> None:
        """Take what the store knows."""
        self._from_store = {row.client: Trust(row.client, row.type) for row in rows}

    def type_in_files(self, client: str) -> str | None:
        """What settings files say that a client may be, whether they trust it or not.

        Of several, what rules the house counts first, and nothing counts last.
        """
        types = {settings.client_type for settings in self._about(client).values()}
        if MONITOR_TYPE in types:
            return MONITOR_TYPE
        return next(filter(None, types), None)

    def write_trust(self, client: str, *, trusted: bool) -> bool:
        """Say in a client's settings file whether it is trusted; False: it has none.

        Raises:
            SettingsError: it can not be written.
        """
        about = self._about(client)
        for path, settings in about.items():
            if settings.is_trust is not trusted:
                write_settings(path, {**read_json(path), "isTrust": trusted})
        self.refresh()
        return bool(about)

    def unhashed_passwords(self) -> list[tuple[Path, str]]:
        """Settings files whose password still stands there in plain."""
        return [
            (path, settings.silly_tavern_pass_word)
            for path, settings in self.snapshot.files.items()
            if settings.silly_tavern_pass_word
            and self._unhashable.get(path) != self.snapshot.stamps.get(path)
            and not settings.silly_tavern_pass_word.startswith(BCRYPT_PREFIX)
        ]

    def refuse_password(self, path: Path) -> None:
        """Leave a password alone that can not be hashed, until its file changes."""
        self._unhashable[path] = self.snapshot.stamps[path]

    def store_password_hash(self, path: Path, hashed: str) -> None:
        """Replace a password in a settings file by its hash."""
        write_settings(path, {**read_json(path), "sillyTavernPassWord": hashed})
        self.refresh()

    def trust_on_first_use(self, client: str) -> bool:
        """Trust a SillyTavern never seen before, if its name allows it.

        Raises:
            RefusedError: there are as many as there may be.
        """
        first_uses = sum(
            settings.trusted_on_first_use for settings in self.snapshot.files.values()
        )
        path = self.folder / f"{client}{CLIENT_SUFFIX}"
        # A file that says otherwise is the operator's word.
        if FIRST_USE.match(client) is None or path.exists():
            return False
        if first_uses >= MAX_FIRST_USES:
            reached[Limit.TRUSTED_ON_FIRST_USE] += 1
            raise RefusedError(
                f"{MAX_FIRST_USES} SillyTaverns were trusted on first use, and there "
                f"may be no more: the operator can trust {client!r} with «tapster "
                f"clients trust {client}»"
            )
        values = {"clientId": client, "isTrust": True, "clientType": SILLY_TAVERN_TYPE}
        try:
            write_settings(path, {**values, "trustedOnFirstUse": True})
        except SettingsError as error:
            logger.warning("%s", error)
            return False
        logger.info("%s is trusted on first use", client)
        self.refresh()
        return True

    def _about(self, client: str) -> dict[Path, ClientSettings]:
        files = self.snapshot.files.items()
        return {path: each for path, each in files if each.client_id == client}

    def refresh(self) -> None:
        """Read what is new or changed in the folder, here and now."""
        self.take(read_folder(self.folder, self.snapshot), self.snapshot)

    def take(self, snapshot: Snapshot, earlier: Snapshot) -> None:
        """Go by another snapshot, unless ``earlier`` has been replaced meanwhile."""
        if self.snapshot is not earlier or snapshot is earlier:
            return
        self.snapshot = snapshot
        self._from_files = {
            settings.client_id: _trust_of(settings)
            for settings in snapshot.files.values()
            if settings.is_trust
        }


def _stamp(path: Path) -> tuple[int, int]:
    stat = path.stat()
    return stat.st_mtime_ns, stat.st_size


def _trust_of(settings: ClientSettings) -> Trust:
    return Trust(
        settings.client_id,
        settings.client_type,
        settings.silly_tavern_pass_word or None,
        tuple(settings.origins),
        settings.stream_names,
        settings.may_serve_files,
    )
