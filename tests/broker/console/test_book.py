"""What operators see of requests."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from actors.lifecycle import RequestState
from actors.outbound import OutputEnded, OutputId, StatusChanged
from broker.console.book import MAX_ERROR, RequestBook
from broker.protocol.house_frames import MOST_REQUESTS

S = RequestState


class Desk:
    """A book, its clock, and who hears of its pages."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.jump = 0.0
        """By how much the wall clock has been set forward."""
        self.book = RequestBook(
            {"tab": "ann"}.get, lambda: self.now, lambda: self.now + self.jump
        )
        self.written: list[int] = []
        self.book.observer = self.written.append

    def say(self, state: RequestState, request: str = "r", **more: Any) -> None:
        """The requester ``tab`` is told a status, a second after the last."""
        self.now += 1
        notice = StatusChanged(
            request=f"id-{request}", request_id=request, room="pub", state=state, **more
        )
        self.book.note("tab", notice)

    def end_output(self, chunks: int, request: str = "r") -> None:
        """One of its answers is whole."""
        output = OutputId("key", f"id-{request}", request, "o")
        self.book.output_ended(OutputEnded(output, "s", S.COMPLETED, chunks, None))

    def page(self, seq: int = 1) -> dict[str, Any]:
        """A page as it is sent."""
        page: dict[str, Any] = msgspec.json.decode(
            msgspec.json.encode(self.book.show(seq))
        )
        return page


@pytest.fixture
def desk() -> Desk:
    """Nobody has ordered anything."""
    return Desk()


def test_page_begins_with_the_first_status(desk: Desk) -> None:
    """It says who ordered, where, and where it waits."""
    desk.say(S.QUEUED, position=2, extension="bar")

    assert desk.page() == {
        "seq": 1,
        "requestId": "r",
        "requester": "tab",
        "clientId": "ann",
        "room": "pub",
        "instance": "bar",
        "state": "queued",
        "position": 2,
        "createdAt": "1970-01-01T00:16:41.000Z",
        "chunks": 0,
    }


def test_page_follows_the_request_to_its_end(desk: Desk) -> None:
    """Times of all that happened; speeds of what came behind the first chunk."""
    desk.say(S.QUEUED, extension="bar")
    desk.say(S.SENT, extension="bar")
    desk.say(S.STREAMING, extension="bar")
    desk.now += 2
    desk.end_output(5)
    desk.say(S.COMPLETED, extension="bar")
    page = desk.page()

    assert page["state"] == "completed"
    assert [page[name][17:19] for name in ("createdAt", "sentAt", "firstAt")] == [
        "41",
        "42",
        "43",
    ]
    assert page["endedAt"][17:19] == "46"
    assert page["timeToFirstToken"] == 2_000
    assert (page["chunks"], page["chunksPerSecond"]) == (5, 2.0)


def test_chunks_of_several_answers_are_added_up(desk: Desk) -> None:
    """What a relay told meanwhile has them already."""
    desk.say(S.STREAMING, extension="bar")
    desk.book.progressed("id-r", 5)
    desk.end_output(3)

    assert desk.page()["chunks"] == 5

    desk.end_output(4)

    assert desk.page()["chunks"] == 7


@pytest.mark.parametrize("jump", [3_600.0, -3_600.0])
def test_wall_clock_that_jumps_changes_no_duration(desk: Desk, jump: float) -> None:
    """What follows the beginning is shown so long after it."""
    desk.say(S.SENT, extension="bar")
    desk.jump = jump
    desk.say(S.STREAMING, extension="bar")
    desk.now += 2
    desk.end_output(5)
    page = desk.page()

    assert page["timeToFirstToken"] == 1_000
    assert page["chunksPerSecond"] == 2.0
    assert page["firstAt"] == "1970-01-01T00:16:42.000Z"


def test_progress_that_is_none_is_no_news(desk: Desk) -> None:
    """An answer that has stopped is not sent again and again."""
    desk.say(S.STREAMING, extension="bar")
    desk.book.progressed("id-r", 5)
    before = list(desk.written)
    desk.now += 10
    desk.book.progressed("id-r", 5)

    assert desk.written == before


def test_relays_of_answers_that_stream_are_asked(desk: Desk) -> None:
    """Neither those that wait nor those that have ended."""
    for request, state in (("a", S.QUEUED), ("b", S.STREAMING), ("c", S.COMPLETED)):
        desk.say(state, request)

    assert list(desk.book.streaming()) == ["id-b"]


def test_what_is_said_of_requests_that_are_over_means_nothing(desk: Desk) -> None:
    """A relay may answer late."""
    desk.say(S.COMPLETED)
    desk.book.progressed("id-r", 5)
    desk.end_output(5)

    assert desk.page()["chunks"] == 0


def test_error_is_cut_and_has_its_code(desk: Desk) -> None:
    """It is the extension's own word, of any length."""
    desk.say(S.FAILED, error="x" * (MAX_ERROR + 1), code=501)
    desk.say(S.CANCELLED, "q", error="cancelled by tab")

    assert desk.page(1)["error"] == {"message": "x" * MAX_ERROR, "code": 501}
    assert desk.page(2)["error"] == {"message": "cancelled by tab"}


def test_same_id_may_be_used_again_after_the_end(desk: Desk) -> None:
    """It has another number then."""
    desk.say(S.COMPLETED)
    desk.say(S.SENT)

    assert [page.seq for page in desk.book.newest(10, None)] == [2, 1]
    assert desk.book.in_flight() == [2]
    assert desk.book.last_ended(10) == [1]


def test_newest_come_first_and_in_pages(desk: Desk) -> None:
    """Before a number, so many."""
    for number in range(5):
        desk.say(S.COMPLETED, f"r{number}")

    assert [page.seq for page in desk.book.newest(2, None)] == [5, 4]
    assert [page.seq for page in desk.book.newest(2, 4)] == [3, 2]
    assert [page.seq for page in desk.book.newest(2, 1)] == []


def test_no_more_ended_ones_are_kept_than_are_promised(desk: Desk) -> None:
    """Those in flight are, however old."""
    desk.say(S.SENT, "old")
    for number in range(MOST_REQUESTS + 1):
        desk.say(S.COMPLETED, f"r{number}")
    kept = desk.book.newest(10_000, None)

    assert len(kept) == MOST_REQUESTS + 1
    assert kept[-1].request_id == "old"
    assert desk.book.show(2) is None


def test_instance_is_judged_by_its_requests(desk: Desk) -> None:
    """What was called off is neither good nor bad; times from when it was sent."""
    ends = (S.COMPLETED, S.RECORDED, S.FAILED, S.TIMEOUT, S.CANCELLED)
    for number, end in enumerate(ends):
        desk.say(S.QUEUED, f"r{number}", extension="bar")
        desk.say(S.SENT, f"r{number}", extension="bar")
        desk.say(S.STREAMING, f"r{number}", extension="bar")
        desk.say(end, f"r{number}", extension="bar")
    performance = desk.book.performances.of("bar")

    assert (performance.completed, performance.failed) == (2, 2)
    assert performance.time_to_first_token == 1_000
