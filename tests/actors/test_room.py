"""Who is in a room, and which requests are said in it."""

from __future__ import annotations

from typing import Any

import pytest

from actors import answers, relay_events
from actors.base import LoopRef, ask, watch
from actors.errors import BrokerError, Code
from actors.outbound import Resumed
from actors.room import (
    Add,
    Cancel,
    GetMembers,
    OwnerCame,
    OwnerLeft,
    Remove,
    RequestClosed,
    RequestOpened,
    Room,
)
from tests.actors.recording import (
    ENOUGH,
    SHORT,
    Bar,
    Neighbour,
    RecordingPort,
    Tab,
    an_order,
)


def open_room(bar: Bar) -> LoopRef[Room]:
    """The own room of ``web``."""
    return Room.start(bar.house, "web", "web")


@pytest.fixture
async def room(bar: Bar) -> LoopRef[Room]:
    """The own room of ``web``."""
    return open_room(bar)


async def members(ref: LoopRef[Room]) -> tuple[str, ...]:
    """Who is in a room."""
    found: tuple[str, ...] = await ask(ref, GetMembers("web"), timeout=ENOUGH)
    return found


async def refused(ref: LoopRef[Room], message: Any) -> int:
    """The code that a message is refused with."""
    with pytest.raises(BrokerError) as caught:
        await ask(ref, message, timeout=ENOUGH)
    return caught.value.code


async def ended(ref: LoopRef[Room]) -> bool:
    """Wait until a room has ended."""
    witness = Neighbour()
    watch(ref, witness.add)
    await witness.until(lambda: bool(witness.items))
    return not ref.is_alive()


# -- members


async def test_the_owner_is_in_its_room(room: LoopRef[Room]) -> None:
    """From the start."""
    assert await members(room) == ("web",)


@pytest.mark.parametrize("add", [Add("tab", "web"), Add("tab", "any", entitled=True)])
async def test_the_owner_or_a_monitor_adds_members(
    room: LoopRef[Room], add: Add
) -> None:
    """They are listed in the order they came."""
    await ask(room, add, timeout=ENOUGH)

    assert await members(room) == ("web", "tab")


async def test_a_member_may_not_add_others(room: LoopRef[Room]) -> None:
    """Only the owner decides who is in its own room."""
    room.tell(Add("tab", "web"))

    assert await refused(room, Add("friend", "tab")) == Code.ROOM_ACCESS_DENIED


async def test_nobody_is_added_twice(room: LoopRef[Room]) -> None:
    """304 says so."""
    room.tell(Add("tab", "web"))

    assert await refused(room, Add("tab", "web")) == Code.ALREADY_IN_ROOM


async def test_a_room_has_a_limit_of_members() -> None:
    """Over it a clear error, and nothing else is harmed."""
    room = open_room(Bar(members_per_room=2))
    room.tell(Add("tab", "web"))

    assert await refused(room, Add("more", "web")) == Code.ROOM_ACCESS_DENIED
    assert await members(room) == ("web", "tab")


@pytest.mark.parametrize("by", ["web", "tab"])
async def test_a_member_is_removed_by_the_owner_or_goes(
    room: LoopRef[Room], by: str
) -> None:
    """Everybody may leave."""
    room.tell(Add("tab", "web"))
    await ask(room, Remove("tab", by), timeout=ENOUGH)

    assert await members(room) == ("web",)


async def test_a_member_may_not_remove_others(room: LoopRef[Room]) -> None:
    """That is the owner's."""
    for name in ("tab", "friend"):
        room.tell(Add(name, "web"))

    assert await refused(room, Remove("friend", "tab")) == Code.ROOM_ACCESS_DENIED


@pytest.mark.parametrize("entitled", [False, True])
async def test_an_own_room_is_never_left(
    room: LoopRef[Room], *, entitled: bool
) -> None:
    """Not even a monitor puts its owner out."""
    message = Remove("web", "web", entitled=entitled)

    assert await refused(room, message) == Code.ROOM_ACCESS_DENIED


async def test_who_is_not_in_a_room_is_not_removed(room: LoopRef[Room]) -> None:
    """305 says so."""
    assert await refused(room, Remove("tab", "web")) == Code.NOT_IN_ROOM


async def test_members_are_listed_to_members(room: LoopRef[Room]) -> None:
    """A stranger learns nothing, a monitor everything."""
    assert await refused(room, GetMembers("tab")) == Code.ROOM_ACCESS_DENIED
    assert await ask(room, GetMembers("m", entitled=True), timeout=ENOUGH) == ("web",)


# -- requests


