"""Chaos: crashes an actor now and then, to see that the house bears it.

Owns the dice and nothing else. It runs only where the environment says so
(``broker.config.CHAOS_VARIABLE``); no event, setting or address may ever start it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import AsyncIterator

import msgspec

from actors.directory import Directory, Kind, Name
from broker.config import chaos_pause
from broker.meanwhile import meanwhile

logger = logging.getLogger(__name__)


class Fault(msgspec.Struct, frozen=True):
    """No actor knows it: whoever is told it crashes, as on a bug of ours."""


class Chaos:
    """Strikes at named actors, every kind as often as the others."""

    def __init__(self, directory: Directory, dice: random.Random) -> None:
        self._directory = directory
        self._dice = dice

    def strike(self) -> Name | None:
        """Crash an actor; gives its name, None where there is none."""
        kinds = [kind for kind in Kind if self._directory.count(kind)]
        if not kinds:
            return None
        kind = self._dice.choice(kinds)
        name = self._dice.choice(list(self._directory.names(kind)))
        ref = self._directory.find(kind, name)
        if ref is not None:
            ref.tell(Fault())
        return Name(kind, name)

    async def run(self, pause: float) -> None:
        """Strike about every ``pause`` seconds, until cancelled."""
        logger.warning("chaos is on: an actor crashes about every %g s", pause)
        while True:
            await asyncio.sleep(2 * pause * self._dice.random())
            self.strike()


@contextlib.asynccontextmanager
async def crashes_on_purpose(directory: Directory) -> AsyncIterator[None]:
    """Strike until the end, where the environment wants it.

    Raises:
        SettingsError: it names no time to strike after.
    """
    pause = chaos_pause()
    if pause is None:
        yield
        return
    chaos = Chaos(directory, random.Random())  # noqa: S311 - not a secret
    async with meanwhile(chaos.run(pause)):
        yield
