"""A room: who comes, who goes, who must be silent, and when it is no more.

Who may what is in ``test_room_matrix.py``, what is ordered in ``test_room_orders.py``,
what is said in ``test_room_talk.py``.
"""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from actors import assignments, hall_events
from actors.assignment_events import AssignmentChanged
from actors.base import LoopRef, watch
from actors.directory import Kind
from actors.errors import Code
from actors.house import HouseRules
from actors.message import timestamp
from actors.modes import RequestMode
from actors.records import Unwritten
from actors.roles import Caller, Role, Target
from actors.room import Room
from actors.room_events import (
    Add,
    Delete,
    GetHistory,
    GetLock,
    Join,
    Kick,
    Leave,
    Mute,
    Remove,
    SetMode,
    SetRole,
    SetStatus,
    Speak,
    Sweep,
    Unmute,
)
from actors.room_notices import (
    ExtensionsAvailable,
    MemberJoined,
    MemberLeft,
    MemberMuted,
    MemberStatusChanged,
    MemberUnmuted,
    RoleChanged,
    RoomDeleted,
    RoomModeChanged,
)
from tests.actors.inn import (
    ANN,
    BOB,
    CAT,
    DAN,
    MONITOR,
    TAVERN,
    Clock,
    Disk,
    Inn,
    Shelf,
)
from tests.actors.recording import SHORT, Neighbour


@pytest.fixture
async def inn() -> Inn:
    """A house on a database, with Ann, Bob and Cat in it."""
    inn = Inn(store=Shelf().ref)
    await inn.come(ANN, BOB, CAT)
    return inn


@pytest.fixture
async def disk(tmp_path: Path) -> AsyncIterator[Disk]:
    """A real database."""
    disk = Disk(tmp_path / "test.sqlite3")
    yield disk
    await disk.close()


def words(by: Caller, text: str = "hi") -> Speak:
    """Something said."""
    return Speak(caller=by, namespace="/llm", name="message", data={"data": text})


def awake(inn: Inn, name: str) -> LoopRef[Any] | None:
    """The room's actor, if it has one."""
    return inn.house.directory.find(Kind.ROOM, name)


async def gone(inn: Inn, name: str) -> None:
    """Wait until a room's actor has ended."""
    ref, witness = awake(inn, name), Neighbour()
    if ref is not None:
        watch(ref, witness.add)
        await witness.until(lambda: bool(witness.items))
    await inn.settle()


# -- coming in


async def test_whoever_creates_a_room_is_its_master(inn: Inn) -> None:
    """And alone in it; the answer says so."""
    role = await inn.hall(hall_events.CreateRoom(name="lobby", caller=ANN))

    assert role == Role.MASTER
    assert await inn.roles("lobby") == {"ann": "master"}


async def test_whoever_joins_is_a_guest(inn: Inn) -> None:
    """Everybody who is there is told, the newcomer too."""
    await inn.create("lobby", ANN, open=True)
    role = await inn.room("lobby", Join(BOB))

    assert role == Role.GUEST
    joined = MemberJoined("lobby", "bob", "bob", Role.GUEST)
    assert joined in inn.told(ANN, MemberJoined)
    assert joined in inn.told(BOB, MemberJoined)


async def test_whoever_is_added_has_the_role_that_was_given(inn: Inn) -> None:
    """A master or a monitor gives it."""
    await inn.create("lobby", ANN)
    role = await inn.room("lobby", Add(BOB, ANN, Role.SPECIAL))

    assert role == Role.SPECIAL
    assert await inn.roles("lobby") == {"ann": "master", "bob": "special"}


async def test_whoever_is_added_may_be_away(inn: Inn) -> None:
    """It is a member, and is told nothing until it comes."""
    await inn.create("lobby", ANN)
    await inn.room("lobby", Add(DAN, ANN, present=False))
    await inn.room("lobby", words(ANN))
    before = (await inn.members("lobby"))["dan"].present
    await inn.come(DAN)

    assert not before
    assert inn.shown(DAN) == []
    assert (await inn.members("lobby"))["dan"].present


async def test_a_room_has_a_limit_of_members() -> None:
    """Over it a clear error, and nothing else is harmed."""
    inn = Inn(members_per_room=2)
    await inn.create("lobby", ANN, BOB, open=True)

    assert await inn.outcome("lobby", Join(CAT)) == Code.ROOM_ACCESS_DENIED
    assert await inn.outcome("lobby", Add(CAT, MONITOR)) == Code.ROOM_ACCESS_DENIED
    assert list(await inn.members("lobby")) == ["ann", "bob"]


