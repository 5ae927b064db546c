"""Who watches the house, and what each of them gets."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest

from actors.lifecycle import RequestState
from actors.outbound import StatusChanged
from broker.console.feed import PATIENCE, HouseFeed
from broker.console.view import ASKED, ENDED_SHOWN, Sources
from broker.gateway.client_list import ClientList
from broker.gateway.outbound import SocketOutbound
from broker.gateway.outbox import HIGH_WATER
from broker.gateway.registry import SessionRegistry
from broker.gateway.server import TapsterServer
from broker.gateway.session import Session
from broker.gateway.status import ServerStatus
from broker.logs.tap import LogTap
from broker.protocol.json_text import encode
from broker.protocol.wire import MONITOR_TYPE, Event, Namespace
from tests.actors.recording import Bar, Tab
from tests.broker.gateway.fakes import FakeConnection, turns

S = RequestState

logger = logging.getLogger("tests.feed")


class FakeStatus:
    """Figures that change when the test says so."""

    def __init__(self) -> None:
        self.figures: dict[str, Any] = {
            "serverAddress": "http://127.0.0.1",
            "serverPort": 4000,
            "requests": {"active": 0, "queued": 0, "completed": 0, "failed": 0},
            "clients": 0,
            "chunks": 0,
            "uptime": 1.0,
            "memory": 4096,
            "loopLag": 1.0,
            "loopLagP99": 1.0,
        }

    async def report(self) -> dict[str, Any]:
        """The figures, and everything takes its time."""
        await asyncio.sleep(0)
        self.figures["uptime"] += 1
        return dict(self.figures)


class Desk:
    """A house without a network, and a feed of it."""

    def __init__(self, bar: Bar, tap: LogTap) -> None:
        self.bar = bar
        self.now = 100.0
        self.status = FakeStatus()
        self.registry = SessionRegistry()
        self.clients = ClientList(1 << 20, asyncio.get_running_loop())
        self.outbound = SocketOutbound(self.registry, self.clients)
        self.book = self.outbound.book
        sources = Sources(
            house=bar.house,
            status=cast("ServerStatus", self.status),
            server=cast("TapsterServer", SimpleNamespace(draining=False)),
            registry=self.registry,
            clients=self.clients,
            outbound=self.outbound,
            tap=tap,
        )
        self.feed = HouseFeed(sources, lambda: self.now)

    def come(self, identity: str, namespace: str = Namespace.LLM) -> Session:
        """Let somebody in."""
        session = FakeConnection().session(namespace, client_id=identity)
        self.registry.add(session)
        self.clients.came(session)
        return session

    def leave(self, session: Session) -> None:
        """Let somebody go for good."""
        self.registry.remove(session)
        self.clients.left(session)
        self.clients.gone(session.identity)

    def say(self, name: str, state: RequestState, **more: Any) -> None:
        """A requester is told a status."""
        more = {"request": f"id-{name}", "room": "pub", **more}
        notice = StatusChanged(request_id=name, state=state, **more)
        self.book.note("ann", notice)

    async def watch(self) -> Watcher:
        """Let a monitor watch."""
        watcher = Watcher()
        watcher.ack = json.loads(encode(await self.feed.watch(watcher.session)))
        return watcher


class Watcher:
    """A monitor, and what it was told."""

    def __init__(self) -> None:
        self.connection = FakeConnection()
        self.session = self.connection.session(
            Namespace.DEBUG, client_id="monitor", client_type=MONITOR_TYPE
        )
        self.ack: dict[str, Any] = {}

    @property
    def snapshot(self) -> dict[str, Any]:
        """What it was shown first."""
        snapshot: dict[str, Any] = self.ack["snapshot"]
        return snapshot

    def updates(self) -> list[dict[str, Any]]:
        """What it was told after that."""
        sent = [data for _, data in self.connection.sent()]
        assert all(name == Event.HOUSE_UPDATE for name, _ in sent)
        return [fields for _, fields in sent]

    def changes(self, section: str) -> list[Any]:
        """What it was told of one section."""
        told = (update.get("changes", {}) for update in self.updates())
        return [changes[section] for changes in told if section in changes]

    def stop_reading(self) -> None:
        """Take nothing more."""
        self.connection.sink.stuck = True
        self.session.outbox.push(b"\x81\x01" + b"x" * (HIGH_WATER + 1))
        self.session.outbox.flush()
        assert self.session.outbox.blocked
        self.connection.sink.writes.clear()

    async def read_on(self) -> None:
        """Take all that has waited."""
        self.connection.sink.stuck = False
        self.connection.sink.take_all()
        await turns()


@pytest.fixture
def tap() -> Iterator[LogTap]:
    """Listen to the test's own logger."""
    tap = LogTap()
    logger.addHandler(tap)
    logger.setLevel(logging.INFO)
    yield tap
    logger.removeHandler(tap)


