"""What monitors ask about the house and are shown of it. Pure.

The fields of what they are shown are those of section 17 of ``docs/protocol.md``.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, UnsetType

from actors.lifecycle import RequestState
from broker.protocol.inbound import Frame
from broker.protocol.packet import event
from broker.protocol.wire import Event, Namespace

MOST_REQUESTS: Final = 500
"""That have ended are remembered, and that one page of them can have."""


class GetRequests(Frame, frozen=True):
    """Which requests: so many, those before a number, the newest first."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=MOST_REQUESTS)] = 200
    before: Annotated[int, msgspec.Meta(ge=1)] | None = None


class Shown(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Anything that monitors are shown."""


class RequestError(Shown, frozen=True):
    """Why a request failed."""

    message: str
    code: int | UnsetType = UNSET


class ShownRequest(Shown, frozen=True):
    """One request, in flight or ended."""

    seq: int
    request_id: str
    requester: str
    client_id: str | None
    room: str
    instance: str | None
    state: RequestState
    position: int | None
    created_at: str
    sent_at: str | UnsetType = UNSET
    first_at: str | UnsetType = UNSET
    ended_at: str | UnsetType = UNSET
    time_to_first_token: int | UnsetType = UNSET
    chunks: int = 0
    chunks_per_second: float | UnsetType = UNSET
    error: RequestError | UnsetType = UNSET


class InstanceState(StrEnum):
    """How an instance is."""

    IDLE = "idle"
    BUSY = "busy"
    LOST = "lost"
    """It can not be reached now, and may come back."""
    DRAINING = "draining"
    """It finishes what it has and is given nothing new."""


class ShownInstance(Shown, frozen=True):
    """One SillyTavern instance."""

    identity: str
    client_id: str
    desc: str
    state: InstanceState
    character: str | None
    model: str | None
    version: str | None
    capacity: int
    running: int
    queued: int
    completed: int
    failed: int
    time_to_first_token: int | None
    connected_at: str | None


class ShownClient(Shown, frozen=True):
    """One identity that is here, or in its grace time."""

    identity: str
    client_id: str
    client_type: str
    desc: str
    name: str
    address: str
    status: str
    rooms: int
    connected_at: str


class LogLine(Shown, frozen=True):
    """One record of the log."""

    time: str
    level: str
    service: str
    message: str
    event: str | UnsetType = UNSET
    fields: msgspec.Raw | UnsetType = UNSET


def update(fields: dict[str, Any]) -> bytes:
    """News for who watches the house, as a WebSocket frame."""
    return event(Namespace.DEBUG, Event.HOUSE_UPDATE, fields)
