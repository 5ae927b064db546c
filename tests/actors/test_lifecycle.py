"""The table of a leg's life."""

from __future__ import annotations

import itertools

import pytest

from actors.lifecycle import (
    TERMINAL,
    TRANSITIONS,
    LegEvent,
    RequestState,
    after,
    outcome,
)

S, E = RequestState, LegEvent

ENDS = {
    E.FINISHED: S.COMPLETED,
    E.FAILED: S.FAILED,
    E.CANCELLED: S.CANCELLED,
    E.EXPIRED: S.TIMEOUT,
}

EXPECTED: dict[tuple[RequestState, LegEvent], RequestState] = {
    (S.HELD, E.ENQUEUED): S.QUEUED,
    (S.HELD, E.DISPATCHED): S.SENT,
    (S.HELD, E.MOVED): S.HELD,
    (S.QUEUED, E.DISPATCHED): S.SENT,
    (S.QUEUED, E.MOVED): S.HELD,
    (S.SENT, E.ANSWERED): S.STREAMING,
    (S.SENT, E.MOVED): S.HELD,
    **{
        (state, event): end
        for state in (S.HELD, S.QUEUED, S.SENT, S.STREAMING)
        for event, end in ENDS.items()
    },
}
"""All that may happen; every other pair means nothing."""


@pytest.mark.parametrize(("state", "event"), list(itertools.product(S, E)))
def test_every_state_knows_what_every_event_means(
    state: RequestState, event: LegEvent
) -> None:
    """The table says what the protocol's rules of a request say."""
    assert after(state, event) == EXPECTED.get((state, event))


@pytest.mark.parametrize("state", sorted(TERMINAL))
def test_nothing_leaves_a_terminal_state(state: RequestState) -> None:
    """A request ends once."""
    assert all(after(state, event) is None for event in LegEvent)


@pytest.mark.parametrize("state", sorted(set(S) - TERMINAL))
def test_every_other_state_can_end_in_every_way(state: RequestState) -> None:
    """Nothing is stuck anywhere."""
    assert {after(state, event) for event in ENDS} == set(ENDS.values())


def test_a_leg_that_streams_is_not_moved() -> None:
    """After its first chunk a request stays where it is."""
    assert E.MOVED not in TRANSITIONS[S.STREAMING]


def test_the_states_are_those_that_clients_are_told() -> None:
    """Section 4 of the protocol lists them."""
    told = "held queued sent streaming completed recorded failed cancelled timeout"

    assert {state.value for state in RequestState} == set(told.split())


@pytest.mark.parametrize(
    ("ends", "expected"),
    [
        ([S.COMPLETED], S.COMPLETED),
        ([S.FAILED, S.COMPLETED, S.TIMEOUT, S.CANCELLED], S.COMPLETED),
        ([S.FAILED, S.TIMEOUT, S.CANCELLED], S.CANCELLED),
        ([S.FAILED, S.TIMEOUT], S.TIMEOUT),
        ([S.FAILED, S.FAILED], S.FAILED),
    ],
)
def test_a_request_ends_as_the_best_of_its_legs(
    ends: list[RequestState], expected: RequestState
) -> None:
    """It is completed if any leg was."""
    assert outcome(ends) is expected


@pytest.mark.parametrize("count", [1, 2, 3])
def test_every_outcome_is_terminal(count: int) -> None:
    """However the legs ended, the request has ended."""
    for ends in itertools.product(ENDS.values(), repeat=count):
        assert outcome(ends) in TERMINAL
