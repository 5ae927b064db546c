"""A start: how long until a server listens, with a full store before it."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

import history_store
import server_process
from figure import Figure
from peer import DATA, ROOT, Identities, Peer

STARTS: Final = 3
"""Of the same store; the figures are their medians."""


@dataclass(frozen=True, kw_only=True)
class StartUp:
    """A server starts with so many messages in its store."""

    messages: int

    def measure(self, peer: Peer) -> dict[Figure, float]:
        """Fill a store once, and start with it a few times."""
        with tempfile.TemporaryDirectory(prefix="bench-start-") as name:
            folder = Path(name)
            peer.prepare(folder, Identities(streams=0, idle=0, shared=True))
            history_store.fill(folder / DATA, rooms=1, messages_each=self.messages)
            starts = [_start(peer, folder) for _ in range(STARTS)]
        return {
            figure: median(start[figure] for start in starts) for figure in starts[0]
        }


def _start(peer: Peer, folder: Path) -> dict[Figure, float]:
    begun = time.perf_counter()
    log = folder / "server.log"
    with server_process.running(peer.command(folder), log, cwd=ROOT) as server:
        server.wait_for_url()
        seconds = time.perf_counter() - begun
        return {Figure.START: seconds, Figure.START_CPU: server.sample().cpu_seconds}
