"""What the metrics are made of, and that they follow Prometheus' conventions."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final, cast

import pykka
import pytest
from prometheus_client.core import Metric

from actors.base import BlockingActor, LoopActor, crashes, stop
from actors.directory import Directory, Kind
from actors.errors import BrokerError, Code
from actors.histogram import Histogram
from actors.lifecycle import RequestState
from actors.outbound import StatusChanged
from actors.roles import Caller, CallerKind
from broker.gateway.counts import Counts
from broker.gateway.loop_lag import LoopLag
from broker.gateway.rate import Crowd
from broker.gateway.tally import Tally
from broker.metrics.collector import BrokerCollector
from broker.security.attempts import Refusals

ROOT: Final = Path(__file__).parents[3]
ENOUGH: Final = 5.0


class Faulty(LoopActor):
    """Crashes."""

    def on_receive(self, message: Any) -> Any:
        """Meet a fault of ours."""
        raise ValueError(message)


class FaultyThread(BlockingActor):
    """The same, in a thread."""

    def on_receive(self, message: Any) -> Any:
        """Meet a fault of ours."""
        raise ValueError(message)


class Sleepy(LoopActor):
    """Answers nothing at all: what it is told stays in its mailbox for this turn."""

    def on_receive(self, message: Any) -> Any:
        """Do nothing."""


class Bar:
    """A collector, and what stands around it."""

    def __init__(self) -> None:
        self.tally = Tally()
        self.counts = Counts()
        self.crowd = Crowd(1)
        self.refusals = Refusals()
        self.commits = Histogram([1.0])
        self.directory = Directory()
        self.sockets: dict[str, Any] = {}
        self.store = Sleepy.start()
        eio = SimpleNamespace(
            sockets=self.sockets, crowd=self.crowd, flusher=SimpleNamespace(cut=3)
        )
        source = SimpleNamespace(
            house=SimpleNamespace(directory=self.directory),
            server=SimpleNamespace(eio=eio, counts=self.counts, draining=False),
            outbound=SimpleNamespace(tally=self.tally, chunks=7),
            clients=["ann", "bob"],
            refusals=self.refusals,
            lag=LoopLag(cast("Any", None)),
            commits=self.commits,
            staff={"store": self.store},
        )
        self.source = source
        self.collector = BrokerCollector(cast("Any", source))

    def samples(self) -> Iterator[tuple[str, dict[str, str], float]]:
        """Everything that is told."""
        for family in self.collector.collect():
            for sample in family.samples:
                yield sample.name, sample.labels, sample.value

    def value(self, name: str, **labels: str) -> float:
        """One figure."""
        (found,) = [
            value for n, of, value in self.samples() if (n, of) == (name, labels)
        ]
        return found

    def connect(self, kind: CallerKind, *, verified: bool = True) -> Any:
        """Have somebody connect."""
        session = SimpleNamespace(caller=Caller("x", "x", kind), verified=verified)
        outbox = SimpleNamespace(blocked=False)
        socket = SimpleNamespace(sessions={"/llm": session}, outbox=outbox)
        self.sockets[str(len(self.sockets))] = socket
        return socket


@pytest.fixture
async def bar() -> Bar:
    """An empty one."""
    return Bar()


async def test_names_follow_the_conventions(bar: Bar) -> None:
    """A prefix, base units, ``_total`` for counters only, and words about each."""
    bar.collector.rooms = 1
    families: list[Metric] = list(bar.collector.collect())
    names = [family.name for family in families]

    assert len(set(names)) == len(names)
    assert all(name.startswith("tapster_") for name in names)
    assert not any(name.endswith(("_total", "_milliseconds")) for name in names)
    assert all(family.documentation.endswith(".") for family in families)
    assert {f.name for f in families if f.type == "histogram"} == {
        name for name in names if name.endswith("_seconds") and "p99" not in name
    }


async def test_requests_are_counted_by_their_outcome(bar: Bar) -> None:
    """And those that go on by where they are."""
    for request, states in {
        "r1": (RequestState.SENT, RequestState.STREAMING, RequestState.COMPLETED),
        "r2": (RequestState.SENT, RequestState.FAILED),
        "r3": (RequestState.HELD,),
    }.items():
        for state in states:
            notice = StatusChanged(request_id=request, room="ann", state=state)
            bar.tally.note("ann", notice)

    duration = "tapster_request_duration_seconds"
    assert bar.value("tapster_requests_total", outcome="completed") == 1
    assert bar.value("tapster_requests_total", outcome="failed") == 1
    assert bar.value("tapster_requests_total", outcome="timeout") == 0
    assert bar.value("tapster_requests_open", state="held") == 1
    assert bar.value(f"{duration}_bucket", outcome="completed", le="+Inf") == 1
    assert bar.value("tapster_request_first_token_seconds_count") == 1
    assert bar.value("tapster_chunks_total") == 7


async def test_connections_are_counted_by_what_their_client_is(bar: Bar) -> None:
    """Not by what it calls itself, of which there is no end."""
    for kind in (CallerKind.CLIENT, CallerKind.CLIENT, CallerKind.EXTENSION):
        bar.connect(kind)
    bar.connect(CallerKind.MONITOR, verified=False).outbox.blocked = True
    bar.connect(CallerKind.CLIENT).sessions.clear()

    counted = {
        of["type"]: n for name, of, n in bar.samples() if name == "tapster_connections"
    }
    assert counted == {
        "client": 2,
        "SillyTavern": 1,
        "monitor": 0,
        "unverified": 1,
        "none": 1,
    }
    assert bar.value("tapster_connections_blocked") == 1
    assert bar.value("tapster_clients") == 2


async def test_ends_of_connections_are_counted_by_their_reason(bar: Bar) -> None:
    """What a peer has written is no reason of its own."""
    for reason in ("outbox full", "ping timeout", "Expecting value: <evil>", "x"):
        bar.counts.connection_ended(reason)

    closed = "tapster_connections_closed_total"
    assert bar.value(closed, reason="ping_timeout") == 1
    assert bar.value(closed, reason="protocol_broken") == 2
    assert bar.value("tapster_slow_readers_closed_total", reason="outbox_full") == 1
    assert bar.value("tapster_slow_readers_closed_total", reason="write_timeout") == 3


async def test_refusals_are_counted(bar: Bar) -> None:
    """At the door, by the address, and by the rate."""
    with pytest.raises(BrokerError), bar.refusals:
        raise BrokerError("no", Code.AUTHENTICATION_FAILED)
    for _ in range(3):
        bar.crowd.enter("203.0.113.9")
    bar.counts.events_refused = 4

    failures = "tapster_auth_failures_total"
    assert bar.value(failures, code="authentication_failed") == 1
    assert bar.value(failures, code="authorisation_failed") == 0
    assert bar.value("tapster_connections_refused_total") == 2
    assert bar.value("tapster_events_refused_total") == 4


async def test_longest_mailbox_of_each_kind_is_told(bar: Bar) -> None:
    """And how many actors there are, those of the house included."""
    for name, messages in (("r1", 2), ("r2", 5)):
        ref = Sleepy.start()
        bar.directory.add(Kind.REQUEST, name, ref)
        for each in range(messages):
            ref.tell(each)
    bar.store.tell("a message")

    longest = "tapster_mailbox_longest_messages"
    assert bar.value(longest, kind="request") == 5
    assert bar.value(longest, kind="room") == 0
    assert bar.value(longest, kind="store") == 1
    assert bar.value("tapster_actors", kind="request") == 2
    assert bar.value("tapster_actors", kind="store") == 1


async def test_dead_actor_of_the_house_is_seen(bar: Bar) -> None:
    """Nobody takes its place."""
    await stop(bar.store, timeout=ENOUGH)

    assert bar.value("tapster_actors", kind="store") == 0


@pytest.mark.parametrize("kind", [Faulty, FaultyThread])
async def test_crashes_are_counted_by_the_kind_of_actor(
    bar: Bar, kind: type[Faulty | FaultyThread]
) -> None:
    """Those with a thread as well."""
    before = crashes[kind.__name__]
    ref: pykka.ActorRef[Any] = kind.start()
    ref.tell("now")
    await stop(ref, timeout=ENOUGH)

    counted = bar.value("tapster_actor_crashes_total", actor=kind.__name__)
    assert counted == before + 1


async def test_rooms_are_told_where_the_hall_has_said_them(bar: Bar) -> None:
    """A hall that does not answer has not lost its rooms."""
    before = {name for name, _, _ in bar.samples()}
    bar.collector.rooms = 3

    assert "tapster_rooms" not in before
    assert bar.value("tapster_rooms") == 3


@pytest.mark.parametrize("draining", [False, True])
async def test_it_is_told_whether_the_broker_stops(bar: Bar, *, draining: bool) -> None:
    """From the start, so that a rise can be seen."""
    bar.source.server.draining = draining

    assert bar.value("tapster_draining") == draining


async def test_commits_and_lag_are_told_in_seconds(bar: Bar) -> None:
    """As Prometheus wants all times."""
    bar.commits.observe(0.5)

    assert bar.value("tapster_store_commit_seconds_bucket", le="1.0") == 1
    assert bar.value("tapster_store_commit_seconds_sum") == 0.5
    assert bar.value("tapster_loop_lag_p99_seconds") == 0


def test_only_the_metrics_know_prometheus() -> None:
    """Who counts, counts in plain numbers."""
    sources = [
        path
        for folder in ("actors", "broker")
        for path in (ROOT / folder).rglob("*.py")
        if path.parent != ROOT / "broker" / "metrics"
    ]
    importing = [path.name for path in sources if "prometheus_client" in _imports(path)]

    assert importing == []


def _imports(path: Path) -> set[str]:
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    plain = {a.name for n in nodes if isinstance(n, ast.Import) for a in n.names}
    origins = {n.module or "" for n in nodes if isinstance(n, ast.ImportFrom)}
    return {name.partition(".")[0] for name in plain | origins}
