"""Watching: what may change beside the broker is looked at again each second.

Owns the task of each watch, and what follows from a change of trust: in settings files,
by other processes (``tapster clients``, ``tapster keys``), and by time. Must never end
because a look has failed: a broker that no longer sees revoked keys is worse than a
full log.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pykka

from actors import keyring, store
from actors.base import ask
from actors.errors import BrokerError
from broker.config import SettingsError
from broker.functions.library import EMPTY, Library
from broker.functions.server_functions import BUILT_IN
from broker.gateway.namespaces.common import Desk
from broker.meanwhile import meanwhile
from broker.security.trust import TrustRegistry, read_folder
from broker.storage import Storage

logger = logging.getLogger(__name__)

WATCH_EVERY = 1.0
"""Seconds between two looks."""

KEYS_TIMEOUT = 30.0
STORE_TIMEOUT = 60.0


@contextlib.asynccontextmanager
async def watched(
    what: str, look: Callable[[], Awaitable[None]]
) -> AsyncIterator[None]:
    """Look again each second, until the end; ``what`` is what the log calls it."""

    async def watch() -> None:
        while True:
            await asyncio.sleep(WATCH_EVERY)
            try:
                await look()
            except (BrokerError, SettingsError, OSError) as error:
                logger.warning("%s could not be looked at: %s", what, error)
            except Exception:
                logger.exception("%s could not be looked at", what)

    async with meanwhile(watch()):
        yield


async def read_trust(folder: Path, storage: Storage) -> TrustRegistry:
    """Who is trusted, by the settings files and what is stored.

    Raises:
        SettingsError: a password in a file can not be used.
    """
    trust = TrustRegistry(folder)
    trust.refresh()
    trust.replace_stored(storage.contents.clients)
    await _hash_passwords(trust, storage.keys)
    return trust


@contextlib.asynccontextmanager
async def watched_trust(
    trust: TrustRegistry, desk: Desk, storage: Storage
) -> AsyncIterator[None]:
    """Go by what was changed in the settings folder, by other processes, and by time.

    The routing rules lie in that folder, too.
    """

    async def look() -> None:
        await desk.steward.expire_keys()
        await _look_at_files(trust, desk, storage.keys)
        await _look_at_database(trust, desk, storage)

    async with watched("settings", look):
        yield


@contextlib.asynccontextmanager
async def watched_library(folder: Path) -> AsyncIterator[Library]:
    """The operator's functions, loaded anew when a file changes.

    Apart from the other watch: what a file does while it is loaded may take long.
    """
    library = Library(folder, BUILT_IN)
    library.take(await asyncio.to_thread(library.look, EMPTY))

    async def look() -> None:
        library.take(await asyncio.to_thread(library.look, library.shelf))

    async with watched(str(folder), look):
        yield library


async def _look_at_files(
    trust: TrustRegistry, desk: Desk, keys: pykka.ActorRef[keyring.Keyring]
) -> None:
    earlier = trust.snapshot
    trust.take(await asyncio.to_thread(read_folder, trust.folder, earlier), earlier)
    await asyncio.to_thread(desk.routes.refresh)
    await _hash_passwords(trust, keys)


async def _look_at_database(trust: TrustRegistry, desk: Desk, storage: Storage) -> None:
    database, keys = storage.database, storage.keys
    if not await ask(database, store.Changed(), timeout=STORE_TIMEOUT):
        return
    contents = await ask(database, store.Reload(), timeout=STORE_TIMEOUT)
    await desk.steward.note_changes(contents)
    trust.replace_stored(contents.clients)
    dropped = await ask(keys, keyring.Reload(), timeout=STORE_TIMEOUT)
    desk.doorman.admission.known_keys.forget_all()
    for session in desk.doorman.expel(dropped):
        desk.server.dismiss(session)


async def _hash_passwords(
    trust: TrustRegistry, keys: pykka.ActorRef[keyring.Keyring]
) -> None:
    """Leave no password in plain in a settings file.

    Raises:
        SettingsError: one is too long to be told apart by its hash.
    """
    for path, password in trust.unhashed_passwords():
        try:
            order = keyring.HashPassword(password)
            hashed = await ask(keys, order, timeout=KEYS_TIMEOUT)
        except BrokerError as error:
            trust.refuse_password(path)
            raise SettingsError(f"{path}: sillyTavernPassWord: {error}") from None
        trust.store_password_hash(path, hashed)
        logger.info("the password in %s is now stored as its hash", path)
