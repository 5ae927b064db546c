"""Item 14: a disk that is full, for real, and one whose database another holds."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import shutil
import sqlite3
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from broker.client import IncomingOrder, TapsterClient, TapsterExtension
from broker.protocol.wire import AnswerEvent, Event, Namespace
from tests.integration.harness import Broker, StartBroker
from tests.integration.test_ops import ask
from tests.integration.test_store_trouble import DATABASE, HOUSE

from .report import measured

PATIENCE: Final = 120.0
POLL: Final = 0.05
WORDS: Final = [f"word-{number} " for number in range(20)]
SIZE: Final = "64m"
ROUNDS: Final = 3
MESSAGES: Final = 40
LONG: Final = "x" * 4_096
BACK_WITHIN: Final = 10.0
"""Seconds; the store looks every second."""


async def tell(_order: IncomingOrder) -> AsyncIterator[str]:
    """Answer with many words."""
    for word in WORDS:
        yield word
        await asyncio.sleep(0)


def tavern(broker: Broker) -> TapsterExtension:
    """A SillyTavern that answers."""
    return TapsterExtension(broker.url, client_id="SillyTavern-1", answer=tell)


def guest(broker: Broker) -> TapsterClient:
    """A client that has a key."""
    return TapsterClient(
        broker.url, client_id="guest", key="getKey", namespaces=[Namespace.ROOMS]
    )


def readiness(broker: Broker) -> tuple[int, str]:
    """The status of ``/readyz``, and what it says of the store."""
    answer = ask(broker.url, "/readyz")
    return answer.status, json.loads(answer.body)["checks"]["store"]["detail"]


async def until_ready(broker: Broker, wanted: Callable[[int, str], bool]) -> str:
    """Wait until ``/readyz`` says what is wanted; gives what it says of the store."""
    while True:
        status, detail = await asyncio.to_thread(readiness, broker)
        if wanted(status, detail):
            return detail
        await asyncio.sleep(POLL)


@contextlib.contextmanager
def locked(broker: Broker) -> Iterator[None]:
    """Another process writes, and takes long."""
    path = broker.data / DATABASE
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def rooms_on_disk(broker: Broker) -> set[str]:
    """The rooms that another process reads."""
    with contextlib.closing(sqlite3.connect(broker.data / DATABASE)) as other:
        return {name for (name,) in other.execute("SELECT name FROM rooms")}


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """A file system of a few megabytes on a folder; only root can make one."""
    mount = shutil.which("mount")
    if mount is None or os.geteuid() != 0:
        pytest.skip("only root can mount a small file system")
    options = ["-t", "tmpfs", "-o", f"size={SIZE},mode=0755", "tapster-test"]
    made = subprocess.run([mount, *options, str(folder)], check=False)  # noqa: S603
    if made.returncode != 0:
        pytest.skip("this machine lets nobody mount a file system")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)  # noqa: S603, S607


def fill(folder: Path) -> Path:
    """Leave not a byte on a disk."""
    path = folder / "ballast"
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        for size in (1 << 16, 1 << 12, 1):
            with contextlib.suppress(OSError):
                while True:
                    file.write(bytes(size))
    return path


async def say(client: TapsterClient, texts: list[str]) -> dict[str, bool]:
    """Say things; gives whether the ack promises that each is stored."""
    promised = {}
    for text in texts:
        data = {"targetRoom": "den", "data": text + LONG}
        ack = await client.call(Namespace.LLM, AnswerEvent.MESSAGE, data)
        promised[text] = "warning" not in ack
    return promised


def texts(name: str) -> list[str]:
    """Things to be said."""
    return [f"{name} {number}" for number in range(MESSAGES)]


async def say_until_full(client: TapsterClient, name: str) -> dict[str, bool]:
    """Say things until nothing fits: SQLite has room of its own in its log."""
    promised: dict[str, bool] = {}
    for turn in itertools.count():
        last = await say(client, texts(f"{name} {turn}"))
        promised |= last
        if not any(last.values()):
            break
    return promised


async def stored(client: TapsterClient) -> set[str]:
    """What a fresh process has of what was said."""
    heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    client.listen(Namespace.ROOMS, Event.UPDATE_CONTEXT_PAGE, heard.put_nowait)
    await client.call(Namespace.ROOMS, Event.GET_FULL_CONTEXT, {"roomName": "den"})
    found: set[str] = set()
    while True:
        page = await heard.get()
        found |= {
            m["data"].removesuffix(LONG) for m in page["contextPage"] if "data" in m
        }
        if page["isLastPage"]:
            return found


async def test_a_full_disk_stops_no_answer_and_no_promise_is_broken(
    tmp_path: Path,
) -> None:
    """Full, emptied, killed: what was promised is there, and what was owed as well."""
    broker = Broker(tmp_path / "broker", clients=HOUSE)
    promised: dict[str, bool] = {}
    longest_back = 0.0
    with small_disk(broker.data):
        broker.start()
        try:
            async with asyncio.timeout(PATIENCE):
                async with tavern(broker), guest(broker) as client:
                    key = client.key
                    await client.call(
                        Namespace.ROOMS,
                        Event.CREATE_ROOM,
                        {"roomName": "den", "keep": True},
                    )
                    for number in range(ROUNDS):
                        promised |= await say(client, texts(f"{number} before"))
                        ballast = fill(broker.data)
                        promised |= await say_until_full(client, f"{number} amid")
                        order = client.order("A story, please.")
                        assert await order.text() == "".join(WORDS)
                        why = await until_ready(broker, lambda s, _: s == 503)
                        assert "the disk is full" in why
                        assert "warning" in order.ack
                        ballast.unlink()
                        begun = time.monotonic()
                        await until_ready(broker, lambda s, _: s == 200)
                        longest_back = max(longest_back, time.monotonic() - begun)
                broker.kill()
                broker.restart()
                async with TapsterClient(
                    broker.url,
                    client_id="guest",
                    key=key,
                    namespaces=[Namespace.ROOMS],
                ) as client:
                    found = await stored(client)
            complaints = (broker.root / "stderr").read_text(encoding="utf-8")
        finally:
            broker.stop()

    kept = {text for text, promise in promised.items() if promise}
    measured(
        14,
        f"disk full {ROUNDS} times: {len(promised)} messages, {len(kept)} promised, "
        f"{len(kept - found)} of these and {len(promised.keys() - found)} of all lost, "
        f"{ROUNDS} of {ROUNDS} answers whole, ready again within {longest_back:.1f} s",
    )
    assert len(kept) < len(promised)
    assert found == promised.keys()
    assert longest_back < BACK_WITHIN
    assert "Traceback" not in complaints


async def test_a_locked_database_stops_no_answer_and_is_caught_up_with(
    start_broker: StartBroker,
) -> None:
    """Acks say that nothing is stored, ``/readyz`` says why, and all is, later."""
    broker = start_broker(HOUSE)
    async with asyncio.timeout(PATIENCE), tavern(broker), guest(broker) as client:
        with locked(broker):
            order = client.order("A story, please.")
            text = await order.text()
            made = await client.call(
                Namespace.ROOMS, Event.CREATE_ROOM, {"roomName": "den", "keep": True}
            )
            said = await client.call(
                Namespace.LLM, AnswerEvent.MESSAGE, {"data": "hi", "targetRoom": "den"}
            )
            why = await until_ready(broker, lambda _, said: "locked" in said)
            during = rooms_on_disk(broker)
        await until_ready(broker, lambda status, _: status == 200)

    assert text == "".join(WORDS)
    assert "warning" in order.ack
    assert "warning" in made
    assert "warning" in said
    assert "another process has locked it" in why
    assert "den" not in during
    assert "den" in rooms_on_disk(broker)
    measured(14, f"locked: {why}; an answer whole, 3 acks of 3 with a warning")