async def test_a_request_hears_who_reads_it(room: LoopRef[Room]) -> None:
    """As it is said, and whenever that changes."""
    relay = Neighbour()
    room.tell(RequestOpened("1", an_order(), relay.ref))
    room.tell(Add("tab", "web"))
    room.tell(Remove("tab", "web"))
    await relay.hears(relay_events.ReadersChanged, times=3)

    assert [told.readers for told in relay.items] == [
        ("web",),
        ("web", "tab"),
        ("web",),
    ]


async def test_a_closed_request_hears_nothing_more(room: LoopRef[Room]) -> None:
    """And closing it twice does no harm."""
    relay = Neighbour()
    room.tell(RequestOpened("1", an_order(), relay.ref))
    room.tell(RequestClosed("1"))
    room.tell(RequestClosed("1"))
    room.tell(Add("tab", "web"))
    await members(room)
    await relay.hears(relay_events.ReadersChanged)

    assert len(relay.items) == 1


async def test_the_owner_cancels_any_request_of_its_room(bar: Bar) -> None:
    """Whoever ordered it."""
    room = open_room(bar)
    await bar.tavern()
    tab = Tab(bar, requester="tab", room="web")
    await tab.begin()
    room.tell(RequestOpened("req", tab.order, tab.ref))

    assert await ask(room, Cancel("r", "web"), timeout=ENOUGH) == "cancelled"


async def test_another_member_does_not_cancel_a_request(bar: Bar) -> None:
    """Unless it is a monitor."""
    room = open_room(bar)
    await bar.tavern()
    tab = Tab(bar)
    await tab.begin()
    room.tell(RequestOpened("req", tab.order, tab.ref))

    assert await refused(room, Cancel("r", "tab")) == Code.AUTHORISATION_FAILED
    cancel = Cancel("r", "monitor", entitled=True)
    assert await ask(room, cancel, timeout=ENOUGH) == "cancelled"


async def test_cancelling_the_unknown_is_an_error(room: LoopRef[Room]) -> None:
    """It may have ended."""
    assert await refused(room, Cancel("r", "web")) == Code.NOT_FOUND


def resume(reader: str, port: RecordingPort) -> answers.Resume:
    """A wish to go on reading the request ``r`` of the room."""
    return answers.Resume(request_id="r", reader=reader, room="web", start=0, port=port)


async def test_a_stranger_does_not_resume_what_is_said_in_a_room(
    room: LoopRef[Room],
) -> None:
    """Who is not in a room reads nothing of it."""
    port = RecordingPort()
    room.tell(resume("stranger", port))

    assert (await port.hears(BrokerError)).code == Code.ROOM_ACCESS_DENIED


async def test_a_member_resumes_a_request_that_runs(bar: Bar) -> None:
    """It is handed to the request's relay."""
    room = open_room(bar)
    await bar.tavern()
    tab, port = Tab(bar), RecordingPort()
    await tab.begin()
    tab.chunk("Hello")
    room.tell(Add("friend", "web"))
    room.tell(RequestOpened("req", tab.order, tab.ref))
    room.tell(resume("friend", port))

    assert [o.text for o in (await port.hears(Resumed)).outputs] == [b"Hello"]


async def test_a_member_resumes_a_request_that_has_ended(bar: Bar) -> None:
    """It is handed to the cache."""
    room, port = open_room(bar), RecordingPort()
    room.tell(resume("web", port))

    assert (await port.hears(BrokerError)).code == Code.NOT_FOUND


# -- its end


async def test_a_room_ends_when_its_owner_has_left(room: LoopRef[Room]) -> None:
    """Nothing is said in it any more."""
    room.tell(OwnerLeft())

    assert await ended(room)


async def test_a_room_stays_while_something_is_said_in_it() -> None:
    """Others may still read; it looks again after a while."""
    room, relay = open_room(Bar(reconnect_grace=SHORT)), Neighbour()
    room.tell(RequestOpened("1", an_order(), relay.ref))
    room.tell(OwnerLeft())
    during = await members(room)
    room.tell(RequestClosed("1"))

    assert during == ("web",)
    assert await ended(room)


async def test_a_room_stays_when_its_owner_is_back() -> None:
    """With the members it had."""
    bar = Bar(reconnect_grace=SHORT)
    room, relay = open_room(bar), Neighbour()
    room.tell(Add("tab", "web"))
    room.tell(RequestOpened("1", an_order(), relay.ref))
    room.tell(OwnerLeft())
    room.tell(RequestClosed("1"))
    room.tell(OwnerCame())
    await members(room)
    witness = open_room(bar)
    witness.tell(RequestOpened("1", an_order(), relay.ref))
    witness.tell(OwnerLeft())
    witness.tell(RequestClosed("1"))
    await ended(witness)

    assert await members(room) == ("web", "tab")
