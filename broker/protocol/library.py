"""The stream library's events as packets: what the broker writes, what it reads.

Pure. The library is ``@sap_oss/node-socketio-stream``; the broker is the writer. A
chunk is a JSON string with ``"utf8"``, so that it is one text packet.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from broker.protocol.json_text import encode
from broker.protocol.packet import PacketType, event, frame, prefix
from broker.protocol.wire import LibraryEvent, Namespace

_READ: Final = b'42/llm,["$stream-read",'
_ACK: Final = b"43/llm,"

_EVENT: Final = prefix(PacketType.EVENT, Namespace.LLM)
_WRITE: Final = LibraryEvent.WRITE.encode()

MAX_DIGITS: Final = 15
"""Of an ack's number: as many as JavaScript counts exactly."""

_decode_strings = msgspec.json.Decoder(tuple[str, str, int]).decode


def open_packet(stream_id: str, name: str, info: dict[str, Any]) -> bytes:
    """Announce a stream under an event name."""
    return event(Namespace.LLM, LibraryEvent.OPEN, name, {"$stream": stream_id}, info)


def write_packet(ack: int, stream_id: str, text: bytes) -> bytes:
    """One chunk; ``text`` is JSON between the quotes."""
    return frame(
        b'%b%d["%b",%b,"%b","utf8"]' % (_EVENT, ack, _WRITE, encode(stream_id), text)
    )


def end_packet(stream_id: str) -> bytes:
    """No more to come."""
    return event(Namespace.LLM, LibraryEvent.END, stream_id)


def error_packet(stream_id: str, message: str) -> bytes:
    """The stream failed."""
    return event(Namespace.LLM, LibraryEvent.ERROR, stream_id, message)


def read_wish(packet: bytes) -> str | None:
    """The stream id of a ``$stream-read`` packet; None: it is something else."""
    if not packet.startswith(_READ):
        return None
    try:
        return _decode_strings(packet[len(_READ) - len(b'["$stream-read",') :])[1]
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def acknowledged(packet: bytes) -> int | None:
    """The number of a bare ack; None: it is something else, or holds an error."""
    if packet.startswith(_ACK) and packet.endswith(b"[]"):
        digits = packet[len(_ACK) : -2]
        if digits.isdigit() and len(digits) <= MAX_DIGITS:
            return int(digits)
    return None
