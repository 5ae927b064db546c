"""One identity: its sockets, its orders, its grace time."""

from __future__ import annotations

import pytest

from actors import answers
from actors.acceptance import Accepted
from actors.base import LoopRef, ask, watch
from actors.client import (
    Attach,
    Cancel,
    Client,
    Detach,
    FindOrder,
    GetPresence,
    PlaceOrder,
    Presence,
)
from actors.directory import Kind
from actors.errors import BrokerError, Code
from actors.hall_events import ask_room
from actors.lifecycle import RequestState
from actors.outbound import OrderPlaced, Resumed
from actors.output import Piece
from actors.relay_events import WholeCame
from actors.roles import Caller
from actors.room_events import Add, GetMembers
from tests.actors.recording import (
    ENOUGH,
    SHORT,
    Bar,
    Neighbour,
    RecordingPort,
    an_order,
)


def enter(bar: Bar, identity: str = "web", *sockets: str) -> LoopRef[Client]:
    """A client with these sockets, or one."""
    ref = Client.start(bar.house, identity, identity)
    bar.house.directory.add(Kind.CLIENT, identity, ref)
    for socket in sockets or ("1",):
        ref.tell(Attach(socket, identity))
    return ref


async def order(ref: LoopRef[Client], request_id: str = "r") -> Accepted:
    """Order an answer."""
    placed = PlaceOrder(an_order(request_id=request_id))
    accepted: Accepted = await ask(ref, placed, timeout=ENOUGH)
    return accepted


async def presence(ref: LoopRef[Client]) -> Presence:
    """Whether it is here; the client has then handled all it was told."""
    found: Presence = await ask(ref, GetPresence(), timeout=ENOUGH)
    return found


async def ended(ref: LoopRef[Client]) -> bool:
    """Wait until a client's actor has ended."""
    witness = Neighbour()
    watch(ref, witness.add)
    await witness.until(lambda: bool(witness.items))
    return not ref.is_alive()


async def members(bar: Bar, name: str) -> list[str]:
    """Who is in a room."""
    found = await ask_room(bar.house, name, GetMembers(Caller("web", "web")))
    return [info.identity for info in found]


def answer_whole(bar: Bar) -> None:
    """The tavern answers all it was asked."""
    for placed in bar.outbound.of(OrderPlaced):
        ref = bar.house.directory.find(Kind.REQUEST, placed.request)
        if ref is not None:
            ref.tell(WholeCame("tavern", "o", Piece(b"Hello")))


# -- sockets


async def test_a_client_is_online_while_it_has_a_socket(bar: Bar) -> None:
    """However many it had."""
    ref = enter(bar, "web", "1", "2")
    ref.tell(Detach("1", deliberate=False))
    with_one = await presence(ref)
    ref.tell(Detach("2", deliberate=False))

    assert with_one == Presence("web", online=True, requests=0)
    assert not (await presence(ref)).online


async def test_an_identity_belongs_to_one_client(bar: Bar) -> None:
    """Another that claims it is refused."""
    ref = enter(bar)

    with pytest.raises(BrokerError) as caught:
        await ask(ref, Attach("2", "somebody"), timeout=ENOUGH)
    assert caught.value.code == Code.AUTHORISATION_FAILED


async def test_a_socket_that_was_never_there_does_not_leave(bar: Bar) -> None:
    """Leaving twice is leaving once."""
    ref = enter(bar, "web", "1")
    ref.tell(Detach("2", deliberate=True))

    assert (await presence(ref)).online


async def test_a_client_has_a_room_of_its_own(bar: Bar) -> None:
    """Named like its identity, with itself in it."""
    enter(bar)

    assert await members(bar, "web") == ["web"]


# -- leaving and coming back


async def test_after_the_grace_time_a_client_is_gone() -> None:
    """Its room, in which nothing is said, goes with it."""
    bar = Bar(reconnect_grace=SHORT)
    ref = enter(bar)
    ref.tell(Detach("1", deliberate=False))

    assert await ended(ref)
    assert bar.house.directory.find(Kind.CLIENT, "web") is None


async def test_a_client_that_comes_back_in_time_stays() -> None:
    """It is not announced as leaving and joining."""
    bar = Bar(reconnect_grace=SHORT)
    ref = enter(bar)
    ref.tell(Detach("1", deliberate=False))
    ref.tell(Attach("2", "web"))
    await presence(ref)
    witness = enter(bar, "witness")
    witness.tell(Detach("1", deliberate=False))
    await ended(witness)

    assert (await presence(ref)).online


