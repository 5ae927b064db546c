"""A history on its way to somebody: in time with how it is read."""

from __future__ import annotations

import asyncio
from typing import Any, NamedTuple

import msgspec
import pytest

from actors.base import LoopActor, stop
from actors.errors import Code, RefusedError, UnavailableError
from actors.room_records import (
    CountMessages,
    HistoryView,
    Newest,
    Page,
    ReadMessages,
    ReadNewest,
)
from broker.config import ServerSettings
from broker.gateway.dispatch import Call, Envelope
from broker.gateway.outbox import HIGH_WATER
from broker.gateway.pages import MAX_PAGINGS, send_pages, send_whole
from broker.protocol.packet import frame
from broker.protocol.wire import Event, Namespace

from .fakes import ENOUGH, FakeConnection, turns

VIEW = HistoryView("lobby", "ann")


class Shelf(LoopActor):
    """A store that has so many messages, and nothing else."""

    def __init__(self, number: int, reads: list[Any], *, complete: bool) -> None:
        super().__init__()
        self._reads = reads
        self._complete = complete
        self._bodies = [b'{"n":%d}' % n for n in range(1, number + 1)]

    def on_receive(self, message: Any) -> Any:
        """Read."""
        self._reads.append(message)
        match message:
            case CountMessages(view):
                return len(self._bodies) - view.after
            case ReadMessages(view, limit, _):
                found = self._bodies[view.after : view.after + limit]
                return Page(tuple(found), view.after + len(found))
            case ReadNewest(view, _):
                return Newest(tuple(self._bodies[view.after :]), self._complete)
            case _:
                raise AssertionError(message)


class TornShelf(Shelf):
    """One that can be read up to its second message."""

    def on_receive(self, message: Any) -> Any:
        """Read, or fail."""
        if isinstance(message, ReadMessages) and message.view.after >= 2:
            raise UnavailableError("the history can not be read now")
        return super().on_receive(message)


class House(NamedTuple):
    """What of the house is needed to read."""

    store: Any


class Desk(NamedTuple):
    """What of the desk is needed to send."""

    house: House
    settings: ServerSettings


class Reader:
    """Somebody who asks for a history of so many messages."""

    def __init__(self, number: int, *, complete: bool = True, **settings: Any) -> None:
        self.connection = FakeConnection()
        self.session = self.connection.session()
        self.reads: list[Any] = []
        self.shelf = Shelf.start(number, self.reads, complete=complete)
        settings = {"context_page_size": 2, "context_send_delay": 0} | settings
        self.desk: Any = Desk(House(self.shelf), ServerSettings(**settings))

    async def ask(self, view: HistoryView = VIEW, *, offline: bool = False) -> None:
        """Ask for pages."""
        await send_pages(self.desk, self._call(), _ready(view), offline=offline)

    async def ask_whole(self, *, offline: bool = False) -> Any:
        """Ask for one piece."""
        return await send_whole(self.desk, self._call(), _ready(VIEW), offline=offline)

    def _call(self) -> Call:
        return Call(self.session, Event.GET_FULL_CONTEXT, None, 1, Envelope())

    def events(self) -> list[tuple[str, Any]]:
        """What was sent but acks: names and data."""
        packets = [data for head, data in self.connection.sent() if head == "42/llm,"]
        return [(name, data) for name, data in packets]

    def pages(self) -> list[list[int]]:
        """The messages on each page."""
        return [
            [message["n"] for message in data["contextPage"]]
            for name, data in self.events()
            if name == Event.UPDATE_CONTEXT_PAGE
        ]

    async def leave(self) -> None:
        """End what was started."""
        await stop(self.shelf, timeout=ENOUGH)


async def _ready(view: HistoryView) -> HistoryView:
    return view


async def test_history_is_cut_into_pages() -> None:
    """Numbered, under one updateId, the last one marked; the ack goes first."""
    reader = Reader(5)
    await reader.ask()
    (head, (ack,)), *_ = reader.connection.sent()
    data = [data for _, data in reader.events()]
    await reader.leave()

    assert head == "43/llm,1"
    assert (ack["total"], ack["totalPages"]) == (5, 3)
    assert reader.pages() == [[1, 2], [3, 4], [5]]
    assert {each["updateId"] for each in data} == {ack["updateId"]}
    assert [each["pageNumber"] for each in data] == [1, 2, 3]
    assert [each["totalPages"] for each in data] == [3] * 3
    assert [each["isLastPage"] for each in data] == [False, False, True]


