"""The life of a request and of each of its legs, as one table.

A request has a leg for every extension it is sent to. What may happen to a leg, and
what it then is, stands in ``TRANSITIONS`` and nowhere else. Pure: no clock, no I/O.
"""

from __future__ import annotations

from collections.abc import Collection
from enum import Enum, StrEnum
from typing import Final


class RequestState(StrEnum):
    """Where a request is; the words clients are told."""

    HELD = "held"
    QUEUED = "queued"
    SENT = "sent"
    STREAMING = "streaming"
    COMPLETED = "completed"
    RECORDED = "recorded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    TIMEOUT = "timeout"


TERMINAL: Final = frozenset(
    {
        RequestState.COMPLETED,
        RequestState.RECORDED,
        RequestState.FAILED,
        RequestState.CANCELLED,
        RequestState.TIMEOUT,
    }
)
"""The states nothing leads out of; a request reports exactly one of them."""


class LegEvent(Enum):
    """What can happen to a leg."""

    ENQUEUED = "waits in the extension's queue"
    DISPATCHED = "was sent to the extension"
    MOVED = "goes to another extension"
    ANSWERED = "the first of the answer came"
    FINISHED = "the answer is whole"
    FAILED = "the extension, or its loss, ended it"
    CANCELLED = "somebody called it off"
    EXPIRED = "it took too long"


_ENDS: Final = {
    LegEvent.FINISHED: RequestState.COMPLETED,
    LegEvent.FAILED: RequestState.FAILED,
    LegEvent.CANCELLED: RequestState.CANCELLED,
    LegEvent.EXPIRED: RequestState.TIMEOUT,
}

TRANSITIONS: Final[dict[RequestState, dict[LegEvent, RequestState]]] = {
    RequestState.HELD: {
        LegEvent.ENQUEUED: RequestState.QUEUED,
        LegEvent.DISPATCHED: RequestState.SENT,
        LegEvent.MOVED: RequestState.HELD,
        **_ENDS,
    },
    RequestState.QUEUED: {
        LegEvent.DISPATCHED: RequestState.SENT,
        LegEvent.MOVED: RequestState.HELD,
        **_ENDS,
    },
    RequestState.SENT: {
        LegEvent.ANSWERED: RequestState.STREAMING,
        LegEvent.MOVED: RequestState.HELD,
        **_ENDS,
    },
    RequestState.STREAMING: {**_ENDS},
}
"""State and event to the next state; what is not here does not happen."""


def after(state: RequestState, event: LegEvent) -> RequestState | None:
    """The state that follows, or None where the event means nothing any more."""
    return TRANSITIONS.get(state, {}).get(event)


def outcome(ends: Collection[RequestState]) -> RequestState:
    """How a request ended, from how its legs did: completed if any leg was."""
    for state in (
        RequestState.COMPLETED,
        RequestState.CANCELLED,
        RequestState.TIMEOUT,
    ):
        if state in ends:
            return state
    return RequestState.FAILED
