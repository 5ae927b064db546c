"""What no library would send, and what the broker makes of it."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import os
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp
import pytest

from tests.broker.gateway.raw_client import ENOUGH, PATH, RawSocket, connected

from .harness import Broker, Names, StartBroker

MIB: Final = 1024 * 1024
POLL: Final = 0.05
QUESTION: Final = {"data": "Connection active?", "target": "server"}
ANSWER: Final = "Yes,connection is fine."
FOREIGN: Final = ["http://evil.example", "null", "https://localhost.evil", "http://["]


@pytest.fixture(autouse=True)
def _no_traceback(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whatever a stranger sends, it is no fault of ours."""
    if "broker" not in request.fixturenames:
        yield
        return
    broker: Broker = request.getfixturevalue("broker")
    log = broker.root / "stderr"
    before = len(log.read_bytes())
    yield
    said = log.read_bytes()[before:].decode()

    assert "Traceback" not in said, said


class Polling:
    """A connection by long-polling, one request at a time."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self._session = session
        self._url = f"{url}{PATH}polling"
        self.opening: dict[str, Any] = {}

    @property
    def url(self) -> str:
        """The address with the connection's sid."""
        return f"{self._url}&sid={self.opening['sid']}"

    async def open(self, **headers: str) -> int:
        """Shake hands."""
        async with self._session.get(self._url, headers=headers) as response:
            if response.status == 200:
                self.opening = json.loads((await response.text())[1:])
            return response.status

    async def post(self, *packets: str) -> int:
        """Send packets."""
        body = "\x1e".join(packets).encode()
        async with self._session.post(self.url, data=io.BytesIO(body)) as response:
            await response.read()
            return response.status

    async def poll(self) -> list[str]:
        """Take what waits, or wait for it; what is no answer is no packet."""
        async with self._session.get(self.url) as response:
            text = await response.text()
            return text.split("\x1e") if response.status == 200 else []

    async def heard(self, prefix: str) -> str:
        """Poll until a packet begins so."""
        async with asyncio.timeout(ENOUGH):
            while True:
                for packet in await self.poll():
                    if packet.startswith(prefix):
                        return packet[len(prefix) :]

    async def join(self, client: str) -> None:
        """Join ``/llm``, unverified."""
        await self.post("40/llm," + json.dumps({"clientId": client}))
        await self.heard("40/llm,")

    async def status(self) -> int:
        """What a POST of nothing special is answered with."""
        return await self.post("3")


@asynccontextmanager
async def polling(broker: Broker) -> AsyncIterator[Polling]:
    """Connect by long-polling."""
    async with aiohttp.ClientSession() as session:
        line = Polling(broker.url, session)
        assert await line.open() == 200
        yield line


async def is_alive(line: RawSocket) -> bool:
    """Whether a question is answered."""
    answer = await line.ask("/llm", "message", QUESTION)
    return bool(answer["data"] == ANSWER)


async def verified(line: RawSocket, client: str, **auth: Any) -> None:
    """Join ``/llm`` with a key that was given for the asking."""
    await line.join("/auth", clientId=client, key="getKey", **auth)
    await line.heard('42/auth,["GET_CLIENT_KEY"')
    assert await line.join("/llm", clientId=client, key="getKey", **auth) == {}


async def http(broker: Broker, *lines: str) -> bytes:
    """Send a request as it stands and give the first line of the answer."""
    parts = urlsplit(broker.url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write("\r\n".join([*lines, "", ""]).encode("latin-1"))
    async with asyncio.timeout(ENOUGH):
        answer = await reader.readline()
    writer.close()
    await writer.wait_closed()
    return answer


def websocket_request(*headers: str) -> tuple[str, ...]:
    """The lines that ask for a WebSocket."""
    return (
        f"GET {PATH}websocket HTTP/1.1",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
        *headers,
    )


# -- by which name, and from which page


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "", "[", "]", "a b"]
)
async def test_foreign_host_is_refused(broker: Broker, host: str) -> None:
    """Section 9: the Host header must be loopback or one of this machine's own."""
    request = (f"GET {PATH}polling HTTP/1.1", f"Host: {host}", "Connection: close")
    by_polling = await http(broker, *request)
    by_websocket = await http(broker, *websocket_request(f"Host: {host}"))

    for answer in (by_polling, by_websocket):
        assert answer.split()[1] in {b"400", b"403"}


