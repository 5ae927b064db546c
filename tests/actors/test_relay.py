"""One request: its whole life, its ack, its one end.

What extensions say is in ``test_relay_answers.py``, who answers and how long that may
take in ``test_relay_legs.py``.
"""

from __future__ import annotations

import asyncio
import gc
import weakref
from pathlib import Path

import pytest

from actors import answers, relay_events
from actors.acceptance import Accepted
from actors.assignments import Available, Forget, Place, Placed, Placement
from actors.base import BlockingActor, LoopRef, ask, dead_letters, stop
from actors.directory import Kind
from actors.errors import BrokerError, Code, RefusedError
from actors.extension import Enqueue, Extension, GetDetails
from actors.lifecycle import TERMINAL, RequestState
from actors.outbound import (
    OrderPlaced,
    OrderRevoked,
    OutputChunk,
    OutputEnded,
    Resumed,
    StatusChanged,
)
from actors.records import Committed
from actors.relay import Relay
from actors.relay_events import Barred, Cancel, Cleared, EndShared, Held, Recorded
from actors.request_records import CloseRequest, RequestRow
from actors.room_events import MemberCame, RequestClosed, RequestOpened, Submit
from actors.room_records import AddMessage
from actors.schema import open_database
from actors.store import Store
from tests.actors.recording import (
    ENOUGH,
    SHORT,
    Bar,
    Neighbour,
    RecordingPort,
    Tab,
)

S = RequestState


class GoneStore(BlockingActor):
    """A store that a test stops."""


def room_of(bar: Bar) -> Neighbour:
    """A room that only listens, in the place of the one of ``web``."""
    room = Neighbour()
    bar.house.directory.add(Kind.ROOM, "web", room.ref)
    return room


async def cancel(tab: Tab, by: str = "web", *, entitled: bool = False) -> RequestState:
    """Call a request off."""
    state: RequestState = await ask(tab.ref, Cancel(by, entitled), timeout=ENOUGH)
    return state


async def load(ref: LoopRef[Extension]) -> tuple[int, int]:
    """How many requests an extension runs, and how many wait."""
    details = await ask(ref, GetDetails(), timeout=ENOUGH)
    return details.running, details.queued


async def kept(bar: Bar, reader: str = "web") -> Resumed:
    """What the cache has of the request ``r``."""
    port = RecordingPort()
    bar.house.answers.tell(
        answers.Resume(request_id="r", reader=reader, room=None, start=0, port=port)
    )
    return await port.hears(Resumed)


# -- the whole life


async def test_a_request_lives_from_sent_to_completed(bar: Bar) -> None:
    """The requester is told each change, once."""
    await bar.tavern()
    tab = Tab(bar)
    await tab.begin()
    tab.start()
    tab.chunk("Hel", 0)
    tab.chunk("lo", 1)
    tab.end()
    await tab.ended()

    assert bar.outbound.states() == [S.SENT, S.STREAMING, S.COMPLETED]
    assert bar.outbound.text("web") == b"Hello"


async def test_statuses_go_to_the_requester_alone(bar: Bar) -> None:
    """They name its request, its room and its extension."""
    await bar.tavern()
    tab = Tab(bar)
    await tab.begin()
    told = [r for r in bar.outbound.records if isinstance(r.notice, StatusChanged)]

    sent = StatusChanged(
        request="req", request_id="r", room="web", state=S.SENT, extension="tavern"
    )
    assert told == [(sent, ("web",))]


async def test_the_extension_gets_the_order_under_the_brokers_own_id(
    bar: Bar,
) -> None:
    """The requester's id is unique only among its own."""
    await bar.tavern()
    tab = Tab(bar, "broker-id")
    await tab.begin()

    assert bar.outbound.to("tavern", OrderPlaced) == [
        OrderPlaced("broker-id", tab.order, "tavern")
    ]


async def test_a_request_is_stored_as_open_and_then_as_it_ended(bar: Bar) -> None:
    """So that a start after a crash can end it."""
    await bar.tavern()
    tab = Tab(bar)
    await tab.begin()
    tab.chunk("Hello")
    tab.end()
    closed = await bar.store.hears(CloseRequest)

    added = bar.store.of(AddMessage)[0]
    assert added.request == RequestRow("req", "web", "r", "web")
    assert added.message.request == "req"
    assert closed == CloseRequest("req", S.COMPLETED, None)


