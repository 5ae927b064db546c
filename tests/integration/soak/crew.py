"""Extensions of every temper, and the accidents that happen to connections."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Final

from broker.client import IncomingOrder, TapsterClient, TapsterExtension

FAILS: Final = 0.05
FALLS_SILENT: Final = 0.01
LONGEST: Final = 30
"""Words of an answer."""
SLOWEST: Final = 0.05
"""Seconds between two words."""


class Moody:
    """Answers, fails or falls silent, at its own speed, as the dice have it."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice

    async def answer(self, _order: IncomingOrder) -> AsyncIterator[str]:
        """Tell a story, perhaps not to its end."""
        mood = self._dice.random()
        pace = self._dice.random() * SLOWEST
        length = self._dice.randint(1, LONGEST)
        for number in range(length):
            if number == length // 2:
                if mood < FAILS:
                    raise RuntimeError("I forgot how it goes on.")
                if mood > 1 - FALLS_SILENT:
                    await asyncio.Event().wait()
            yield f"word-{number} "
            await asyncio.sleep(self._dice.random() * pace)
        yield "The end."


def is_story(text: str) -> bool:
    """Whether a text is a whole answer, every word once and in its place."""
    words = text.split(" ")
    told = [f"word-{number}" for number in range(len(words) - 2)]
    return words == [*told, "The", "end."]


def cut(session: TapsterClient | TapsterExtension) -> bool:
    """Lose the network, without a farewell; the session comes back by itself."""
    link = session._connection.link
    if link is None:
        return False
    link._sio.eio.ws._response.connection.transport.abort()
    return True
