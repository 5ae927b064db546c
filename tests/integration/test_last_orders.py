"""The broker stops: what those see who come from outside, or come back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import pytest

from actors.errors import Code
from broker.client import IncomingOrder, TapsterClient, TapsterExtension
from broker.protocol.wire import Event, Namespace

from .cable import Cable, careless, forgotten
from .harness import Broker, Node, StartBroker
from .test_ops import ask, metrics

__all__ = ["forgotten"]

PATIENCE: Final = 40.0
"""Seconds in which everything here must have happened."""

HOUSE: Final[dict[str, dict[str, Any]]] = {
    "guest": {},
    "friend": {},
    "SillyTavern-1": {"clientType": "SillyTavern"},
}

DEFAULT_DELAY: Final = (490, 3_000)
"""Milliseconds of socket.io-client: 1,000 ± 50 %, and a slow machine's delay."""

TIMERS: Final = 10
"""Milliseconds by which Node's timers may be early."""

SLACK: Final = 2_000
"""Milliseconds by which a slow machine may be late."""

HANDSHAKE: Final = "/socket.io/?EIO=4&transport="
UPGRADE: Final = (
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)
PAGE: Final = "http://127.0.0.1:8000"
"""A SillyTavern's page, which is of another origin than the broker."""


class Bar:
    """A SillyTavern that does not end what it tells before it may."""

    def __init__(self, broker: Broker) -> None:
        self.broker = broker
        self.asked = asyncio.Event()
        self.go_on = asyncio.Event()
        self.told: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Answer, and hear when the broker is told to stop."""
        url = self.broker.url
        async with TapsterExtension(
            url, client_id="SillyTavern-1", answer=self._tell, reconnect_delay=0.05
        ) as extension:
            extension.listen(Namespace.LLM, Event.WARNING, self.told.put_nowait)
            yield

    async def last_orders(self) -> dict[str, Any]:
        """Have the broker told to stop, once there is something to end."""
        await self.asked.wait()
        self.broker.terminate()
        return await self.told.get()

    async def close_and_open_again(self) -> None:
        """End what is told; the broker ends then, and is started anew."""
        self.go_on.set()
        await asyncio.to_thread(self.broker.ended)
        await asyncio.to_thread(self.broker.restart)

    async def _tell(self, _order: IncomingOrder) -> AsyncIterator[str]:
        yield "Once "
        self.asked.set()
        await self.go_on.wait()
        yield "upon a time."


@asynccontextmanager
async def guest_who_reads(url: str) -> AsyncIterator[Any]:
    """Order a story, and read its beginning."""
    async with TapsterClient(
        url, client_id="guest", key="getKey", reconnect_delay=0.05
    ) as guest:
        order = guest.order("A story", target="SillyTavern-1")
        pieces = aiter(order)
        assert await anext(pieces) == "Once "
        await order.accepted()
        yield pieces


async def test_operators_see_that_it_stops_wherever_they_look(
    start_broker: StartBroker,
) -> None:
    """Alive for whoever restarts it, not ready for whoever sends people to it."""
    broker = start_broker(HOUSE)
    paths = ("/healthz", "/readyz")
    async with asyncio.timeout(PATIENCE):
        bar = Bar(broker)
        async with bar.open(), guest_who_reads(broker.url):
            before = [ask(broker.url, path) for path in paths]
            ran = metrics(broker.url)["tapster_draining", ""]
            await bar.last_orders()
            while_it_stops = [ask(broker.url, path) for path in paths]
            stops = metrics(broker.url)["tapster_draining", ""]
            bar.go_on.set()
            await asyncio.to_thread(broker.ended)
    health, ready = while_it_stops
    checks = json.loads(ready.body)["checks"]

    assert [answer.status for answer in before] == [200, 200]
    assert (health.status, health.body) == (200, "draining")
    assert ready.status == 503
    assert [name for name in checks if not checks[name]["ok"]] == ["draining"]
    assert (ran, stops) == (0, 1)


@pytest.mark.parametrize(
    ("transport", "lines"), [("polling", ()), ("websocket", UPGRADE)], ids=str
)
async def test_who_comes_while_it_stops_is_turned_away_and_told_when_to_come(
    start_broker: StartBroker, transport: str, lines: tuple[str, ...]
) -> None:
    """503 before there is a connection, in words that any page may read."""
    broker = start_broker(HOUSE)
    async with asyncio.timeout(PATIENCE):
        bar = Bar(broker)
        async with bar.open(), guest_who_reads(broker.url):
            await bar.last_orders()
            path = HANDSHAKE + transport
            answer = ask(broker.url, path, *lines, f"Origin: {PAGE}")
            bar.go_on.set()
            await asyncio.to_thread(broker.ended)
    told = json.loads(answer.body)
    head = answer.head.lower()

    assert answer.status == 503
    assert told["code"] == Code.UNAVAILABLE
    assert told["success"] is False
    assert told["message"] == f"the broker stops: try again in {told['retryAfter']:g} s"
    assert 1 <= told["retryAfter"] <= 5
    assert f"retry-after: {-int(-told['retryAfter'] // 1)}\r\n" in head
    assert f"access-control-allow-origin: {PAGE}\r\n" in head


@careless
@pytest.mark.usefixtures("forgotten")
async def test_reader_who_is_cut_off_while_it_stops_comes_back_for_the_rest(
    start_broker: StartBroker,
) -> None:
    """The door is open while somebody is awaited, and shut again behind them."""
    broker = start_broker(HOUSE)
    async with asyncio.timeout(PATIENCE), Cable(broker.url) as cable:
        bar = Bar(broker)
        async with bar.open(), guest_who_reads(cable.url) as pieces:
            await bar.last_orders()
            cable.unplug()
            await _until_answered(broker, 200)
            cable.plug_in()
            await _until_answered(broker, 503)
            bar.go_on.set()
            rest = [piece async for piece in pieces]
            await asyncio.to_thread(broker.ended)

    assert "".join(rest) == "upon a time."


@pytest.mark.parametrize("transports", [None, ["websocket"]], ids=str)
async def test_plain_client_hears_the_farewell_first_and_comes_back_by_itself(
    start_broker: StartBroker, node: Node, transports: list[str] | None
) -> None:
    """In each namespace. It knows nothing of `retryAfter`: it has a spread of its own.

    That is its `reconnectionDelay` of a second and its `randomizationFactor` of a half.
    """
    broker = start_broker(HOUSE)
    async with asyncio.timeout(PATIENCE):
        bar = Bar(broker)
        async with bar.open():
            guest = {"url": broker.url, "clientId": "guest", "transports": transports}
            playing = asyncio.create_task(_play(node, "back", **guest))
            farewell = await bar.last_orders()
            await bar.close_and_open_again()
            result = await playing
    heard = result["heard"]
    least, most = DEFAULT_DELAY

    assert result["ack"]["status"] == "ok"
    assert result["statuses"][-1] == "completed"
    for events in heard:
        assert [each["event"] for each in events] == [
            "connect",
            "WARNING",
            "disconnect",
            "connect",
        ]
        assert events[1]["data"]["code"] == Code.UNAVAILABLE == farewell["code"]
        assert events[2]["data"] == "transport close"
    first, second = (events[1]["data"]["retryAfter"] for events in heard)
    assert first == second
    assert least <= result["tries"][0] <= most
    assert result["transport"] == "websocket"


async def test_official_client_can_be_told_to_stay_away_as_long_as_it_was_asked(
    start_broker: StartBroker, node: Node
) -> None:
    """In the one line of ``docs/protocol.md``."""
    broker = start_broker(HOUSE)
    async with asyncio.timeout(PATIENCE):
        bar = Bar(broker)
        async with bar.open():
            guest = {"url": broker.url, "clientId": "guest", "heeding": True}
            playing = asyncio.create_task(_play(node, "back", **guest))
            await bar.last_orders()
            await bar.close_and_open_again()
            result = await playing
    asked = result["heard"][0][1]["data"]["retryAfter"] * 1_000

    assert asked - TIMERS <= result["tries"][0] <= asked + SLACK


async def test_plain_client_that_is_turned_away_comes_back_by_itself(
    start_broker: StartBroker, node: Node
) -> None:
    """Refused by a namespace, it would never try again; so it is refused before."""
    broker = start_broker(HOUSE)
    async with asyncio.timeout(PATIENCE):
        bar = Bar(broker)
        async with bar.open(), guest_who_reads(broker.url):
            await bar.last_orders()
            async with _doorbell() as (bell, rung):
                late = {"url": broker.url, "clientId": "friend", "sayAt": bell}
                playing = asyncio.create_task(_play(node, "late", **late))
                await rung.wait()
                await bar.close_and_open_again()
                result = await playing

    assert result["active"] is True
    assert result["status"] == 503
    assert result["body"]["code"] == Code.UNAVAILABLE
    assert result["body"]["retryAfter"] >= 1


async def _play(node: Node, scenario: str, **parameters: Any) -> Any:
    return await asyncio.to_thread(node, "drain", scenario, **parameters)


async def _until_answered(broker: Broker, status: int) -> None:
    """Knock until the answer is that."""
    path = f"{HANDSHAKE}polling"
    while (await asyncio.to_thread(ask, broker.url, path)).status != status:
        pass


@asynccontextmanager
async def _doorbell() -> AsyncIterator[tuple[str, asyncio.Event]]:
    """An address of the test's own, and whether somebody has asked there."""
    rung = asyncio.Event()

    async def answer(
        _reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        rung.set()
        writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}/", rung
