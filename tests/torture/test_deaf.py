"""Clients that read nothing: what they cost the broker, and the others."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from tests.integration.deaf import KINDS, Deaf
from tests.integration.harness import Broker, StartBroker
from tests.integration.test_ops import metrics

from .audience import HOST, TAVERN, Audience, audience
from .report import measured

DEAF: Final = 10
READERS: Final = 5
CROWD: Final = 98
TEXT: Final = "t" * 250_000
TEXTS: Final = 16
"""Told to each that is deaf: 4 MB, within the outbox's limit."""
SPELL: Final = 4.0
"""Seconds to come to rest in, and then to tell all that in."""
WRITE_TIMEOUT: Final = 10.0
ROOM: Final = 3.0
"""Seconds that a slow machine may take longer."""
POLL: Final = 0.1
BACK: Final = 5.0
"""Seconds after which the memory must be back."""
MIB: Final = 1024 * 1024
GROWTH: Final = 8 * MIB
"""Of what the answer that goes on takes."""
SLACK: Final = 10.0
"""Milliseconds by which others may be later, whatever 20 % are: two processors have
more to do than this."""


class House(NamedTuple):
    """A broker, the room that is talked to, and who is deaf."""

    broker: Broker
    room: Audience
    deaf: list[str]


def memory(broker: Broker) -> int:
    """Bytes of the broker's memory that are in use."""
    assert broker._process is not None
    status = Path(f"/proc/{broker._process.pid}/status").read_text(encoding="utf-8")
    (line,) = [line for line in status.splitlines() if line.startswith("VmRSS:")]
    return int(line.split()[1]) * 1024


async def figures(broker: Broker) -> dict[tuple[str, str], float]:
    """What ``/metrics`` says."""
    return await asyncio.to_thread(metrics, broker.url)


async def until(broker: Broker, holds: Callable[[float, float], bool]) -> float:
    """Wait until as many are blocked and cut as one wants; tells when it was."""
    async with asyncio.timeout(2 * WRITE_TIMEOUT):
        while True:
            told = await figures(broker)
            cut = told["tapster_slow_readers_closed_total", "write_timeout"]
            if holds(told["tapster_connections_blocked", ""], cut):
                return time.perf_counter()
            await asyncio.sleep(POLL)


async def tell_all(room: Audience, names: list[str]) -> None:
    """Tell them much, as evenly as one can."""
    for _ in range(TEXTS):
        for name in names:
            await room.tell(name, TEXT)
            await asyncio.sleep(SPELL / TEXTS / len(names))


async def try_deaf(item: int, what: str, house: House, other: House) -> None:
    """Talk on and on to the deaf; what they cost is noted, and must be little."""
    number = len(house.deaf)
    await asyncio.sleep(SPELL)
    begun, rss_before = time.perf_counter(), memory(house.broker)
    telling = asyncio.gather(
        tell_all(house.room, house.deaf),
        tell_all(other.room, ["reader-0"] * number),  # the same, to one who reads
    )
    blocked = await until(house.broker, lambda blocked, _: blocked >= number)
    await telling
    rss_full = memory(house.broker)
    cut = await until(house.broker, lambda _, cut: cut >= number)
    await asyncio.sleep(BACK)
    rss_after = memory(house.broker)
    beside, alone = (each.room.p99(begun, cut) for each in (house, other))
    measured(
        item,
        f"{what}: all cut {cut - blocked:.1f} s after all took nothing; memory "
        f"{rss_before / MIB:.1f} MiB before, {rss_full / MIB:.1f} with them, "
        f"{rss_after / MIB:.1f} {BACK:.0f} s after; p99 of the others "
        f"{beside:.1f} ms, of another broker's without them {alone:.1f} ms",
    )

    assert cut - blocked <= WRITE_TIMEOUT + ROOM
    assert rss_after <= rss_before + GROWTH
    assert beside <= 1.2 * alone + SLACK


@asynccontextmanager
async def two_houses(
    start_broker: StartBroker,
    readers: list[str],
    deaf: dict[str, Deaf],
    *,
    in_the_room: bool,
) -> AsyncIterator[tuple[House, House]]:
    """One with the deaf, and one without them that suffers from all else alike."""
    async with AsyncExitStack() as street:
        houses = []
        for guests in (deaf, dict[str, Deaf]()):
            names = [HOST, TAVERN, *readers, *guests]
            broker = start_broker({name: {} for name in names})
            for name, one in guests.items():
                street.callback(one.close)
                await one.join(broker, name)
            silent = list(guests) if in_the_room else []
            room = await street.enter_async_context(audience(broker, readers, silent))
            houses.append(House(broker, room, list(guests)))
        yield houses[0], houses[1]


@pytest.mark.parametrize("kind", KINDS)
async def test_clients_that_take_nothing_are_cut_and_cost_the_others_nothing(
    start_broker: StartBroker, kind: str
) -> None:
    """Section 9: a socket that takes nothing for 10 s is cut, by both transports."""
    readers = [f"reader-{number}" for number in range(READERS)]
    deaf: dict[str, Deaf] = {f"deaf-{number}": KINDS[kind]() for number in range(DEAF)}
    async with two_houses(start_broker, readers, deaf, in_the_room=False) as houses:
        await try_deaf(1, f"{DEAF} deaf by {kind}", *houses)


async def test_stalled_member_costs_a_room_of_a_hundred_nothing(
    start_broker: StartBroker,
) -> None:
    """Section 5: a slow reader never costs the others anything."""
    readers = [f"reader-{number}" for number in range(CROWD)]
    deaf: dict[str, Deaf] = {"deaf": KINDS["text"]()}
    async with two_houses(start_broker, readers, deaf, in_the_room=True) as houses:
        await try_deaf(2, f"one deaf in a room of {CROWD + 2}", *houses)
