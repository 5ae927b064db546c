"""The answers that an actor has promised: given later, or failed when it ends.

Owns those that are still owed. Must never know the actor: its parts keep this, and an
actor that its own parts hold on to is left to the collector of garbage.
"""

from __future__ import annotations

from typing import Any

from actors.errors import BrokerError
from actors.future import LoopFuture


class Promises:
    """What one actor owes."""

    __slots__ = ("_owed",)

    def __init__(self) -> None:
        self._owed: set[LoopFuture[Any]] = set()

    def make(self) -> LoopFuture[Any]:
        """Make an answer to return from ``on_receive`` now and to set later."""
        answer: LoopFuture[Any] = LoopFuture()
        self._owed.add(answer)
        answer.when_done(self._owed.discard)
        return answer

    def leave_behind(self, answer: LoopFuture[Any]) -> None:
        """Have an answer outlive the actor: somebody else will set it."""
        self._owed.discard(answer)

    def break_all(self, error: BrokerError) -> None:
        """Fail all that is owed."""
        for answer in tuple(self._owed):
            answer.fail(error)
