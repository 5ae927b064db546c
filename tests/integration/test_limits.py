"""The limits of one connection and of one address, and the rules of routing."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final

import aiohttp
import pytest

from tests.broker.gateway.raw_client import ENOUGH, PATH, RawSocket, connected

from .harness import Broker, HarnessError, Node, StartBroker

QUESTION: Final = {"data": "Connection active?", "target": "server"}
ADDRESS: Final = "203.0.113.9"
PROXY: Final = ["127.0.0.0/8"]
WRONG_KEY: Final = f"tap_{'0' * 12}_{'A' * 32}"


def from_afar(address: str = ADDRESS) -> dict[str, str]:
    """What a proxy says of somebody."""
    return {"X-Forwarded-For": address}


async def ask(line: RawSocket) -> Any:
    """Whether the broker is there."""
    return await line.ask("/llm", "message", QUESTION)


# -- events


def test_events_beyond_the_burst_are_refused_one_by_one(
    node: Node, start_broker: StartBroker
) -> None:
    """Section 9: events per socket; a clear error, and nothing else is harmed."""
    own = start_broker({"a": {}, "b": {}}, eventsPerSecond=1, eventsBurst=10)
    result = node("limits", "events", url=own.url, clientId="a", otherId="b", count=15)

    refused = [ack for ack in result["acks"] if ack["status"] == "error"]
    # One more may pass in each second that all of it took, and no other.
    assert 4 - int(result["seconds"]) <= len(refused) <= 5
    assert {ack["code"] for ack in refused} == {10429}
    assert {ack["success"] for ack in refused} == {False}
    assert "at most 1 a second, wait a little" in refused[0]["message"]
    assert own.reached("eventsPerSecond") >= len(refused) + 1
    assert (result["error"]["code"], result["error"]["requestId"]) == (10429, "r1")
    assert result["other"]["status"] == "ok"


def test_who_goes_on_is_closed_and_told_why(
    node: Node, start_broker: StartBroker
) -> None:
    """Section 9: the socket is closed with a reason."""
    own = start_broker({"a": {}, "b": {}}, eventsPerSecond=1, eventsBurst=10)
    result = node("limits", "flood", url=own.url, clientId="a", otherId="b", count=100)

    assert 10 <= len(result["answers"]) <= 12
    assert 10 <= len(result["errors"]) <= 20
    assert {error["code"] for error in result["errors"]} == {10429}
    assert "the connection is closed" in result["errors"][-1]["message"]
    assert result["other"]["status"] == "ok"


async def test_who_goes_on_is_closed_by_long_polling_too(
    start_broker: StartBroker,
) -> None:
    """Section 9: whatever the transport; the sid is worth nothing any more."""
    own = start_broker({"a": {}}, eventsPerSecond=1, eventsBurst=3)
    event = "42/llm," + json.dumps(["message", QUESTION])
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{own.url}{PATH}polling") as response:
            sid = json.loads((await response.text())[1:])["sid"]
        url = f"{own.url}{PATH}polling&sid={sid}"
        join = "40/llm," + json.dumps({"clientId": "a"})
        await (await session.post(url, data=join)).read()
        async with session.get(url) as response:
            assert "40/llm," in await response.text()
        statuses = []
        for packets in (3, 3, 3):
            body = "\x1e".join([event] * packets)
            async with session.post(url, data=body) as response:
                statuses.append(response.status)

    assert statuses == [200, 200, 400]


async def test_acks_are_not_counted(start_broker: StartBroker) -> None:
    """Section 9: acks and ``$stream-*`` do not count."""
    own = start_broker({"a": {}}, eventsPerSecond=1, eventsBurst=1)
    async with connected(own.url) as line:
        await line.join(clientId="a")
        await line.send(*["43/llm,1[]"] * 50, *['42/llm,["$stream-read","x",1]'] * 50)

        assert (await ask(line))["status"] == "ok"


# -- stream events


@pytest.mark.parametrize("transport", ["websocket", "polling"])
def test_stream_events_beyond_their_rate_are_read_slowly_and_none_is_lost(
    node: Node, start_broker: StartBroker, transport: str
) -> None:
    """Section 9: reading from that socket pauses, nothing is dropped.

    The first second's worth comes at once; the extension's own events are few.
    """
    own = start_broker(
        {"a": {}, "SillyTavern": {}}, streamEventsPerSecond=400, eventsBurst=10
    )
    result = node(
        "limits",
        "pace",
        url=own.url,
        clientId="a",
        extension="SillyTavern",
        transport=transport,
        count=1_200,
    )

    assert result["whole"]
    assert result["terminal"] == ["completed"]
    assert 1_900 <= result["milliseconds"] <= 5_000
    assert result["answered"] < 1_000
    assert own.reached("streamEventsPerSecond") >= 1


# -- connections per address


@asynccontextmanager
async def crowded(
    start_broker: StartBroker, **server: Any
) -> AsyncIterator[tuple[Broker, AsyncExitStack]]:
    """A broker behind a proxy that lets two in from an address, and two inside."""
    own = start_broker(
        {"a": {}}, trustedProxies=PROXY, connectionsPerAddress=2, **server
    )
    async with AsyncExitStack() as inside:
        for _ in range(2):
            await inside.enter_async_context(connected(own.url, from_afar()))
        yield own, inside


async def knock(broker: Broker, transport: str, address: str = ADDRESS) -> int:
    """Try to connect; gives the status, and leaves again."""
    headers = from_afar(address)
    url = f"{broker.url}{PATH}{transport}"
    async with aiohttp.ClientSession(headers=headers) as session:
        if transport == "polling":
            async with session.get(url) as response:
                status = response.status
                text = await response.text()
            if status == 200:
                sid = json.loads(text[1:])["sid"]
                await (await session.post(f"{url}&sid={sid}", data="1")).read()
            return status
        try:
            async with session.ws_connect(url):
                return 200
        except aiohttp.WSServerHandshakeError as error:
            return error.status


async def becomes(broker: Broker, status: int) -> None:
    """Knock until the answer is this one."""
    async with asyncio.timeout(ENOUGH):
        while await knock(broker, "polling") != status:
            pass


@pytest.mark.parametrize("transport", ["websocket", "polling"])
async def test_connections_of_one_address_are_limited(
    start_broker: StartBroker, transport: str
) -> None:
    """Section 9: 50 connections per address; that of others is not harmed."""
    async with crowded(start_broker) as (own, _):
        statuses = [
            await knock(own, transport, address)
            for address in (ADDRESS, ADDRESS, "203.0.113.10", "203.0.113.10")
        ]

        refused = own.reached("connectionsPerAddress")

    assert statuses == [429, 429, 200, 200]
    assert refused == 2


async def test_refused_connection_is_told_why(start_broker: StartBroker) -> None:
    """Section 9: a clear error with a code."""
    async with (
        crowded(start_broker) as (own, _),
        aiohttp.ClientSession(headers=from_afar()) as session,
        session.get(f"{own.url}{PATH}polling") as response,
    ):
        answer = await response.json()

    assert (answer["status"], answer["code"]) == ("error", 10429)
    assert "too many connections" in answer["message"]
    assert "at most 2, close one first" in answer["message"]


async def test_loopback_is_not_limited(start_broker: StartBroker) -> None:
    """Section 9: beyond loopback, be it said by a proxy or not."""
    async with crowded(start_broker) as (own, inside):
        for headers in [None] * 4 + [from_afar("::1")] * 4:
            await inside.enter_async_context(connected(own.url, headers))

        assert await knock(own, "websocket", "127.0.0.1") == 200


async def test_left_connections_make_room(start_broker: StartBroker) -> None:
    """Section 9: open at once; the same goes for those that polled."""
    async with crowded(start_broker) as (own, inside):
        await inside.aclose()
        await becomes(own, 200)
        statuses = [await knock(own, "polling") for _ in range(5)]

    assert statuses == [200] * 5


async def test_connections_that_join_nothing_make_room_in_time(
    start_broker: StartBroker,
) -> None:
    """Section 9: the handshake's time counts for whoever is counted."""
    async with crowded(start_broker, handshakeTimeout=1) as (own, _):
        before = await knock(own, "polling")

        assert before == 429
        await becomes(own, 200)


