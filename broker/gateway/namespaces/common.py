"""What every namespace does, and what their handlers work with."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from actors.base import LoopRef
from actors.errors import RefusedError
from actors.house import House
from broker.config import ServerSettings
from broker.console.feed import HouseFeed
from broker.functions.remote import Remote
from broker.functions.server_functions import ServerFunctions
from broker.gateway.auditing import audited_of_monitors
from broker.gateway.dispatch import Call, Fields, NamespaceHandlers, handles
from broker.gateway.doorman import Doorman
from broker.gateway.intake import Intake
from broker.gateway.outbound import SocketOutbound
from broker.gateway.server import TapsterServer
from broker.gateway.session import Session
from broker.gateway.speech import Postman
from broker.gateway.status import ServerStatus
from broker.gateway.steward import Steward
from broker.gateway.subscriptions import Subscriptions
from broker.logs.journal import Journal
from broker.protocol.inbound import KeyRequest, Untyped
from broker.protocol.wire import Event, Namespace
from broker.routes import RoutesFile


class Desk(msgspec.Struct, frozen=True, kw_only=True):
    """What the handlers work with."""

    house: House
    server: TapsterServer
    doorman: Doorman
    steward: Steward
    intake: Intake
    outbound: SocketOutbound
    postman: Postman
    settings: ServerSettings
    functions: ServerFunctions
    remote: Remote
    subscriptions: Subscriptions
    shared_settings: LoopRef[Any]
    journal: Journal
    status: ServerStatus
    feed: HouseFeed
    routes: RoutesFile
    """Its ``rules`` are those in force at the moment."""


class CommonHandlers(NamespaceHandlers):
    """Events of all namespaces."""

    name: ClassVar[Namespace] = Namespace.DEFAULT

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    @handles(Event.CLIENT_DISCONNECTED, unverified=True)
    def client_disconnected(self, call: Call, _frame: Untyped) -> Fields:
        """The client leaves and needs no grace time."""
        self.desk.server.dismiss(call.session)
        return None


class KeyHandlers(CommonHandlers):
    """The namespaces in which a client may ask for a key."""

    @handles(Event.GET_CLIENT_KEY, frame=KeyRequest, unverified=True)
    @audited_of_monitors
    async def get_client_key(self, call: Call, frame: KeyRequest) -> Fields:
        """A new key, in plain this once: one's own, or a monitor's for anyone."""
        session, doorman = call.session, self.desk.doorman
        wanted = frame.client_id or session.client
        if wanted == session.client:
            if not session.verified and not doorman.admission.may_get_key(
                session.handshake, session.trust
            ):
                raise RefusedError(f"{wanted} gets no key for the asking")
            key = await doorman.grant_key(session)
        elif session.verified and session.handshake.is_monitor:
            key = await doorman.new_key(wanted)
        else:
            raise RefusedError("only a monitor may ask for the keys of others")
        return {"key": key, "clientId": wanted}


def must_be_monitor(session: Session, what: str) -> None:
    """Refuse what only a monitor does.

    Raises:
        RefusedError: the session is no monitor's.
    """
    if not session.handshake.is_monitor:
        raise RefusedError(f"only a monitor {what}")
