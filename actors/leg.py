"""One leg of a request: what one extension does about it.

Bookkeeping of the relay actor, which owns the instances. Sends nothing and reads no
clock.
"""

from __future__ import annotations

import secrets
from typing import Any

from actors.assignments import Placement
from actors.base import LoopRef
from actors.lifecycle import TERMINAL, LegEvent, RequestState, after
from actors.pour import Pour
from actors.room_events import Answer


class Leg:
    """The state of a leg, the answers it pours, and why it ended."""

    __slots__ = (
        "by_policy",
        "client",
        "code",
        "deadline",
        "error",
        "extension",
        "position",
        "pour",
        "ref",
        "state",
        "versioned",
    )

    def __init__(self, placement: Placement, pour: Pour) -> None:
        self.extension: str = placement.identity
        self.client: str = placement.client
        self.ref: LoopRef[Any] = placement.ref
        self.by_policy: bool = placement.by_policy
        self.pour = pour
        self.state = RequestState.HELD
        self.position = 0
        self.versioned = True
        self.deadline = 0.0
        self.error: str | None = None
        self.code: int | None = None

    @property
    def over(self) -> bool:
        """Whether nothing more is to come of it."""
        return self.state in TERMINAL

    @property
    def running(self) -> bool:
        """Whether its extension was sent the request and may answer it."""
        state = self.state
        return state is RequestState.STREAMING or state is RequestState.SENT

    def apply(self, event: LegEvent) -> bool:
        """Follow the table; returns whether the event meant anything."""
        state = after(self.state, event)
        if state is None:
            return False
        self.state = state
        return True


def recorded(leg: Leg) -> list[Answer]:
    """What the history keeps of a leg: every answer that said something."""
    return [
        Answer(
            message_id=secrets.token_hex(12),
            output_id=output.output_id,
            extension=leg.extension,
            extension_client=leg.client,
            text=text,
            whole=whole,
        )
        for output, text, whole in leg.pour.texts()
        if text
    ]
