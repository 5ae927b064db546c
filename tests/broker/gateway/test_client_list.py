"""Who is here, who is told, and how often."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from broker.gateway.client_list import (
    INTERVAL,
    INTERVAL_PER_CLIENT,
    SETTLE,
    SHOWN_TEXT,
    ClientList,
)
from broker.gateway.session import Session
from broker.protocol.wire import MONITOR_TYPE, SILLY_TAVERN_TYPE, Namespace

from .fakes import FakeConnection

PLENTY = 1 << 20
UPDATE = "UPDATE_CONNECTED_CLIENTS"
FULL_UPDATE = "CONNECTED_CLIENTS_UPDATE"


class FakeLoop:
    """Time that goes on when the test says so."""

    def __init__(self) -> None:
        self.now = 100.0
        self.timers: list[tuple[float, Callable[[], None]]] = []

    def time(self) -> float:
        """What the clock shows."""
        return self.now

    def call_at(self, when: float, callback: Callable[[], None]) -> None:
        """Remember what is to ring."""
        self.timers.append((when, callback))

    def run(self, seconds: float) -> None:
        """Let time pass, and timers ring."""
        end = self.now + seconds
        while due := sorted(t for t in self.timers if t[0] <= end + 1e-9):
            self.timers.remove(due[0])
            self.now, callback = due[0]
            callback()
        self.now = end


class Listener:
    """A session that is told, and what it was."""

    def __init__(self, kind: str, namespace: str, name: str) -> None:
        self.connection = FakeConnection()
        self.session = self.connection.session(
            namespace, client_id=name, client_type=kind
        )

    def told(self, name: str = UPDATE) -> list[Any]:
        """The data of all events of a name so far."""
        packets = [data for _, data in self.connection.sent()]
        return [data[1] for data in packets if data[0] == name]


class Front:
    """A list and its loop."""

    def __init__(self, limit: int = PLENTY) -> None:
        self.loop = FakeLoop()
        self.list = ClientList(
            limit,
            self.loop,
            clock=lambda: 0.0,
        )

    def listener(
        self, kind: str = MONITOR_TYPE, namespace: str = Namespace.CLIENTS
    ) -> Listener:
        """Let one in, and let it have what it is told at once."""
        listener = Listener(kind, namespace, f"{kind}-{namespace}")
        self.list.came(listener.session)
        self.loop.run(1)
        listener.connection.forget()
        return listener

    def come(
        self, identity: str, namespace: str = Namespace.LLM, **handshake: Any
    ) -> Session:
        """Let somebody in."""
        handshake = {"client_id": identity, "claimed_identity": identity, **handshake}
        session = FakeConnection().session(namespace, **handshake)
        self.list.came(session)
        return session

    def entries(self) -> list[dict[str, Any]]:
        """The list as one who asks gets it."""
        clients: list[dict[str, Any]] = json.loads(
            msgspec.json.encode(self.list.fields())
        )["clients"]
        return clients

    def names(self) -> list[str]:
        """The identities on it."""
        return [entry["identity"] for entry in self.entries()]


@pytest.fixture
async def front() -> Front:
    """Nobody is here."""
    return Front()


def identities(told: Any) -> list[str]:
    """Who stands on a list that was sent."""
    return [entry["identity"] for entry in told["clients"]]


# -- what stands on it


async def test_entry_says_everything_but_keys(front: Front) -> None:
    """Section 11; exactly these fields."""
    front.come(
        "ann-tab",
        client_id="ann",
        client_type="web-app",
        key="tap_secret",
        password="beer",
        desc="a guest",
        html="<b>Ann</b>",
        name="Ann",
        avatar="/ann.png",
    )

    assert front.entries() == [
        {
            "clientId": "ann",
            "id": "ann",
            "identity": "ann-tab",
            "clientType": "web-app",
            "desc": "a guest",
            "description": "a guest",
            "html": "<b>Ann</b>",
            "name": "Ann",
            "avatar": "/ann.png",
            "rooms": ["ann-tab"],
            "status": "online",
            "connectedAt": "1970-01-01T00:00:00.000Z",
        }
    ]


async def test_identity_stands_on_it_once(front: Front) -> None:
    """However many sockets it has."""
    front.come("ann", namespace=Namespace.LLM)
    front.come("ann", namespace=Namespace.ROOMS)

    assert front.names() == ["ann"]
    assert len(front.list) == 1


async def test_newest_session_describes_it(front: Front) -> None:
    """It may have changed its name."""
    front.come("ann", name="Ann")
    front.come("ann", name="Anna")

    assert front.entries()[0]["name"] == "Anna"


async def test_who_has_dropped_out_is_away_until_the_grace_time_is_over(
    front: Front,
) -> None:
    """Section 1: it leaves the list when that has passed."""
    session = front.come("ann")
    front.list.left(session)
    away = front.entries()[0]["status"]
    front.list.gone("ann")

    assert away == "away"
    assert front.names() == []


async def test_who_comes_back_is_online_as_of_before(front: Front) -> None:
    """Nobody has left."""
    front.list.left(front.come("ann"))
    front.come("ann")

    assert front.entries()[0]["status"] == "online"


async def test_who_still_has_a_socket_stays(front: Front) -> None:
    """An actor that crashed does not make anybody leave."""
    first, _second = front.come("ann"), front.come("ann")
    front.list.left(first)
    front.list.gone("ann")

    assert front.entries()[0]["status"] == "online"


async def test_rooms_are_what_somebody_else_knows(front: Front) -> None:
    """Of an identity, and of all instances of a client."""
    for identity in ("ann-1", "ann-2"):
        front.come(identity, client_id="ann")
        front.list.rooms_changed(identity, (identity, "lobby"))

    assert front.entries()[0]["rooms"] == ["ann-1", "lobby"]
    assert front.list.rooms_of_client("ann") == ["ann-1", "lobby", "ann-2"]
    assert front.list.rooms_of_client("bob") == []


async def test_texts_are_left_out_before_a_list_is_cut() -> None:
    """A list must fit into what may wait for a socket."""
    front = Front(limit=2_000)
    for number in range(4):
        front.come(f"ann-{number}", html="x" * 1_000)

    assert [entry["html"] for entry in front.entries()] == [""] * 4


async def test_cut_list_says_how_many_there_are() -> None:
    """So that nobody takes it for everybody."""
    front = Front(limit=2_000)
    for number in range(100):
        front.come(f"ann-{number}")
    fields = front.list.fields()

    assert 0 < len(front.entries()) < 100
    assert fields["total"] == 100
    assert len(bytes(fields["clients"])) <= 2_000


# -- who is told


@pytest.mark.parametrize(
    ("kind", "namespace", "events"),
    [
        (MONITOR_TYPE, Namespace.DEFAULT, [UPDATE]),
        (MONITOR_TYPE, Namespace.CLIENTS, [UPDATE]),
        (MONITOR_TYPE, Namespace.LLM, []),
        (SILLY_TAVERN_TYPE, Namespace.DEFAULT, []),
        (SILLY_TAVERN_TYPE, Namespace.CLIENTS, [UPDATE, FULL_UPDATE]),
        ("web-app", Namespace.DEFAULT, []),
        ("web-app", Namespace.CLIENTS, []),
    ],
)
async def test_only_monitors_and_silly_taverns_are_told(
    front: Front, kind: str, namespace: str, events: list[str]
) -> None:
    """Section 3."""
    listener = front.listener(kind, namespace)
    front.come("ann")
    front.loop.run(1)
    heard = [data[0] for _, data in listener.connection.sent()]

    assert heard == events


async def test_silly_tavern_is_told_who_is_none(front: Front) -> None:
    """``nonSillyTavernClients``."""
    listener = front.listener(SILLY_TAVERN_TYPE)
    front.come("ann")
    front.loop.run(1)
    (told,) = listener.told(FULL_UPDATE)

    assert identities(told) == ["SillyTavern-/clients", "ann"]
    assert [entry["identity"] for entry in told["nonSillyTavernClients"]] == ["ann"]


async def test_who_comes_to_listen_is_told_who_is_here(front: Front) -> None:
    """It need not wait for the next change."""
    front.come("ann")
    front.loop.run(1)
    listener = Listener(MONITOR_TYPE, Namespace.DEFAULT, "monitor")
    front.list.came(listener.session)
    front.loop.run(1)

    assert [identities(told) for told in listener.told()] == [["ann", "monitor"]]


async def test_who_has_left_is_told_no_more(front: Front) -> None:
    """Nothing is kept for them."""
    listener = front.listener()
    front.list.left(listener.session)
    front.come("ann")
    front.loop.run(1)

    assert listener.told() == []


async def test_nobody_listening_is_no_work(front: Front) -> None:
    """Not even a timer."""
    for number in range(10):
        front.list.left(front.come(f"ann-{number}"))

    assert front.loop.timers == []


async def test_second_socket_of_an_identity_is_no_news(front: Front) -> None:
    """Clients join up to eight namespaces."""
    front.listener()
    front.come("ann")
    front.loop.run(1)
    front.come("ann", namespace=Namespace.ROOMS)

    assert front.loop.timers == []


@pytest.mark.parametrize("step", ["came", "left", "gone", "back", "rooms"])
async def test_every_change_is_told(front: Front, step: str) -> None:
    """Coming, going, coming back; and what somebody else knows of."""
    listener = front.listener()
    session = front.come("ann")
    if step != "came":
        front.loop.run(1)
        listener.connection.forget()
    if step in ("left", "gone", "back"):
        front.list.left(session)
    if step == "gone":
        front.list.gone("ann")
    elif step == "back":
        front.come("ann")
    elif step == "rooms":
        front.list.rooms_changed("ann", ("ann", "lobby"))
    front.loop.run(1)

    assert len(listener.told()) == 1


# -- how often


async def test_what_happens_at_once_is_told_once(front: Front) -> None:
    """Soon, and with everybody on it."""
    listener = front.listener()
    for number in range(5):
        front.come(f"ann-{number}")
    front.loop.run(SETTLE)
    (told,) = listener.told()

    assert len(told["clients"]) == 6


async def test_lists_are_200_milliseconds_apart(front: Front) -> None:
    """Section 3; and the last change is never left untold."""
    listener = front.listener()
    for number in range(10):
        front.come(f"ann-{number}")
        front.loop.run(0.05)
    during = len(listener.told())
    front.loop.run(1)
    told = listener.told()

    assert during == 3
    assert len(told) == 4
    assert len(told[-1]["clients"]) == 11


async def test_long_lists_are_told_less_often(front: Front) -> None:
    """Section 3: never more often than every (number of clients)/100 s."""
    listener = front.listener()
    for number in range(99):
        front.come(f"ann-{number}")
    front.loop.run(SETTLE)
    before = len(listener.told())
    front.come("bob")
    front.loop.run(101 * INTERVAL_PER_CLIENT - 0.01)
    early = len(listener.told()) - before
    front.loop.run(0.02)

    assert (before, early) == (1, 0)
    assert len(listener.told()) == 2


async def test_list_that_grows_while_it_waits_waits_longer(front: Front) -> None:
    """The number is that of the moment in which it is told."""
    listener = front.listener()
    front.come("ann")
    front.loop.run(SETTLE)
    front.come("bob")
    for number in range(97):
        front.come(f"ann-{number}")
    front.loop.run(INTERVAL)
    early = len(listener.told())
    front.loop.run(1)

    assert early == 1
    assert len(listener.told()) == 2


async def test_list_is_encoded_once_for_all(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever gets it, gets the same bytes."""
    monitors = [
        Listener(MONITOR_TYPE, Namespace.CLIENTS, f"monitor-{n}") for n in range(3)
    ]
    pushed: list[bytes] = []
    for each in monitors:
        front.list.came(each.session)
    front.loop.run(1)
    monkeypatch.setattr(
        "broker.gateway.outbox.Outbox.push", lambda _, packet: pushed.append(packet)
    )
    front.come("ann")
    front.loop.run(1)

    assert len(pushed) == 3
    assert len({id(packet) for packet in pushed}) == 1


