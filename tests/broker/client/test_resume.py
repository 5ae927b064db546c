"""Orders over a connection that breaks: nothing lost, nothing twice, no hanging."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from actors.errors import Code
from broker.client import Order, OrderError, TapsterClient, UnreachableError
from broker.protocol.wire import ASK_FOR_KEY, Event, Namespace

from .fake_broker import FakeBroker, soon


def client(bar: FakeBroker, **more: Any) -> TapsterClient:
    """A client that wastes no time."""
    more = {"key": "tap_1_x", "transports": ["websocket"], **more}
    return TapsterClient(bar.url, client_id="web", reconnect_delay=0.01, **more)


async def read(order: Order) -> list[str]:
    """All pieces."""
    return [piece async for piece in order]


def missed(
    text: str, following: int, *, state: str = "streaming", **more: Any
) -> Callable[[Any], dict[str, Any]]:
    """Answer a resumption with that text of the output ``o``."""
    output = {"outputId": "o", "next": following, "text": text, "done": False, **more}
    return lambda _: {"status": "ok", "state": state, "outputs": [output]}


def never_heard_of(_data: Any) -> dict[str, Any]:
    """Answer a resumption of a request that did not arrive."""
    return {"status": "error", "message": "There is no such request.", "code": 7}


async def test_a_cut_connection_loses_and_doubles_nothing(bar: FakeBroker) -> None:
    """Chunks before the resume ack are in it; those after it follow on."""

    async def resume(data: Any) -> dict[str, Any]:
        ack = missed("cd", 4)(data)
        await bar.streams("r", 3, "d")
        return ack

    bar.answers[Event.RESUME_STREAM] = resume
    async with client(bar) as web:
        order = web.order("hi", request_id="r")
        pieces = aiter(order)
        await bar.hears(Event.LLM_REQUEST)
        await bar.streams("r", 0, "a")
        await bar.streams("r", 1, "b")
        before = [await soon(anext(pieces)), await soon(anext(pieces))]
        bar.cut()
        asked = await bar.hears(Event.RESUME_STREAM)
        await bar.streams("r", 3, "d")
        await bar.streams("r", 4, "e")
        await bar.ends("r", "completed", chunks=5)
        after = [piece async for piece in pieces]

    assert asked == {"requestId": "r", "from": {"o": 2}}
    assert (before, after) == (["a", "b"], ["cd", "e"])
    assert await order.text() == "abcde"
    assert len(bar.said(Event.LLM_REQUEST)) == 1


async def test_an_order_that_ended_meanwhile_is_fetched(bar: FakeBroker) -> None:
    """The ack's state is the end, its final text the text."""
    bar.answers[Event.RESUME_STREAM] = missed(
        "lo  ", 2, state="completed", done=True, finalText="Hello"
    )
    async with client(bar) as web:
        order = web.order("hi", request_id="r")
        await bar.hears(Event.LLM_REQUEST)
        await bar.streams("r", 0, "Hel")
        await soon(anext(aiter(order)))
        bar.cut()

        assert await soon(order.text()) == "Hello"
        assert await soon(read(order)) == ["Hel", "lo  "]


async def test_a_terminal_status_before_the_ack_waits_for_the_text(
    bar: FakeBroker,
) -> None:
    """The end must not overtake what was missed."""

    async def resume(data: Any) -> dict[str, Any]:
        await bar.ends("r", "completed")
        return missed("lo", 2)(data)

    bar.answers[Event.RESUME_STREAM] = resume
    async with client(bar) as web:
        order = web.order("hi", request_id="r")
        await bar.hears(Event.LLM_REQUEST)
        await bar.streams("r", 0, "Hel")
        await soon(anext(aiter(order)))
        bar.cut()

        assert await soon(order.text()) == "Hello"


