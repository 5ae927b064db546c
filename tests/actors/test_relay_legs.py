"""One request: which extensions answer it, and how long that may take."""

from __future__ import annotations

import pytest

from actors import relay_events
from actors.assignments import NotPlaced, Place, Placed, Placement
from actors.base import LoopRef, ask
from actors.errors import Code, RefusedError, UnavailableError
from actors.extension import Connected, Extension, GetDetails, Identify, Lost, Profile
from actors.lifecycle import RequestState
from actors.outbound import OrderPlaced, OrderRevoked, OutputEnded
from tests.actors.recording import ENOUGH, SHORT, Bar, Neighbour, Tab

S = RequestState


async def lose(ref: LoopRef[Extension]) -> None:
    """An extension's socket is gone."""
    ref.tell(Lost())
    await ask(ref, GetDetails(), timeout=ENOUGH)


def come_back(ref: LoopRef[Extension], *running: str) -> None:
    """An extension is back and says what it still runs."""
    ref.tell(Connected())
    ref.tell(Identify(Profile(version="1"), frozenset(running)))


def asked(bar: Bar) -> list[str]:
    """The extensions that were sent the request, one after the other."""
    return [notice.extension for notice in bar.outbound.of(OrderPlaced)]


async def asked_in_turn(bar: Bar, count: int) -> list[str]:
    """The same, when there are so many."""
    await bar.outbound.until(lambda: len(asked(bar)) >= count)
    return asked(bar)


# -- moving on


async def test_a_request_moves_on_when_its_extension_is_lost(bar: Bar) -> None:
    """What the policy placed, before its first chunk."""
    first = await bar.tavern("a")
    await bar.tavern("b")
    tab = Tab(bar)
    await tab.begin()
    await lose(first)

    assert await asked_in_turn(bar, 2) == ["a", "b"]
    tab.chunk("Hello", by="b")
    tab.end(by="b")
    assert (await tab.ended()).extension == "b"


async def test_a_waiting_request_moves_on_too(bar: Bar) -> None:
    """It was not even sent yet."""
    first = await bar.tavern("a")
    await Tab(bar, "1", request_id="r1", targets=("a",)).begin()
    tab = Tab(bar, "2")
    await tab.begin()
    await bar.tavern("b")
    await lose(first)

    assert await asked_in_turn(bar, 2) == ["a", "b"]


async def test_a_request_moves_on_when_nothing_comes() -> None:
    """After the time for the first token; the silent one is told to stop."""
    bar = Bar(first_token_timeout=SHORT)
    for name in ("a", "b"):
        await bar.tavern(name)
    await Tab(bar).begin()

    assert await asked_in_turn(bar, 2) == ["a", "b"]
    await bar.outbound.hears(OrderRevoked)
    assert bar.outbound.to("a", OrderRevoked) == [OrderRevoked("req")]


async def test_a_request_moves_on_at_most_so_many_times() -> None:
    """``max_attempts`` extensions are asked, then it times out."""
    bar = Bar(first_token_timeout=SHORT, max_attempts=2)
    for name in ("a", "b", "c"):
        await bar.tavern(name)
    tab = Tab(bar)
    await tab.begin()

    assert (await tab.ended()).state == S.TIMEOUT
    assert asked(bar) == ["a", "b"]


async def test_a_request_with_nowhere_to_go_waits_for_its_extension(bar: Bar) -> None:
    """It may come back in its grace time."""
    ref = await bar.tavern()
    tab = Tab(bar)
    await tab.begin()
    await lose(ref)
    come_back(ref, "req")
    tab.chunk("Hello")
    tab.end()

    assert (await tab.ended()).state == S.COMPLETED
    assert asked(bar) == ["tavern"]


async def test_a_request_with_nowhere_to_go_fails_after_the_grace_time() -> None:
    """10503."""
    bar = Bar(reconnect_grace=SHORT)
    ref = await bar.tavern()
    tab = Tab(bar)
    await tab.begin()
    await lose(ref)
    end = await tab.ended()

    assert (end.state, end.code) == (S.FAILED, Code.NO_LLM_AVAILABLE)


async def test_a_request_does_not_move_after_its_first_chunk(bar: Bar) -> None:
    """It waits for its extension, and goes on where it was."""
    first = await bar.tavern("a")
    await bar.tavern("b")
    tab = Tab(bar)
    await tab.begin()
    tab.chunk("Hel", 0, by="a")
    await tab.state()
    await lose(first)
    come_back(first, "req")
    tab.chunk("lo", 1, by="a")
    tab.end(by="a")

    assert (await tab.ended()).state == S.COMPLETED
    assert bar.outbound.text("web") == b"Hello"
    assert asked(bar) == ["a"]


