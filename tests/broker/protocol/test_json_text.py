"""JSON and its text: cutting and joining without decoding."""

from __future__ import annotations

import json
import random
from typing import Any

import msgspec
import pytest

from actors.errors import Code, ProtocolError
from actors.output import Output, Piece
from broker.protocol.json_text import (
    LONE_SURROGATE,
    MAX_DEPTH,
    between_quotes,
    cut,
    decode,
    encode,
    may_hold_surrogates,
    piece_of,
    without_surrogates,
)

ALPHABET = ["a", "é", "€", "🍺", '"', "\n", "\x01", "/", "u", "d"]
BACKSLASHES = ["\\", "\\ud83c", "\\u", "\\" * 8]
SEEDS = range(60)


def a_text(seed: int, alphabet: list[str] = ALPHABET) -> str:
    """A text of everything that is hard to cut, the same for a seed."""
    return "".join(random.Random(seed).choices(alphabet, k=40))  # noqa: S311


def ascii_json(text: str) -> bytes:
    """JSON between the quotes, everything else than ASCII escaped."""
    return json.dumps(text)[1:-1].encode()


def plain_json(text: str) -> bytes:
    """JSON between the quotes, as short as it can be."""
    return msgspec.json.encode(text)[1:-1]


def read(text: bytes) -> Any:
    """What stands between the quotes; raises where that is no JSON."""
    return json.loads(b'"%b"' % text)


# -- decoding


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a":[1,2.5,null,true]}', {"a": [1, 2.5, None, True]}),
        (b'"\xc3\xa9"', "é"),
        ('"a\\ud83c"', "a\ud83c"),
        ('["\\udf7a",{"\\ud83c":1}]', ["\udf7a", {"\ud83c": 1}]),
    ],
)
def test_json_is_decoded_with_lone_surrogates_as_they_are(
    text: str | bytes, value: Any
) -> None:
    """Older clients send halves of characters."""
    assert decode(text) == value


@pytest.mark.parametrize(
    "text", ["", "{", "nope", b"\xff", b'"\x8c"', "NaN", "[1,]", '"\n"']
)
def test_what_is_no_json_is_an_error(text: str | bytes) -> None:
    """A peer's fault, not ours."""
    with pytest.raises(ProtocolError):
        decode(text)


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_data_is_nested_only_so_deep(opening: str, closing: str) -> None:
    """64 levels pass, one more does not."""
    inner = "1"
    deep = opening * MAX_DEPTH + inner + closing * MAX_DEPTH

    assert decode(deep)
    with pytest.raises(ProtocolError) as caught:
        decode(opening + deep + closing)
    assert caught.value.code == Code.INVALID_REQUEST


def test_depth_can_be_set() -> None:
    """Less than the default, or more."""
    four, hundred = "[" * 4 + "]" * 4, "[" * 100 + "]" * 100

    assert decode(four, 4)
    assert decode(hundred, 100)
    with pytest.raises(ProtocolError, match="more than 4 levels"):
        decode(f"[{four}]", 4)


def test_brackets_in_texts_are_no_nesting() -> None:
    """Nor are lists side by side."""
    text = json.dumps(['[{"\\' * 200, [[]] * 200])

    assert decode(text) == json.loads(text)


def test_bytes_are_nested_only_so_deep() -> None:
    """The same in either form."""
    with pytest.raises(ProtocolError):
        decode(b"[" * 100_000 + b"]" * 100_000)


# -- surrogates


def test_lone_surrogates_are_replaced_everywhere() -> None:
    """In keys, values and lists; pairs are characters and stay."""
    value = {"\ud83c": ["a\udf7a", {"b": "🍺"}], "n": 1}

    assert without_surrogates(value) == {"\ufffd": ["a\ufffd", {"b": "🍺"}], "n": 1}


@pytest.mark.parametrize(
    ("text", "may"),
    [('"\\ud83c"', True), ('"\\uDF7A"', True), ('"\\u00e9"', False), ('"d"', False)],
)
def test_surrogates_are_suspected_cheaply(text: str, *, may: bool) -> None:
    """Only texts with such escapes are looked into."""
    assert may_hold_surrogates(text) is may


