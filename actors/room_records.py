"""What the store keeps of rooms: the rooms, their members, their messages.

Owns the SQL of these three tables and nothing else; who may write what is the room
actor's to know, who owns the database the store's.
"""

from __future__ import annotations

import sqlite3
from typing import Any, Final

import msgspec

from actors.lifecycle import RequestState
from actors.message import Message, MessageKind
from actors.records import Read, Statement, Write
from actors.request_records import OpenRequest, RequestRow
from actors.store_trouble import DamagedError

_DEFAULT_MODE: Final = "default mode"
"""The name of our row among the choices."""

IN: Final = 0
KICKED: Final = 1
OUT: Final = 2
"""What a member's row says of it: that it is in, was kicked, or is out and muted."""


class RoomRow(msgspec.Struct, frozen=True, kw_only=True):
    """A room as it is stored."""

    name: str
    owner: str | None = None
    """The identity whose own room it is."""
    creator: str
    mode: str
    open: bool = False
    password: str | None = None
    """The bcrypt hash of its password."""
    keep: bool = False
    created_at: float


class MemberRow(msgspec.Struct, frozen=True, kw_only=True):
    """A member, or somebody who must not come back in unnoticed."""

    room: str
    identity: str
    client: str
    type: str
    role: str
    rank: int
    """The order in which members came."""
    muted_until: float | None = None
    """Wall clock; 0: until unmuted; None: not muted."""
    standing: int = IN
    seen: int = 0
    """The last message's place when it was here last."""


class StoredRoom(msgspec.Struct, frozen=True):
    """A room with all that it needs to go on."""

    row: RoomRow
    members: tuple[MemberRow, ...]
    last_seq: int
    tail: tuple[Message, ...]


class RoomIndex(msgspec.Struct, frozen=True):
    """What the hall must know of the stored rooms: not what is in them."""

    rooms: tuple[RoomRow, ...]
    members: tuple[tuple[str, str, str, str], ...]
    """Room, identity, clientId and role of everybody who is in."""
    mode: str | None
    """The mode of new rooms, where a monitor has chosen one."""


class PutRoom(Write, frozen=True):
    """Store a room, or what has changed of it."""

    row: RoomRow

    def statements(self, now: float) -> tuple[Statement, ...]:  # noqa: ARG002
        """One row."""
        statement = "INSERT OR REPLACE INTO rooms VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        return ((statement, msgspec.structs.astuple(self.row)),)


class DropRoom(Write, frozen=True):
    """Forget a room and everything in it."""

    name: str

    def statements(self, now: float) -> tuple[Statement, ...]:  # noqa: ARG002
        """The room, its members, its messages."""
        return (
            ("DELETE FROM messages WHERE room = ?", (self.name,)),
            ("DELETE FROM members WHERE room = ?", (self.name,)),
            ("DELETE FROM rooms WHERE name = ?", (self.name,)),
        )


class PutDefaultMode(Write, frozen=True):
    """Store the mode of new rooms."""

    mode: str

    def statements(self, now: float) -> tuple[Statement, ...]:  # noqa: ARG002
        """One row."""
        statement = "INSERT OR REPLACE INTO choices VALUES (?, ?)"
        return ((statement, (_DEFAULT_MODE, self.mode)),)


class PutMember(Write, frozen=True):
    """Store a member, or what has changed of it."""

    row: MemberRow

    def statements(self, now: float) -> tuple[Statement, ...]:  # noqa: ARG002
        """One row."""
        return (
            (
                "INSERT OR REPLACE INTO members VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                msgspec.structs.astuple(self.row),
            ),
        )


class DropMember(Write, frozen=True):
    """Forget a member."""

    room: str
    identity: str

    def statements(self, now: float) -> tuple[Statement, ...]:  # noqa: ARG002
        """One row."""
        statement = "DELETE FROM members WHERE room = ? AND identity = ?"
        return ((statement, (self.room, self.identity)),)


class AddMessage(Write, frozen=True):
    """Store a message, and with it the request that it is, if it is one.

    ``drop_to``: the place up to which older messages make room for it.
    """

    message: Message
    drop_to: int = 0
    request: RequestRow | None = None

    def statements(self, now: float) -> tuple[Statement, ...]:
        """The message, its request, and what is dropped."""
        m = self.message
        statements: list[Statement] = [
            (
                "INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (m.room, m.seq, m.id, m.author, m.kind, m.viewer, m.request, m.body),
            )
        ]
        if self.request is not None:
            statements += OpenRequest(self.request).statements(now)
        if self.drop_to > 0:
            drop = "DELETE FROM messages WHERE room = ? AND seq <= ?"
            statements.append((drop, (m.room, self.drop_to)))
        return tuple(statements)


