"""What is measured side by side: a ``Scenario`` has entries, and goals they must meet.

An entry is a server under a load. Entries of a scenario take turns (A B A B …), so
that a slow minute of the machine hits all of them. A goal is mostly a ratio to
another entry of the same scenario, because on a shared machine an absolute time means
little. The list of all scenarios is ``scenarios.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from figure import Figure
from peer import Peer


class Work(Protocol):
    """Something a server is made to do."""

    def measure(self, peer: Peer) -> Mapping[Figure, float]:
        """Run one round against a fresh server."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One of those that take turns."""

    name: str
    peer: Peer
    work: Work
    rounds: int = 3


@dataclass(frozen=True, kw_only=True)
class Goal:
    """The most that an entry's figure may be."""

    row: str
    """How PERFORMANCE.md and the chart call it."""

    entry: str
    figure: Figure
    limit: float
    """In the figure's own unit; or, with ``against``, a ratio."""

    against: str | None = None
    """The entry whose figure is 1."""


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """Entries that are compared, and what is asked of them."""

    name: str
    entries: tuple[Entry, ...]
    goals: tuple[Goal, ...] = ()

    def of(self, peers: frozenset[str]) -> tuple[Entry, ...]:
        """Return the entries of these peers."""
        return tuple(entry for entry in self.entries if entry.peer.name in peers)
