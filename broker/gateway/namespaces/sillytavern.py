"""``/sillytavern``: where SillyTavern instances introduce themselves."""

from __future__ import annotations

from typing import Any, ClassVar

from actors import extension, shared_settings
from actors.base import ask
from actors.errors import BrokerError, Code, ProtocolError, RefusedError
from actors.shared_settings import Setting
from broker.gateway.dispatch import Call, Fields, Result, handles
from broker.gateway.namespaces.speaking import SpeakingHandlers
from broker.gateway.namespaces.subscribing import AnnouncementHandlers
from broker.gateway.session import Session
from broker.protocol import outbound, silly_tavern_frames
from broker.protocol.inbound import (
    CharactersUpdated,
    ClientSettingsFrame,
    Frame,
    IdentifySillyTavern,
)
from broker.protocol.silly_tavern_frames import (
    GetSharedSettings,
    SaveSharedSettings,
    shared_text,
    shared_value,
)
from broker.protocol.wire import Event, Namespace

SAVE_TIMEOUT = 30.0
"""Seconds that the store may take for a setting."""


class SillyTavernHandlers(AnnouncementHandlers, SpeakingHandlers):
    """The events of ``/sillytavern``."""

    name: ClassVar[Namespace] = Namespace.SILLY_TAVERN

    @handles(Event.IDENTIFY_SILLYTAVERN, frame=IdentifySillyTavern, unverified=True)
    async def identify(self, call: Call, frame: IdentifySillyTavern) -> Fields:
        """An instance introduces itself; one without a key is given one."""
        session = call.session
        _must_be_silly_tavern(session)
        if frame.client_id not in (None, session.client):
            raise ProtocolError("the clientId must be the handshake's")
        holder = self._holder(session)
        if holder is not None and not frame.take_over:
            return _held(session, holder)
        answer = {} if session.verified else await self._give_key(session)
        if frame.take_over:
            self._clear_away(session)
        profile = extension.Profile(
            description=session.handshake.desc,
            capacity=frame.capacity,
            context=frame.context,
            version=frame.version,
            characters=frame.characters,
            current=frame.current,
            model=frame.model,
            instance=frame.instance,
        )
        session.socket.identified[session.identity] = profile
        ref = self.desk.doorman.extension(session)
        ref.tell(extension.Identify(profile, frozenset(frame.running)))
        self.desk.subscriptions.remind(session)
        return answer

    @handles(Event.CHARACTERS_UPDATED, frame=CharactersUpdated)
    def characters_updated(self, call: Call, frame: CharactersUpdated) -> Fields:
        """An instance's characters have changed."""
        return self._describe(call, frame)

    @handles(Event.CLIENT_SETTINGS, frame=ClientSettingsFrame)
    def client_settings(self, call: Call, frame: ClientSettingsFrame) -> Fields:
        """An instance tells more of itself."""
        return self._describe(call, frame)

    @handles(Event.SAVE_SHARED_SETTINGS, frame=SaveSharedSettings)
    def save_shared_settings(self, call: Call, frame: SaveSharedSettings) -> Result:
        """An instance has changed a setting that all have in common."""
        _must_share(call.session)
        setting = Setting(
            frame.name, frame.version, shared_text(frame.value), call.session.identity
        )
        ref = self.desk.shared_settings
        pending = ask(ref, shared_settings.Save(setting), timeout=SAVE_TIMEOUT)
        return self._saved(pending, setting)

    async def _saved(self, pending: Any, setting: Setting) -> Fields:
        result: shared_settings.Saved | shared_settings.Conflict = await pending
        if isinstance(result, shared_settings.Conflict):
            return _conflict(result.kept)
        packet = silly_tavern_frames.updated(
            setting.name, setting.value, setting.version, setting.source
        )
        for other in self.desk.doorman.registry.everyone_in(self.name):
            if other.handshake.is_silly_tavern and other.identity != setting.source:
                other.outbox.push(packet)
        answer: dict[str, Any] = {"version": result.version}
        if not result.durable:
            answer["warning"] = "the store is down: a restart may lose this"
        return answer

    @handles(Event.GET_SHARED_SETTINGS, frame=GetSharedSettings)
    def get_shared_settings(self, call: Call, frame: GetSharedSettings) -> Result:
        """What all instances have in common under a name."""
        _must_share(call.session)
        timeout = self.desk.house.patience.ask_timeout
        get = shared_settings.Get(frame.name)
        return self._found(ask(self.desk.shared_settings, get, timeout=timeout))

    async def _found(self, pending: Any) -> Fields:
        setting: Setting = await pending
        return {"value": shared_value(setting.value), "version": setting.version}

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

    def _holder(self, session: Session) -> extension.Profile | None:
        """What another live connection that holds the identity says of itself."""
        for other in self.desk.doorman.registry.of(session.identity, self.name):
            if other.socket is not session.socket:
                profile = other.socket.identified.get(session.identity)
                if profile is not None:
                    return profile
        return None

    def _clear_away(self, session: Session) -> None:
        """Have every other connection of the identity leave, and know why."""
        identity = session.identity
        error = BrokerError(
            f"another connection has taken {identity!r} over", Code.CLIENT_DISCONNECTED
        )
        notice = {"type": Event.ERROR, "message": error.message, "code": error.code}
        for other in self.desk.doorman.registry.everywhere(identity):
            if other.socket is session.socket:
                continue
            other.socket.identified.pop(identity, None)
            if other.namespace == self.name:
                other.emit(Event.ERROR, notice)
            self.desk.server.displace(other)


def _must_be_silly_tavern(session: Session) -> None:
    if not session.handshake.is_silly_tavern:
        raise BrokerError(
            "only a client of type SillyTavern may do that", Code.AUTHORISATION_FAILED
        )


def _held(session: Session, holder: extension.Profile) -> dict[str, Any]:
    error = RefusedError(
        f"another live connection holds {session.identity!r}", Code.INVALID_REQUEST
    )
    return {**outbound.refusal(error), "held": {"instance": holder.instance}}


def _must_share(session: Session) -> None:
    handshake = session.handshake
    if not (handshake.is_silly_tavern or handshake.is_monitor):
        raise RefusedError("only SillyTaverns and monitors share settings")


def _conflict(kept: Setting) -> dict[str, Any]:
    error = BrokerError(
        f"{kept.name!r} has version {kept.version} already: save a later one",
        Code.INVALID_REQUEST,
    )
    answer = outbound.refusal(error)
    return {**answer, "value": shared_value(kept.value), "version": kept.version}