async def test_a_later_absence_has_a_grace_time_of_its_own(bar: Bar) -> None:
    """A timer that was set before a return does not end it."""
    ref = enter(bar)
    for socket in ("1", "2"):
        ref.tell(Attach(socket, "web"))
        ref.tell(Detach(socket, deliberate=False))

    assert not (await presence(ref)).online


async def test_who_leaves_deliberately_gets_no_grace_time(bar: Bar) -> None:
    """It is gone at once."""
    ref = enter(bar)
    await presence(ref)
    ref.tell(Detach("1", deliberate=True))

    assert await ended(ref)


async def test_one_deliberate_leave_of_many_sockets_ends_nothing(bar: Bar) -> None:
    """The others are still there."""
    ref = enter(bar, "web", "1", "2")
    ref.tell(Detach("1", deliberate=True))

    assert (await presence(ref)).online


async def test_its_requests_end_with_it(bar: Bar) -> None:
    """Nobody reads them any more."""
    await bar.tavern()
    ref = enter(bar)
    await order(ref)
    ref.tell(Detach("1", deliberate=True))
    await bar.outbound.until(lambda: bool(bar.outbound.ends()))

    assert bar.outbound.ends() == [RequestState.CANCELLED]


async def test_a_fresh_client_finds_its_room_as_it_was(bar: Bar) -> None:
    """While others read in it, the room outlives its owner's absence."""
    await bar.tavern()
    ref = enter(bar)
    await presence(ref)
    add = Add(Caller("tab", "tab"), Caller("web", "web"))
    await ask_room(bar.house, "web", add)
    own = bar.house.directory.find(Kind.ROOM, "web")
    await order(ref)
    ref.tell(Detach("1", deliberate=True))
    await ended(ref)
    enter(bar)

    assert await members(bar, "web") == ["web", "tab"]
    assert bar.house.directory.find(Kind.ROOM, "web") is own


# -- orders


async def test_an_order_is_accepted(bar: Bar) -> None:
    """Once it is placed and stored."""
    await bar.tavern()
    ref = enter(bar)

    assert (await order(ref)).state == RequestState.SENT
    assert (await presence(ref)).requests == 1


async def test_the_same_request_again_starts_nothing(bar: Bar) -> None:
    """It is answered with the state of the first."""
    await bar.tavern()
    ref = enter(bar)
    first, second = await order(ref), await order(ref)

    assert first == second
    assert len(bar.outbound.of(OrderPlaced)) == 1


async def test_a_request_id_may_be_used_again_after_its_end(bar: Bar) -> None:
    """It is unique only while its request lives."""
    await bar.tavern()
    ref = enter(bar)
    await order(ref)
    answer_whole(bar)
    await bar.outbound.until(lambda: bool(bar.outbound.ends()))
    await order(ref)

    assert len(bar.outbound.of(OrderPlaced)) == 2


async def test_only_so_many_requests_are_in_flight() -> None:
    """Over the limit 10429, and nothing else is harmed."""
    bar = Bar(requests_in_flight=2)
    await bar.tavern()
    ref = enter(bar)
    await order(ref, "1")
    await order(ref, "2")

    with pytest.raises(BrokerError) as caught:
        await order(ref, "3")
    assert caught.value.code == Code.TOO_MANY_REQUESTS
    assert (await presence(ref)).requests == 2


async def test_the_limit_of_the_protocol_is_sixteen(bar: Bar) -> None:
    """Section 9 says so."""
    await bar.tavern()
    ref = enter(bar)
    for number in range(16):
        await order(ref, f"{number}")

    with pytest.raises(BrokerError, match="16"):
        await order(ref, "16")


async def test_an_ended_request_makes_room_for_another() -> None:
    """The limit counts what runs."""
    bar = Bar(requests_in_flight=1)
    await bar.tavern()
    ref = enter(bar)
    await order(ref, "1")
    answer_whole(bar)
    await bar.outbound.until(lambda: bool(bar.outbound.ends()))

    assert (await order(ref, "2")).state == RequestState.SENT


async def test_an_order_nobody_can_answer_is_refused(bar: Bar) -> None:
    """It does not stay in flight."""
    ref = enter(bar)

    with pytest.raises(BrokerError) as caught:
        await order(ref)
    assert caught.value.code == Code.NO_LLM_AVAILABLE
    assert (await presence(ref)).requests == 0


async def test_a_request_is_cancelled_by_who_ordered_it(bar: Bar) -> None:
    """The answer is its state."""
    await bar.tavern()
    ref = enter(bar)
    await order(ref)

    assert await ask(ref, Cancel("r"), timeout=ENOUGH) == RequestState.CANCELLED


async def test_cancelling_the_unknown_is_an_error(bar: Bar) -> None:
    """It may have ended."""
    with pytest.raises(BrokerError) as caught:
        await ask(enter(bar), Cancel("r"), timeout=ENOUGH)

    assert caught.value.code == Code.NOT_FOUND


