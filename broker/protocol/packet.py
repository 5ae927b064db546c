"""Packets as bytes: Socket.IO in Engine.IO in a WebSocket frame.

Pure. A packet is encoded once, as a whole WebSocket frame, and the same bytes go to
all who get it; long-polling strips the frame's header. Server frames are not masked
and never compressed.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any, Final

from broker.protocol.json_text import encode
from broker.protocol.wire import Namespace

_TEXT: Final = 0x81
_BINARY: Final = 0x82
_SHORT: Final = 126
_MEDIUM: Final = 1 << 16
_HEADERS: Final = {126: 4, 127: 10}
"""Length of the header by the length byte; 2 for all others."""

ENGINE_CLOSE: Final = b"1"
ENGINE_PING: Final = b"2"
ENGINE_PONG_PROBE: Final = b"3probe"
ENGINE_NOOP: Final = b"6"


class PacketType(IntEnum):
    """Socket.IO packet types, behind the ``4`` of an Engine.IO message."""

    CONNECT = 0
    DISCONNECT = 1
    EVENT = 2
    ACK = 3
    CONNECT_ERROR = 4


def prefix(kind: PacketType, namespace: str, number: int | None = None) -> bytes:
    """Everything of a packet before its JSON."""
    room = "" if namespace == Namespace.DEFAULT else f"{namespace},"
    return f"4{kind:d}{room}{'' if number is None else number}".encode()


def packet(
    kind: PacketType, namespace: str, data: Any, number: int | None = None
) -> bytes:
    """A packet as a WebSocket frame."""
    return frame(prefix(kind, namespace, number) + encode(data))


def event(namespace: str, name: str, *args: Any) -> bytes:
    """An event as a WebSocket frame."""
    return packet(PacketType.EVENT, namespace, [name, *args])


def frame(payload: bytes) -> bytes:
    """A payload as an unmasked text frame."""
    size = len(payload)
    return (_HEADS[size] if size < _MANY else _header(_TEXT, size)) + payload


def binary_frame(payload: bytes) -> bytes:
    """A payload as an unmasked binary frame."""
    return _header(_BINARY, len(payload)) + payload


def _header(opcode: int, size: int) -> bytes:
    if size < _SHORT:
        return bytes((opcode, size))
    if size < _MEDIUM:
        return bytes((opcode, 126)) + size.to_bytes(2, "big")
    return bytes((opcode, 127)) + size.to_bytes(8, "big")


_MANY: Final = 1024
_HEADS: Final = tuple(_header(_TEXT, size) for size in range(_MANY))
"""The headers of most frames: to look one up costs a third of making it."""


def is_binary(framed: bytes) -> bool:
    """Whether a frame made here is a binary one."""
    return framed[0] == _BINARY


def unframe(framed: bytes) -> bytes:
    """The payload of a frame made here."""
    return framed[_HEADERS.get(framed[1], 2) :]