class ReplaceMessage(Write, frozen=True):
    """Store a message as it was edited."""

    message: Message

    def statements(self, now: float) -> tuple[Statement, ...]:  # noqa: ARG002
        """One row."""
        m = self.message
        statement = "UPDATE messages SET body = ? WHERE room = ? AND id = ?"
        return ((statement, (m.body, m.room, m.id)),)


class DeleteMessages(Write, frozen=True):
    """Forget messages."""

    room: str
    ids: tuple[str, ...]

    def statements(self, now: float) -> tuple[Statement, ...]:  # noqa: ARG002
        """One for each."""
        statement = "DELETE FROM messages WHERE room = ? AND id = ?"
        return tuple((statement, (self.room, each)) for each in self.ids)


class ClearMessages(Write, frozen=True):
    """Forget all messages of some kinds."""

    room: str
    kinds: tuple[MessageKind, ...]

    def statements(self, now: float) -> tuple[Statement, ...]:  # noqa: ARG002
        """One for each kind."""
        statement = "DELETE FROM messages WHERE room = ? AND kind = ?"
        return tuple((statement, (self.room, kind)) for kind in self.kinds)


class LoadIndex(Read, frozen=True):
    """Answers with ``RoomIndex``."""

    def run(self, connection: sqlite3.Connection) -> RoomIndex:
        """Read it."""
        rooms = connection.execute("SELECT * FROM rooms")
        members = connection.execute(
            "SELECT room, identity, client, role FROM members WHERE standing = ?"
            " ORDER BY room, rank",
            (IN,),
        )
        mode = connection.execute(
            "SELECT value FROM choices WHERE name = ?", (_DEFAULT_MODE,)
        ).fetchone()
        return RoomIndex(
            tuple(map(_room, rooms)), tuple(members), mode[0] if mode else None
        )


class LoadRoom(Read, frozen=True):
    """Answers with ``StoredRoom``, or None."""

    name: str
    tail: int
    tail_bytes: int

    def run(self, connection: sqlite3.Connection) -> StoredRoom | None:
        """Read it."""
        found = connection.execute(
            "SELECT * FROM rooms WHERE name = ?", (self.name,)
        ).fetchone()
        if found is None:
            return None
        members = connection.execute(
            "SELECT * FROM members WHERE room = ? ORDER BY rank", (self.name,)
        )
        (last,) = connection.execute(
            "SELECT max(seq) FROM messages WHERE room = ?", (self.name,)
        ).fetchone()
        rows = tuple(_member(row) for row in members)
        # Where the last messages were deleted, their places were seen all the same.
        last = max([last or 0, *(row.seen for row in rows)])
        return StoredRoom(_room(found), rows, last, self._tail(connection))

    def _tail(self, connection: sqlite3.Connection) -> tuple[Message, ...]:
        rows = connection.execute(
            "SELECT * FROM messages WHERE room = ? AND kind != ?"
            " ORDER BY seq DESC LIMIT ?",
            (self.name, MessageKind.SYSTEM, self.tail),
        )
        newest: list[Message] = []
        room_left = self.tail_bytes
        for row in rows:
            message = _message(row)
            room_left -= len(message.body)
            if room_left < 0:
                break
            newest.append(message)
        return tuple(reversed(newest))


class FindMessages(Read, frozen=True):
    """Answers with those messages that there are, in their order."""

    room: str
    ids: tuple[str, ...]

    def run(self, connection: sqlite3.Connection) -> tuple[Message, ...]:
        """Read them."""
        marks = ", ".join("?" * len(self.ids))
        rows = connection.execute(
            f"SELECT * FROM messages WHERE room = ? AND id IN ({marks}) ORDER BY seq",  # noqa: S608 - question marks
            (self.room, *self.ids),
        )
        return tuple(map(_message, rows))


class HistoryView(msgspec.Struct, frozen=True):
    """What somebody may see of a room's history."""

    room: str
    viewer: str | None
    """None: everything."""
    after: int = 0
    """The place behind which to begin."""


_VISIBLE: Final = (
    "room = ?1 AND seq > ?2 AND (?3 IS NULL OR viewer IS NULL OR viewer = ?3)"
)


class CountMessages(Read, frozen=True):
    """Answers how many messages somebody may see."""

    view: HistoryView

    def run(self, connection: sqlite3.Connection) -> int:
        """Count them."""
        view = self.view
        found = connection.execute(
            f"SELECT count(*) FROM messages WHERE {_VISIBLE}",  # noqa: S608 - ours
            (view.room, view.after, view.viewer),
        )
        return int(found.fetchone()[0])


