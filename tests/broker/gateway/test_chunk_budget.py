"""What a chunk may cost, counted instead of timed.

The bytes of an extension's chunks go into a whole broker, and those of the reader's
events come out: calls, bytecodes, writes and what stays allocated are the same on
every machine. A budget that is passed is a regression, or has to be argued for here.
"""

from __future__ import annotations

import gc
import re
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Final

import pytest

from broker.protocol.wire import Event, StreamEvent

from .in_process import Broker, Wire, broker_in_process, event, masked

WARM_UP: Final = 200
CHUNKS: Final = 1_000
BURST: Final = 20
TEXT: Final = "word " * 6
OURS: Final = {__file__, str(Path(__file__).with_name("in_process.py"))}
"""What stands around the broker is not counted."""


@dataclass(frozen=True)
class Budget:
    """The most that a chunk may cost."""

    calls: float
    """Of Python and C functions."""
    bytecodes: float
    kept: float
    """Blocks of memory that stay: the text, which can be resumed, and where it is."""


ONE_BY_ONE: Final = Budget(calls=95, bytecodes=1_290, kept=1.2)
IN_BURSTS: Final = Budget(calls=42, bytecodes=615, kept=1.2)
"""A twentieth above what was counted with Python 3.11 and asyncio's own loop, whose
turns are most of what a single chunk costs."""

pytestmark = pytest.mark.skipif(
    sys.version_info[:2] != (3, 11), reason="other Pythons have other bytecodes"
)


class Stream:
    """An answer on its way from a SillyTavern to one reader."""

    def __init__(self, tavern: Wire, reader: Wire, request_id: str) -> None:
        self._tavern, self.reader = tavern, reader
        self._ids = {"requestId": request_id, "streamId": "s", "outputId": "o"}
        self._sent = 0

    def chunks(self, number: int) -> list[bytes]:
        """The frames of the next chunks."""
        first = self._sent
        self._sent += number
        return [masked(self._chunk(index)) for index in range(first, self._sent)]

    async def send(self, frames: list[bytes], burst: int) -> None:
        """Send frames, so many in one read, each burst when the last has arrived."""
        reader, arrived = self.reader, self.reader.chunks
        for start in range(0, len(frames), burst):
            there = reader.has(arrived + start + burst)
            self._tavern.feed(b"".join(frames[start : start + burst]))
            await there

    def start(self) -> None:
        """Open the stream."""
        self._tavern.send(event(StreamEvent.START, {"type": 1, **self._ids}))

    def _chunk(self, index: int) -> str:
        name = StreamEvent.DATA_MIDDLE if index else StreamEvent.DATA_FIRST
        place = {"type": 5 if index else 4, "chunkIndex": index, "data": TEXT}
        return event(name, {**place, **self._ids})


async def begun(broker: Broker) -> Stream:
    """An answer that has begun: what is made once is made."""
    tavern, reader = await broker.tavern("SillyTavern-1"), await broker.client("guest")
    order = {"requestId": "r", "target": "SillyTavern-1", "message": "Go on."}
    reader.send(event(Event.LLM_REQUEST, order, "7"))
    heard = await tavern.hear("currentRequest")
    found = re.search(r'"requestId":"([^"]+)"', heard)
    assert found is not None
    await reader.hear("43/llm,7")
    stream = Stream(tavern, reader, found[1])
    stream.start()
    await stream.send(stream.chunks(WARM_UP), BURST)
    return stream


@pytest.fixture
async def stream(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Stream]:
    """One that needs nothing but to be passed on."""
    clients = ("guest", "SillyTavern-1")
    async with broker_in_process(tmp_path, monkeypatch, *clients) as broker:
        yield await begun(broker)


class Count:
    """Counts what a trace or profile function is told of the broker."""

    def __init__(self) -> None:
        self.number = 0

    def profile(self, frame: FrameType, kind: str, _arg: Any) -> None:
        """Count calls."""
        if kind in {"call", "c_call"} and frame.f_code.co_filename not in OURS:
            self.number += 1

    def trace(self, frame: FrameType, kind: str, _arg: Any) -> Any:
        """Count bytecodes."""
        if frame.f_code.co_filename in OURS:
            return None
        frame.f_trace_lines, frame.f_trace_opcodes = False, True
        if kind == "opcode":
            self.number += 1
        return self.trace


async def counted(
    stream: Stream, burst: int, switch: Callable[[Any], None], function: Any
) -> None:
    """Send the chunks while a function is told what happens."""
    frames = stream.chunks(CHUNKS)
    switch(function)
    try:
        await stream.send(frames, burst)
    finally:
        switch(None)


async def calls_per_chunk(stream: Stream, burst: int) -> float:
    """Calls of Python and C functions."""
    count = Count()
    await counted(stream, burst, sys.setprofile, count.profile)
    return count.number / CHUNKS


async def bytecodes_per_chunk(stream: Stream, burst: int) -> float:
    """Bytecodes that were run."""
    count = Count()
    await counted(stream, burst, sys.settrace, count.trace)
    return count.number / CHUNKS


async def kept_per_chunk(stream: Stream, burst: int) -> float:
    """Blocks of memory that are still there, cycles included."""
    frames = stream.chunks(CHUNKS)
    gc.collect()
    gc.disable()
    try:
        before = sys.getallocatedblocks()
        await stream.send(frames, burst)
        return (sys.getallocatedblocks() - before) / CHUNKS
    finally:
        gc.enable()


EITHER_WAY = pytest.mark.parametrize(
    ("burst", "budget"),
    [pytest.param(1, ONE_BY_ONE, id="one by one"),
     pytest.param(BURST, IN_BURSTS, id="in bursts")],
)  # fmt: skip


@EITHER_WAY
async def test_chunk_makes_no_more_calls_than_its_budget(
    stream: Stream, burst: int, budget: Budget
) -> None:
    """From the bytes of a WebSocket to the bytes of another."""
    assert await calls_per_chunk(stream, burst) <= budget.calls


@EITHER_WAY
async def test_chunk_runs_no_more_bytecodes_than_its_budget(
    stream: Stream, burst: int, budget: Budget
) -> None:
    """The same, for work that calls nobody."""
    assert await bytecodes_per_chunk(stream, burst) <= budget.bytecodes


@EITHER_WAY
async def test_chunk_leaves_no_more_behind_than_its_budget(
    stream: Stream, burst: int, budget: Budget
) -> None:
    """Its text is kept to be resumed; all else, cycles above all, is waste."""
    assert await kept_per_chunk(stream, burst) <= budget.kept


@EITHER_WAY
async def test_chunks_of_one_read_leave_in_one_write(
    stream: Stream, burst: int, budget: Budget
) -> None:
    """A write is a system call, which costs more than all of the rest."""
    del budget
    before = stream.reader.writes
    await stream.send(stream.chunks(CHUNKS), burst)

    assert stream.reader.writes - before == CHUNKS // burst


async def test_counts_are_the_same_each_time(stream: Stream) -> None:
    """Else a budget would have to allow for chance."""
    counts = [await calls_per_chunk(stream, BURST) for _ in range(3)]

    assert max(counts) - min(counts) < 1
