"""Which rooms there are, who may make them, and how they wake and end."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from actors import relay_events
from actors.answers import Resume
from actors.base import LoopRef
from actors.directory import Kind
from actors.errors import BrokerError, Code, UnavailableError
from actors.future import LoopFuture
from actors.hall_events import (
    Came,
    CreateRoom,
    ForRoom,
    GetDefaultMode,
    GetHolder,
    GetRooms,
    Left,
    RoomSummary,
    SetDefaultMode,
    ask_room,
    tell_room,
)
from actors.house import HouseRules
from actors.modes import RequestMode
from actors.relay_events import Barred
from actors.roles import Caller, Role, Target
from actors.room_events import (
    Add,
    Delete,
    GetMembers,
    Join,
    Kick,
    Leave,
    RequestOpened,
    SetMode,
    Speak,
    Submit,
)
from actors.room_notices import MemberLeft, RoomDeleted
from actors.room_records import LoadRoom
from tests.actors.inn import (
    ANN,
    BOB,
    CAT,
    MONITOR,
    TAVERN,
    Disk,
    Inn,
    Shelf,
    ShelfActor,
    code_of,
    order_of,
)
from tests.actors.recording import SHORT, Neighbour, RecordingPort

M = RequestMode

GO_ON = "go on"


@pytest.fixture
async def inn() -> Inn:
    """A house on a database."""
    return Inn(store=Shelf().ref)


@pytest.fixture
async def disk(tmp_path: Path) -> AsyncIterator[Disk]:
    """A real database."""
    disk = Disk(tmp_path / "test.sqlite3")
    yield disk
    await disk.close()


def words(by: Caller, text: str = "hi") -> Speak:
    """Something said."""
    return Speak(caller=by, namespace="/llm", name="message", data={"data": text})


def came(who: Caller) -> Came:
    """What the hall is told of who comes."""
    return Came(who.identity, who.client, who.kind)


async def create(inn: Inn, by: Caller, name: str = "lobby", **settings: Any) -> int:
    """What one hears who makes a room: a code, or 0."""
    return await code_of(inn.hall(CreateRoom(name=name, caller=by, **settings)))


async def rooms(inn: Inn, caller: Caller) -> list[str]:
    """The rooms that somebody may know of."""
    return sorted(room.name for room in await inn.hall(GetRooms(caller)))


async def crash(inn: Inn, name: str) -> LoopRef[Any]:
    """Have a room meet a fault of ours; gives its actor."""
    ref = inn.house.directory.find(Kind.ROOM, name)
    assert ref is not None
    ref.tell("nonsense")
    await inn.settle()
    return ref


class Slow(ShelfActor):
    """Reads rooms when it is told to."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__(connection)
        self._waiting: list[tuple[LoadRoom, LoopFuture[Any]]] = []

    def on_receive(self, message: Any) -> Any:
        """Let whoever wants to read a room wait."""
        if isinstance(message, LoadRoom):
            self._waiting.append((message, self.defer()))
            return self._waiting[-1][1]
        if message == GO_ON:
            for wanted, answer in self._waiting:
                answer.set(super().on_receive(wanted))
            return None
        return super().on_receive(message)


class Fickle(ShelfActor):
    """Can not read rooms until it is told to."""

    _mended = False

    def on_receive(self, message: Any) -> Any:
        """Read no room."""
        if message == GO_ON:
            self._mended = True
            return None
        if isinstance(message, LoadRoom) and not self._mended:
            raise UnavailableError("the history can not be read now")
        return super().on_receive(message)


# -- one name space


async def test_a_room_has_one_name(inn: Inn) -> None:
    """301 to whoever wants it a second time."""
    first = await create(inn, ANN)

    assert first == 0
    assert await create(inn, ANN) == await create(inn, MONITOR) == Code.ROOM_EXISTS


async def test_a_room_is_not_called_like_somebody(inn: Inn) -> None:
    """Who is here, or owns or is in a room that is kept."""
    await inn.come(ANN, BOB)
    here = await create(inn, CAT, "ann")
    await create(inn, ANN, "kept", keep=True)
    await inn.room("kept", Add(BOB, ANN))
    await inn.go(BOB)
    await inn.room("ann", words(ANN))
    await inn.go(ANN)

    assert here == Code.ROOM_EXISTS
    assert await create(inn, CAT, "bob") == Code.ROOM_EXISTS
    assert await create(inn, CAT, "ann") == Code.ROOM_EXISTS


