"""The web site: all that is served over HTTP, on the one port there is.

Owns the port, from when it takes connections until the last of them is closed, and the
watch over the certificate. Must never decide who may see a page: that is for the door,
the reception and each page to say.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Mapping
from ssl import SSLContext
from typing import Any

import msgspec
import pykka
from aiohttp import web

from broker.console.sign_in import SignIn
from broker.front import Front
from broker.functions.static_resources import StaticResources
from broker.gateway.namespaces.common import Desk
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
from broker.metrics.exporter import Exporter
from broker.metrics.source import Source
from broker.security.certificate import Certificate, CertificateError, TlsFiles
from broker.start import StartError, Where
from broker.storage import Storage
from broker.watching import watched


class Pages(msgspec.Struct, frozen=True):
    """What is served beside files that never change."""

    reception: Reception
    ops: Ops
    resources: StaticResources


def make_pages(
    front: Front,
    desk: Desk,
    storage: Storage,
    staff: Mapping[str, pykka.ActorRef[Any]],
    sign_in: SignIn,
) -> Pages:
    """What operators see: figures of all these, and a page to sign in to."""
    source = Source(
        house=front.house,
        server=front.server,
        outbound=front.lines.outbound,
        clients=front.lines.clients,
        refusals=front.admission.refusals,
        lag=front.lag,
        commits=storage.commits,
        staff=staff,
    )
    ops = Ops(
        door=Door(front.origins, front.neighbourhood, front.admission),
        readiness=Readiness(front.server, storage.database, front.lag),
        exporter=Exporter(source),
        public_health=front.settings.public_health,
    )
    reception = Reception(
        origins=front.origins,
        neighbourhood=front.neighbourhood,
        doorman=front.doorman,
        steward=desk.steward,
        sign_in=sign_in,
        audit=storage.journal.audit,
    )
    return Pages(reception, ops, desk.functions.resources)


@contextlib.asynccontextmanager
async def open_site(front: Front, where: Where, pages: Pages) -> AsyncIterator[str]:
    """Take connections until the end; gives the URL.

    Raises:
        StartError: the port is taken, or the certificate can not be used.
    """
    settings = front.settings
    gate = Gate(settings, front.server.counts, front.neighbourhood)
    allow_files(settings.max_connections + 2 * SPARE)
    runner = GuardedRunner(_application(front, gate, pages), gate)
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
        await front.server.shut()
        await runner.cleanup()


def _application(front: Front, gate: Gate, pages: Pages) -> web.Application:
    """Socket.IO, and all pages; what is added first is found first."""
    settings = front.settings
    app = web.Application(middlewares=[gate.in_time()])
    front.server.attach(app, socketio_path=settings.socket_io_path.strip("/"))
    add_console(app, pages.reception, settings)
    add_library(app, settings.socket_io_path)
    add_extension(app)
    add_ops(app, pages.ops)
    add_static(app, pages.resources)
    return app


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

    async def look() -> None:
        await asyncio.to_thread(certificate.look)

    async with watched(str(files.cert), look):
        yield certificate.context


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
