"""The client: ordering and reading, over a connection that holds."""

from __future__ import annotations

from typing import Any

import pytest

from actors.errors import Code
from broker.client import (
    BrokerRefusedError,
    EntryRefusedError,
    Order,
    OrderError,
    TapsterClient,
    UnreachableError,
)
from broker.protocol.wire import ASK_FOR_KEY, AnswerEvent, Event, Namespace

from .fake_broker import FakeBroker, soon


def client(bar: FakeBroker, **more: Any) -> TapsterClient:
    """A client that wastes no time."""
    more = {"key": "tap_1_x", "transports": ["websocket"], **more}
    return TapsterClient(bar.url, client_id="web", reconnect_delay=0.01, **more)


async def read(order: Order) -> list[str]:
    """All pieces."""
    return [piece async for piece in order]


async def test_an_order_yields_its_pieces_as_they_come(bar: FakeBroker) -> None:
    """The first piece is there before the second was sent."""
    async with client(bar) as web:
        order = web.order("hi", target="SillyTavern-8000", request_id="r")
        request = await bar.hears(Event.LLM_REQUEST)
        pieces = aiter(order)
        await bar.streams("r", 0, "Hel")
        first = await soon(anext(pieces))
        await bar.streams("r", 1, "lo")
        await bar.ends("r", "completed")
        rest = await soon(read_on(pieces))

    assert request == {
        "requestId": "r",
        "message": "hi",
        "target": "SillyTavern-8000",
        "isStreaming": True,
    }
    assert [first, *rest] == ["Hel", "lo"]
    assert order.status == "completed"


async def read_on(pieces: Any) -> list[str]:
    """What is left of an iteration."""
    return [piece async for piece in pieces]


async def test_an_order_can_be_read_more_than_once(bar: FakeBroker) -> None:
    """Every iteration starts at the beginning; text() has all of it."""
    async with client(bar) as web:
        order = web.order("hi", request_id="r")
        await bar.hears(Event.LLM_REQUEST)
        await bar.streams("r", 0, "a")
        await bar.streams("r", 1, "b")
        await bar.ends("r", "completed")

        assert await soon(read(order)) == ["a", "b"]
        assert await soon(read(order)) == ["a", "b"]
        assert await soon(order.text()) == "ab"


async def test_the_final_text_wins_over_what_was_streamed(bar: FakeBroker) -> None:
    """SillyTavern trims answers at their end; pieces can not be taken back."""
    async with client(bar) as web:
        order = web.order("hi", request_id="r")
        await bar.hears(Event.LLM_REQUEST)
        await bar.streams("r", 0, "Hello  \n")
        await bar.ends("r", "completed", finalText="Hello")

        assert await soon(order.text()) == "Hello"
        assert await soon(read(order)) == ["Hello  \n"]


async def test_an_unstreamed_order_comes_whole(bar: FakeBroker) -> None:
    """With ``stream=False`` the answer is one message of type 0."""
    async with client(bar) as web:
        order = web.order("hi", request_id="r", stream=False)
        request = await bar.hears(Event.LLM_REQUEST)
        whole = {"type": 0, "requestId": "r", "outputId": "o", "data": "Hello"}
        await bar.say(AnswerEvent.MESSAGE, whole)
        await bar.ends("r", "completed", chunks=7)

        assert request["isStreaming"] is False
        assert await soon(read(order)) == ["Hello"]
        assert await soon(order.text()) == "Hello"


async def test_chunks_under_both_names_count_once(bar: FakeBroker) -> None:
    """``streamNames: both`` sends every chunk twice."""
    async with client(bar, stream_names="both") as web:
        order = web.order("hi", request_id="r")
        await bar.hears(Event.LLM_REQUEST)
        chunk = {"outputId": "o", "requestId": "r", "index": 0, "data": "once"}
        await bar.say(AnswerEvent.STREAMED_DATA, chunk)
        await bar.say(AnswerEvent.SERVER_STREAM_DATA, chunk)
        await bar.ends("r", "completed")

        assert await soon(order.text()) == "once"
        assert bar.auths[-1][1]["streamNames"] == "both"


