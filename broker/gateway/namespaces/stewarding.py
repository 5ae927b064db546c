"""``/debug``: whom the house trusts, and with which keys, for monitors.

A monitor rules over everybody but other monitors: whoever takes over one console must
not take over the others, nor make more. What concerns these is done at the machine.
"""

from __future__ import annotations

from typing import Final

from actors.client_records import KeyRow
from actors.errors import Code, NotFoundError, ProtocolError, RefusedError
from actors.keyring import KEY_ID, key_id
from actors.message import timestamp
from broker.gateway.auditing import audited
from broker.gateway.dispatch import Call, Fields, handles
from broker.gateway.namespaces.common import CommonHandlers, must_be_monitor
from broker.gateway.session import Session
from broker.gateway.steward import KnownClient
from broker.protocol.console_frames import (
    MakeKey,
    RevokeKey,
    ShownHolder,
    ShownKey,
    TrustClient,
)
from broker.protocol.handshake import is_name
from broker.protocol.inbound import Untyped
from broker.protocol.wire import (
    MONITOR_TYPE,
    RESERVED_NAMES,
    SILLY_TAVERN_TYPE,
    Event,
)

PLAIN: Final = "client"
"""The kind of a client that is nothing else."""


class StewardHandlers(CommonHandlers):
    """The events of trust and keys."""

    @handles(Event.TRUST_CLIENT, frame=TrustClient)
    @audited
    async def trust_client(self, call: Call, frame: TrustClient) -> Fields:
        """Trust a client, or no longer: then its keys go, and whoever used them."""
        session, client = call.session, frame.client_id
        self._must_rule(session, client)
        steward = self.desk.steward
        if frame.trusted:
            await steward.trust(client, session.identity)
        elif client == session.client:
            raise RefusedError("you can not take your own trust from yourself")
        elif await self._holds_nothing(client):
            raise _unknown(client)
        else:
            await steward.distrust(client, session.identity)
        return {"clientId": client, "trusted": frame.trusted}

    @handles(Event.GET_KEYS)
    async def get_keys(self, call: Call, _frame: Untyped) -> Fields:
        """Everybody who is trusted, and all keys by their ids."""
        must_be_monitor(call.session, "sees the keys of all")
        known = await self.desk.steward.clients()
        return {"clients": [self._shown(each) for each in known]}

    @handles(Event.MAKE_KEY, frame=MakeKey)
    @audited
    async def make_key(self, call: Call, frame: MakeKey) -> Fields:
        """A new key for a client, in plain this once; it is trusted from now on."""
        session, client = call.session, frame.client_id
        self._must_rule(session, client)
        if frame.monitor and client != session.client:
            raise RefusedError(
                "monitors are made at the machine alone: "
                f"«tapster clients trust {client} --type monitor», "
                f"then «tapster keys make {client}»"
            )
        await self.desk.steward.trust(client, session.identity)
        key = await self.desk.doorman.new_key(client, session.identity)
        return {"clientId": client, "key": key, "keyId": key_id(key)}

    @handles(Event.REVOKE_KEY, frame=RevokeKey)
    @audited
    async def revoke_key(self, call: Call, frame: RevokeKey) -> Fields:
        """Make keys of a client good no more, and close what was opened with them."""
        session, client = call.session, frame.client_id
        self._must_rule(session, client)
        if frame.key_id is not None and not KEY_ID.match(frame.key_id):
            raise RefusedError(
                "keyId is what GET_KEYS gives as id, not the key itself",
                Code.INVALID_CLIENT_KEY,
            )
        if await self._holds_nothing(client):
            raise _unknown(client)
        dropped = await self.desk.steward.revoke(client, frame.key_id, session.identity)
        answer = {"clientId": client, "removed": sorted(dropped)}
        if dropped:
            return answer
        which = "no such key" if frame.key_id else "no key"
        code = int(Code.WARNING_NO_SUCH_KEY)
        return {**answer, "warning": f"{client} has {which}", "code": code}

    def _must_rule(self, session: Session, client: str) -> None:
        must_be_monitor(session, "decides about clients and keys")
        if not is_name(client):
            raise ProtocolError("clientId must have no control characters")
        if client in RESERVED_NAMES:
            raise RefusedError(f"{client!r} is a reserved name")
        theirs = self.desk.steward.type_of(client) == MONITOR_TYPE
        if theirs and client != session.client:
            raise RefusedError(
                f"{client!r} is another monitor: these are changed at the machine "
                "alone, with «tapster clients» and «tapster keys»"
            )

    async def _holds_nothing(self, client: str) -> bool:
        steward = self.desk.steward
        return not steward.knows(client) and not await self.desk.doorman.held_keys(
            client
        )

    def _shown(self, known: KnownClient) -> ShownHolder:
        by_name = known.client.startswith(SILLY_TAVERN_TYPE)
        return ShownHolder(
            client_id=known.client,
            kind=known.type or (SILLY_TAVERN_TYPE if by_name else PLAIN),
            trusted=known.trusted,
            keys=[self._shown_key(row) for row in known.keys],
            online=known.online,
        )

    def _shown_key(self, row: KeyRow) -> ShownKey:
        return ShownKey(
            id=row.id,
            created_at=timestamp(row.created_at),
            last_used_at=timestamp(row.last_used_at),
            expires_at=None if row.expires_at is None else timestamp(row.expires_at),
            last_address=self.desk.doorman.addresses.of(row.id),
        )


def _unknown(client: str) -> NotFoundError:
    return NotFoundError(f"there is no client {client!r}", Code.CLIENT_NOT_FOUND)
