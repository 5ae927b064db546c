"""What rooms are told by the gateway, the hall, relays and clients.

They stand apart from ``actors.room`` because relays send them and rooms know relays:
one of the two must not import the other. Each that a ``Caller`` sends is refused where
``actors.roles`` says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

import msgspec

from actors.answers import Resume
from actors.assignment_events import AssignmentChanged
from actors.base import LoopRef
from actors.lifecycle import RequestState
from actors.modes import RequestMode
from actors.outbound import Order
from actors.records import Committed
from actors.roles import Caller, CallerKind, Role, Target


class Founded(msgspec.Struct, frozen=True):
    """The room was made just now; answers once it is stored."""

    founder: Caller


class MemberCame(msgspec.Struct, frozen=True):
    """A member, or the owner, is there."""

    identity: str


class MemberAway(msgspec.Struct, frozen=True):
    """A member has lost its last socket; it may come back."""

    identity: str


class MemberGone(msgspec.Struct, frozen=True):
    """A member, or the owner, did not come back in its grace time."""

    identity: str


class Sweep(msgspec.Struct, frozen=True):
    """The grace time after a start has passed: who is not back has left."""


class Join(msgspec.Struct, frozen=True):
    """Come in by oneself; ``proof``: the hash that a password was proven against.

    Answers with the role.
    """

    caller: Caller
    proof: str | None = None


class GetLock(msgspec.Struct, frozen=True):
    """Answers with the hash of the password that a caller must prove, or None."""

    caller: Caller


class Leave(msgspec.Struct, frozen=True):
    """Leave by oneself."""

    caller: Caller


class Add(msgspec.Struct, frozen=True):
    """Take somebody in, kicked or not; answers with the role.

    ``present``: it is here now.
    """

    who: Caller
    caller: Caller
    role: Role = Role.GUEST
    present: bool = True


class Remove(msgspec.Struct, frozen=True):
    """Put a member out; it may come in again."""

    target: Target
    caller: Caller


class Kick(msgspec.Struct, frozen=True):
    """Put a member out, until it is added again."""

    target: Target
    caller: Caller


class Mute(msgspec.Struct, frozen=True):
    """Have a member be silent; 0 or fewer seconds: until unmuted."""

    target: Target
    seconds: float
    caller: Caller


class Unmute(msgspec.Struct, frozen=True):
    """Let a member speak again."""

    target: Target
    caller: Caller


class SetRole(msgspec.Struct, frozen=True):
    """Make a member something else."""

    target: Target
    role: Role
    caller: Caller


class SetMode(msgspec.Struct, frozen=True):
    """Treat requests otherwise; what is held goes out."""

    mode: RequestMode
    caller: Caller


class Delete(msgspec.Struct, frozen=True):
    """Delete the room."""

    caller: Caller


class GetMembers(msgspec.Struct, frozen=True):
    """Answers with ``MemberInfo``s."""

    caller: Caller


class MemberInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A member as lists show it."""

    identity: str
    client: str
    kind: CallerKind
    role: Role
    status: str
    present: bool
    muted_until: str | None
    """When it may speak again; empty: when it is unmuted; None: it is not muted."""


class PassOn(msgspec.Struct, frozen=True, kw_only=True):
    """Give an event to everybody else.

    ``routed``: an operator's rule brings it here, whoever its sender is.
    """

    caller: Caller
    namespace: str
    name: str
    data: Mapping[str, Any]
    routed: bool = False


class Speak(PassOn, frozen=True, kw_only=True):
    """Give a message to everybody, and record it; answers with ``Said``."""


class Said(msgspec.Struct, frozen=True):
    """Something was said: its message, and whether it is on disk."""

    message_id: str
    stored: bool


class SetStatus(msgspec.Struct, frozen=True):
    """Tell the others what one is doing.

    ``at_work``: it answers a request of this room, and need not be a member.
    """

    caller: Caller
    status: str
    at_work: bool = False


class Edit(msgspec.Struct, frozen=True):
    """Change a message; a bare text is its new text."""

    caller: Caller
    message_id: str
    changes: Mapping[str, Any] | str
    from_llm: bool | None = None


class DeleteMessages(msgspec.Struct, frozen=True):
    """Delete messages; answers with the ids of those that were there."""

    caller: Caller
    ids: tuple[str, ...]
    from_llm: bool | None = None


class Clear(msgspec.Struct, frozen=True):
    """Delete all requests, all answers, or both."""

    caller: Caller
    requests: bool
    answers: bool


class GetHistory(msgspec.Struct, frozen=True):
    """Answers with the ``HistoryView`` of what a caller may read.

    ``since``: a message's id; ``absence``: since the caller was last here.
    """

    caller: Caller
    since: str | None = None
    absence: bool = False


class Submit(msgspec.Struct, frozen=True):
    """What becomes of this order? The relay is told Cleared, Held, Recorded, Barred."""

    request: str
    order: Order
    relay: LoopRef[Any]


class RequestOpened(msgspec.Struct, frozen=True):
    """A request that was cleared has its extension: record it."""

    request: str
    order: Order
    relay: LoopRef[Any]


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """An answer to be recorded."""

    message_id: str
    output_id: str
    extension: str
    extension_client: str
    text: bytes
    """As JSON between the quotes."""
    whole: bool
    """It came in one piece, and nobody has read it as a stream."""


class RequestClosed(msgspec.Struct, frozen=True, kw_only=True):
    """A request of this room has ended; idempotent."""

    request: str
    order: Order
    state: RequestState
    error: str | None = None
    code: int | None = None
    answers: tuple[Answer, ...] = ()
    placed: bool = True
    """False: it was never on its way, and what was merged into it is held again."""


class Overhear(msgspec.Struct, frozen=True):
    """The members hear the answers to a request of another room."""

    request: str
    relay: LoopRef[Any]


class Cancel(msgspec.Struct, frozen=True):
    """Call off a member's request; answers with its state."""

    request_id: str
    caller: Caller
    requester: str | None = None
    """Whose it is; None: the caller's, else anybody's."""


OrderMessage: TypeAlias = (
    Submit | RequestOpened | RequestClosed | Overhear | Cancel | Resume
)
"""What is about orders."""

TalkMessage: TypeAlias = (
    Speak | PassOn | SetStatus | Edit | DeleteMessages | Clear | GetHistory
)
"""What is about messages."""

MemberMessage: TypeAlias = (
    MemberCame
    | MemberAway
    | MemberGone
    | Join
    | Leave
    | Add
    | Remove
    | Kick
    | SetRole
    | GetMembers
    | GetLock
)
"""What is about members."""

MuteMessage: TypeAlias = Mute | Unmute
"""What is about who must be silent."""

Message: TypeAlias = (
    OrderMessage
    | TalkMessage
    | MemberMessage
    | MuteMessage
    | Founded
    | Sweep
    | SetMode
    | Delete
    | Committed
    | AssignmentChanged
)
"""Everything a room receives, its own alarms aside."""

TOLD: Final = (
    Submit,
    RequestOpened,
    RequestClosed,
    Overhear,
    MemberCame,
    MemberAway,
    MemberGone,
    Resume,
)
"""Those that nobody waits for an answer to, so that they must not be lost."""
