"""A message of a room's history, as it is kept and shown.

Its body is encoded once, when it is made, and passed on as those bytes: to the store,
to the room, to extensions as context. What decides about it stands beside the body.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

import msgspec

from actors.errors import Code, ProtocolError


class MessageKind(StrEnum):
    """Whose words a message holds."""

    REQUEST = "request"
    ANSWER = "answer"
    SPOKEN = "spoken"
    SYSTEM = "system"


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One message."""

    room: str
    seq: int
    """Its place in the room; grows, not without gaps."""
    id: str
    author: str
    kind: MessageKind
    viewer: str | None = None
    """Who alone may see it, monitors aside; None: everybody in the room."""
    request: str | None = None
    """The broker's id of the request that it is, or that it answers."""
    body: bytes
    """The whole message as a JSON object."""

    def seen_by(self, identity: str | None) -> bool:
        """Whether somebody may see it; None: one who sees everything."""
        return self.viewer is None or identity is None or self.viewer == identity


_FLAGS: Final = {
    MessageKind.REQUEST: "fromClient",
    MessageKind.SPOKEN: "fromClient",
    MessageKind.ANSWER: "fromLlm",
    MessageKind.SYSTEM: "isSystem",
}

FIXED_FIELDS: Final = frozenset(
    {
        "messageId",
        "roomName",
        "identity",
        "clientId",
        "timestamp",
        "fromClient",
        "fromLlm",
        "isSystem",
        "role",
        "requestId",
        "responseId",
        "outputId",
        "status",
        "lastEdited",
    }
)
"""What nobody can edit."""

_TEXTS: Final = ("message", "data")


def timestamp(now: float) -> str:
    """A wall clock's time as messages show it: ISO 8601, UTC."""
    moment = datetime.fromtimestamp(now, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Stamp(msgspec.Struct, frozen=True, kw_only=True):
    """What the broker says of a message, whatever its author says."""

    message_id: str
    room: str
    author: str
    client: str
    kind: MessageKind
    role: str
    now: float


def compose(fields: Mapping[str, Any], stamp: Stamp) -> bytes:
    """Encode a message; its own fields can not pose as those the broker stamps."""
    stamped = {
        "messageId": stamp.message_id,
        "roomName": stamp.room,
        "identity": stamp.author,
        "clientId": stamp.client,
        "timestamp": timestamp(stamp.now),
        _FLAGS[stamp.kind]: True,
        "role": stamp.role,
    }
    free = {
        key: value
        for key, value in fields.items()
        if key not in stamped and key not in _FLAGS.values() and value is not None
    }
    return msgspec.json.encode({**stamped, **free})


def without_text(body: bytes) -> bytes:
    """The same message for those who have read its text as a stream."""
    fields: dict[str, msgspec.Raw] = msgspec.json.decode(
        body, type=dict[str, msgspec.Raw]
    )
    kept = {key: value for key, value in fields.items() if key not in _TEXTS}
    return msgspec.json.encode({**kept, "streamed": True})


def edited(body: bytes, changes: Mapping[str, Any] | str, now: float) -> bytes:
    """The message with changes; a bare text is the new text.

    Raises:
        ProtocolError: something is to be changed that can not be.
    """
    fields: dict[str, Any] = msgspec.json.decode(body)
    if isinstance(changes, str):
        changes = {"message" if "message" in fields else "data": changes}
    for key, value in changes.items():
        if key in FIXED_FIELDS and fields.get(key) != value:
            raise ProtocolError(f"{key} can not be edited", Code.INVALID_PARAMETER)
    return msgspec.json.encode({**fields, **changes, "lastEdited": timestamp(now)})