async def test_a_name_is_free_again_when_nothing_is_left_of_who_had_it(
    inn: Inn,
) -> None:
    """An own room in which nothing happened is nothing."""
    await inn.come(ANN)
    await inn.go(ANN)

    assert await inn.hall(GetHolder("ann")) is None
    assert await create(inn, BOB, "ann") == 0


async def test_a_name_is_free_again_when_its_room_is_deleted(inn: Inn) -> None:
    """For a room, and for an identity."""
    await create(inn, ANN)
    holder = await inn.hall(GetHolder("lobby"))
    await inn.room("lobby", Delete(ANN))
    await inn.settle()

    assert holder == ""
    assert await inn.hall(GetHolder("lobby")) is None
    assert await create(inn, BOB) == 0


async def test_an_identity_is_held_by_its_client(inn: Inn) -> None:
    """While it is here, and while it is a member of a room."""
    tab = Caller("tab", "web")
    await inn.come(tab)
    here = await inn.hall(GetHolder("tab"))
    await inn.create("kept", ANN, tab, keep=True)
    await inn.go(tab)
    away = await inn.hall(GetHolder("tab"))
    await inn.room("kept", Kick(Target("tab"), ANN))
    await inn.settle()

    assert (here, away) == ("web", "web")
    assert await inn.hall(GetHolder("tab")) is None


async def test_names_are_held_across_a_restart(disk: Disk) -> None:
    """Of rooms that sleep, of their owners and members."""
    inn = await disk.inn()
    await inn.come(ANN)
    await inn.room("ann", words(ANN))
    await inn.create("lobby", ANN, Caller("tab", "web"), keep=True)
    inn = await disk.restart()

    assert await inn.hall(GetHolder("ann")) == "ann"
    assert await inn.hall(GetHolder("tab")) == "web"
    assert await inn.hall(GetHolder("lobby")) == ""
    for name in ("ann", "tab", "lobby"):
        assert await create(inn, BOB, name) == Code.ROOM_EXISTS


# -- who makes rooms


@pytest.mark.parametrize(
    ("rules", "client", "extension"),
    [
        (HouseRules(), 0, 0),
        (HouseRules(rooms_by_monitors_only=True), 6, 0),
        (HouseRules(extensions_manage_rooms=False), 0, 6),
        (HouseRules(rooms_by_monitors_only=True, extensions_manage_rooms=False), 6, 6),
    ],
)
async def test_who_may_make_rooms_is_the_operators(
    rules: HouseRules, client: int, extension: int
) -> None:
    """A monitor always may."""
    inn = Inn(rules=rules)

    assert await create(inn, ANN, "a") == client
    assert await create(inn, TAVERN, "b") == extension
    assert await create(inn, MONITOR, "c") == 0


async def test_one_makes_only_so_many_rooms() -> None:
    """Each that is deleted makes place for another; a monitor is not counted."""
    inn = Inn(rooms_per_identity=2)
    first = [await create(inn, ANN, name) for name in "abc"]
    by_bob = await create(inn, BOB, "c")
    await inn.room("a", Delete(ANN))
    await inn.settle()
    again = [await create(inn, ANN, name) for name in "ad"]

    assert first == [0, 0, Code.TOO_MANY_REQUESTS]
    assert by_bob == 0
    assert again == [0, Code.TOO_MANY_REQUESTS]
    assert [await create(inn, MONITOR, name) for name in "efg"] == [0, 0, 0]


async def test_rooms_are_counted_across_a_restart(disk: Disk) -> None:
    """Own rooms are not made by anybody."""
    inn = await disk.inn()
    await inn.come(ANN)
    await inn.room("ann", words(ANN))
    for name in "ab":
        await inn.create(name, ANN)
    inn = await disk.restart(rooms_per_identity=2)

    assert await create(inn, ANN, "c") == Code.TOO_MANY_REQUESTS
    assert await create(inn, BOB, "c") == 0


async def test_a_room_is_made_as_it_was_wanted(inn: Inn) -> None:
    """And is on disk before the ack."""
    shelf = Shelf()
    inn = Inn(store=shelf.ref)
    await create(inn, ANN, mode=M.SEPARATE, open=True, password="hash", keep=True)

    fields = "name, owner, creator, mode, open, password, keep"
    assert shelf.rows(f"SELECT {fields} FROM rooms") == [  # noqa: S608
        ("lobby", None, "ann", "Separate", 1, "hash", 1)
    ]


