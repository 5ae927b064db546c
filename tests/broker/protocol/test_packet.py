"""Packets as bytes."""

from __future__ import annotations

import pytest

from broker.protocol.packet import (
    PacketType,
    binary_frame,
    event,
    frame,
    is_binary,
    packet,
    prefix,
    unframe,
)
from broker.protocol.wire import Namespace


@pytest.mark.parametrize(
    ("kind", "namespace", "number", "expected"),
    [
        (PacketType.CONNECT, "/", None, b"40"),
        (PacketType.CONNECT, "/llm", None, b"40/llm,"),
        (PacketType.DISCONNECT, "/rooms", None, b"41/rooms,"),
        (PacketType.EVENT, "/", None, b"42"),
        (PacketType.EVENT, "/llm", 7, b"42/llm,7"),
        (PacketType.ACK, "/", 0, b"430"),
        (PacketType.ACK, "/sillytavern", 12, b"43/sillytavern,12"),
        (PacketType.CONNECT_ERROR, "/auth", None, b"44/auth,"),
    ],
)
def test_a_prefix_is_all_before_the_json(
    kind: PacketType, namespace: str, number: int | None, expected: bytes
) -> None:
    """Engine.IO's 4, the type, the namespace unless it is ``/``, the ack's number."""
    assert prefix(kind, namespace, number) == expected


def test_an_event_is_its_name_and_arguments() -> None:
    """Golden text."""
    framed = event(Namespace.LLM, "NAME", {"a": 1}, "é")

    assert unframe(framed) == '42/llm,["NAME",{"a":1},"é"]'.encode()


def test_a_packet_is_a_whole_websocket_frame() -> None:
    """Golden bytes: final, text, unmasked, the length, the payload."""
    assert packet(PacketType.ACK, "/", [], 3) == b"\x81\x05433[]"


@pytest.mark.parametrize(
    ("size", "header"),
    [
        (0, b"\x81\x00"),
        (125, b"\x81\x7d"),
        (126, b"\x81\x7e\x00\x7e"),
        (65_535, b"\x81\x7e\xff\xff"),
        (65_536, b"\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00"),
    ],
)
def test_the_length_takes_one_three_or_nine_bytes(size: int, header: bytes) -> None:
    """RFC 6455, section 5.2; long-polling gets the payload back."""
    payload = b"x" * size

    assert frame(payload) == header + payload
    assert unframe(frame(payload)) == payload


def test_binary_frames_are_told_from_text_frames() -> None:
    """By their opcode."""
    assert binary_frame(b"x") == b"\x82\x01x"
    assert (is_binary(binary_frame(b"x")), is_binary(frame(b"x"))) == (True, False)
    assert unframe(binary_frame(b"x" * 300)) == b"x" * 300
