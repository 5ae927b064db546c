"""Events of SillyTaverns: who wants them, and their way there.

Two classes, since an extension may announce its events in ``/llm`` as well as in
``/sillytavern``, and clients subscribe in ``/llm`` alone.
"""

from __future__ import annotations

from actors.directory import Kind
from actors.errors import Code, NotFoundError, RefusedError
from broker.gateway.dispatch import Call, Fields, handles
from broker.gateway.namespaces.common import CommonHandlers
from broker.protocol import silly_tavern_frames
from broker.protocol.silly_tavern_frames import SillyTavernEvent, SubscribeEvents
from broker.protocol.wire import Event, Namespace


class AnnouncementHandlers(CommonHandlers):
    """What an extension announces."""

    @handles(Event.SILLYTAVERN_EVENT, frame=SillyTavernEvent)
    def silly_tavern_event(self, call: Call, frame: SillyTavernEvent) -> Fields:
        """Something has happened in a SillyTavern: tell those who want to know."""
        session = call.session
        if not session.handshake.is_silly_tavern:
            raise RefusedError("only a SillyTavern announces its events")
        packet = silly_tavern_frames.announced(
            call.fields, session.identity, session.client
        )
        self.desk.subscriptions.publish(session, frame.event, packet)
        return None


class SubscriptionHandlers(AnnouncementHandlers):
    """What clients want to hear of."""

    @handles(Event.SUBSCRIBE_EVENTS, frame=SubscribeEvents)
    def subscribe_events(self, call: Call, frame: SubscribeEvents) -> Fields:
        """Want these events of a SillyTavern, and no others of it."""
        session, events = call.session, frozenset(frame.events)
        if events and not self._is_extension(frame.target):
            raise NotFoundError(
                f"no SillyTavern named {frame.target!r} is connected",
                Code.CLIENT_NOT_FOUND,
            )
        presence = self.desk.doorman.client(session)
        self.desk.subscriptions.subscribe(
            session.identity, presence, frame.target, events
        )
        return {"target": frame.target, "events": sorted(events)}

    def _is_extension(self, target: str) -> bool:
        if self.desk.house.directory.find(Kind.EXTENSION, target) is not None:
            return True
        sessions = self.desk.doorman.registry.everyone_in(Namespace.SILLY_TAVERN)
        return any(
            session.handshake.is_silly_tavern and session.client == target
            for session in sessions
        )
