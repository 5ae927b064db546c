"""The extension's side: what it says of itself, and how it brings answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from broker.client import (
    BrokerRefusedError,
    IncomingOrder,
    LegacyManner,
    Pour,
    TapsterExtension,
)
from broker.client.extension import Answering
from broker.protocol.wire import ASK_FOR_KEY, Event, Namespace, StreamEvent

from .fake_broker import FakeBroker, soon

REQUEST = {"requestId": "r", "message": "one two", "requestingIdentity": "web"}
ANSWER_EVENTS = (*StreamEvent, Event.ERROR)


async def words(order: IncomingOrder) -> AsyncIterator[str]:
    """The message, a word at a time."""
    for word in order.message.split():
        yield word


def extension(
    bar: FakeBroker, answer: Answering = words, **more: Any
) -> TapsterExtension:
    """An extension that wastes no time."""
    more = {"client_id": "SillyTavern-8000", "transports": ["websocket"], **more}
    return TapsterExtension(bar.url, answer=answer, reconnect_delay=0.01, **more)


def told(bar: FakeBroker, *fields: str) -> list[tuple[Any, ...]]:
    """The events of the answer, as their names and those fields."""
    return [
        (event, *(data.get(field) for field in fields))
        for event, data in bar.said(*ANSWER_EVENTS)
    ]


async def test_it_identifies_itself_and_gets_a_key(bar: FakeBroker) -> None:
    """What is not known is not said; the key is there to be saved."""
    bar.answers[Event.IDENTIFY_SILLYTAVERN] = lambda _: {"status": "ok", "key": "k"}
    async with extension(bar, capacity=2, version="1.0", model="m") as tavern:
        card = await bar.hears(Event.IDENTIFY_SILLYTAVERN)

    assert card == {
        "clientId": "SillyTavern-8000",
        "capacity": 2,
        "version": "1.0",
        "model": "m",
        "running": [],
    }
    assert tavern.key == "k"
    assert [auth["key"] for _, auth in bar.auths] == [ASK_FOR_KEY] * 2


async def test_a_refused_identification_is_raised(bar: FakeBroker) -> None:
    """Another live connection may hold that identity."""
    bar.answers[Event.IDENTIFY_SILLYTAVERN] = lambda _: {
        "status": "error",
        "message": "SillyTavern-8000 is connected already.",
        "code": 6,
    }
    with pytest.raises(BrokerRefusedError, match="connected already"):
        await soon(extension(bar).run_forever())


async def test_a_password_is_said_before_anything_else(bar: FakeBroker) -> None:
    """No key is given to a SillyTavern with a password before LOGIN."""
    bar.answers[Event.LOGIN] = lambda _: {"status": "ok", "key": "k"}
    async with extension(bar, password="secret") as tavern:
        assert tavern.key == "k"

    said = [event for event, _ in bar.said(Event.LOGIN, Event.IDENTIFY_SILLYTAVERN)]
    assert said == [Event.LOGIN, Event.IDENTIFY_SILLYTAVERN]


async def test_it_answers_an_order_with_one_stream(bar: FakeBroker) -> None:
    """START, FIRST, MIDDLE…, END: types, indexes from 0, and the last is final."""
    async with extension(bar):
        await bar.say(Event.LLM_REQUEST, REQUEST)
        end = await bar.hears(StreamEvent.END)

    assert told(bar, "type", "chunkIndex", "data") == [
        (StreamEvent.START, 1, None, None),
        (StreamEvent.DATA_FIRST, 4, 0, "one"),
        (StreamEvent.DATA_MIDDLE, 5, 1, "two"),
        (StreamEvent.END, 3, None, None),
    ]
    assert end["final"] is True
    ids = {
        (data["requestId"], data["streamId"], data["outputId"])
        for _, data in bar.said(*ANSWER_EVENTS)
    }
    assert ids == {("r", end["streamId"], end["outputId"])}


async def test_the_generator_sees_what_was_asked(bar: FakeBroker) -> None:
    """Typed, with the prompt of older clients as the message, and all of it raw."""
    seen: asyncio.Future[IncomingOrder] = asyncio.get_running_loop().create_future()

    async def answer(order: IncomingOrder) -> AsyncIterator[str]:
        seen.set_result(order)
        yield "ok"

    async with extension(bar, answer):
        request = {"requestId": "r", "data": {"prompt": "hi"}, "temperature": 1}
        await bar.say(Event.LLM_REQUEST, request)
        order = await soon(seen)

    assert (order.request_id, order.message) == ("r", "hi")
    assert order.raw == request


async def test_a_cancelled_answer_stops_and_says_no_more(bar: FakeBroker) -> None:
    """The generator's ``finally`` runs; no END, no ERROR."""
    stopped = asyncio.Event()

    async def endless(order: IncomingOrder) -> AsyncIterator[str]:
        try:
            yield order.message
            await asyncio.Event().wait()
        finally:
            stopped.set()

    async with extension(bar, endless) as tavern:
        await bar.say(Event.LLM_REQUEST, REQUEST)
        await bar.hears(StreamEvent.DATA_FIRST)
        running = tavern.running
        await bar.say(Event.CANCEL_REQUEST, {"requestId": "r"})
        await soon(stopped.wait())
        await tavern.call(Namespace.LLM, Event.GET_ROOMS)

        assert running == ["r"]
        assert tavern.running == []
    assert told(bar) == [(StreamEvent.START,), (StreamEvent.DATA_FIRST,)]