async def test_the_room_is_told_when_a_request_opens_and_closes(bar: Bar) -> None:
    """Its members may read and, some of them, cancel it."""
    await bar.tavern()
    room, tab = room_of(bar), Tab(bar)
    tab.begin()
    order = (await room.hears(Submit)).order
    tab.ref.tell(Cleared(order))
    await room.hears(RequestOpened)
    tab.chunk("Hello")
    tab.end()
    closed = await room.hears(RequestClosed)

    assert room.items == [
        MemberCame("web"),
        Submit("req", tab.order, tab.ref),
        RequestOpened("req", tab.order, tab.ref),
        closed,
    ]
    assert (closed.state, closed.placed) == (S.COMPLETED, True)
    assert [(a.extension, a.text) for a in closed.answers] == [("tavern", b"Hello")]


@pytest.mark.parametrize("verdict", [Held(), Recorded("it is kept")])
async def test_what_is_only_recorded_is_acknowledged_once_it_is_stored(
    bar: Bar, verdict: Held | Recorded
) -> None:
    """What is held waits; of what is recorded that is the end."""
    room, tab = room_of(bar), Tab(bar)
    acked = tab.begin()
    await room.hears(Submit)
    tab.ref.tell(verdict)
    early = acked.waiter.done()
    tab.ref.tell(Committed(ok=True))
    accepted = await acked

    assert not early
    if isinstance(verdict, Held):
        assert accepted == Accepted(S.HELD)
        assert bar.outbound.states() == [S.HELD]
    else:
        assert accepted == Accepted(S.RECORDED, warning="it is kept")
        assert bar.outbound.states() == [S.RECORDED]


async def test_a_request_that_the_room_bars_is_no_request(bar: Bar) -> None:
    """Its ack is the room's reason, and nobody is told of it."""
    room, tab = room_of(bar), Tab(bar)
    acked = tab.begin()
    await room.hears(Submit)
    tab.ref.tell(Barred(RefusedError("you are muted")))

    with pytest.raises(RefusedError, match="you are muted"):
        await acked
    assert bar.outbound.states() == []
    assert bar.house.directory.find(Kind.REQUEST, "req") is None


@pytest.mark.parametrize("state", [S.COMPLETED, S.FAILED, S.CANCELLED], ids=str)
async def test_a_held_request_shares_the_end_of_the_one_it_was_merged_into(
    bar: Bar, state: RequestState
) -> None:
    """With its reason, and the room is told."""
    room, tab = room_of(bar), Tab(bar)
    acked = tab.begin()
    await room.hears(Submit)
    tab.ref.tell(Held())
    tab.ref.tell(Committed(ok=True))
    await acked
    tab.ref.tell(EndShared(state, "why", 9))
    end = await tab.ended()

    assert (end.state, end.error, end.code) == (state, "why", 9)
    assert (await room.hears(RequestClosed)).state == state


async def test_the_answers_are_kept_after_the_end(bar: Bar) -> None:
    """For those who come back late."""
    await bar.tavern()
    tab = Tab(bar)
    await tab.begin()
    tab.chunk("Hello")
    tab.end(final_text="Hello!")
    await tab.ended()
    resumed = await kept(bar)

    assert resumed.state == S.COMPLETED
    assert [(o.text, o.final_text) for o in resumed.outputs] == [(b"Hello", "Hello!")]


async def test_an_extension_has_room_again_after_the_end(bar: Bar) -> None:
    """The next in its queue goes out."""
    ref = await bar.tavern()
    first, second = Tab(bar, "1"), Tab(bar, "2", request_id="r2")
    await first.begin()
    await second.begin()
    first.chunk("Hello")
    first.end()
    await first.ended()
    await bar.outbound.hears(OrderPlaced, request="2")

    assert await load(ref) == (1, 0)


# -- the ack


async def test_the_ack_waits_until_the_request_is_stored() -> None:
    """The order goes to the extension at once, the ack follows the commit."""
    bar = Bar(store_ok=None)
    await bar.tavern()
    tab = Tab(bar)
    acked = tab.begin()
    await bar.outbound.hears(OrderPlaced)
    before = (await tab.state(), acked.waiter.done())
    tab.ref.tell(Committed(ok=True))

    assert before == (S.SENT, False)
    assert await acked == Accepted(S.SENT)


