"""Who may what: every kind of caller, every action, both kinds of rooms.

The tables are the protocol's, written down apart from the code. A cell is the code of
the refusal, or ``ok``. The columns:

boss     a monitor that is no member
master   manager   special   guest   members of these roles; an own room's master is
         its owner
muted    a guest that is muted
hushed   a manager that is muted
kicked   was put out
nobody   was never in
st+ st-  a SillyTavern that is no member, where SillyTaverns manage rooms and where not
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Final, NamedTuple

import pytest

from actors.hall_events import tell_room
from actors.house import HouseRules
from actors.modes import RequestMode
from actors.relay_events import Barred
from actors.roles import Caller, CallerKind, Role, Target
from actors.room_events import (
    Add,
    Cancel,
    Clear,
    Delete,
    DeleteMessages,
    Edit,
    GetHistory,
    GetMembers,
    Join,
    Kick,
    Leave,
    Mute,
    PassOn,
    Remove,
    RequestOpened,
    Said,
    SetMode,
    SetRole,
    SetStatus,
    Speak,
    Unmute,
)
from tests.actors.inn import MONITOR, Inn, code_of, order_of
from tests.actors.recording import Neighbour

COLUMNS: Final = "boss master manager special guest muted hushed kicked nobody st+ st-"

CREATED: Final = """
                 boss master manager special guest muted hushed kicked nobody st+ st-
members          ok   ok     ok      ok      ok    ok    ok     303    303    303 303
history          ok   ok     ok      ok      ok    ok    ok     303    303    303 303
order            ok   ok     ok      ok      ok    6     6      303    303    303 303
speak            ok   ok     ok      ok      ok    6     6      303    303    303 303
pass-on          ok   ok     ok      ok      ok    6     6      303    303    303 303
typing           ok   ok     ok      ok      ok    6     6      303    303    303 303
leave            305  ok     ok      ok      ok    ok    ok     305    305    305 305
cancel-others    ok   ok     ok      6       6     6     ok     303    303    303 303
cancel-unknown   7    7      7       7       7     7     7      303    303    303 303
edit-own         -    ok     ok      ok      ok    6     6      303    -      -   -
edit-others      ok   ok     ok      6       6     6     6      303    303    303 303
delete-own       -    ok     ok      ok      ok    ok    ok     303    -      -   -
delete-others    ok   ok     ok      6       6     6     ok     303    303    303 303
clear            ok   ok     ok      6       6     6     ok     303    303    303 303
set-mode         ok   ok     ok      6       6     6     ok     303    303    303 303
add              ok   ok     ok      6       6     6     ok     303    303    ok  303
add-twice        304  304    304     6       6     6     304    303    303    304 303
add-special      ok   ok     6       6       6     6     6      303    303    303 303
add-master       ok   ok     6       6       6     6     6      303    303    303 303
delete-room      ok   ok     6       6       6     6     6      303    303    ok  303
join-closed      ok   304    304     304     304   304   304    303    303    303 303
kick-master      ok   ok     6       6       6     6     6      303    303    303 303
kick-manager     ok   ok     6       6       6     6     6      303    303    303 303
kick-special     ok   ok     ok      6       6     6     ok     303    303    303 303
kick-guest       ok   ok     ok      6       6     6     ok     303    303    303 303
kick-nobody      305  305    305     6       6     6     305    303    303    303 303
mute-master      ok   ok     6       6       6     6     6      303    303    303 303
mute-manager     ok   ok     6       6       6     6     6      303    303    303 303
mute-special     ok   ok     ok      6       6     6     ok     303    303    303 303
mute-guest       ok   ok     ok      6       6     6     ok     303    303    303 303
unmute-master    ok   ok     6       6       6     6     6      303    303    303 303
unmute-manager   ok   ok     6       6       6     6     6      303    303    303 303
unmute-special   ok   ok     ok      6       6     6     ok     303    303    303 303
unmute-guest     ok   ok     ok      6       6     6     ok     303    303    303 303
unmute-nobody    305  305    305     6       6     6     305    303    303    303 303
role-master      ok   ok     6       6       6     6     6      303    303    303 303
role-manager     ok   ok     6       6       6     6     6      303    303    303 303
role-special     ok   ok     6       6       6     6     6      303    303    303 303
role-guest       ok   ok     6       6       6     6     6      303    303    303 303
role-nobody      305  305    6       6       6     6     6      303    303    303 303
crown-guest      ok   ok     6       6       6     6     6      303    303    303 303
remove-master    ok   ok     6       6       6     6     6      303    303    ok  303
remove-manager   ok   ok     6       6       6     6     6      303    303    ok  303
remove-special   ok   ok     ok      6       6     6     ok     303    303    ok  303
remove-guest     ok   ok     ok      6       6     6     ok     303    303    ok  303
remove-nobody    305  305    305     6       6     6     305    303    303    305 303
remove-self      305  ok     ok      ok      ok    ok    ok     303    303    305 303
"""
"""A room that was created: closed, without a password, with two of each role."""

OWN: Final = """
                 boss master manager special guest muted hushed kicked nobody st+ st-
