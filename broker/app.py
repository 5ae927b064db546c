"""The composition root: starts everything in order and stops it in reverse.

The one place that knows all parts. Nothing here decides anything.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import random
import socket
import sqlite3
import time
from collections.abc import AsyncIterator
from pathlib import Path
from ssl import SSLContext
from typing import Any

import msgspec
import pykka
from aiohttp import web

from actors import (
    answers,
    assignment_records,
    hall_events,
    keyring,
    room_records,
    schema,
    shared_settings,
    store,
)
from actors.answers import Answers, FinishedRequest
from actors.assignments import Assignments
from actors.base import LoopRef, ask, stop
from actors.directory import Directory
from actors.errors import BrokerError, Code
from actors.hall import Hall
from actors.histogram import Histogram
from actors.house import House
from actors.lifecycle import RequestState
from actors.outbound import StatusChanged
from broker import __version__
from broker.chaos import Chaos
from broker.config import (
    ServerSettings,
    SettingsError,
    chaos_pause,
    fast_lane_enabled,
)
from broker.console.feed import HouseFeed
from broker.console.sign_in import SignIn
from broker.console.view import Sources as FeedSources
from broker.functions.library import EMPTY, FOLDER, Library
from broker.functions.remote import Remote
from broker.functions.runner import Runner
from broker.functions.server_functions import BUILT_IN, ServerFunctions
from broker.functions.settings_reader import SettingsReader
from broker.functions.settings_writer import SettingsWriter
from broker.functions.static_resources import StaticResources
from broker.gateway.awaited import Awaited
from broker.gateway.client_list import ClientList
from broker.gateway.dispatch import NamespaceHandlers
from broker.gateway.doorman import Doorman
from broker.gateway.drain import Drain
from broker.gateway.intake import Intake
from broker.gateway.loop_lag import LoopLag
from broker.gateway.namespaces.auth import AuthHandlers
from broker.gateway.namespaces.clients import ClientsHandlers
from broker.gateway.namespaces.common import Desk
from broker.gateway.namespaces.debug import DebugHandlers
from broker.gateway.namespaces.default import DefaultHandlers
from broker.gateway.namespaces.function_call import FunctionCallHandlers
from broker.gateway.namespaces.llm import LlmHandlers
from broker.gateway.namespaces.rooms import RoomsHandlers
from broker.gateway.namespaces.sillytavern import SillyTavernHandlers
from broker.gateway.outbound import SocketOutbound
from broker.gateway.registry import SessionRegistry
from broker.gateway.server import TapsterServer
from broker.gateway.speech import Postman
from broker.gateway.status import Parts, ServerStatus
from broker.gateway.steward import Steward
from broker.gateway.subscriptions import Subscriptions
from broker.http.console import Reception, add_console
from broker.http.door import Door
from broker.http.encrypted_site import EncryptedSite
from broker.http.extension import add_extension
from broker.http.gate import Gate, GuardedRunner, allow_files
from broker.http.library import add_library
from broker.http.ops import Ops, add_ops
from broker.http.places import SPARE
from broker.http.readiness import Readiness
from broker.http.static import add_static
from broker.logs.journal import Journal
from broker.logs.record import Level
from broker.metrics.exporter import Exporter
from broker.metrics.source import Source
from broker.protocol.wire import MONITOR_TYPE, LogEvent
from broker.routes import RoutesFile
from broker.security.admission import Admission
from broker.security.certificate import Certificate, CertificateError, TlsFiles
from broker.security.origins import Origins
from broker.security.paths import ServerRoot
from broker.security.peer import Neighbourhood
from broker.security.trust import TrustRegistry, read_folder
from broker.staff import staffed

logger = logging.getLogger(__name__)

DATABASE = "tapster.sqlite3"
LIST_SHARE = 4
"""A client list has at most this part of what may wait for one socket."""

LEFT_ALONE = (
    f"{DATABASE} in the data folder is left as it is: "
    "put a copy in its place, or move it away to begin anew"
)
WATCH_EVERY = 1.0
"""Seconds between looks at settings files and at what other processes stored."""

STOP_TIMEOUT = 10.0

HANDLERS: tuple[type[Any], ...] = (
    DefaultHandlers,
    AuthHandlers,
    LlmHandlers,
    FunctionCallHandlers,
    RoomsHandlers,
    ClientsHandlers,
    SillyTavernHandlers,
    DebugHandlers,
)


class StartError(Exception):
    """The broker can not start, and one sentence why."""


class Where(msgspec.Struct, frozen=True, kw_only=True):
    """Where a broker listens and keeps its things."""

    host: str
    port: int
    settings_folder: Path
    data_folder: Path
    tls: TlsFiles | None = None
    """The certificate to show; without one nothing is encrypted."""


class _Pages(msgspec.Struct, frozen=True):
    """What is served over HTTP beside files that never change."""

    reception: Reception
    ops: Ops
    resources: StaticResources


@contextlib.asynccontextmanager
async def running_broker(
    settings: ServerSettings,
    where: Where,
    sign_in: SignIn | None = None,
    hurry: asyncio.Event | None = None,
) -> AsyncIterator[str]:
    """Run a broker; gives its URL once it takes connections.

    ``sign_in`` is told whether a link to sign in is wanted, and takes its token.
    At the end running answers may finish, until ``hurry`` is set; without one they
    may not.

    Raises:
        StartError: the port is taken, the data folder can not be written, or the
            certificate not be used.
        SettingsError: the routing rules or a password in a file can not be used.
    """
    routes = RoutesFile(where.settings_folder)
    routes.read()
    async with contextlib.AsyncExitStack() as stack:
        enter = stack.enter_async_context
        journal = await enter(_journal(settings, where.data_folder))
        commits = Histogram(store.COMMIT_BOUNDS)
        database = await enter(_store(where.data_folder, commits))
        contents: store.Contents = await _recall(database, store.Load())
        keys = await enter(_keyring(contents, database))
        trust = TrustRegistry(where.settings_folder)
        trust.refresh()
        trust.replace_stored(contents.clients)
        await _hash_passwords(trust, keys)
        sign_in = sign_in or SignIn()
        sign_in.wanted = not any(
            _is_monitor(trust, row.client)
            for row in contents.keys
            if row.is_good(time.time())
        )
        registry = SessionRegistry()
        clients = ClientList(
            settings.outbox_limit // LIST_SHARE, asyncio.get_running_loop()
        )
        outbound = SocketOutbound(registry, clients, settings.answer_ttl)
        _tell_crashed(outbound, contents)
        house = await enter(_house(settings, outbound, database, contents))
        origins = Origins(settings.allowed_origins, settings.allowed_hosts)
        admission = Admission(settings, trust, origins, house.hall, keys)
        near = Neighbourhood(settings.trusted_networks, settings.trusted_proxies)
        server = TapsterServer(settings, origins, near, fast_lane=fast_lane_enabled())
        intake = Intake(house.directory, house.answers, settings.library_window)
        doorman = Doorman(house, admission, registry, settings, clients)
        lag = await enter(_loop_lag())
        parts = Parts(
            settings=settings,
            house=house,
            server=server,
            outbound=outbound,
            clients=clients,
            journal=journal,
            lag=lag,
        )
        status = ServerStatus(parts)
        feed_sources = FeedSources(
            house=house,
            status=status,
            server=server,
            registry=registry,
            clients=clients,
            outbound=outbound,
            tap=journal.tap,
        )
        feed = await enter(_feed(HouseFeed(feed_sources)))
        root = ServerRoot(where.settings_folder, where.data_folder)
        remote = Remote(registry, settings.function_timeout)
        functions = ServerFunctions(
            reader=SettingsReader(root, _in_force(where)),
            writer=SettingsWriter(root, trust.clients),
            resources=StaticResources(root, where.data_folder),
            library=await enter(_library(where.settings_folder / FOLDER)),
            runner=Runner(remote, settings.function_timeout),
        )
        desk = Desk(
            house=house,
            server=server,
            doorman=doorman,
            steward=Steward(house, trust, doorman, server.dismiss, journal.audit),
            intake=intake,
            outbound=outbound,
            postman=Postman(registry),
            settings=settings,
            functions=functions,
            remote=remote,
            subscriptions=Subscriptions(registry),
            shared_settings=await enter(_shared_settings(database)),
            journal=journal,
            status=status,
            feed=feed,
            routes=routes,
        )
        handlers: dict[str, NamespaceHandlers] = {
            handler.name: handler(desk) for handler in HANDLERS
        }
        server.open(
            doorman,
            intake,
            handlers,
            Awaited(house.directory, registry, outbound.tally).anybody,
        )
        await enter(_watching(trust, desk, database, keys))
        source = Source(
            house=house,
            server=server,
            outbound=outbound,
            clients=clients,
            refusals=admission.refusals,
            lag=lag,
            commits=commits,
            staff={
                "assignments": house.assignments,
                "answers": house.answers,
                "hall": house.hall,
                "store": database,
                "keyring": keys,
                "shared_settings": desk.shared_settings,
            },
        )
        ops = Ops(
            door=Door(origins, near, admission),
            readiness=Readiness(server, database, lag),
            exporter=Exporter(source),
            public_health=settings.public_health,
        )
        reception = Reception(
            origins=origins,
            neighbourhood=near,
            doorman=doorman,
            steward=desk.steward,
            sign_in=sign_in,
            audit=journal.audit,
        )
        pages = _Pages(reception, ops, functions.resources)
        url = await enter(_site(server, settings, where, pages))
        status.listens_at(url)
        await enter(_chaos(house.directory))
        await enter(staffed(source.staff))
        await enter(_announced(url))
        await enter(_drained(Drain(house, server), settings.drain_timeout, hurry))
        yield url


def open_data(folder: Path) -> sqlite3.Connection:
    """Open the database of a data folder.

    Raises:
        StartError: the folder can not be written, or the database not be used.
    """
    try:
        _make(folder)
        return schema.open_database(folder / DATABASE)
    except OSError as error:
        raise StartError(
            f"the data folder {folder} can not be written: {error.strerror}"
        ) from error
    except schema.StoreError as error:
        raise StartError(str(error)) from error


def _make(folder: Path) -> None:
    """Make a data folder that is missing; others on the machine may not look into it.

    One that is there stays as its owner has it.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


