"""What rooms' notices read like on the wire.

Pure: a notice in, its namespace and its packet out. Bodies of messages are put in as
they are kept.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec

from actors.room_notices import (
    Concerned,
    ExtensionsAvailable,
    MemberJoined,
    MemberLeft,
    MemberMuted,
    MemberStatusChanged,
    MemberUnmuted,
    MessageAdded,
    MessagesCleared,
    MessagesDeleted,
    MessageUpdated,
    RoleChanged,
    RoomDeleted,
    RoomModeChanged,
    RoomNotice,
)
from broker.protocol.packet import event
from broker.protocol.wire import Event, Namespace

Said = tuple[Namespace, str, dict[str, Any]]


def said(notice: RoomNotice) -> tuple[str, bytes]:
    """A notice's namespace, and its packet; what is passed on has words already."""
    namespace, name, data = _WORDS[type(notice)](notice)
    return namespace, event(namespace, name, data)


def _joined(notice: MemberJoined) -> Said:
    return Namespace.ROOMS, Event.MEMBER_JOINED, _membership(notice)


def _left(notice: MemberLeft) -> Said:
    data = {
        "identity": notice.identity,
        "clientId": notice.client,
        "roomName": notice.room,
        "reason": notice.reason,
    }
    return Namespace.ROOMS, Event.MEMBER_LEFT, data


def _role(notice: RoleChanged) -> Said:
    return Namespace.ROOMS, Event.MEMBER_ROLE_CHANGED, _membership(notice)


def _membership(notice: MemberJoined | RoleChanged) -> dict[str, Any]:
    return {
        "identity": notice.identity,
        "clientId": notice.client,
        "roomName": notice.room,
        "role": notice.role,
    }


def _muted(notice: MemberMuted) -> Said:
    data = {
        "identity": notice.identity,
        "roomName": notice.room,
        "mutedBy": notice.muted_by,
        "mutedUntil": notice.muted_until,
        "duration": notice.seconds,
    }
    return Namespace.ROOMS, Event.MEMBER_MUTED, data


def _unmuted(notice: MemberUnmuted) -> Said:
    data = {"identity": notice.identity, "roomName": notice.room}
    return Namespace.ROOMS, Event.MEMBER_UNMUTED, data


def _mode(notice: RoomModeChanged) -> Said:
    data = {"roomName": notice.room, "mode": notice.mode, "setter": notice.setter}
    return Namespace.ROOMS, Event.ROOM_MODE_CHANGED, data


def _deleted_room(notice: RoomDeleted) -> Said:
    data = {"roomName": notice.room, "message": notice.message}
    return Namespace.ROOMS, Event.DELETE_ROOM, data


def _status(notice: MemberStatusChanged) -> Said:
    data = {
        "identity": notice.identity,
        "roomName": notice.room,
        "status": notice.status,
        "timestamp": notice.timestamp,
    }
    return Namespace.LLM, Event.MEMBER_STATUS_UPDATE, data


def _added(notice: MessageAdded) -> Said:
    data = {"roomName": notice.room, "message": msgspec.Raw(notice.body)}
    return Namespace.LLM, Event.NEW_MESSAGE, data


def _updated(notice: MessageUpdated) -> Said:
    data = {"roomName": notice.room, "message": msgspec.Raw(notice.body)}
    return Namespace.LLM, Event.MESSAGE_UPDATED, data


def _deleted(notice: MessagesDeleted) -> Said:
    data = {"roomName": notice.room, "messageIds": notice.ids}
    return Namespace.LLM, Event.MESSAGES_DELETED, data


def _cleared(notice: MessagesCleared) -> Said:
    data = {
        "roomName": notice.room,
        "clearedRequests": notice.requests,
        "clearedResponses": notice.answers,
    }
    return Namespace.LLM, Event.MESSAGES_CLEARED, data


def _extensions(notice: ExtensionsAvailable) -> Said:
    data = {"extensions": notice.extensions}
    return Namespace.ROOMS, Event.AVAILABLE_EXTENSIONS, data


def _concerned(notice: Concerned) -> Said:
    data = {
        "type": Event.WARNING,
        "code": int(notice.code),
        "message": notice.message,
    }
    return Namespace.ROOMS, Event.WARNING, data


_WORDS: Final[dict[type[Any], Callable[[Any], Said]]] = {
    MemberJoined: _joined,
    MemberLeft: _left,
    RoleChanged: _role,
    MemberMuted: _muted,
    MemberUnmuted: _unmuted,
    RoomModeChanged: _mode,
    RoomDeleted: _deleted_room,
    MemberStatusChanged: _status,
    MessageAdded: _added,
    MessageUpdated: _updated,
    MessagesDeleted: _deleted,
    MessagesCleared: _cleared,
    ExtensionsAvailable: _extensions,
    Concerned: _concerned,
}
