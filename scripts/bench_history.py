"""Measure what a history costs: to record, to page through, to start up with.

    PYTHONPATH=bench python scripts/bench_history.py [--quick]

CPU is that of the broker's process, all threads, so the store's share is in it; times
are this machine's. Histories are written straight into the database file.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import aiohttp
import history_store
import server_process
from history_store import MEMBERS, ROOM, TEXT

from broker.protocol.wire import AnswerEvent, Event, Namespace

WINDOW: Final = 100
"""Messages that each connection has under way."""
STARTS: Final = 3
MICROSECONDS: Final = 1e6
MEBIBYTE: Final = 1024 * 1024
SETTINGS: Final[dict[str, Any]] = {
    "contextSendDelay": 0,
    "eventsPerSecond": 1_000_000,
    "eventsBurst": 1_000_000,
    "logLevel": "warn",
}


class Wire:
    """One verified client on one WebSocket, without a library that has its own cost."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket

    async def enter(self, client_id: str) -> None:
        """Get a key in ``/auth``, then join ``/llm``."""
        auth = json.dumps({"clientId": client_id, "key": "getKey"})
        await self._socket.receive_str()
        await self._socket.send_str(f"40{Namespace.AUTH},{auth}")
        await self.hear(Event.GET_CLIENT_KEY)
        await self._socket.send_str(f"40{Namespace.LLM},{auth}")
        await self.hear(f"40{Namespace.LLM},")

    async def hear(self, what: str) -> str:
        """Return the next packet that has something in it."""
        while True:
            packet = await self._next()
            if what in packet:
                return packet

    async def send(self, number: int, event: str, data: Mapping[str, Any]) -> None:
        """Send an event that wants an ack."""
        packet = json.dumps([event, data])
        await self._socket.send_str(f"42{Namespace.LLM},{number}{packet}")

    async def flood(self, event: str, data: Mapping[str, Any], times: int) -> None:
        """Send an event many times, with ``WINDOW`` acks awaited at a time."""
        numbers = iter(range(times))
        for number in itertools.islice(numbers, WINDOW):
            await self.send(number, event, data)
        ack = f"43{Namespace.LLM},"
        for _ in range(times):
            answer = await self.hear(ack)
            if '"status":"ok"' not in answer:
                raise RuntimeError(answer)
            for number in itertools.islice(numbers, 1):
                await self.send(number, event, data)

    async def _next(self) -> str:
        packet = await self._socket.receive_str()
        if packet == "2":
            await self._socket.send_str("3")
        return packet


