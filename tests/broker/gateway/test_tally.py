"""How requests are counted, and what the log says of them."""

from __future__ import annotations

import logging

import pytest

from actors.lifecycle import TERMINAL, RequestState
from actors.outbound import StatusChanged
from broker.gateway.tally import Tally
from broker.protocol.wire import LogEvent

SECRET = "what the extension said"


def tell(tally: Tally, request: str, *states: RequestState, by: str = "ann") -> None:
    """Have a request go through states."""
    for state in states:
        notice = StatusChanged(
            request_id=request, room="ann", state=state, error=SECRET, code=10401
        )
        tally.note(by, notice)


def test_request_is_counted_where_it_is() -> None:
    """Waiting, worked on, or ended."""
    tally = Tally()
    tell(tally, "r1", RequestState.QUEUED)
    tell(tally, "r2", RequestState.HELD)
    tell(tally, "r3", RequestState.QUEUED, RequestState.SENT)
    tell(tally, "r4", RequestState.SENT, RequestState.STREAMING)
    tell(tally, "r5", RequestState.SENT, RequestState.COMPLETED)
    tell(tally, "r6", RequestState.RECORDED)
    tell(tally, "r7", RequestState.SENT, RequestState.FAILED)
    tell(tally, "r8", RequestState.SENT, RequestState.TIMEOUT)
    tell(tally, "r9", RequestState.SENT, RequestState.CANCELLED)

    assert tally.figures() == {"active": 2, "queued": 2, "completed": 2, "failed": 2}


def test_requesters_are_those_who_are_being_answered() -> None:
    """What a room holds waits for a person, who may take for ever."""
    tally = Tally()
    tell(tally, "r1", RequestState.HELD, by="bob")
    tell(tally, "r2", RequestState.QUEUED)
    tell(tally, "r3", RequestState.STREAMING, by="cid")
    tell(tally, "r4", RequestState.SENT, RequestState.COMPLETED, by="dan")

    assert tally.requesters() == {"ann", "cid"}


def test_times_are_counted_by_what_the_end_was() -> None:
    """From when a request is first heard of."""
    now = [100.0]
    tally = Tally(lambda: now[0])
    tell(tally, "r", RequestState.QUEUED, RequestState.SENT)
    now[0] += 2
    tell(tally, "r", RequestState.STREAMING, RequestState.STREAMING)
    now[0] += 3
    tell(tally, "r", RequestState.COMPLETED)
    counts = {state: times.count for state, times in tally.durations.items()}

    assert (tally.first_tokens.count, tally.first_tokens.total) == (1, 2)
    assert tally.durations[RequestState.COMPLETED].total == 5
    assert counts == dict.fromkeys(TERMINAL, 0) | {RequestState.COMPLETED: 1}


def test_longest_queue_is_that_of_one_extension() -> None:
    """And is no more than what still waits."""
    tally = Tally()
    for request, extension in (("r1", "a"), ("r2", "a"), ("r3", "b"), ("r4", "a")):
        notice = StatusChanged(
            request_id=request,
            room="ann",
            state=RequestState.QUEUED,
            extension=extension,
        )
        tally.note("ann", notice)
    tell(tally, "r4", RequestState.SENT)

    assert tally.longest_queue() == 2
    assert tally.states() == {RequestState.QUEUED: 3, RequestState.SENT: 1}


def test_same_id_of_another_requester_is_another_request() -> None:
    """Ids are unique for an identity."""
    tally = Tally()
    tell(tally, "r", RequestState.SENT)
    tell(tally, "r", RequestState.SENT, by="bob")

    assert tally.figures()["active"] == 2


@pytest.mark.parametrize("state", TERMINAL)
def test_nothing_is_kept_of_a_request_that_has_ended(state: RequestState) -> None:
    """The broker runs for months."""
    tally = Tally()
    tell(tally, "r", RequestState.SENT, state)

    assert tally._live == {}


def test_log_has_one_line_when_a_request_comes_and_one_when_it_ends(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """However many states lie between; never a word of what was said."""
    with caplog.at_level(logging.INFO):
        tally = Tally()
        states = RequestState.QUEUED, RequestState.SENT, RequestState.STREAMING
        tell(tally, "good", *states, RequestState.COMPLETED)
        tell(tally, "bad", *states, RequestState.FAILED)
    events = [vars(record)["event"] for record in caplog.records]

    assert events == [
        LogEvent.LLM_REQUEST_RECEIVED,
        LogEvent.LLM_RESPONSE_RECEIVED,
        LogEvent.LLM_REQUEST_RECEIVED,
        LogEvent.LLM_REQUEST_FAILED,
    ]
    assert not any(SECRET in str(vars(record)) for record in caplog.records)


def test_log_that_does_not_want_them_gets_no_lines(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """They are not even made."""
    with caplog.at_level(logging.WARNING):
        tell(Tally(), "r", RequestState.SENT, RequestState.COMPLETED)

    assert caplog.records == []