@pytest.fixture
async def desk(tap: LogTap) -> Desk:
    """Nobody watches."""
    return Desk(Bar(), tap)


# -- the snapshot


async def test_snapshot_shows_everything(desk: Desk) -> None:
    """Instances, clients, requests in flight and ended, the log, the figures."""
    await desk.bar.tavern("bar", current="Barkeeper")
    desk.come("ann")
    desk.say("a", S.COMPLETED)
    desk.say("b", S.SENT, extension="bar")
    logger.info("hello")
    shown = (await desk.watch()).snapshot

    assert shown["revision"] == 0
    assert shown["house"]["address"] == "http://127.0.0.1:4000"
    assert shown["house"]["policy"] == "Free"
    assert shown["house"]["draining"] is False
    assert shown["instances"]["bar"]["character"] == "Barkeeper"
    assert set(shown["clients"]) == {"ann"}
    states = [each["state"] for each in shown["requests"].values()]
    assert states == ["completed", "sent"]
    assert [line["message"] for line in shown["log"]] == ["hello"]


async def test_snapshot_has_the_last_of_the_ended_requests(desk: Desk) -> None:
    """And all in flight, however old."""
    desk.say("old", S.SENT)
    for number in range(ENDED_SHOWN + 1):
        desk.say(f"r{number}", S.COMPLETED)
    shown = (await desk.watch()).snapshot["requests"]

    assert len(shown) == ENDED_SHOWN + 1
    assert shown["1"]["requestId"] == "old"
    assert "2" not in shown


async def test_watcher_gets_the_samples_of_before(desk: Desk) -> None:
    """They are taken whether somebody watches or not; each is told once."""
    await desk.feed.sample()
    first = await desk.watch()
    await desk.feed.sample()
    second = await desk.watch()
    await desk.feed.tick()

    assert [len(watcher.ack["history"]) for watcher in (first, second)] == [1, 1]
    assert [update["sample"][6] for update in second.updates()] == [0]


# -- what is told after it


async def test_nothing_is_told_where_nothing_has_changed(desk: Desk) -> None:
    """Figures that never rest are no news."""
    desk.come("ann")
    watcher = await desk.watch()
    await desk.feed.tick()
    await desk.feed.tick()

    assert watcher.updates() == []


async def test_only_what_has_changed_is_told(desk: Desk) -> None:
    """Whole entries, by their keys; a revision each."""
    ann = desk.come("ann")
    watcher = await desk.watch()
    desk.come("bob")
    desk.status.figures["clients"] = 2
    await desk.feed.tick()
    desk.leave(ann)
    desk.say("a", S.QUEUED, position=1)
    await desk.feed.tick()
    first, second = watcher.updates()

    assert (first["revision"], second["revision"]) == (1, 2)
    assert list(first["changes"]) == ["house", "clients"]
    assert first["changes"]["house"] == {"clients": 2}
    assert set(first["changes"]["clients"]["set"]) == {"bob"}
    assert second["changes"]["clients"] == {"gone": ["ann"]}
    assert second["changes"]["requests"]["set"]["1"]["position"] == 1


async def test_sample_brings_the_figures_that_never_rest(desk: Desk) -> None:
    """Every few seconds, and nobody has to ask for them."""
    watcher = await desk.watch()
    await desk.feed.sample()
    await desk.feed.tick()
    (update,) = watcher.updates()

    assert update["sample"][5] == 4096
    assert set(update["changes"]["house"]) == {
        "uptime",
        "memory",
        "loopLag",
        "loopLagP99",
    }


