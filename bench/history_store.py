"""A store with histories in it, written straight into the database file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from actors.message import Message, MessageKind, Stamp, compose
from actors.records import Write
from actors.room_records import AddMessage, MemberRow, PutMember, PutRoom, RoomRow
from actors.schema import open_database
from broker.storage import DATABASE

MEMBERS: Final = "guest-a", "guest-b"
ROOM: Final = "lobby"
TEXT: Final = "A sentence of some sixty letters, as people write them in rooms."


def fill(data: Path, *, rooms: int, messages_each: int) -> None:
    """Write kept rooms with two members and a history each."""
    connection = open_database(data / DATABASE)
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("BEGIN")
    for number in range(rooms):
        name = ROOM if not number else f"{ROOM}-{number}"
        for write in _room(name, messages_each):
            for statement, values in write.statements(0.0):
                connection.execute(statement, values)
    connection.execute("COMMIT")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def _room(name: str, messages: int) -> Iterator[Write]:
    yield PutRoom(
        RoomRow(
            name=name, creator=MEMBERS[0], mode="Default", keep=True, created_at=0.0
        )
    )
    for rank, member in enumerate(MEMBERS):
        role = "guest" if rank else "master"
        yield PutMember(
            MemberRow(
                room=name,
                identity=member,
                client=member,
                type="client",
                role=role,
                rank=rank,
            )
        )
    for seq in range(1, messages + 1):
        yield AddMessage(_message(name, seq))


def _message(room: str, seq: int) -> Message:
    author = MEMBERS[seq % 2]
    stamp = Stamp(
        message_id=f"{seq:024x}",
        room=room,
        author=author,
        client=author,
        kind=MessageKind.SPOKEN,
        role="guest",
        now=1.7e9 + seq,
    )
    return Message(
        room=room,
        seq=seq,
        id=stamp.message_id,
        author=author,
        kind=MessageKind.SPOKEN,
        body=compose({"data": TEXT}, stamp),
    )