async def test_request_without_a_host_is_refused(broker: Broker) -> None:
    """Section 9: a name it must have."""
    answer = await http(broker, f"GET {PATH}polling HTTP/1.0")

    assert answer.split()[1] in {b"400", b"403"}


@pytest.mark.parametrize("origin", FOREIGN)
async def test_foreign_origin_is_refused(broker: Broker, origin: str) -> None:
    """Section 9: foreign origins and ``null``, by both transports."""
    async with aiohttp.ClientSession() as session:
        by_polling = await Polling(broker.url, session).open(Origin=origin)
    with pytest.raises(aiohttp.WSServerHandshakeError) as by_websocket:
        async with connected(broker.url, {"Origin": origin}):
            pytest.fail("it was let in")

    assert (by_polling, by_websocket.value.status) == (403, 403)


async def test_foreign_origin_may_not_use_a_connection_either(broker: Broker) -> None:
    """Section 9: not only the first request is looked at."""
    async with polling(broker) as line, aiohttp.ClientSession() as session:
        origin = {"Origin": "http://evil.example"}
        async with session.post(line.url, data="40", headers=origin) as response:
            assert response.status == 403


@pytest.mark.parametrize("origin", ["http://localhost:8000", "https://127.0.0.1"])
async def test_loopback_origin_is_let_in(broker: Broker, origin: str) -> None:
    """Section 9: loopback with any port, by both transports."""
    async with aiohttp.ClientSession() as session:
        assert await Polling(broker.url, session).open(Origin=origin) == 200
    async with connected(broker.url, {"Origin": origin}) as line:
        assert line.opening["sid"]


# -- the engine's packets


@pytest.mark.parametrize("transport", ["polling", "websocket"])
async def test_open_packet_tells_how_to_go_on(broker: Broker, transport: str) -> None:
    """Engine.IO 4: sid, upgrades, pingInterval, pingTimeout, maxPayload."""
    if transport == "polling":
        async with polling(broker) as poll:
            opening = poll.opening
    else:
        async with connected(broker.url) as line:
            opening = line.opening

    sid = opening.pop("sid")
    assert len(sid) >= 16
    assert opening == {
        "upgrades": ["websocket"] if transport == "polling" else [],
        "pingInterval": 25_000,
        "pingTimeout": 20_000,
        "maxPayload": MIB,
    }


@pytest.mark.parametrize("version", ["3", "5", ""])
async def test_other_engine_versions_are_refused(broker: Broker, version: str) -> None:
    """Section 1: Engine.IO 4."""
    url = f"{broker.url}/socket.io/?EIO={version}&transport=polling"
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        assert response.status == 400


async def test_answered_pings_keep_a_connection(start_broker: StartBroker) -> None:
    """Engine.IO 4: the server pings, the client answers."""
    own = start_broker({"guest": {}}, pingInterval=1, pingTimeout=1)
    async with connected(own.url) as line:
        await line.join(clientId="guest")
        for _ in range(3):
            await line.heard("2")
            await line.send("3")

        assert line.opening["pingInterval"] == 1_000
        assert await is_alive(line)


async def test_unanswered_ping_ends_a_connection(start_broker: StartBroker) -> None:
    """Engine.IO 4: ``pingTimeout``."""
    own = start_broker({"guest": {}}, pingInterval=1, pingTimeout=1)
    async with connected(own.url) as line:
        await line.join(clientId="guest")

        await line.closed()


