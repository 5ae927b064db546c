"""A room of the model: its state, its words, and who is changing it just now.

Deeds in one room go one after another, so that the model knows their order; words and
orders go whenever they like. What the rules say of those is only compared where no
deed was under way meanwhile.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any

from broker.client import BrokerRefusedError, UnreachableError
from broker.protocol.wire import Event, Namespace

from .ledger import Ledger
from .rules import Deed, RoomState

Call = Callable[[Namespace, Event, dict[str, Any]], Awaitable[dict[str, Any]]]
"""How a deed gets to the broker."""


@dataclass
class Report:
    """What happened, and what should not have."""

    counts: Counter[str] = field(default_factory=Counter)
    differences: list[str] = field(default_factory=list)

    def wrong(self, what: str) -> None:
        """Note a difference between the broker and the model."""
        self.differences.append(what)


class Place:
    """One room."""

    def __init__(self, name: str, report: Report) -> None:
        self.name = name
        self.state = RoomState()
        self.ledger = Ledger()
        self.doubt: tuple[Deed, RoomState] | None = None
        """The deed that may or may not have been done, and what it would lead to."""
        self.exits: Counter[str] = Counter()
        """How often each has gone out."""
        self._report = report
        self._turn = asyncio.Lock()
        self._changes = 0

    def moment(self) -> int | None:
        """A mark that stays the same until the next deed; None: one is under way."""
        return None if self._turn.locked() or self.doubt else self._changes

    def unchanged_since(self, moment: int | None) -> bool:
        """Whether no deed was under way since a moment."""
        return moment is not None and moment == self.moment()

    async def do(self, call: Call, deed: Deed) -> None:
        """Do a deed and hold the broker to the rules."""
        async with self._turn:
            if self.doubt is not None:
                return
            self._changes += 1
            expected = self.state.after(deed)
            name = f"{deed.what} {'done' if expected else 'refused'}"
            try:
                await call(Namespace.ROOMS, deed.what, deed.data())
            except BrokerRefusedError as refusal:
                if expected is not None:
                    self._report.wrong(f"{deed} was refused: {refusal}")
            except UnreachableError:
                if expected is not None:
                    self.doubt = deed, expected
                return
            else:
                if expected is None:
                    self._report.wrong(f"{deed} was not refused in {self.state}")
                else:
                    self.become(expected)
            self._report.counts[name] += 1

    async def calm(self, call: Call, monitor: str, mode: str) -> None:
        """Have a monitor set the mode: the rules let it do anything."""
        data = {"roomName": self.name, "mode": mode}
        async with self._turn:
            if self.state.exists:
                event = Event.SET_ROOM_MESSAGE_REQUEST_MODE
                await call(Namespace.ROOMS, event, data)
                told = (*self.state.told, f"{monitor} set the mode to {mode}")
                self.state = replace(self.state, mode=mode, told=told)

    def become(self, state: RoomState) -> None:
        """Go on in another state."""
        for who in self.state.roles.keys() - state.roles.keys():
            self.exits[who] += 1
        if not state.exists:
            self.ledger.clear()
        self.state = state
