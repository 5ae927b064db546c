"""What waits to be written to one socket, and the one flush a loop turn.

Owns the frames not yet written and knows when the peer reads too slowly. All frames
of a turn leave in one write; a peer that takes nothing for ``writeTimeout`` is cut,
whether it does not read or does not poll, and one that lets too much pile up is
closed, so that memory stays bounded.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

import msgspec

from actors.limits import Limit, reached
from broker.protocol.packet import ENGINE_NOOP, frame

HIGH_WATER: Final = 64 * 1024
"""Bytes unwritten above which a socket takes no chunks."""

POLLED_FRAMES: Final = 16
"""Packets in one answer to a poll: more than that, and Python clients give up."""


class Sink(Protocol):
    """A WebSocket's transport, as far as an outbox needs it."""

    def write(self, data: bytes) -> None:
        """Write bytes, or buffer them."""

    def unwritten(self) -> int:
        """Bytes that are buffered."""

    async def drain(self) -> None:
        """Wait until the buffer is low again."""

    def abort(self) -> None:
        """Cut the connection."""


class Limits(msgspec.Struct, frozen=True):
    """How far an outbox may fill, in bytes and seconds."""

    outbox: int
    write_timeout: float


class Flusher:
    """Writes the outboxes that have something new, once a loop turn."""

    __slots__ = ("_dirty", "_loop", "cut")

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._dirty: list[Outbox] = []
        self.cut = 0
        """Peers that were cut since the start: they took nothing for too long."""

    def count_cut(self) -> None:
        """One more peer is cut."""
        self.cut += 1
        reached[Limit.WRITE_TIMEOUT] += 1

    def mark(self, outbox: Outbox) -> None:
        """Have an outbox written at the end of this turn."""
        if not self._dirty:
            self._loop.call_soon(self._flush)
        self._dirty.append(outbox)

    def _flush(self) -> None:
        dirty, self._dirty = self._dirty, []
        for outbox in dirty:
            outbox.flush()


def _nothing() -> None:
    """What a closed outbox calls back."""