async def test_the_ack_waits_until_the_extension_has_taken_it(bar: Bar) -> None:
    """It says whether the request was sent or waits."""
    silent = Neighbour()
    bar.house.assignments.tell(Available("tavern", "tavern", silent.ref))
    tab = Tab(bar)
    acked = tab.begin()
    await silent.hears(Enqueue)
    await bar.store.hears(AddMessage)
    before = (await tab.state(), acked.waiter.done())
    tab.ref.tell(relay_events.Queued("tavern", 4))

    assert before == (S.HELD, False)
    assert await acked == Accepted(S.QUEUED, 4)


async def test_the_ack_of_a_waiting_request_has_its_position(bar: Bar) -> None:
    """Behind the one that runs and the one that waits."""
    await bar.tavern()
    for number in ("1", "2"):
        await Tab(bar, number).begin()

    assert await Tab(bar, "3").begin() == Accepted(S.QUEUED, 2)


async def test_a_store_that_is_down_is_a_warning() -> None:
    """The answer streams all the same."""
    bar = Bar(store_ok=False)
    await bar.tavern()
    tab = Tab(bar)
    accepted = await tab.begin()

    assert accepted.state == S.SENT
    assert "store is down" in (accepted.warning or "")


@pytest.mark.parametrize("written", [True, False])
async def test_the_ack_of_what_is_answered_sooner_than_stored_waits_for_the_store(
    tmp_path: Path, *, written: bool
) -> None:
    """Else it would promise what nobody knows yet."""
    connection = open_database(tmp_path / "test.sqlite3")
    connection.execute(f"PRAGMA query_only = {0 if written else 1}")
    shelf = Store.start(connection)
    bar = Bar(store=shelf)
    await bar.tavern()
    tab = Tab(bar)
    acked = tab.begin()
    await bar.outbound.hears(OrderPlaced)
    tab.ref.tell(relay_events.Cancel("web", entitled=True))
    accepted = await acked
    await stop(shelf, timeout=ENOUGH)

    assert ("store is down" in (accepted.warning or "")) is not written


async def test_a_store_that_is_gone_is_a_warning() -> None:
    """Its actor has crashed: orders are answered all the same."""
    gone = GoneStore.start()
    await stop(gone, timeout=ENOUGH)
    bar = Bar(store=gone)
    await bar.tavern()
    accepted = await Tab(bar).begin()

    assert accepted.state == S.SENT
    assert "store is down" in (accepted.warning or "")


async def test_an_order_nobody_can_answer_is_no_request(bar: Bar) -> None:
    """Its ack is the error; there is no status of what never was."""
    room, tab = room_of(bar), Tab(bar)
    acked = tab.begin()
    await room.hears(Submit)
    tab.ref.tell(Cleared(tab.order))

    with pytest.raises(BrokerError) as caught:
        await acked
    assert caught.value.code == Code.NO_LLM_AVAILABLE
    assert bar.outbound.states() == []
    assert not (await room.hears(RequestClosed)).placed
    assert room.of(RequestOpened) == []


async def test_an_order_for_nobody_known_is_no_request(bar: Bar) -> None:
    """401."""
    await bar.tavern()

    with pytest.raises(BrokerError) as caught:
        await Tab(bar, targets=("nobody",)).begin()
    assert caught.value.code == Code.CLIENT_NOT_FOUND


async def test_a_refused_order_leaves_no_timer_behind() -> None:
    """Or a flood of them would be kept in memory for the whole request's time."""
    bar = Bar(request_timeout=SHORT)
    with pytest.raises(BrokerError):
        await Tab(bar, "1").begin()
    before = dead_letters.count
    await bar.tavern()
    later = Tab(bar, "2", request_id="r2")
    await later.begin()
    await later.ended()

    assert dead_letters.count == before


async def test_a_request_whose_only_extension_is_full_is_refused() -> None:
    """10429, in the ack and in the status."""
    bar = Bar(queued_per_extension=1)
    await bar.tavern()
    for number in ("1", "2"):
        await Tab(bar, number, request_id=number).begin()
    tab = Tab(bar, "3")

    with pytest.raises(BrokerError) as caught:
        await tab.begin()
    assert caught.value.code == Code.TOO_MANY_REQUESTS
    assert (await tab.ended()).code == Code.TOO_MANY_REQUESTS


# -- exactly one end