async def test_slow_listener_gets_one_list_when_it_has_caught_up(front: Front) -> None:
    """Lists do not pile up in its outbox."""
    listener = front.listener()
    outbox = listener.connection.outbox
    outbox.blocked = True
    for number in range(5):
        front.come(f"ann-{number}")
        front.loop.run(1)
    outbox._ready()
    front.loop.run(1)

    assert [len(told["clients"]) for told in listener.told()] == [6]


# -- for who watches the house


async def test_entry_is_shown_without_what_a_page_must_load(front: Front) -> None:
    """Neither HTML nor pictures; texts are cut."""
    front.come("tab", client_id="ann", desc="d" * 1_000, html="<b>", avatar="x.png")
    shown = msgspec.to_builtins(front.list.show("tab"))

    assert shown == {
        "identity": "tab",
        "clientId": "ann",
        "clientType": "",
        "desc": "d" * SHOWN_TEXT,
        "name": "",
        "address": "127.0.0.1",
        "status": "online",
        "rooms": 1,
        "connectedAt": "1970-01-01T00:00:00.000Z",
    }
    assert front.list.show("nobody") is None


async def test_whoever_observes_is_told_of_each_change(front: Front) -> None:
    """Who came, moved, left, and is gone."""
    told: list[str] = []
    front.list.observer = told.append
    session = front.come("ann")
    front.list.rooms_changed("ann", ("ann", "pub"))
    shown = front.list.show("ann")
    front.list.left(session)
    away = front.list.show("ann")
    front.list.gone("ann")

    assert told == ["ann"] * 4
    assert shown is not None
    assert away is not None
    assert (shown.rooms, away.status) == (2, "away")
    assert front.list.identities() == []
