"""RequestBook: what operators see of requests.

Owns a page for every request in flight and for the last that have ended, written from
the statuses that requesters are told and from the ends of answers. Nothing is written
for a chunk: how far an answer is comes from its relay, while somebody watches. Must
never hold a word of what was said.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Final

from msgspec import UNSET, UnsetType

from actors.lifecycle import TERMINAL, RequestState
from actors.message import timestamp
from actors.outbound import OutputEnded, StatusChanged
from broker.console.performance import Performance, Performances
from broker.protocol.house_frames import (
    MOST_REQUESTS,
    RequestError,
    ShownRequest,
)

MAX_ERROR: Final = 500
"""Characters of an error: it is the extension's own word."""

_GOOD: Final = frozenset({RequestState.COMPLETED, RequestState.RECORDED})
_BAD: Final = frozenset({RequestState.FAILED, RequestState.TIMEOUT})


class _Page:
    """One request, as far as it is."""

    __slots__ = (
        "chunks",
        "client",
        "created_at",
        "ended_at",
        "ended_chunks",
        "error",
        "first_at",
        "instance",
        "notice",
        "opened_at",
        "paced_at",
        "requester",
        "sent_at",
        "seq",
    )

    def __init__(
        self, seq: int, requester: str, client: str | None, notice: StatusChanged
    ) -> None:
        self.seq = seq
        self.requester = requester
        self.client = client
        self.notice = notice
        """The newest status."""
        self.opened_at = 0.0
        """The wall clock's time; all others are of the clock that never jumps."""
        self.created_at = 0.0
        self.sent_at: float | None = None
        self.first_at: float | None = None
        self.ended_at: float | None = None
        self.paced_at: float | None = None
        """When its number of chunks was seen to change."""
        self.instance: str | None = None
        self.chunks = 0
        self.ended_chunks = 0
        """Of those of its answers that are whole."""
        self.error: RequestError | UnsetType = UNSET


class RequestBook:
    """Pages by number, the newest last."""

    def __init__(
        self,
        client_of: Callable[[str], str | None],
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        """Begin empty; ``client_of`` tells whose an identity is."""
        self._client_of = client_of
        self._clock = clock
        self._wall = wall
        self._pages: dict[int, _Page] = {}
        self._live: dict[tuple[str, str], _Page] = {}
        self._by_request: dict[str, _Page] = {}
        self._ended: deque[int] = deque()
        self._last = 0
        self.performances = Performances()
        self.observer: Callable[[int], None] = _ignore
        """Is told the number of each page that is written on."""

    def note(self, requester: str, notice: StatusChanged) -> None:
        """Take a status as the requester is told it."""
        now = self._clock()
        page = self._live.get((requester, notice.request_id))
        if page is None:
            page = self._open(requester, notice, now)
        page.notice = notice
        if notice.extension is not None:
            page.instance = notice.extension
        if notice.state in TERMINAL:
            self._close(page, now)
        elif notice.state is RequestState.SENT:
            page.sent_at = now  # once more where it has gone to another
        elif notice.state is RequestState.STREAMING and page.first_at is None:
            self._first(page, now)
        self.observer(page.seq)

    def output_ended(self, notice: OutputEnded) -> None:
        """Take the end of an answer, which says how many chunks it had."""
        page = self._by_request.get(notice.output.request)
        if page is not None:
            page.ended_chunks += notice.chunks
            self._pace(page, max(page.chunks, page.ended_chunks))

    def streaming(self) -> Iterator[str]:
        """The broker's own ids of the requests that are answered at the moment."""
        for request, page in self._by_request.items():
            if page.notice.state is RequestState.STREAMING:
                yield request

    def progressed(self, request: str, chunks: int) -> None:
        """Take how many chunks a request has had, from its relay."""
        page = self._by_request.get(request)
        if page is not None:
            self._pace(page, chunks)

    def in_flight(self) -> list[int]:
        """The numbers of the requests that have not ended."""
        return [page.seq for page in self._live.values()]

    def last_ended(self, count: int) -> list[int]:
        """The numbers of those that ended last, the latest last."""
        return list(self._ended)[-count:]

    def has_ended(self, seq: int) -> bool:
        """Whether a page, which is there, is closed."""
        return self._pages[seq].ended_at is not None

    def show(self, seq: int) -> ShownRequest | None:
        """A page as it is now, if it is kept."""
        page = self._pages.get(seq)
        return None if page is None else _shown(page)

    def newest(self, limit: int, before: int | None) -> list[ShownRequest]:
        """So many pages, those before a number, the newest first."""
        found: list[ShownRequest] = []
        for page in reversed(self._pages.values()):
            if len(found) == limit:
                break
            if before is None or page.seq < before:
                found.append(_shown(page))
        return found

    def _open(self, requester: str, notice: StatusChanged, now: float) -> _Page:
        self._last += 1
        page = _Page(self._last, requester, self._client_of(requester), notice)
        page.opened_at, page.created_at = self._wall(), now
        self._pages[page.seq] = page
        self._live[requester, notice.request_id] = page
        self._by_request[notice.request] = page
        return page

    def _first(self, page: _Page, now: float) -> None:
        page.first_at = now
        performance = self._performance(page)
        if performance is not None and page.sent_at is not None:
            performance.first_tokens.append(now - page.sent_at)

    def _close(self, page: _Page, now: float) -> None:
        notice = page.notice
        page.ended_at = now
        if notice.error is not None:
            code = UNSET if notice.code is None else int(notice.code)
            page.error = RequestError(message=notice.error[:MAX_ERROR], code=code)
        performance = self._performance(page)
        if performance is not None:
            performance.completed += notice.state in _GOOD
            performance.failed += notice.state in _BAD
        del self._live[page.requester, notice.request_id]
        self._by_request.pop(notice.request, None)
        self._ended.append(page.seq)
        if len(self._ended) > MOST_REQUESTS:
            del self._pages[self._ended.popleft()]

    def _pace(self, page: _Page, chunks: int) -> None:
        if chunks != page.chunks:
            page.chunks, page.paced_at = chunks, self._clock()
            self.observer(page.seq)

    def _performance(self, page: _Page) -> Performance | None:
        return None if page.instance is None else self.performances.of(page.instance)


def _ignore(_seq: int) -> None:
    """Nobody watches."""


def _shown(page: _Page) -> ShownRequest:
    notice = page.notice
    return ShownRequest(
        seq=page.seq,
        request_id=notice.request_id,
        requester=page.requester,
        client_id=page.client,
        room=notice.room,
        instance=page.instance,
        state=notice.state,
        position=notice.position,
        created_at=timestamp(page.opened_at),
        sent_at=_moment(page, page.sent_at),
        first_at=_moment(page, page.first_at),
        ended_at=_moment(page, page.ended_at),
        time_to_first_token=_time_to_first_token(page),
        chunks=page.chunks,
        chunks_per_second=_chunks_per_second(page),
        error=page.error,
    )


def _moment(page: _Page, at: float | None) -> str | UnsetType:
    """What people read: so long after the beginning, however the wall clock is set."""
    return UNSET if at is None else timestamp(page.opened_at + at - page.created_at)


def _time_to_first_token(page: _Page) -> int | UnsetType:
    if page.first_at is None:
        return UNSET
    return round((page.first_at - page.created_at) * 1000)


def _chunks_per_second(page: _Page) -> float | UnsetType:
    """How fast those behind the first came."""
    behind = page.chunks - 1
    if page.first_at is None or page.paced_at is None or behind < 1:
        return UNSET
    took = page.paced_at - page.first_at
    return round(behind / took, 1) if took > 0 else UNSET