async def test_the_lock_of_a_room_is_for_those_who_must_open_it(inn: Inn) -> None:
    """The gateway proves the password against it; members and monitors need none."""
    await inn.create("lobby", ANN, password="hash")

    assert await inn.room("lobby", GetLock(BOB)) == "hash"
    assert await inn.room("lobby", GetLock(ANN)) is None
    assert await inn.room("lobby", GetLock(MONITOR)) is None


async def test_extensions_are_told_to_a_room_as_they_are_assigned(inn: Inn) -> None:
    """To those who are in it."""
    await inn.create("lobby", ANN, BOB)
    ref = awake(inn, "lobby")
    assert ref is not None
    ref.tell(AssignmentChanged("lobby", ("tavern",)))
    await inn.settle()

    assert inn.told(BOB, ExtensionsAvailable)[-1].extensions == ("tavern",)
    assert ExtensionsAvailable(("tavern",)) not in inn.told(CAT, ExtensionsAvailable)


# -- going


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (Leave(BOB), "left"),
        (Remove(Target("bob"), BOB), "left"),
        (Remove(Target("bob"), ANN), "removed"),
        (Kick(Target("bob"), ANN), "kicked"),
    ],
)
async def test_everybody_is_told_who_left_and_why(
    inn: Inn, message: Any, reason: str
) -> None:
    """Who left, too."""
    await inn.create("lobby", ANN, BOB, CAT)
    await inn.room("lobby", message)

    told = [MemberLeft("lobby", "bob", "bob", reason)]
    assert list(await inn.members("lobby")) == ["ann", "cat"]
    for reader in (ANN, BOB, CAT):
        assert inn.told(reader, MemberLeft) == told


async def test_who_does_not_come_back_has_left_a_room_that_is_not_kept(
    inn: Inn,
) -> None:
    """After its grace time."""
    await inn.create("lobby", ANN, BOB)
    await inn.go(BOB)

    assert list(await inn.members("lobby")) == ["ann"]
    assert inn.told(ANN, MemberLeft) == [MemberLeft("lobby", "bob", "bob", "gone")]


async def test_who_does_not_come_back_stays_in_a_room_that_is_kept(inn: Inn) -> None:
    """With its role; nobody is told, and it hears nothing until it is back."""
    await inn.create("lobby", ANN, BOB, keep=True)
    await inn.set_role("lobby", BOB, Role.SPECIAL)
    await inn.room("lobby", SetStatus(BOB, "typing"))
    await inn.go(BOB)
    away = (await inn.members("lobby"))["bob"]
    await inn.room("lobby", words(ANN))
    await inn.come(BOB)
    back = (await inn.members("lobby"))["bob"]

    assert (away.role, away.present, away.status) == ("special", False, "idle")
    assert (back.role, back.present) == ("special", True)
    assert inn.told(ANN, MemberLeft) == []
    assert "hi" not in [each.get("data") for each in inn.shown(BOB)]


async def test_a_guest_leaves_the_own_room_of_another_as_it_goes(inn: Inn) -> None:
    """Its owner's room is nobody else's home."""
    await inn.room("ann", Add(BOB, ANN))
    await inn.go(BOB)

    assert list(await inn.members("ann")) == ["ann"]


async def test_coming_again_is_nothing_new(inn: Inn) -> None:
    """Who was in its grace time is not announced."""
    await inn.create("lobby", ANN, BOB)
    before = len(inn.told(ANN, MemberJoined))
    await inn.come(BOB)

    assert len(inn.told(ANN, MemberJoined)) == before


async def test_a_client_is_put_out_with_all_that_it_has_there(inn: Inn) -> None:
    """Where it is named and no identity of it."""
    tab, other = Caller("tab", "web"), Caller("web", "web")
    await inn.create("lobby", ANN, tab, other, BOB)
    await inn.room("lobby", Kick(Target(None, "web"), ANN))

    assert list(await inn.members("lobby")) == ["ann", "bob"]


async def test_an_identity_is_put_out_alone(inn: Inn) -> None:
    """Its client's others stay."""
    tab, other = Caller("tab", "web"), Caller("web", "web")
    await inn.create("lobby", ANN, tab, other)
    await inn.room("lobby", Kick(Target("web"), ANN))

    assert list(await inn.members("lobby")) == ["ann", "tab"]


