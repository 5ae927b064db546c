"""``/auth``: keys, logins, and which SillyTaverns there are."""

from __future__ import annotations

from typing import Any, ClassVar

from actors import assignments, extension
from actors.base import ask
from actors.directory import Kind
from actors.errors import BrokerError, ProtocolError, RefusedError
from broker.gateway.dispatch import Call, Fields, handles
from broker.gateway.namespaces.common import KeyHandlers
from broker.protocol.inbound import Login, Untyped
from broker.protocol.wire import Event, Namespace


class AuthHandlers(KeyHandlers):
    """The events of ``/auth``."""

    name: ClassVar[Namespace] = Namespace.AUTH

    @handles(Event.LOGIN, frame=Login, unverified=True)
    async def login(self, call: Call, frame: Login) -> Fields:
        """A SillyTavern proves itself by its password and is given a key."""
        session, doorman = call.session, self.desk.doorman
        if not session.handshake.is_silly_tavern:
            raise RefusedError("only a SillyTavern logs in with a password")
        if frame.client_id not in (None, session.client):
            raise ProtocolError("the clientId must be the handshake's")
        await doorman.admission.check_password(
            session.trust, frame.password, session.socket.peer
        )
        key = await doorman.grant_key(session)
        answer = {"success": True, "key": key, "clientId": session.client}
        session.emit(Event.CLIENT_KEY_ASSIGNED, answer)
        return {"key": key}

    @handles(Event.GET_SILLYTAVERN_EXTENSION)
    async def get_extensions(self, _call: Call, _frame: Untyped) -> Fields:
        """The SillyTaverns that can be given orders."""
        house = self.desk.house
        timeout = house.patience.ask_timeout
        names: list[str] = await ask(
            house.assignments, assignments.GetAvailable(), timeout=timeout
        )
        details = [await self._details(name) for name in names]
        present = [each for each in details if each is not None]
        listed = [each["identity"] for each in present]
        return {"extensions": listed, "allTheSTSocket": listed, "details": present}

    async def _details(self, name: str) -> dict[str, Any] | None:
        ref = self.desk.house.directory.find(Kind.EXTENSION, name)
        if ref is None:
            return None
        try:
            found: extension.Details = await ask(
                ref,
                extension.GetDetails(),
                timeout=self.desk.house.patience.ask_timeout,
            )
        except BrokerError:  # it left meanwhile
            return None
        profile = found.profile
        described = {
            "characters": profile.characters,
            "current": profile.current,
            "model": profile.model,
        }
        return {
            "identity": found.identity,
            "clientId": found.client,
            "desc": profile.description,
            "busy": found.running >= profile.capacity,
            "queued": found.queued,
            **{key: value for key, value in described.items() if value is not None},
        }
