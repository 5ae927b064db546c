"""Item 14, for real: a disk that fails, hangs or is read-only, and damaged files."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import sqlite3
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import pytest

from broker.client import TapsterClient
from broker.protocol.wire import AnswerEvent, Event, Namespace
from tests.integration.harness import Broker
from tests.integration.test_store_trouble import DATABASE, HOUSE

from .failing_disk import failing_disk, write_protected
from .report import measured
from .test_full_disk import (
    BACK_WITHIN,
    LONG,
    PATIENCE,
    POLL,
    WORDS,
    guest,
    say,
    say_until_full,
    stored,
    tavern,
    texts,
    until_ready,
)

MANY: Final = 30
"""So many times as many messages: more than SQLite keeps in memory or in its log."""
PAGE: Final = 4_096
NONSENSE: Final = b"\xff"
UNLIMITED: Final = 1_000_000


@contextlib.asynccontextmanager
async def evening(broker: Broker) -> AsyncIterator[TapsterClient]:
    """A SillyTavern that answers, and a guest who has a room."""
    async with asyncio.timeout(PATIENCE), tavern(broker), guest(broker) as client:
        den = {"roomName": "den", "keep": True}
        await client.call(Namespace.ROOMS, Event.CREATE_ROOM, den)
        yield client


async def told(client: TapsterClient) -> str | None:
    """Have a story told to the end; gives the warning of the order's ack."""
    order = client.order("A story, please.")
    assert await order.text() == "".join(WORDS)
    while not order.ack:  # noqa: ASYNC110 - it follows the database, not the answer
        await asyncio.sleep(POLL)
    return str(order.ack["warning"]) if "warning" in order.ack else None


async def say_much(client: TapsterClient) -> dict[str, bool]:
    """Say many things, some of them at once."""
    said = (say(client, texts(f"{number} before")) for number in range(MANY))
    return {
        text: promise
        for each in await asyncio.gather(*said)
        for text, promise in each.items()
    }


async def found_later(broker: Broker, key: str | None) -> set[str]:
    """What a fresh process has of what was said."""
    async with (
        asyncio.timeout(PATIENCE),
        TapsterClient(
            broker.url, client_id="guest", key=key, namespaces=[Namespace.ROOMS]
        ) as client,
    ):
        return await stored(client)


def complaints(broker: Broker) -> str:
    """What the broker said on its way."""
    return (broker.root / "stderr").read_text(encoding="utf-8")


def kept(promised: dict[str, bool]) -> set[str]:
    """What the acks promised to be stored."""
    return {text for text, promise in promised.items() if promise}


async def test_a_disk_that_fails_for_good_breaks_no_promise(tmp_path: Path) -> None:
    """Writes fail and the system makes it read-only: only a repair brings it back."""
    broker = Broker(tmp_path / "broker", clients=HOUSE)
    with failing_disk(tmp_path / "below", broker.data) as disk:
        broker.start()
        try:
            async with evening(broker) as client:
                promised = await say(client, texts("before"))
                disk.break_down()
                promised |= await say_until_full(client, "amid")
                warning = await told(client)
                why = await until_ready(broker, lambda status, _: status == 503)
            broker.stop()
            said = complaints(broker)
            disk.repair()
            broker.restart()
            found = await found_later(broker, client.key)
        finally:
            broker.stop()

    measured(
        14,
        f"disk failed while written: {len(promised)} messages, {len(kept(promised))} "
        f"promised, {len(kept(promised) - found)} of these lost after e2fsck; an "
        f"answer whole; {why}",
    )
    assert kept(promised) < promised.keys()
    assert kept(promised) <= found
    assert warning is not None
    assert "the system says: Read-only file system" in why
    assert said.count("the store can not be written") == 1
    assert "rows could not be written and are lost" in said


async def test_a_disk_that_takes_no_writes_is_caught_up_with(tmp_path: Path) -> None:
    """Write-protected while it is used: told, kept in mind, written when it may be."""
    broker = Broker(tmp_path / "broker", clients=HOUSE)
    with failing_disk(tmp_path / "below", broker.data):
        broker.start()
        try:
            async with evening(broker) as client:
                promised = await say(client, texts("before"))
                files = (broker.data / DATABASE, broker.data / f"{DATABASE}-wal")
                with write_protected(*files):
                    amid = await say(client, texts("amid"))
                    warning = await told(client)
                    why = await until_ready(broker, lambda status, _: status == 503)
                begun = time.monotonic()
                await until_ready(broker, lambda status, _: status == 200)
                back = time.monotonic() - begun
            broker.kill()
            broker.restart()
            found = await found_later(broker, client.key)
        finally:
            broker.stop()

    measured(
        14,
        f"write-protected: {len(amid)} messages, {len(kept(amid))} promised; an answer "
        f"whole; {why}; ready {back:.1f} s after, "
        f"{len((promised | amid).keys() - found)} lost",
    )
    assert kept(amid) == set()
    assert warning is not None
    assert "the system says: Operation not permitted" in why
    assert back < BACK_WITHIN
    assert found == (promised | amid).keys()