class Outbox:
    """The frames of one socket, whether it polls or has a WebSocket."""

    __slots__ = (
        "_draining",
        "_flusher",
        "_frames",
        "_held",
        "_limits",
        "_marked",
        "_on_overflow",
        "_on_ready",
        "_on_stall",
        "_poll",
        "_sink",
        "_size",
        "_sources",
        "_stall",
        "answering",
        "blocked",
        "closed",
    )

    def __init__(
        self,
        flusher: Flusher,
        limits: Limits,
        on_overflow: Callable[[], None],
        on_stall: Callable[[], None],
    ) -> None:
        self._flusher = flusher
        self._limits = limits
        self._on_overflow = on_overflow
        self._on_stall = on_stall
        self._on_ready: dict[Callable[[], None], None] = {}
        self._frames: list[bytes] = []
        self._sources: list[Callable[[], None]] = []
        self._size = 0
        self._held = 0
        self._marked = False
        self._sink: Sink | None = None
        self._poll: asyncio.Future[None] | None = None
        self._draining: asyncio.Task[None] | None = None
        self._stall: asyncio.TimerHandle | None = None
        self.answering = False
        """Whether the answer of a poll is being written; somebody watches that."""
        self.blocked = False
        self.closed = False

    def push(self, framed: bytes) -> None:
        """Have a frame written with the next flush."""
        if self.closed:
            return
        self._frames.append(framed)
        self._size += len(framed)
        if not self._marked:
            self._marked = True
            self._flusher.mark(self)

    def draw(self, source: Callable[[], None]) -> None:
        """Have somebody push all there is with the next flush, and once for it."""
        self._sources.append(source)
        if not self._marked:
            self._marked = True
            self._flusher.mark(self)

    def when_ready(self, callback: Callable[[], None]) -> None:
        """Call back, once, when the peer has caught up."""
        self._on_ready[callback] = None

    def count_held(self, size: int) -> None:
        """Count bytes held elsewhere for the peer; negative when they are no more."""
        self._held += size
        self._check_limit()

    def give_up(self) -> None:
        """Close the connection: its peer is behind for too long."""
        if not self.closed:
            self._on_overflow()

    def attach(self, sink: Sink) -> None:
        """Write to a WebSocket from now on."""
        self.release_poll()
        self._sink = sink
        self._ready()

    def flush(self) -> None:
        """Write what can be written."""
        if self._sources:
            sources, self._sources = self._sources, []
            for push_all in sources:
                push_all()
        self._marked = False
        if self.closed:
            return
        if self._sink is None:
            self._wake_poll()
        elif not self.blocked:
            self._write(self._sink)
        self._check_limit()

    async def poll(self, timeout: float) -> list[bytes]:
        """Wait for frames to answer a poll with; empty: it was released or late."""
        if not self._frames and not self.closed:
            self._poll = asyncio.get_running_loop().create_future()
            try:
                async with asyncio.timeout(timeout):
                    await self._poll
            except TimeoutError:
                return []
            finally:
                self._poll = None
        taken = self._frames[:POLLED_FRAMES]
        del self._frames[:POLLED_FRAMES]
        self._size -= sum(map(len, taken))
        if self.blocked and self._size < HIGH_WATER:
            self._ready()
        self._expect_poll()
        return taken

    def cut(self) -> None:
        """Cut a peer that polls: it has taken nothing for too long."""
        if not self.closed:
            self._flusher.count_cut()
            self._on_stall()

    @property
    def polled(self) -> bool:
        """Whether a poll waits for an answer."""
        return self._poll is not None

    def release_poll(self) -> None:
        """Answer a waiting poll with nothing: a WebSocket takes over."""
        if self._poll is not None and not self._poll.done():
            if self._sink is None:
                self._frames.insert(0, frame(ENGINE_NOOP))
            self._poll.set_result(None)

    def close(self) -> None:
        """Drop everything but what a waiting poll still takes with it."""
        self.closed = True
        if self.polled:
            self._wake_poll()
        else:
            self._frames.clear()
            self._size = 0
        self._held = 0
        self._on_ready.clear()
        self._sources.clear()
        if self._draining is not None:
            self._draining.cancel()
        if self._stall is not None:
            self._stall.cancel()
        self._on_overflow = self._on_stall = _nothing  # they refer to who holds this

    def _wake_poll(self) -> None:
        if self._poll is not None and not self._poll.done():
            self._poll.set_result(None)
        if not self.blocked and self._size > HIGH_WATER:
            self.blocked = True
            self._expect_poll()

    def _expect_poll(self) -> None:
        """Give a peer for which much waits the time to come for it."""
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None
        if self.blocked and not self.closed:
            loop = asyncio.get_running_loop()
            self._stall = loop.call_later(self._limits.write_timeout, self._miss_poll)

    def _miss_poll(self) -> None:
        self._stall = None
        if self._sink is not None or not self.blocked:
            return
        if self.answering:
            self._expect_poll()
        else:
            self.cut()

    def _write(self, sink: Sink) -> None:
        frames = self._frames
        if not frames:
            return
        sink.write(frames[0] if len(frames) == 1 else b"".join(frames))
        self._frames = []
        self._size = 0
        if sink.unwritten() > HIGH_WATER:
            self.blocked = True
            if self._draining is None:
                self._draining = asyncio.create_task(self._drain(sink))

    async def _drain(self, sink: Sink) -> None:
        """Wait for a slow peer; only slow ones cost a task, and one each."""
        while self.blocked and not self.closed:
            before = sink.unwritten()
            try:
                async with asyncio.timeout(self._limits.write_timeout):
                    await sink.drain()
            except TimeoutError:
                if sink.unwritten() >= before:
                    self._flusher.count_cut()
                    sink.abort()
                    return
            except ConnectionError:
                return
            else:
                self._ready()
        self._draining = None

    def _ready(self) -> None:
        self.blocked = False
        waiting, self._on_ready = self._on_ready, {}
        for callback in waiting:
            callback()
        self.flush()

    def _check_limit(self) -> None:
        if not self.closed and self._size + self._held > self._limits.outbox:
            self._on_overflow()
