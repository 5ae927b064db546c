"""A log record as text: one line, and a second of JSON where it has more to say.

Pure. A record never spans more than these two lines, whatever its message holds, so
that no peer can forge another; and never holds a key, whoever put it there.
"""

from __future__ import annotations

import functools
import logging
import re
import time
from enum import StrEnum
from typing import Any, Final, NamedTuple

import msgspec

MAX_MESSAGE: Final = 4_096
"""Characters of a message; what is longer is cut."""
MAX_FIELDS: Final = 8_192
"""Bytes of the other fields as JSON; more than that is left out, and said so."""
MAX_STACK: Final = 6_144
"""Characters of a traceback; its end is kept."""

_CUT: Final = "…"
_UNPRINTABLE: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]"  # all that may break a line
)
_SECRET: Final = re.compile(r"(tap_(?:[0-9a-f]{12}|[0-9a-f]{16})_)[A-Za-z0-9_-]{22,}")
"""Keys: all but their public part is taken out."""
_formatter: Final = logging.Formatter()


class Level(StrEnum):
    """The words of the levels."""

    DEBUG = "debug"
    INFO = "info"
    WARN = "warn"
    ERROR = "error"

    @property
    def number(self) -> int:
        """What ``logging`` calls it."""
        return _NUMBERS[self]


_NUMBERS: Final = {
    Level.DEBUG: logging.DEBUG,
    Level.INFO: logging.INFO,
    Level.WARN: logging.WARNING,
    Level.ERROR: logging.ERROR,
}

HEAD: Final = re.compile(
    rb"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \[(%s)\] \[" % "|".join(Level).encode()
)
"""How the first line of a record begins; no second line does."""


class Entry(NamedTuple):
    """A record as it stands in a file."""

    level: Level
    text: bytes


_LEVELS: Final = {number: level for level, number in _NUMBERS.items()}


def level_of(number: int) -> Level:
    """The word for one of the numbers of ``logging``, or the next below it."""
    exact = _LEVELS.get(number)
    if exact is not None:
        return exact
    for level in (Level.ERROR, Level.WARN, Level.INFO):
        if number >= level.number:
            return level
    return Level.DEBUG


def render(record: logging.LogRecord) -> Entry:
    """A record as an entry of a log file."""
    lines = lines_of(record)
    if record.exc_info:
        stack = without_keys(_formatter.formatException(record.exc_info))[-MAX_STACK:]
        lines = [lines[0], _encode({**fields_of(record), "stack": stack})]
    return Entry(level_of(record.levelno), "".join(f"{x}\n" for x in lines).encode())


def lines_of(record: logging.LogRecord) -> list[str]:
    """What a record says: its first line, and its other fields in another.

    Kept with the record: the files and the terminal show the same.
    """
    lines: list[str] | None = getattr(record, "lines", None)
    if lines is None:
        more = fields_of(record)
        lines = [head_of(record), *([without_keys(_encode(more))] if more else [])]
        record.lines = lines
    return lines


def head_of(record: logging.LogRecord) -> str:
    """The first line: ``time [level] [service] [code]? [EVENT]?: message``."""
    tags = f"[{level_of(record.levelno)}] [{_one_line(record.name)}]"
    for name in ("code", "event"):
        value = getattr(record, name, None)
        if value is not None:
            tags += f" [{_one_line(str(value))}]"
    message = without_keys(record.getMessage())
    if len(message) > MAX_MESSAGE:
        message = message[:MAX_MESSAGE] + _CUT
    return f"{_moment(int(record.created))} {tags}: {_one_line(message)}"


@functools.lru_cache(maxsize=4)
def _moment(second: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(second))


def without_keys(text: str) -> str:
    """A text in which every key is cut to its public part."""
    return _SECRET.sub(r"\1…", text) if "tap_" in text else text


def fields_of(record: logging.LogRecord) -> dict[str, Any]:
    """What else a record says: the ``fields`` of its ``extra``."""
    return dict(getattr(record, "fields", {}))


def _one_line(text: str) -> str:
    return text if text.isprintable() else _UNPRINTABLE.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape", "surrogatepass").decode()


def _encode(fields: dict[str, Any]) -> str:
    try:
        text = msgspec.json.encode(fields, enc_hook=str)
    except (TypeError, ValueError, RecursionError):
        return '{"unreadable":true}'
    if len(text) > MAX_FIELDS:
        return f'{{"bytesLeftOut":{len(text)}}}'
    return text.decode()


class LineFormatter(logging.Formatter):
    """The same lines for a terminal, with tracebacks as people read them."""

    def format(self, record: logging.LogRecord) -> str:
        """A record as it stands in a file, and its traceback below."""
        lines = [*lines_of(record)]
        if record.exc_info:
            lines.append(without_keys(self.formatException(record.exc_info)))
        return "\n".join(lines)