async def test_nobody_is_put_out_where_one_of_them_must_not_be(inn: Inn) -> None:
    """All or none."""
    tab, other = Caller("tab", "web"), Caller("web", "web")
    await inn.create("lobby", ANN, BOB, tab, other)
    await inn.set_role("lobby", BOB, Role.MANAGER)
    await inn.set_role("lobby", tab, Role.MANAGER)

    refused = await inn.outcome("lobby", Kick(Target(None, "web"), BOB))
    assert refused == Code.AUTHORISATION_FAILED
    assert len(await inn.members("lobby")) == 4


# -- kicked


async def test_a_kicked_member_is_out_until_it_is_added(inn: Inn) -> None:
    """An open room is closed to it, and so is the right password."""
    await inn.create("lobby", ANN, BOB, open=True, password="hash")
    await inn.room("lobby", Kick(Target("bob"), ANN))
    out = await inn.outcome("lobby", Join(BOB, "hash"))
    await inn.room("lobby", Add(BOB, ANN))
    await inn.room("lobby", Leave(BOB))

    assert out == Code.ROOM_ACCESS_DENIED
    assert await inn.outcome("lobby", Join(BOB, "hash")) == 0


async def test_who_was_removed_may_come_again(inn: Inn) -> None:
    """That is what tells it from a kick."""
    await inn.create("lobby", ANN, BOB, open=True)
    await inn.room("lobby", Remove(Target("bob"), ANN))

    assert await inn.outcome("lobby", Join(BOB)) == 0


async def test_who_was_kicked_is_told_by_whom(inn: Inn) -> None:
    """A word that concerns nobody else."""
    await inn.create("lobby", ANN, BOB, CAT)
    await inn.room("lobby", Kick(Target("bob"), ANN))

    assert inn.warned(BOB) == [Code.ROOM_ACCESS_DENIED]
    assert inn.warned(ANN) == inn.warned(CAT) == []


async def test_a_kicked_member_stays_out_across_a_restart(disk: Disk) -> None:
    """It comes no more as itself than it did before."""
    inn = await disk.inn()
    await inn.come(ANN, BOB)
    await inn.create("lobby", ANN, BOB, open=True)
    await inn.room("lobby", Kick(Target("bob"), ANN))
    inn = await disk.restart()
    await inn.come(ANN, BOB)

    assert await inn.outcome("lobby", Join(BOB)) == Code.ROOM_ACCESS_DENIED
    assert await inn.room("lobby", Add(BOB, ANN)) == Role.GUEST


async def test_only_so_many_outcasts_are_remembered() -> None:
    """As many as may be members; the oldest are forgotten, in the store as well."""
    shelf = Shelf()
    inn = Inn(store=shelf.ref, members_per_room=2)
    await inn.create("lobby", ANN, open=True)
    for who in (BOB, CAT, DAN):
        await inn.room("lobby", Join(who))
        await inn.room("lobby", Kick(Target(who.identity), ANN))
    stored = shelf.rows("SELECT identity FROM members ORDER BY identity")

    assert stored == [("ann",), ("cat",), ("dan",)]
    assert await inn.outcome("lobby", Join(BOB)) == 0


# -- silent


async def test_everybody_is_told_who_is_muted_and_until_when() -> None:
    """By the wall clock; who is muted is told besides."""
    inn = Inn(clock=Clock(0.0))
    await inn.create("lobby", ANN, BOB)
    await inn.room("lobby", Mute(Target("bob"), 90, ANN))

    until = "1970-01-01T00:01:30.000Z"
    muted = MemberMuted("lobby", "bob", "ann", until, 90)
    assert inn.told(ANN, MemberMuted) == inn.told(BOB, MemberMuted) == [muted]
    assert (await inn.members("lobby"))["bob"].muted_until == until
    assert inn.warned(BOB) == [Code.AUTHORISATION_FAILED]
    assert inn.warned(ANN) == []


@pytest.mark.parametrize("seconds", [0, -5])
async def test_a_mute_without_duration_lasts_until_it_is_lifted(
    inn: Inn, seconds: float
) -> None:
    """0 or less says so."""
    await inn.create("lobby", ANN, BOB)
    await inn.room("lobby", Mute(Target("bob"), seconds, ANN))
    during = await inn.outcome("lobby", words(BOB))
    shown = (await inn.members("lobby"))["bob"].muted_until
    await inn.room("lobby", Unmute(Target("bob"), ANN))

    assert (during, shown) == (Code.AUTHORISATION_FAILED, "")
    assert inn.told(ANN, MemberMuted)[0].muted_until is None
    assert inn.told(ANN, MemberUnmuted) == [MemberUnmuted("lobby", "bob")]
    assert await inn.outcome("lobby", words(BOB)) == 0
    assert (await inn.members("lobby"))["bob"].muted_until is None