@pytest.mark.parametrize(("number", "pages"), [(0, [[]]), (2, [[1, 2]])])
async def test_there_is_always_a_last_page(number: int, pages: list[list[int]]) -> None:
    """Who waits for it waits for nothing else."""
    reader = Reader(number)
    await reader.ask()
    await reader.leave()

    assert reader.pages() == pages
    assert reader.events()[-1][1]["isLastPage"] is True


async def test_offline_messages_come_in_one_piece_where_they_fit_a_page() -> None:
    """And in none where they do not."""
    few, many = Reader(2), Reader(3)
    for reader in (few, many):
        await reader.ask(offline=True)
        await reader.leave()

    assert [name for name, _ in few.events()] == [
        Event.OFFLINE_MESSAGES,
        Event.UPDATE_CONTEXT_PAGE,
    ]
    assert few.events()[0][1] == {
        "roomName": "lobby",
        "messages": [{"n": 1}, {"n": 2}],
    }
    assert {name for name, _ in many.events()} == {Event.UPDATE_CONTEXT_PAGE}


async def test_what_was_read_already_is_not_sent() -> None:
    """A view begins behind a message."""
    reader = Reader(5)
    await reader.ask(msgspec.structs.replace(VIEW, after=3))
    await reader.leave()

    assert reader.pages() == [[4, 5]]


@pytest.mark.parametrize("complete", [True, False])
async def test_whole_history_is_one_event(*, complete: bool) -> None:
    """``whole: true``; for an absence under both names. It says if it is all."""
    reader = Reader(3, complete=complete)
    fields = await reader.ask_whole(offline=True)
    await reader.leave()
    context = [{"n": 1}, {"n": 2}, {"n": 3}]
    whole = {"roomName": "lobby", "context": context, "complete": complete}

    assert fields == {"total": 3, "complete": complete}
    assert reader.events() == [
        (Event.UPDATE_CONTEXT, whole),
        (Event.OFFLINE_MESSAGES, {"roomName": "lobby", "messages": context}),
    ]


async def test_slow_reader_is_waited_for() -> None:
    """A history must not fill the outbox of one who does not read."""
    reader = Reader(6)
    sink = reader.connection.sink
    sink.stuck = True
    reader.session.outbox.push(frame(b"x" * (HIGH_WATER + 1)))
    reader.session.outbox.flush()
    asking = asyncio.create_task(reader.ask())
    await turns(100)
    read = len(reader.reads)
    sink.stuck = False
    sink.take_all()
    async with asyncio.timeout(ENOUGH):
        await asking
    reader.connection.outbox.flush()
    await reader.leave()

    assert read < len(reader.reads) - 1
    assert b'"isLastPage":true' in b"".join(sink.writes)


async def test_who_is_gone_is_sent_no_more() -> None:
    """Nobody would read it."""
    reader = Reader(6, context_send_delay=0.001)
    asking = asyncio.create_task(reader.ask())
    while not reader.pages():
        await turns(1)
    reader.connection.closed = True
    async with asyncio.timeout(ENOUGH):
        await asking
    await reader.leave()

    assert reader.pages() == [[1, 2]]


async def test_who_waits_for_a_page_that_can_not_be_read_is_told() -> None:
    """The ack is given by then; without a word the wait would have no end."""
    reader = Reader(5)
    torn = TornShelf.start(5, reader.reads, complete=True)
    reader.desk = Desk(House(torn), reader.desk.settings)
    await reader.ask()
    (_, (ack,)), *_ = reader.connection.sent()
    await stop(torn, timeout=ENOUGH)
    await reader.leave()

    assert reader.events() == [
        (
            Event.ERROR,
            {
                "type": "ERROR",
                "message": "the history can not be read now",
                "code": int(UnavailableError("").code),
                "updateId": ack["updateId"],
                "roomName": "lobby",
            },
        )
    ]


async def test_few_histories_are_sent_at_a_time() -> None:
    """Code 10429 beyond; what is done makes room."""
    reader = Reader(6, context_send_delay=0.001)
    asking = [asyncio.create_task(reader.ask()) for _ in range(MAX_PAGINGS)]
    while len(reader.pages()) < MAX_PAGINGS:
        await turns(1)
    with pytest.raises(RefusedError) as raised:
        await reader.ask()
    await asyncio.gather(*asking)
    await reader.ask()
    await reader.leave()

    assert raised.value.code == Code.TOO_MANY_REQUESTS
    assert reader.session.pagings == 0
    assert reader.session.namespace == Namespace.LLM