# -- resuming


def resume(port: RecordingPort) -> answers.Resume:
    """A wish to go on reading one's own request ``r``."""
    return answers.Resume(request_id="r", reader="web", room=None, start=0, port=port)


async def test_a_request_that_runs_is_resumed_at_its_relay(bar: Bar) -> None:
    """It tells the state as it is."""
    await bar.tavern()
    ref, port = enter(bar), RecordingPort()
    await order(ref)
    ref.tell(resume(port))

    assert await port.hears(Resumed) == Resumed(RequestState.SENT, ())


async def test_a_request_that_has_ended_is_resumed_from_the_cache(bar: Bar) -> None:
    """With all it said."""
    await bar.tavern()
    ref, port = enter(bar), RecordingPort()
    await order(ref)
    answer_whole(bar)
    await bar.outbound.until(lambda: bool(bar.outbound.ends()))
    ref.tell(resume(port))
    resumed = await port.hears(Resumed)

    assert resumed.state == RequestState.COMPLETED
    assert [output.text for output in resumed.outputs] == [b"Hello"]


async def test_who_resumes_as_a_request_ends_is_answered(bar: Bar) -> None:
    """The wish reaches a relay that is ending: it is passed on."""
    await bar.tavern()
    ref, port = enter(bar), RecordingPort()
    await order(ref)
    request = bar.outbound.of(OrderPlaced)[0].request
    relay_ref = bar.house.directory.find(Kind.REQUEST, request)
    assert relay_ref is not None
    answer_whole(bar)
    relay_ref.tell(resume(port))

    assert (await port.hears(Resumed)).state == RequestState.COMPLETED


async def test_a_fresh_client_goes_on_with_the_requests_of_the_crashed(
    bar: Bar,
) -> None:
    """They are resumed and cancelled as before, and the same id starts nothing."""
    await bar.tavern()
    first, port = enter(bar), RecordingPort()
    await order(first)
    with pytest.raises(BrokerError):
        await ask(first, object(), timeout=ENOUGH)
    second = enter(bar)
    second.tell(resume(port))
    await order(second)

    assert await port.hears(Resumed) == Resumed(RequestState.SENT, ())
    assert len(bar.outbound.of(OrderPlaced)) == 1
    assert (await presence(second)).requests == 1
    cancelled = await ask(second, Cancel("r"), timeout=ENOUGH)
    assert cancelled is RequestState.CANCELLED


async def test_who_resumes_in_the_moment_of_a_crash_goes_on_reading(bar: Bar) -> None:
    """An error would be taken for the end of what goes on."""
    await bar.tavern()
    ref, port = enter(bar), RecordingPort()
    await order(ref)
    ref.tell(object())
    ref.tell(resume(port))

    assert await port.hears(Resumed) == Resumed(RequestState.SENT, ())


async def test_requests_of_a_client_that_crashed_while_away_end(bar: Bar) -> None:
    """No fresh actor will ever be asked for them."""
    await bar.tavern()
    ref = enter(bar)
    await order(ref)
    ref.tell(Detach("1", deliberate=False))
    with pytest.raises(BrokerError):
        await ask(ref, object(), timeout=ENOUGH)
    await bar.outbound.until(lambda: bool(bar.outbound.ends()))

    assert bar.outbound.ends() == [RequestState.CANCELLED]


async def test_a_fresh_client_without_a_socket_has_its_grace_time() -> None:
    """The last socket may leave just after a crash: its actor must end as well."""
    bar = Bar(reconnect_grace=SHORT)
    ref = Client.start(bar.house, "web", "web")
    ref.tell(Detach("of-the-crashed", deliberate=False))

    assert await ended(ref)


async def test_an_order_under_way_is_found_and_no_other_begun(bar: Bar) -> None:
    """As a broker that stops asks: what it has it finishes."""
    await bar.tavern()
    ref = enter(bar)
    await order(ref)
    found = await ask(ref, FindOrder("r"), timeout=ENOUGH)
    with pytest.raises(BrokerError) as refused:
        await ask(ref, FindOrder("another"), timeout=ENOUGH)

    assert found.state is RequestState.SENT
    assert refused.value.code is Code.UNAVAILABLE
    assert "order again when it is back" in refused.value.message
    assert (await presence(ref)).requests == 1


async def test_who_resumes_at_a_client_that_has_crashed_is_told(bar: Bar) -> None:
    """Section 7: an error that says so, never silence."""
    ref, port = enter(bar), RecordingPort()
    ref.tell(object())
    ref.tell(resume(port))

    assert (await port.hears(BrokerError)).code is Code.NOT_FOUND
