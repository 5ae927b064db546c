"""What clients send about the connection policy, as typed frames."""

from __future__ import annotations

from typing import ClassVar

from broker.protocol.inbound import Frame


class SetConnectionPolicy(Frame, frozen=True):
    """A monitor has extensions given out otherwise."""

    bare_field: ClassVar[str | None] = "policy"
    policy: str


class AssignExtension(Frame, frozen=True):
    """A monitor says which extensions a room may use."""

    client_room: str
    extensions: list[str]


class AssignmentsForRoom(Frame, frozen=True):
    """Somebody asks which extensions a room may use."""

    bare_field: ClassVar[str | None] = "roomName"
    room_name: str
