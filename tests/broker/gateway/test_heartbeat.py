"""Signs of life: the wheel, and what a connection does when it is looked at."""

from __future__ import annotations

import asyncio
import weakref
from types import SimpleNamespace
from typing import Any, cast

import pytest

from broker.gateway import heartbeat
from broker.gateway.heartbeat import Heartbeat
from broker.gateway.outbox import Flusher, Limits
from broker.gateway.rate import Rates
from broker.gateway.socket import TapsterSocket
from broker.protocol.packet import frame

from .fakes import ENOUGH, MS, PEER, FakeSink

PING = frame(b"2")


class FakeEngine:
    """The engine, as far as a socket's life needs it."""

    max_http_buffer_size = 1_000
    fast_lane = False
    max_depth = 64
    rates = Rates(200, 400, 50)
    reason = SimpleNamespace(
        PING_TIMEOUT="ping timeout",
        SERVER_DISCONNECT="server disconnect",
        CLIENT_DISCONNECT="client disconnect",
        TRANSPORT_CLOSE="transport close",
    )

    def __init__(
        self, interval: float = 25, timeout: float = 20, handshake: float = 10
    ) -> None:
        self.ping_interval = interval
        self.ping_timeout = timeout
        self.handshake_timeout = handshake
        self.first_look = min(handshake, interval)
        self.flusher = Flusher()
        self.limits = Limits(1 << 20, ENOUGH)
        self.clock = asyncio.get_running_loop().time
        self.heartbeat = Heartbeat()
        self.gone_for: list[str] = []
        self.closing: list[str] = []

    def create_queue(self) -> None:
        """There is an outbox instead."""

    def gone(self, _socket: Any, reason: str) -> None:
        """Remember who went and why."""
        self.gone_for.append(reason)

    def close_soon(self, _socket: Any, reason: str) -> None:
        """Remember who was to go and why."""
        self.closing.append(reason)


class Line:
    """A connection, looked at by hand."""

    def __init__(self, **times: float) -> None:
        self.engine = FakeEngine(**times)
        self.socket = TapsterSocket(cast("Any", self.engine), "sid", PEER)
        self.sink = FakeSink()
        self.socket.outbox.attach(self.sink)

    def join(self) -> None:
        """Join a namespace."""
        self.socket.sessions["/llm"] = cast("Any", object())

    async def pong(self) -> None:
        """Answer a ping."""
        await self.socket._take_text(b"3")

    def pings(self) -> int:
        """How many pings were written."""
        self.socket.outbox.flush()
        return b"".join(self.sink.writes).count(PING)


@pytest.fixture
async def line() -> Line:
    """A connection with the times as shipped."""
    return Line()


class Watched:
    """Somebody who is looked at."""

    def __init__(self, *answers: float | None) -> None:
        self._answers = list(answers)
        self.looks = 0

    def look(self) -> float | None:
        """Give the next answer."""
        self.looks += 1
        return self._answers.pop(0) if self._answers else None


def turn(wheel: Heartbeat, times: int = 1) -> None:
    """Let some seconds pass."""
    for _ in range(times):
        wheel._turn()


@pytest.fixture
async def wheel() -> Any:
    """A wheel that the test turns."""
    wheel = Heartbeat()
    yield wheel
    wheel.stop()


@pytest.mark.parametrize(
    ("seconds", "ticks"), [(0, 1), (0.1, 1), (1, 1), (1.1, 2), (10, 10), (2.5, 3)]
)
async def test_wheel_looks_after_so_many_ticks(
    wheel: Heartbeat, seconds: float, ticks: int
) -> None:
    """Rounded up to a tick."""
    watched = Watched()
    wheel.watch(watched, seconds)
    turn(wheel, ticks - 1)
    early = watched.looks
    turn(wheel)

    assert (early, watched.looks) == (0, 1)


async def test_wheel_looks_again_when_it_is_told(wheel: Heartbeat) -> None:
    """A look gives the seconds to the next."""
    watched = Watched(2, 1, None)
    wheel.watch(watched, 1)
    turn(wheel, 10)

    assert watched.looks == 3


async def test_wheel_forgets_who_needs_no_look(wheel: Heartbeat) -> None:
    """None: never."""
    wheel.watch(Watched(None), 1)
    turn(wheel)

    assert wheel._due == {}


