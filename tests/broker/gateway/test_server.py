"""Packets of one connection: joined, taken apart, and left."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar, cast

import pytest

from actors.errors import RefusedError
from broker.config import ServerSettings
from broker.gateway.broken import ProtocolBrokenError
from broker.gateway.counts import OUTBOX_FULL
from broker.gateway.dispatch import Call, Fields, NamespaceHandlers, handles
from broker.gateway.server import TapsterServer
from broker.gateway.session import Session
from broker.gateway.socket import TapsterSocket
from broker.protocol.handshake import Handshake
from broker.protocol.inbound import Untyped
from broker.protocol.wire import (
    SILLY_TAVERN_TYPE,
    STREAM_EVENT_TYPES,
    LibraryEvent,
    Namespace,
)
from broker.security.origins import Origins
from broker.security.peer import Neighbourhood, Peer
from broker.security.trust import Trust

from .fakes import PEER, FakeSink, packet_of, turns
from .in_process import UPGRADE, broker_in_process

MIB = 1024 * 1024


class FakeDoorman:
    """Lets everybody in, when the test opens the door."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.open.set()
        self.error: Exception | None = None
        self.inside: list[Session] = []
        self.type = ""
        self.verified = True

    async def let_in(
        self, socket: Any, namespace: str, sid: str, _auth: Any
    ) -> Session:
        """Make a verified session."""
        await self.open.wait()
        if self.error is not None:
            raise self.error
        handshake = Handshake(client_id="guest", client_type=self.type)
        session = Session(sid, namespace, socket, handshake, Trust("guest"))
        session.verified = self.verified
        self.inside.append(session)
        return session

    async def welcome(self, session: Session) -> None:
        """Say nothing."""

    def let_out(self, session: Session, *, deliberate: bool) -> None:
        """Take a session away."""
        session.close()
        session.verified = deliberate
        self.inside.remove(session)


class Echo(NamespaceHandlers):
    """Remembers the data of every ``say``, and counts what a stream brings."""

    name: ClassVar[Namespace] = Namespace.LLM

    def __init__(self) -> None:
        self.said: list[Any] = []
        self.streamed = 0

    @handles("say")
    def say(self, call: Call, _frame: Untyped) -> Fields:
        """Remember it."""
        self.said.append(call.data)
        return {}

    @handles(*STREAM_EVENT_TYPES, *LibraryEvent)
    def stream(self, _call: Call, _frame: Untyped) -> Fields:
        """Count it."""
        self.streamed += 1
        return None


class Line:
    """A server with one namespace, and one connection to it."""

    def __init__(self, **fields: Any) -> None:
        settings = ServerSettings(**fields)
        origins, near = Origins([], []), Neighbourhood([], [])
        self.server = TapsterServer(settings, origins, near, fast_lane=True)
        self.doorman = FakeDoorman()
        self.echo = Echo()
        intake = SimpleNamespace()
        self.server.open(
            cast("Any", self.doorman),
            cast("Any", intake),
            {"/llm": self.echo},
            lambda: False,
        )
        self.socket = TapsterSocket(self.server.eio, "engine-sid", PEER)
        self.server.eio.sockets["engine-sid"] = self.socket
        self.sink = FakeSink()
        self.socket.outbox.attach(self.sink)

    async def take(self, *packets: str | bytes) -> None:
        """Take the messages of a WebSocket."""
        for packet in packets:
            await self.server.eio.message(self.socket, packet)

    def sent(self) -> list[tuple[str, Any]]:
        """Every packet that was written."""
        self.socket.outbox.flush()
        return [packet_of(payload) for payload in self.sink.payloads()]

    def close(self) -> None:
        """Turn the wheel no more."""
        self.server.eio.heartbeat.stop()


@pytest.fixture
async def line() -> Any:
    """A connection that has joined nothing."""
    line = Line()
    yield line
    line.close()


async def test_namespace_is_joined(line: Line) -> None:
    """Socket.IO 5: CONNECT is answered with a sid."""
    await line.take('0/llm,{"clientId":"guest"}')

    ((head, data),) = line.sent()
    assert head == "40/llm,"
    assert data["sid"] == line.socket.sessions["/llm"].sid