async def test_a_mute_ends_by_itself(inn: Inn) -> None:
    """Everybody is told."""
    await inn.create("lobby", ANN, BOB)
    await inn.room("lobby", Mute(Target("bob"), SHORT, ANN))
    await inn.outbound.hears(MemberUnmuted)

    assert inn.told(ANN, MemberUnmuted) == [MemberUnmuted("lobby", "bob")]
    assert inn.warned(BOB) == [Code.AUTHORISATION_FAILED, Code.WARNING_UNKNOWN]
    assert await inn.outcome("lobby", words(BOB)) == 0


async def test_a_later_mute_counts(inn: Inn) -> None:
    """The end of the first does not end it."""
    await inn.create("lobby", ANN, BOB, CAT)
    await inn.room("lobby", Mute(Target("bob"), SHORT, ANN))
    await inn.room("lobby", Mute(Target("bob"), 0, ANN))
    await inn.room("lobby", Mute(Target("cat"), 2 * SHORT, ANN))
    await inn.outbound.hears(MemberUnmuted, identity="cat")

    assert await inn.outcome("lobby", words(BOB)) == Code.AUTHORISATION_FAILED


@pytest.mark.parametrize("seconds", [1e12, 1e300, float("inf")])
async def test_a_mute_of_ages_is_one_of_ten_years(seconds: float) -> None:
    """No date is so far off that it could not be shown."""
    inn = Inn(clock=Clock(0.0))
    await inn.create("lobby", ANN, BOB)
    await inn.room("lobby", Mute(Target("bob"), seconds, ANN))

    shown = (await inn.members("lobby"))["bob"].muted_until
    assert shown == "1979-12-30T00:00:00.000Z"


async def test_a_mute_is_not_escaped_by_leaving(inn: Inn) -> None:
    """Who comes in again is still muted, until the end that it had."""
    await inn.create("lobby", ANN, BOB, open=True)
    await inn.room("lobby", Mute(Target("bob"), 0, ANN))
    await inn.room("lobby", Leave(BOB))
    await inn.room("lobby", Join(BOB))

    assert await inn.outcome("lobby", words(BOB)) == Code.AUTHORISATION_FAILED


async def test_a_mute_runs_out_while_one_is_away(inn: Inn) -> None:
    """Nothing is remembered of who left muted then."""
    await inn.create("lobby", ANN, BOB, CAT, open=True)
    await inn.room("lobby", Mute(Target("bob"), SHORT, ANN))
    await inn.room("lobby", Mute(Target("cat"), 2 * SHORT, ANN))
    await inn.room("lobby", Leave(BOB))
    await inn.outbound.hears(MemberUnmuted, identity="cat")
    await inn.room("lobby", Join(BOB))

    assert await inn.outcome("lobby", words(BOB)) == 0


async def test_a_kick_outlasts_a_mute(inn: Inn) -> None:
    """The mute of who was kicked runs out, the kick does not."""
    await inn.create("lobby", ANN, BOB, CAT, open=True)
    await inn.room("lobby", Mute(Target("bob"), SHORT, ANN))
    await inn.room("lobby", Kick(Target("bob"), ANN))
    await inn.room("lobby", Mute(Target("cat"), 2 * SHORT, ANN))
    await inn.outbound.hears(MemberUnmuted, identity="cat")
    out = await inn.outcome("lobby", Join(BOB))
    await inn.room("lobby", Add(BOB, ANN))

    assert out == Code.ROOM_ACCESS_DENIED
    assert await inn.outcome("lobby", words(BOB)) == 0


async def test_a_mute_goes_on_across_a_restart_for_what_is_left_of_it(
    disk: Disk,
) -> None:
    """One that ran out meanwhile is over at once."""
    clock = Clock()
    inn = await disk.inn(clock=clock)
    await inn.create("lobby", ANN, BOB, CAT, DAN, keep=True)
    await inn.room("lobby", Mute(Target("bob"), 60, ANN))
    await inn.room("lobby", Mute(Target("cat"), 600 + SHORT, ANN))
    await inn.room("lobby", Mute(Target("dan"), 0, ANN))
    clock.now += 600
    inn = await disk.restart(clock=clock)
    over = await inn.outcome("lobby", words(BOB))
    await inn.come(ANN, BOB, CAT, DAN)
    await inn.outbound.hears(MemberUnmuted, identity="cat")

    assert over == 0
    assert await inn.outcome("lobby", words(CAT)) == 0
    assert await inn.outcome("lobby", words(DAN)) == Code.AUTHORISATION_FAILED


