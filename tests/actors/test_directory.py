"""The directory: names to refs, both ways."""

from __future__ import annotations

from typing import Any

import pytest

from actors.base import LoopActor, stop
from actors.directory import Directory, Kind, Name
from tests.actors.recording import ENOUGH, Neighbour


class Idle(LoopActor):
    """Has a name and nothing to do."""

    def on_receive(self, message: Any) -> None:
        """Handle one message."""


@pytest.fixture
def directory() -> Directory:
    """An empty directory."""
    return Directory()


async def test_an_actor_is_found_by_its_name(directory: Directory) -> None:
    """``find`` gives the ref that was entered."""
    ref = Idle.start()
    directory.add(Kind.ROOM, "lobby", ref)

    assert directory.find(Kind.ROOM, "lobby") is ref


async def test_kinds_have_names_of_their_own(directory: Directory) -> None:
    """A room and a client of one name are two actors."""
    room, client = Idle.start(), Idle.start()
    directory.add(Kind.ROOM, "web", room)
    directory.add(Kind.CLIENT, "web", client)

    assert directory.find(Kind.ROOM, "web") is room
    assert directory.find(Kind.CLIENT, "web") is client


async def test_an_unknown_name_is_nobodys(directory: Directory) -> None:
    """Not found is None, no error."""
    assert directory.find(Kind.ROOM, "nowhere") is None


async def test_a_ref_leads_back_to_its_name(directory: Directory) -> None:
    """``name_of`` is ``find`` the other way round."""
    ref = Idle.start()
    directory.add(Kind.REQUEST, "abc", ref)

    assert directory.name_of(ref) == Name(Kind.REQUEST, "abc")


async def test_a_ref_without_a_name_leads_nowhere(directory: Directory) -> None:
    """Not every actor has a name."""
    assert directory.name_of(Neighbour().ref) is None


async def test_a_name_is_taken_while_its_actor_lives(directory: Directory) -> None:
    """Two actors of one name would answer for each other."""
    directory.add(Kind.ROOM, "lobby", Idle.start())

    with pytest.raises(ValueError, match="lobby"):
        directory.add(Kind.ROOM, "lobby", Idle.start())


async def test_an_actor_that_ends_leaves_by_itself(directory: Directory) -> None:
    """Its name is free, its ref nameless."""
    ref = Idle.start()
    directory.add(Kind.ROOM, "lobby", ref)
    await stop(ref, timeout=ENOUGH)

    assert directory.find(Kind.ROOM, "lobby") is None
    assert directory.name_of(ref) is None


async def test_a_name_can_be_used_again_after_the_end(directory: Directory) -> None:
    """Whoever next needs the name gets a fresh actor."""
    first = Idle.start()
    directory.add(Kind.ROOM, "lobby", first)
    await stop(first, timeout=ENOUGH)
    second = Idle.start()
    directory.add(Kind.ROOM, "lobby", second)

    assert directory.find(Kind.ROOM, "lobby") is second


async def test_a_dead_actor_does_not_stay(directory: Directory) -> None:
    """Entering who has ended already leaves no trace."""
    ref = Idle.start()
    await stop(ref, timeout=ENOUGH)
    directory.add(Kind.ROOM, "lobby", ref)

    assert directory.find(Kind.ROOM, "lobby") is None


async def test_names_and_count_are_of_one_kind(directory: Directory) -> None:
    """Lists and figures tell the kinds apart."""
    directory.add(Kind.ROOM, "lobby", Idle.start())
    directory.add(Kind.ROOM, "attic", Idle.start())
    directory.add(Kind.CLIENT, "web", Idle.start())

    assert list(directory.names(Kind.ROOM)) == ["lobby", "attic"]
    assert directory.count(Kind.ROOM) == 2