@contextlib.asynccontextmanager
async def _journal(settings: ServerSettings, folder: Path) -> AsyncIterator[Journal]:
    try:
        _make(folder)
        journal = await asyncio.to_thread(
            Journal,
            folder,
            Level(settings.log_level),
            max_size=settings.log_file_size,
            max_files=settings.log_files,
        )
    except OSError as error:
        raise StartError(
            f"the data folder {folder} can not be written: {error.strerror}"
        ) from error
    try:
        yield journal
    finally:
        await asyncio.to_thread(journal.close)


@contextlib.asynccontextmanager
async def _announced(url: str) -> AsyncIterator[None]:
    started = {"event": LogEvent.SERVER_START, "fields": {"version": __version__}}
    logger.info("the broker listens on %s", url, extra=started)
    try:
        yield
    finally:
        logger.info("the broker stops", extra={"event": LogEvent.SERVER_STOP})


@contextlib.asynccontextmanager
async def _drained(
    drain: Drain, seconds: float, hurry: asyncio.Event | None
) -> AsyncIterator[None]:
    """Not after an error: then nobody knows what would be waited for."""
    yield
    if hurry is not None:
        await drain.wait(seconds, hurry)
    await drain.end_rest()


@contextlib.asynccontextmanager
async def _certificate(files: TlsFiles | None) -> AsyncIterator[SSLContext | None]:
    """What encrypts, if anything does; its certificate is read anew when it changes."""
    if files is None:
        yield None
        return
    try:
        certificate = Certificate(files)
    except CertificateError as error:
        raise StartError(str(error)) from error

    async def watch() -> None:
        while True:
            await asyncio.sleep(WATCH_EVERY)
            await asyncio.to_thread(certificate.look)

    task = asyncio.create_task(watch())
    try:
        yield certificate.context
    finally:
        task.cancel()


