"""What who ordered hears first: that the request is taken on, or why it is not.

A part of the relay actor, which owns the instance. Owns that one answer and what is
known of the store. Must never promise what is not stored without saying so; reads the
legs and changes none.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

import msgspec

from actors.errors import BrokerError
from actors.future import LoopFuture
from actors.house import House
from actors.leg import Leg
from actors.lifecycle import RequestState
from actors.records import Committed, Mark


class Accepted(msgspec.Struct, frozen=True):
    """The request is taken on."""

    state: RequestState
    position: int | None = None
    warning: str | None = None


class Acceptance:
    """The answer to one order."""

    __slots__ = (
        "_answer",
        "_house",
        "_legs",
        "_recorded_because",
        "_stored",
    )

    def __init__(self, house: House, legs: Mapping[str, Leg]) -> None:
        self._house = house
        self._legs = legs
        self._answer: LoopFuture[Accepted] | None = None
        self._stored: bool | None = None
        self._recorded_because: str | None = None

    @property
    def only_recorded(self) -> bool:
        """Whether nobody is to answer the request."""
        return self._recorded_because is not None

    def owe(self, answer: LoopFuture[Accepted]) -> None:
        """Somebody waits to hear of it."""
        self._answer = answer

    def note_recorded(self, reason: str) -> None:
        """The room keeps what was ordered, and asks nobody."""
        self._recorded_because = reason

    def note_stored(self, *, ok: bool) -> None:
        """The request is stored, or the store is down."""
        self._stored = ok

    def as_things_stand(self, state: RequestState) -> Accepted:
        """The answer now."""
        positions = [leg.position for leg in self._legs.values() if leg.position]
        warning = self._recorded_because
        if self._stored is False:
            warning = "the store is down: this request would not survive a restart"
        return Accepted(state, min(positions, default=None), warning)

    def give(self, state: RequestState) -> None:
        """Answer if it is stored and every extension has said when it will be."""
        settled = all(leg.state is not RequestState.HELD for leg in self._legs.values())
        if self._answer is not None and self._stored is not None and settled:
            self._answer.set(self.as_things_stand(state))

    def refuse(self, error: BrokerError) -> None:
        """Answer that it is not taken on."""
        if self._answer is not None:
            self._answer.fail(error)

    def conclude(
        self, state: RequestState, error: str | None, code: int | None
    ) -> LoopFuture[Accepted] | None:
        """Answer, if nothing was answered yet: the request has ended.

        Gives the answer that comes later than that, if there is one: when it is known
        whether the request is stored.
        """
        if self._answer is None:
            return None
        if state is RequestState.FAILED:
            self.refuse(BrokerError(error or "the request failed", code))
        elif self._stored is None:
            self._give_late(self._answer, state)
            return self._answer
        else:
            self._answer.set(self.as_things_stand(state))
        return None

    def _give_late(self, answer: LoopFuture[Accepted], state: RequestState) -> None:
        def give(written: LoopFuture[bool]) -> None:
            with contextlib.suppress(BrokerError):
                self._stored = False
                self._stored = written.result()
            answer.set(self.as_things_stand(state))

        receipt = _Receipt()
        try:
            self._house.store.tell(Mark(reply_to=receipt))
        except BrokerError as error:
            receipt.written.fail(error)
        receipt.written.expire_after(self._house.patience.store_timeout)
        receipt.written.when_done(give)


class _Receipt:
    """Hears whether all that the store was told before is on disk."""

    def __init__(self) -> None:
        self.written: LoopFuture[bool] = LoopFuture()

    def tell(self, message: Committed) -> None:
        self.written.set(message.ok)
