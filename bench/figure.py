"""What can be measured, each with its unit."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple

MICROSECONDS: Final = 1e6
MILLISECONDS: Final = 1e3
KIB: Final = 1024


class Sample(NamedTuple):
    """What a process has used at one moment."""

    cpu_seconds: float
    rss_bytes: int


class Figure(StrEnum):
    """A figure that a round yields; the unit stands behind the last comma."""

    CPU_PER_CHUNK = "CPU per chunk, µs"
    CPU_PER_DELIVERY = "CPU per delivery, µs"
    CPU_PER_MESSAGE = "CPU per message, µs"
    CPU_PER_CONNECTION = "CPU per connection, ms"
    MEMORY_PER_CLIENT = "memory per idle client, KiB"
    LATENCY_P50 = "chunk latency p50, ms"
    LATENCY_P99 = "chunk latency p99, ms"
    TIME_AWAY = "until all are back, s"
    LOOP_LAG = "loop lag p99, ms"
    START = "start to listening, s"
    START_CPU = "CPU until listening, s"

    @property
    def subject(self) -> str:
        """What it says, without the unit."""
        return self.rpartition(", ")[0]

    @property
    def unit(self) -> str:
        """What it is counted in."""
        return self.rpartition(", ")[2]
