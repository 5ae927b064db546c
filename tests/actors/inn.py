"""A house with rooms and people in it, as tests of rooms need one."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any, Final

import msgspec
import pykka

from actors import hall_events, room_events
from actors.base import BlockingActor, LoopActor, LoopRef, ask, stop
from actors.errors import BrokerError
from actors.hall_events import ask_room
from actors.modes import RequestMode
from actors.outbound import Order
from actors.records import Committed, Read, Write
from actors.relay_events import Barred, Cleared, Held, Recorded
from actors.roles import Caller, CallerKind, Role, Target
from actors.room_events import MemberInfo
from actors.room_notices import Concerned, MessageAdded, RoomsChanged
from actors.room_records import LoadIndex, Page, ReadMessages, RoomIndex
from actors.schema import open_database
from actors.store import Flush, Store
from tests.actors.recording import ENOUGH, Bar, Neighbour, an_order

MONITOR: Final = Caller("boss", "boss", CallerKind.MONITOR)
TAVERN: Final = Caller("tavern", "tavern", CallerKind.EXTENSION)
ANN: Final = Caller("ann", "ann")
BOB: Final = Caller("bob", "bob")
CAT: Final = Caller("cat", "cat")
DAN: Final = Caller("dan", "dan")

Verdict = Cleared | Held | Recorded | Barred


class ShelfActor(LoopActor):
    """Runs the statements of each write at once."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__()
        self._connection = connection

    def on_receive(self, message: Write | Read | Flush) -> Any:
        """Write or read."""
        if isinstance(message, Read):
            return message.run(self._connection)
        if isinstance(message, Write):
            for statement, values in message.statements(0.0):
                self._connection.execute(statement, values)
            if message.reply_to is not None:
                message.reply_to.tell(Committed(ok=True, token=message.token))
        return None


