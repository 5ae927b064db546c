"""What who ordered hears first, while the store is slow or does not answer."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from actors.acceptance import Accepted
from actors.base import ask, stop
from actors.directory import Kind
from actors.histogram import Histogram
from actors.lifecycle import RequestState
from actors.outbound import OrderPlaced
from actors.records import Committed
from actors.relay import GetState
from actors.relay_events import Cancel, Held, Recorded
from actors.room_events import Submit
from actors.schema import open_database
from actors.store import Store
from tests.actors.recording import ENOUGH, SHORT, Bar, Neighbour, Tab
from tests.actors.test_store import Busy

S = RequestState
DOWN: Final = "the store is down: this request would not survive a restart"
MANY: Final = 40
FEW: Final = 3


@pytest.fixture
async def silent() -> Bar:
    """A house whose disk hangs."""
    return Bar(store_ok=None, store_timeout=SHORT)


def room_of(bar: Bar) -> Neighbour:
    """A room that only listens, in the place of the one of ``web``."""
    room = Neighbour()
    bar.house.directory.add(Kind.ROOM, "web", room.ref)
    return room


async def test_store_that_does_not_answer_is_a_warning(silent: Bar) -> None:
    """An error would be taken for the end of what streams all the same."""
    await silent.tavern()
    accepted = await Tab(silent).begin()

    assert accepted == Accepted(S.SENT, warning=DOWN)


async def test_it_is_one_for_what_has_ended_meanwhile(silent: Bar) -> None:
    """The ack says how."""
    await silent.tavern()
    tab = Tab(silent)
    acked = tab.begin()
    await silent.outbound.hears(OrderPlaced)
    tab.ref.tell(Cancel("web", entitled=True))

    assert await acked == Accepted(S.CANCELLED, warning=DOWN)


@pytest.mark.parametrize("verdict", [Held(), Recorded("it is kept")])
async def test_it_is_one_for_what_the_room_keeps(
    silent: Bar, verdict: Held | Recorded
) -> None:
    """Whether it waits or that is all."""
    room, tab = room_of(silent), Tab(silent)
    acked = tab.begin()
    await room.hears(Submit)
    tab.ref.tell(verdict)
    state = S.HELD if isinstance(verdict, Held) else S.RECORDED

    assert await acked == Accepted(state, warning=DOWN)


async def test_store_that_has_answered_is_not_given_up_later(silent: Bar) -> None:
    """Who asks again is told what is so."""
    room, stored, other = room_of(silent), Tab(silent, "1"), Tab(silent, "2")
    acked = [tab.begin() for tab in (stored, other)]
    await room.hears(Submit, times=2)
    stored.ref.tell(Held())
    stored.ref.tell(Committed(ok=True))
    other.ref.tell(Held())
    first, second = [await ack for ack in acked]  # the time is over for both
    later = await ask(stored.ref, GetState(), timeout=ENOUGH)

    assert (first.warning, second.warning) == (None, DOWN)
    assert later == first


async def test_orders_that_end_sooner_than_they_are_stored_share_commits(
    tmp_path: Path,
) -> None:
    """With one for each they would wait longer and longer, and end so all the more."""
    commits, busy = Histogram([ENOUGH]), Busy()
    shelf = Store.start(open_database(tmp_path / "test.sqlite3"), commits=commits)
    bar = Bar(store=shelf)
    await bar.tavern(capacity=MANY)
    await Tab(bar, "first").begin()
    before = commits.count
    shelf.tell(busy)
    acked = []
    for number in range(MANY):
        tab = Tab(bar, str(number), request_id=str(number))
        acked.append(tab.begin())
        tab.ref.tell(Cancel("web", entitled=True))
        await tab.ended()
    busy.over.set()
    accepted = [await ack for ack in acked]
    await stop(shelf, timeout=ENOUGH)

    assert {each.warning for each in accepted} == {None}
    assert commits.count - before <= FEW