async def test_unknown_namespace_is_refused(line: Line) -> None:
    """Section 1: any other is refused."""
    await line.take("0/nowhere,")

    ((head, data),) = line.sent()
    assert head == "44/nowhere,"
    assert (data["data"]["code"], data["message"]) == (7, data["data"]["message"])


async def test_refusal_is_a_connect_error(line: Line) -> None:
    """Section 1: CONNECT_ERROR with ``{code, message}``."""
    line.doorman.error = RefusedError("not you")
    await line.take("0/llm,{}")

    refusal = {"message": "not you", "data": {"code": 6, "message": "not you"}}
    assert line.sent() == [("44/llm,", refusal)]
    assert line.socket.sessions == {}


async def test_fault_of_ours_is_a_connect_error_and_logged(
    line: Line, caplog: pytest.LogCaptureFixture
) -> None:
    """Section 2: an internal error, code 2, and no word of it."""
    line.doorman.error = ZeroDivisionError("secret detail")
    await line.take("0/llm,{}")

    ((_, data),) = line.sent()
    assert data["data"] == {"code": 2, "message": "internal error"}
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


async def test_event_reaches_its_namespace(line: Line) -> None:
    """With its ack."""
    await line.take("0/llm,{}", '2/llm,7["say",{"a":1}]')

    assert line.echo.said == [{"a": 1}]
    assert line.sent()[1] == ("43/llm,7", [{"status": "ok", "success": True}])


@pytest.mark.parametrize(
    "packet", ['2["say"]', '2/llm,["say"]', "3/llm,1[]", "1/llm,", "2/rooms,[]", "1"]
)
async def test_packet_to_a_namespace_not_joined_is_ignored(
    line: Line, packet: str
) -> None:
    """A namespace may have been left while the packet was under way."""
    await line.take(packet)

    assert line.sent() == []


async def test_binary_event_comes_with_its_attachments(line: Line) -> None:
    """Section 9: attachments 10, put where their placeholders are."""
    marks = ",".join(f'{{"_placeholder":true,"num":{n}}}' for n in range(10))
    packet = f'510-/llm,["say",[{marks}]]'
    await line.take("0/llm,{}", packet, *[bytes([n]) for n in range(10)])

    assert line.echo.said == [[bytes([n]) for n in range(10)]]


async def test_binary_event_without_attachments_is_an_event(line: Line) -> None:
    """It waits for nothing."""
    await line.take("0/llm,{}", '50-/llm,["say",1]', '2/llm,["say",2]')

    assert line.echo.said == [1, 2]


@pytest.mark.parametrize(
    "packets",
    [
        [""],
        ["x"],
        ["7/llm,"],
        ["9"],
        ['2/llm,["say"'],
        ["2/llm,{nonsense}"],
        ['2/llm,["say",NaN]'],
        ["2/llm," + "1" * 200 + '["say"]'],
        ['599999999999-/llm,["say"]'],
        ['511-/llm,["say"]'],
        [b"attachment"],
        ['51-/llm,["say"]', '2/llm,["say"]'],
        ['51-/llm,["say",{"_placeholder":true,"num":5}]', b"x"],
        ['51-/llm,["say",{"_placeholder":true,"num":"x"}]', b"x"],
        ['51-/llm,["say",{"_placeholder":true,"num":{}}]', b"x"],
        ['2/llm,["say",' + "[" * 64 + "]" * 64 + "]"],
        ['52-/llm,["say"]', b"x" * MIB, b"x"],
    ],
    ids=[
        "empty",
        "no type",
        "unknown type",
        "nine",
        "half",
        "no JSON",
        "NaN",
        "long id",
        "many attachments",
        "11 attachments",
        "attachment alone",
        "packet in between",
        "no such attachment",
        "number as text",
        "number as object",
        "deep",
        "large attachments",
    ],
)
async def test_broken_packets_break_the_connection(
    line: Line, packets: list[str | bytes]
) -> None:
    """Section 9: a clear end, and nothing else is harmed."""
    await line.take("0/llm,{}")
    with pytest.raises(ProtocolBrokenError):
        await line.take(*packets)

    assert line.echo.said == []