class Shelf:
    """A database that is written on the loop, in the turn in which it is told to."""

    def __init__(self, kind: type[ShelfActor] = ShelfActor) -> None:
        self.connection = open_database(Path(":memory:"))
        self.ref: LoopRef[Any] = kind.start(self.connection)

    def index(self) -> RoomIndex:
        """What a start would find in it."""
        return LoadIndex().run(self.connection)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What is written in it."""
        return self.connection.execute(query).fetchall()

    def tables(self) -> dict[str, int]:
        """How many rows of rooms there are."""
        counts = {}
        for table in ("rooms", "members", "messages"):
            counts[table] = self.rows(f"SELECT count(*) FROM {table}")[0][0]  # noqa: S608
        return counts


class _GoneStore(BlockingActor):
    """A store that ends before anybody tells it anything."""


async def gone_store() -> pykka.ActorRef[Any]:
    """A store whose actor has ended: whoever writes hears of it in the same turn."""
    gone = _GoneStore.start()
    await stop(gone, timeout=ENOUGH)
    return gone


class Clock:
    """The wall clock, put forward by hand."""

    def __init__(self, now: float = 1_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        """The time."""
        return self.now


class Inn(Bar):
    """A house whose rooms are asked things."""

    async def come(self, *people: Caller) -> None:
        """Let people come to the house."""
        for who in people:
            came = hall_events.Came(who.identity, who.client, who.kind)
            self.house.hall.tell(came)
        await self.settle()

    async def go(self, *people: Caller) -> None:
        """Let people leave for good, as after their grace time."""
        for who in people:
            self.house.hall.tell(hall_events.Left(who.identity))
        await self.settle()

    def rooms_of(self, identity: str) -> tuple[str, ...]:
        """The rooms that somebody is in, as the lists were told last."""
        told = self.outbound.of(RoomsChanged, identity=identity)
        return told[-1].rooms if told else ()

    async def settle(self) -> None:
        """Wait until everybody has handled what this has set off.

        From hall to room, to store and back: a few times round is enough.
        """
        for _ in range(4):
            await self.hall(hall_events.GetHolder(""))
            await ask(self.house.store, Flush(), timeout=ENOUGH)

    async def hall(self, message: Any) -> Any:
        """Ask the hall."""
        return await ask(self.house.hall, message, timeout=ENOUGH)

    async def room(self, name: str, message: Any) -> Any:
        """Ask a room."""
        return await ask_room(self.house, name, message)

    async def create(
        self, name: str, by: Caller, *members: Caller, **settings: Any
    ) -> None:
        """Make a room with members in it."""
        await self.hall(hall_events.CreateRoom(name=name, caller=by, **settings))
        for who in members:
            await self.room(name, room_events.Add(who, MONITOR))

    async def outcome(self, name: str, message: Any) -> int:
        """What a room says to it: a code, or 0."""
        return await code_of(self.room(name, message))

    async def members(self, name: str) -> dict[str, MemberInfo]:
        """Who is in a room."""
        found: list[MemberInfo] = await self.room(name, room_events.GetMembers(MONITOR))
        return {info.identity: info for info in found}

    async def roles(self, name: str) -> dict[str, str]:
        """What each member of a room is."""
        return {who: info.role for who, info in (await self.members(name)).items()}

    async def set_role(self, name: str, who: Caller, role: Role) -> None:
        """Make somebody something."""
        target = Target(who.identity)
        await self.room(name, room_events.SetRole(target, role, MONITOR))

    async def set_mode(
        self, name: str, mode: RequestMode, by: Caller = MONITOR
    ) -> None:
        """Have a room treat requests otherwise."""
        await self.room(name, room_events.SetMode(mode, by))

    async def submit(
        self, room: str, by: Caller, request: str = "req", **order: Any
    ) -> tuple[Verdict, Neighbour]:
        """Order something in a room; gives what that says, and who ordered it."""
        relay = Neighbour()
        wanted = order_of(room, by, **order)
        ask_room_to(self, room, room_events.Submit(request, wanted, relay.ref))
        await relay.until(lambda: bool(_verdicts(relay)))
        return _verdicts(relay)[0], relay

    async def history(
        self, room: str, by: Caller = MONITOR, **view: Any
    ) -> list[dict[str, Any]]:
        """The messages that somebody may read, as they are stored."""
        wanted = room_events.GetHistory(by, **view)
        seen = await self.room(room, wanted)
        page: Page = await ask(
            self.house.store, ReadMessages(seen, 1_000, 10**9), timeout=ENOUGH
        )
        return [msgspec.json.decode(body) for body in page.bodies]

    async def texts(self, room: str, by: Caller = MONITOR, **view: Any) -> list[str]:
        """What those messages say."""
        said = await self.history(room, by, **view)
        return [each.get("message") or each.get("data", "") for each in said]

    def told(self, reader: Caller, kind: type[Any]) -> list[Any]:
        """The notices of a kind that somebody has read."""
        return self.outbound.to(reader.identity, kind)

    def warned(self, reader: Caller) -> list[int]:
        """The codes of the words that concern somebody."""
        return [notice.code for notice in self.told(reader, Concerned)]

    def shown(self, reader: Caller) -> list[dict[str, Any]]:
        """The messages that somebody was shown as they were said."""
        shown = self.told(reader, MessageAdded)
        return [msgspec.json.decode(notice.body) for notice in shown]


def order_of(room: str, by: Caller, **fields: Any) -> Order:
    """An order of somebody, said in a room."""
    return an_order(
        requester=by.identity, client=by.client, kind=by.kind, room=room, **fields
    )


def ask_room_to(inn: Bar, room: str, message: Any) -> None:
    """Tell a room something that it does not answer."""
    hall_events.tell_room(inn.house, room, message)


def _verdicts(relay: Neighbour) -> list[Verdict]:
    return [item for item in relay.items if isinstance(item, Verdict)]


async def code_of(answer: Any) -> int:
    """The code of an answer that is an error; 0 where it is none."""
    try:
        await answer
    except BrokerError as error:
        return int(error.code)
    return 0


class Disk:
    """A real database file, and inns that open on it one after the other."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._store: pykka.ActorRef[Any] = self._start()

    def _start(self) -> pykka.ActorRef[Any]:
        return Store.start(open_database(self._path))

    async def inn(self, **settings: Any) -> Inn:
        """Start a house as a process would: on what the file holds."""
        index = await ask(self._store, LoadIndex(), timeout=ENOUGH)
        return Inn(store=self._store, index=index, **settings)

    async def restart(self, **settings: Any) -> Inn:
        """End the process and start another; the old actors hear no more of it."""
        await self.close()
        self._store = self._start()
        return await self.inn(**settings)

    async def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What is in the file by now."""
        found: list[tuple[Any, ...]] = await ask(
            self._store, _Rows(query), timeout=ENOUGH
        )
        return found

    async def close(self) -> None:
        """Write what is owed."""
        await stop(self._store, timeout=ENOUGH)


class _Rows(Read, frozen=True):
    """Any question."""

    query: str

    def run(self, connection: sqlite3.Connection) -> list[tuple[Any, ...]]:
        """Ask it."""
        return connection.execute(self.query).fetchall()