@contextlib.asynccontextmanager
async def _loop_lag() -> AsyncIterator[LoopLag]:
    lag = LoopLag(asyncio.get_running_loop())
    lag.start()
    try:
        yield lag
    finally:
        lag.stop()


@contextlib.asynccontextmanager
async def _store(
    folder: Path, commits: Histogram
) -> AsyncIterator[pykka.ActorRef[store.Store]]:
    ref = store.Store.start(open_data(folder), commits=commits)
    try:
        yield ref
    finally:
        await stop(ref, timeout=STOP_TIMEOUT)


async def _recall(database: pykka.ActorRef[store.Store], question: Any) -> Any:
    """What the last process has left in the database.

    Raises:
        StartError: it can not be read.
    """
    try:
        return await ask(database, question, timeout=60)
    except BrokerError as error:
        raise StartError(f"{error.message}; {LEFT_ALONE}") from error


@contextlib.asynccontextmanager
async def _keyring(
    contents: store.Contents, database: pykka.ActorRef[store.Store]
) -> AsyncIterator[pykka.ActorRef[keyring.Keyring]]:
    ref = keyring.Keyring.start(contents.keys, database)
    try:
        yield ref
    finally:
        await stop(ref, timeout=STOP_TIMEOUT)


@contextlib.asynccontextmanager
async def _house(
    settings: ServerSettings,
    outbound: SocketOutbound,
    database: pykka.ActorRef[store.Store],
    contents: store.Contents,
) -> AsyncIterator[House]:
    patience = settings.patience()
    remembered = await _recall(database, assignment_records.Recall())
    assignments = Assignments.start(database, remembered, patience.reconnect_grace)
    kept = Answers.start(patience.answer_bytes, patience.answer_ttl, database)
    _keep_crashed(kept, contents)
    hall = Hall.start(settings.default_room_message_request_mode)
    index = await _recall(database, room_records.LoadIndex())
    try:
        house = House(
            directory=Directory(),
            outbound=outbound,
            patience=patience,
            assignments=assignments,
            answers=kept,
            hall=hall,
            store=database,
            rules=settings.rules(),
        )
        hall.tell(hall_events.Open(house, index))
        yield house
    finally:
        await stop(hall, timeout=STOP_TIMEOUT)
        await stop(kept, timeout=STOP_TIMEOUT)
        await stop(assignments, timeout=STOP_TIMEOUT)