@pytest.mark.parametrize("jump", [3_600, -3_600])
async def test_a_wall_clock_that_jumps_changes_no_mute(jump: float) -> None:
    """Not even that of a room which sleeps meanwhile; people see it by their clock."""
    wall, steady = Clock(), Clock()
    inn = Inn(store=Shelf().ref, clock=wall, steady=steady, reconnect_grace=SHORT)
    await inn.come(ANN, BOB)
    await inn.room("ann", Add(BOB, ANN))
    await inn.room("ann", Mute(Target("bob"), 60, ANN))
    await inn.go(ANN, BOB)
    await gone(inn, "ann")
    wall.now += jump
    await inn.come(ANN, BOB)
    await inn.room("ann", Add(BOB, ANN))
    during = await inn.outcome("ann", words(BOB))
    shown = (await inn.members("ann"))["bob"].muted_until

    assert during == Code.AUTHORISATION_FAILED
    assert shown == timestamp(wall.now + 60)


async def test_who_comes_in_while_the_store_is_down_is_told() -> None:
    """It is in, until a restart."""
    inn = Inn(store_ok=False)
    await inn.come(ANN, BOB)
    await inn.create("lobby", ANN, open=True)
    joined = await inn.room("lobby", Join(BOB))

    assert joined == Unwritten(Role.GUEST)


async def test_who_left_muted_is_muted_across_a_restart(disk: Disk) -> None:
    """It is no member, and is remembered all the same."""
    inn = await disk.inn()
    await inn.create("lobby", ANN, BOB, open=True, keep=True)
    await inn.room("lobby", Mute(Target("bob"), 0, ANN))
    await inn.room("lobby", Leave(BOB))
    inn = await disk.restart()
    await inn.come(ANN, BOB)
    members = list(await inn.members("lobby"))
    await inn.room("lobby", Join(BOB))

    assert members == ["ann"]
    assert await inn.outcome("lobby", words(BOB)) == Code.AUTHORISATION_FAILED


# -- masters


async def test_the_longest_standing_manager_follows_a_master_that_leaves(
    inn: Inn,
) -> None:
    """Before members that were there earlier; everybody is told."""
    await inn.create("lobby", ANN, BOB, CAT, DAN)
    await inn.set_role("lobby", DAN, Role.MANAGER)
    await inn.set_role("lobby", CAT, Role.MANAGER)
    await inn.room("lobby", Leave(ANN))

    assert await inn.roles("lobby") == {
        "bob": "guest",
        "cat": "master",
        "dan": "manager",
    }
    crowned = RoleChanged("lobby", "cat", "cat", Role.MASTER)
    assert inn.told(BOB, RoleChanged)[-1] == crowned


async def test_the_longest_standing_member_follows_where_nobody_manages(
    inn: Inn,
) -> None:
    """Special or guest."""
    await inn.create("lobby", ANN, BOB, CAT)
    await inn.set_role("lobby", CAT, Role.SPECIAL)
    await inn.go(ANN)

    assert await inn.roles("lobby") == {"bob": "master", "cat": "special"}


async def test_nobody_follows_while_there_is_another_master(inn: Inn) -> None:
    """One is enough."""
    await inn.create("lobby", ANN, BOB, CAT)
    await inn.set_role("lobby", CAT, Role.MASTER)
    await inn.room("lobby", Leave(ANN))

    assert await inn.roles("lobby") == {"bob": "guest", "cat": "master"}


async def test_standing_goes_by_when_one_came_last(disk: Disk) -> None:
    """Across a restart as well."""
    inn = await disk.inn()
    await inn.create("lobby", ANN, BOB, CAT, open=True, keep=True)
    await inn.room("lobby", Leave(BOB))
    await inn.room("lobby", Join(BOB))
    inn = await disk.restart()
    await inn.room("lobby", Join(DAN))
    await inn.room("lobby", Leave(ANN))

    assert await inn.roles("lobby") == {"cat": "master", "bob": "guest", "dan": "guest"}


async def test_the_last_master_does_not_step_down(inn: Inn) -> None:
    """Somebody else must be one first; not even a monitor leaves a room without."""
    await inn.create("lobby", ANN, BOB)
    demotion = SetRole(Target("ann"), Role.GUEST, ANN)
    early = await inn.outcome("lobby", demotion)
    by_monitor = SetRole(Target("ann"), Role.MANAGER, MONITOR)
    forced = await inn.outcome("lobby", by_monitor)
    await inn.set_role("lobby", BOB, Role.MASTER)
    await inn.room("lobby", demotion)

    assert early == forced == Code.INVALID_REQUEST
    assert await inn.roles("lobby") == {"ann": "guest", "bob": "master"}