@pytest.mark.parametrize(
    "end", [S.COMPLETED, S.FAILED, S.CANCELLED, S.TIMEOUT], ids=str
)
async def test_every_end_is_told_exactly_once(end: RequestState) -> None:
    """Whatever comes behind it."""
    bar = Bar(request_timeout=SHORT if end is S.TIMEOUT else 60)
    await bar.tavern()
    tab = Tab(bar)
    await tab.begin()
    tab.chunk("Hello")
    words = {
        S.COMPLETED: relay_events.ProcessingStopped("tavern"),
        S.FAILED: relay_events.StreamFailed("tavern", "out of tokens", 10429),
        S.CANCELLED: Cancel("web"),
    }
    for word in [words[end]] if end in words else []:
        tab.ref.tell(word)
    if end is S.TIMEOUT:
        await tab.ended()
    for word in words.values():
        tab.ref.tell(word)
    await tab.ended()

    assert bar.outbound.ends() == [end]
    assert [n.state for n in bar.outbound.of(OutputEnded)] == [end]
    assert (await kept(bar)).state == end


async def test_every_terminal_state_but_recorded_is_tested_above() -> None:
    """``recorded`` is for modes in which a request goes nowhere."""
    tested = {S.COMPLETED, S.FAILED, S.CANCELLED, S.TIMEOUT}

    assert tested == TERMINAL - {S.RECORDED}


# -- cancelling


async def test_a_waiting_request_is_cancelled(bar: Bar) -> None:
    """The extension never hears of it."""
    ref = await bar.tavern()
    await Tab(bar, "1", request_id="r1").begin()
    tab = Tab(bar, "2")
    await tab.begin()

    assert await cancel(tab) == S.CANCELLED
    assert await load(ref) == (1, 0)
    assert bar.outbound.of(OrderRevoked) == []


@pytest.mark.parametrize("chunks", [0, 1], ids=["sent", "streaming"])
async def test_a_running_request_is_cancelled(bar: Bar, chunks: int) -> None:
    """The extension is told to stop, and its place is free."""
    ref = await bar.tavern()
    tab = Tab(bar)
    await tab.begin()
    for _ in range(chunks):
        tab.chunk("Hello")

    assert await cancel(tab) == S.CANCELLED
    assert await load(ref) == (0, 0)
    assert bar.outbound.to("tavern", OrderRevoked) == [OrderRevoked("req")]


async def test_nothing_is_heard_of_a_request_after_it_was_cancelled(bar: Bar) -> None:
    """Later chunks are dropped; what came is kept."""
    await bar.tavern()
    tab = Tab(bar)
    await tab.begin()
    tab.chunk("Hel")
    await cancel(tab)
    tab.chunk("lo")

    assert bar.outbound.text("web") == b"Hel"
    assert (await kept(bar)).outputs[0].text == b"Hel"


async def test_a_stranger_does_not_cancel_a_request(bar: Bar) -> None:
    """It goes on."""
    await bar.tavern()
    tab = Tab(bar)
    await tab.begin()

    with pytest.raises(BrokerError) as caught:
        await cancel(tab, "stranger")
    assert caught.value.code == Code.AUTHORISATION_FAILED
    assert await tab.state() == S.SENT


async def test_who_is_entitled_cancels_a_request(bar: Bar) -> None:
    """A master of its room, or a monitor; the requester learns who it was."""
    await bar.tavern()
    tab = Tab(bar)
    await tab.begin()
    await cancel(tab, "monitor", entitled=True)

    assert "monitor" in ((await tab.ended()).error or "")


async def test_a_request_is_cancelled_before_it_has_a_place() -> None:
    """Its ack says so, and it burdens nobody."""
    desk = Neighbour()
    bar = Bar(assignments=desk.ref)
    tab = Tab(bar)
    acked = tab.begin()
    await desk.hears(Place)

    assert await cancel(tab) == S.CANCELLED
    assert (await acked).state == S.CANCELLED
    assert await desk.hears(Forget) == Forget("req")


async def test_a_broker_that_stops_ends_a_running_request(bar: Bar) -> None:
    """As failed, with what came; the extension is told to stop."""
    await bar.tavern()
    tab = Tab(bar)
    await tab.begin()
    tab.chunk("Hel")
    tab.ref.tell(relay_events.End())
    end = await tab.ended()

    assert (end.state, end.code) == (S.FAILED, Code.UNAVAILABLE)
    assert end.error == "the broker stops"
    assert bar.outbound.to("tavern", OrderRevoked) == [OrderRevoked("req")]
    assert (await kept(bar)).outputs[0].text == b"Hel"


