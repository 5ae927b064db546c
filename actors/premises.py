"""What the parts of one room share: its settings, its members, the ways to tell them.

Owned by the room actor. Keeps the store in step with what changes here: an own room
that nothing has happened in is not stored at all.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection
from typing import Any

import msgspec

from actors.base import LoopRef, ask
from actors.errors import BrokerError
from actors.future import LoopFuture
from actors.hall_events import RoomChanged, RoomSummary
from actors.house import House
from actors.limits import Limit, reached
from actors.members import Member, Members
from actors.message import Message, MessageKind
from actors.modes import RequestMode
from actors.records import Committed, Unwritten, Write
from actors.request_records import RequestRow
from actors.room_notices import MessageAdded, RoomNotice
from actors.room_records import (
    AddMessage,
    DropMember,
    DropRoom,
    PutMember,
    PutRoom,
    RoomRow,
    StoredRoom,
)
from actors.store import Flush
from actors.transcript import Transcript


class Premises:
    """One room, without its doings."""

    def __init__(self, house: House, row: RoomRow, ref: LoopRef[Any]) -> None:
        self.house = house
        self.row = row
        self.ref = ref
        self.members = Members(
            row.name,
            row.owner,
            extensions_manage=house.rules.extensions_manage_rooms,
        )
        self.transcript = Transcript(
            row.name,
            house.patience.context_bytes,
            house.clock,
            house.patience.history_per_room,
        )
        self.stored = False
        self._receipts: dict[int, Callable[[bool], None]] = {}
        self._tokens = itertools.count(1)

    @property
    def name(self) -> str:
        """The room's name."""
        return self.row.name

    @property
    def mode(self) -> RequestMode:
        """How requests are treated."""
        return RequestMode(self.row.mode)

    def restore(self, stored: StoredRoom) -> None:
        """Go on as the store has it."""
        self.stored = True
        for row in stored.members:
            self.members.restore(row)
        self.transcript.restore(stored)

    # -- telling

    def publish(
        self, notice: RoomNotice, readers: Collection[str] | None = None
    ) -> None:
        """Tell the members that are here, or only some."""
        if readers is None:
            readers = self.members.present()
        self.house.outbound.publish(notice, readers)

    def viewers(self, viewer: str | None) -> Collection[str]:
        """Who is here and may see what is ``viewer``'s alone; None: everybody's."""
        if viewer is None:
            return self.members.present()
        return [
            member.identity
            for member in self.members
            if member.present and (member.identity == viewer or member.caller.monitors)
        ]

    def tell_hall(self) -> None:
        """Have the room stand in lists as it is now."""
        row = self.row
        summary = RoomSummary(
            name=row.name,
            mode=row.mode,
            members=len(self.members),
            master=self.members.master(),
            open=row.open,
            keep=row.keep or row.owner is not None,
        )
        self.house.hall.tell(RoomChanged(summary))

    # -- storing

    def write(self, write: Write) -> None:
        """Have something stored; what can not be is not waited for."""
        self._keep()
        if not self._tell_store(write) and write.reply_to is not None:
            write.reply_to.tell(Committed(ok=False, token=write.token))

    def committed(self, write: Write, answer: LoopFuture[bool]) -> LoopFuture[bool]:
        """Have something stored and answer, once it is, whether it could be."""
        self.when_committed(write, answer.set)
        return answer

    def members_committed(
        self, members: list[Member], answer: LoopFuture[bool]
    ) -> LoopFuture[bool]:
        """Have members stored as they are now; answers as ``committed`` does."""
        for member in members[:-1]:
            self.write(self.member_write(member))
        return self.committed(self.member_write(members[-1]), answer)

    def answered(self, write: Write, answer: LoopFuture[Any], fact: Any) -> None:
        """Have something stored and answer with a fact: ``Unwritten``, if it is not."""
        self.when_committed(
            write, lambda ok: answer.set(fact if ok else Unwritten(fact))
        )

    def when_committed(self, write: Write, then: Callable[[bool], None]) -> None:
        """Have something stored and call back, once it is, with whether it could be."""
        self._keep()
        token = next(self._tokens)
        self._receipts[token] = then
        marked = msgspec.structs.replace(write, reply_to=self.ref, token=token)
        if not self._tell_store(marked):
            self.settle(Committed(ok=False, token=token))

    def settle(self, committed: Committed) -> None:
        """Tell who waits for a write."""
        then = self._receipts.pop(committed.token, None)
        if then is not None:
            then(committed.ok)

    def settings_write(self) -> PutRoom:
        """The write that stores the room as it is now."""
        return PutRoom(self.row)

    def member_write(self, member: Member) -> PutMember | DropMember:
        """The write that stores a member, or that it is none any more."""
        known = self.members.get(member.identity) or self.members.outcast(
            member.identity
        )
        if known is None:
            return DropMember(self.name, member.identity)
        return PutMember(self.members.row(known))

    def drop(self) -> LoopFuture[Any]:
        """Forget the room; answers once that is stored, whoever lives then."""
        store, patience = self.house.store, self.house.patience
        if self.stored:
            self._tell_store(DropRoom(self.name))
            self.stored = False
        return ask(store, Flush(), timeout=patience.ask_timeout)

    def message_write(
        self, message: Message, request: RequestRow | None = None
    ) -> AddMessage:
        """The write that stores a new message."""
        drop_to = message.seq - self.house.patience.history_per_room
        if drop_to > 0:
            reached[Limit.HISTORY_PER_ROOM] += 1
        return AddMessage(message, drop_to=drop_to, request=request)

    def announce(self, text: str, *, about: str, client: str) -> None:
        """Record a system message and show it to everybody."""
        message = self.transcript.add(
            {"message": text},
            author=about,
            client=client,
            role="system",
            kind=MessageKind.SYSTEM,
        )
        self.write(self.message_write(message))
        self.publish(MessageAdded(self.name, message.body))

    def _keep(self) -> None:
        if self.stored:
            return
        self.stored = True
        self._tell_store(PutRoom(self.row))
        for member in self.members.everybody():
            self._tell_store(PutMember(self.members.row(member)))

    def _tell_store(self, write: Write) -> bool:
        try:
            self.house.store.tell(write)
        except BrokerError:  # it is gone, or far behind: go on, whoever asks is told
            return False
        return True
