"""The transcript of one room: its messages as they are made, and the last of them.

Bookkeeping of the room actor, which owns the instance. Everything is the store's as
soon as it is said; here stays a tail, so that an order finds its context without
asking. System messages are kept, but are no context.
"""

from __future__ import annotations

import secrets
import sys
from collections import deque
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

from actors.message import Message, MessageKind, Stamp, compose
from actors.room_records import StoredRoom

TAIL: Final = 100
"""Messages that are kept at hand; no order gets more context."""


class Transcript:
    """What is said in a room."""

    __slots__ = (
        "_bytes",
        "_clock",
        "_history",
        "_last_seq",
        "_mark",
        "_max_bytes",
        "_room",
        "_tail",
    )

    def __init__(
        self,
        room: str,
        max_bytes: int,
        clock: Callable[[], float],
        history: int = sys.maxsize,
    ) -> None:
        """Begin empty; ``history``: the messages that the store keeps of the room."""
        self._room = room
        self._max_bytes = max_bytes
        self._clock = clock
        self._history = history
        self._last_seq = 0
        # Random once and counted from there: the system's random source lets go of
        # the interpreter, and each message would wait for the store's thread.
        self._mark = secrets.token_hex(8)
        self._tail: deque[Message] = deque()
        self._bytes = 0

    @property
    def last_seq(self) -> int:
        """The place of the last message."""
        return self._last_seq

    def restore(self, stored: StoredRoom) -> None:
        """Go on where it was left."""
        self._last_seq = stored.last_seq
        for message in stored.tail:
            self._keep(message)

    def add(  # noqa: PLR0913 - a message has as many sides
        self,
        fields: Mapping[str, Any],
        *,
        author: str,
        client: str,
        role: str,
        kind: MessageKind,
        viewer: str | None = None,
        request: str | None = None,
        message_id: str | None = None,
    ) -> Message:
        """Make a message and have it at hand."""
        stamp = Stamp(
            message_id=message_id or f"{self._mark}{self._last_seq + 1:08x}",
            room=self._room,
            author=author,
            client=client,
            kind=kind,
            role=role,
            now=self._clock(),
        )
        self._last_seq += 1
        self._drop_up_to(self._last_seq - self._history)
        message = Message(
            room=self._room,
            seq=self._last_seq,
            id=stamp.message_id,
            author=author,
            kind=kind,
            viewer=viewer,
            request=request,
            body=compose(fields, stamp),
        )
        if kind is not MessageKind.SYSTEM:
            self._keep(message)
        return message

    def context(
        self, viewer: str | None, leave_out: Collection[str]
    ) -> tuple[bytes, ...]:
        """What an extension is told of the talk so far, the newest last.

        ``viewer``: whose own talk it is, apart from the room's; ``leave_out``:
        requests that are told it anyway.
        """
        return tuple(
            message.body
            for message in self._tail
            if message.viewer == viewer
            and not (
                message.kind is MessageKind.REQUEST and message.request in leave_out
            )
        )

    def find(self, message_id: str) -> Message | None:
        """A message that is at hand."""
        return next((m for m in self._tail if m.id == message_id), None)

    def replace(self, message: Message) -> None:
        """Have a message at hand as it was edited."""
        self._refill(message if m.id == message.id else m for m in tuple(self._tail))

    def forget(self, ids: Collection[str]) -> None:
        """Have messages at hand no more."""
        self._refill(m for m in tuple(self._tail) if m.id not in ids)

    def clear(self, kinds: Collection[MessageKind]) -> None:
        """Have messages of some kinds at hand no more."""
        self._refill(m for m in tuple(self._tail) if m.kind not in kinds)

    def _refill(self, messages: Any) -> None:
        kept = tuple(messages)
        self._tail.clear()
        self._bytes = 0
        for message in kept:
            self._keep(message)

    def _drop_up_to(self, seq: int) -> None:
        """Have nothing at hand that the store has dropped."""
        while self._tail and self._tail[0].seq <= seq:
            self._bytes -= len(self._tail.popleft().body)

    def _keep(self, message: Message) -> None:
        self._tail.append(message)
        self._bytes += len(message.body)
        while len(self._tail) > TAIL or self._bytes > self._max_bytes:
            self._bytes -= len(self._tail.popleft().body)
