"""The port back to the outside, and everything that goes through it.

Actors say *what* happened and *who* is to know; how that reads on the wire, and by
which sockets it goes, is the gateway's. Tests put a ``RecordingOutbound`` here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final, Protocol, TypeAlias

import msgspec

from actors.errors import BrokerError
from actors.lifecycle import RequestState
from actors.roles import Caller, CallerKind
from actors.room_notices import RoomNotice, RoomsChanged

NO_READERS: Collection[str] = ()

EVERYBODY: Final = "all"
"""As a reader: whoever is connected. No identity can be called so."""

HOUSE: Final = "server"
"""As a requester: who orders where nobody did. No identity can be called so."""


class OutputId(msgspec.Struct, frozen=True):
    """Which answer to which request a notice speaks of."""

    key: str
    """Names this answer, and no other of this broker's, to the gateway."""
    request: str
    """The broker's own id of the request."""
    request_id: str
    """The id the requester gave it."""
    output_id: str
    """The id the extension gave the answer."""


class OutputStarted(msgspec.Struct, frozen=True):
    """An answer begins."""

    output: OutputId
    stream: str


class OutputChunk(msgspec.Struct, frozen=True, gc=False):
    """More text of an answer, as JSON between the quotes."""

    output: OutputId
    stream: str
    text: bytes
    index: int


class OutputEnded(msgspec.Struct, frozen=True):
    """No more of an answer; comes once for each that started."""

    output: OutputId
    stream: str
    state: RequestState
    chunks: int
    final_text: str | None


class WholeAnswer(msgspec.Struct, frozen=True):
    """An answer in one piece, as JSON between the quotes."""

    output: OutputId
    text: bytes
    extension_client: str


class StatusChanged(msgspec.Struct, frozen=True, kw_only=True):
    """Where a request is; to its requester."""

    request: str = ""
    """The broker's own id of the request."""
    request_id: str
    room: str
    state: RequestState
    position: int | None = None
    extension: str | None = None
    response_id: str | None = None
    error: str | None = None
    code: int | None = None


class Detour(msgspec.Struct, frozen=True, kw_only=True):
    """Who hears an answer besides the room of its request, or ``instead`` of it.

    ``dropped``: nobody does, and the request is refused.
    """

    identity: str | None = None
    room: str | None = None
    instead: bool = False
    dropped: bool = False


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What a client ordered, as the extension shall see it."""

    request_id: str
    requester: str
    room: str
    targets: tuple[str, ...] = ()
    """Identities or clientIds of extensions; empty: the policy chooses."""
    message: Any = None
    data: Any = None
    messages: list[Any] | None = None
    request_type: str | None = None
    streaming: bool = True
    timeout: float | None = None
    client: str = ""
    """The requester's clientId."""
    kind: CallerKind = CallerKind.CLIENT
    """What the requester is in the house."""
    role: str = "master"
    """What it is in the room."""
    mode: str = "Default"
    """The room's message request mode."""
    viewer: str | None = None
    """Who alone may see request and answer; None: everybody in the room."""
    context: tuple[bytes, ...] = ()
    """The room's messages before it, as JSON, the newest last."""
    detour: Detour | None = None
    """Where else the answer goes, by a routing rule."""
    extra: Mapping[str, Any] = {}
    """Fields the protocol does not know, passed on untouched."""

    @property
    def caller(self) -> Caller:
        """The requester as one who asks."""
        return Caller(self.requester, self.client, self.kind)


class OrderPlaced(msgspec.Struct, frozen=True):
    """A request for an extension to answer."""

    request: str
    order: Order
    extension: str
    context: tuple[bytes, ...] = ()
    """So much of the order's context as this extension wants."""


class OrderRevoked(msgspec.Struct, frozen=True):
    """A request the extension must stop answering."""

    request: str


class Warned(msgspec.Struct, frozen=True):
    """Something was dropped or changed that the peer ought to know of."""

    code: int
    message: str
    request_id: str | None = None


class ResumedOutput(msgspec.Struct, frozen=True):
    """What a reader missed of one answer."""

    output: OutputId
    stream: str
    next_index: int
    text: bytes
    final_text: str | None
    done: bool


class Resumed(msgspec.Struct, frozen=True):
    """What a reader missed of a request; goes out before the next live chunk."""

    state: RequestState
    outputs: tuple[ResumedOutput, ...]
    error: str | None = None


Notice: TypeAlias = (
    OutputStarted
    | OutputEnded
    | WholeAnswer
    | StatusChanged
    | OrderPlaced
    | OrderRevoked
    | Warned
    | RoomNotice
    | RoomsChanged
)


class Outbound(Protocol):
    """Where actors send what leaves the house."""

    def publish(self, notice: Notice, readers: Collection[str]) -> None:
        """Send a notice to identities; nobody at all where there are none."""

    def pour(self, chunk: OutputChunk, readers: tuple[str, ...]) -> None:
        """Send a chunk; most of what is sent is one, and has an entrance of its own.

        ``readers`` is the same object for as long as it holds the same identities.
        """


class ResumePort(Protocol):
    """Whoever asked to resume; takes the result in the very turn it is made."""

    def resumed(self, result: Resumed | BrokerError) -> None:
        """Take what was missed, or why it can not be had."""