async def test_an_end_told_to_who_is_just_back_waits_for_the_text(
    bar: FakeBroker,
) -> None:
    """The broker says by itself how a request ended, before anything is resumed."""
    bar.answers[Event.RESUME_STREAM] = missed("lo", 2, state="completed", done=True)
    told = asyncio.Event()

    async def settle(_link: Any) -> None:
        await bar.status("r", "completed")
        await soon(told.wait())

    async with client(bar) as web:
        order = web.order("hi", request_id="r")
        await bar.hears(Event.LLM_REQUEST)
        await bar.streams("r", 0, "Hel")
        await soon(anext(aiter(order)))
        status = Event.REQUEST_STATUS_UPDATE
        web.listen(Namespace.LLM, status, lambda _: told.set())
        web._connection.settle = settle
        bar.cut()

        assert await soon(order.text()) == "Hello"


async def test_resuming_too_late_raises_and_never_hangs(bar: FakeBroker) -> None:
    """The server's code and sentence reach the reader."""
    bar.answers[Event.RESUME_STREAM] = lambda _: {
        "status": "error",
        "message": "The answer is not kept any more.",
        "code": 7,
    }
    async with client(bar) as web:
        order = web.order("hi", request_id="r")
        await bar.hears(Event.LLM_REQUEST)
        await bar.streams("r", 0, "Hel")
        await soon(anext(aiter(order)))
        bar.cut()
        with pytest.raises(OrderError, match="not kept") as caught:
            await soon(order.text())

    assert (caught.value.code, caught.value.text) == (Code.NOT_FOUND, "Hel")


async def test_an_unreadable_resume_ack_raises_too(bar: FakeBroker) -> None:
    """A broker of another kind must not leave a reader waiting."""
    bar.answers[Event.RESUME_STREAM] = lambda _: {"status": "ok", "outputs": 7}
    async with client(bar) as web:
        with pytest.raises(OrderError, match="ack of RESUME_STREAM"):
            await soon((await soon(web.resume("r"))).text())


async def test_an_order_that_did_not_arrive_is_sent_again(bar: FakeBroker) -> None:
    """Under the same request id, which starts nothing twice."""

    def cut_first(data: Any) -> dict[str, Any]:
        del data
        if len(bar.said(Event.LLM_REQUEST)) == 1:
            bar.cut()
        return {"status": "ok", "state": "sent"}

    bar.answers[Event.LLM_REQUEST] = cut_first
    bar.answers[Event.RESUME_STREAM] = never_heard_of
    async with client(bar) as web:
        order = web.order("hi", request_id="r")
        await soon(order.accepted())
        await bar.ends("r", "completed")
        await soon(order.text())

    first, second = bar.said(Event.LLM_REQUEST)
    assert first == second


async def test_an_order_without_an_ack_that_has_ended_is_not_sent_again(
    bar: FakeBroker,
) -> None:
    """Its id is free again by then: it would be carried out twice."""
    bar.answers[Event.LLM_REQUEST] = lambda _: bar.cut()
    bar.answers[Event.RESUME_STREAM] = missed("done", 1, state="completed", done=True)
    async with client(bar) as web:
        text = await soon(web.order("hi", request_id="r").text())

    assert text == "done"
    assert len(bar.said(Event.LLM_REQUEST)) == 1


async def test_an_order_sent_again_after_its_end_fetches_the_answer(
    bar: FakeBroker,
) -> None:
    """The ack of a known request tells its state; the text is resumed."""
    bar.answers[Event.LLM_REQUEST] = lambda _: {"status": "ok", "state": "completed"}
    bar.answers[Event.RESUME_STREAM] = missed("done", 1, state="completed", done=True)
    async with client(bar) as web:
        assert await soon(web.order("hi").text()) == "done"


async def test_an_order_placed_while_away_is_sent_on_return(bar: FakeBroker) -> None:
    """It waits for the connection instead of failing."""
    bar.answers[Event.RESUME_STREAM] = never_heard_of
    async with client(bar) as web:
        bar.cut()
        order = web.order("hi", request_id="r")
        await bar.hears(Event.LLM_REQUEST)
        await bar.ends("r", "completed")
        await soon(order.text())

    assert order.status == "completed"


