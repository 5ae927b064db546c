"""What clients send about rooms, as it is read."""

from __future__ import annotations

from typing import Any

import pytest

from actors.errors import Code, ProtocolError
from actors.roles import Role, Target
from broker.protocol.inbound import Frame, read_frame
from broker.protocol.room_frames import (
    MAX_AT_ONCE,
    ClearMessages,
    CreateRoom,
    DeleteMessage,
    EditMessage,
    GetHistory,
    JoinRoom,
    MuteMember,
    Processing,
    RoomMember,
    RoomName,
    RoomTarget,
    SetMemberRole,
    SetMode,
    SetRoomMode,
    Typing,
)

GOOD: list[tuple[type[Frame], Any, Frame]] = [
    (RoomName, "lobby", RoomName(room_name="lobby")),
    (RoomName, {"roomName": "r" * 128}, RoomName(room_name="r" * 128)),
    (CreateRoom, "lobby", CreateRoom(room_name="lobby")),
    (
        CreateRoom,
        {
            "roomName": "lobby",
            "mode": "HostSubmit",
            "open": True,
            "password": "swordfish",
            "keep": True,
            "more": 1,
        },
        CreateRoom(
            room_name="lobby",
            mode="HostSubmit",
            open=True,
            password="swordfish",
            keep=True,
        ),
    ),
    (JoinRoom, "lobby", JoinRoom(room_name="lobby")),
    (
        RoomMember,
        {"roomName": "lobby", "identity": "bob"},
        RoomMember(room_name="lobby", identity="bob", role=Role.GUEST),
    ),
    (
        SetMemberRole,
        {"roomName": "lobby", "targetIdentity": "bob", "role": "manager"},
        SetMemberRole(room_name="lobby", target_identity="bob", role=Role.MANAGER),
    ),
    (
        MuteMember,
        {"roomName": "lobby", "targetClientId": "bob", "duration": 1.5},
        MuteMember(room_name="lobby", target_client_id="bob", duration=1.5),
    ),
    (
        SetRoomMode,
        {"roomName": "lobby", "mode": "Separate"},
        SetRoomMode(room_name="lobby", mode="Separate"),
    ),
    (SetMode, "Separate", SetMode(mode="Separate")),
    (ClearMessages, "lobby", ClearMessages(room_name="lobby")),
    (GetHistory, "lobby", GetHistory(room_name="lobby")),
    (
        GetHistory,
        {"roomName": "lobby", "since": "m1", "whole": True},
        GetHistory(room_name="lobby", since="m1", whole=True),
    ),
    (Typing, "lobby", Typing(target_room="lobby")),
    (Typing, None, Typing()),
    (
        Processing,
        {"targetRoom": "lobby", "requestId": "r1"},
        Processing(target_room="lobby", request_id="r1"),
    ),
]

BAD: list[tuple[type[Frame], Any, str]] = [
    (RoomName, None, "roomName"),
    (RoomName, "", "roomName"),
    (RoomName, "r" * 129, "roomName"),
    (RoomName, {"roomName": 7}, "roomName"),
    (CreateRoom, {"roomName": "lobby", "open": "yes"}, "open"),
    (CreateRoom, {"roomName": "lobby", "password": 7}, "password"),
    (RoomMember, {"roomName": "lobby", "identity": "bob", "role": "king"}, "role"),
    (SetMemberRole, {"roomName": "lobby", "targetIdentity": "bob"}, "role"),
    (MuteMember, {"roomName": "lobby", "duration": "long"}, "duration"),
    (SetRoomMode, {"roomName": "lobby"}, "mode"),
    (SetMode, None, "mode"),
    (EditMessage, {"roomName": "lobby", "updatedMessage": "x"}, "messageId"),
    (
        EditMessage,
        {"roomName": "lobby", "messageId": "m1", "updatedMessage": 7},
        "updatedMessage",
    ),
    (
        DeleteMessage,
        {"roomName": "lobby", "messageIds": ["m"] * (MAX_AT_ONCE + 1)},
        "messageIds",
    ),
    (GetHistory, {"roomName": "lobby", "whole": 1}, "whole"),
    (Processing, {"requestId": "r" * 129}, "requestId"),
]


@pytest.mark.parametrize(("kind", "data", "frame"), GOOD)
def test_event_is_understood(kind: type[Frame], data: Any, frame: Frame) -> None:
    """Section 8's fields; a bare text means the field there is one of."""
    assert read_frame(kind, data) == frame


