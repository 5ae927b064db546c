"""Spans of time as people write them: ``30d``, ``24h``, ``90m``, ``45s``. Pure."""

from __future__ import annotations

import re
from typing import Final

from broker.start import StartError

LONGEST: Final = 3_650 * 86_400.0
"""Ten years: what is meant to last longer needs no end."""

_UNITS: Final = {"s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}
_SPAN: Final = re.compile(r"(\d{1,9})([smhd])\Z", re.ASCII)


def seconds(text: str) -> float:
    """A span of time in seconds.

    Raises:
        StartError: it is none, or longer than ten years.
    """
    found = _SPAN.match(text)
    if found is None:
        raise StartError(f"{text!r} is no time: write it like 30d, 24h, 90m or 45s")
    number, unit = found.groups()
    span = int(number) * _UNITS[unit]
    if span > LONGEST:
        raise StartError(f"{text} is longer than ten years")
    return span
