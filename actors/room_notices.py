"""What rooms tell the outside: who came, who went, what was said.

Words only; how they read on the wire, and in which namespace, is the gateway's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import msgspec

from actors.modes import RequestMode
from actors.roles import Role


class MemberJoined(msgspec.Struct, frozen=True):
    """Somebody came in."""

    room: str
    identity: str
    client: str
    role: Role


class MemberLeft(msgspec.Struct, frozen=True):
    """Somebody is out."""

    room: str
    identity: str
    client: str
    reason: str


class RoleChanged(msgspec.Struct, frozen=True):
    """Somebody is something else now."""

    room: str
    identity: str
    client: str
    role: Role


class MemberMuted(msgspec.Struct, frozen=True):
    """Somebody must be silent."""

    room: str
    identity: str
    muted_by: str
    muted_until: str | None
    """When it may speak again; None: when it is unmuted."""
    seconds: float


class MemberUnmuted(msgspec.Struct, frozen=True):
    """Somebody may speak again."""

    room: str
    identity: str


class RoomModeChanged(msgspec.Struct, frozen=True):
    """Requests are treated otherwise from now on."""

    room: str
    mode: RequestMode
    setter: str


class RoomDeleted(msgspec.Struct, frozen=True):
    """The room is no more."""

    room: str
    message: str


class MemberStatusChanged(msgspec.Struct, frozen=True):
    """What somebody is doing."""

    room: str
    identity: str
    status: str
    timestamp: str


class MessageAdded(msgspec.Struct, frozen=True):
    """A message is in the history; ``body`` is it, as JSON."""

    room: str
    body: bytes


class MessageUpdated(msgspec.Struct, frozen=True):
    """A message was edited."""

    room: str
    body: bytes


class MessagesDeleted(msgspec.Struct, frozen=True):
    """Messages are no more."""

    room: str
    ids: tuple[str, ...]


class MessagesCleared(msgspec.Struct, frozen=True):
    """All messages of some kinds are no more."""

    room: str
    requests: bool
    answers: bool


class ExtensionsAvailable(msgspec.Struct, frozen=True):
    """Which extensions a room may use now."""

    extensions: tuple[str, ...]


class Concerned(msgspec.Struct, frozen=True):
    """A word to whom something was done in a room."""

    code: int
    message: str


class Passed(msgspec.Struct, frozen=True):
    """An event that somebody sent, under its own name."""

    namespace: str
    name: str
    data: Mapping[str, Any]


class RoomsChanged(msgspec.Struct, frozen=True):
    """Which rooms an identity that is here is in; to nobody but the lists."""

    identity: str
    rooms: tuple[str, ...]


RoomNotice: TypeAlias = (
    MemberJoined
    | MemberLeft
    | RoleChanged
    | MemberMuted
    | MemberUnmuted
    | RoomModeChanged
    | RoomDeleted
    | MemberStatusChanged
    | MessageAdded
    | MessageUpdated
    | MessagesDeleted
    | MessagesCleared
    | ExtensionsAvailable
    | Concerned
    | Passed
)