class House:
    """Folders of a broker, and what is in its database before it starts."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._settings, self._data = root / "settings", root / "data"
        self._settings.mkdir()
        self._data.mkdir()
        self._write("server_settings", SETTINGS)
        for member in MEMBERS:
            self._write(f"{member}-settings", {"clientId": member, "isTrust": True})

    def fill(self, rooms: int, messages_each: int) -> None:
        """Write rooms with two members and a history."""
        history_store.fill(self._data, rooms=rooms, messages_each=messages_each)

    @contextmanager
    def running(self) -> Iterator[server_process.ServerProcess]:
        """Run a broker on these folders."""
        serve = [sys.executable, "-m", "broker.cli", "serve", "--port", "0"]
        folders = ["--settings", str(self._settings), "--data", str(self._data)]
        log = self._root / "log"
        with server_process.running([*serve, *folders], log, Path.cwd()) as server:
            yield server

    def _write(self, name: str, content: dict[str, Any]) -> None:
        (self._settings / f"{name}.json").write_text(json.dumps(content))


@contextmanager
def new_house() -> Iterator[House]:
    """Give a house that is torn down afterwards."""
    with tempfile.TemporaryDirectory(prefix="bench-history-") as folder:
        yield House(Path(folder))


async def _connected(stack: AsyncExitStack, url: str, client_id: str) -> Wire:
    session = await stack.enter_async_context(aiohttp.ClientSession())
    address = url.replace("http", "ws", 1) + "/socket.io/?EIO=4&transport=websocket"
    connecting = session.ws_connect(address, max_msg_size=0)
    wire = Wire(await stack.enter_async_context(connecting))
    await wire.enter(client_id)
    return wire


async def cost_of(
    server: server_process.ServerProcess,
    event: str,
    where: list[dict[str, str]],
    n: int,
) -> float:
    """CPU microseconds of the broker per message, both members sending at once."""
    async with AsyncExitStack() as stack:
        url = server.wait_for_url()
        wires = [await _connected(stack, url, member) for member in MEMBERS]
        data = [{**each, "data": TEXT} for each in where]
        floods = zip(wires, data, strict=True)
        await asyncio.gather(*(w.flood(event, d, n // 20) for w, d in floods))
        before = server.sample()
        floods = zip(wires, data, strict=True)
        await asyncio.gather(*(w.flood(event, d, n // 2) for w, d in floods))
        spent = server.sample().cpu_seconds - before.cpu_seconds
    return spent / n * MICROSECONDS


async def time_to_read(
    server: server_process.ServerProcess, *, whole: bool
) -> tuple[float, float, int]:
    """Seconds, CPU seconds of the broker and bytes of one GET_FULL_CONTEXT."""
    async with AsyncExitStack() as stack:
        wire = await _connected(stack, server.wait_for_url(), MEMBERS[0])
        before, begun = server.sample(), time.perf_counter()
        await wire.send(1, Event.GET_FULL_CONTEXT, {"roomName": ROOM, "whole": whole})
        size = 0
        page = f'"{Event.UPDATE_CONTEXT}"' if whole else Event.UPDATE_CONTEXT_PAGE
        while True:
            packet = await wire.hear(page)
            size += len(packet)
            if whole or '"isLastPage":true' in packet:
                break
        seconds = time.perf_counter() - begun
        return seconds, server.sample().cpu_seconds - before.cpu_seconds, size


def start_up(house: House) -> tuple[float, int]:
    """Seconds from the command to the first line, and the memory it has then."""
    begun = time.perf_counter()
    with house.running() as server:
        server.wait_for_url()
        return time.perf_counter() - begun, server.sample().rss_bytes


def measure_recording(messages: int) -> None:
    """Print what it costs to record a message."""
    ways: dict[str, tuple[str, list[dict[str, str]]]] = {
        "to an identity, not recorded": (
            AnswerEvent.MESSAGE,
            [{"target": name} for name in reversed(MEMBERS)],
        ),
        "own event in a room, not recorded": ("nod", [{"targetRoom": ROOM}] * 2),
        "to a room, recorded": (AnswerEvent.MESSAGE, [{"targetRoom": ROOM}] * 2),
    }
    for name, (event, where) in ways.items():
        with new_house() as house:
            house.fill(1, 0)
            with house.running() as server:
                cost = asyncio.run(cost_of(server, event, where, messages))
        print(f"{name:40}{cost:10.0f} µs of CPU a message")


def measure_reading(messages: int) -> None:
    """Print how long it takes to read a history."""
    with new_house() as house:
        house.fill(1, messages)
        for name, whole in (("in pages", False), ("newest MiB at once", True)):
            with house.running() as server:
                reading = time_to_read(server, whole=whole)
                seconds, cpu, size = asyncio.run(reading)
            print(
                f"{f'{messages:,} messages, {name}':40}{seconds:10.2f} s"
                f"{cpu:8.2f} s of CPU{size / MEBIBYTE:8.1f} MiB"
            )


def measure_start(rooms: int, messages_each: int) -> None:
    """Print how long a start takes."""
    with new_house() as house:
        house.fill(rooms, messages_each)
        starts = [start_up(house) for _ in range(STARTS)]
    seconds = statistics.median(start[0] for start in starts)
    memory = statistics.median(start[1] for start in starts)
    what = f"start with {rooms * messages_each:,} messages, {rooms:,} rooms"
    print(f"{what:40}{seconds:10.2f} s{memory / MEBIBYTE:8.1f} MiB of memory")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of everything")
    scale = 10 if parser.parse_args().quick else 1
    measure_recording(40_000 // scale)
    measure_reading(100_000 // scale)
    measure_start(0, 0)
    measure_start(1, 100_000 // scale)
    measure_start(1_000, 1_000 // scale)


if __name__ == "__main__":
    main()
