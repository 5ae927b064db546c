"""One SillyTavern instance: its capacity, its queue, its comings and goings."""

from __future__ import annotations

from typing import Any

import pytest

from actors import assignments, relay_events
from actors.base import LoopRef, ask, stop, watch
from actors.extension import (
    Answering,
    Connected,
    Describe,
    Details,
    Enqueue,
    Extension,
    Finished,
    GetDetails,
    Identify,
    Lost,
    Profile,
    Remove,
    Withdraw,
)
from actors.outbound import OrderPlaced, OrderRevoked
from tests.actors.recording import ENOUGH, SHORT, Bar, Neighbour, an_order

ME = "tavern"


class Till:
    """An extension, and a relay that listens for each request."""

    def __init__(self, bar: Bar, ref: LoopRef[Extension]) -> None:
        self.bar = bar
        self.ref = ref
        self.relays: dict[str, Neighbour] = {}

    def enqueue(self, *requests: str, requester: str = "web") -> None:
        """Requests come for the extension."""
        for request in requests:
            relay = self.relays[request] = Neighbour()
            order = an_order(request_id=request, requester=requester)
            self.ref.tell(Enqueue(request, order, relay.ref))

    async def details(self) -> Details:
        """How it is; the extension has then handled all it was told."""
        details: Details = await ask(self.ref, GetDetails(), timeout=ENOUGH)
        return details

    async def load(self) -> tuple[int, int]:
        """How many requests run, and how many wait."""
        details = await self.details()
        return details.running, details.queued

    async def placed(self) -> list[str]:
        """The requests that went out to the instance."""
        await self.details()
        return [notice.request for notice in self.bar.outbound.to(ME, OrderPlaced)]

    async def revoked(self) -> list[str]:
        """The requests that the instance was told to stop."""
        await self.details()
        return [notice.request for notice in self.bar.outbound.to(ME, OrderRevoked)]

    async def places(self, request: str) -> list[int]:
        """The positions that a request was told, one after the other."""
        await self.details()
        return [told.position for told in self.relays[request].of(relay_events.Queued)]

    async def heard(self, request: str, kind: type[Any]) -> bool:
        """Wait until a request's relay has been told something."""
        await self.relays[request].hears(kind)
        return True

    async def ended(self) -> bool:
        """Wait until the extension's actor has ended."""
        witness = Neighbour()
        watch(self.ref, witness.add)
        await witness.until(lambda: bool(witness.items))
        return not self.ref.is_alive()

    def identify(self, *running: str, **profile: Any) -> None:
        """The instance introduces itself."""
        profile = {"version": "1", **profile}
        self.ref.tell(Identify(Profile(**profile), frozenset(running)))


async def open_till(grace: float = 30, queued: int = 256, **profile: Any) -> Till:
    """A connected instance in a house with these limits."""
    bar = Bar(reconnect_grace=grace, queued_per_extension=queued)
    return Till(bar, await bar.tavern(ME, **profile))


@pytest.fixture
async def till() -> Till:
    """A connected instance that does one thing at a time."""
    return await open_till()


# -- capacity and queue


async def test_a_request_goes_out_at_once_while_there_is_capacity(till: Till) -> None:
    """Its relay is told so."""
    till.enqueue("1")

    assert await till.placed() == ["1"]
    assert await till.heard("1", relay_events.Dispatched)


async def test_no_more_requests_run_than_the_capacity() -> None:
    """The rest wait."""
    till = await open_till(capacity=2)
    till.enqueue("1", "2", "3")

    assert await till.placed() == ["1", "2"]
    assert await till.load() == (2, 1)


async def test_the_next_goes_out_when_one_has_finished(till: Till) -> None:
    """An instance is kept busy."""
    till.enqueue("1", "2")
    till.ref.tell(Finished("1"))

    assert await till.placed() == ["1", "2"]


async def test_finishing_twice_frees_one_place(till: Till) -> None:
    """The second word means nothing."""
    till.enqueue("1", "2", "3")
    till.ref.tell(Finished("1"))
    till.ref.tell(Finished("1"))

    assert await till.load() == (1, 1)


async def test_those_who_wait_are_told_their_place(till: Till) -> None:
    """From the first on, and again when they move up."""
    till.enqueue("1", "2", "3")
    till.ref.tell(Finished("1"))
    await till.heard("2", relay_events.Dispatched)
    places = await till.places("3")

    assert (places[0], places[-1]) == (2, 1)


async def test_requesters_take_turns(till: Till) -> None:
    """Who orders much does not hold up who orders little."""
    till.enqueue("a1", "a2", "a3", requester="a")
    till.enqueue("b1", requester="b")
    for request in ("a1", "a2", "b1"):
        till.ref.tell(Finished(request))

    assert await till.placed() == ["a1", "a2", "b1", "a3"]


