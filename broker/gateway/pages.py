"""The history of a room on its way to somebody, page by page.

Owns nothing: pages are read from the store as they are sent, so that a long history
is never in memory. Waits for a slow reader instead of filling its outbox.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import msgspec

from actors.base import ask
from actors.errors import BrokerError, Code, RefusedError
from actors.limits import Limit, reached
from actors.records import Read
from actors.room_records import (
    CountMessages,
    HistoryView,
    Newest,
    Page,
    ReadMessages,
    ReadNewest,
)
from broker.gateway.dispatch import Call, Fields
from broker.gateway.session import Session
from broker.protocol.wire import Event

if TYPE_CHECKING:
    from broker.gateway.namespaces.common import Desk

PAGE_BYTES: Final = 256 * 1024
"""Of the messages on a page; one larger message has a page of its own."""

WHOLE_BYTES: Final = 1024 * 1024
"""Of a history that is wanted in one piece: the newest of it."""

MAX_PAGINGS: Final = 4
"""Histories that one session may be sent at a time."""

READ_TIMEOUT: Final = 60.0


async def send_pages(desk: Desk, call: Call, pending: Any, *, offline: bool) -> Fields:
    """Answer, then send what somebody may read as pages."""
    session = call.session
    view: HistoryView = await pending
    total: int = await _read(desk, CountMessages(view))
    size = desk.settings.context_page_size
    with _one_more(session):
        update = secrets.token_hex(8)
        pages = max(-(-total // size), 1)
        call.reply({"updateId": update, "total": total, "totalPages": pages})
        try:
            await _turn_pages(desk, session, view, update, total, offline=offline)
        except BrokerError as error:
            session.emit(Event.ERROR, _torn(update, view.room, error))
    return None


async def _turn_pages(  # noqa: PLR0913 - what a paging is made of
    desk: Desk,
    session: Session,
    view: HistoryView,
    update: str,
    total: int,
    *,
    offline: bool,
) -> None:
    size = desk.settings.context_page_size
    pages = max(-(-total // size), 1)
    number = 1
    page: Page = await _read(desk, ReadMessages(view, size, PAGE_BYTES))
    if offline and len(page.bodies) == total:
        _offline(session, view, page)
    while not session.socket.closed and session.verified:
        view = msgspec.structs.replace(view, after=page.last)
        following: Page = await _read(desk, ReadMessages(view, size, PAGE_BYTES))
        last = not following.bodies
        session.emit(
            Event.UPDATE_CONTEXT_PAGE,
            {
                "updateId": update,
                "roomName": view.room,
                "pageNumber": number,
                "totalPages": number if last else max(pages, number + 1),
                "isLastPage": last,
                "contextPage": _array(page),
            },
        )
        if last:
            break
        number, page = number + 1, following
        await asyncio.sleep(desk.settings.context_send_delay)
        await _caught_up(session, desk.settings.write_timeout)


def _torn(update: str, room: str, error: BrokerError) -> dict[str, Any]:
    """No more pages will come: whoever waits for the last one is told."""
    return {
        "type": Event.ERROR,
        "message": error.message,
        "code": int(error.code),
        "updateId": update,
        "roomName": room,
    }


async def send_whole(desk: Desk, call: Call, pending: Any, *, offline: bool) -> Fields:
    """Send the newest of what somebody may read in one piece."""
    view: HistoryView = await pending
    newest: Newest = await _read(desk, ReadNewest(view, WHOLE_BYTES))
    whole = {"complete": newest.complete}
    data = {"roomName": view.room, "context": _array(newest), **whole}
    call.session.emit(Event.UPDATE_CONTEXT, data)
    if offline:
        _offline(call.session, view, newest)
    return {"total": len(newest.bodies), **whole}


def _offline(session: Session, view: HistoryView, page: Page | Newest) -> None:
    data = {"roomName": view.room, "messages": _array(page)}
    session.emit(Event.OFFLINE_MESSAGES, data)


def _array(page: Page | Newest) -> list[msgspec.Raw]:
    return [msgspec.Raw(body) for body in page.bodies]


async def _caught_up(session: Session, seconds: float) -> None:
    """Wait for a slow reader; one that takes nothing at all is cut meanwhile."""
    if session.outbox.blocked:
        ready = asyncio.Event()
        session.outbox.when_ready(ready.set)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await ready.wait()


async def _read(desk: Desk, wanted: Read) -> Any:
    return await ask(desk.house.store, wanted, timeout=READ_TIMEOUT)


@contextlib.contextmanager
def _one_more(session: Session) -> Iterator[None]:
    """Count a session's pagings.

    Raises:
        RefusedError: it has as many as it may.
    """
    if session.pagings >= MAX_PAGINGS:
        reached[Limit.HISTORIES_PER_SESSION] += 1
        raise RefusedError(
            f"you are being sent {MAX_PAGINGS} histories already: ask again when one "
            "has come",
            Code.TOO_MANY_REQUESTS,
        )
    session.pagings += 1
    try:
        yield
    finally:
        session.pagings -= 1
