"""The steward: who is trusted and who holds which key, changed while the broker runs.

Owns nothing: trust is the registry's and the store's, keys are the keyring's. Must
never decide who may ask for it: that is said where it is asked for. What it answers is
on disk.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet
from typing import Any, Final

import msgspec

from actors import store
from actors.base import ask
from actors.client_records import ClientRow, ForgetClient, KeyRow, TrustClient
from actors.errors import Code, RefusedError, UnavailableError
from actors.hall_events import GetHolder
from actors.house import House
from actors.records import Write
from actors.store import Contents
from broker.config import SettingsError
from broker.gateway.doorman import Doorman
from broker.gateway.session import Session
from broker.logs.audit import Action, Audit
from broker.protocol.wire import Event, LogEvent
from broker.security.trust import TrustRegistry

logger = logging.getLogger(__name__)

STORE_TIMEOUT: Final = 30.0

COMMAND_LINE: Final = "COMMAND_LINE"
"""What the audit log calls a change that a command made."""

_EXPIRED: Final = {
    "type": Event.ERROR,
    "message": "your key has expired: ask the operator for a new one",
    "code": int(Code.AUTHENTICATION_FAILED),
}


class KnownClient(msgspec.Struct, frozen=True):
    """A client that is trusted, or holds keys."""

    client: str
    type: str | None
    trusted: bool
    keys: tuple[KeyRow, ...]
    online: int
    """How many of its instances are here."""


class Steward:
    """Changes what clients are trusted with."""

    def __init__(
        self,
        house: House,
        trust: TrustRegistry,
        doorman: Doorman,
        dismiss: Callable[[Session], None],
        audit: Audit,
    ) -> None:
        """Take the parts; ``dismiss`` ends the session of one who may stay no more."""
        self._house = house
        self._trust = trust
        self._doorman = doorman
        self._dismiss = dismiss
        self._audit = audit

    def type_of(self, client: str) -> str | None:
        """What a client is beside a plain one, or would be if it were trusted."""
        trust = self._trust.find(client)
        return self._trust.type_in_files(client) if trust is None else trust.type

    def knows(self, client: str) -> bool:
        """Whether a client is trusted."""
        return self._trust.find(client) is not None

    async def trust(self, client: str, by: str) -> None:
        """Trust a client: by its settings file, if it has one.

        Raises:
            RefusedError: its name is that of a room or an identity.
            UnavailableError: this can not be written.
        """
        if self.knows(client):
            return
        await self._must_be_free(client)
        if self._write_trust(client, trusted=True):
            _log_trusted(client, by)
        else:
            await self.enter(client, by)

    async def enter(self, client: str, by: str, kind: str = "") -> None:
        """Trust a client that was not, without a look at settings files.

        Raises:
            RefusedError: its name is that of a room or an identity.
            UnavailableError: the store is down.
        """
        if self.knows(client):
            return
        await self._must_be_free(client)
        row = ClientRow(client, kind, time.time())
        await self._store(TrustClient(row))
        if not self.knows(client):
            raise UnavailableError("the store is down: nobody new can be trusted")
        _log_trusted(client, by)

    async def distrust(self, client: str, by: str) -> None:
        """Trust a client no longer, drop its keys and send its sessions away.

        Raises:
            UnavailableError: this can not be written.
        """
        self._write_trust(client, trusted=False)
        await self._store(ForgetClient(client))
        await self.revoke(client, None, by)
        if self.knows(client):
            raise UnavailableError(f"the store is down: {client!r} is trusted still")
        fields = {"clientId": client, "by": by}
        extra = {"event": LogEvent.CLIENT_REMOVED, "fields": fields}
        logger.info("%s is trusted no longer", client, extra=extra)

    async def revoke(self, client: str, key_id: str | None, by: str) -> frozenset[str]:
        """Make a key of a client, or all, good no more; gives their ids.

        Sessions that were opened with them are closed.

        Raises:
            UnavailableError: it is done, but the store is down.
        """
        dropped = await self._doorman.admission.revoke_keys(client, key_id)
        for session in self._doorman.expel(dropped):
            self._dismiss(session)
        stored = await ask(self._house.store, store.Flush(), timeout=STORE_TIMEOUT)
        if dropped:
            fields = {"clientId": client, "keyIds": sorted(dropped), "by": by}
            extra = {"event": LogEvent.CLIENT_KEY_REMOVED, "fields": fields}
            logger.info("keys of %s were removed", client, extra=extra)
        if not stored:
            raise UnavailableError(
                "the store is down: what was removed is refused from now on, "
                "but a restart before the store is back would take it again"
            )
        return dropped

    async def expire_keys(self) -> None:
        """End the sessions whose key's time is over, and tell them why."""
        expired = await self._doorman.admission.expired_keys()
        for session in self._doorman.expire(expired):
            session.emit(Event.ERROR, _EXPIRED)
            self._dismiss(session)
            fields = {"clientId": session.client, "keyIds": [session.key_id]}
            extra = {"event": LogEvent.CLIENT_KEY_REMOVED, "fields": fields}
            logger.info("a key of %s has expired", session.client, extra=extra)

    async def note_changes(self, found: Contents) -> None:
        """Write down what another process has made of the database.

        Before anything of it is taken over: what we know is what was before.
        """
        known = await self._doorman.admission.list_keys()
        about = _changes(known, found.keys)
        about |= _differences("trusted", self._trust.stored(), _names(found.clients))
        if about:
            action = Action(
                who="the command line",
                client=None,
                address=None,
                what=COMMAND_LINE,
                about=about,
            )
            self._audit.done(action, {})

    async def clients(self) -> list[KnownClient]:
        """Everybody who is trusted or holds a key, with the keys."""
        held: dict[str, list[KeyRow]] = {}
        for row in await self._doorman.admission.list_keys():
            held.setdefault(row.client, []).append(row)
        here: dict[str, set[str]] = {}
        for session in self._doorman.registry.everyone():
            here.setdefault(session.client, set()).add(session.identity)
        return [
            KnownClient(
                client=client,
                type=self.type_of(client),
                trusted=self.knows(client),
                keys=tuple(sorted(held.get(client, ()), key=_age)),
                online=len(here.get(client, ())),
            )
            for client in sorted(self._trust.clients() | held.keys())
        ]

    async def _must_be_free(self, client: str) -> None:
        holder = await ask(self._house.hall, GetHolder(client), timeout=10)
        if holder is not None:
            raise RefusedError(f"{client!r} is the name of a room or an identity")

    async def _store(self, write: Write) -> None:
        self._house.store.tell(write)
        contents: Contents = await ask(
            self._house.store, store.Reload(), timeout=STORE_TIMEOUT
        )
        self._trust.replace_stored(contents.clients)

    def _write_trust(self, client: str, *, trusted: bool) -> bool:
        try:
            return self._trust.write_trust(client, trusted=trusted)
        except SettingsError as error:
            raise UnavailableError(str(error)) from None


def _changes(before: Iterable[KeyRow], after: Iterable[KeyRow]) -> dict[str, Any]:
    ends = {(row.client, row.id): row.expires_at for row in before}
    now = {(row.client, row.id): row.expires_at for row in after}
    moved = [key for key in ends.keys() & now.keys() if ends[key] != now[key]]
    about = _differences("keys", ends.keys(), now.keys())
    return about | ({"keysThatExpire": sorted(moved)} if moved else {})


def _names(rows: Iterable[ClientRow]) -> set[str]:
    return {row.client for row in rows}


def _differences(
    what: str, before: AbstractSet[Any], after: AbstractSet[Any]
) -> dict[str, Any]:
    parts = {f"{what}Added": after - before, f"{what}Removed": before - after}
    return {name: sorted(part) for name, part in parts.items() if part}


def _age(row: KeyRow) -> Any:
    return row.created_at, row.id


def _log_trusted(client: str, by: str) -> None:
    fields = {"clientId": client, "by": by}
    extra = {"event": LogEvent.CLIENT_ADDED, "fields": fields}
    logger.info("%s is trusted now", client, extra=extra)