async def test_failed_websocket_makes_room_at_once(start_broker: StartBroker) -> None:
    """A request for a WebSocket that aiohttp refuses leaves nothing behind."""
    own = start_broker({}, trustedProxies=PROXY, connectionsPerAddress=2)
    broken = {
        **from_afar(),
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "1",
    }
    url = f"{own.url}{PATH}websocket"
    async with aiohttp.ClientSession() as session:
        statuses = []
        for _ in range(5):
            async with session.get(url, headers=broken) as response:
                statuses.append(response.status)

    assert statuses == [400] * 5
    assert await knock(own, "websocket") == 200


async def test_upgrade_is_no_second_connection(start_broker: StartBroker) -> None:
    """One Engine.IO connection, by whichever transport."""
    own = start_broker({"a": {}}, trustedProxies=PROXY, connectionsPerAddress=1)
    async with aiohttp.ClientSession(headers=from_afar()) as session:
        async with session.get(f"{own.url}{PATH}polling") as response:
            sid = json.loads((await response.text())[1:])["sid"]
        async with session.ws_connect(f"{own.url}{PATH}websocket&sid={sid}") as socket:
            await socket.send_str("2probe")
            probed = await socket.receive_str()
            await socket.send_str("5")
            during = await knock(own, "websocket")
    await becomes(own, 200)

    assert (probed, during) == ("3probe", 429)