async def test_connection_that_joins_nothing_is_closed(
    start_broker: StartBroker,
) -> None:
    """Section 9: a connection that joins no namespace within the handshake's time."""
    own = start_broker({"guest": {}}, handshakeTimeout=1)
    async with connected(own.url) as idle, connected(own.url) as busy:
        await busy.join(clientId="guest")
        reason = await idle.closed()

        assert reason == "no namespace was joined in 1 s"
        assert own.reached("handshakeTimeout") == 1
        assert await is_alive(busy)


async def test_refused_connection_has_joined_nothing(start_broker: StartBroker) -> None:
    """Section 9: knocking is not joining."""
    own = start_broker({}, handshakeTimeout=1)
    async with connected(own.url) as line:
        refusal = await line.join(clientId="stranger")
        await line.closed()

    assert refusal["code"] == 6


async def test_close_packet_closes(broker: Broker, names: Names) -> None:
    """Engine.IO 4: ``1``."""
    async with connected(broker.url) as line:
        await line.join(clientId=names.client())
        await line.send("1")

        await line.closed()


async def test_close_packet_ends_a_polling_connection(broker: Broker) -> None:
    """Engine.IO 4: ``1``; the sid is worth nothing any more."""
    async with polling(broker) as line:
        await line.post("1")

        assert await line.status() == 400


async def test_what_follows_a_close_packet_is_ignored(broker: Broker) -> None:
    """A body may hold more; nobody is there to take it."""
    async with polling(broker) as line:
        status = await line.post("1", "9", "40/llm,{}", "")

        assert status in {200, 400}
        assert await line.status() == 400


async def test_upgrade_probes_and_takes_over(broker: Broker, names: Names) -> None:
    """Engine.IO 4: 2probe, 3probe, the waiting poll is released by a noop, 5."""
    client = names.client()
    async with polling(broker) as line:
        await line.join(client)
        waiting = asyncio.create_task(line.poll())
        url = line.url.replace("polling", "websocket")
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(url) as socket_,
        ):
            raw = RawSocket(socket_)
            await raw.send("2probe")
            probed = await raw.receive()
            released = await waiting
            await raw.send("5")

            assert (probed, released) == ("3probe", ["6"])
            assert await is_alive(raw)
            assert await line.status() == 400


async def test_failed_probe_leaves_the_polling_as_it_is(
    broker: Broker, names: Names
) -> None:
    """A proxy may let no WebSocket through."""
    async with polling(broker) as line:
        await line.join(names.client())
        url = line.url.replace("polling", "websocket")
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(url) as socket_,
        ):
            raw = RawSocket(socket_)
            await raw.send("nonsense")
            await raw.closed()
        await line.post("42/llm,1" + json.dumps(["message", QUESTION]))

        assert ANSWER in await line.heard("43/llm,1")


async def test_two_polls_at_once_end_the_connection(
    broker: Broker, names: Names
) -> None:
    """Engine.IO 4: the server must close the session."""
    async with polling(broker) as line:
        await line.join(names.client())
        async with asyncio.timeout(ENOUGH):
            answers = await asyncio.gather(line.poll(), line.poll())

        assert [] in answers
        assert await line.status() == 400


async def test_unknown_sid_is_refused(broker: Broker) -> None:
    """By every method."""
    url = f"{broker.url}{PATH}polling&sid=nobody"
    async with aiohttp.ClientSession() as session:
        async with session.get(url) as polled, session.post(url, data="40") as posted:
            assert (polled.status, posted.status) == (400, 400)
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(url.replace("polling", "websocket"))


@pytest.mark.parametrize("transport", ["", "carrier-pigeon", "flashsocket"])
async def test_unknown_transport_is_refused(broker: Broker, transport: str) -> None:
    """Section 1: two transports."""
    url = f"{broker.url}{PATH}{transport or 'x'}"
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        assert response.status == 400


# -- what breaks the protocol


ENGINE_NONSENSE: Final = ["", "7", "9", "x", "\x00", "2probe", "5", "0{}", "🍺"]