async def test_an_answer_cancelled_before_it_began_is_forgotten(
    bar: FakeBroker,
) -> None:
    """Both events may come in one go."""
    async with extension(bar) as tavern:
        tavern._ordered(REQUEST)
        tavern._cancelled(REQUEST)
        await tavern.call(Namespace.LLM, Event.GET_ROOMS)

        assert tavern.running == []
    assert told(bar) == []


async def test_a_failing_generator_becomes_an_error(bar: FakeBroker) -> None:
    """The broker learns why, and what came before stands."""

    async def fail(order: IncomingOrder) -> AsyncIterator[str]:
        yield order.message
        raise RuntimeError("the model is down")

    async with extension(bar, fail):
        await bar.say(Event.LLM_REQUEST, REQUEST)
        error = await bar.hears(Event.ERROR)

    assert (error["requestId"], error["message"]) == ("r", "the model is down")
    assert told(bar)[1:] == [(StreamEvent.DATA_FIRST,), (Event.ERROR,)]


async def test_the_legacy_manner_is_a_stream_for_every_token(bar: FakeBroker) -> None:
    """Five events each, one outputId, no version and no word of the end."""
    async with extension(bar, manner=LegacyManner(), version="1.0") as tavern:
        card = await bar.hears(Event.IDENTIFY_SILLYTAVERN)
        await bar.say(Event.LLM_REQUEST, REQUEST)
        ends = [await bar.hears(StreamEvent.END) for _ in range(2)]
        await tavern.call(Namespace.LLM, Event.GET_ROOMS)

    assert "version" not in card
    assert told(bar, "chunkIndex", "data") == [
        (StreamEvent.START, None, None),
        (StreamEvent.DATA_FIRST, 0, "o"),
        (StreamEvent.DATA_MIDDLE, 1, "n"),
        (StreamEvent.DATA_LAST, 2, "e"),
        (StreamEvent.END, None, None),
        (StreamEvent.START, None, None),
        (StreamEvent.DATA_FIRST, 0, "t"),
        (StreamEvent.DATA_MIDDLE, 1, "w"),
        (StreamEvent.DATA_LAST, 2, "o"),
        (StreamEvent.END, None, None),
    ]
    assert len({data["streamId"] for data in ends}) == 2
    assert len({data["outputId"] for data in ends}) == 1
    assert not any("final" in data for _, data in bar.said(*ANSWER_EVENTS))


async def test_a_manner_of_ones_own_sends_raw_events(bar: FakeBroker) -> None:
    """Fields that a manner names win over those that are filled in."""

    class Retrying:
        announces_version = True
        repeats = False

        async def tell(self, pour: Pour, pieces: AsyncIterator[str]) -> None:
            async for piece in pieces:
                await pour.send(StreamEvent.DATA_RETRY, data=piece, outputId="mine")

    async with extension(bar, manner=Retrying()):
        await bar.say(Event.LLM_REQUEST, {**REQUEST, "message": "again"})
        retry = await bar.hears(StreamEvent.DATA_RETRY)

    assert retry == {"type": 7, "requestId": "r", "outputId": "mine", "data": "again"}


async def test_a_reconnection_lists_and_repeats_what_runs(bar: FakeBroker) -> None:
    """What the old connection may have swallowed comes again, with its indexes."""
    go_on = asyncio.Event()

    async def answer(order: IncomingOrder) -> AsyncIterator[str]:
        yield order.message
        await go_on.wait()
        yield "the end"

    bar.answers[Event.IDENTIFY_SILLYTAVERN] = lambda _: {"status": "ok", "key": "k"}
    async with extension(bar, answer):
        await bar.hears(Event.IDENTIFY_SILLYTAVERN)
        await bar.say(Event.LLM_REQUEST, REQUEST)
        await bar.hears(StreamEvent.DATA_FIRST)
        bar.cut()
        card = await bar.hears(Event.IDENTIFY_SILLYTAVERN)
        await bar.hears(StreamEvent.DATA_FIRST)
        go_on.set()
        await bar.hears(StreamEvent.END)

    assert card["running"] == ["r"]
    assert told(bar, "chunkIndex") == [
        (StreamEvent.START, None),
        (StreamEvent.DATA_FIRST, 0),
        (StreamEvent.START, None),
        (StreamEvent.DATA_FIRST, 0),
        (StreamEvent.DATA_MIDDLE, 1),
        (StreamEvent.END, None),
    ]
    assert [auth["key"] for _, auth in bar.auths][-2:] == ["k", "k"]


async def test_an_answer_runs_until_its_end_is_acknowledged(bar: FakeBroker) -> None:
    """An END that a cut swallowed must not leave the broker waiting for it."""

    def cut_first(data: Any) -> dict[str, Any]:
        del data
        if len(bar.said(StreamEvent.END)) == 1:
            bar.cut()
        return {"status": "ok"}

    bar.answers[StreamEvent.END] = cut_first
    async with extension(bar) as tavern:
        await bar.say(Event.LLM_REQUEST, REQUEST)
        first = await bar.hears(StreamEvent.END)
        again = await bar.hears(StreamEvent.END)
        await tavern.call(Namespace.LLM, Event.GET_ROOMS)

        assert first == again
        assert tavern.running == []


async def test_running_forever_ends_with_the_reason(bar: FakeBroker) -> None:
    """Whoever runs an extension learns why it stopped."""
    tavern = extension(bar)
    forever = asyncio.create_task(tavern.run_forever())
    await bar.hears(Event.IDENTIFY_SILLYTAVERN)
    await soon(tavern.call(Namespace.LLM, Event.GET_ROOMS))
    await tavern.close()

    assert "closed" in str((await asyncio.gather(forever, return_exceptions=True))[0])
