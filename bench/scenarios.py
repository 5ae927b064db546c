"""All that ``make bench`` measures: every row of the goals, as scenarios.

To add a row, add a goal to the scenario that yields its figure, or a scenario. All of
them take at most ten minutes together, the quick ones one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from figure import Figure
from load import Load, Mode, Read, Work
from peer import NODE, PLAIN, TAPSTER, Peer
from scenario import Entry, Goal, Scenario
from start_up import StartUp

from broker.protocol.wire import Namespace

SHARE_OF_PLAIN: Final = 0.25
"""How much of the chunks ``plain`` gets: it is slow enough to be measured as well."""


def _peers(load: Load, *peers: Peer) -> tuple[Entry, ...]:
    """Return one load for several peers; ``plain`` has one round."""
    return tuple(
        Entry(name=peer.name, peer=peer, work=load.scaled(SHARE_OF_PLAIN), rounds=1)
        if peer is PLAIN
        else Entry(name=peer.name, peer=peer, work=load)
        for peer in peers
    )


def _own(loads: Mapping[str, Load], rounds: int = 3) -> tuple[Entry, ...]:
    """Return several loads for Tapster, to be compared with each other."""
    return tuple(
        Entry(name=name, peer=TAPSTER, work=load, rounds=rounds)
        for name, load in loads.items()
    )


def _flat(streams: int, chunks: int) -> Load:
    return Load(streams=streams, chunks=chunks)


def _paced(chunks: int, idle: int = 0) -> Load:
    return Load(streams=100, chunks=chunks, mode=Mode.PACED, idle=idle)


def _to_hundred(deaf: int) -> Load:
    """Return a stream that fills what a connection can buffer."""
    return Load(
        streams=1,
        readers=100,
        deaf=deaf,
        chunks=200,
        size=16 * 1024,
        mode=Mode.PACED,
        rate=40,
    )


def _messages(count: int, rate: int) -> Load:
    return Load(
        work=Work.MESSAGES,
        messages=count,
        message_rate=rate,
        streams=1,
        mode=Mode.PACED,
    )


def _idle_clients(count: int) -> Scenario:
    return Scenario(
        name=f"{count:,} idle clients",
        entries=_peers(Load(work=Work.IDLE, idle=count), TAPSTER, NODE, PLAIN),
        goals=(
            Goal(
                row="memory per idle client",
                entry="tapster",
                figure=Figure.MEMORY_PER_CLIENT,
                limit=1.2,
                against="node",
            ),
        ),
    )


def _chunk_goal(row: str, limit: float, against: str, entry: str = "tapster") -> Goal:
    return Goal(
        row=row,
        entry=entry,
        figure=Figure.CPU_PER_CHUNK,
        limit=limit,
        against=against,
    )


FLAT_OUT: Final = Scenario(
    name="20 streams, flat out",
    entries=_peers(_flat(20, 4_000), TAPSTER, NODE, PLAIN),
    goals=(
        _chunk_goal("20 streams, flat out", 0.6, "node"),
        _chunk_goal("20 streams, flat out", 1 / 15, "plain"),
    ),
)

PACED: Final = Scenario(
    name="100 streams at 50 chunks/s",
    entries=_peers(_paced(300), TAPSTER, NODE, PLAIN),
    goals=(
        _chunk_goal("100 streams at 50/s", 0.8, "node"),
        _chunk_goal("100 streams at 50/s", 1 / 6, "plain"),
        Goal(
            row="100 streams at 50/s",
            entry="tapster",
            figure=Figure.LATENCY_P50,
            limit=3,
        ),
        Goal(
            row="100 streams at 50/s",
            entry="tapster",
            figure=Figure.LATENCY_P99,
            limit=10,
        ),
    ),
)

NUMBERS: Final = Scenario(
    name="1 to 1,000 streams, flat out",
    entries=_own(
        {
            "1 stream": _flat(1, 20_000),
            "20 streams": _flat(20, 2_000),
            "100 streams": _flat(100, 400),
            "1,000 streams": _flat(1_000, 60),
        }
    ),
    goals=tuple(
        _chunk_goal(f"{number}, flat out", 1.3, "20 streams", number)
        for number in ("1 stream", "100 streams", "1,000 streams")
    ),
)

FAN_OUT: Final = Scenario(
    name="1 stream to 500 readers",
    entries=_peers(
        Load(streams=1, readers=500, chunks=121, mode=Mode.PACED, rate=25),
        TAPSTER,
        NODE,
    ),
    goals=(
        Goal(
            row="1 stream to 500 readers",
            entry="tapster",
            figure=Figure.CPU_PER_DELIVERY,
            limit=0.9,
            against="node",
        ),
    ),
)

DEAF: Final = Scenario(
    name="1 stream to 100 readers, one of them deaf",
    entries=_own({"all read": _to_hundred(deaf=0), "one is deaf": _to_hundred(deaf=1)}),
    goals=(
        Goal(
            row="beside a reader who takes nothing",
            entry="one is deaf",
            figure=Figure.CPU_PER_DELIVERY,
            limit=1.05,
            against="all read",
        ),
    ),
)

MUCH: Final = Scenario(
    name="20 streams beside 10,000 rooms and 1,000,000 messages",
    entries=_own(
        {
            "an empty house": _flat(20, 2_000),
            "10,000 rooms": replace(_flat(20, 2_000), rooms=10_000),
            "1,000,000 messages": replace(_flat(20, 2_000), history=1_000_000),
        },
        rounds=2,
    ),
    goals=tuple(
        _chunk_goal(f"20 streams beside {much}", 1.3, "an empty house", much)
        for much in ("10,000 rooms", "1,000,000 messages")
    ),
)

LIBRARY: Final = Scenario(
    name="readers with the stream library",
    entries=_own(
        {
            "plain events": Load(streams=20, chunks=1_500),
            "stream library": Load(streams=20, chunks=1_500, read=Read.LIBRARY),
        }
    ),
    goals=(
        _chunk_goal(
            "stream library's readers", 1.5, "plain events", entry="stream library"
        ),
    ),
)

CROWD: Final = Scenario(
    name="100 streams among 5,000 idle clients",
    entries=_own(
        {
            "no idle clients": _paced(200),
            "5,000 idle clients": _paced(200, idle=5_000),
        },
        rounds=2,
    ),
    goals=(
        _chunk_goal(
            "5,000 idle beside 100 streams",
            1.3,
            "no idle clients",
            entry="5,000 idle clients",
        ),
    ),
)

CONNECTIONS: Final = Scenario(
    name="300 clients come into 8 namespaces",
    entries=_peers(
        Load(work=Work.IDLE, idle=300, namespaces=tuple(Namespace)), TAPSTER
    ),
    goals=(
        Goal(
            row="a key and 8 namespaces",
            entry="tapster",
            figure=Figure.CPU_PER_CONNECTION,
            limit=3,
        ),
    ),
)

STORM: Final = Scenario(
    name="1,000 clients come back into 3 namespaces",
    entries=_peers(
        Load(
            work=Work.STORM,
            idle=1_000,
            namespaces=(Namespace.LLM, Namespace.ROOMS, Namespace.CLIENTS),
            streams=5,
            chunks=400,
            mode=Mode.PACED,
        ),
        TAPSTER,
    ),
    goals=(
        Goal(
            row="1,000 clients come back",
            entry="tapster",
            figure=Figure.CPU_PER_CONNECTION,
            limit=3,
        ),
        Goal(
            row="1,000 clients come back",
            entry="tapster",
            figure=Figure.TIME_AWAY,
            limit=15,
        ),
    ),
)

HISTORY: Final = Scenario(
    name="10,000 messages into a room",
    entries=_own(
        {
            "as fast as they go": _messages(10_000, 0),
            "2,000 a second": _messages(6_000, 2_000),
        }
    ),
    goals=(
        Goal(
            row="10,000 messages into a room",
            entry="as fast as they go",
            figure=Figure.CPU_PER_MESSAGE,
            limit=60,
        ),
        # Sent as fast as they go, the load generator itself is late for its chunks.
        Goal(
            row="a stream beside 2,000 messages/s",
            entry="2,000 a second",
            figure=Figure.LATENCY_P99,
            limit=10,
        ),
    ),
)

START: Final = Scenario(
    name="start with 100,000 messages",
    entries=(
        Entry(name="tapster", peer=TAPSTER, work=StartUp(messages=100_000), rounds=1),
    ),
    goals=(
        Goal(
            row="start with 100,000 messages",
            entry="tapster",
            figure=Figure.START,
            limit=1.5,
        ),
    ),
)

QUICK: Final = (FLAT_OUT, _idle_clients(300))
FULL: Final = (
    FLAT_OUT,
    PACED,
    NUMBERS,
    FAN_OUT,
    DEAF,
    LIBRARY,
    _idle_clients(1_000),
    CROWD,
    MUCH,
    CONNECTIONS,
    STORM,
    HISTORY,
    START,
)

LOOP_LAG: Final = Goal(
    row="loop lag under all of it",
    entry="tapster",
    figure=Figure.LOOP_LAG,
    limit=20,
)
"""Of the scenario in which it was longest."""
