"""The desk: what the handlers of all namespaces work with, and which there are.

Owns how their tools are made of the front and of what is stored. What an event means is
for the handlers to say (``gateway/namespaces/``).
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any, Final

from broker.console.feed import HouseFeed
from broker.console.view import Sources
from broker.front import Front
from broker.functions.library import FOLDER, Library
from broker.functions.remote import Remote
from broker.functions.runner import Runner
from broker.functions.server_functions import ServerFunctions
from broker.functions.settings_reader import SettingsReader
from broker.functions.settings_writer import SettingsWriter
from broker.functions.static_resources import StaticResources
from broker.gateway.awaited import Awaited
from broker.gateway.dispatch import NamespaceHandlers
from broker.gateway.namespaces.auth import AuthHandlers
from broker.gateway.namespaces.clients import ClientsHandlers
from broker.gateway.namespaces.common import Desk
from broker.gateway.namespaces.debug import DebugHandlers
from broker.gateway.namespaces.default import DefaultHandlers
from broker.gateway.namespaces.function_call import FunctionCallHandlers
from broker.gateway.namespaces.llm import LlmHandlers
from broker.gateway.namespaces.rooms import RoomsHandlers
from broker.gateway.namespaces.sillytavern import SillyTavernHandlers
from broker.gateway.speech import Postman
from broker.gateway.status import Parts, ServerStatus
from broker.gateway.steward import Steward
from broker.gateway.subscriptions import Subscriptions
from broker.house import open_shared_settings
from broker.logs.journal import Journal
from broker.meanwhile import meanwhile
from broker.routes import RoutesFile
from broker.security.paths import ServerRoot
from broker.start import Where
from broker.storage import Storage
from broker.watching import watched_library

HANDLERS: Final[tuple[type[Any], ...]] = (
    DefaultHandlers,
    AuthHandlers,
    LlmHandlers,
    FunctionCallHandlers,
    RoomsHandlers,
    ClientsHandlers,
    SillyTavernHandlers,
    DebugHandlers,
)


@contextlib.asynccontextmanager
async def open_desk(
    where: Where, front: Front, storage: Storage, routes: RoutesFile
) -> AsyncIterator[Desk]:
    """Put together what handlers work with.

    Raises:
        StartError: the settings that clients share can not be read.
    """
    journal, registry = storage.journal, front.lines.registry
    remote = Remote(registry, front.settings.function_timeout)
    status = ServerStatus(_parts(front, journal))
    async with (
        _open_feed(front, status, journal) as feed,
        watched_library(where.settings_folder / FOLDER) as library,
        open_shared_settings(storage.database) as shared_settings,
    ):
        yield Desk(
            house=front.house,
            server=front.server,
            doorman=front.doorman,
            steward=_steward(front, journal),
            intake=front.intake,
            outbound=front.lines.outbound,
            postman=Postman(registry),
            settings=front.settings,
            functions=_functions(where, front, library, remote),
            remote=remote,
            subscriptions=Subscriptions(registry),
            shared_settings=shared_settings,
            journal=journal,
            status=status,
            feed=feed,
            routes=routes,
        )


def answer_events(front: Front, desk: Desk) -> None:
    """Have the server bring the events of each namespace to its handlers."""
    handlers: dict[str, NamespaceHandlers] = {
        handler.name: handler(desk) for handler in HANDLERS
    }
    lines = front.lines
    awaited = Awaited(front.house.directory, lines.registry, lines.outbound.tally)
    front.server.open(front.doorman, front.intake, handlers, awaited.anybody)


def _parts(front: Front, journal: Journal) -> Parts:
    return Parts(
        settings=front.settings,
        house=front.house,
        server=front.server,
        outbound=front.lines.outbound,
        clients=front.lines.clients,
        journal=journal,
        lag=front.lag,
    )


@contextlib.asynccontextmanager
async def _open_feed(
    front: Front, status: ServerStatus, journal: Journal
) -> AsyncIterator[HouseFeed]:
    """The feed at work; its history begins now."""
    sources = Sources(
        house=front.house,
        status=status,
        server=front.server,
        registry=front.lines.registry,
        clients=front.lines.clients,
        outbound=front.lines.outbound,
        tap=journal.tap,
    )
    feed = HouseFeed(sources)
    async with meanwhile(feed.run(), feed.run_history()):
        yield feed


def _steward(front: Front, journal: Journal) -> Steward:
    dismiss = front.server.dismiss
    return Steward(front.house, front.trust, front.doorman, dismiss, journal.audit)


def _functions(
    where: Where, front: Front, library: Library, remote: Remote
) -> ServerFunctions:
    root = ServerRoot(where.settings_folder, where.data_folder)
    return ServerFunctions(
        reader=SettingsReader(root, _overruled(where)),
        writer=SettingsWriter(root, front.trust.clients),
        resources=StaticResources(root, where.data_folder),
        library=library,
        runner=Runner(remote, front.settings.function_timeout),
    )


def _overruled(where: Where) -> dict[str, int]:
    """What the command line has overruled of the settings that clients may read."""
    return {"serverPort": where.port} if where.port else {}
