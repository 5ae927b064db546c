"""Limits that are met before anything is ordered: packets, keys, who is trusted."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Final

import aiohttp
import pytest

from tests.broker.gateway.raw_client import RawSocket, connected

from .harness import Broker, StartBroker
from .test_raw import polling

KIB: Final = 1024
TAVERN: Final = "SillyTavern"
TOO_LONG: Final = "k" * 73


async def key_of(broker: Broker, client: str) -> str:
    """A new key, for the asking."""
    async with connected(broker.url) as line:
        await line.join("/auth", clientId=client, key="getKey")
        (answer,) = json.loads("[" + await line.heard('42/auth,["GET_CLIENT_KEY",'))
        return str(answer["key"])


async def entry(broker: Broker, **auth: Any) -> dict[str, Any]:
    """What somebody is told who joins ``/llm``: nothing, or why not."""
    async with connected(broker.url) as line:
        return await line.join(**auth)


async def test_packet_too_large_for_a_websocket(start_broker: StartBroker) -> None:
    """Section 9: packet 1 MiB; told how large it may be."""
    own = start_broker({"a": {}}, maxPacket=64 * KIB)
    async with connected(own.url) as line:
        await line.join(clientId="a")
        await line.send("4" + "x" * 64 * KIB)
        reason = await line.closed()

    assert reason == "a packet has at most 65536 bytes"
    assert own.reached("maxPacket") == 1


async def test_body_too_large_for_a_polling_connection(
    start_broker: StartBroker,
) -> None:
    """The same; as the answer to the request."""
    own = start_broker({"a": {}}, maxPacket=64 * KIB)
    async with polling(own) as line, aiohttp.ClientSession() as session:
        await line.join("a")
        body = b"4" + b"x" * 64 * KIB
        async with session.post(line.url, data=body) as response:
            status, answer = response.status, await response.json()

    assert status == 400
    assert answer["message"] == "a body has at most 65536 bytes"
    assert own.reached("maxPacket") == 1


async def test_too_many_packets_in_one_body(start_broker: StartBroker) -> None:
    """However small they are; a body with as many as there may be is read."""
    own = start_broker({"a": {}})
    most = ["3"] * 8_192
    async with polling(own) as line, aiohttp.ClientSession() as session:
        await line.join("a")
        fits = await line.post(*most)
        body = "\x1e".join([*most, "3"])
        async with session.post(line.url, data=body) as response:
            status, answer = response.status, await response.json()

    assert (fits, status) == (200, 400)
    assert answer["message"] == "a body has at most 8192 packets"
    assert own.reached("packetsPerBody") == 1


async def test_poll_that_waits_is_told_of_the_end(start_broker: StartBroker) -> None:
    """What another request did wrong is not its answer."""
    own = start_broker({"a": {}}, maxPacket=64 * KIB)
    async with polling(own) as line, aiohttp.ClientSession() as session:
        await line.join("a")
        waiting = asyncio.create_task(line.poll())
        await asyncio.to_thread(own.reached, "maxPacket")  # by now it is there
        async with session.post(line.url, data=b"4" + b"x" * 64 * KIB) as response:
            status = response.status
        packets = await waiting

    assert (status, packets) == (400, ["1"])


@pytest.mark.parametrize(
    ("packets", "reason"),
    [
        (['4511-/llm,["message",1]'], "a packet has at most 10 attachments"),
        (
            ['452-/llm,["message",1]', b"x" * 40_000, b"x" * 40_000],
            "the attachments of a packet have together at most 65536 bytes",
        ),
    ],
)
async def test_attachments_too_many_or_too_large(
    start_broker: StartBroker, packets: list[str | bytes], reason: str
) -> None:
    """Section 9: attachments 10, together as large as a packet."""
    own = start_broker({"a": {}}, maxPacket=64 * KIB)
    async with connected(own.url) as line:
        await line.join(clientId="a")
        await line.send(*packets)

        assert await line.closed() == reason
    assert own.reached("maxAttachments") == 1


# -- keys


async def test_new_keys_of_a_client_are_limited(start_broker: StartBroker) -> None:
    """Section 9: so many a minute; whoever has one is not harmed."""
    own = start_broker({"a": {}}, newKeysPerMinute=2)
    keys = [await key_of(own, "a") for _ in range(2)]
    async with connected(own.url) as line:
        await line.join("/auth", clientId="a")
        answer = await line.ask("/auth", "GET_CLIENT_KEY", {"clientId": "a"})
    entered = await entry(own, clientId="a", key=keys[0])

    assert answer["code"] == 10429
    assert "at most 2 a minute: try again in a minute" in answer["message"]
    assert own.reached("newKeysPerMinute") == 1
    assert entered == {}


async def test_ninth_key_takes_the_place_of_the_first(
    start_broker: StartBroker,
) -> None:
    """Section 2: eight keys of a client; the one unused longest goes."""
    own = start_broker({"a": {}}, newKeysPerMinute=100)
    keys = [await key_of(own, "a") for _ in range(9)]
    first = await entry(own, clientId="a", key=keys[0])
    others = [await entry(own, clientId="a", key=key) for key in keys[1:]]

    assert first["code"] == 5
    assert others == [{}] * 8
    assert own.reached("keysPerClient") == 1


async def log_in(line: RawSocket, password: str) -> Any:
    """What a SillyTavern with a password is answered."""
    auth = {"clientId": TAVERN, "clientType": TAVERN, "key": "getKey"}
    await line.join("/auth", **auth)
    login = {"clientId": TAVERN, "password": password}
    return await line.ask("/auth", "LOGIN", login)


async def test_keys_and_passwords_beyond_72_bytes_are_refused(
    start_broker: StartBroker,
) -> None:
    """Section 9: bcrypt would cut them."""
    password = {"sillyTavernPassWord": "right"}
    own = start_broker({"a": {}, TAVERN: password})
    key = await key_of(own, "a")
    answers = [await entry(own, clientId="a", key=TOO_LONG)]
    async with connected(own.url) as line, connected(own.url) as other:
        answers.append(await log_in(line, TOO_LONG))
        await other.join("/rooms", clientId="a", key=key)
        room = {"roomName": "lobby", "password": TOO_LONG}
        answers.append(await other.ask("/rooms", "CREATE_ROOM", room))

    most = "keys and passwords have at most 72 bytes and no NUL, this one has 73"
    assert [(each["code"], each["message"]) for each in answers] == [(5, most)] * 3
    assert own.reached("keyLength") == 3


async def test_no_more_passwords_wait_for_bcrypt_than_may(
    start_broker: StartBroker,
) -> None:
    """64; a key that was right before does not wait, and later there is room again."""
    own = start_broker({"a": {}})
    key = await key_of(own, "a")
    async with connected(own.url) as line:
        await line.join("/rooms", clientId="a", key=key)
        for number in range(128):
            room = {"roomName": f"room-{number}", "password": "secret"}
            await line.send(f"42/rooms,1{json.dumps(['CREATE_ROOM', room])}")
        answers = [json.loads(await line.heard("43/rooms,1"))[0]]
        entered = await entry(own, clientId="a", key=key)
        while len(answers) < 128:
            answers.append(json.loads(await line.heard("43/rooms,1"))[0])
        later = {"roomName": "later", "password": "secret"}
        made = await line.ask("/rooms", "CREATE_ROOM", later)

    refused = [each for each in answers if each["status"] != "ok"]
    assert entered == {}
    assert 1 <= len(refused) <= 64
    assert {(each["code"], each["message"]) for each in refused} == {
        (9, "64 keys and passwords are being checked already: try again in a moment")
    }
    assert made["status"] == "ok"
    assert own.reached("keysBeingChecked") == len(refused)


# -- who is trusted


async def test_thirty_third_silly_tavern_is_not_trusted_by_itself(
    start_broker: StartBroker,
) -> None:
    """Rule 6: 32 on first use; those who are trusted come in as before."""
    own = start_broker({})
    told = [
        await entry(own, clientId=f"{TAVERN}-{n}", clientType=TAVERN, key="getKey")
        for n in [*range(33), 0]
    ]

    assert told[:32] == [{}] * 32
    assert told[32]["code"] == 6
    assert "32 SillyTaverns were trusted on first use" in told[32]["message"]
    assert f"«tapster clients trust {TAVERN}-32»" in told[32]["message"]
    assert told[33] == {}
    assert own.reached("trustedOnFirstUse") == 1
