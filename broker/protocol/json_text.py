"""JSON and its text: decoding, encoding, joining and cutting without decoding.

Pure, but that it counts what is nested too deeply. Chunk text travels as the bytes
between the quotes of a JSON string. UTF-16 halves of characters (lone surrogates)
never leave the broker: where they stand at the border of a chunk they are kept as
escapes for the other half to come, everywhere else they become U+FFFD.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

import msgspec

from actors.errors import Code, ProtocolError
from actors.limits import Limit, reached
from actors.output import Piece

MAX_DEPTH: Final = 64
"""Levels of nesting a packet may have, where the settings say nothing else."""

LONE_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_HIGH: Final = "\ud800", "\udbff"
_LOW: Final = "\udc00", "\udfff"
_CONTINUATION: Final = 0x80, 0xBF
"""The bytes of a UTF-8 sequence after its first."""
_ESCAPE: Final = len(b"\\uXXXX")
_HIGH_ESCAPE: Final = re.compile(rb"\\u[dD][89abAB][0-9a-fA-F]{2}")

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


def encode(value: Any) -> bytes:
    """JSON of anything the protocol carries."""
    return _encode(value)


def decode(text: str | bytes, max_depth: int = MAX_DEPTH) -> Any:
    """The value of a JSON text, lone surrogates left as they are.

    Raises:
        ProtocolError: it is no JSON, or nested too deeply.
    """
    _check_depth(text, max_depth)
    try:
        return _decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass
    try:  # msgspec rejects lone surrogates, which older clients do send
        return json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"this is no JSON: {error}") from None


def may_hold_surrogates(text: str) -> bool:
    """Whether a JSON text has escapes that could be of surrogates; cheap."""
    return "\\ud" in text or "\\uD" in text


def without_surrogates(value: Any) -> Any:
    """The same value with every lone surrogate replaced by U+FFFD."""
    if isinstance(value, str):
        return LONE_SURROGATE.sub("\ufffd", value)
    if isinstance(value, list):
        return [without_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {
            without_surrogates(key): without_surrogates(item)
            for key, item in value.items()
        }
    return value


def piece_of(text: str) -> Piece:
    """A chunk's text; halves of characters at its ends are kept for their others."""
    head = tail = b""
    if text and _LOW[0] <= text[0] <= _LOW[1]:
        head, text = b"\\u%04x" % ord(text[0]), text[1:]
    if text and _HIGH[0] <= text[-1] <= _HIGH[1]:
        tail, text = b"\\u%04x" % ord(text[-1]), text[:-1]
    return Piece(_encode(LONE_SURROGATE.sub("\ufffd", text))[1:-1], head, tail)


def between_quotes(raw: bytes) -> bytes | None:
    """The inside of a JSON string that msgspec has passed over; None if not UTF-8.

    msgspec checks escapes in what it keeps raw, but not the encoding.
    """
    if not raw.isascii():
        try:
            raw.decode()
        except UnicodeDecodeError:
            return None
    return raw[1:-1]


def cut(text: bytes, limit: int) -> tuple[bytes, bytes]:
    """Cut JSON string text at about ``limit`` bytes, between two characters."""
    if len(text) <= limit:
        return text, b""
    end = limit
    while _CONTINUATION[0] <= text[end] <= _CONTINUATION[1]:
        end -= 1
    start = _escape_around(text, end)
    if start is not None:
        end = start
    pair = end - _ESCAPE
    if _HIGH_ESCAPE.match(text, pair) and _begins_escape(text, pair):
        end = pair
    return text[:end], text[end:]


def _escape_around(text: bytes, end: int) -> int | None:
    """Where the escape begins that a cut at ``end`` would go through, if one does."""
    last = text.rfind(b"\\", max(0, end - _ESCAPE), end)
    if last < 0:
        return None
    start = last if _begins_escape(text, last) else last - 1
    size = _ESCAPE if text[start + 1 : start + 2] == b"u" else 2
    return start if start + size > end else None


def _begins_escape(text: bytes, at: int) -> bool:
    """Whether the backslash there is no escaped one: depends on all before it."""
    run = at + 1
    while run > 0 and text[run - 1 : run] == b"\\":
        run -= 1
    return (at + 1 - run) % 2 == 1


def _check_depth(text: str | bytes, limit: int) -> None:
    if isinstance(text, str):
        opening = text.count("[") + text.count("{")
    else:
        opening = text.count(b"[") + text.count(b"{")
    if opening > limit and _depth(text) > limit:
        reached[Limit.MAX_DEPTH] += 1
        raise ProtocolError(
            f"data is nested more than {limit} levels deep", Code.INVALID_REQUEST
        )


def _depth(text: str | bytes) -> int:
    """The deepest nesting, brackets within strings aside."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    depth = deepest = 0
    for token in re.finditer(r'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]', text):
        mark = token.group()
        if mark in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif mark in "]}":
            depth -= 1
    return deepest


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")