SOCKET_NONSENSE: Final = [
    "4",
    "47/llm,",
    "49",
    "4x",
    '42/llm,["a"',
    "42/llm,{nonsense}",
    '42/llm,["a",NaN]',
    '42/llm,["a",' + "[" * 64 + "]" * 64 + "]",
    "42/llm," + "1" * 200 + '["a"]',
    '4511-/llm,["a"]',
    '4599999999999-/llm,["a"]',
]

NONSENSE: Final = ENGINE_NONSENSE + SOCKET_NONSENSE


@pytest.mark.parametrize("packet", NONSENSE, ids=lambda text: repr(text[:20]))
async def test_broken_packet_closes_a_websocket(
    broker: Broker, names: Names, packet: str
) -> None:
    """Section 9: and leaves no traceback."""
    async with connected(broker.url) as line:
        await line.join(clientId=names.client())
        await line.send(packet)

        await line.closed()


@pytest.mark.parametrize("packet", NONSENSE, ids=lambda text: repr(text[:20]))
async def test_broken_packet_closes_a_polling_connection(
    broker: Broker, names: Names, packet: str
) -> None:
    """Section 9: by the other transport too."""
    async with polling(broker) as line:
        await line.join(names.client())
        status = await line.post(packet)

        assert (status, await line.status()) == (400, 400)


@pytest.mark.parametrize(
    "payload", [b"4\xff", b'42/llm,["a","\xc3"]', b"4\xed\xa0\x80", b"\xff"]
)
async def test_bad_utf8_closes_the_connection(
    broker: Broker, names: Names, payload: bytes
) -> None:
    """RFC 6455 and section 9: a text is UTF-8, by both transports."""
    async with connected(broker.url) as line:
        await line.join(clientId=names.client())
        await line.send_text_frame(payload)
        await line.closed()
    async with polling(broker) as poll, aiohttp.ClientSession() as session:
        async with session.post(poll.url, data=payload) as response:
            status = response.status

        assert (status, await poll.status()) == (400, 400)


@pytest.mark.parametrize(
    "packets",
    [
        [b"alone"],
        ['451-/llm,["a"]', '42/llm,["a"]'],
        ['451-/llm,["a",{"_placeholder":true,"num":5}]', b"x"],
        ['451-/llm,["a",{"_placeholder":true,"num":"x"}]', b"x"],
        ['452-/llm,["a"]', b"x" * (MIB - 100), b"x" * (MIB - 100)],
    ],
    ids=["alone", "in between", "no such", "no number", "large"],
)
async def test_broken_attachments_close_the_connection(
    broker: Broker, names: Names, packets: list[str | bytes]
) -> None:
    """Section 9: attachments 10, together 1 MiB."""
    async with connected(broker.url) as line:
        await line.join(clientId=names.client())
        await line.send(*packets)

        await line.closed()


async def test_attachment_that_is_no_base64_closes_the_connection(
    broker: Broker, names: Names
) -> None:
    """By polling, attachments are base64."""
    async with polling(broker) as line:
        await line.join(names.client())
        status = await line.post('451-/llm,["a"]', "bx")

        assert (status, await line.status()) == (400, 400)


async def test_packet_over_the_limit_closes_a_websocket(
    broker: Broker, names: Names
) -> None:
    """Section 9: packet 1 MiB."""
    async with connected(broker.url) as line:
        await line.join(clientId=names.client())
        try:
            await line.send("4" + "x" * (MIB + 1))
        except ConnectionError:  # it was closed before all had been written
            return

        await line.closed()


async def test_packet_over_the_limit_closes_a_polling_connection(
    broker: Broker, names: Names
) -> None:
    """Section 9: packet 1 MiB."""
    async with polling(broker) as line:
        await line.join(names.client())
        try:
            status = await line.post("4" + "x" * (MIB + 1))
        except aiohttp.ClientError:  # it was closed before all had been written
            status = 400

        assert (status, await line.status()) == (400, 400)