async def test_a_new_room_has_the_default_mode(disk: Disk) -> None:
    """Which a monitor sets, and which is kept; other rooms stay as they are."""
    inn = await disk.inn()
    await create(inn, ANN, "before")
    refused = await code_of(inn.hall(SetDefaultMode(M.SEPARATE, ANN)))
    first = await inn.hall(GetDefaultMode())
    await inn.hall(SetDefaultMode(M.IMMEDIATE, MONITOR))
    await create(inn, ANN, "after")
    inn = await disk.restart()
    await create(inn, ANN, "later")
    await create(inn, ANN, "other", mode=M.MASTER_ONLY)
    modes = {room.name: room.mode for room in await inn.hall(GetRooms(MONITOR))}

    assert refused == Code.AUTHORISATION_FAILED
    assert (first, await inn.hall(GetDefaultMode())) == (M.DEFAULT, M.IMMEDIATE)
    assert modes == {
        "before": "Default",
        "after": "Immediate",
        "later": "Immediate",
        "other": "MasterOnly",
    }


# -- lists


async def test_rooms_are_listed_to_those_who_may_know_of_them(inn: Inn) -> None:
    """Open ones, one's own, those one is in; all of them to a monitor."""
    await inn.come(ANN, BOB)
    await create(inn, ANN, "open", open=True)
    await create(inn, ANN, "locked", open=True, password="hash")
    await create(inn, ANN, "private")
    await create(inn, BOB, "bobs")

    everything = ["ann", "bob", "bobs", "locked", "open", "private"]
    assert await rooms(inn, BOB) == ["bob", "bobs", "locked", "open"]
    assert await rooms(inn, ANN) == ["ann", "locked", "open", "private"]
    assert await rooms(inn, MONITOR) == everything


async def test_an_own_room_is_listed_as_it_has_become(inn: Inn) -> None:
    """Untouched it is its owner's alone, in the mode of new rooms."""
    await inn.come(ANN, BOB)
    untouched = await inn.hall(GetRooms(ANN))
    await inn.room("ann", Add(BOB, ANN))
    await inn.room("ann", SetMode(M.SEPARATE, ANN))
    (changed,) = [r for r in await inn.hall(GetRooms(ANN)) if r.name == "ann"]

    assert [(r.members, r.mode, r.keep) for r in untouched] == [(1, "Default", True)]
    assert (changed.members, changed.mode, changed.master) == (2, "Separate", "ann")


async def test_a_room_is_listed_as_it_is(inn: Inn) -> None:
    """With every change of it."""
    await inn.create("lobby", ANN, BOB, open=True)
    await inn.room("lobby", SetMode(M.SEPARATE, ANN))
    await inn.room("lobby", Leave(ANN))

    summary = RoomSummary(
        name="lobby", mode="Separate", members=1, master="bob", open=True, keep=False
    )
    assert await inn.hall(GetRooms(CAT)) == [summary]


async def test_sleeping_rooms_are_listed_as_they_were(disk: Disk) -> None:
    """Without being woken."""
    inn = await disk.inn()
    await inn.create("lobby", ANN, BOB, open=True, keep=True)
    before = await inn.hall(GetRooms(CAT))
    inn = await disk.restart()

    assert await inn.hall(GetRooms(CAT)) == before
    assert inn.house.directory.find(Kind.ROOM, "lobby") is None


async def test_it_is_known_who_is_where(inn: Inn) -> None:
    """One's own room is the first."""
    await inn.come(ANN, BOB)
    await inn.create("lobby", ANN, BOB)
    both = inn.rooms_of("bob")
    await inn.room("lobby", Leave(BOB))
    await inn.settle()

    assert both == ("bob", "lobby")
    assert inn.rooms_of("bob") == ("bob",)


# -- waking


async def test_a_room_wakes_when_it_is_needed(disk: Disk) -> None:
    """With who is here present in it."""
    inn = await disk.inn()
    await inn.create("lobby", ANN, BOB, keep=True)
    inn = await disk.restart()
    await inn.come(BOB)
    asleep = inn.house.directory.find(Kind.ROOM, "cellar")
    members = await inn.members("lobby")

    assert asleep is None
    assert {m.identity: m.present for m in members.values()} == {
        "ann": False,
        "bob": True,
    }


async def restarted(by: type[ShelfActor], *, of: Shelf) -> Inn:
    """A house that opens on what a shelf holds, with another way to get at it."""
    return Inn(store=by.start(of.connection), index=of.index())


