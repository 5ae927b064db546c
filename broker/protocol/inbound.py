"""What clients and extensions send, as typed frames.

Pure, but that it counts texts that are too long. Fields the protocol does not know
are kept where they are passed on. A bare value where an object with one field is
expected means that field.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Final, TypeVar

import msgspec

from actors.errors import Code, ProtocolError
from actors.limits import Limit, reached
from actors.outbound import Order
from actors.output import Piece
from actors.roles import Caller
from broker.protocol.handshake import MAX_NAME
from broker.protocol.json_text import (
    MAX_DEPTH,
    between_quotes,
    encode,
    piece_of,
    without_surrogates,
)
from broker.protocol.wire import AUTO_TARGET, STREAM_EVENT_TYPES, MessageType

RequestId = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_NAME)]


class Frame(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Anything a client sends with an event."""

    bare_field: ClassVar[str | None] = None
    """The wire name of the field that a bare value means."""


class Untyped(Frame, frozen=True):
    """Events without data, or whose data is read as it stands."""


class LlmRequest(Frame, frozen=True):
    """An order for an answer."""

    request_id: RequestId
    target: str | list[str] | None = None
    target_room: str | None = None
    message: Any = None
    data: Any = None
    messages: list[Any] | None = None
    request_type: str | None = None
    is_streaming: bool = True
    timeout: Annotated[float, msgspec.Meta(gt=0)] | None = None


class CancelRequest(Frame, frozen=True):
    """Call a request off."""

    bare_field: ClassVar[str | None] = "requestId"
    request_id: RequestId
    room_name: str | None = None
    requester: str | None = None
    """Whose it is, where several in the room have given theirs the same id."""


class ResumeStream(Frame, frozen=True):
    """Go on reading an answer."""

    request_id: RequestId
    room_name: str | None = None
    requester: str | None = None
    start: int | dict[str, int] = msgspec.field(default=0, name="from")


class ExtensionError(Frame, frozen=True):
    """An extension could not answer."""

    request_id: RequestId
    message: str = "the SillyTavern reported an error"
    code: int | None = None


class Message(Frame, frozen=True):
    """A ``message``: an extension's whole answer, or words to somebody."""

    bare_field: ClassVar[str | None] = "data"
    type: int | str | None = None
    request_id: RequestId | None = None
    output_id: str | None = None
    target: Any = None
    data: Any = None
    message: Any = None


class IdentifySillyTavern(Frame, frozen=True):
    """A SillyTavern introduces itself."""

    client_id: str | None = None
    capacity: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 1
    context: Annotated[int, msgspec.Meta(ge=0)] | None = None
    characters: list[Any] | None = None
    current: Any = None
    model: Any = None
    version: str | None = None
    running: list[str] = []
    instance: Annotated[str, msgspec.Meta(max_length=MAX_NAME)] | None = None
    take_over: bool = False


class CharactersUpdated(Frame, frozen=True):
    """A SillyTavern's characters have changed."""

    characters: list[Any] | None = None
    current: Any = None


class ClientSettingsFrame(Frame, frozen=True):
    """A SillyTavern tells more of itself."""

    capacity: Annotated[int, msgspec.Meta(ge=1, le=1_000)] | None = None
    context: Annotated[int, msgspec.Meta(ge=0)] | None = None
    characters: list[Any] | None = None
    current: Any = None
    model: Any = None
    version: str | None = None


class KeyRequest(Frame, frozen=True):
    """A client asks for a key."""

    bare_field: ClassVar[str | None] = "clientId"
    client_id: str | None = None


class Login(Frame, frozen=True, kw_only=True):
    """A SillyTavern proves itself by password."""

    client_id: str | None = None
    password: str


class FunctionCall(Frame, frozen=True, kw_only=True):
    """A function to be called."""

    request_id: Any = None
    function_name: str
    args: list[Any] | dict[str, Any] = []
    target: str = "server"


class StreamFrame(Frame, frozen=True, gc=False):
    """One event of an answer's stream, its text not looked into."""

    request_id: str
    stream_id: str
    output_id: str = ""
    chunk_index: int | None = None
    data: msgspec.Raw = msgspec.Raw(b'""')
    final: bool = False
    final_text: str | None = None
    message: str | None = None
    code: int | None = None