async def test_a_request_with_a_named_target_waits_for_it(bar: Bar) -> None:
    """Nobody else was asked for."""
    named = await bar.tavern("a")
    await bar.tavern("b")
    tab = Tab(bar, targets=("a",))
    await tab.begin()
    await lose(named)
    come_back(named, "req")
    tab.chunk("Hello", by="a")
    tab.end(by="a")

    assert (await tab.ended()).state == S.COMPLETED
    assert asked(bar) == ["a"]


async def test_a_request_for_an_absent_extension_goes_out_when_it_is_back(
    bar: Bar,
) -> None:
    """It is placed while its target is in its grace time."""
    named = await bar.tavern("a")
    await lose(named)
    tab = Tab(bar, targets=("a",))
    accepted = await tab.begin()
    come_back(named)

    assert (accepted.state, accepted.position) == (S.QUEUED, 1)
    assert await asked_in_turn(bar, 1) == ["a"]


async def test_a_named_extension_that_has_forgotten_the_request_fails_it(
    bar: Bar,
) -> None:
    """It is back and does not list it."""
    named = await bar.tavern("a")
    await bar.tavern("b")
    tab = Tab(bar, targets=("a",))
    await tab.begin()
    await lose(named)
    come_back(named)
    end = await tab.ended()

    assert (end.state, end.code) == (S.FAILED, Code.NO_LLM_AVAILABLE)


async def test_what_was_moved_is_stopped_where_it_was(bar: Bar) -> None:
    """The first extension is back and still runs it."""
    first = await bar.tavern("a")
    await bar.tavern("b")
    await Tab(bar).begin()
    await lose(first)
    await asked_in_turn(bar, 2)
    come_back(first, "req")
    await bar.outbound.hears(OrderRevoked)

    assert bar.outbound.to("a", OrderRevoked) == [OrderRevoked("req")]


async def test_an_extension_that_lost_the_request_may_not_answer_it(bar: Bar) -> None:
    """Its late chunks are not those of the one that has it now."""
    first = await bar.tavern("a")
    await bar.tavern("b")
    tab = Tab(bar)
    await tab.begin()
    await lose(first)
    await asked_in_turn(bar, 2)
    tab.chunk("late", by="a")
    tab.chunk("Hello", by="b")
    tab.end(by="b")
    await tab.ended()

    assert bar.outbound.text("web") == b"Hello"


def no_place() -> NotPlaced:
    """Nobody can answer."""
    return NotPlaced(UnavailableError("nobody", Code.NO_LLM_AVAILABLE))


async def test_losing_an_extension_twice_at_once_ends_nothing() -> None:
    """Both losses are asked about before the first question is answered."""
    desk, tavern = Neighbour(), Neighbour()
    bar = Bar(assignments=desk.ref)
    tab = Tab(bar)
    acked = tab.begin()
    await desk.hears(Place)
    tab.ref.tell(Placed((Placement("tavern", "tavern", tavern.ref, by_policy=True),)))
    tab.ref.tell(relay_events.Dispatched("tavern", versioned=True))
    await acked
    for _ in range(2):
        tab.ref.tell(relay_events.ExtensionLost("tavern"))
    for _ in range(2):
        tab.ref.tell(no_place())

    assert await tab.state() == S.SENT


# -- several legs


async def test_every_target_of_a_list_has_a_leg(bar: Bar) -> None:
    """Each is sent the request, each answers on its own."""
    for name in ("a", "b"):
        await bar.tavern(name)
    tab = Tab(bar, targets=("a", "b"))
    await tab.begin()
    for name in ("a", "b"):
        tab.chunk(name, 0, f"s-{name}", f"o-{name}", by=name)
        tab.end(f"s-{name}", f"o-{name}", by=name)
    await tab.ended()

    assert asked(bar) == ["a", "b"]
    assert bar.outbound.text("web", "o-a") == b"a"
    assert bar.outbound.text("web", "o-b") == b"b"


async def test_two_legs_may_use_the_same_output_id(bar: Bar) -> None:
    """Extensions choose them; their answers stay apart."""
    for name in ("a", "b"):
        await bar.tavern(name)
    tab = Tab(bar, targets=("a", "b"))
    await tab.begin()
    for name in ("a", "b"):
        tab.chunk(name, by=name)
        tab.end(by=name)
    await tab.ended()

    assert len({n.output.key for n in bar.outbound.of(OutputEnded)}) == 2


async def test_the_terminal_status_comes_after_the_last_leg(bar: Bar) -> None:
    """One for the request, not one for each."""
    for name in ("a", "b"):
        await bar.tavern(name)
    tab = Tab(bar, targets=("a", "b"))
    await tab.begin()
    tab.end(by="a")
    await tab.state()
    halfway = bar.outbound.ends()
    tab.end(by="b")
    end = await tab.ended()

    assert halfway == []
    assert bar.outbound.ends() == [S.COMPLETED]
    assert end.extension is None


