"""Bodies of long-polling: how they are read, and how packets are put into them.

Owns nothing. Must never take a packet: sockets do.
"""

from __future__ import annotations

import base64
from typing import Final

from aiohttp import StreamReader, web
from aiohttp.http_exceptions import HttpProcessingError

from actors.limits import Limit, reached
from broker.gateway.broken import ProtocolBrokenError
from broker.protocol.packet import is_binary, unframe

SEPARATOR: Final = "\x1e"
POLLED_PACKETS: Final = 8 * 1024
"""Packets in one body. A client sends all that has waited for its last POST to be
answered: less than a mebibyte of chunks must fit."""


class PolledPacket:
    """A frame as the library's payload encoder wants it."""

    __slots__ = ("_framed",)

    def __init__(self, framed: bytes) -> None:
        self._framed = framed

    def encode(self, *, b64: bool) -> str:
        """Give the packet as text."""
        payload = unframe(self._framed)
        if b64 and is_binary(self._framed):
            return "b" + base64.b64encode(payload).decode()
        return payload.decode()


async def read_body(content: StreamReader, most: int) -> bytes:
    """All of a body, in however many pieces it comes.

    Raises:
        ProtocolBrokenError: it has more bytes than that, or never came.
    """
    body = bytearray()
    try:
        async for piece in content.iter_any():
            body += piece
            if len(body) > most:
                reached[Limit.MAX_PACKET] += 1
                raise ProtocolBrokenError(f"a body has at most {most} bytes")
    except (OSError, web.RequestPayloadError, HttpProcessingError):
        raise ProtocolBrokenError("the body never came") from None
    return bytes(body)


def packets_of(body: bytes) -> list[str]:
    """The packets of a body, attachments still in base64.

    Raises:
        ProtocolBrokenError: it is no text, or has too many.
    """
    try:
        packets = body.decode().split(SEPARATOR)
    except UnicodeDecodeError:
        raise ProtocolBrokenError("the body is no text") from None
    if len(packets) > POLLED_PACKETS:
        reached[Limit.PACKETS_PER_BODY] += 1
        raise ProtocolBrokenError(f"a body has at most {POLLED_PACKETS} packets")
    return packets


def attachment_of(packet: str) -> bytes:
    """The bytes of a packet that is an attachment.

    Raises:
        ProtocolBrokenError: it is no base64.
    """
    try:
        return base64.b64decode(packet.removeprefix("b"))
    except ValueError:
        raise ProtocolBrokenError("an attachment that is no base64") from None
