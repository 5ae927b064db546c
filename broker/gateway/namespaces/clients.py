"""``/clients``: who is here, and their keys."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from actors.client_records import KeyRow
from actors.errors import (
    Code,
    NotFoundError,
    ProtocolError,
    RefusedError,
)
from actors.keyring import KEY_ID
from actors.message import timestamp
from broker.gateway.auditing import audited
from broker.gateway.dispatch import Call, Fields, handles
from broker.gateway.namespaces.common import KeyHandlers
from broker.gateway.session import Session
from broker.protocol.client_frames import RemoveKey, TargetClient
from broker.protocol.handshake import is_name
from broker.protocol.inbound import Untyped
from broker.protocol.wire import (
    MONITOR_TYPE,
    RESERVED_NAMES,
    SILLY_TAVERN_TYPE,
    Event,
    Namespace,
)


class ClientsHandlers(KeyHandlers):
    """The events of ``/clients``."""

    name: ClassVar[Namespace] = Namespace.CLIENTS

    @handles(Event.GET_CLIENT_LIST, Event.UPDATE_CONNECTED_CLIENTS)
    def get_client_list(self, _call: Call, _frame: Untyped) -> Fields:
        """Who is here; the same list that is sent when it changes."""
        return self.desk.doorman.client_list.fields()

    # -- keys of others

    @handles(Event.GENERATE_CLIENT_KEY, frame=TargetClient)
    @audited
    async def generate_key(self, call: Call, frame: TargetClient) -> Fields:
        """A new key for a client, in plain this once; it is trusted from now on."""
        client = frame.target_client_id
        self._must_manage(call.session, client)
        by = call.session.identity
        await self.desk.steward.enter(client, by)
        key = await self.desk.doorman.new_key(client, by)
        return {"key": key, "clientId": client, "targetClientId": client}

    @handles(Event.REMOVE_CLIENT_KEY, frame=RemoveKey)
    @audited
    async def remove_key(self, call: Call, frame: RemoveKey) -> Fields:
        """Make keys of a client good no more, and close what was opened with them."""
        client = frame.target_client_id
        self._must_manage(call.session, client)
        if frame.key_id is not None and not KEY_ID.match(frame.key_id):
            raise RefusedError(
                "keyId is what GET_ALL_CLIENT_KEYS gives as id, not the key itself",
                Code.INVALID_CLIENT_KEY,
            )
        by = call.session.identity
        dropped = await self.desk.steward.revoke(client, frame.key_id, by)
        answer: dict[str, Any] = {"targetClientId": client, "removed": sorted(dropped)}
        if not dropped:
            self._must_be_known(client)
            which = "no such key" if frame.key_id else "no key"
            code = int(Code.WARNING_NO_SUCH_KEY)
            return {**answer, "warning": f"{client} has {which}", "code": code}
        return answer

    @handles(Event.GET_ALL_CLIENT_KEYS)
    async def get_all_keys(self, call: Call, _frame: Untyped) -> Fields:
        """Everybody's keys by their ids; their hashes for monitors alone."""
        self._must_be_manager(call.session)
        by_client: dict[str, list[KeyRow]] = {}
        for row in await self.desk.doorman.admission.list_keys():
            if not self._is_staff(row.client):
                by_client.setdefault(row.client, []).append(row)
        client_list = self.desk.doorman.client_list
        hashes = call.session.handshake.is_monitor
        keys = {
            client: {
                **({"key": _newest_hash(rows)} if hashes else {}),
                "rooms": client_list.rooms_of_client(client),
                "keys": _described(rows),
            }
            for client, rows in by_client.items()
        }
        return {"keys": keys}

    # -- who may

    def _must_manage(self, session: Session, client: str) -> None:
        self._must_be_manager(session)
        if not is_name(client):
            raise ProtocolError("targetClientId must have no control characters")
        if client in RESERVED_NAMES:
            raise RefusedError(f"{client!r} is a reserved name")
        if self._is_staff(client):
            raise RefusedError("keys of monitors and SillyTaverns are their own")

    def _must_be_manager(self, session: Session) -> None:
        shaken = session.handshake
        trusted = shaken.is_silly_tavern and self.desk.settings.extensions_manage_keys
        if not shaken.is_monitor and not trusted:
            raise RefusedError("you may not manage the keys of others")

    def _is_staff(self, client: str) -> bool:
        """Whether a client is, or could come as, a monitor or a SillyTavern."""
        kind = self.desk.doorman.admission.type_of(client)
        return kind in (MONITOR_TYPE, SILLY_TAVERN_TYPE) or client.startswith(
            SILLY_TAVERN_TYPE
        )

    def _must_be_known(self, client: str) -> None:
        if not self.desk.doorman.admission.is_trusted(client):
            raise NotFoundError(f"there is no client {client!r}", Code.CLIENT_NOT_FOUND)


def _newest_hash(rows: Iterable[KeyRow]) -> str:
    newest = max(rows, key=lambda row: row.created_at)
    return newest.hash.decode("ascii", "replace")


def _described(rows: Iterable[KeyRow]) -> list[dict[str, str | None]]:
    return [
        {
            "id": row.id,
            "createdAt": timestamp(row.created_at),
            "lastUsedAt": timestamp(row.last_used_at),
            "expiresAt": None if row.expires_at is None else timestamp(row.expires_at),
        }
        for row in rows
    ]