async def test_sixty_four_levels_are_taken(line: Line) -> None:
    """Section 9: nesting 64, brackets in texts aside."""
    text = "[" * 500
    deep = "[" * 62 + f'"{text}"' + "]" * 62
    await line.take("0/llm,{}", f'2/llm,["say",{deep}]')

    assert len(line.echo.said) == 1


async def test_lone_surrogates_are_mended(line: Line) -> None:
    """Section 1: any other lone surrogate becomes U+FFFD."""
    await line.take("0/llm,{}", r'2/llm,["say",{"\ud800":["\udc00 a\ud83c\udf7a"]}]')

    assert line.echo.said == [{"\ufffd": ["\ufffd a🍺"]}]


async def test_left_namespace_is_left(line: Line) -> None:
    """Socket.IO 5: DISCONNECT; the connection stays."""
    await line.take("0/llm,{}", "1/llm,", '2/llm,["say",1]')

    assert line.doorman.inside == []
    assert line.echo.said == []


async def test_joining_again_leaves_the_earlier_session(line: Line) -> None:
    """One session a namespace."""
    await line.take("0/llm,{}", "0/llm,{}")

    assert line.doorman.inside == [line.socket.sessions["/llm"]]


async def test_end_of_the_connection_ends_its_sessions(line: Line) -> None:
    """Nobody stays inside without a way out."""
    await line.take("0/llm,{}")
    await line.socket.close()

    assert line.doorman.inside == []
    assert "engine-sid" not in line.server.eio.sockets


async def test_two_connects_at_once_leave_no_ghost(line: Line) -> None:
    """Two POSTs may carry two CONNECTs of one namespace, both checked at once."""
    line.doorman.open.clear()
    connecting = [asyncio.create_task(line.take("0/llm,{}")) for _ in range(2)]
    await turns()
    line.doorman.open.set()
    await asyncio.gather(*connecting)
    await line.socket.close()

    assert line.doorman.inside == []


async def test_shut_server_has_no_connections(line: Line) -> None:
    """All are closed, and their sessions let out."""
    await line.take("0/llm,{}")
    await line.server.shut()

    assert line.doorman.inside == []
    assert line.server.eio.sockets == {}
    assert line.server.draining


async def test_ends_of_connections_are_counted_by_their_reason(line: Line) -> None:
    """A reader that lets too much pile up is one of them."""
    line.sink.stuck = True
    line.socket.outbox.count_held(1 << 30)
    await turns()
    ends = {reason: n for reason, n in line.server.counts.ends().items() if n}

    assert ends == {OUTBOX_FULL: 1}
    assert not line.server.draining


async def test_unjoined_packet_type_is_no_session(line: Line) -> None:
    """An ack nobody waits for means nothing."""
    await line.take("0/llm,{}", "3/llm,99[1]", "3/llm,[]")

    assert len(line.sent()) == 1


# -- the limits of one connection


@pytest.fixture
async def hasty() -> Any:
    """A connection that may send three events, and hardly one a second."""
    line = Line(events_per_second=1, events_burst=3, max_depth=8)
    await line.take("0/llm,{}")
    line.sent()
    yield line
    line.close()


async def test_event_beyond_the_limit_is_refused_by_its_ack(hasty: Line) -> None:
    """Section 9: a clear error with a code, and nothing else is harmed."""
    await hasty.take(*(f'2/llm,{n}["say",{n}]' for n in range(1, 5)))

    head, (answer,) = hasty.sent()[-1]
    assert hasty.echo.said == [1, 2, 3]
    assert head == "43/llm,4"
    assert (answer["status"], answer["code"]) == ("error", 10429)
    assert "at most 1 a second" in answer["message"]


async def test_event_beyond_the_limit_is_refused_by_an_error(hasty: Line) -> None:
    """Section 2: errors that no ack can carry name the request."""
    await hasty.take(*['2/llm,["say",1]'] * 3, '2/llm,["say",{"requestId":"r"}]')

    _, (name, error) = hasty.sent()[-1]
    assert (name, error["code"], error["requestId"]) == ("ERROR", 10429, "r")