@pytest.mark.parametrize("order", [("a", "b"), ("b", "a")])
async def test_a_request_is_completed_if_any_leg_was(
    bar: Bar, order: tuple[str, str]
) -> None:
    """Whichever ended first."""
    for name in ("a", "b"):
        await bar.tavern(name)
    tab = Tab(bar, targets=("a", "b"))
    await tab.begin()
    for name in order:
        if name == "a":
            tab.ref.tell(relay_events.StreamFailed("a", "no", 10_500))
        else:
            tab.end(by="b")
    end = await tab.ended()

    assert (end.state, end.error) == (S.COMPLETED, None)


async def test_a_request_fails_when_all_legs_did(bar: Bar) -> None:
    """It tells the reason of one."""
    for name in ("a", "b"):
        await bar.tavern(name)
    tab = Tab(bar, targets=("a", "b"))
    await tab.begin()
    for name in ("a", "b"):
        tab.ref.tell(relay_events.StreamFailed(name, "no", 10_500))

    assert (await tab.ended()).code == Code.LLM_SERVER_ERROR


async def test_cancelling_stops_every_leg(bar: Bar) -> None:
    """All extensions are told."""
    for name in ("a", "b"):
        await bar.tavern(name)
    tab = Tab(bar, targets=("a", "b"))
    await tab.begin()
    await ask(tab.ref, relay_events.Cancel("web"), timeout=ENOUGH)
    await bar.outbound.hears(OrderRevoked, times=2)

    assert [bar.outbound.to(name, OrderRevoked) for name in ("a", "b")] == [
        [OrderRevoked("req")],
        [OrderRevoked("req")],
    ]


async def test_an_extension_that_is_stopped_ends_its_own_leg(bar: Bar) -> None:
    """Its user has clicked Stop: the others go on, and nobody is told to stop."""
    for name in ("a", "b"):
        await bar.tavern(name)
    tab = Tab(bar, targets=("a", "b"))
    await tab.begin()
    tab.chunk("half", output="of-a", by="a")
    state = await ask(tab.ref, relay_events.Cancel("a"), timeout=ENOUGH)
    tab.chunk("whole", output="of-b", by="b")
    tab.end(output="of-b", by="b")
    end = await tab.ended()

    ends = {e.output.output_id: e.state for e in bar.outbound.of(OutputEnded)}
    assert state is S.CANCELLED
    assert ends == {"of-a": S.CANCELLED, "of-b": S.COMPLETED}
    assert end.state is S.COMPLETED
    assert bar.outbound.of(OrderRevoked) == []


async def test_a_request_whose_one_extension_is_stopped_is_cancelled(bar: Bar) -> None:
    """With what came, and the reason."""
    await bar.tavern()
    tab = Tab(bar)
    await tab.begin()
    tab.chunk("half")
    await ask(tab.ref, relay_events.Cancel("tavern"), timeout=ENOUGH)
    end = await tab.ended()

    assert (end.state, end.error) == (S.CANCELLED, "stopped at tavern")
    assert bar.outbound.text("web") == b"half"


async def test_an_extension_does_not_stop_what_it_does_not_answer(bar: Bar) -> None:
    """Neither what others answer nor what it has ended."""
    for name in ("a", "b"):
        await bar.tavern(name)
    tab = Tab(bar, targets=("a",))
    await tab.begin()

    with pytest.raises(RefusedError):
        await ask(tab.ref, relay_events.Cancel("b"), timeout=ENOUGH)


async def test_the_ack_of_several_legs_has_the_best_position(bar: Bar) -> None:
    """Of those that wait."""
    for name in ("a", "b"):
        await bar.tavern(name)
    for number, target in enumerate(["a", "a", "b"]):
        await Tab(bar, f"{number}", targets=(target,)).begin()

    assert (await Tab(bar, targets=("a", "b")).begin()).position == 1


# -- time


async def test_silence_before_the_first_chunk_is_a_timeout() -> None:
    """Code 8; the extension is told to stop."""
    bar = Bar(first_token_timeout=SHORT)
    await bar.tavern()
    tab = Tab(bar)
    await tab.begin()
    end = await tab.ended()

    assert (end.state, end.code) == (S.TIMEOUT, Code.TIMEOUT)
    await bar.outbound.hears(OrderRevoked)


async def test_silence_between_chunks_is_a_timeout() -> None:
    """What came is kept and marked."""
    bar = Bar(first_token_timeout=SHORT, chunk_timeout=SHORT)
    await bar.tavern()
    tab = Tab(bar)
    await tab.begin()
    tab.chunk("Hel")
    end = await tab.ended()

    assert (end.state, end.code) == (S.TIMEOUT, Code.TIMEOUT)
    assert [n.state for n in bar.outbound.of(OutputEnded)] == [S.TIMEOUT]
    assert bar.outbound.text("web") == b"Hel"