async def test_all_who_are_up_to_date_get_the_same_bytes(desk: Desk) -> None:
    """One encoding, whoever came when."""
    first = await desk.watch()
    desk.come("ann")
    await desk.feed.tick()
    second = await desk.watch()
    desk.come("bob")
    await desk.feed.tick()

    assert second.snapshot["revision"] == 1
    assert first.updates()[-1] == second.updates()[-1]
    last = [w.connection.sink.writes[-1] for w in (first, second)]
    assert last[0] is last[1]


async def test_lines_of_the_log_are_told_once(desk: Desk) -> None:
    """Whoever comes in between has those of before in the snapshot."""
    first = await desk.watch()
    logger.info("one")
    second = await desk.watch()
    await desk.feed.tick()
    logger.info("two")
    await desk.feed.tick()

    for watcher in (first, second):
        shown = [watcher.snapshot["log"], *watcher.changes("log")]
        assert [line["message"] for lines in shown for line in lines] == ["one", "two"]


async def test_ended_requests_leave_when_there_are_too_many(desk: Desk) -> None:
    """What a watcher holds does not grow."""
    watcher = await desk.watch()
    desk.say("first", S.COMPLETED)
    await desk.feed.tick()
    for number in range(ENDED_SHOWN):
        desk.say(f"r{number}", S.COMPLETED)
    await desk.feed.tick()

    assert watcher.changes("requests")[-1]["gone"] == ["1"]


async def test_relays_tell_how_far_answers_are(desk: Desk) -> None:
    """They are asked with each look, while somebody watches."""
    await desk.bar.tavern("tavern")
    tab = Tab(desk.bar)
    await tab.begin()
    desk.say("r", S.STREAMING, request=tab.request, extension="tavern")
    watcher = await desk.watch()
    tab.start()
    for word in ("once", "upon"):
        tab.chunk(word)
    await desk.feed.tick()

    assert watcher.snapshot["requests"]["1"]["chunks"] == 0
    assert watcher.changes("requests")[-1]["set"]["1"]["chunks"] == 2


# -- instances


async def test_state_of_an_instance_is_told(desk: Desk) -> None:
    """Lost, idle, busy; gone when it does not come back."""
    ref = await desk.bar.tavern("tavern")
    watcher = await desk.watch()
    states = [watcher.snapshot["instances"]["tavern"]["state"]]
    session = desk.come("tavern")
    await desk.feed.tick()
    tab = Tab(desk.bar)
    await tab.begin()
    await desk.feed.tick()
    told = watcher.changes("instances")
    states += [change["set"]["tavern"]["state"] for change in told]
    desk.leave(session)
    ref.actor_inbox.close()
    desk.bar.house.directory._remove(ref)
    await desk.feed.tick()

    assert states == ["lost", "idle", "busy"]
    assert watcher.changes("instances")[-1] == {"gone": ["tavern"]}


@pytest.mark.parametrize(
    ("current", "shown"),
    [
        ("Barkeeper", "Barkeeper"),
        ({"name": "Barkeeper", "avatar": "x.png"}, "Barkeeper"),
        ({"name": 7}, None),
        (None, None),
        ("x" * 1_000, "x" * 200),
    ],
)
async def test_character_is_shown_by_its_name(
    desk: Desk, current: Any, shown: str | None
) -> None:
    """Extensions describe it as they like."""
    await desk.bar.tavern("bar", current=current)

    assert (await desk.watch()).snapshot["instances"]["bar"]["character"] == shown


async def test_of_many_instances_each_has_its_turn(desk: Desk) -> None:
    """A look costs no more, however many there are."""
    names = {f"bar-{number}" for number in range(ASKED + 1)}
    for name in names:
        await desk.bar.tavern(name)
    watcher = await desk.watch()
    await desk.feed.tick()
    later = {key for change in watcher.changes("instances") for key in change["set"]}

    assert len(watcher.snapshot["instances"]) == ASKED
    assert set(watcher.snapshot["instances"]) | later == names


# -- slow watchers, and those that leave


