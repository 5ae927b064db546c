"""How requests fare, as their requesters are told.

Owns the counts and times for the status page and the metrics, and the log's lines
about requests: one when a request is first heard of, one when it ends, never with a
word of what was said.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final

from actors.histogram import Histogram
from actors.lifecycle import TERMINAL, RequestState
from actors.outbound import StatusChanged
from broker.protocol.wire import LogEvent

logger = logging.getLogger(__name__)

_WAITING: Final = frozenset({RequestState.HELD, RequestState.QUEUED})

BOUNDS: Final = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 600.0)
"""Seconds: from a demo's answers to those of a large model on a small machine."""


class _Live:
    """A request that has not ended."""

    __slots__ = ("answered", "extension", "since", "state")

    def __init__(self, since: float) -> None:
        self.since = since
        self.state = RequestState.HELD
        self.extension: str | None = None
        self.answered = False


class Tally:
    """Counts requests by what has become of them."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._live: dict[tuple[str, str], _Live] = {}
        self._ends: dict[RequestState, Histogram] = {
            state: Histogram(BOUNDS) for state in sorted(TERMINAL)
        }
        self.first_tokens = Histogram(BOUNDS)
        """Seconds from when a request was heard of to the first of its answer."""

    @property
    def durations(self) -> Mapping[RequestState, Histogram]:
        """Seconds from when a request was heard of to its end, by what the end was."""
        return self._ends

    def note(self, requester: str, notice: StatusChanged) -> None:
        """Take a status as the requester is told it."""
        key = requester, notice.request_id
        live = self._live.get(key)
        if live is None:
            live = self._live[key] = _Live(self._clock())
            _log(LogEvent.LLM_REQUEST_RECEIVED, requester, notice)
        if notice.state in TERMINAL:
            del self._live[key]
            self._ends[notice.state].observe(self._clock() - live.since)
            good = notice.state in (RequestState.COMPLETED, RequestState.RECORDED)
            event = LogEvent.LLM_RESPONSE_RECEIVED if good else None
            _log(event or LogEvent.LLM_REQUEST_FAILED, requester, notice)
            return
        live.state, live.extension = notice.state, notice.extension
        if notice.state is RequestState.STREAMING and not live.answered:
            live.answered = True
            self.first_tokens.observe(self._clock() - live.since)

    def figures(self) -> dict[str, int]:
        """The requests that are worked on, that wait, and that have ended."""
        queued = sum(live.state in _WAITING for live in self._live.values())
        ends = {state: times.count for state, times in self._ends.items()}
        return {
            "active": len(self._live) - queued,
            "queued": queued,
            "completed": ends[RequestState.COMPLETED] + ends[RequestState.RECORDED],
            "failed": ends[RequestState.FAILED] + ends[RequestState.TIMEOUT],
        }

    def requesters(self) -> set[str]:
        """Who has a request on its way to an answer; linear."""
        return {
            requester
            for (requester, _), live in self._live.items()
            if live.state is not RequestState.HELD
        }

    def states(self) -> Counter[RequestState]:
        """How many requests that have not ended are in which state; linear."""
        return Counter(live.state for live in self._live.values())

    def longest_queue(self) -> int:
        """How many requests wait for the extension that most wait for; linear."""
        queues = Counter(
            live.extension
            for live in self._live.values()
            if live.state is RequestState.QUEUED
        )
        return max(queues.values(), default=0)


def _log(event: LogEvent, requester: str, notice: StatusChanged) -> None:
    if not logger.isEnabledFor(logging.INFO):
        return
    fields = {"requestId": notice.request_id, "requester": requester}
    fields |= {"room": notice.room, "status": notice.state}
    if notice.extension is not None:
        fields["extension"] = notice.extension
    extra = {"event": event, "code": notice.code, "fields": fields}
    logger.info("request %s is %s", notice.request_id, notice.state, extra=extra)
