"""How requests fare, as their requesters are told.

Owns the counts for the status page and the log's lines about requests: one when a
request is first heard of, one when it ends, never with a word of what was said.
"""

from __future__ import annotations

import logging
from collections import Counter
from typing import Final

from actors.lifecycle import TERMINAL, RequestState
from actors.outbound import StatusChanged
from broker.protocol.wire import LogEvent

logger = logging.getLogger(__name__)

_WAITING: Final = frozenset({RequestState.HELD, RequestState.QUEUED})


class Tally:
    """Counts requests by what has become of them."""

    def __init__(self) -> None:
        self._live: dict[tuple[str, str], RequestState] = {}
        self._ends: Counter[RequestState] = Counter()

    def note(self, requester: str, notice: StatusChanged) -> None:
        """Take a status as the requester is told it."""
        key = requester, notice.request_id
        known = key in self._live
        if not known:
            _log(LogEvent.LLM_REQUEST_RECEIVED, requester, notice)
        if notice.state in TERMINAL:
            self._live.pop(key, None)
            self._ends[notice.state] += 1
            good = notice.state in (RequestState.COMPLETED, RequestState.RECORDED)
            event = LogEvent.LLM_RESPONSE_RECEIVED if good else None
            _log(event or LogEvent.LLM_REQUEST_FAILED, requester, notice)
        else:
            self._live[key] = notice.state

    def figures(self) -> dict[str, int]:
        """The requests that are worked on, that wait, and that have ended."""
        queued = sum(state in _WAITING for state in self._live.values())
        ends = self._ends
        return {
            "active": len(self._live) - queued,
            "queued": queued,
            "completed": ends[RequestState.COMPLETED] + ends[RequestState.RECORDED],
            "failed": ends[RequestState.FAILED] + ends[RequestState.TIMEOUT],
        }


def _log(event: LogEvent, requester: str, notice: StatusChanged) -> None:
    if not logger.isEnabledFor(logging.INFO):
        return
    fields = {"requestId": notice.request_id, "requester": requester}
    fields |= {"room": notice.room, "status": notice.state}
    if notice.extension is not None:
        fields["extension"] = notice.extension
    extra = {"event": event, "code": notice.code, "fields": fields}
    logger.info("request %s is %s", notice.request_id, notice.state, extra=extra)
