"""Who hears of which events of which SillyTaverns."""

from __future__ import annotations

from typing import Any

import pytest

from actors.base import LoopActor, LoopRef, stop
from actors.errors import RefusedError
from broker.gateway.registry import SessionRegistry
from broker.gateway.subscriptions import MAX_TARGETS, Subscriptions
from broker.protocol.silly_tavern_frames import announced
from broker.protocol.wire import Event, Namespace

from .fakes import ENOUGH, FakeConnection


class Presence(LoopActor):
    """Lives as long as an identity is here."""

    def on_receive(self, _message: Any) -> None:
        """Do nothing."""


class Person:
    """An identity with one session in ``/llm``."""

    def __init__(self, house: House, identity: str) -> None:
        self._house = house
        self.identity = identity
        self.presence: LoopRef[Presence] = Presence.start()
        self.connection = FakeConnection()
        self.session = self.connection.session(client_id=identity)
        house.registry.add(self.session)

    def wants(self, *events: str, of: str = "tavern") -> None:
        """Subscribe."""
        self._house.subscriptions.subscribe(
            self.identity, self.presence, of, frozenset(events)
        )

    async def leaves(self) -> None:
        """Go, and stay away longer than the grace time."""
        await stop(self.presence, timeout=ENOUGH)

    def heard(self) -> list[tuple[str, str]]:
        """Every event that came: whose, and which."""
        return [
            (data["source"], data["event"])
            for _, (name, data) in self.connection.sent()
            if name == Event.SILLYTAVERN_EVENT
        ]


class Tavern:
    """An extension with one session in ``/sillytavern``."""

    def __init__(self, house: House, identity: str, client: str | None = None) -> None:
        self._house = house
        self.connection = FakeConnection()
        self.session = self.connection.session(
            Namespace.SILLY_TAVERN,
            client_id=client or identity,
            claimed_identity=identity,
            client_type="SillyTavern",
        )
        house.registry.add(self.session)

    def emits(self, event: str) -> None:
        """Announce an event."""
        session = self.session
        packet = announced({"event": event}, session.identity, session.client)
        self._house.subscriptions.publish(session, event, packet)

    def told(self) -> list[list[str]]:
        """Every list of events that it was told is wanted."""
        return [
            data["events"]
            for _, (name, data) in self.connection.sent()
            if name == Event.SUBSCRIBE_EVENTS
        ]


class House:
    """Everybody, and the table between them."""

    def __init__(self) -> None:
        self.registry = SessionRegistry()
        self.subscriptions = Subscriptions(self.registry)

    def tavern(self, identity: str = "tavern", client: str | None = None) -> Tavern:
        """Let an extension in."""
        return Tavern(self, identity, client)

    def person(self, identity: str = "ann") -> Person:
        """Let a client in."""
        return Person(self, identity)


@pytest.fixture
async def house() -> House:
    """Know nobody."""
    return House()


async def test_subscribers_hear_the_events_they_want_and_no_others(
    house: House,
) -> None:
    """Nor does anybody else."""
    tavern, ann, bob = house.tavern(), house.person("ann"), house.person("bob")
    ann.wants("chat", "swipe")
    bob.wants("swipe")

    for event in ("chat", "swipe", "other"):
        tavern.emits(event)

    assert ann.heard() == [("tavern", "chat"), ("tavern", "swipe")]
    assert bob.heard() == [("tavern", "swipe")]


async def test_the_extension_is_told_the_union(house: House) -> None:
    """And only when it changes; empty when nobody wants anything any more."""
    tavern, ann, bob = house.tavern(), house.person("ann"), house.person("bob")
    ann.wants("chat", "swipe")
    bob.wants("swipe")
    bob.wants("swipe", "edit")
    ann.wants()
    bob.wants()

    assert tavern.told() == [
        ["chat", "swipe"],
        ["chat", "edit", "swipe"],
        ["edit", "swipe"],
        [],
    ]


async def test_subscribing_again_replaces(house: House) -> None:
    """The list is all that is wanted."""
    tavern, ann = house.tavern(), house.person()
    ann.wants("chat", "swipe")
    ann.wants("swipe", "edit")

    for event in ("chat", "swipe", "edit"):
        tavern.emits(event)

    assert ann.heard() == [("tavern", "swipe"), ("tavern", "edit")]