async def test_a_role_is_told_to_everybody_and_kept(disk: Disk) -> None:
    """Across a restart."""
    inn = await disk.inn()
    await inn.create("lobby", ANN, BOB, keep=True)
    await inn.room("lobby", SetRole(Target("bob"), Role.MANAGER, ANN))
    told = inn.told(ANN, RoleChanged)
    inn = await disk.restart()

    assert told == [RoleChanged("lobby", "bob", "bob", Role.MANAGER)]
    assert await inn.roles("lobby") == {"ann": "master", "bob": "manager"}


# -- what the history says of it


@pytest.mark.parametrize(("others", "announced"), [(48, True), (50, False)])
async def test_joins_and_leaves_are_recorded_up_to_fifty_members(
    others: int, *, announced: bool
) -> None:
    """Beyond, nobody would read them; the notices come all the same."""
    inn = Inn(store=Shelf().ref)
    await inn.create("lobby", ANN, *(Caller(f"{n}", f"{n}") for n in range(others)))
    before = len(await inn.history("lobby"))
    await inn.room("lobby", Add(BOB, ANN))
    await inn.room("lobby", Leave(BOB))
    said = await inn.history("lobby")

    texts = ["bob came in", "bob left"] if announced else []
    assert [each["message"] for each in said[before:]] == texts
    assert all(each["isSystem"] for each in said)
    assert MemberLeft("lobby", "bob", "bob", "left") in inn.told(ANN, MemberLeft)


async def test_kicks_mutes_and_modes_are_recorded(inn: Inn) -> None:
    """With who did it, where somebody did."""
    await inn.create("lobby", ANN, BOB)
    await inn.room("lobby", Mute(Target("bob"), 0, ANN))
    await inn.room("lobby", Unmute(Target("bob"), ANN))
    await inn.room("lobby", SetMode(RequestMode.IMMEDIATE, ANN))
    await inn.room("lobby", Kick(Target("bob"), ANN))

    assert await inn.texts("lobby") == [
        "ann came in",
        "bob came in",
        "ann muted bob",
        "bob may speak again",
        "ann set the mode to Immediate",
        "bob was put out",
    ]
    shown = [each["message"] for each in inn.shown(ANN)]
    assert shown == await inn.texts("lobby")


async def test_a_mode_is_told_and_kept(disk: Disk) -> None:
    """Across a restart."""
    inn = await disk.inn()
    await inn.create("lobby", ANN, BOB, keep=True)
    stored = await inn.room("lobby", SetMode(RequestMode.SEPARATE, ANN))
    told = inn.told(BOB, RoomModeChanged)
    await disk.restart()

    assert stored is True
    assert told == [RoomModeChanged("lobby", RequestMode.SEPARATE, "ann")]
    assert await disk.rows("SELECT mode FROM rooms") == [("Separate",)]


async def test_a_status_is_told_once(inn: Inn) -> None:
    """And shown in the list."""
    await inn.create("lobby", ANN, BOB)
    for _ in range(2):
        await inn.room("lobby", SetStatus(BOB, "typing"))

    told = [(n.identity, n.status) for n in inn.told(ANN, MemberStatusChanged)]
    assert told == [("bob", "typing")]
    assert (await inn.members("lobby"))["bob"].status == "typing"


async def test_an_extension_at_work_need_not_be_a_member(inn: Inn) -> None:
    """Its relay vouches for it."""
    await inn.create("lobby", ANN)
    await inn.room("lobby", SetStatus(TAVERN, "processing", at_work=True))

    assert [n.identity for n in inn.told(ANN, MemberStatusChanged)] == ["tavern"]
    assert await inn.outcome("lobby", SetStatus(TAVERN, "processing")) == 303


# -- the end of a room


@pytest.mark.parametrize(
    "last", [Leave(ANN), Remove(Target("ann"), MONITOR), Kick(Target("ann"), MONITOR)]
)
async def test_an_empty_room_is_deleted(last: Any) -> None:
    """With all that was stored of it."""
    shelf = Shelf()
    inn = Inn(store=shelf.ref)
    await inn.create("lobby", ANN)
    await inn.room("lobby", words(ANN))
    await inn.room("lobby", last)

    assert awake(inn, "lobby") is None
    assert await inn.outcome("lobby", GetHistory(MONITOR)) == Code.ROOM_NOT_FOUND
    assert shelf.tables() == {"rooms": 0, "members": 0, "messages": 0}


async def test_a_room_is_deleted_after_the_last_has_gone(inn: Inn) -> None:
    """By itself, after the grace time."""
    await inn.create("lobby", ANN)
    await inn.go(ANN)

    assert await inn.outcome("lobby", GetHistory(MONITOR)) == Code.ROOM_NOT_FOUND