async def test_a_disk_that_hangs_holds_up_no_answer(tmp_path: Path) -> None:
    """Nothing is promised meanwhile; when it goes on, promises are made and kept."""
    broker = Broker(tmp_path / "broker", clients=HOUSE)
    with failing_disk(tmp_path / "below", broker.data) as disk:
        broker.start()
        try:
            async with evening(broker) as client:
                with disk.frozen():
                    begun = time.monotonic()
                    order = client.order("A story, please.")
                    text = await order.text()
                    took = time.monotonic() - begun
                    saying = asyncio.ensure_future(say(client, ["amid"]))
                    why = await until_ready(broker, lambda status, _: status == 503)
                    during = saying.done()
                amid = await saying
                await until_ready(broker, lambda status, _: status == 200)
            broker.kill()
            broker.restart()
            found = await found_later(broker, client.key)
        finally:
            broker.stop()

    measured(14, f"disk hangs: an answer whole after {took * 1000:.0f} ms; {why}")
    assert text == "".join(WORDS)
    assert not during
    assert amid == {"amid": True}
    assert "does not answer" in why
    assert found == {"amid"}


async def test_a_file_that_is_damaged_while_it_is_used_is_relied_on_no_more(
    tmp_path: Path,
) -> None:
    """Nothing is promised once it is noticed; a copy in its place is all it needs."""
    broker = Broker(
        tmp_path / "broker",
        clients=HOUSE,
        server={"eventsPerSecond": UNLIMITED, "eventsBurst": UNLIMITED},
    )
    path, copy = broker.data / DATABASE, tmp_path / "copy"
    broker.start()
    try:
        async with evening(broker) as client:
            before = await say_much(client)
            with contextlib.closing(sqlite3.connect(path)) as other:
                other.execute("VACUUM INTO ?", (str(copy),))
            pages = overwrite(path)
            with pytest.raises(Exception, match="the history can not be read now"):
                await stored(client)
            amid = await say(client, texts("amid"))
            warning = await told(client)
            why = await until_ready(broker, lambda status, _: status == 503)
        broker.kill()
        said = complaints(broker)
        for left in (f"{DATABASE}-wal", f"{DATABASE}-shm"):
            (broker.data / left).unlink(missing_ok=True)
        shutil.copyfile(copy, path)
        broker.restart()
        found = await found_later(broker, client.key)
        await until_ready(broker, lambda status, _: status == 200)
    finally:
        broker.stop()

    measured(
        14,
        f"{pages} pages in the middle of a used file overwritten: {len(amid)} messages "
        f"after it was noticed, {len(kept(amid))} promised; an answer whole; {why}; "
        f"from a copy {len(found)} of {len(before)} back",
    )
    assert kept(amid) == set()
    assert warning is not None
    assert "the file is damaged" in why
    assert "from now on no row is promised to be kept: the file is damaged" in said
    assert "Traceback" not in said
    assert found == before.keys()


def overwrite(path: Path) -> int:
    """Write nonsense over the middle third of a file; gives how many pages that are."""
    pages = path.stat().st_size // PAGE // 3
    assert pages > 100
    with path.open("r+b") as file:
        file.seek(pages * PAGE)
        file.write(NONSENSE * pages * PAGE)
    return pages


async def test_a_history_that_breaks_off_says_so(tmp_path: Path) -> None:
    """Pages came, and then no more can be read: who waits for the last one is told."""
    broker = Broker(
        tmp_path / "broker",
        clients=HOUSE,
        server={"eventsPerSecond": UNLIMITED, "eventsBurst": UNLIMITED},
    )
    broker.start()
    try:
        async with evening(broker) as client:
            await say_much(client)
            heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
            client.listen(Namespace.ROOMS, Event.UPDATE_CONTEXT_PAGE, heard.put_nowait)
            client.listen(Namespace.ROOMS, Event.ERROR, heard.put_nowait)
            ack = await client.call(
                Namespace.ROOMS, Event.GET_FULL_CONTEXT, {"roomName": "den"}
            )
            await heard.get()
            log = broker.data / f"{DATABASE}-wal"
            log.write_bytes(NONSENSE * log.stat().st_size)
            overwrite(broker.data / DATABASE)
            last = await heard.get()
            while "contextPage" in last:
                assert not last["isLastPage"], "all was read before it was damaged"
                last = await heard.get()
    finally:
        broker.stop()

    assert last["updateId"] == ack["updateId"]
    assert last["roomName"] == "den"
    assert last["message"] == "the history can not be read now"


async def test_a_file_that_was_moved_away_takes_no_promises(tmp_path: Path) -> None:
    """SQLite would go on writing to it, and nobody would find that again."""
    broker = Broker(tmp_path / "broker", clients=HOUSE)
    path = broker.data / DATABASE
    broker.start()
    try:
        async with evening(broker) as client:
            path.rename(tmp_path / "aside")
            ack = await client.call(
                Namespace.LLM,
                AnswerEvent.MESSAGE,
                {"targetRoom": "den", "data": "amid" + LONG},
            )
            warning = await told(client)
            why = await until_ready(broker, lambda status, _: status == 503)
            (tmp_path / "aside").rename(path)
            await until_ready(broker, lambda status, _: status == 200)
        broker.kill()
        broker.restart()
        found = await found_later(broker, client.key)
    finally:
        broker.stop()

    measured(
        14, f"file moved away while used: {why}; an answer whole; back without loss"
    )
    assert "warning" in ack
    assert warning is not None
    assert "its file was moved away or deleted" in why
    assert found == {"amid"}