@contextlib.asynccontextmanager
async def _shared_settings(
    database: pykka.ActorRef[store.Store],
) -> AsyncIterator[LoopRef[shared_settings.SharedSettings]]:
    stored = await _recall(database, shared_settings.ReadSettings())
    ref = shared_settings.SharedSettings.start(stored, database)
    try:
        yield ref
    finally:
        await stop(ref, timeout=STOP_TIMEOUT)


@contextlib.asynccontextmanager
async def _library(folder: Path) -> AsyncIterator[Library]:
    """The operator's functions, loaded anew when a file changes.

    Apart from the other watch: what a file does while it is loaded may take long.
    """
    library = Library(folder, BUILT_IN)
    library.take(await asyncio.to_thread(library.look, EMPTY))

    async def watch() -> None:
        while True:
            await asyncio.sleep(WATCH_EVERY)
            try:
                library.take(await asyncio.to_thread(library.look, library.shelf))
            except OSError as error:
                logger.warning("%s could not be looked at: %s", folder, error)

    task = asyncio.create_task(watch())
    try:
        yield library
    finally:
        task.cancel()


@contextlib.asynccontextmanager
async def _feed(feed: HouseFeed) -> AsyncIterator[HouseFeed]:
    """The feed at work; its history begins now."""
    tasks = [asyncio.create_task(run()) for run in (feed.run, feed.run_history)]
    try:
        yield feed
    finally:
        for task in tasks:
            task.cancel()


@contextlib.asynccontextmanager
async def _watching(
    trust: TrustRegistry,
    desk: Desk,
    database: pykka.ActorRef[store.Store],
    keys: pykka.ActorRef[keyring.Keyring],
) -> AsyncIterator[None]:
    async def watch() -> None:
        while True:
            await asyncio.sleep(WATCH_EVERY)
            try:
                await _look(trust, desk, database, keys)
            except (BrokerError, SettingsError, OSError) as error:
                logger.warning("settings could not be looked at: %s", error)
            except Exception:
                # A broker that no longer sees revoked keys is worse than a full log.
                logger.exception("settings could not be looked at")

    task = asyncio.create_task(watch())
    try:
        yield
    finally:
        task.cancel()