async def test_a_kept_room_stays_without_members(inn: Inn) -> None:
    """Whoever comes in next finds it as it was, and follows its last master."""
    await inn.create("lobby", ANN, open=True, keep=True)
    await inn.room("lobby", words(ANN, "remember"))
    await inn.room("lobby", Leave(ANN))
    role = await inn.room("lobby", Join(BOB))

    assert "remember" in await inn.texts("lobby")
    assert role == Role.MASTER
    assert await inn.roles("lobby") == {"bob": "master"}


@pytest.mark.parametrize("by", [ANN, MONITOR, TAVERN])
async def test_a_room_that_is_deleted_is_gone_with_all_in_it(by: Caller) -> None:
    """Its members are told, and nothing stays in the store."""
    shelf = Shelf()
    inn = Inn(store=shelf.ref)
    await inn.create("lobby", ANN, BOB, keep=True)
    await inn.room("lobby", words(ANN))
    await inn.room("lobby", Delete(by))
    await inn.settle()

    assert [n.room for n in inn.told(BOB, RoomDeleted)] == ["lobby"]
    assert shelf.tables() == {"rooms": 0, "members": 0, "messages": 0}
    assert await inn.outcome("lobby", GetHistory(MONITOR)) == Code.ROOM_NOT_FOUND
    assert inn.rooms_of("bob") == ()


async def test_a_room_of_the_same_name_begins_anew(disk: Disk) -> None:
    """Nothing of the old one comes back with it."""
    inn = await disk.inn()
    await inn.create("lobby", ANN, BOB, CAT, open=True)
    await inn.room("lobby", words(ANN))
    await inn.room("lobby", Kick(Target("cat"), ANN))
    await inn.room("lobby", Delete(ANN))
    await inn.create("lobby", BOB, open=True)

    assert await inn.texts("lobby") == ["bob came in"]
    assert await inn.outcome("lobby", Join(CAT)) == 0


async def test_what_was_assigned_to_a_room_goes_with_it() -> None:
    """A room of the same name is assigned nothing yet."""
    desk = Neighbour()
    inn = Inn(assignments=desk.ref)
    await inn.create("lobby", ANN)
    ref = awake(inn, "lobby")
    assert ref is not None
    await inn.room("lobby", Delete(ANN))
    await inn.settle()

    assert desk.of(assignments.RoomOpened, room="lobby") == [
        assignments.RoomOpened("lobby", ref, client_room=False)
    ]
    assert desk.of(assignments.RoomDeleted) == [assignments.RoomDeleted("lobby")]


# -- own rooms


async def test_an_own_room_opens_with_its_owner_and_is_not_stored() -> None:
    """While nothing happens in it."""
    shelf = Shelf()
    inn = Inn(store=shelf.ref)
    await inn.come(ANN)

    assert await inn.roles("ann") == {"ann": "master"}
    assert (await inn.members("ann"))["ann"].present
    assert shelf.tables() == {"rooms": 0, "members": 0, "messages": 0}


async def test_an_own_room_is_stored_once_something_happens_in_it() -> None:
    """With its owner."""
    shelf = Shelf()
    inn = Inn(store=shelf.ref)
    await inn.come(ANN)
    await inn.room("ann", words(ANN))

    assert shelf.tables() == {"rooms": 1, "members": 1, "messages": 1}
    assert shelf.rows("SELECT name, owner FROM rooms") == [("ann", "ann")]


@pytest.mark.parametrize(
    "message",
    [
        Leave(ANN),
        Delete(ANN),
        Delete(MONITOR),
        Kick(Target("ann"), MONITOR),
        Remove(Target("ann"), ANN),
        Remove(Target("ann"), TAVERN),
    ],
)
async def test_an_own_room_is_neither_left_nor_deleted(inn: Inn, message: Any) -> None:
    """By nobody."""
    assert await inn.outcome("ann", message) == Code.ROOM_ACCESS_DENIED
    assert await inn.roles("ann") == {"ann": "master"}


async def test_an_own_room_falls_asleep_when_its_owner_is_gone(inn: Inn) -> None:
    """Its actor ends; whoever is a member of it may still wake it."""
    await inn.go(ANN)

    assert awake(inn, "ann") is None
    assert await inn.outcome("ann", GetHistory(MONITOR)) == Code.ROOM_NOT_FOUND


