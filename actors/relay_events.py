"""What a relay is told by the gateway, its room and its extensions.

They stand apart from ``actors.relay`` because extensions send them and relays know
extensions: one of the two must not import the other.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from actors.errors import BrokerError
from actors.lifecycle import RequestState
from actors.outbound import Order
from actors.output import Piece
from actors.roles import Caller


class StreamStarted(msgspec.Struct, frozen=True):
    """The extension opened a stream of an output."""

    extension: str
    stream: str
    output: str


class ChunkCame(msgspec.Struct, frozen=True, gc=False):
    """The extension sent some of an output's text."""

    extension: str
    stream: str
    output: str
    index: int | None
    piece: Piece
    first: bool = False
    """It says that it is the first, and may open a stream that no start did."""


class StreamEnded(msgspec.Struct, frozen=True):
    """The extension closed a stream; ``final``: and its output with it."""

    extension: str
    stream: str
    output: str
    final: bool = False
    final_text: str | None = None


class StreamFailed(msgspec.Struct, frozen=True):
    """The extension could not finish; what came is kept."""

    extension: str
    message: str
    code: int


class WholeCame(msgspec.Struct, frozen=True):
    """The extension sent an answer in one piece."""

    extension: str
    output: str
    piece: Piece


class ProcessingStopped(msgspec.Struct, frozen=True):
    """The extension says that it is done with the request."""

    extension: str


class StatusCame(msgspec.Struct, frozen=True):
    """An extension says what it is doing about the request."""

    caller: Caller
    status: str


class GetProgress(msgspec.Struct, frozen=True):
    """Answers with ``Progress``, as things stand."""


class Progress(msgspec.Struct, frozen=True):
    """How far a request's answers are."""

    chunks: int
    """Of all its answers together."""


class Queued(msgspec.Struct, frozen=True):
    """The request waits in an extension's queue; again when it moves up."""

    extension: str
    position: int


class QueueFull(msgspec.Struct, frozen=True):
    """The extension's queue takes no more."""

    extension: str


class Dispatched(msgspec.Struct, frozen=True):
    """The request went out to the extension.

    ``versioned``: it is a new one, which says when an answer is final.
    """

    extension: str
    versioned: bool


class ExtensionLost(msgspec.Struct, frozen=True):
    """The extension's socket is gone; it may come back."""

    extension: str


class ExtensionForgot(msgspec.Struct, frozen=True):
    """The extension is back and no longer runs the request."""

    extension: str


class ExtensionGone(msgspec.Struct, frozen=True):
    """The extension will not come back."""

    extension: str


class Superseded(msgspec.Struct, frozen=True):
    """The extension, which does one thing at a time, answers a later request."""

    extension: str


class Cleared(msgspec.Struct, frozen=True):
    """The room lets the request go, as ``order``."""

    order: Order


class Held(msgspec.Struct, frozen=True):
    """The room has recorded the request and holds it."""


class Recorded(msgspec.Struct, frozen=True):
    """The room has recorded the request, and that is all."""

    reason: str


class Barred(msgspec.Struct, frozen=True):
    """The room does not take the request."""

    error: BrokerError


class EndShared(msgspec.Struct, frozen=True):
    """The request that a held one was merged into has ended."""

    state: RequestState
    error: str | None
    code: int | None


class ReadersChanged(msgspec.Struct, frozen=True):
    """Who reads the answer from now on, the answering extension aside."""

    readers: tuple[str, ...]


class OverhearersChanged(msgspec.Struct, frozen=True):
    """Who of another room hears the answer from now on."""

    readers: tuple[str, ...]


class RequesterPutOut(msgspec.Struct, frozen=True):
    """The requester is not of the room any more: what comes is not for it."""


class RequesterGone(msgspec.Struct, frozen=True):
    """The requester did not come back within its grace time."""


class Cancel(msgspec.Struct, frozen=True):
    """Call the request off; ``by`` must be its requester, or be ``entitled``.

    By an extension that runs it, and it ends that extension's leg alone.
    """

    by: str
    entitled: bool = False


class End(msgspec.Struct, frozen=True):
    """The broker stops and waits no longer: end the request, with what came."""


RoomVerdict: TypeAlias = Cleared | Held | Recorded | Barred | EndShared
"""What a room says to a request that is submitted to it."""

AnswerEvent: TypeAlias = (
    StreamStarted | StreamEnded | StreamFailed | WholeCame | ProcessingStopped
)
"""What an extension says of its answer, chunks aside."""

QueueEvent: TypeAlias = (
    Queued
    | QueueFull
    | Dispatched
    | ExtensionLost
    | ExtensionForgot
    | ExtensionGone
    | Superseded
)
"""What an extension's actor says of a request in its care."""
