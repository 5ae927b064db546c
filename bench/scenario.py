"""What is measured: one ``Scenario`` a line of work, with the goals it has to meet.

To add one, append it to ``SCENARIOS``; ``quick`` ones also run in ``--quick``, which
has a minute for everything. The goals are ratios to a peer of the same run, because on
a shared machine an absolute time means little.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from peer import Identities, Peer
from server_process import Sample

MICROSECONDS: Final = 1e6
KIB: Final = 1024


class Mode(StrEnum):
    """How extensions send."""

    FLAT = "flat"
    """As fast as they go, a bounded lead ahead of their reader."""

    PACED = "paced"
    """So many chunks a second each, as a language model would."""


class Figure(StrEnum):
    """A figure that a scenario yields, with its unit."""

    CPU_PER_CHUNK = "CPU per chunk, µs"
    MEMORY_PER_CLIENT = "memory per idle client, KiB"
    CPU_PER_CONNECTION = "CPU per connection, µs"
    LATENCY_P50 = "latency p50, ms"
    LATENCY_P99 = "latency p99, ms"


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """One load, and what is asked of Tapster under it."""

    name: str
    streams: int
    chunks: int = 0
    """Chunks of each stream."""

    size: int = 32
    """Characters of a chunk."""

    mode: Mode = Mode.FLAT
    rate: int = 50
    """Chunks a second and stream, when paced."""

    idle: int = 0
    """Idle clients. Without streams they are what is measured."""

    shared_ids: bool = False
    """One clientId, so one key and one bcrypt, for all clients of a kind."""

    quick: bool = False
    goals: Mapping[tuple[Figure, str], float] = field(default_factory=dict)
    """The highest ratio to a peer, for a figure."""

    timeout: float = 120.0
    """Seconds until a round is given up."""

    @property
    def identities(self) -> Identities:
        """Whom the server will have to let in."""
        return Identities(streams=self.streams, idle=self.idle, shared=self.shared_ids)

    def load_arguments(self, peer: Peer, url: str) -> list[str]:
        """Return the command line for ``load.mjs``."""
        options = {
            "url": url,
            "peer": peer.name,
            "streams": self.streams,
            "chunks": max(1, round(self.chunks * peer.chunk_share)),
            "size": self.size,
            "mode": self.mode,
            "rate": self.rate,
            "idle": self.idle,
            "ids": "shared" if self.shared_ids else "own",
        }
        return [f"--{name}={value}" for name, value in options.items()]

    def figures(
        self, before: Sample, after: Sample, done: Mapping[str, Any]
    ) -> dict[Figure, float]:
        """Turn what the server used, and what the load says, into figures."""
        cpu = (after.cpu_seconds - before.cpu_seconds) * MICROSECONDS
        if not self.streams:
            memory = (after.rss_bytes - before.rss_bytes) / KIB
            return {
                Figure.MEMORY_PER_CLIENT: memory / self.idle,
                Figure.CPU_PER_CONNECTION: cpu / self.idle,
            }
        figures = {Figure.CPU_PER_CHUNK: cpu / done["chunks"]}
        if self.mode is Mode.PACED:
            figures[Figure.LATENCY_P50] = done["latency"]["p50"]
            figures[Figure.LATENCY_P99] = done["latency"]["p99"]
        return figures


SCENARIOS: Final = (
    Scenario(
        name="20 streams, flat out",
        streams=20,
        chunks=4000,
        quick=True,
        goals={
            (Figure.CPU_PER_CHUNK, "node"): 0.6,
            (Figure.CPU_PER_CHUNK, "plain"): 1 / 15,
        },
    ),
    Scenario(
        name="300 idle clients",
        streams=0,
        idle=300,
        shared_ids=True,
        quick=True,
        goals={(Figure.MEMORY_PER_CLIENT, "node"): 1.2},
    ),
    Scenario(
        name="100 streams at 50 chunks/s",
        streams=100,
        chunks=300,
        mode=Mode.PACED,
        shared_ids=True,
        goals={
            (Figure.CPU_PER_CHUNK, "node"): 0.8,
            (Figure.CPU_PER_CHUNK, "plain"): 1 / 6,
        },
    ),
)