members          ok   ok     ok      ok      ok    ok    ok     303    303    303 303
history          ok   ok     ok      ok      ok    ok    ok     303    303    303 303
order            ok   ok     ok      ok      ok    6     6      303    303    303 303
speak            ok   ok     ok      ok      ok    6     6      303    303    303 303
pass-on          ok   ok     ok      ok      ok    6     6      303    303    303 303
typing           ok   ok     ok      ok      ok    6     6      303    303    303 303
leave            305  303    ok      ok      ok    ok    ok     305    305    305 305
cancel-others    ok   ok     ok      6       6     6     ok     303    303    303 303
cancel-unknown   7    7      7       7       7     7     7      303    303    303 303
edit-own         -    ok     ok      ok      ok    6     6      303    -      -   -
edit-others      ok   ok     ok      6       6     6     6      303    303    303 303
delete-own       -    ok     ok      ok      ok    ok    ok     303    -      -   -
delete-others    ok   ok     ok      6       6     6     ok     303    303    303 303
clear            ok   ok     ok      6       6     6     ok     303    303    303 303
set-mode         ok   ok     ok      6       6     6     ok     303    303    303 303
add              ok   ok     6       6       6     6     6      303    303    303 303
add-twice        304  304    6       6       6     6     6      303    303    303 303
add-special      ok   ok     6       6       6     6     6      303    303    303 303
add-master       303  303    6       6       6     6     6      303    303    303 303
delete-room      303  303    303     303     303   303   303    303    303    303 303
join-closed      ok   304    304     304     304   304   304    303    303    303 303
kick-master      303  303    303     6       6     6     303    303    303    303 303
kick-manager     ok   ok     6       6       6     6     6      303    303    303 303
kick-special     ok   ok     ok      6       6     6     ok     303    303    303 303
kick-guest       ok   ok     ok      6       6     6     ok     303    303    303 303
kick-nobody      305  305    305     6       6     6     305    303    303    303 303
mute-master      303  303    303     6       6     6     303    303    303    303 303
mute-manager     ok   ok     6       6       6     6     6      303    303    303 303
mute-special     ok   ok     ok      6       6     6     ok     303    303    303 303
mute-guest       ok   ok     ok      6       6     6     ok     303    303    303 303
unmute-master    303  303    303     6       6     6     303    303    303    303 303
unmute-manager   ok   ok     6       6       6     6     6      303    303    303 303
unmute-special   ok   ok     ok      6       6     6     ok     303    303    303 303
unmute-guest     ok   ok     ok      6       6     6     ok     303    303    303 303
unmute-nobody    305  305    305     6       6     6     305    303    303    303 303
role-master      303  303    6       6       6     6     6      303    303    303 303
role-manager     ok   ok     6       6       6     6     6      303    303    303 303
role-special     ok   ok     6       6       6     6     6      303    303    303 303
role-guest       ok   ok     6       6       6     6     6      303    303    303 303
role-nobody      305  305    6       6       6     6     6      303    303    303 303
crown-guest      303  303    6       6       6     6     6      303    303    303 303
remove-master    303  303    303     6       6     6     303    303    303    303 303
remove-manager   ok   ok     6       6       6     6     6      303    303    303 303
remove-special   ok   ok     ok      6       6     6     ok     303    303    303 303
remove-guest     ok   ok     ok      6       6     6     ok     303    303    303 303
remove-nobody    305  305    305     6       6     6     305    303    303    303 303
remove-self      305  303    ok      ok      ok    ok    ok     303    303    303 303
"""
"""Somebody's own room; the master that is acted on is its owner."""

JOINS: Final = """
                 boss guest kicked nobody st+ st-
closed           ok   304   303    303    303 303
open             ok   304   303    ok     ok  ok
locked           ok   304   303    303    303 303
locked-wrong     ok   304   303    303    303 303
locked-right     ok   304   303    ok     ok  ok
locked-open      ok   304   303    303    303 303
"""
"""Rooms of all kinds; ``locked``: with a password, given right, wrong or not."""


