"""``/sillytavern``: where SillyTavern instances introduce themselves."""

from __future__ import annotations

from typing import Any, ClassVar

from actors import extension
from actors.errors import BrokerError, Code, ProtocolError, RefusedError
from broker.gateway.dispatch import Call, Fields, handles
from broker.gateway.namespaces.common import CommonHandlers
from broker.gateway.session import Session
from broker.protocol.inbound import (
    CharactersUpdated,
    ClientSettingsFrame,
    Frame,
    IdentifySillyTavern,
)
from broker.protocol.wire import Event, Namespace


class SillyTavernHandlers(CommonHandlers):
    """The events of ``/sillytavern``."""

    name: ClassVar[Namespace] = Namespace.SILLY_TAVERN

    @handles(Event.IDENTIFY_SILLYTAVERN, frame=IdentifySillyTavern, unverified=True)
    async def identify(self, call: Call, frame: IdentifySillyTavern) -> Fields:
        """An instance introduces itself; one without a key is given one."""
        session = call.session
        _must_be_silly_tavern(session)
        if frame.client_id not in (None, session.client):
            raise ProtocolError("the clientId must be the handshake's")
        if self._held_by_another(session):
            raise RefusedError(
                f"another live connection holds {session.identity!r}",
                Code.INVALID_REQUEST,
            )
        answer = {} if session.verified else await self._give_key(session)
        profile = extension.Profile(
            description=session.handshake.desc,
            capacity=frame.capacity,
            context=frame.context,
            version=frame.version,
            characters=frame.characters,
            current=frame.current,
            model=frame.model,
        )
        session.socket.identified[session.identity] = profile
        ref = self.desk.doorman.extension(session)
        ref.tell(extension.Identify(profile, frozenset(frame.running)))
        return answer

    @handles(Event.CHARACTERS_UPDATED, frame=CharactersUpdated)
    def characters_updated(self, call: Call, frame: CharactersUpdated) -> Fields:
        """An instance's characters have changed."""
        return self._describe(call, frame)

    @handles(Event.CLIENT_SETTINGS, frame=ClientSettingsFrame)
    def client_settings(self, call: Call, frame: ClientSettingsFrame) -> Fields:
        """An instance tells more of itself."""
        return self._describe(call, frame)

    def _describe(self, call: Call, frame: Frame) -> Fields:
        _must_be_silly_tavern(call.session)
        changes = {
            name: value
            for name in frame.__struct_fields__
            if (value := getattr(frame, name)) is not None
        }
        ref = self.desk.doorman.extension(call.session)
        ref.tell(extension.Describe(changes))
        return None

    async def _give_key(self, session: Session) -> dict[str, Any]:
        doorman = self.desk.doorman
        if not doorman.admission.may_get_key(session.handshake, session.trust):
            raise RefusedError(
                "this SillyTavern has a password: send LOGIN in /auth first",
                Code.AUTHENTICATION_FAILED,
            )
        known = bool(await doorman.held_keys(session.client))
        key = await doorman.grant_key(session)
        if not known:
            return {"key": key}
        return {
            "status": "warning",
            "key": key,
            "message": "this clientId was known already; here is a further key",
            "code": int(Code.WARNING_EXISTS_ALREADY),
        }

    def _held_by_another(self, session: Session) -> bool:
        sessions = self.desk.doorman.registry.of(session.identity, self.name)
        return any(
            other.socket is not session.socket
            and session.identity in other.socket.identified
            for other in sessions
        )


def _must_be_silly_tavern(session: Session) -> None:
    if not session.handshake.is_silly_tavern:
        raise BrokerError(
            "only a client of type SillyTavern may do that", Code.AUTHORISATION_FAILED
        )