async def test_several_outputs_are_kept_apart(bar: FakeBroker) -> None:
    """Pieces come in the order of arrival; ``outputs`` has each answer's text."""
    async with client(bar) as web:
        order = web.order("hi", target=["a", "b"], request_id="r")
        await bar.hears(Event.LLM_REQUEST)
        await bar.streams("r", 0, "A1", outputId="a")
        await bar.streams("r", 0, "B1", outputId="b")
        await bar.streams("r", 1, "A2", outputId="a")
        await bar.status("r", "completed")

        assert await soon(read(order)) == ["A1", "B1", "A2"]
        assert order.outputs == {"a": "A1A2", "b": "B1"}
        assert await soon(order.text()) == "A1A2\n\nB1"


async def test_statuses_are_told_from_the_ack_to_the_end(bar: FakeBroker) -> None:
    """The ack's state is the first; the place in the queue is told along."""
    bar.answers[Event.LLM_REQUEST] = lambda _: {
        "status": "ok",
        "state": "queued",
        "position": 2,
    }
    async with client(bar) as web:
        order = web.order("hi", request_id="r")
        ack = await soon(order.accepted())
        position = order.position
        await bar.status("r", "sent", extension="SillyTavern-8000")
        await bar.status("r", "completed")
        statuses = [status async for status in order.statuses()]

    assert ack["state"] == "queued"
    assert position == 2
    assert statuses == ["queued", "sent", "completed"]
    assert order.extension == "SillyTavern-8000"


async def test_a_recorded_order_ends_without_text(bar: FakeBroker) -> None:
    """In ``MasterOnly`` a guest's words are noted and that is all."""
    bar.answers[Event.LLM_REQUEST] = lambda _: {"status": "ok", "state": "recorded"}
    async with client(bar) as web:
        order = web.order("hi")

        assert await soon(order.text()) == ""
        assert order.status == "recorded"


async def test_a_refused_order_raises_the_brokers_words(bar: FakeBroker) -> None:
    """The error ack of a request ends the order at once."""
    bar.answers[Event.LLM_REQUEST] = lambda _: {
        "status": "error",
        "message": "No extension is connected.",
        "code": 10503,
    }
    async with client(bar) as web:
        with pytest.raises(OrderError, match="No extension") as caught:
            await soon(web.order("hi").text())

    assert caught.value.code == Code.NO_LLM_AVAILABLE


async def test_a_failed_order_raises_and_keeps_what_came(bar: FakeBroker) -> None:
    """Pieces first, then the error with code, status and the text so far."""
    async with client(bar) as web:
        order = web.order("hi", request_id="r")
        await bar.hears(Event.LLM_REQUEST)
        await bar.streams("r", 0, "Once upon")
        error = {"message": "the model is down", "code": 10500}
        await bar.ends("r", "failed", error=error)
        pieces = aiter(order)
        first = await soon(anext(pieces))
        with pytest.raises(OrderError, match="the model is down") as caught:
            await soon(anext(pieces))

    assert first == "Once upon"
    assert caught.value.code == 10500
    assert caught.value.status == "failed"
    assert caught.value.text == "Once upon"


async def test_an_error_event_explains_the_failure_that_follows(
    bar: FakeBroker,
) -> None:
    """``ERROR`` names the request; the terminal status alone ends it."""
    async with client(bar) as web:
        order = web.order("hi", request_id="r")
        await bar.hears(Event.LLM_REQUEST)
        await bar.say(Event.ERROR, {"requestId": "r", "message": "too long", "code": 8})
        await bar.status("r", "timeout")
        with pytest.raises(OrderError, match="too long") as caught:
            await soon(order.text())

    assert (caught.value.code, caught.value.status) == (Code.TIMEOUT, "timeout")


async def test_cancelling_asks_the_broker_and_ends_the_order(bar: FakeBroker) -> None:
    """The request goes out before its cancelling, however soon that is."""

    async def cancel(data: Any) -> dict[str, Any]:
        await bar.ends(data["requestId"], "cancelled")
        return {"status": "ok"}

    bar.answers[Event.CANCEL_REQUEST] = cancel
    async with client(bar) as web:
        order = web.order("hi", request_id="r")
        await soon(order.cancel())
        with pytest.raises(OrderError) as caught:
            await soon(order.text())
        await soon(order.cancel())

    assert caught.value.status == "cancelled"
    asked = bar.said(Event.LLM_REQUEST, Event.CANCEL_REQUEST)
    assert [event for event, _ in asked] == [Event.LLM_REQUEST, Event.CANCEL_REQUEST]
    assert asked[1][1] == {"requestId": "r"}