async def test_packet_at_the_limit_is_taken(broker: Broker, names: Names) -> None:
    """Section 9: 1 MiB is allowed, by both transports."""
    client = names.client()
    head = "42/llm,1" + json.dumps(["message", {**QUESTION, "filler": ""}])[:-3]
    packet = head + "x" * (MIB - len(head) - 3) + '"}]'
    async with connected(broker.url) as line:
        await line.join(clientId=client)
        await line.send(packet)
        by_websocket = await line.heard("43/llm,1")
    async with polling(broker) as poll:
        await poll.join(client)
        await poll.post(packet)
        by_polling = await poll.heard("43/llm,1")

    assert len(packet) == MIB
    assert ANSWER in by_websocket
    assert ANSWER in by_polling


async def test_body_that_comes_in_pieces_is_one_body(
    broker: Broker, names: Names
) -> None:
    """TCP cuts where it likes."""
    async with polling(broker) as line:
        await line.join(names.client())
        body = ("42/llm,1" + json.dumps(["message", QUESTION])).encode()
        parts = urlsplit(line.url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        head = (
            f"POST {parts.path}?{parts.query} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        for piece in (head.encode(), body[:10], body[10:]):
            writer.write(piece)
            await writer.drain()
            # A round trip of another connection: the broker has seen this piece.
            async with polling(broker):
                pass
        status = (await reader.readline()).split()[1]
        writer.close()

        assert status == b"200"
        assert ANSWER in await line.heard("43/llm,1")


async def test_too_many_packets_in_one_body_close_the_connection(
    broker: Broker, names: Names
) -> None:
    """A body of a million separators is one request and no more."""
    async with polling(broker) as line:
        await line.join(names.client())

        assert await line.post(*["3"] * 10_000) == 400


async def test_sixty_four_levels_are_taken(broker: Broker, names: Names) -> None:
    """Section 9: nesting 64."""
    deep = json.loads("[" * 62 + "]" * 62)
    async with connected(broker.url) as line:
        await line.join(clientId=names.client())
        answer = await line.ask("/llm", "message", {**QUESTION, "deep": deep})

    assert answer["data"] == ANSWER


@pytest.mark.parametrize("number", [0, 1, 10])
async def test_binary_event_with_up_to_ten_attachments_is_taken(
    broker: Broker, names: Names, number: int
) -> None:
    """Section 9: attachments 10, by both transports."""
    client = names.client()
    marks = [{"_placeholder": True, "num": n} for n in range(number)]
    event = json.dumps(["message", {**QUESTION, "marks": marks}])
    packet = f"45{number}-/llm,1{event}"
    async with connected(broker.url) as line:
        await line.join(clientId=client)
        await line.send(packet, *[os.urandom(1_000)] * number)
        by_websocket = await line.heard("43/llm,1")
    async with polling(broker) as poll:
        await poll.join(client)
        attachment = "b" + base64.b64encode(b"\x00\xff").decode()
        await poll.post(packet, *[attachment] * number)
        by_polling = await poll.heard("43/llm,1")

    assert ANSWER in by_websocket
    assert ANSWER in by_polling


async def test_connection_of_one_is_not_harmed_by_the_nonsense_of_another(
    broker: Broker, names: Names
) -> None:
    """Section 9: nothing else is harmed."""
    async with connected(broker.url) as good, connected(broker.url) as bad:
        await good.join(clientId=names.client())
        await bad.join(clientId=names.client())
        await bad.send("x")
        await bad.closed()

        assert await is_alive(good)


@pytest.mark.parametrize(
    "packet",
    [
        '42["message",{}]',
        '42/rooms,1["GET_ROOMS"]',
        "41/rooms,",
        "43/llm,99[]",
        '43/llm,99["error"]',
        "42/llm,[]",
        "42/llm,[7]",
        '42/llm,[null,{"a":1}]',
        '42/llm,["connect",{"sid":"x"}]',
        '42/llm,["$stream-read","nobody/0",1]',
        '42/llm,["$stream-read",{"$stream":1}]',
        '42/llm,["$stream-end"]',
        r'42/llm,["message",{"data":"\ud800"}]',
        r'42/llm,["\udc00"]',
        r'42/llm,["\ud800",{"requestId":"\ud800"}]',
    ],
)
async def test_odd_packet_is_no_reason_to_close(
    broker: Broker, names: Names, packet: str
) -> None:
    """What means nothing is ignored or answered; the connection lives."""
    async with connected(broker.url) as line:
        await line.join(clientId=names.client())
        await line.send(packet)

        assert await is_alive(line)


@pytest.mark.parametrize("field", ["requestId", "streamId", "outputId"])
async def test_lone_surrogates_in_stream_events_leave_no_traceback(
    broker: Broker, names: Names, field: str
) -> None:
    """Section 1: a lone surrogate becomes U+FFFD."""
    data = {"requestId": "r", "streamId": "s", "outputId": "o", field: "\ud800"}
    async with connected(broker.url) as line:
        await verified(line, names.extension(), clientType="SillyTavern")
        for name in ("STREAM_START", "STREAM_DATA_FIRST", "STREAM_END"):
            await line.send("42/llm," + json.dumps([name, {**data, "data": "x"}]))

        assert await is_alive(line)


@pytest.mark.parametrize(
    "auth",
    [
        "",
        "[]",
        "null",
        "7",
        '"text"',
        "{}",
        '{"clientId":{}}',
        '{"clientId":"\\u0000"}',
    ],
)
async def test_odd_auth_is_refused(broker: Broker, auth: str) -> None:
    """Section 1: clientId missing or malformed: code 3."""
    async with connected(broker.url) as line:
        await line.send(f"40/llm,{auth}")
        refusal = json.loads(await line.heard("44/llm,"))

    assert refusal["data"]["code"] == 3


# -- who does not read


class Deaf:
    """A member of a room that reads nothing once it is there."""

    def __init__(self) -> None:
        self.reader: asyncio.StreamReader
        self.writer: asyncio.StreamWriter

    async def join(self, broker: Broker, client: str) -> None:
        """Connect with the smallest buffers, join ``/llm``, and stop reading."""
        parts = urlsplit(broker.url)
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        sock.setblocking(False)  # noqa: FBT003 - the library's signature
        loop = asyncio.get_running_loop()
        await loop.sock_connect(sock, (parts.hostname, parts.port))
        self.reader, self.writer = await asyncio.open_connection(sock=sock, limit=4_096)
        request = websocket_request(f"Host: {parts.netloc}")
        self.writer.write("\r\n".join([*request, "", ""]).encode())
        await self.reader.readuntil(b"\r\n\r\n")
        auth = json.dumps({"clientId": client, "key": "getKey"})
        self.say(f"40/auth,{auth}")
        await self.reader.readuntil(b'"CLIENT_KEY"')
        self.say(f"40/llm,{auth}")
        await self.reader.readuntil(b"40/llm,{")
        self.writer.transport.pause_reading()  # type: ignore[attr-defined]

    def say(self, packet: str) -> None:
        """Send a text frame, masked by nothing but zeros."""
        payload = packet.encode()
        assert len(payload) < 126
        self.writer.write(bytes((0x81, 0x80 | len(payload), 0, 0, 0, 0)) + payload)

    def close(self) -> None:
        """Hang up."""
        self.writer.transport.abort()


class Tavern:
    """A SillyTavern that answers one order with as much text as there is."""

    PIECE: Final = "x" * 32_000
    PIECES: Final = 400
    AHEAD: Final = 8

    def __init__(self, line: RawSocket) -> None:
        self._line = line
        self.pace = asyncio.Semaphore(self.AHEAD)
        """Released by the reader that keeps up, for each piece it has."""

    async def arrive(self, client: str) -> None:
        """Introduce itself."""
        await verified(self._line, client, clientType="SillyTavern")
        auth = {"clientId": client, "clientType": "SillyTavern", "key": "getKey"}
        await self._line.join("/sillytavern", **auth)
        about = {"clientId": client, "version": "1"}
        answer = await self._line.ask("/sillytavern", "IDENTIFY_SILLYTAVERN", about)
        assert answer["status"] == "ok", answer

    async def answer(self) -> None:
        """Wait for an order and answer it."""
        (order,) = json.loads("[" + (await self._line.heard('42/llm,["LLM_REQUEST",')))
        ids = {"requestId": order["requestId"], "streamId": "s", "outputId": "o"}
        await self._say("STREAM_START", ids)
        for index in range(self.PIECES):
            await self.pace.acquire()
            data = {**ids, "chunkIndex": index, "data": self.PIECE}
            await self._say("STREAM_DATA_MIDDLE", data)
        await self._say("STREAM_END", {**ids, "final": True})

    async def _say(self, name: str, data: dict[str, Any]) -> None:
        await self._line.send("42/llm," + json.dumps([name, data]))


async def read_whole(line: RawSocket, pace: asyncio.Semaphore) -> int:
    """Read an answer to its end, and tell how long it was."""
    size = 0
    while True:
        packet = await line.receive()
        if not isinstance(packet, str) or not packet.startswith("42/llm,"):
            continue
        name, *args = json.loads(packet[len("42/llm,") :])
        if name == "streamed_data":
            size += len(args[0]["data"])
            for _ in range(len(args[0]["data"]) // len(Tavern.PIECE)):
                pace.release()
        if name == "streamed_end":
            assert args[0]["status"] == "completed"
            return size


async def is_online(line: RawSocket, room: str, identity: str) -> bool:
    """Whether a member of a room is connected."""
    answer = await line.ask("/rooms", "GET_CLIENTS_IN_ROOM", {"roomName": room})
    return any(
        member["online"]
        for member in answer["clients"]
        if member["identity"] == identity
    )


@pytest.mark.parametrize(
    ("limit", "limits"),
    [
        ("writeTimeout", {"writeTimeout": 1, "outboxLimit": 256 * MIB}),
        ("outboxLimit", {"writeTimeout": 600, "outboxLimit": MIB}),
    ],
)
async def test_client_that_never_reads_is_cut_and_no_other_is_harmed(
    start_broker: StartBroker, limit: str, limits: dict[str, int]
) -> None:
    """Section 9: a socket that takes nothing is cut; a full outbox closes it."""
    trusted: dict[str, dict[str, Any]] = {"host": {}, "deaf": {}, "SillyTavern": {}}
    own = start_broker(trusted, answerLimit=64 * MIB, **limits)
    deaf = Deaf()
    async with (
        connected(own.url) as tavern_line,
        connected(own.url) as host,
    ):
        tavern = Tavern(tavern_line)
        await tavern.arrive("SillyTavern")
        await verified(host, "host")
        await host.join("/rooms", clientId="host", key="getKey")
        await deaf.join(own, "deaf")
        member = {"roomName": "host", "identity": "deaf"}
        added = await host.ask("/rooms", "ADD_CLIENT_TO_ROOM", member)
        before = await is_online(host, "host", "deaf")

        order = {"requestId": "r", "message": "all of it", "target": "SillyTavern"}
        await host.send("42/llm," + json.dumps(["LLM_REQUEST", order]))
        async with asyncio.timeout(3 * ENOUGH):
            size, _ = await asyncio.gather(
                read_whole(host, tavern.pace), tavern.answer()
            )
            while await is_online(host, "host", "deaf"):  # noqa: ASYNC110
                await asyncio.sleep(POLL)

        assert added["status"] == "ok", added
        assert before
        assert own.reached(limit) == 1
        assert size == Tavern.PIECES * len(Tavern.PIECE)
    deaf.close()
