"""One request under each connection policy: who is asked, and who takes over."""

from __future__ import annotations

from typing import Any

import pytest

from actors.assignments import SetPolicy
from actors.base import LoopRef, ask
from actors.directory import Kind
from actors.extension import Extension, GetDetails, Lost
from actors.lifecycle import RequestState
from actors.outbound import OrderPlaced
from actors.policies import ConnectionPolicy
from actors.roles import Caller, CallerKind
from tests.actors.recording import ENOUGH, SHORT, Bar, Tab

MONITOR = Caller("monitor", "monitor", CallerKind.MONITOR)
ONE_EACH = [ConnectionPolicy.BALANCED, ConnectionPolicy.RANDOM]


async def bar_under(policy: ConnectionPolicy, *taverns: str, **times: Any) -> Bar:
    """A house with a policy and some extensions."""
    bar = Bar(**times)
    await ask(bar.house.assignments, SetPolicy(policy, MONITOR), timeout=ENOUGH)
    for name in taverns:
        await bar.tavern(name)
    return bar


async def lose(bar: Bar, name: str, *, deliberate: bool = False) -> None:
    """An extension's socket is gone."""
    ref: LoopRef[Extension] | None = bar.house.directory.find(Kind.EXTENSION, name)
    assert ref is not None
    ref.tell(Lost(deliberate))
    if not deliberate:
        await ask(ref, GetDetails(), timeout=ENOUGH)


def asked(bar: Bar) -> list[str]:
    """The extensions that were sent the request, in order."""
    return [notice.extension for notice in bar.outbound.of(OrderPlaced)]


async def test_under_broadcast_everybody_is_asked_once() -> None:
    """And the request ends when the last of them has answered."""
    bar = await bar_under(ConnectionPolicy.BROADCAST, "a", "b", "c")
    tab = Tab(bar)
    await tab.begin()
    for name in ("a", "b", "c"):
        tab.chunk(name, output=name, stream=name, by=name)
        tab.end(output=name, stream=name, by=name)
    await tab.ended()

    assert sorted(asked(bar)) == ["a", "b", "c"]
    assert bar.outbound.ends() == [RequestState.COMPLETED]
    assert [bar.outbound.text("web", name) for name in "abc"] == [b"a", b"b", b"c"]


async def test_under_broadcast_a_lost_leg_does_not_move() -> None:
    """Not to the others, and not to one that has come since."""
    bar = await bar_under(ConnectionPolicy.BROADCAST, "a", "b")
    tab = Tab(bar)
    await tab.begin()
    await bar.tavern("late")
    await lose(bar, "a", deliberate=True)
    tab.chunk("b", by="b")
    tab.end(by="b")

    assert (await tab.ended()).state is RequestState.COMPLETED
    assert sorted(asked(bar)) == ["a", "b"]


async def test_under_broadcast_a_silent_leg_ends_for_itself() -> None:
    """The others' answers count."""
    bar = await bar_under(
        ConnectionPolicy.BROADCAST, "a", "b", first_token_timeout=10 * SHORT
    )
    tab = Tab(bar)
    await tab.begin()
    tab.chunk("b", by="b")
    await tab.state()
    tab.end(by="b")

    assert (await tab.ended()).state is RequestState.COMPLETED
    assert sorted(asked(bar)) == ["a", "b"]


@pytest.mark.parametrize("policy", ONE_EACH)
async def test_a_request_moves_when_its_room_does(policy: ConnectionPolicy) -> None:
    """Its one extension has gone, and the room is given another."""
    bar = await bar_under(policy, "a")
    tab = Tab(bar)
    await tab.begin()
    await bar.tavern("b")
    await lose(bar, "a", deliberate=True)
    await bar.outbound.until(lambda: len(asked(bar)) == 2)
    tab.chunk("Hello", by="b")
    tab.end(by="b")

    assert (await tab.ended()).state is RequestState.COMPLETED
    assert asked(bar) == ["a", "b"]


@pytest.mark.parametrize("policy", ONE_EACH)
async def test_a_request_waits_for_its_room_s_extension(
    policy: ConnectionPolicy,
) -> None:
    """It was lost; within its grace time the room has no other."""
    bar = await bar_under(policy, "a")
    tab = Tab(bar)
    await tab.begin()
    await bar.tavern("b")
    await lose(bar, "a")

    assert await tab.state() is RequestState.SENT
    assert asked(bar) == ["a"]