async def test_extensions_are_apart(house: House) -> None:
    """What is wanted of one is not wanted of another."""
    one, other, ann = house.tavern("one"), house.tavern("other"), house.person()
    ann.wants("chat", of="one")
    one.emits("chat")
    other.emits("chat")

    assert ann.heard() == [("one", "chat")]
    assert (one.told(), other.told()) == ([["chat"]], [])


async def test_a_client_id_means_all_its_instances(house: House) -> None:
    """One that both names fit is heard once."""
    one, two = house.tavern("tab-1", "tavern"), house.tavern("tab-2", "tavern")
    ann = house.person()
    ann.wants("chat", of="tavern")
    ann.wants("chat", "swipe", of="tab-1")
    for tavern in (one, two):
        tavern.emits("chat")
        tavern.emits("swipe")

    assert ann.heard() == [("tab-1", "chat"), ("tab-1", "swipe"), ("tab-2", "chat")]
    assert one.told()[-1] == ["chat", "swipe"]
    assert two.told() == [["chat"]]


async def test_all_sessions_of_a_subscriber_hear(house: House) -> None:
    """Subscriptions are an identity's, not a socket's."""
    tavern, ann = house.tavern(), house.person()
    second = FakeConnection()
    house.registry.add(second.session(client_id="ann"))
    ann.wants("chat")
    tavern.emits("chat")

    assert len(ann.heard()) == 1
    assert len(second.sent()) == 1


async def test_a_subscriber_that_comes_back_still_hears(house: House) -> None:
    """Its sockets were gone for less than the grace time."""
    tavern, ann = house.tavern(), house.person()
    ann.wants("chat")
    house.registry.remove(ann.session)
    tavern.emits("chat")
    house.registry.add(ann.session)
    tavern.emits("chat")

    assert ann.heard() == [("tavern", "chat")]
    assert tavern.told() == [["chat"]]


async def test_subscriptions_end_with_the_subscriber(house: House) -> None:
    """Then the extension is told, and nothing is kept."""
    tavern, ann = house.tavern(), house.person()
    ann.wants("chat")
    ann.wants("chat", of="elsewhere")
    await ann.leaves()
    tavern.emits("chat")

    assert tavern.told() == [["chat"], []]
    assert ann.heard() == []
    assert house.subscriptions._wishes == {}
    assert house.subscriptions._subscribers == {}


async def test_an_extension_that_comes_back_is_told_again(house: House) -> None:
    """What is wanted of it has outlived its absence, and may have changed."""
    tavern, ann = house.tavern(), house.person()
    ann.wants("chat")
    house.registry.remove(tavern.session)
    ann.wants("swipe")
    back = house.tavern()
    house.subscriptions.remind(back.session)

    assert tavern.told() == [["chat"]]
    assert back.told() == [["swipe"]]


async def test_an_extension_of_which_nothing_is_wanted_is_told_so(
    house: House,
) -> None:
    """It may remember otherwise from before the broker's restart."""
    tavern = house.tavern()
    house.subscriptions.remind(tavern.session)

    assert tavern.told() == [[]]


async def test_a_client_that_is_called_like_a_target_is_told_nothing(
    house: House,
) -> None:
    """Only SillyTaverns are."""
    monitor = FakeConnection()
    session = monitor.session(Namespace.SILLY_TAVERN, client_id="tavern")
    house.registry.add(session)
    house.person().wants("chat")

    assert monitor.sent() == []


async def test_targets_have_a_bound(house: House) -> None:
    """Those that are there can be changed, and one that is ended makes room."""
    ann = house.person()
    for number in range(MAX_TARGETS):
        ann.wants("chat", of=f"tavern-{number}")
    with pytest.raises(RefusedError, match="64 SillyTaverns"):
        ann.wants("chat", of="one-more")
    ann.wants("swipe", of="tavern-0")
    ann.wants(of="tavern-0")
    ann.wants("chat", of="one-more")

    assert len(house.subscriptions._wishes["ann"]) == MAX_TARGETS


async def test_subscribing_and_ending_leaves_nothing_behind(house: House) -> None:
    """However often: one watcher, and no empty tables."""
    ann = house.person()
    for number in range(100):
        ann.wants("chat", of=f"tavern-{number}")
        ann.wants(of=f"tavern-{number}")

    assert house.subscriptions._subscribers == {}
    assert len(ann.presence.actor_inbox.watchers) == 1