@contextlib.asynccontextmanager
async def _site(
    server: TapsterServer,
    settings: ServerSettings,
    where: Where,
    pages: _Pages,
) -> AsyncIterator[str]:
    gate = Gate(settings, server.counts, pages.reception.neighbourhood)
    allow_files(settings.max_connections + 2 * SPARE)
    app = web.Application(middlewares=[gate.in_time()])
    server.attach(app, socketio_path=settings.socket_io_path.strip("/"))
    add_console(app, pages.reception, settings)
    add_library(app, settings.socket_io_path)
    add_extension(app)
    add_ops(app, pages.ops)
    add_static(app, pages.resources)
    runner = GuardedRunner(app, gate)
    await runner.setup()
    try:
        async with _certificate(where.tls) as tls:
            site: web.BaseSite = web.TCPSite(runner, where.host, where.port)
            if tls is not None:
                site = EncryptedSite(runner, tls, where.host, where.port)
            await _listen(site, where)
            host, port = runner.addresses[0][:2]
            scheme = "http" if tls is None else "https"
            yield f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"
    finally:
        await server.shut()
        await runner.cleanup()


async def _listen(site: web.BaseSite, where: Where) -> None:
    try:
        await site.start()
    except OSError as error:
        unknown = isinstance(error, socket.gaierror)  # has numbers of its own
        reason = error.strerror if unknown else os.strerror(error.errno or 0).lower()
        raise StartError(
            f"port {where.port} on {where.host} can not be listened on "
            f"({reason}): is another Tapster running? "
            "Choose another with --port"
        ) from error


async def _hash_passwords(
    trust: TrustRegistry, keys: pykka.ActorRef[keyring.Keyring]
) -> None:
    """Leave no password in plain in a settings file.

    Raises:
        SettingsError: one is too long to be told apart by its hash.
    """
    for path, password in trust.unhashed_passwords():
        try:
            hashed = await ask(keys, keyring.HashPassword(password), timeout=30)
        except BrokerError as error:
            trust.refuse_password(path)
            raise SettingsError(f"{path}: sillyTavernPassWord: {error}") from None
        trust.store_password_hash(path, hashed)
        logger.info("the password in %s is now stored as its hash", path)


async def _look(
    trust: TrustRegistry,
    desk: Desk,
    database: pykka.ActorRef[store.Store],
    keys: pykka.ActorRef[keyring.Keyring],
) -> None:
    """See what was changed in the settings folder, by other processes, and by time."""
    await desk.steward.expire_keys()
    earlier = trust.snapshot
    trust.take(await asyncio.to_thread(read_folder, trust.folder, earlier), earlier)
    await asyncio.to_thread(desk.routes.refresh)
    await _hash_passwords(trust, keys)
    if await ask(database, store.Changed(), timeout=60):
        contents: store.Contents = await ask(database, store.Reload(), timeout=60)
        await desk.steward.note_changes(contents)
        trust.replace_stored(contents.clients)
        dropped = await ask(keys, keyring.Reload(), timeout=60)
        desk.doorman.admission.known_keys.forget_all()
        for session in desk.doorman.expel(dropped):
            desk.server.dismiss(session)


def _is_monitor(trust: TrustRegistry, client: str) -> bool:
    known = trust.find(client)
    return known is not None and known.type == MONITOR_TYPE


def _in_force(where: Where) -> dict[str, int]:
    """What the command line has overruled of the settings that clients may read."""
    return {"serverPort": where.port} if where.port else {}


@contextlib.asynccontextmanager
async def _chaos(directory: Directory) -> AsyncIterator[None]:
    """Crashes made on purpose, where the environment wants them."""
    pause = chaos_pause()
    if pause is None:
        yield
        return
    chaos = Chaos(directory, random.Random())  # noqa: S311 - not a secret
    task = asyncio.create_task(chaos.run(pause))
    try:
        yield
    finally:
        task.cancel()


def _tell_crashed(outbound: SocketOutbound, contents: store.Contents) -> None:
    """Have an end to be told to those who ordered what the last process dropped."""
    for row in contents.crashed:
        end = StatusChanged(
            request=row.request,
            request_id=row.request_id,
            room=row.room,
            state=RequestState.FAILED,
            error=store.CRASHED,
            code=Code.UNAVAILABLE,
        )
        outbound.untold.keep(row.requester, end)


def _keep_crashed(kept: LoopRef[Answers], contents: store.Contents) -> None:
    """Have an answer for those who come back for what the last process dropped."""
    for row in contents.crashed:
        finished = FinishedRequest(
            request=row.request,
            request_id=row.request_id,
            requester=row.requester,
            room=row.room,
            state=RequestState.FAILED,
            outputs=(),
            error=store.CRASHED,
        )
        kept.tell(answers.Keep(finished))