async def shelf_of_ann() -> Shelf:
    """What is left of a house in which Ann has said something in her own room."""
    shelf = Shelf()
    inn = Inn(store=shelf.ref)
    await inn.come(ANN)
    await inn.room("ann", words(ANN, "before"))
    await inn.room("ann", Add(BOB, ANN, Role.SPECIAL))
    await inn.create("lobby", ANN, keep=True)
    return shelf


async def test_what_comes_while_a_room_wakes_is_handled_in_its_order() -> None:
    """Nothing is lost, and each is answered."""
    inn = await restarted(Slow, of=await shelf_of_ann())
    pending = [ask_room(inn.house, "ann", words(MONITOR, text)) for text in "ab"]
    inn.house.hall.tell(came(ANN))
    pending.append(ask_room(inn.house, "ann", words(ANN, "c")))
    await inn.hall(GetHolder("ann"))
    early = [each.waiter.done() for each in pending]
    inn.house.store.tell(GO_ON)
    for each in pending:
        await each

    assert early == [False] * 3
    assert await inn.texts("ann") == ["before", "bob came in", "a", "b", "c"]
    assert (await inn.members("ann"))["ann"].present


async def test_who_leaves_while_a_room_wakes_is_not_in_it_when_it_has() -> None:
    """It hears in order who came and who went."""
    inn = await restarted(Slow, of=await shelf_of_ann())
    inn.house.hall.tell(came(ANN))
    inn.house.hall.tell(Left("ann"))
    await inn.hall(GetHolder("ann"))
    inn.house.store.tell(GO_ON)

    assert not (await inn.members("lobby"))["ann"].present


async def test_a_room_that_can_not_be_read_is_not_said_to_be_gone() -> None:
    """9, and later it is there."""
    inn = await restarted(Fickle, of=await shelf_of_ann())
    code = await inn.outcome("lobby", GetMembers(MONITOR))
    inn.house.store.tell(GO_ON)

    assert code == Code.UNAVAILABLE
    assert await inn.roles("lobby") == {"ann": "master"}


async def test_an_owner_has_a_room_though_the_store_can_not_be_read() -> None:
    """It begins anew; what is in the store is found again when that can be read."""
    inn = await restarted(Fickle, of=await shelf_of_ann())
    await inn.come(ANN)
    anew = await inn.members("ann")
    await inn.go(ANN)
    inn.house.store.tell(GO_ON)
    await inn.come(ANN)

    assert [(m.identity, m.present) for m in anew.values()] == [("ann", True)]
    assert await inn.roles("ann") == {"ann": "master", "bob": "special"}


async def test_an_owner_is_there_when_its_room_is_begun_anew() -> None:
    """Though it came long before: its room has crashed, and can not be read."""
    inn = Inn(store=Shelf(Fickle).ref)
    await inn.come(ANN)
    await inn.room("ann", words(ANN, "before"))
    await crash(inn, "ann")

    assert (await inn.members("ann"))["ann"].present


async def test_who_comes_to_a_room_that_is_not_there_is_told(inn: Inn) -> None:
    """302, however it came; nobody waits in vain."""
    relay, port = Neighbour(), RecordingPort()
    wanted = order_of("nowhere", ANN)
    tell_room(inn.house, "nowhere", Submit("1", wanted, relay.ref))
    tell_room(inn.house, "nowhere", RequestOpened("2", wanted, relay.ref))
    resume = Resume(request_id="r", reader="ann", room="nowhere", start=0, port=port)
    tell_room(inn.house, "nowhere", resume)

    assert await inn.outcome("nowhere", Join(ANN)) == Code.ROOM_NOT_FOUND
    assert (await relay.hears(Barred)).error.code == Code.ROOM_NOT_FOUND
    assert (await relay.hears(relay_events.Cancel)).entitled
    assert (await port.hears(BrokerError)).code == Code.ROOM_NOT_FOUND


# -- crashes