async def test_limit_is_the_connections_not_the_namespaces(hasty: Line) -> None:
    """Section 9: per socket."""
    await hasty.take(*['2/llm,["say",1]'] * 3, "1/llm,", "0/llm,{}", '2/llm,1["say"]')

    ((_, (answer,)),) = hasty.sent()[-1:]
    assert answer["code"] == 10429


async def test_who_goes_on_after_refusals_is_closed(
    hasty: Line, caplog: pytest.LogCaptureFixture
) -> None:
    """With a last error that says so."""
    caplog.set_level(logging.INFO)
    await hasty.take(*['2/llm,["say",1]'] * 6)
    with pytest.raises(ProtocolBrokenError, match="too many events"):
        await hasty.take('2/llm,["say",1]')

    _, (name, error) = hasty.sent()[-1]
    assert (name, error["code"]) == ("ERROR", 10429)
    assert "the connection is closed" in error["message"]
    assert "sends too many events" in caplog.text
    assert hasty.server.counts.events_refused == 4


@pytest.mark.parametrize("packet", ['2/llm,["connect"]', "2/llm,[]", "2/llm,[7]"])
async def test_what_is_no_event_is_counted_and_not_answered(
    hasty: Line, packet: str
) -> None:
    """Section 1: dropped before dispatch."""
    await hasty.take(*[packet] * 4)

    assert len(hasty.sent()) == 1


async def test_acks_and_library_events_do_not_count(hasty: Line) -> None:
    """Section 9: acks and ``$stream-*``."""
    names = ["$stream-read", "$stream-write", "$stream-end", "$stream-error"]
    await hasty.take(*["3/llm,1[]"] * 10, *(f'2/llm,["{n}","s"]' for n in names * 5))
    await hasty.take('2/llm,["say",1]')

    assert hasty.echo.streamed == 20
    assert hasty.echo.said == [1]


async def test_stream_events_of_an_extension_do_not_count() -> None:
    """Section 9: they slow the reading instead."""
    line = Line(events_burst=3)
    line.doorman.type = SILLY_TAVERN_TYPE
    await line.take("0/llm,{}", *(f'2/llm,["{n}",{{}}]' for n in STREAM_EVENT_TYPES))
    line.close()

    assert line.echo.streamed == line.socket.pace.unseen == 14


@pytest.mark.parametrize(
    ("type_", "verified"), [("web-app", True), (SILLY_TAVERN_TYPE, False)]
)
async def test_stream_events_of_others_count(type_: str, *, verified: bool) -> None:
    """They are refused anyway."""
    line = Line(events_burst=3)
    line.doorman.type, line.doorman.verified = type_, verified
    await line.take("0/llm,{}", *['2/llm,["STREAM_START",{}]'] * 4)
    _, (name, error) = line.sent()[-1]
    line.close()

    assert (name, error["code"]) == ("ERROR", 10429)
    assert line.socket.pace.unseen == 0


async def test_nesting_follows_the_settings(hasty: Line) -> None:
    """Section 9: nesting, as it was set."""
    await hasty.take('2/llm,["say",' + "[" * 7 + "]" * 7 + "]")
    with pytest.raises(ProtocolBrokenError, match="more than 8 levels"):
        await hasty.take('2/llm,["say",' + "[" * 8 + "]" * 8 + "]")

    assert len(hasty.echo.said) == 1


async def test_closed_connection_makes_room_for_another() -> None:
    """Section 9: connections per address, counted once in and once out."""
    line = Line(connections_per_address=1)
    stranger = Peer("203.0.113.9", local=False, origin=None, host="h")
    engine = line.server.eio
    engine.crowd.enter(stranger.address)
    socket = TapsterSocket(engine, "another", stranger)
    counts = [len(engine.crowd)]
    for _ in range(2):
        await socket.close()
        counts.append(len(engine.crowd))
    line.close()

    assert counts == [1, 0, 0]


async def test_who_has_gone_before_it_has_its_websocket_leaves_no_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Its answer can not be written, and nobody waits for it."""
    async with broker_in_process(tmp_path, monkeypatch) as broker:
        line = broker.line()
        monkeypatch.setattr(line, "is_closing", lambda: True)
        line.feed(UPGRADE)
        await turns(50)
        line.close()
        await turns(2)

    assert [r for r in caplog.records if r.levelno >= logging.ERROR] == []