async def test_who_is_overtaken_is_told_so(till: Till) -> None:
    """A place is worth only what it is now."""
    till.enqueue("a1", "a2", "a3", requester="a")
    till.enqueue("b1", requester="b")
    await till.details()
    await till.relays["a3"].hears(relay_events.Queued, position=3)

    assert (await till.places("a3"))[-1] == 3


async def test_a_full_queue_takes_no_more() -> None:
    """The relay is told, and nobody else is harmed."""
    till = await open_till(queued=1)
    till.enqueue("1", "2", "3")

    assert await till.heard("3", relay_events.QueueFull)
    assert await till.load() == (1, 1)


async def test_more_capacity_is_used_at_once(till: Till) -> None:
    """An instance may change what it said of itself."""
    till.enqueue("1", "2")
    till.ref.tell(Describe({"capacity": 2}))

    assert await till.load() == (2, 0)


async def test_details_are_what_the_instance_said() -> None:
    """Lists show them."""
    till = await open_till(client="me", model="m")
    profile = Profile(version="1", model="m")

    assert await till.details() == Details(ME, "me", profile, running=0, queued=0)


# -- withdrawing


async def test_a_waiting_request_is_withdrawn_silently(till: Till) -> None:
    """The instance never heard of it."""
    till.enqueue("1", "2")
    till.ref.tell(Withdraw("2"))

    assert await till.load() == (1, 0)
    assert await till.revoked() == []


async def test_those_behind_a_withdrawn_request_move_up(till: Till) -> None:
    """And are told."""
    till.enqueue("1", "2", "3")
    till.ref.tell(Withdraw("2"))
    await till.details()
    await till.relays["3"].hears(relay_events.Queued, position=1)

    assert (await till.places("3"))[-1] == 1


async def test_a_running_request_is_revoked(till: Till) -> None:
    """The instance is to stop, and gets the next."""
    till.enqueue("1", "2")
    till.ref.tell(Withdraw("1"))

    assert await till.revoked() == ["1"]
    assert await till.placed() == ["1", "2"]


async def test_withdrawing_the_unknown_means_nothing(till: Till) -> None:
    """It may come late."""
    till.ref.tell(Withdraw("1"))

    assert await till.revoked() == []


# -- losing it and having it back


async def test_a_loss_is_told_to_all_who_count_on_it(till: Till) -> None:
    """Those that run and those that wait."""
    till.enqueue("1", "2")
    till.ref.tell(Lost())

    assert await till.heard("1", relay_events.ExtensionLost)
    assert await till.heard("2", relay_events.ExtensionLost)


async def test_a_lost_instance_is_given_nothing_by_the_policy(till: Till) -> None:
    """It is not among those that can be reached."""
    till.ref.tell(Lost())
    await till.details()
    desk = till.bar.house.assignments

    assert await ask(desk, assignments.GetAvailable(), timeout=ENOUGH) == []


async def test_losing_it_twice_is_losing_it_once(till: Till) -> None:
    """Each of its namespaces may say so."""
    till.enqueue("1")
    till.ref.tell(Lost())
    till.ref.tell(Lost())
    await till.details()
    await till.heard("1", relay_events.ExtensionLost)

    assert len(till.relays["1"].of(relay_events.ExtensionLost)) == 1


async def test_requests_for_a_lost_instance_wait(till: Till) -> None:
    """They go out when it is back."""
    till.ref.tell(Lost())
    till.enqueue("1")
    before = await till.placed()
    till.ref.tell(Connected())

    assert (before, await till.placed()) == ([], ["1"])


async def test_removed_while_away_it_has_gone_for_good(till: Till) -> None:
    """Its grace time is over at once."""
    till.enqueue("1")
    till.ref.tell(Lost())
    till.ref.tell(Remove())

    assert await till.heard("1", relay_events.ExtensionGone)
    assert await till.ended()


async def test_removing_one_that_is_here_means_nothing(till: Till) -> None:
    """Its sockets are to be closed first."""
    till.enqueue("1")
    till.ref.tell(Remove())

    assert await till.load() == (1, 0)


async def test_what_it_still_runs_is_kept(till: Till) -> None:
    """``running`` names it: nothing is sent again, nothing forgotten."""
    till.enqueue("1")
    till.ref.tell(Lost())
    till.ref.tell(Connected())
    till.identify("1")

    assert await till.load() == (1, 0)
    assert await till.placed() == ["1"]
    assert till.relays["1"].of(relay_events.ExtensionForgot) == []


async def test_what_it_does_not_name_was_forgotten(till: Till) -> None:
    """Its relay is told, its place is free."""
    till.enqueue("1", "2")
    till.ref.tell(Lost())
    till.ref.tell(Connected())
    till.identify()

    assert await till.heard("1", relay_events.ExtensionForgot)
    assert await till.placed() == ["1", "2"]


