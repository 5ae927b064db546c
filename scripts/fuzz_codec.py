"""Throw bytes at the codec that atheris makes up to reach what was never reached.

    pip install 'atheris>=3,<4'
    python scripts/fuzz_codec.py -max_total_time=600 [FOLDER OF FINDS]

Whatever is not understood must be refused with a ProtocolError; anything else ends the
run with a traceback and the bytes that did it. Options are libFuzzer's. Without atheris
``make torture`` tries the same functions with hypothesis.
"""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["broker.protocol", "actors.errors"]):
    from actors.errors import ProtocolError
    from broker.protocol.chunk_pattern import ChunkPattern
    from broker.protocol.handshake import read_handshake
    from broker.protocol.inbound import read_stream_event, read_stream_packet
    from broker.protocol.json_text import cut, decode, piece_of
    from broker.protocol.wire import STREAM_EVENT_TYPES

EVENTS = sorted(STREAM_EVENT_TYPES)


def understand(data: bytes) -> None:
    """Read bytes as everything that a peer may send."""
    read_stream_packet(b'42/llm,["STREAM_DATA_MIDDLE",' + data + b"]")
    ChunkPattern(data[:8], data[-4:], numbered=True).read(data)
    text = data.decode("utf-8", "surrogatepass" if _is_text(data) else "replace")
    joined = piece_of(text).text
    first, second = cut(joined, 1 + len(data) % 16)
    if first + second != joined:
        raise AssertionError(f"cut lost something of {joined!r}")
    try:
        value = decode(data)
        read_stream_event(EVENTS[len(data) % len(EVENTS)], value)
        read_handshake(value)
    except ProtocolError:
        return


def _is_text(data: bytes) -> bool:
    try:
        data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return False
    return True


if __name__ == "__main__":
    atheris.Setup(sys.argv, understand)
    atheris.Fuzz()