@pytest.mark.parametrize(("kind", "data", "field"), BAD)
def test_bad_event_is_refused_with_the_field(
    kind: type[Frame], data: Any, field: str
) -> None:
    """Code 3, and which field it is about."""
    with pytest.raises(ProtocolError, match=field) as raised:
        read_frame(kind, data)

    assert raised.value.code == Code.INVALID_PARAMETER


@pytest.mark.parametrize("name", ["a\nb", "\x00", "a\x7f"])
def test_room_has_no_control_characters_in_its_name(name: str) -> None:
    """A room that exists is only looked for: the name matters when it is made."""
    with pytest.raises(ProtocolError, match="control characters"):
        CreateRoom(room_name=name).check()


def test_room_may_have_a_name_in_any_script() -> None:
    """1 to 128 characters, not bytes."""
    CreateRoom(room_name="部屋 🍺" * 32).check()


def test_who_comes_in_is_named_by_identity_before_client() -> None:
    """``{identity or clientId, roomName, role?}``."""
    both = RoomMember(room_name="lobby", identity="tab", client_id="bob")

    assert both.who == "tab"
    assert RoomMember(room_name="lobby", client_id="bob").who == "bob"


@pytest.mark.parametrize("identity", [None, "", "a\n"])
def test_who_comes_in_must_be_named(identity: str | None) -> None:
    """Code 3."""
    with pytest.raises(ProtocolError, match="identity or clientId"):
        _ = RoomMember(room_name="lobby", identity=identity).who


TARGETS: list[tuple[dict[str, str], Target]] = [
    ({"target_identity": "tab"}, Target("tab", None)),
    ({"target_client_id": "bob"}, Target(None, "bob")),
    ({"identity": "tab", "client_id": "bob"}, Target("tab", "bob")),
    ({"target_identity": "tab", "identity": "other"}, Target("tab", None)),
]


@pytest.mark.parametrize(("named", "target"), TARGETS)
def test_target_has_several_names(named: dict[str, str], target: Target) -> None:
    """The fields of ADD_CLIENT_TO_ROOM mean a target as well."""
    assert RoomTarget(room_name="lobby", **named).target == target


def test_target_must_be_named() -> None:
    """Code 3."""
    with pytest.raises(ProtocolError, match="targetIdentity or targetClientId"):
        _ = RoomTarget(room_name="lobby", identity="").target


def test_edit_is_a_text_or_fields() -> None:
    """``updatedMessage`` before ``updatedFields``; an empty text is one."""
    edit = EditMessage(room_name="lobby", message_id="m1", updated_message="")
    fields = EditMessage(room_name="lobby", message_id="m1", updated_fields={"a": 1})

    assert edit.changes == ""
    assert fields.changes == {"a": 1}
    with pytest.raises(ProtocolError, match="updatedMessage or updatedFields"):
        _ = EditMessage(room_name="lobby", message_id="m1").changes


def test_messages_to_delete_are_named_once_each() -> None:
    """One, several, or both."""
    both = DeleteMessage(room_name="lobby", message_id="a", message_ids=["b", "a", "b"])

    assert both.ids == ("a", "b")
    with pytest.raises(ProtocolError, match="messageId or messageIds"):
        _ = DeleteMessage(room_name="lobby", message_ids=[]).ids


WHAT: list[tuple[dict[str, bool], tuple[bool, bool]]] = [
    ({}, (True, True)),
    ({"from_llm": True}, (False, True)),
    ({"from_llm": False}, (True, False)),
    ({"clear_requests": True}, (True, False)),
    ({"clear_responses": True}, (False, True)),
    ({"clear_requests": True, "clear_responses": True}, (True, True)),
    ({"clear_requests": True, "from_llm": True}, (True, False)),
]


@pytest.mark.parametrize(("said", "what"), WHAT)
def test_clearing_says_what(said: dict[str, bool], what: tuple[bool, bool]) -> None:
    """Requests, answers; what is named itself counts before ``fromLlm``."""
    assert ClearMessages(room_name="lobby", **said).what == what


def test_clearing_nothing_is_refused() -> None:
    """Code 4: it is understood, and means nothing."""
    nothing = ClearMessages(
        room_name="lobby", clear_requests=False, clear_responses=False
    )
    with pytest.raises(ProtocolError) as raised:
        _ = nothing.what

    assert raised.value.code == Code.INVALID_REQUEST