async def test_wheel_keeps_nobody_who_has_ended() -> None:
    """Their memory is free at once, and not when their time would have come."""
    wheel = Heartbeat()
    line = Watched()
    gone = weakref.ref(line)
    wheel.watch(line, 25)
    del line

    assert gone() is None
    turn(wheel, 26)


async def test_wheel_turns_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once a second, until it is stopped."""
    monkeypatch.setattr(heartbeat, "TICK", MS)
    wheel = Heartbeat()
    looked = asyncio.Event()

    class Signal:
        def look(self) -> float | None:
            looked.set()
            return None

    signal = Signal()
    wheel.watch(signal, 0)
    wheel.start()
    async with asyncio.timeout(ENOUGH):
        await looked.wait()
    wheel.stop()


async def test_stopped_wheel_looks_at_nobody() -> None:
    """The broker has closed."""
    wheel = Heartbeat()
    watched = Watched()
    wheel.start()
    wheel.watch(watched, 1)
    wheel.stop()

    assert wheel._due == {}
    assert wheel._timer is not None
    assert wheel._timer.cancelled()


async def test_first_look_is_at_the_handshakes_deadline(line: Line) -> None:
    """Section 9: handshake 10 s."""
    line.socket.schedule_ping()

    assert list(line.engine.heartbeat._due) == [10]


async def test_connection_that_joined_nothing_is_closed(line: Line) -> None:
    """Section 9: a connection that joins no namespace within it is closed."""
    assert line.socket.look() is None
    assert line.engine.closing == ["handshake timeout"]


async def test_first_ping_comes_in_time(line: Line) -> None:
    """Clients count ``pingInterval`` from the connection's start."""
    line.join()
    first = line.socket.look()
    before = line.pings()
    line.socket.look()

    assert first == 15
    assert (before, line.pings()) == (0, 1)


async def test_answered_ping_is_followed_by_the_next(line: Line) -> None:
    """Engine.IO 4: a ping every ``pingInterval``."""
    line.join()
    line.socket.look()
    until_pong = line.socket.look()
    await line.pong()
    until_ping = line.socket.look()
    line.socket.look()

    assert (until_pong, until_ping) == (20, 5)
    assert line.pings() == 2
    assert line.engine.closing == []


async def test_unanswered_ping_closes_the_connection(line: Line) -> None:
    """Engine.IO 4: ``pingTimeout``."""
    line.join()
    line.socket.look()
    line.socket.look()

    assert line.socket.look() is None
    assert line.engine.closing == ["ping timeout"]


async def test_pong_of_an_earlier_ping_is_no_answer(line: Line) -> None:
    """Each ping wants a pong of its own."""
    line.join()
    line.socket.look()
    line.socket.look()
    await line.pong()
    line.socket.look()
    line.socket.look()

    assert line.socket.look() is None
    assert line.engine.closing == ["ping timeout"]


async def test_connection_that_left_all_namespaces_is_not_late(line: Line) -> None:
    """The deadline is for who never joined."""
    line.join()
    line.socket.look()
    line.socket.sessions.clear()

    assert line.socket.look() == 20
    assert line.engine.closing == []


async def test_closed_connection_is_looked_at_no_more(line: Line) -> None:
    """No ping for who is gone."""
    line.join()
    await line.socket.close()

    assert line.socket.look() is None
    assert line.pings() == 0
    assert line.engine.gone_for == ["server disconnect"]


async def test_connection_ends_once(line: Line) -> None:
    """Whoever closes it, and how often."""
    await line.socket.close(reason="first")
    await line.socket.close(reason="second")

    assert line.engine.gone_for == ["first"]


async def test_deadline_is_kept_though_pings_are_more_frequent() -> None:
    """Section 9: a slow network has its 10 s also where ``pingInterval`` is 2."""
    line = Line(interval=2, timeout=2, handshake=10)
    line.socket.schedule_ping()
    (first,) = line.engine.heartbeat._due

    assert first < 10
    assert line.socket.look() is not None
    assert line.engine.closing == []


async def test_connection_whose_reading_pauses_is_not_given_up(line: Line) -> None:
    """Its pong waits behind the stream events that are not read yet."""
    line.join()
    line.socket._wait = 25
    line.socket.look()
    line.socket.pace.unseen = 51
    async with asyncio.timeout(ENOUGH):
        await line.socket._keep_pace()
    line.socket._wait = 20
    line.socket.look()

    assert line.pings() == 1
    assert line.engine.closing == []
