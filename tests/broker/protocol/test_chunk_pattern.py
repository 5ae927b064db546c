"""Chunks that are read by comparing bytes: the same as by decoding, or not at all."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.protocol.chunk_pattern import ChunkPattern, pattern_of
from broker.protocol.inbound import read_stream_packet

IDS: Final = {"streamId": "s", "outputId": "o", "requestId": "r"}
NAME: Final = "CLIENT_STREAM_DATA_MIDDLE"


def packet(fields: dict[str, Any]) -> bytes:
    """A chunk as JavaScript writes it."""
    text = json.dumps([NAME, fields], separators=(",", ":"), ensure_ascii=False)
    return f"42/llm,{text}".encode("utf-8", "surrogatepass")


def chunk(text: str, index: int, **more: Any) -> bytes:
    """A numbered chunk."""
    return packet({"type": 5, "chunkIndex": index, "data": text, **IDS, **more})


def learned(data: bytes) -> ChunkPattern | None:
    """The pattern of a packet that the decoder understands."""
    event = read_stream_packet(data)
    assert event is not None
    return pattern_of(data, event.frame.chunk_index, event.piece.text)


def pattern(data: bytes) -> ChunkPattern:
    """The same, where there must be one."""
    found = learned(data)
    assert found is not None
    return found


@pytest.mark.parametrize(
    "text",
    [
        "",
        "word ",
        'a"b',
        "a\\b",
        "\n\t\b",
        "烫烫",
        "é🍺",
        "{[",
        '","chunkIndex":7',
        "\x7f",
    ],
)
@pytest.mark.parametrize("index", [0, 8, 10, 123_456_789_012_345])
def test_next_chunk_is_read_as_the_decoder_does(text: str, index: int) -> None:
    """Text between the quotes, as it came."""
    data = chunk(text, index)
    event = read_stream_packet(data)

    assert event is not None
    read = pattern(chunk("Hi", 3)).read(data)
    assert read == (event.frame.chunk_index, event.piece.text)


def test_chunks_without_a_number_have_none() -> None:
    """Older extensions number nothing."""
    first = packet({"type": 5, "data": "Hi", **IDS})

    assert pattern(first).read(packet({"type": 5, "data": "Ho", **IDS})) == (
        None,
        b"Ho",
    )


def test_ids_may_stand_before_the_text() -> None:
    """The order of fields is the sender's."""
    first = packet({**IDS, "chunkIndex": 3, "data": "Hi"})

    assert pattern(first).read(packet({**IDS, "chunkIndex": 4, "data": "Ho"})) == (
        4,
        b"Ho",
    )


OTHERS: Final = {
    "of another stream": chunk("Hi", 4, streamId="t"),
    "of another request": chunk("Hi", 4, requestId="q"),
    "the last": chunk("Hi", 4).replace(b"MIDDLE", b"LAST"),
    "with more fields": chunk("Hi", 4, final=True),
    "with half a character": chunk("a", 4).replace(b'"a"', b'"a\\ud83c"'),
    "with any escape by number": chunk("a", 4).replace(b'"a"', b'"\\u0041"'),
    "with a line end": chunk("a", 4).replace(b'"a"', b'"a\nb"'),
    "with no escape": chunk("a", 4).replace(b'"a"', b'"\\x"'),
    "with an escaped end": chunk("a", 4).replace(b'"a"', b'"a\\"'),
    "with text that ends early": chunk("a", 4).replace(b'"a"', b'"a","x":"b"'),
    "no UTF-8": chunk("a", 4).replace(b'"a"', b'"\xff"'),
    "half of a surrogate pair in UTF-8": chunk("\ud83c", 4),
    "without text": chunk("a", 4).replace(b'"a"', b"null"),
    "with a number below zero": chunk("a", -4),
    "with a number like no other": chunk("a", 4).replace(b":4,", b":04,"),
    "with a fraction": chunk("a", 4).replace(b":4,", b":4.0,"),
    "with a number too large": chunk("a", 10**15),
    "cut short": chunk("Hi", 4)[:-1],
    "nothing": b"",
    "head and tail in one": b'42/llm,["CLIENT_STREAM_DATA_MIDDLE"}]',
}


@pytest.mark.parametrize("data", OTHERS.values(), ids=OTHERS.keys())
def test_everything_else_does_not_fit(data: bytes) -> None:
    """It wants to be decoded."""
    assert pattern(chunk("Hi", 3)).read(data) is None


UNLIKE: Final = {
    "text before the number": packet({"data": "Hi", "chunkIndex": 3, **IDS}),
    "another object": chunk("Hi", 3, more={}),
    "a list": chunk("Hi", 3, target=[]),
    "an escape in an id": chunk("Hi", 3, outputId='"'),
    "the text twice": chunk("Hi", 3).replace(b"}]", b',"data":"Hi"}]'),
    "the number twice": chunk("Hi", 3).replace(b"}]", b',"chunkIndex":3}]'),
    "no text": packet({"chunkIndex": 3, **IDS}),
    "another number first": chunk("Hi", 3).replace(b"}]", b',"chunkIndex":4}]'),
    "an escape by number": chunk("a", 3).replace(b'"a"', b'"\\u0041"'),
}


@pytest.mark.parametrize("data", UNLIKE.values(), ids=UNLIKE.keys())
def test_chunk_that_may_mislead_makes_no_pattern(data: bytes) -> None:
    """What is around number and text must not be able to mean them."""
    assert learned(data) is None


IDENTIFIERS: Final = st.fixed_dictionaries({name: st.text(min_size=1) for name in IDS})
ANYTHING: Final = st.dictionaries(
    st.text(), st.text() | st.booleans() | st.lists(st.text())
)


@given(
    texts=st.tuples(st.text(), st.text()),
    index=st.integers(0, 2**53),
    around=st.builds(lambda ids, more: {**more, **ids}, IDENTIFIERS, ANYTHING),
    damage=st.tuples(st.integers(0, 400), st.binary(max_size=3)),
)
def test_whatever_is_read_is_what_the_decoder_reads(
    texts: tuple[str, str],
    index: int,
    around: dict[str, Any],
    damage: tuple[int, bytes],
) -> None:
    """Packets broken anywhere included: a pattern never reads what is none."""
    origin = packet({"chunkIndex": 3, "data": texts[0], **around})
    event = read_stream_packet(origin)
    if event is None:
        return
    found = pattern_of(origin, event.frame.chunk_index, event.piece.text)
    data = packet({"chunkIndex": index, "data": texts[1], **around})
    cut, junk = damage
    for sent in (data, data[:cut] + junk + data[cut + len(junk) :]):
        read = None if found is None else found.read(sent)
        if read is not None:
            again = read_stream_packet(sent)
            assert again is not None
            assert read == (again.frame.chunk_index, again.piece.text)
