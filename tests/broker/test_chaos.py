"""Crashes that are made on purpose, and who may have them made."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest

from actors.base import LoopRef, crashes, watch
from actors.directory import Directory, Kind
from broker import config
from broker.chaos import Chaos, Fault
from tests.actors.recording import ENOUGH, Bar, Tab


async def ended(ref: LoopRef[Any]) -> None:
    """Wait until an actor has ended."""
    gone = asyncio.Event()
    watch(ref, lambda _: gone.set())
    async with asyncio.timeout(ENOUGH):
        await gone.wait()


async def test_strike_crashes_an_actor_of_any_kind() -> None:
    """No actor knows what it is told, and each crashes as on a bug of ours."""
    bar = Bar()
    await bar.tavern()
    tab = Tab(bar)
    await tab.begin()
    directory = bar.house.directory
    # In this order: a request ends, by itself, with its extension.
    kinds = (Kind.REQUEST, Kind.ROOM, Kind.EXTENSION)
    before = crashes.total()
    for kind in kinds:
        ref = directory.find(kind, next(directory.names(kind)))
        assert ref is not None
        ref.tell(Fault())
        await ended(ref)

    assert crashes.total() == before + len(kinds)


async def test_strike_finds_nobody_in_an_empty_house() -> None:
    """And does nothing."""
    dice = random.Random(1)  # noqa: S311

    assert Chaos(Directory(), dice).strike() is None


async def test_strike_names_whom_it_hit() -> None:
    """Whoever looks at the log finds the same one there."""
    bar = Bar()
    ref = await bar.tavern()
    dice = random.Random(1)  # noqa: S311
    hit = Chaos(bar.house.directory, dice).strike()
    await ended(ref)

    assert hit == (Kind.EXTENSION, "tavern")


def test_only_the_environment_starts_chaos(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing else may: there is no setting of that name either."""
    monkeypatch.delenv(config.CHAOS_VARIABLE, raising=False)
    nothing = config.chaos_pause()
    monkeypatch.setenv(config.CHAOS_VARIABLE, "0.5")

    assert nothing is None
    assert config.chaos_pause() == 0.5
    assert not [n for n in config.ServerSettings.__struct_fields__ if "chaos" in n]


@pytest.mark.parametrize("value", ["often", "0", "-1"])
def test_chaos_needs_a_time(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    """A misspelt one is no silence."""
    monkeypatch.setenv(config.CHAOS_VARIABLE, value)

    with pytest.raises(config.SettingsError, match=config.CHAOS_VARIABLE):
        config.chaos_pause()
