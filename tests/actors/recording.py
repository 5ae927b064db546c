"""What stands around an actor under test: it answers little and remembers all.

Nothing here sleeps. A test waits for an answer (``ask``), or until something that
somebody was told is on record (``hears``); ``ENOUGH`` ends the waiting of a test that
fails.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection
from typing import Any, Final, NamedTuple, TypeVar

import msgspec
import pykka

from actors import relay_events
from actors.acceptance import Accepted
from actors.answers import Answers
from actors.assignments import Assignments
from actors.base import LoopActor, LoopRef, ask
from actors.directory import Directory, Kind
from actors.errors import BrokerError
from actors.extension import Connected, Extension, GetDetails, Identify, Profile
from actors.future import LoopFuture
from actors.hall import Hall
from actors.hall_events import Came, Open
from actors.house import House, HouseRules, Patience
from actors.lifecycle import TERMINAL, RequestState
from actors.modes import RequestMode
from actors.outbound import Notice, Order, OutputChunk, Resumed, StatusChanged
from actors.output import Piece
from actors.records import Committed, Write
from actors.relay import Begin, GetState, Relay
from actors.room_records import RoomIndex

MS: Final = 0.001
"""The unit of all times that a test waits for."""

SHORT: Final = 20 * MS
"""What a test has an actor wait when the waiting is what it is about."""

ENOUGH: Final = 5_000 * MS
"""After that a test that waits has failed."""

AS_SHIPPED: Final = HouseRules()
NOTHING_STORED: Final = RoomIndex((), (), None)

T = TypeVar("T")


class Log:
    """What somebody was told, in order; a test may wait for more."""

    def __init__(self) -> None:
        self.items: list[Any] = []
        self._waiting: list[tuple[Callable[[], bool], asyncio.Event]] = []

    def add(self, item: Any) -> None:
        """Record an item and wake who waits for it."""
        self.items.append(item)
        for predicate, event in self._waiting:
            if predicate():
                event.set()

    def of(self, kind: type[T], **fields: Any) -> list[T]:
        """What was told of a kind, with these fields."""
        return [
            item
            for item in self.items
            if isinstance(item, kind)
            and all(getattr(item, name) == value for name, value in fields.items())
        ]

    async def until(self, predicate: Callable[[], bool]) -> None:
        """Wait until something holds, looking after each item."""
        if predicate():
            return
        event = asyncio.Event()
        self._waiting.append((predicate, event))
        async with asyncio.timeout(ENOUGH):
            await event.wait()

    async def hears(self, kind: type[T], *, times: int = 1, **fields: Any) -> T:
        """Wait for so many of a kind and give the last of them."""
        await self.until(lambda: len(self.of(kind, **fields)) >= times)
        return self.of(kind, **fields)[times - 1]


class Record(NamedTuple):
    """A notice and who was to read it."""

    notice: Notice | OutputChunk
    readers: tuple[str, ...]


class RecordingOutbound(Log):
    """The port to the outside, where nothing leaves the house."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[Record] = []
        self._fails_on: type[Any] | None = None

    def pour(self, chunk: OutputChunk, readers: tuple[str, ...]) -> None:
        """Record a chunk."""
        self.publish(chunk, readers)

    def publish(self, notice: Notice | OutputChunk, readers: Collection[str]) -> None:
        """Record a notice, or fail once where a test wants it."""
        if self._fails_on is not None and isinstance(notice, self._fails_on):
            self._fails_on = None
            raise RuntimeError("the outbound port is broken")
        self.records.append(Record(notice, tuple(readers)))
        self.add(notice)

    def fail_once_on(self, kind: type[Any]) -> None:
        """Raise at the next notice of a kind, as a bug of ours would."""
        self._fails_on = kind

    def to(self, reader: str, kind: type[T]) -> list[T]:
        """The notices of a kind that somebody reads."""
        return [
            record.notice
            for record in self.records
            if isinstance(record.notice, kind) and reader in record.readers
        ]

    def text(self, reader: str, output: str = "o") -> bytes:
        """The text that somebody read of an answer."""
        chunks = self.to(reader, OutputChunk)
        return b"".join(c.text for c in chunks if c.output.output_id == output)

    def states(self) -> list[RequestState]:
        """Every status that was told, in order."""
        return [notice.state for notice in self.of(StatusChanged)]

    def ends(self) -> list[RequestState]:
        """The terminal ones among them."""
        return [state for state in self.states() if state in TERMINAL]


class _Listener(LoopActor):
    """Answers nothing and hands all to the log."""

    def __init__(self, log: Log) -> None:
        super().__init__()
        self._log = log

    def on_receive(self, message: Any) -> None:
        """Record one message."""
        self._log.add(message)


class Neighbour(Log):
    """An actor that only listens."""

    def __init__(self) -> None:
        super().__init__()
        self.ref: LoopRef[Any] = _Listener.start(self)