async def test_the_same_request_id_twice_is_a_mistake(bar: FakeBroker) -> None:
    """Two readers under one id would take each other's pieces."""
    async with client(bar) as web:
        web.order("hi", request_id="r")
        with pytest.raises(ValueError, match="under way"):
            web.order("hi", request_id="r")


async def test_a_refused_connection_raises_code_and_sentence(bar: FakeBroker) -> None:
    """CONNECT_ERROR carries both in its data."""
    bar.refusals[Namespace.LLM] = (6, "The client web is not trusted.")
    with pytest.raises(EntryRefusedError, match="not trusted") as caught:
        await soon(client(bar).open())

    assert caught.value.code == Code.AUTHORISATION_FAILED
    assert caught.value.namespace == Namespace.LLM


async def test_no_broker_at_all_is_told_as_such(bar: FakeBroker) -> None:
    """Nothing of the libraries below shows through."""
    await bar.stop()
    for transports in (["websocket"], ["polling"]):
        with pytest.raises(UnreachableError, match="No connection to"):
            await soon(client(bar, transports=transports).open())


async def test_a_key_that_is_asked_for_can_be_saved(bar: FakeBroker) -> None:
    """``key="getKey"`` joins /auth, and waits until the key is there."""
    bar.gives_key = "tap_2_fresh"
    async with client(bar, key=ASK_FOR_KEY, transports=None) as web:
        assert web.key == "tap_2_fresh"

    assert {namespace for namespace, _ in bar.auths} == {Namespace.AUTH, Namespace.LLM}
    assert all(auth["key"] == ASK_FOR_KEY for _, auth in bar.auths)


async def test_a_broker_that_gives_no_key_is_not_waited_for(bar: FakeBroker) -> None:
    """A monitor that says ``getKey`` gets none."""
    web = client(bar, key=ASK_FOR_KEY, connect_timeout=0.2)
    with pytest.raises(UnreachableError, match="said nothing"):
        await soon(web.open())


async def test_a_call_returns_its_ack_or_raises_it(bar: FakeBroker) -> None:
    """The generic call knows both shapes of errors."""
    bar.answers[Event.GET_ROOMS] = lambda _: {"status": "ok", "rooms": ["lobby"]}
    bar.answers[Event.FUNCTION_CALL] = lambda _: {
        "success": False,
        "error": {"message": "no such function", "code": 501},
    }
    async with client(bar, namespaces=[Namespace.ROOMS]) as web:
        ack = await web.call(Namespace.ROOMS, Event.GET_ROOMS)
        with pytest.raises(BrokerRefusedError, match="no such function") as caught:
            await web.call(Namespace.LLM, Event.FUNCTION_CALL, {})
        with pytest.raises(UnreachableError, match="/debug is not connected"):
            await web.call(Namespace.DEBUG, Event.SERVER_STATUS)

    assert ack["rooms"] == ["lobby"]
    assert caught.value.code == Code.FUNCTION_NOT_FOUND


async def test_a_client_with_nothing_on_order_says_goodbye(bar: FakeBroker) -> None:
    """Then the broker need not wait for it to come back."""
    async with client(bar) as web:
        await web.emit(Namespace.LLM, Event.START_TYPING, {"targetRoom": "web"})

    assert [event for event, _ in bar.heard] == [
        Event.START_TYPING,
        Event.CLIENT_DISCONNECTED,
    ]


async def test_leaving_a_live_order_leaves_it_to_be_resumed(bar: FakeBroker) -> None:
    """Without a goodbye it has the grace time; the order itself ends here."""
    async with client(bar) as web:
        order = web.order("hi")
        await bar.hears(Event.LLM_REQUEST)
    with pytest.raises(OrderError, match="closed") as caught:
        await soon(order.text())

    assert caught.value.code == Code.CLIENT_DISCONNECTED
    assert not bar.said(Event.CLIENT_DISCONNECTED)


async def test_an_order_placed_after_the_end_fails_at_once(bar: FakeBroker) -> None:
    """There is no connection any more that could ever bring an answer."""
    async with client(bar) as web:
        pass
    order = web.order("hi")
    with pytest.raises(OrderError, match="closed") as caught:
        await soon(order.accepted())

    assert caught.value.code == Code.CLIENT_DISCONNECTED
