"""Extensions that do what they may not: one end for each request, and clean texts."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any, Final

import pytest

from actors.lifecycle import TERMINAL
from broker.client import (
    IncomingOrder,
    NewManner,
    Order,
    OrderError,
    Pour,
    TapsterClient,
    TapsterExtension,
)
from broker.protocol.wire import (
    ASK_FOR_KEY,
    Event,
    MessageType,
    Namespace,
    StreamEvent,
)

from .harness import StartBroker
from .soak.crew import cut

PATIENCE: Final = 20.0
"""Seconds in which everything here must have happened."""

TAVERNS: Final = ("SillyTavern-1", "SillyTavern-2")


class Mute(NewManner):
    """Leaves everything to the test."""

    async def tell(self, pour: Pour, pieces: AsyncIterator[str]) -> None:
        """Say nothing of the answer."""
        del pour
        await anext(pieces)


class Rogue:
    """An extension that says exactly what a test wants said."""

    def __init__(self, url: str, name: str) -> None:
        self._asked: asyncio.Queue[IncomingOrder] = asyncio.Queue()
        self.warnings: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.session = TapsterExtension(
            url,
            client_id=name,
            answer=self._nothing,
            capacity=2,
            manner=Mute(),
            reconnect_delay=0.02,
        )
        self.session.listen(Namespace.LLM, Event.WARNING, self.warnings.put_nowait)

    async def asked(self) -> str:
        """The broker's id of the next request."""
        return (await self._asked.get()).request_id

    async def chunk(self, request: str, index: int, text: str, **more: Any) -> None:
        """Send a chunk of a request's answer."""
        first = index == 0
        kind = (
            MessageType.STREAM_DATA_FIRST if first else MessageType.STREAM_DATA_MIDDLE
        )
        name = StreamEvent.DATA_FIRST if first else StreamEvent.DATA_MIDDLE
        await self._send(name, request, type=kind, chunkIndex=index, data=text, **more)

    async def end(self, request: str, **more: Any) -> None:
        """End a request's answer."""
        kind = MessageType.STREAM_END
        await self._send(StreamEvent.END, request, type=kind, final=True, **more)

    async def tell(self, request: str, *texts: str, **more: Any) -> None:
        """Answer from the first chunk to the end."""
        for index, text in enumerate(texts):
            await self.chunk(request, index, text, **more)
        await self.end(request, **more)

    async def _send(self, name: str, request: str, **fields: Any) -> None:
        stream = f"stream of {request}"
        data = {"streamId": stream, "outputId": stream, "requestId": request, **fields}
        await self.session.emit(Namespace.LLM, name, data)

    async def _nothing(self, order: IncomingOrder) -> AsyncIterator[str]:
        self._asked.put_nowait(order)
        await asyncio.Event().wait()
        yield ""


class Night:
    """A guest, two extensions, and the ends that the guest was told of."""

    def __init__(self, guest: TapsterClient, rogues: list[Rogue]) -> None:
        self.guest = guest
        self.first, self.second = rogues
        self.ends: Counter[str] = Counter()
        guest.listen(Namespace.LLM, Event.REQUEST_STATUS_UPDATE, self._heard)

    def order(self, name: str) -> Order:
        """Order something of the first extension."""
        return self.guest.order(name, request_id=name, target=TAVERNS[0])

    async def settled(self) -> Counter[str]:
        """The ends of each request, when all that was said has been heard."""
        question = {"data": "Connection active?", "target": "server"}
        for session in (self.first.session, self.second.session, self.guest):
            await session.call(Namespace.LLM, "message", question)
        return self.ends

    def _heard(self, data: dict[str, Any]) -> None:
        if data["status"] in TERMINAL:
            self.ends[data["requestId"]] += 1


