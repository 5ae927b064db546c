"""Chunk order and the text so far."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence

import pytest

from actors.output import (
    REPLACEMENT,
    GapTooLargeError,
    Output,
    Piece,
    StreamOrder,
)

HIGH, LOW = b"\\ud83c", b"\\udf7a"


def order(max_chunks: int = 10, max_bytes: int = 1_000) -> StreamOrder:
    """An order that holds back so much."""
    return StreamOrder(max_chunks, max_bytes)


def piece(text: str) -> Piece:
    """A chunk of plain text."""
    return Piece(text.encode())


def texts(pieces: Sequence[Piece]) -> str:
    """What pieces say, one after the other."""
    return b"".join(each.text for each in pieces).decode()


# -- StreamOrder


def test_chunks_in_order_are_delivered_at_once() -> None:
    """No gap, no waiting."""
    stream = order()

    assert [texts(stream.accept(i, piece(c))) for i, c in enumerate("abc")] == [
        "a",
        "b",
        "c",
    ]


@pytest.mark.parametrize("indexes", list(itertools.permutations(range(4))))
def test_chunks_in_any_order_come_out_in_order(indexes: tuple[int, ...]) -> None:
    """A missing index holds back what follows until it comes."""
    stream = order()
    delivered = [texts(stream.accept(i, piece("abcd"[i]))) for i in indexes]

    assert "".join(delivered) == "abcd"


def test_a_chunk_without_an_index_is_the_next_one() -> None:
    """Older extensions number nothing."""
    stream = order()
    stream.accept(0, piece("a"))

    assert texts(stream.accept(None, piece("b"))) == "b"
    assert texts(stream.accept(2, piece("c"))) == "c"


def test_a_repeated_index_is_ignored() -> None:
    """The first of them counts, delivered or held."""
    stream = order()
    stream.accept(0, piece("a"))
    stream.accept(2, piece("c"))

    assert not stream.accept(0, piece("x"))
    assert not stream.accept(2, piece("y"))
    assert texts(stream.accept(1, piece("b"))) == "bc"


def test_a_negative_index_is_ignored() -> None:
    """It is before the first."""
    assert not order().accept(-1, piece("a"))


def test_too_many_chunks_behind_a_gap_are_an_error() -> None:
    """What is held back is bounded."""
    stream = order(max_chunks=2)
    stream.accept(1, piece("b"))
    stream.accept(2, piece("c"))

    with pytest.raises(GapTooLargeError):
        stream.accept(3, piece("d"))


def test_too_many_bytes_behind_a_gap_are_an_error() -> None:
    """In bytes as well; halves of characters count."""
    stream = order(max_bytes=20)
    stream.accept(1, Piece(b"0123456789", tail=HIGH))

    with pytest.raises(GapTooLargeError):
        stream.accept(2, piece("01234"))


def test_a_closed_gap_gives_its_room_back() -> None:
    """The bound is on what is held, not on what was."""
    stream = order(max_chunks=1, max_bytes=1)
    for start in range(0, 20, 2):
        stream.accept(start + 1, piece("b"))
        stream.accept(start, piece("a"))

    assert texts(stream.accept(20, piece("c"))) == "c"


def test_flush_gives_what_was_held_back_in_order() -> None:
    """The stream has ended: what is missing stays missing."""
    stream = order()
    stream.accept(5, piece("f"))
    stream.accept(3, piece("d"))

    assert texts(stream.flush()) == "df"
    assert stream.flush() == []


# -- Output


def test_an_output_keeps_its_chunks() -> None:
    """Each has an index, and the text is theirs joined."""
    output = Output()
    for text in ("Hel", "lo"):
        output.append(piece(text))

    assert output.chunks == (b"Hel", b"lo")
    assert output.next_index == 2


@pytest.mark.parametrize(
    ("index", "text"), [(0, b"abc"), (1, b"bc"), (3, b""), (9, b""), (-5, b"abc")]
)
def test_since_gives_the_text_from_an_index_on(index: int, text: bytes) -> None:
    """A reader names the next index it wants."""
    output = Output()
    for letter in "abc":
        output.append(piece(letter))

    assert output.since(index) == text


def test_an_empty_chunk_is_no_chunk() -> None:
    """It has no index and nobody is told."""
    output = Output()

    assert output.append(piece("")) == b""
    assert output.next_index == 0


def test_a_character_cut_in_two_is_mended() -> None:
    """Its first half waits for the next chunk."""
    output = Output()

    assert output.append(Piece(b"a", tail=HIGH)) == b"a"
    assert output.append(Piece(b"b", head=LOW)) == HIGH + LOW + b"b"
    assert json.loads(b'"%b"' % output.since(0)) == "a\U0001f37ab"


def test_half_a_character_alone_is_held_and_has_no_index() -> None:
    """A chunk that is nothing but a half is delivered with its other."""
    output = Output()

    assert output.append(Piece(b"", tail=HIGH)) == b""
    assert output.next_index == 0
    assert output.append(Piece(b"", head=LOW)) == HIGH + LOW


def test_an_empty_chunk_does_not_come_between_two_halves() -> None:
    """Nothing was said in between."""
    output = Output()
    output.append(Piece(b"", tail=HIGH))
    output.append(piece(""))

    assert output.append(Piece(b"", head=LOW)) == HIGH + LOW


def test_a_first_half_without_its_second_is_replaced() -> None:
    """A lone surrogate never leaves the house."""
    output = Output()
    output.append(Piece(b"a", tail=HIGH))

    assert output.append(piece("b")) == REPLACEMENT + b"b"


def test_a_second_half_without_its_first_is_replaced() -> None:
    """The same from the other side."""
    assert Output().append(Piece(b"b", head=LOW)) == REPLACEMENT + b"b"


def test_two_first_halves_in_a_row_replace_the_first() -> None:
    """The second may still find its other."""
    output = Output()
    output.append(Piece(b"", tail=HIGH))

    assert output.append(Piece(b"", tail=HIGH)) == REPLACEMENT
    assert output.append(Piece(b"", head=LOW)) == HIGH + LOW


def test_closing_replaces_a_half_that_still_waits() -> None:
    """It is a last chunk of its own."""
    output = Output()
    output.append(Piece(b"a", tail=HIGH))

    assert output.close() == REPLACEMENT
    assert output.chunks == (b"a", REPLACEMENT)


def test_closing_adds_nothing_otherwise() -> None:
    """An answer that came whole is whole."""
    output = Output()
    output.append(piece("a"))

    assert output.close() == b""
    assert output.done
    assert output.next_index == 1


def test_a_piece_knows_its_size() -> None:
    """Halves of characters included."""
    assert Piece(b"abc", HIGH, LOW).size == 3 + len(HIGH) + len(LOW)
