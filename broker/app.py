"""The composition root: the order in which all is started; it stops in reverse.

Owns the order and nothing else. Must never decide anything.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

from broker import __version__
from broker.chaos import crashes_on_purpose
from broker.config import ServerSettings
from broker.console.sign_in import SignIn, monitor_has_key
from broker.desk import answer_events, open_desk
from broker.front import make_lines, open_front
from broker.gateway.drain import Drain
from broker.house import open_house, staff_of
from broker.protocol.wire import LogEvent
from broker.routes import RoutesFile
from broker.site import make_pages, open_site
from broker.staff import staffed
from broker.start import Where
from broker.storage import open_storage
from broker.watching import read_trust, watched_trust

logger = logging.getLogger(__name__)


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
        storage = await enter(open_storage(settings, where.data_folder))
        trust = await read_trust(where.settings_folder, storage)
        sign_in = sign_in or SignIn()
        sign_in.wanted = not monitor_has_key(trust, storage.contents.keys)
        lines = make_lines(settings)
        house = await enter(open_house(settings, lines.outbound, storage))
        front = await enter(open_front(settings, lines, house, trust, storage.keys))
        desk = await enter(open_desk(where, front, storage, routes))
        answer_events(front, desk)
        await enter(watched_trust(trust, desk, storage))
        staff = staff_of(house, storage, desk.shared_settings)
        pages = make_pages(front, desk, storage, staff, sign_in)
        url = await enter(open_site(front, where, pages))
        desk.status.listens_at(url)
        await enter(crashes_on_purpose(house.directory))
        await enter(staffed(staff))
        await enter(_announced(url))
        drain = Drain(house, front.server)
        await enter(_drained(drain, settings.drain_timeout, hurry))
        yield url


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