async def test_an_own_room_wakes_with_all_it_had(disk: Disk) -> None:
    """Members, roles, mode and messages, in one process and in the next."""
    inn = await disk.inn()
    await inn.come(ANN, BOB)
    await inn.room("ann", Add(BOB, ANN, Role.SPECIAL))
    await inn.room("ann", SetMode(RequestMode.MASTER_ONLY, ANN))
    await inn.room("ann", words(ANN, "remember"))
    before = await inn.texts("ann")
    ref = awake(inn, "ann")
    inn = await disk.restart()
    await inn.come(ANN, BOB)

    assert ref is not None
    assert awake(inn, "ann") is not ref
    assert await inn.roles("ann") == {"ann": "master", "bob": "special"}
    assert await inn.texts("ann") == before
    assert (await inn.members("ann"))["bob"].present


async def test_an_own_room_stays_awake_while_others_are_in_it() -> None:
    """It looks again after a while."""
    inn = Inn(store=Shelf().ref, reconnect_grace=SHORT)
    await inn.come(ANN, BOB)
    await inn.room("ann", Add(BOB, ANN))
    await inn.go(ANN)
    with_bob = awake(inn, "ann")
    await inn.go(BOB)
    await gone(inn, "ann")

    assert with_bob is not None
    assert await inn.texts("ann") == ["bob came in", "bob did not come back"]


async def test_an_own_room_that_a_monitor_wakes_falls_asleep_again() -> None:
    """Its owner is not there to keep it."""
    inn = Inn(store=Shelf().ref, reconnect_grace=SHORT)
    await inn.come(ANN)
    await inn.room("ann", words(ANN))
    await inn.go(ANN)
    asleep = awake(inn, "ann")
    await inn.members("ann")
    woken = awake(inn, "ann")
    await gone(inn, "ann")

    assert asleep is None
    assert woken is not None
    assert awake(inn, "ann") is None


async def test_an_own_room_is_open_for_orders_while_its_owner_is_there() -> None:
    """SillyTaverns and monitors order nothing, and are given nothing."""
    desk = Neighbour()
    inn = Inn(assignments=desk.ref)
    await inn.come(ANN, TAVERN, MONITOR)
    await inn.go(ANN)
    opened = desk.of(assignments.RoomOpened)

    assert [(o.room, o.client_room) for o in opened] == [("ann", True)]
    assert assignments.RoomClosed("ann") in desk.items


# -- after a start


async def test_who_has_not_come_back_after_a_start_has_left(disk: Disk) -> None:
    """A room in which nobody is left is deleted."""
    inn = await disk.inn()
    await inn.create("both", ANN, BOB)
    await inn.create("empty", CAT)
    await inn.create("kept", CAT, keep=True)
    inn = await disk.restart()
    await inn.come(BOB)
    for name in ("both", "empty", "kept"):
        hall_events.tell_room(inn.house, name, Sweep())
    await inn.settle()

    assert await inn.roles("both") == {"bob": "master"}
    assert await inn.outcome("empty", GetHistory(MONITOR)) == Code.ROOM_NOT_FOUND
    assert await inn.roles("kept") == {"cat": "master"}
    assert await disk.rows("SELECT name FROM rooms ORDER BY name") == [
        ("both",),
        ("kept",),
    ]


async def test_guests_of_an_own_room_leave_after_a_start_as_they_would_before(
    disk: Disk,
) -> None:
    """Its owner stays in it, here or not."""
    inn = await disk.inn()
    await inn.come(ANN, BOB, CAT)
    for who in (BOB, CAT):
        await inn.room("ann", Add(who, ANN))
    inn = await disk.restart()
    await inn.come(CAT)
    hall_events.tell_room(inn.house, "ann", Sweep())
    await inn.settle()

    assert list(await inn.members("ann")) == ["ann", "cat"]


async def test_extensions_may_be_kept_out_of_the_management_of_rooms() -> None:
    """Where the operator wants it so."""
    inn = Inn(rules=HouseRules(extensions_manage_rooms=False))
    await inn.create("lobby", ANN, BOB)

    assert await inn.outcome("lobby", Delete(TAVERN)) == Code.ROOM_ACCESS_DENIED


async def test_room_that_has_ended_keeps_nothing_of_itself_alive(inn: Inn) -> None:
    """Own rooms end whenever their owners leave; the collector of garbage is rare."""
    gc.collect()
    await inn.create("lobby", ANN)
    (room,) = [weakref.ref(o) for o in gc.get_objects() if type(o) is Room]
    gc.disable()
    try:
        await inn.room("lobby", Delete(ANN))
        await inn.settle()
        await asyncio.sleep(0)
        assert room() is None
    finally:
        gc.enable()