async def test_a_broker_that_stops_ends_a_request_without_a_place() -> None:
    """Its ack is the same refusal."""
    desk = Neighbour()
    bar = Bar(assignments=desk.ref)
    tab = Tab(bar)
    acked = tab.begin()
    await desk.hears(Place)
    tab.ref.tell(relay_events.End())
    with pytest.raises(BrokerError, match="the broker stops") as refused:
        await acked

    assert refused.value.code == Code.UNAVAILABLE
    assert (await tab.ended()).state == S.FAILED


async def test_a_requester_that_is_gone_takes_its_request_along(bar: Bar) -> None:
    """Nobody else reads it."""
    await bar.tavern()
    tab = Tab(bar)
    await tab.begin()
    tab.ref.tell(relay_events.RequesterGone())

    assert (await tab.ended()).state == S.CANCELLED


async def test_a_request_that_others_read_goes_on(bar: Bar) -> None:
    """Its requester may be gone."""
    await bar.tavern()
    tab = Tab(bar)
    await tab.begin()
    tab.ref.tell(relay_events.ReadersChanged(("web", "tab")))
    tab.ref.tell(relay_events.RequesterGone())

    assert await tab.state() == S.SENT


# -- a fault of ours


async def test_a_crash_ends_the_request_as_failed(bar: Bar) -> None:
    """The requester, the extension, the store and the cache are told."""
    ref = await bar.tavern()
    tab = Tab(bar)
    await tab.begin()
    tab.chunk("Hel")
    bar.outbound.fail_once_on(OutputChunk)
    tab.chunk("lo")
    end = await tab.ended()

    assert (end.state, end.code, end.error) == (S.FAILED, 2, "internal error")
    assert bar.outbound.ends() == [S.FAILED]
    assert [n.state for n in bar.outbound.of(OutputEnded)] == [S.FAILED]
    assert await load(ref) == (0, 0)
    assert bar.outbound.to("tavern", OrderRevoked) == [OrderRevoked("req")]
    assert (await bar.store.hears(CloseRequest)).state == S.FAILED
    assert (await kept(bar)).state == S.FAILED


async def test_a_crash_before_the_ack_is_the_ack() -> None:
    """Nobody waits for it."""
    bar = Bar(store_ok=None)
    await bar.tavern()
    bar.outbound.fail_once_on(StatusChanged)

    with pytest.raises(BrokerError) as caught:
        await Tab(bar).begin()
    assert caught.value.code == Code.INTERNAL


async def test_a_crash_of_one_request_is_not_noticed_by_another(bar: Bar) -> None:
    """Each has an actor of its own."""
    await bar.tavern(capacity=2)
    first, second = Tab(bar, "1"), Tab(bar, "2", request_id="r2")
    await first.begin()
    await second.begin()
    bar.outbound.fail_once_on(OutputChunk)
    first.chunk("Hel")
    second.chunk("lo")
    second.end()

    assert (await first.ended()).state == S.FAILED
    assert (await second.ended()).state == S.COMPLETED


async def test_a_place_that_comes_twice_is_given_back(bar: Bar) -> None:
    """One extension answers what the policy placed once."""
    await bar.tavern()
    spare = Neighbour()
    tab = Tab(bar)
    await tab.begin()
    tab.ref.tell(Placed((Placement("spare", "spare", spare.ref, by_policy=True),)))
    tab.chunk("Hello")
    tab.end()

    assert (await tab.ended()).extension == "tavern"
    assert spare.of(Enqueue) == []


async def test_ended_request_keeps_nothing_of_itself_alive(bar: Bar) -> None:
    """What only the collector of garbage can find stays until that comes: seldom."""
    await bar.tavern()
    gc.collect()
    tab = Tab(bar)
    await tab.begin()
    (relay,) = [weakref.ref(o) for o in gc.get_objects() if type(o) is Relay]
    gc.disable()
    try:
        tab.start()
        tab.chunk("Hello", 0)
        tab.end()
        await tab.ended()
        del tab
        for _ in range(10):
            await asyncio.sleep(0)
        assert relay() is None
    finally:
        gc.enable()
