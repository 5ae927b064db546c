"""Lines of the log as operators see them live. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from actors.message import timestamp
from broker.logs.record import Level, level_of
from broker.logs.tap import Tapped
from broker.protocol.house_frames import LogLine

MOST_LINES: Final = 50
"""At a time; of more, the newest."""
MAX_MESSAGE: Final = 1_000
"""Characters."""
MAX_FIELDS: Final = 2_000
"""Characters of the other fields; who wants more reads the log itself."""

SERVICE: Final = "broker.console"


def line_of(record: Tapped) -> LogLine:
    """A record as a line."""
    head, *fields = record.lines
    more: dict[str, Any] = {}
    if record.event is not None:
        more["event"] = str(record.event)
    if fields and len(fields[0]) <= MAX_FIELDS:
        more["fields"] = msgspec.Raw(fields[0].encode())
    return LogLine(
        time=timestamp(record.created),
        level=level_of(record.level),
        service=record.service,
        message=head.partition("]: ")[2][:MAX_MESSAGE],
        **more,
    )


def news(records: Sequence[Tapped], count: int) -> list[LogLine]:
    """The newest of so many records; where lines are left out, one says how many."""
    shown = records[-MOST_LINES:]
    lines = [line_of(record) for record in shown]
    if count > len(shown):
        lines.insert(0, _left_out(count - len(shown), shown[0].created))
    return lines


def _left_out(count: int, created: float) -> LogLine:
    return LogLine(
        time=timestamp(created),
        level=Level.INFO,
        service=SERVICE,
        message=f"{count} more",
    )