class StreamEvent(msgspec.Struct, frozen=True, gc=False):
    """A stream event with its text ready to be joined."""

    type: MessageType
    frame: StreamFrame
    piece: Piece


F = TypeVar("F", bound=Frame)

_STREAM_EVENT = b'42/llm,["'
_TYPES: Final[dict[bytes, MessageType]] = {
    name.encode(): kind for name, kind in STREAM_EVENT_TYPES.items()
}
_decode_stream_frame = msgspec.json.Decoder(StreamFrame).decode


def read_frame(kind: type[F], data: Any) -> F:
    """Understand an event's data.

    Raises:
        ProtocolError: a field is missing or of the wrong kind; says which.
    """
    if kind is Untyped:
        return kind()
    if kind.bare_field is not None and isinstance(data, str):
        data = {kind.bare_field: data}
    try:
        return msgspec.convert({} if data is None else data, kind)
    except msgspec.ValidationError as error:
        raise ProtocolError(str(error)) from None


def read_stream_packet(packet: bytes, max_depth: int = MAX_DEPTH) -> StreamEvent | None:
    """Understand a stream event's packet; None: it wants the plain path.

    The plain path sees what this one does not know: lone surrogates, data that is no
    text, malformed packets.
    """
    if not packet.startswith(_STREAM_EVENT):
        return None
    end = packet.find(b'"', len(_STREAM_EVENT))
    kind = _TYPES.get(packet[len(_STREAM_EVENT) : end])
    if kind is None or packet[end : end + 3] != b'",{' or packet[-2:] != b"}]":
        return None
    if packet.count(b"[") + packet.count(b"{") > max_depth:  # perhaps too deep
        return None
    try:
        frame = _decode_stream_frame(packet[end + 2 : -1])
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    raw = bytes(frame.data)
    text = between_quotes(raw) if raw[:1] == b'"' else None
    if text is None:
        return None
    return StreamEvent(kind, frame, Piece(text))


def read_stream_event(name: str, data: Any) -> StreamEvent:
    """The same from data that has been decoded.

    Raises:
        ProtocolError: a field is missing or of the wrong kind; says which.
    """
    if not isinstance(data, Mapping):
        raise ProtocolError(f"{name} takes an object", Code.INVALID_REQUEST)
    text = data.get("data", "")
    if not isinstance(text, str):
        text = "" if text is None else encode(without_surrogates(text)).decode()
    rest = without_surrogates({k: v for k, v in data.items() if k != "data"})
    return StreamEvent(
        STREAM_EVENT_TYPES[name], read_frame(StreamFrame, rest), piece_of(text)
    )


_ORDER_FIELDS: Final = frozenset(
    field.encode_name for field in msgspec.structs.fields(LlmRequest)
) | {"role", "source", "clientId"}


def make_order(
    frame: LlmRequest, data: Mapping[str, Any], caller: Caller, max_text: int
) -> Order:
    """The order a request frame means, with the fields nobody knows.

    Raises:
        ProtocolError: there is nothing to answer, or too much.
    """
    if frame.message is None and frame.data is None and frame.messages is None:
        raise ProtocolError("message or data must hold the text to be answered")
    check_text(data, max_text)
    return Order(
        request_id=frame.request_id,
        requester=caller.identity,
        client=caller.client,
        kind=caller.kind,
        room=frame.target_room or caller.identity,
        targets=_targets(frame.target),
        message=frame.message,
        data=frame.data,
        messages=frame.messages,
        request_type=frame.request_type,
        streaming=frame.is_streaming,
        timeout=frame.timeout,
        extra={k: v for k, v in data.items() if k not in _ORDER_FIELDS},
    )


def check_text(data: Mapping[str, Any], max_text: int) -> None:
    """Refuse a message whose text is too long.

    Raises:
        ProtocolError: it is.
    """
    for field in ("message", "data"):
        text = data.get(field)
        size = len(text.encode()) if isinstance(text, str) else len(encode(text))
        if size > max_text:
            reached[Limit.MESSAGE_TEXT] += 1
            raise ProtocolError(
                f"{field} has {size} bytes, a message at most {max_text}: make it "
                "shorter, or send it in several",
                Code.INVALID_REQUEST,
            )


def _targets(target: str | list[str] | None) -> tuple[str, ...]:
    if target is None or target in (AUTO_TARGET, ""):
        return ()
    return (target,) if isinstance(target, str) else tuple(target)