async def test_it_is_given_nothing_new_before_it_says_what_it_runs(
    till: Till,
) -> None:
    """It might be given two things at a time."""
    till.enqueue("1", "2")
    till.ref.tell(Lost())
    till.ref.tell(Connected())
    till.ref.tell(Finished("other"))

    assert await till.placed() == ["1"]


async def test_what_was_moved_meanwhile_is_revoked(till: Till) -> None:
    """It still runs what is somebody else's now."""
    till.enqueue("1")
    till.ref.tell(Lost())
    till.ref.tell(Withdraw("1"))
    till.ref.tell(Connected())
    till.identify("1")

    assert await till.revoked() == ["1"]


async def test_what_it_still_runs_is_revoked_once_it_can_be_told(till: Till) -> None:
    """It may introduce itself before its socket for orders is there."""
    till.enqueue("1")
    till.ref.tell(Lost())
    till.ref.tell(Withdraw("1"))
    till.identify("1")
    before = await till.revoked()
    till.ref.tell(Connected())

    assert (before, await till.revoked()) == ([], ["1"])


async def test_an_instance_that_never_says_what_it_runs_has_forgotten_it() -> None:
    """After the grace time, so that nobody waits for ever."""
    till = await open_till(grace=SHORT)
    till.enqueue("1")
    till.ref.tell(Lost())
    till.ref.tell(Connected())

    assert await till.heard("1", relay_events.ExtensionForgot)
    assert await till.load() == (0, 0)


async def test_a_second_loss_has_a_grace_time_of_its_own() -> None:
    """The timer of the first does not end it."""
    till = await open_till(grace=SHORT)
    till.ref.tell(Lost())
    till.ref.tell(Connected())
    await till.details()
    witness = await till.bar.tavern("witness")
    witness.tell(Lost())
    await Till(till.bar, witness).ended()

    assert till.ref.is_alive()


# -- its end


async def test_after_the_grace_time_it_is_gone() -> None:
    """All who counted on it are told, and the actor ends."""
    till = await open_till(grace=SHORT)
    till.enqueue("1", "2")
    till.ref.tell(Lost())

    assert await till.heard("1", relay_events.ExtensionGone)
    assert await till.heard("2", relay_events.ExtensionGone)
    assert await till.ended()


async def test_who_leaves_deliberately_is_gone_at_once(till: Till) -> None:
    """No grace time is kept for who said goodbye."""
    till.enqueue("1")
    await till.details()
    till.ref.tell(Lost(deliberate=True))

    assert await till.heard("1", relay_events.ExtensionGone)
    assert await till.ended()


async def test_who_is_gone_can_not_be_named(till: Till) -> None:
    """The assignments forget it."""
    till.ref.tell(Lost(deliberate=True))
    await till.ended()
    asker = Neighbour()
    desk = till.bar.house.assignments
    desk.tell(assignments.Place("1", (ME,), asker.ref, "web"))

    assert (await asker.hears(assignments.NotPlaced)).error.code == 401


async def test_a_request_that_comes_too_late_is_declined(till: Till) -> None:
    """Its relay would wait for nothing."""
    await stop(till.ref, timeout=ENOUGH)
    till.enqueue("1")

    assert await till.heard("1", relay_events.ExtensionGone)


async def test_a_crash_is_an_end_like_any_other(till: Till) -> None:
    """Its relays do not wait for what nobody remembers."""
    till.enqueue("1")
    await till.details()
    till.bar.outbound.fail_once_on(OrderRevoked)
    till.ref.tell(Withdraw("1"))

    assert await till.heard("1", relay_events.ExtensionGone)


# -- older extensions


async def test_who_does_one_thing_at_a_time_has_finished_what_was_before() -> None:
    """A later request's first chunk says so."""
    till = await open_till(capacity=2)
    till.enqueue("1", "2")
    till.ref.tell(Describe({"capacity": 1}))
    till.ref.tell(Answering("2"))
    await till.details()

    assert await till.heard("1", relay_events.Superseded)
    assert till.relays["2"].of(relay_events.Superseded) == []


async def test_who_does_many_things_has_finished_nothing_by_that() -> None:
    """With a capacity of two both are meant."""
    till = await open_till(capacity=2)
    till.enqueue("1", "2")
    till.ref.tell(Answering("2"))
    till.ref.tell(Finished("1"))
    await till.details()
    await till.heard("1", relay_events.Dispatched)

    assert till.relays["1"].of(relay_events.Superseded) == []


@pytest.mark.parametrize(("version", "versioned"), [("1", True), (None, False)])
async def test_a_relay_is_told_whether_the_instance_is_a_new_one(
    version: str | None, *, versioned: bool
) -> None:
    """A new one says when an answer is final."""
    till = await open_till(version=version)
    till.enqueue("1")
    told = await till.relays["1"].hears(relay_events.Dispatched)

    assert told == relay_events.Dispatched(ME, versioned=versioned)