class Cell(NamedTuple):
    """What one caller hears of one action."""

    action: str
    caller: str
    expected: str


def cells(table: str) -> Iterator[Cell]:
    """A table, cell by cell, without those that can not be."""
    header, *rows = table.strip().splitlines()
    for row in rows:
        action, *words = row.split()
        for caller, word in zip(header.split(), words, strict=True):
            if word != "-":
                yield Cell(action, caller, word)


def rows(table: str) -> list[Any]:
    """A table, row by row."""
    found: dict[str, list[Cell]] = {}
    for cell in cells(table):
        found.setdefault(cell.action, []).append(cell)
    return [pytest.param(cells, id=action) for action, cells in found.items()]


def person(name: str) -> Caller:
    """Somebody by the name of a column, or of a target."""
    kinds = {
        "boss": CallerKind.MONITOR,
        "st+": CallerKind.EXTENSION,
        "st-": CallerKind.EXTENSION,
    }
    return Caller(name, f"{name} client", kinds.get(name, CallerKind.CLIENT))


OTHERS: Final = {role: f"other {role}" for role in Role}
"""The members that are acted on."""


class Scene:
    """A room with everybody in it, and somebody who does something there."""

    def __init__(self, cell: Cell, *, own: bool) -> None:
        self.cell = cell
        self.me = person(cell.caller)
        self.room = "master" if own else "lobby"
        self.inn = Inn(
            rules=HouseRules(extensions_manage_rooms=cell.caller != "st-"),
        )
        self.mine = self.others = ""

    async def ask(self, message: Any) -> Any:
        """Ask the room."""
        return await self.inn.room(self.room, message)

    async def set(self) -> None:
        """Have everybody come in and talk, and silence who is to be silent."""
        master = person("master")
        await self.inn.come(master)
        if self.room == "lobby":
            await self.inn.create("lobby", master)
            await self._enter(OTHERS[Role.MASTER], Role.MASTER)
        for role in (Role.MANAGER, Role.SPECIAL, Role.GUEST):
            await self._enter(role, role)
            await self._enter(OTHERS[role], role)
        await self._enter("muted", Role.GUEST)
        await self._enter("hushed", Role.MANAGER)
        await self._enter("kicked", Role.GUEST)
        self.others = await self._say(person(OTHERS[Role.SPECIAL]))
        if self.me.identity not in {"boss", "nobody", "st+", "st-"}:
            self.mine = await self._say(self.me)
        for name in ("muted", "hushed"):
            await self.ask(Mute(Target(name), 0, MONITOR))
        await self.ask(Kick(Target("kicked"), MONITOR))

    async def _enter(self, name: str, role: Role) -> None:
        await self.ask(Add(person(name), MONITOR, role))

    async def _say(self, by: Caller) -> str:
        said: Said = await self.ask(spoken(by))
        return said.message_id

    def target(self) -> Target:
        """The member that the row names."""
        role = self.cell.action.partition("-")[2]
        if role == "self":
            return Target(self.me.identity)
        if role == "master" == self.room:
            return Target("master")
        return Target(OTHERS[Role(role)] if role in OTHERS else "nobody at all")


def spoken(by: Caller) -> Speak:
    """Something said."""
    return Speak(caller=by, namespace="/llm", name="message", data={"data": "hi"})


async def order(scene: Scene) -> None:
    """Order an answer; raises where the room bars it."""
    verdict, _ = await scene.inn.submit(scene.room, scene.me)
    if isinstance(verdict, Barred):
        raise verdict.error


async def cancel_others(scene: Scene) -> None:
    """Call off what a member has ordered."""
    wanted = order_of(scene.room, person(OTHERS[Role.GUEST]))
    opened = RequestOpened("req", wanted, Neighbour().ref)
    tell_room(scene.inn.house, scene.room, opened)
    await scene.ask(Cancel("r", scene.me))