async def test_silence_after_a_first_chunk_is_noticed_in_time() -> None:
    """Though there would have been longer to wait for the first one."""
    bar = Bar(chunk_timeout=SHORT, request_timeout=20 * SHORT)
    await bar.tavern()
    tab = Tab(bar)
    await tab.begin()
    tab.chunk("Hel")

    assert (await tab.ended()).error == "tavern fell silent"


async def test_a_chunk_gives_the_answer_more_time() -> None:
    """The time for the first token is over, that between chunks is not."""
    bar = Bar(first_token_timeout=SHORT)
    await bar.tavern("a")
    await bar.tavern("b")
    tab = Tab(bar, "1", targets=("a",))
    silent = Tab(bar, "2", request_id="r2", targets=("b",))
    await tab.begin()
    tab.chunk("Hel", by="a")
    await silent.begin()
    await silent.ended()

    assert await tab.state() == S.STREAMING


@pytest.mark.parametrize("targets", [(), ("tavern",)], ids=["policy", "named"])
async def test_a_request_has_only_so_much_time(targets: tuple[str, ...]) -> None:
    """However busily it streams."""
    bar = Bar(request_timeout=SHORT)
    await bar.tavern()
    tab = Tab(bar, targets=targets)
    await tab.begin()
    tab.chunk("Hello")
    end = await tab.ended()

    assert (end.state, end.code) == (S.TIMEOUT, Code.TIMEOUT)


async def test_a_request_may_give_itself_less_time(bar: Bar) -> None:
    """Within the server's limit."""
    await bar.tavern()
    tab = Tab(bar, timeout=SHORT)
    await tab.begin()

    assert (await tab.ended()).state == S.TIMEOUT


async def test_a_request_can_not_give_itself_more_time() -> None:
    """The server's limit stands."""
    bar = Bar(request_timeout=SHORT)
    await bar.tavern()
    tab = Tab(bar, timeout=ENOUGH)
    await tab.begin()

    assert (await tab.ended()).state == S.TIMEOUT


async def test_a_waiting_request_times_out_too() -> None:
    """It is dropped from the queue."""
    bar = Bar(request_timeout=SHORT)
    ref = await bar.tavern(capacity=1)
    await Tab(bar, "1", request_id="r1").begin()
    tab = Tab(bar, "2")
    await tab.begin()
    await tab.ended()
    details = await ask(ref, GetDetails(), timeout=ENOUGH)

    assert (details.running, details.queued) == (0, 0)


# -- older extensions, which never say that an answer is final


async def test_an_idle_answer_of_an_older_extension_is_complete() -> None:
    """A stream of it has ended and nothing more came."""
    bar = Bar(output_idle_timeout=SHORT)
    await bar.tavern(version=None)
    tab = Tab(bar)
    await tab.begin()
    tab.chunk("Hello")
    tab.end(final=False)

    assert (await tab.ended()).state == S.COMPLETED


async def test_every_idle_answer_of_an_older_extension_is_complete() -> None:
    """Each has a time of its own."""
    bar = Bar(output_idle_timeout=SHORT, request_timeout=20 * SHORT)
    await bar.tavern(version=None)
    tab = Tab(bar)
    await tab.begin()
    for number in ("1", "2"):
        tab.chunk("Hello", 0, f"s{number}", f"o{number}")
    for number in ("1", "2"):
        tab.end(f"s{number}", f"o{number}", final=False)

    assert (await tab.ended()).state == S.COMPLETED


async def test_an_answer_that_goes_on_is_not_complete() -> None:
    """Another stream of it has begun before it was idle for long."""
    bar = Bar(output_idle_timeout=SHORT)
    for name in ("a", "b"):
        await bar.tavern(name, version=None)
    tab = Tab(bar, "1", targets=("a",))
    idle = Tab(bar, "2", request_id="r2", targets=("b",))
    await tab.begin()
    await idle.begin()
    tab.chunk("Hel", 0, "s1", by="a")
    tab.end("s1", by="a", final=False)
    tab.chunk("lo", 0, "s2", by="a")
    idle.chunk("Hello", by="b")
    idle.end(by="b", final=False)
    await idle.ended()

    assert await tab.state() == S.STREAMING


async def test_an_idle_answer_of_a_newer_extension_is_not_complete() -> None:
    """It says itself when it is."""
    bar = Bar(output_idle_timeout=SHORT)
    await bar.tavern("a", version="1")
    await bar.tavern("b", version=None)
    tab = Tab(bar, "1", targets=("a",))
    idle = Tab(bar, "2", request_id="r2", targets=("b",))
    for each, name in ((tab, "a"), (idle, "b")):
        await each.begin()
        each.chunk("Hello", by=name)
        each.end(by=name, final=False)
    await idle.ended()

    assert await tab.state() == S.STREAMING
