"""What rooms tell, letter by letter."""

from __future__ import annotations

from typing import get_args

import pytest

from actors.errors import Code
from actors.modes import RequestMode
from actors.roles import Role
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
    Passed,
    RoleChanged,
    RoomDeleted,
    RoomModeChanged,
    RoomNotice,
)
from broker.protocol.packet import unframe
from broker.protocol.room_outbound import said

GOLDEN: list[tuple[RoomNotice, bytes]] = [
    (
        MemberJoined("lobby", "tab", "bob", Role.GUEST),
        (
            b'42/rooms,["MEMBER_JOINED",{"identity":"tab","clientId":"bob",'
            b'"roomName":"lobby","role":"guest"}]'
        ),
    ),
    (
        MemberLeft("lobby", "tab", "bob", "kicked"),
        (
            b'42/rooms,["MEMBER_LEFT",{"identity":"tab","clientId":"bob",'
            b'"roomName":"lobby","reason":"kicked"}]'
        ),
    ),
    (
        RoleChanged("lobby", "tab", "bob", Role.MASTER),
        (
            b'42/rooms,["MEMBER_ROLE_CHANGED",{"identity":"tab","clientId":"bob",'
            b'"roomName":"lobby","role":"master"}]'
        ),
    ),
    (
        MemberMuted("lobby", "tab", "ann", "2026-01-01T00:00:00.000Z", 1.5),
        (
            b'42/rooms,["MEMBER_MUTED",{"identity":"tab","roomName":"lobby",'
            b'"mutedBy":"ann","mutedUntil":"2026-01-01T00:00:00.000Z","duration":1.5}]'
        ),
    ),
    (
        MemberMuted("lobby", "tab", "ann", None, 0.0),
        (
            b'42/rooms,["MEMBER_MUTED",{"identity":"tab","roomName":"lobby",'
            b'"mutedBy":"ann","mutedUntil":null,"duration":0.0}]'
        ),
    ),
    (
        MemberUnmuted("lobby", "tab"),
        b'42/rooms,["MEMBER_UNMUTED",{"identity":"tab","roomName":"lobby"}]',
    ),
    (
        RoomModeChanged("lobby", RequestMode.SEPARATE, "ann"),
        (
            b'42/rooms,["ROOM_MODE_CHANGED",{"roomName":"lobby","mode":"Separate",'
            b'"setter":"ann"}]'
        ),
    ),
    (
        RoomDeleted("lobby", "room lobby was deleted"),
        (
            b'42/rooms,["DELETE_ROOM",{"roomName":"lobby",'
            b'"message":"room lobby was deleted"}]'
        ),
    ),
    (
        MemberStatusChanged("lobby", "tab", "typing", "2026-01-01T00:00:00.000Z"),
        (
            b'42/llm,["MEMBER_STATUS_UPDATE",{"identity":"tab","roomName":"lobby",'
            b'"status":"typing","timestamp":"2026-01-01T00:00:00.000Z"}]'
        ),
    ),
    (
        MessageAdded("lobby", b'{"messageId":"m1","data":"hi"}'),
        (
            b'42/llm,["NEW_MESSAGE",{"roomName":"lobby",'
            b'"message":{"messageId":"m1","data":"hi"}}]'
        ),
    ),
    (
        MessageUpdated("lobby", b'{"messageId":"m1"}'),
        b'42/llm,["MESSAGE_UPDATED",{"roomName":"lobby","message":{"messageId":"m1"}}]',
    ),
    (
        MessagesDeleted("lobby", ("m1", "m2")),
        b'42/llm,["MESSAGES_DELETED",{"roomName":"lobby","messageIds":["m1","m2"]}]',
    ),
    (
        MessagesCleared("lobby", requests=True, answers=False),
        (
            b'42/llm,["MESSAGES_CLEARED",{"roomName":"lobby","clearedRequests":true,'
            b'"clearedResponses":false}]'
        ),
    ),
    (
        ExtensionsAvailable(("tavern",)),
        b'42/rooms,["AVAILABLE_EXTENSIONS",{"extensions":["tavern"]}]',
    ),
    (
        Concerned(Code.ROOM_ACCESS_DENIED, "you are out"),
        b'42/rooms,["WARNING",{"type":"WARNING","code":303,"message":"you are out"}]',
    ),
]


@pytest.mark.parametrize(
    ("notice", "text"), GOLDEN, ids=[type(notice).__name__ for notice, _ in GOLDEN]
)
def test_notice_reads_like_this(notice: RoomNotice, text: bytes) -> None:
    """Membership goes out in ``/rooms``, messages in ``/llm``."""
    namespace, packet = said(notice)

    assert unframe(packet) == text
    assert text.startswith(b"42" + namespace.encode() + b",")


def test_every_notice_has_its_words() -> None:
    """What is passed on has words of its own."""
    assert {type(notice) for notice, _ in GOLDEN} == {*get_args(RoomNotice)} - {Passed}
