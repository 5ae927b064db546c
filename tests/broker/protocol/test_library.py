"""The stream library's packets: golden text."""

from __future__ import annotations

import pytest

from broker.protocol import library
from broker.protocol.packet import unframe


def test_a_stream_is_announced_under_an_event() -> None:
    """With its id and what it belongs to."""
    framed = library.open_packet("k/0", "streamed_data", {"requestId": "r"})

    assert unframe(framed) == (
        b'42/llm,["$stream","streamed_data",{"$stream":"k/0"},{"requestId":"r"}]'
    )


def test_a_chunk_is_written_with_an_ack_number() -> None:
    """Without one the client throws; the text is passed on as it came."""
    assert unframe(library.write_packet(7, "k/0", b'a\\n\\"')) == (
        b'42/llm,7["$stream-write","k/0","a\\n\\"","utf8"]'
    )


def test_a_stream_is_ended() -> None:
    """No ack is asked for."""
    assert unframe(library.end_packet("k/0")) == b'42/llm,["$stream-end","k/0"]'


def test_a_stream_fails_with_a_reason() -> None:
    """In words for a person."""
    assert unframe(library.error_packet("k/0", "the answer failed")) == (
        b'42/llm,["$stream-error","k/0","the answer failed"]'
    )


def test_a_reader_names_the_stream_it_reads() -> None:
    """As the unmodified library sends it."""
    assert library.read_wish(b'42/llm,["$stream-read","k/0",16384]') == "k/0"


@pytest.mark.parametrize(
    "packet",
    [
        b'42/llm,["$stream-end","k/0"]',
        b'42/llm,1["$stream-read","k/0",16384]',
        b'42/rooms,["$stream-read","k/0",16384]',
        b'42/llm,["$stream-read",5,16384]',
        b'42/llm,["$stream-read","k/0"]',
        b'42/llm,["$stream-read","k/0",1',
        b"43/llm,7[]",
        b"",
    ],
)
def test_what_is_no_wish_to_read_takes_the_plain_path(packet: bytes) -> None:
    """None says so."""
    assert library.read_wish(packet) is None


def test_a_wish_that_is_no_utf8_takes_the_plain_path() -> None:
    """It never raises: that would be a fault of ours."""
    assert library.read_wish(b'42/llm,["$stream-read","\xff",16384]') is None


@pytest.mark.parametrize(("packet", "number"), [(b"43/llm,7[]", 7), (b"43/llm,0[]", 0)])
def test_a_bare_ack_is_its_number(packet: bytes, number: int) -> None:
    """The reader has taken the chunk."""
    assert library.acknowledged(packet) == number


@pytest.mark.parametrize(
    "packet",
    [
        b'43/llm,7["invalid stream id: k/0"]',
        b"43/rooms,7[]",
        b"43/llm,[]",
        b"43/llm,-7[]",
        b"43/llm,7",
        "43/llm,²[]".encode(),
        b"43/llm,7[[]",
        b"",
    ],
)
def test_what_is_no_bare_ack_takes_the_plain_path(packet: bytes) -> None:
    """None says so; an error is looked into there."""
    assert library.acknowledged(packet) is None


def test_an_endless_number_takes_the_plain_path() -> None:
    """Python refuses to read one: it must not raise here."""
    assert library.acknowledged(b"43/llm," + b"7" * 5_000 + b"[]") is None