async def test_a_room_that_crashed_is_rebuilt_from_the_store(disk: Disk) -> None:
    """Members, roles, mode and messages are as they were; who is here is there."""
    inn = await disk.inn()
    await inn.come(ANN, BOB)
    await inn.create("lobby", ANN, BOB)
    await inn.room("lobby", SetMode(M.SEPARATE, ANN))
    await inn.set_role("lobby", BOB, Role.SPECIAL)
    await inn.room("lobby", words(BOB, "remember"))
    before = await inn.texts("lobby"), await inn.members("lobby")
    old = await crash(inn, "lobby")
    after = await inn.texts("lobby"), await inn.members("lobby")
    await inn.room("lobby", words(ANN, "again"))

    assert inn.house.directory.find(Kind.ROOM, "lobby") is not old
    assert after == before
    assert inn.shown(ANN)[-1]["data"] == inn.shown(BOB)[-1]["data"] == "again"


async def test_an_own_room_is_no_actor_until_something_happens_in_it(inn: Inn) -> None:
    """Most who come do nothing in it for a while."""
    await inn.come(ANN)
    asleep = inn.house.directory.find(Kind.ROOM, "ann")
    await inn.room("ann", words(ANN))

    assert asleep is None
    assert await inn.roles("ann") == {"ann": "master"}


@pytest.mark.parametrize("used", [False, True])
async def test_an_own_room_that_crashed_is_there_again(inn: Inn, *, used: bool) -> None:
    """Whether or not there was anything to keep of it."""
    await inn.come(ANN)
    await inn.members("ann")
    if used:
        await inn.room("ann", words(ANN, "remember"))
    old = await crash(inn, "ann")
    members = await inn.members("ann")
    await inn.room("ann", words(ANN, "again"))

    assert inn.house.directory.find(Kind.ROOM, "ann") is not old
    assert [(m.identity, m.role, m.present) for m in members.values()] == [
        ("ann", "master", True)
    ]
    assert await inn.texts("ann") == ["remember"] * used + ["again"]


async def test_a_crash_of_one_room_is_not_noticed_in_another(inn: Inn) -> None:
    """Each has an actor of its own."""
    await inn.create("lobby", ANN)
    await inn.create("cellar", ANN)
    ref = inn.house.directory.find(Kind.ROOM, "cellar")
    await crash(inn, "lobby")

    assert await inn.roles("lobby") == {"ann": "master"}
    assert inn.house.directory.find(Kind.ROOM, "cellar") is ref


# -- the moment of the end


async def asleep_unsaid(inn: Inn) -> LoopRef[Any]:
    """Have Ann's room fall asleep, and come back before it has said so."""
    await inn.come(ANN)
    await inn.room("ann", words(ANN, "before"))
    ref = inn.house.directory.find(Kind.ROOM, "ann")
    assert ref is not None
    inn.house.hall.tell(Left("ann"))
    await asyncio.sleep(0)  # the hall has its turn, the room has yet to have its own
    assert ref.is_alive()
    return ref


async def test_who_comes_as_its_room_falls_asleep_finds_all_it_had(inn: Inn) -> None:
    """It is woken, not begun anew."""
    ref = await asleep_unsaid(inn)
    inn.house.hall.tell(came(ANN))
    await inn.settle()
    await inn.room("ann", words(ANN, "after"))

    assert not ref.is_alive()
    assert await inn.texts("ann") == ["before", "after"]
    assert (await inn.members("ann"))["ann"].present


async def test_what_is_for_a_room_that_falls_asleep_wakes_it(inn: Inn) -> None:
    """Though it has yet to say that it sleeps."""
    ref = await asleep_unsaid(inn)
    said = inn.hall(ForRoom("ann", words(MONITOR, "after")))

    assert await code_of(said) == 0
    assert not ref.is_alive()
    assert await inn.texts("ann") == ["before", "after"]


# -- after a start


async def test_after_the_grace_time_of_a_start_rooms_are_swept(disk: Disk) -> None:
    """Who is not back has left; rooms that are kept sleep on."""
    inn = await disk.inn()
    await inn.come(ANN, BOB)
    await inn.create("both", ANN, BOB)
    await inn.create("empty", ANN)
    await inn.create("kept", ANN, keep=True)
    await inn.room("bob", Add(ANN, BOB))
    inn = await disk.restart(reconnect_grace=SHORT)
    await inn.come(BOB)
    await inn.outbound.hears(RoomDeleted, room="empty")
    await inn.outbound.hears(MemberLeft, room="both")
    await inn.outbound.hears(MemberLeft, room="bob")

    assert await inn.roles("both") == {"bob": "master"}
    assert await inn.roles("bob") == {"bob": "master"}
    assert inn.house.directory.find(Kind.ROOM, "kept") is None
    assert await rooms(inn, MONITOR) == ["bob", "both", "kept"]
