"""Lines of the log as who watches gets them."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from broker.console import log_lines
from broker.console.log_lines import MAX_FIELDS, MAX_MESSAGE, MOST_LINES, SERVICE
from broker.logs.tap import KEPT, LogTap
from broker.protocol.json_text import encode

logger = logging.getLogger("tests.live")


@pytest.fixture
def tap() -> Iterator[LogTap]:
    """Listen to one logger."""
    tap = LogTap()
    logger.addHandler(tap)
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    yield tap
    logger.removeHandler(tap)
    logger.propagate = True


def lines(tap: LogTap) -> list[dict[str, Any]]:
    """All that was said, as it is sent."""
    found = log_lines.news(tap.between(0, tap.count), tap.count)
    decoded: list[dict[str, Any]] = json.loads(encode(found))
    return decoded


def test_line_has_what_the_record_has(tap: LogTap) -> None:
    """When, how bad, by whom, about what; and its fields."""
    extra = {"event": "ROOM_CREATED", "fields": {"room": "pub"}}
    logger.warning("a %s: was made", "room", extra=extra)
    (line,) = lines(tap)

    assert line.pop("time").endswith("Z")
    assert line == {
        "level": "warn",
        "service": "tests.live",
        "event": "ROOM_CREATED",
        "message": "a room: was made",
        "fields": {"room": "pub"},
    }


def test_line_does_without_what_the_record_has_not(tap: LogTap) -> None:
    """Neither event nor fields."""
    logger.error("oh]: no")
    (line,) = lines(tap)

    assert set(line) == {"time", "level", "service", "message"}
    assert line["message"] == "oh]: no"


def test_long_lines_are_cut(tap: LogTap) -> None:
    """A hundred of them must fit into an outbox."""
    logger.info("x" * 5_000, extra={"fields": {"y": "y" * MAX_FIELDS}})
    (line,) = lines(tap)

    assert line["message"] == "x" * MAX_MESSAGE
    assert "fields" not in line


def test_of_many_lines_the_newest_are_told_and_how_many_are_not(tap: LogTap) -> None:
    """The line that says so stands where they would."""
    for number in range(KEPT + 50):
        logger.info("%d", number)
    told = lines(tap)

    assert len(told) == MOST_LINES + 1
    assert (told[0]["service"], told[0]["message"]) == (SERVICE, "100 more")
    assert [line["message"] for line in (told[1], told[-1])] == ["100", "149"]