async def test_a_gap_is_filled_by_resuming(bar: FakeBroker) -> None:
    """A chunk that does not continue the text asks for what is missing."""
    bar.answers[Event.RESUME_STREAM] = missed("bc", 3)
    async with client(bar) as web:
        order = web.order("hi", request_id="r")
        await bar.hears(Event.LLM_REQUEST)
        await bar.streams("r", 0, "a")
        await bar.streams("r", 2, "c")
        asked = await bar.hears(Event.RESUME_STREAM)
        await bar.streams("r", 5, "def", firstIndex=3)
        await bar.ends("r", "completed", chunks=6)

        assert await soon(order.text()) == "abcdef"
        assert asked == {"requestId": "r", "from": {"o": 1}}


async def test_an_earlier_request_can_be_resumed(bar: FakeBroker) -> None:
    """Another process, another member, from any index."""
    bar.answers[Event.RESUME_STREAM] = missed("lo", 7)
    async with client(bar) as web:
        order = await soon(web.resume("r", room="lobby", start=5))
        await bar.streams("r", 7, "!")
        await bar.ends("r", "completed", finalText="Hello!")

        assert await soon(read(order)) == ["lo", "!"]
        assert await soon(order.text()) == "Hello!"
    assert bar.said(Event.RESUME_STREAM) == [
        (Event.RESUME_STREAM, {"requestId": "r", "from": 5, "roomName": "lobby"})
    ]


async def test_a_key_that_was_assigned_is_used_on_return(bar: FakeBroker) -> None:
    """Whoever asked once does not ask again."""
    bar.gives_key = "tap_2_fresh"
    bar.answers[Event.RESUME_STREAM] = missed("", 0, state="completed")
    async with client(bar, key=ASK_FOR_KEY) as web:
        order = web.order("hi")
        await soon(order.accepted())
        bar.cut()
        await soon(order.text())

    keys = [auth["key"] for _, auth in bar.auths]
    assert keys == [ASK_FOR_KEY, ASK_FOR_KEY, "tap_2_fresh", "tap_2_fresh"]


async def test_a_refusal_on_return_ends_everything(bar: FakeBroker) -> None:
    """A key that is gone stays gone: orders and calls get the broker's words."""
    async with client(bar) as web:
        order = web.order("hi")
        await soon(order.accepted())
        bar.refusals[Namespace.LLM] = (5, "The key does not match.")
        bar.cut()
        with pytest.raises(OrderError, match="does not match") as caught:
            await soon(order.text())

    assert caught.value.code == Code.AUTHENTICATION_FAILED


async def test_a_broker_that_stays_away_fails_the_orders(bar: FakeBroker) -> None:
    """Patience has an end, where the user gave it one."""
    async with client(bar, give_up_after=0.1) as web:
        order = web.order("hi")
        await soon(order.accepted())
        await bar.stop()
        with pytest.raises(OrderError, match="No connection") as caught:
            await soon(order.text())
        with pytest.raises(UnreachableError, match="No connection"):
            await web.call(Namespace.LLM, Event.CANCEL_REQUEST)

    assert caught.value.code == Code.UNAVAILABLE


async def test_a_broker_that_stops_is_left_alone_as_long_as_it_asks(
    bar: FakeBroker,
) -> None:
    """By ``retryAfter``, in whichever namespace it is said."""
    waited = asyncio.get_running_loop().time
    async with client(bar) as web:
        web.order("hi", request_id="r")
        await bar.hears(Event.LLM_REQUEST)
        heard: asyncio.Queue[Any] = asyncio.Queue()
        web.listen(Namespace.LLM, Event.WARNING, heard.put_nowait)
        await bar.say(Event.WARNING, {"code": 9, "retryAfter": 0.3})
        await soon(heard.get())
        began = waited()
        bar.cut()
        await bar.hears(Event.RESUME_STREAM)
        after = waited() - began

    assert after >= 0.3