class _StoreActor(LoopActor):
    """Says Committed to whoever wrote."""

    def __init__(self, log: Log, *, ok: bool | None) -> None:
        super().__init__()
        self._log = log
        self._ok = ok

    def on_receive(self, message: Any) -> None:
        """Record one message and say what became of its row."""
        self._log.add(message)
        replies = isinstance(message, Write) and message.reply_to is not None
        if replies and self._ok is not None:
            message.reply_to.tell(Committed(ok=self._ok, token=message.token))


class FakeStore(Log):
    """A store that writes, fails to (``ok=False``), or keeps silent (None)."""

    def __init__(self, *, ok: bool | None) -> None:
        super().__init__()
        self.ref: LoopRef[Any] = _StoreActor.start(self, ok=ok)


class RecordingPort(Log):
    """Whoever asked to resume."""

    def resumed(self, result: Resumed | BrokerError) -> None:
        """Take the result."""
        self.add(result)


class Bar:
    """A house, and everything that is said in it."""

    def __init__(  # noqa: PLR0913 - a house has as many sides
        self,
        *,
        store_ok: bool | None = True,
        store: pykka.ActorRef[Any] | None = None,
        assignments: LoopRef[Any] | None = None,
        rules: HouseRules = AS_SHIPPED,
        index: RoomIndex = NOTHING_STORED,
        clock: Callable[[], float] = time.time,
        steady: Callable[[], float] | None = None,
        **times: Any,
    ) -> None:
        """Open with the protocol's own times, those of ``times`` aside."""
        self.outbound = RecordingOutbound()
        self.store = FakeStore(ok=store_ok)
        patience = Patience(**times)
        if assignments is None:
            assignments = Assignments.start(self.store.ref)
        shelf = self.store.ref if store is None else store
        self.house = House(
            directory=Directory(),
            outbound=self.outbound,
            patience=patience,
            assignments=assignments,
            answers=Answers.start(patience.answer_bytes, patience.answer_ttl, shelf),
            hall=Hall.start(RequestMode.DEFAULT),
            store=shelf,
            rules=rules,
            clock=clock,
            steady=steady or clock,
        )
        self.house.hall.tell(Open(self.house, index))

    async def tavern(
        self,
        identity: str = "tavern",
        *,
        client: str | None = None,
        version: str | None = "1",
        **profile: Any,
    ) -> LoopRef[Extension]:
        """Start an extension that has connected and introduced itself."""
        ref = Extension.start(self.house, identity, client or identity)
        self.house.directory.add(Kind.EXTENSION, identity, ref)
        ref.tell(Identify(Profile(version=version, **profile), frozenset()))
        ref.tell(Connected())
        await ask(ref, GetDetails(), timeout=ENOUGH)
        return ref


def an_order(**fields: Any) -> Order:
    """An order of the client ``web``, said in its own room."""
    fields = {"request_id": "r", "requester": "web", "message": "hi", **fields}
    fields.setdefault("room", fields["requester"])
    return Order(**fields)


class Tab:
    """One order, its relay, and what extensions say to that."""

    def __init__(self, bar: Bar, request: str = "req", **order: Any) -> None:
        self.bar = bar
        self.request = request
        self.order = an_order(**order)
        requester = self.order.requester
        bar.house.hall.tell(Came(requester, requester, self.order.kind))
        self.ref = Relay.start(bar.house, request, self.order)
        bar.house.directory.add(Kind.REQUEST, request, self.ref)

    def begin(self) -> LoopFuture[Accepted]:
        """Go ahead."""
        return ask(self.ref, Begin(), timeout=ENOUGH)

    async def state(self) -> RequestState:
        """Where it is; the relay has then handled all it was told."""
        accepted: Accepted = await ask(self.ref, GetState(), timeout=ENOUGH)
        return accepted.state

    async def ended(self) -> StatusChanged:
        """Wait for the terminal status."""
        heard = self.bar.outbound
        await heard.until(lambda: bool(self._ends()))
        return self._ends()[0]

    def _ends(self) -> list[StatusChanged]:
        told = self.bar.outbound.of(StatusChanged, request_id=self.order.request_id)
        return [notice for notice in told if notice.state in TERMINAL]

    def start(self, stream: str = "s", output: str = "o", by: str = "tavern") -> None:
        """An extension opens a stream."""
        self.ref.tell(relay_events.StreamStarted(by, stream, output))

    def chunk(  # noqa: PLR0913 - a chunk has as many sides
        self,
        text: str,
        index: int | None = None,
        stream: str = "s",
        output: str = "o",
        by: str = "tavern",
        *,
        first: bool = True,
    ) -> None:
        """An extension sends some text."""
        piece = Piece(msgspec.json.encode(text)[1:-1])
        self.ref.tell(
            relay_events.ChunkCame(by, stream, output, index, piece, first=first)
        )

    def end(
        self,
        stream: str = "s",
        output: str = "o",
        by: str = "tavern",
        *,
        final: bool = True,
        final_text: str | None = None,
    ) -> None:
        """An extension closes a stream, and with ``final`` its output."""
        self.ref.tell(
            relay_events.StreamEnded(
                by, stream, output, final=final, final_text=final_text
            )
        )
