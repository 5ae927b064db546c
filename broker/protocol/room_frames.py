"""What clients send about rooms, their members and their messages, as typed frames."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import msgspec

from actors.errors import Code, ProtocolError
from actors.roles import Role, Target
from broker.protocol.handshake import MAX_NAME, is_name
from broker.protocol.inbound import Frame, RequestId
from broker.protocol.wire import MemberStatus

MAX_AT_ONCE = 1_000
"""Messages deleted by one event."""

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_NAME)]


Ids = Annotated[list[str], msgspec.Meta(max_length=MAX_AT_ONCE)]


class RoomName(Frame, frozen=True):
    """A room."""

    bare_field: ClassVar[str | None] = "roomName"
    room_name: Name


class CreateRoom(RoomName, frozen=True):
    """A room to be made."""

    mode: str | None = None
    open: bool = False
    password: str | None = None
    keep: bool = False

    def check(self) -> None:
        """Refuse a name that can not be one.

        Raises:
            ProtocolError: it holds control characters.
        """
        if not is_name(self.room_name):
            raise ProtocolError(
                f"roomName must have 1 to {MAX_NAME} characters, no control characters"
            )


class JoinRoom(RoomName, frozen=True):
    """A room to be entered."""

    password: str | None = None


class RoomMember(Frame, frozen=True):
    """A room, and somebody to come in."""

    room_name: Name
    identity: str | None = None
    client_id: str | None = None
    role: Role = Role.GUEST

    @property
    def who(self) -> str:
        """The name of who is meant.

        Raises:
            ProtocolError: nobody was named.
        """
        named = self.identity or self.client_id
        if named is None or not is_name(named):
            raise ProtocolError("identity or clientId must name somebody")
        return named


class RoomTarget(Frame, frozen=True):
    """A room, and a member of it."""

    room_name: Name
    target_identity: str | None = None
    target_client_id: str | None = None
    identity: str | None = None
    client_id: str | None = None

    @property
    def target(self) -> Target:
        """Who is meant.

        Raises:
            ProtocolError: nobody was named.
        """
        identity = self.target_identity or self.identity
        client = self.target_client_id or self.client_id
        if not identity and not client:
            raise ProtocolError("targetIdentity or targetClientId must name a member")
        return Target(identity, client)


class SetMemberRole(RoomTarget, frozen=True, kw_only=True):
    """What a member is to be."""

    role: Role


class MuteMember(RoomTarget, frozen=True):
    """A member to be silent; 0 or fewer seconds: until unmuted."""

    duration: float = 0


class SetRoomMode(Frame, frozen=True):
    """How a room is to treat requests."""

    room_name: Name
    mode: str


class SetMode(Frame, frozen=True):
    """How new rooms are to treat requests."""

    bare_field: ClassVar[str | None] = "mode"
    mode: str


class EditMessage(Frame, frozen=True):
    """A message to be changed."""

    room_name: Name
    message_id: Name
    updated_message: str | dict[str, Any] | None = None
    updated_fields: dict[str, Any] | None = None
    from_llm: bool | None = None

    @property
    def changes(self) -> str | dict[str, Any]:
        """What is to be changed.

        Raises:
            ProtocolError: nothing.
        """
        changes = self.updated_message
        if changes is None:
            changes = self.updated_fields
        if changes is None:
            raise ProtocolError("updatedMessage or updatedFields must say what changes")
        return changes


class DeleteMessage(Frame, frozen=True):
    """Messages to be deleted."""

    room_name: Name
    message_id: str | None = None
    message_ids: Ids | None = None
    from_llm: bool | None = None

    @property
    def ids(self) -> tuple[str, ...]:
        """Which.

        Raises:
            ProtocolError: none.
        """
        named = [self.message_id] if self.message_id is not None else []
        ids = tuple(dict.fromkeys([*named, *(self.message_ids or ())]))
        if not ids:
            raise ProtocolError("messageId or messageIds must name a message")
        return ids


class ClearMessages(RoomName, frozen=True):
    """All requests, all answers, or both, to be deleted."""

    from_llm: bool | None = None
    clear_requests: bool | None = None
    clear_responses: bool | None = None

    @property
    def what(self) -> tuple[bool, bool]:
        """Whether requests, and whether answers; where nothing is said, both.

        Raises:
            ProtocolError: neither.
        """
        requests, answers = self.clear_requests, self.clear_responses
        if requests is None and answers is None:
            requests = self.from_llm is not True
            answers = self.from_llm is not False
        if not requests and not answers:
            raise ProtocolError("nothing is to be cleared", Code.INVALID_REQUEST)
        return bool(requests), bool(answers)


class GetHistory(RoomName, frozen=True):
    """What was said in a room; ``whole``: in one piece."""

    since: str | None = None
    whole: bool = False


class Typing(Frame, frozen=True):
    """Where somebody is typing."""

    bare_field: ClassVar[str | None] = "targetRoom"
    target_room: Name | None = None
    room_name: Name | None = None


class Processing(Typing, frozen=True):
    """Where an extension is at work, and on what."""

    request_id: RequestId | None = None
    status: MemberStatus | None = None
    """What it is doing, where that is more than working or not."""