@pytest.mark.parametrize(
    ("text", "piece"),
    [
        ("", Piece(b"")),
        ("plain", Piece(b"plain")),
        ('"\\\n', Piece(b'\\"\\\\\\n')),
        ("🍺", Piece("🍺".encode())),
        ("a\ud83c", Piece(b"a", b"", b"\\ud83c")),
        ("\udf7ab", Piece(b"b", b"\\udf7a", b"")),
        ("\udf7a\ud83c", Piece(b"", b"\\udf7a", b"\\ud83c")),
        ("\ud83c", Piece(b"", b"", b"\\ud83c")),
        ("\udf7a", Piece(b"", b"\\udf7a", b"")),
        ("a\ud83cb", Piece("a\ufffdb".encode())),
        ("\ud83cb", Piece("\ufffdb".encode())),
        ("\ud83c\ud83c", Piece("\ufffd".encode(), b"", b"\\ud83c")),
    ],
)
def test_halves_at_the_ends_of_a_chunk_are_kept(text: str, piece: Piece) -> None:
    """Everywhere else they become U+FFFD."""
    assert piece_of(text) == piece


@pytest.mark.parametrize("seed", SEEDS)
def test_a_text_cut_anywhere_between_utf16_units_comes_out_whole(seed: int) -> None:
    """As JavaScript cuts it."""
    text = a_text(seed)
    units = text.encode("utf-16-le")
    at = 2 * (seed % (len(units) // 2))
    output = Output()
    for part in (units[:at], units[at:]):
        output.append(piece_of(part.decode("utf-16-le", "surrogatepass")))
    output.close()

    assert read(output.since(0)) == text


# -- between the quotes


@pytest.mark.parametrize("text", ["", "abc", "é🍺", 'a\\"b'])
def test_the_inside_of_a_string_is_taken_as_it_is(text: str) -> None:
    """Nothing is decoded."""
    raw = encode(text)

    assert between_quotes(raw) == raw[1:-1]


@pytest.mark.parametrize("raw", [b'"\xff"', b'"\xed\xa0\x80"', b'"\xc3"'])
def test_the_inside_of_a_string_must_be_utf8(raw: bytes) -> None:
    """Msgspec does not look at what it passes over."""
    assert between_quotes(raw) is None


# -- cutting


def bad_cuts(text: str, whole: bytes) -> list[int]:
    """The limits at which a text is not cut between two of its characters."""
    return [limit for limit in range(len(whole) + 2) if not cuts(text, whole, limit)]


def cuts(text: str, whole: bytes, limit: int) -> bool:
    """Whether a text is cut well at a limit."""
    head, tail = cut(whole, limit)
    try:
        first, second = read(head), read(tail)
    except ValueError:
        return False
    return (
        len(head) <= limit
        and (head + tail, first + second) == (whole, text)
        and not LONE_SURROGATE.search(first)
    )


@pytest.mark.parametrize("encode_text", [ascii_json, plain_json])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_text_is_cut_between_two_characters(seed: int, encode_text: Any) -> None:
    """Never inside a UTF-8 sequence, an escape or a surrogate pair."""
    text = a_text(seed)

    assert bad_cuts(text, encode_text(text)) == []


@pytest.mark.parametrize("letter", ALPHABET)
@pytest.mark.parametrize("encode_text", [ascii_json, plain_json])
def test_a_text_of_one_kind_is_cut_between_two_characters(
    letter: str, encode_text: Any
) -> None:
    """Long runs of it as well."""
    text = letter * 30

    assert bad_cuts(text, encode_text(text)) == []


def test_a_run_of_backslashes_is_cut_between_two() -> None:
    """Which of them escapes the next depends on all before."""
    texts = [letter * 30 for letter in BACKSLASHES]

    assert [text for text in texts if bad_cuts(text, plain_json(text))] == []


def test_backslashes_between_other_letters_are_not_cut() -> None:
    """They are in code, in paths and in LaTeX."""
    texts = [a_text(seed, ALPHABET + BACKSLASHES) for seed in SEEDS]

    assert [text for text in texts if bad_cuts(text, plain_json(text))] == []


@pytest.mark.parametrize("encode_text", [ascii_json, plain_json])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_cut_comes_close_to_the_limit(seed: int, encode_text: Any) -> None:
    """Whatever stands there is at most a pair of escapes long."""
    whole = encode_text(a_text(seed))
    for limit in range(12, len(whole)):
        assert len(cut(whole, limit)[0]) > limit - 12


def test_a_text_within_the_limit_is_not_cut() -> None:
    """There is no rest."""
    assert cut(b"abc", 3) == (b"abc", b"")