class ReadMessages(Read, frozen=True):
    """Answers with ``Page``: the first messages of a view, so many bytes at most."""

    view: HistoryView
    limit: int
    max_bytes: int

    def run(self, connection: sqlite3.Connection) -> Page:
        """Read them; one message is given, however large."""
        view = self.view
        rows = connection.execute(
            f"SELECT seq, body FROM messages WHERE {_VISIBLE} ORDER BY seq LIMIT ?4",  # noqa: S608 - ours
            (view.room, view.after, view.viewer, self.limit),
        )
        bodies: list[bytes] = []
        last, left = view.after, self.max_bytes
        for seq, body in rows:
            left -= len(body)
            if left < 0 and bodies:
                break
            bodies.append(body)
            last = seq
        return Page(_sound(bodies), last)


class ReadNewest(Read, frozen=True):
    """Answers with ``Newest``: the last messages of a view, so many bytes at most."""

    view: HistoryView
    max_bytes: int

    def run(self, connection: sqlite3.Connection) -> Newest:
        """Read them."""
        view = self.view
        rows = connection.execute(
            f"SELECT body FROM messages WHERE {_VISIBLE} ORDER BY seq DESC",  # noqa: S608 - ours
            (view.room, view.after, view.viewer),
        )
        bodies: list[bytes] = []
        left = self.max_bytes
        for (body,) in rows:
            left -= len(body)
            if left < 0:
                break
            bodies.append(body)
        return Newest(_sound(bodies[::-1]), complete=left >= 0)


class Newest(msgspec.Struct, frozen=True):
    """The last messages of a view, and whether these are all of it."""

    bodies: tuple[bytes, ...]
    complete: bool


class Page(msgspec.Struct, frozen=True):
    """Some messages, and the place of the last of them."""

    bodies: tuple[bytes, ...]
    last: int


_NOT_KICKED: Final = (
    "NOT EXISTS (SELECT 1 FROM members WHERE members.room = requests.room"  # noqa: S608 - ours
    f" AND identity = requester AND standing = {KICKED})"
)
"""A request in a room that its requester was not kicked out of."""


class FindAnswers(Read, frozen=True):
    """Answers with ``StoredRequest``, or None, of a reader's request.

    Of no room that it was kicked out of. ``room``: of anybody's in that room, or that
    of ``requester``; ``entitled``: the reader may read everything.
    """

    request_id: str
    reader: str
    room: str | None = None
    entitled: bool = False
    requester: str | None = None

    def run(self, connection: sqlite3.Connection) -> StoredRequest | None:
        """Read it."""
        place, name = ("room", self.room) if self.room else ("requester", self.reader)
        request = connection.execute(
            "SELECT request, state, error FROM requests"  # noqa: S608 - ours
            f" WHERE {place} = ? AND request_id = ?"
            " AND requester = ifnull(?, requester)"
            f" AND {_NOT_KICKED if self.room is None else 'TRUE'}"
            " ORDER BY opened_at DESC LIMIT 1",
            (name, self.request_id, self.requester),
        ).fetchone()
        if request is None or request[1] is None:
            return None
        rows = connection.execute(
            "SELECT * FROM messages WHERE request = ? AND kind = 'answer' ORDER BY seq",
            (request[0],),
        )
        reader = None if self.entitled else self.reader
        answers = tuple(map(_message, rows))
        if not all(answer.seen_by(reader) for answer in answers):
            return None
        return StoredRequest(request[0], RequestState(request[1]), request[2], answers)


class StoredRequest(msgspec.Struct, frozen=True):
    """An ended request, and its answers as the history has them."""

    request: str
    state: RequestState
    error: str | None
    answers: tuple[Message, ...]


def _room(row: tuple[Any, ...]) -> RoomRow:
    name, owner, creator, mode, is_open, password, keep, created_at = row
    return RoomRow(
        name=name,
        owner=owner,
        creator=creator,
        mode=mode,
        open=bool(is_open),
        password=password,
        keep=bool(keep),
        created_at=created_at,
    )


def _member(row: tuple[Any, ...]) -> MemberRow:
    names = MemberRow.__struct_fields__
    return MemberRow(**dict(zip(names, row, strict=True)))


def _message(row: tuple[Any, ...]) -> Message:
    room, seq, message_id, author, kind, viewer, request, body = row
    return Message(
        room=room,
        seq=seq,
        id=message_id,
        author=author,
        kind=MessageKind(kind),
        viewer=viewer,
        request=request,
        body=_sound([body])[0],
    )


_BODIES: Final = msgspec.json.Decoder(list[msgspec.Raw])


def _sound(bodies: list[bytes]) -> tuple[bytes, ...]:
    """Bodies as they may be sent on: what is no JSON costs a reader the connection.

    Raises:
        DamagedError: one is none.
    """
    whole = b"[" + b",".join(bodies) + b"]"
    try:
        whole.decode()
        _BODIES.decode(whole)
    except (UnicodeDecodeError, msgspec.DecodeError):
        raise DamagedError("a message in it is no JSON") from None
    return tuple(bodies)
