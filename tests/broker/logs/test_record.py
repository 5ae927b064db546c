"""What a log record reads like."""

from __future__ import annotations

import json
import logging
import os
import re
import sys
from typing import Any

import pytest

from actors.errors import Code
from broker.logs.record import (
    HEAD,
    MAX_FIELDS,
    MAX_MESSAGE,
    MAX_STACK,
    Level,
    LineFormatter,
    level_of,
    render,
)
from broker.protocol.wire import LogEvent


def record(message: str = "hello", *args: Any, **extra: Any) -> logging.LogRecord:
    """A record as ``logging`` makes it."""
    log = logging.getLogger("broker.bar")
    return log.makeRecord(
        log.name, logging.INFO, "bar.py", 1, message, args, None, extra=extra
    )


def crash(missing: str, message: str = "hello", **extra: Any) -> logging.LogRecord:
    """A record with an exception that speaks of what is missing."""
    made = record(message, **extra)
    try:
        os.environ[missing]
    except KeyError:
        made.exc_info = sys.exc_info()
    return made


def lines(made: logging.LogRecord) -> list[str]:
    """What stands in the file."""
    text = render(made).text.decode()
    assert text.endswith("\n")
    return text[:-1].split("\n")


def test_line_has_time_level_service_and_message() -> None:
    """Section 13: ``YYYY-MM-DD HH:mm:ss [level] [service] ...: message``."""
    (line,) = lines(record("%s is here", "ann"))

    assert re.fullmatch(
        r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \[info\] \[broker\.bar\]: ann is here", line
    )


def test_code_and_event_stand_between_where_there_are_any() -> None:
    """Section 13: ``[code]? [EVENT]?``."""
    made = record(code=Code.AUTHENTICATION_FAILED, event=LogEvent.CLIENT_AUTH_FAILED)
    (line,) = lines(made)

    assert line.endswith("[broker.bar] [5] [CLIENT_AUTH_FAILED]: hello")


def test_other_fields_are_one_line_of_json_after_it() -> None:
    """Section 13."""
    _, more = lines(record(fields={"clientId": "ann\nbob", "n": 3}))

    assert json.loads(more) == {"clientId": "ann\nbob", "n": 3}


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\x0b", "\x85", "\u2028", "\x00"])
def test_message_can_not_forge_a_record(end: str) -> None:
    """Whatever a peer sends is one line."""
    forged = f"hello{end}2026-01-01 00:00:00 [error] [broker]: all is lost"
    text = render(record("%s", forged)).text.decode()

    assert text.count("\n") == 1
    assert len(text.splitlines()) == 1


def test_half_a_character_is_escaped() -> None:
    """UTF-8 has no lone surrogates."""
    (line,) = lines(record("%s", "\ud83d"))

    assert line.endswith(r"\ud83d")


def test_long_message_is_cut() -> None:
    """A page of records has to fit into a packet."""
    (line,) = lines(record("x" * (MAX_MESSAGE + 1)))

    assert line.count("x") == MAX_MESSAGE
    assert line.endswith("…")


def test_fields_that_are_too_long_are_left_out() -> None:
    """It says how much there was."""
    _, more = lines(record(fields={"a": "x" * MAX_FIELDS}))

    assert json.loads(more) == {"bytesLeftOut": MAX_FIELDS + len('{"a":""}')}


def test_fields_of_any_kind_can_be_written() -> None:
    """As their text, or not at all; logging never fails."""
    _, text = lines(record(fields={"path": object}))
    _, half = lines(record(fields={"text": "\ud83d"}))

    assert json.loads(text) == {"path": "<class 'object'>"}
    assert json.loads(half) == {"unreadable": True}


def test_traceback_is_a_field() -> None:
    """It has many lines, the record two."""
    made = crash("x" * MAX_STACK)
    _, more = lines(made)

    assert len(json.loads(more)["stack"]) == MAX_STACK


@pytest.mark.parametrize(
    ("number", "level"),
    [
        (logging.DEBUG, Level.DEBUG),
        (logging.INFO, Level.INFO),
        (logging.INFO + 5, Level.INFO),
        (logging.WARNING, Level.WARN),
        (logging.ERROR, Level.ERROR),
        (logging.CRITICAL, Level.ERROR),
    ],
)
def test_levels_have_the_words_of_the_protocol(number: int, level: Level) -> None:
    """``error``, ``warn``, ``info``, and ``debug`` beside them."""
    assert level_of(number) is level


def test_first_line_is_told_from_the_second() -> None:
    """That is how an index is made from a file."""
    first, second = lines(record(fields={"a": 1}))

    assert HEAD.match(first.encode())
    assert not HEAD.match(second.encode())


def test_terminal_gets_the_same_line_and_a_readable_traceback() -> None:
    """Where it is none: no wrapping, whatever its width."""
    made = crash("twelve", "x" * 200, event=LogEvent.ERROR)
    said = LineFormatter().format(made).split("\n")

    assert said[0].endswith("[ERROR]: " + "x" * 200)
    assert said[1].startswith("Traceback")
    assert said[-1] == "KeyError: 'twelve'"