async def test_slow_watcher_gets_everything_anew_when_it_has_caught_up(
    desk: Desk,
) -> None:
    """Nothing waits for it meanwhile."""
    slow, quick = await desk.watch(), await desk.watch()
    slow.stop_reading()
    for name in ("ann", "bob"):
        desk.come(name)
        await desk.feed.tick()
    waited = len(slow.connection.sink.writes)
    await slow.read_on()
    (update,) = slow.updates()

    assert len(quick.updates()) == 2
    assert waited == 0
    assert update["revision"] == 2
    assert set(update["snapshot"]["clients"]) == {"ann", "bob"}
    assert update["snapshot"]["revision"] == 2


async def test_slow_watcher_that_missed_nothing_gets_nothing(desk: Desk) -> None:
    """It is not behind."""
    slow = await desk.watch()
    slow.stop_reading()
    await desk.feed.tick()
    await slow.read_on()

    assert slow.updates() == []


async def test_watcher_that_stays_behind_is_dropped(desk: Desk) -> None:
    """Before anybody who does more than watch."""
    slow = await desk.watch()
    slow.stop_reading()
    desk.come("ann")
    await desk.feed.tick()
    desk.now += PATIENCE
    await desk.feed.tick()
    before = slow.connection.overflows
    desk.now += 1
    await desk.feed.tick()

    assert (before, slow.connection.overflows) == (0, 1)


async def test_nobody_who_has_stopped_is_told(desk: Desk) -> None:
    """By saying so, or by leaving."""
    stays, stops, leaves = [await desk.watch() for _ in range(3)]
    desk.feed.unwatch(stops.session)
    desk.feed.unwatch(stops.session)
    leaves.session.verified = False
    desk.come("ann")
    await desk.feed.tick()

    told = [len(watcher.updates()) for watcher in (stays, stops, leaves)]
    assert told == [1, 0, 0]


async def test_one_who_stops_while_behind_is_not_told_later(desk: Desk) -> None:
    """Though it catches up."""
    slow = await desk.watch()
    slow.stop_reading()
    desk.come("ann")
    await desk.feed.tick()
    desk.feed.unwatch(slow.session)
    await slow.read_on()

    assert slow.updates() == []


async def test_nobody_is_listened_to_where_nobody_watches(desk: Desk) -> None:
    """The last who leaves puts the lights out; the next has everything again."""
    book, clients = desk.book, desk.clients
    at_first = book.observer, clients.observer
    watcher = await desk.watch()
    meanwhile = book.observer, clients.observer
    desk.feed.unwatch(watcher.session)
    await desk.feed.tick()
    desk.come("ann")
    again = await desk.watch()

    assert at_first != meanwhile
    assert set(again.snapshot["clients"]) == {"ann"}
    desk.feed.unwatch(again.session)
    await desk.feed.tick()
    assert (book.observer.__name__, clients.observer.__name__) == ("_ignore",) * 2


async def test_look_that_fails_leaves_nothing_behind(desk: Desk) -> None:
    """The next who wants to watch can."""

    async def fail() -> dict[str, Any]:
        raise RuntimeError("a bug of ours")

    report, desk.status.report = desk.status.report, fail  # type: ignore[method-assign]
    with pytest.raises(RuntimeError, match="a bug of ours"):
        await desk.watch()
    desk.status.report = report  # type: ignore[method-assign]

    assert (await desk.watch()).snapshot["clients"] == {}


async def test_feed_goes_on_after_a_look_that_failed(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The log says why; a console that stands still says less."""
    monkeypatch.setattr("broker.console.feed.UPDATE_EVERY", 0)
    watcher = await desk.watch()
    report, third_look = desk.status.report, asyncio.Event()
    looks = 0

    async def fail_first() -> dict[str, Any]:
        nonlocal looks
        looks += 1
        if looks == 1:
            raise RuntimeError("a bug of ours")
        if looks == 3:
            third_look.set()
        return await report()

    desk.status.report = fail_first  # type: ignore[method-assign]
    desk.come("ann")
    running = asyncio.create_task(desk.feed.run())
    await third_look.wait()
    running.cancel()

    assert set(watcher.changes("clients")[0]["set"]) == {"ann"}
    assert "the house could not be looked at" in caplog.text