@pytest.fixture
async def night(start_broker: StartBroker) -> AsyncIterator[Night]:
    """Open one, in which nobody is waited for long."""
    house: dict[str, dict[str, Any]] = {name: {} for name in ("guest", *TAVERNS)}
    broker = start_broker(
        house, reconnectGrace=0.2, firstTokenTimeout=0.3, chunkTimeout=0.3
    )
    async with asyncio.timeout(PATIENCE), AsyncExitStack() as stack:
        guest = TapsterClient(broker.url, client_id="guest", key=ASK_FOR_KEY)
        rogues = [Rogue(broker.url, name) for name in TAVERNS]
        for session in (guest, *(rogue.session for rogue in rogues)):
            await stack.enter_async_context(session)
        yield Night(guest, rogues)


async def how_it_ended(order: Order) -> tuple[str, str]:
    """The end of a request that did not succeed, and the text that came."""
    with pytest.raises(OrderError) as caught:
        await order.text()
    return str(caught.value.status), caught.value.text


async def test_extension_that_answers_twice_is_heard_once(night: Night) -> None:
    """Section 5: what is said of an ended request is dropped, with a warning."""
    order = night.order("r1")
    request = await night.first.asked()
    await night.first.tell(request, "once")
    text = await order.text()
    await night.first.tell(request, "and ", "again")
    warning = await night.first.warnings.get()

    assert text == "once"
    assert warning["code"] == 72
    assert await night.settled() == {"r1": 1}


async def test_extension_that_answers_for_another_is_not_heard(night: Night) -> None:
    """Section 5: only the extension that has the request may answer it."""
    order = night.order("r1")
    request = await night.first.asked()
    await night.second.tell(request, "forged")
    warning = await night.second.warnings.get()
    await night.first.tell(request, "true")

    assert await order.text() == "true"
    assert warning["code"] == 72
    assert await night.settled() == {"r1": 1}


async def test_chunks_after_the_end_are_not_in_the_next_answer(night: Night) -> None:
    """Not under their own stream, nor under that of the next answer."""
    first = night.order("r1")
    early = await night.first.asked()
    await night.first.tell(early, "one")
    await first.text()
    second = night.order("r2")
    late = await night.first.asked()
    await night.first.chunk(late, 0, "two ")
    await night.first.chunk(early, 1, "late")
    await night.first.chunk(early, 1, "late", streamId=f"stream of {late}")
    await night.first.chunk(late, 1, "three")
    await night.first.end(late)

    assert await second.text() == "two three"
    assert await night.settled() == {"r1": 1, "r2": 1}


@pytest.mark.parametrize("words", [0, 1], ids=["first token", "next chunk"])
async def test_extension_that_hangs_is_not_waited_for(night: Night, words: int) -> None:
    """Section 4: connected but silent is a timeout; what came is kept."""
    order = night.order("r1")
    request = await night.first.asked()
    for index in range(words):
        await night.first.chunk(request, index, "Well")
    ended = await how_it_ended(order)
    await night.first.chunk(request, words, "late")
    following = night.order("r2")
    await night.first.tell(await night.first.asked(), "next")

    assert ended == ("timeout", "Well" * words)
    assert await following.text() == "next"
    assert await night.settled() == {"r1": 1, "r2": 1}


async def come_back(night: Night) -> None:
    """Be cut off, and come back with nothing running."""
    link = night.first.session._connection.link
    for task in night.first.session._answering.values():
        task.cancel()
    assert cut(night.first.session)
    assert link is not None
    await link.ended()
    await night.first.session._connection.ready()


async def stay_away(night: Night) -> None:
    """Leave for good."""
    night.first.session._connection._reconnect_delay = PATIENCE
    assert cut(night.first.session)


@pytest.mark.parametrize("dies", [come_back, stay_away])
async def test_extension_that_dies_ends_its_request_as_failed(
    night: Night, dies: Callable[[Night], Any]
) -> None:
    """Section 4: unlisted when it is back, or not back in the grace time: 10503."""
    order = night.order("r1")
    await night.first.chunk(await night.first.asked(), 0, "Once ")
    await anext(aiter(order))
    await dies(night)

    assert await how_it_ended(order) == ("failed", "Once ")
    assert night.ends == {"r1": 1}