ACTIONS: Final[dict[str, Callable[[Scene], Any]]] = {
    "members": lambda s: GetMembers(s.me),
    "history": lambda s: GetHistory(s.me),
    "speak": lambda s: spoken(s.me),
    "pass-on": lambda s: PassOn(caller=s.me, namespace="/llm", name="hey", data={}),
    "typing": lambda s: SetStatus(s.me, "typing"),
    "leave": lambda s: Leave(s.me),
    "cancel-unknown": lambda s: Cancel("unknown", s.me),
    "edit-own": lambda s: Edit(s.me, s.mine, "new"),
    "edit-others": lambda s: Edit(s.me, s.others, "new"),
    "delete-own": lambda s: DeleteMessages(s.me, (s.mine,)),
    "delete-others": lambda s: DeleteMessages(s.me, (s.others,)),
    "clear": lambda s: Clear(s.me, requests=True, answers=True),
    "set-mode": lambda s: SetMode(RequestMode.IMMEDIATE, s.me),
    "add": lambda s: Add(person("newcomer"), s.me),
    "add-twice": lambda s: Add(person("guest"), s.me),
    "add-special": lambda s: Add(person("newcomer"), s.me, Role.SPECIAL),
    "add-master": lambda s: Add(person("newcomer"), s.me, Role.MASTER),
    "delete-room": lambda s: Delete(s.me),
    "join-closed": lambda s: Join(s.me),
    "kick": lambda s: Kick(s.target(), s.me),
    "mute": lambda s: Mute(s.target(), 0, s.me),
    "unmute": lambda s: Unmute(s.target(), s.me),
    "role": lambda s: SetRole(s.target(), Role.GUEST, s.me),
    "crown": lambda s: SetRole(s.target(), Role.MASTER, s.me),
    "remove": lambda s: Remove(s.target(), s.me),
}
"""What is asked of the room, by the name of a row or its first word."""

ERRANDS: Final[dict[str, Callable[[Scene], Awaitable[None]]]] = {
    "order": order,
    "cancel-others": cancel_others,
}
"""What takes more than one message."""


async def heard(scene: Scene) -> str:
    """What the caller hears of it."""
    await scene.set()
    action = scene.cell.action
    if action in ERRANDS:
        code = await code_of(ERRANDS[action](scene))
    else:
        make = ACTIONS.get(action) or ACTIONS[action.partition("-")[0]]
        code = await code_of(scene.ask(make(scene)))
    return str(code) if code else "ok"


@pytest.mark.parametrize("row", rows(CREATED))
async def test_who_may_what_in_a_room_that_was_created(row: list[Cell]) -> None:
    """By role, and by what one is in the house."""
    answers = {cell.caller: await heard(Scene(cell, own=False)) for cell in row}

    assert answers == {cell.caller: cell.expected for cell in row}


@pytest.mark.parametrize("row", rows(OWN))
async def test_who_may_what_in_an_own_room(row: list[Cell]) -> None:
    """It is its owner's: nobody touches that, and SillyTaverns manage nothing."""
    answers = {cell.caller: await heard(Scene(cell, own=True)) for cell in row}

    assert answers == {cell.caller: cell.expected for cell in row}


@pytest.mark.parametrize("row", rows(JOINS))
async def test_who_may_join_which_room(row: list[Cell]) -> None:
    """An open one, or with its password; a kicked member none."""
    answers = {cell.caller: await joins(cell) for cell in row}

    assert answers == {cell.caller: cell.expected for cell in row}


async def joins(cell: Cell) -> str:
    """What somebody hears who wants to come in."""
    inn, me = Inn(), person(cell.caller)
    await inn.create(
        "lobby",
        person("master"),
        person("guest"),
        person("kicked"),
        open=cell.action in {"open", "locked-open"},
        password="hash" if cell.action.startswith("locked") else None,
    )
    await inn.room("lobby", Kick(Target("kicked"), MONITOR))
    proof = {"locked-wrong": "another", "locked-right": "hash"}.get(cell.action)
    code = await inn.outcome("lobby", Join(me, proof))
    return str(code) if code else "ok"


def test_the_tables_have_all_callers_and_the_same_rows() -> None:
    """Or somebody, or something, was forgotten."""
    created, own = (list(cells(table)) for table in (CREATED, OWN))

    assert (
        {c.caller for c in created} == {c.caller for c in own} == set(COLUMNS.split())
    )
    assert {c.action for c in created} == {c.action for c in own}
    named = {c.action for c in created} | {c.action.partition("-")[0] for c in created}
    assert named >= {*ACTIONS, *ERRANDS}


async def test_members_of_open_rooms_are_listed_to_everybody() -> None:
    """Of one with a password only to those who are in."""
    inn, nobody = Inn(), person("nobody")
    await inn.create("open", person("master"), open=True)
    await inn.create("locked", person("master"), open=True, password="hash")

    assert await inn.outcome("open", GetMembers(nobody)) == 0
    assert await inn.outcome("locked", GetMembers(nobody)) == 303
    assert await inn.outcome("open", GetHistory(nobody)) == 303