# -- nesting, and wrong keys


@pytest.mark.parametrize("event", ["message", "STREAM_START"])
async def test_nesting_follows_the_settings(
    start_broker: StartBroker, event: str
) -> None:
    """Section 9: nesting, on the plain path and beside the fast lane."""
    own = start_broker({"a": {}}, maxDepth=8)
    async with connected(own.url) as line, connected(own.url) as other:
        await other.join(clientId="a")
        await line.join(clientId="a")
        for depth in (6, 7):
            deep = "[" * depth + "]" * depth
            await line.send(f'42/llm,["{event}",{{"data":{deep}}}]')
            if depth == 6:
                assert (await ask(line))["status"] == "ok"
        reason = await line.closed()

        assert reason == "data is nested more than 8 levels deep"
        assert own.reached("maxDepth") == 1
        assert (await ask(other))["status"] == "ok"


async def test_ban_for_wrong_keys_follows_the_settings(
    start_broker: StartBroker,
) -> None:
    """Section 9: refused for a while, which is a minute where nothing else is set."""
    own = start_broker(
        {"a": {}}, wrongKeysPerMinute=2, wrongKeysBan=1, wrongKeysLongestBan=2
    )

    async def refusal() -> str:
        async with connected(own.url) as line:
            answer = await line.join(clientId="a", key=WRONG_KEY)
            assert answer["code"] == 5
            return str(answer["message"])

    first = [await refusal() for _ in range(3)]
    async with asyncio.timeout(ENOUGH):
        while "too many wrong keys" in (later := await refusal()):
            pass
    second = await refusal()

    assert "does not match" in first[0]
    assert "too many wrong keys, at most 2 a minute: try again in 1 " in first[2]
    assert "does not match" in later
    assert "too many wrong keys" in second
    assert own.reached("wrongKeysPerMinute") >= 2


# -- routing rules


def test_broker_does_not_start_with_bad_routing_rules(
    start_broker: StartBroker,
) -> None:
    """Section 8: with the line; as with the server's settings."""
    own = start_broker({})
    own.stop()
    bad = [{"match": {}, "action": "drop"}, {"match": {}, "action": "eat"}]
    path = own.settings / "routes.json"
    path.write_text(json.dumps(bad, indent=1))

    with pytest.raises(HarnessError) as failed:
        own.restart()
    assert f"tapster: {path}, line 8: rule 2: " in str(failed.value)

    path.write_text(json.dumps(bad[:1]))
    own.restart()


def test_config_check_sees_bad_routing_rules(tmp_path: Path) -> None:
    """One command says whether all is sound."""
    (tmp_path / "routes.json").write_text("[{}]")
    command = [sys.executable, "-m", "broker.cli", "config", "check", "--settings"]
    done = subprocess.run(  # noqa: S603 (our own command line)
        [*command, str(tmp_path)], capture_output=True, check=False, encoding="utf-8"
    )

    assert done.returncode == 1
    assert "routes.json, line 1: rule 1: " in done.stderr
