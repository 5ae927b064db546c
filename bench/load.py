"""A load: what the load generator does to a server, and what figures come of it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import history_store
import load_process
import server_process
from figure import KIB, MICROSECONDS, MILLISECONDS, Figure, Sample
from load_process import LoadProcess
from peer import DATA, ROOT, Identities, Peer
from server_process import ServerProcess

MESSAGES_EACH: Final = 1_000
"""In each room of a store that is filled before the start."""


class Work(StrEnum):
    """What there is to do; the load generator has a file for each."""

    STREAMS = "streams"
    """Answers are streamed, perhaps among idle clients."""

    IDLE = "idle"
    """Idle clients connect."""

    STORM = "storm"
    """Idle clients are cut off at once and come back, while answers are streamed."""

    MESSAGES = "messages"
    """A room's history is filled while an answer is streamed."""


class Mode(StrEnum):
    """How extensions send."""

    FLAT = "flat"
    """As fast as they go, a bounded lead ahead of their reader."""

    PACED = "paced"
    """So many chunks a second each, as a language model would."""


class Read(StrEnum):
    """How clients read an answer."""

    EVENTS = "events"
    LIBRARY = "library"
    """By ``@sap_oss/node-socketio-stream``."""


@dataclass(frozen=True, kw_only=True)
class Load:
    """The options of ``load.mjs``, whose ``options.mjs`` explains them."""

    work: Work = Work.STREAMS
    streams: int = 0
    readers: int = 1
    chunks: int = 2
    """Chunks of each stream; the first is sent before the measuring begins."""

    size: int = 32
    mode: Mode = Mode.FLAT
    rate: int = 50
    read: Read = Read.EVENTS
    deaf: int = 0
    """More readers in the same room, who take nothing."""

    rooms: int = 0
    """Rooms that are open beside it, with one member each."""

    history: int = 0
    """Messages in the store, in kept rooms of a thousand each."""

    idle: int = 0
    namespaces: tuple[str, ...] = ("/llm",)
    messages: int = 0
    message_rate: int = 0
    """Messages a second; 0: as fast as they are acknowledged."""

    shared_ids: bool = True
    """One clientId, so one key and one bcrypt, for all clients of a kind."""

    timeout: float = 180.0
    """Seconds until a round is given up."""

    def scaled(self, share: float) -> Load:
        """Return the same with fewer chunks: a slow server needs fewer."""
        return replace(self, chunks=max(2, round(self.chunks * share)))

    @contextmanager
    def ready(self, peer: Peer) -> Iterator[tuple[ServerProcess, LoadProcess]]:
        """Give a fresh server and a load generator that is prepared."""
        identities = Identities(
            streams=self.streams, idle=self.idle, shared=self.shared_ids
        )
        with tempfile.TemporaryDirectory(prefix=f"bench-{peer.name}-") as name:
            folder = Path(name)
            peer.prepare(folder, identities)
            if self.history:
                history_store.fill(
                    folder / DATA,
                    rooms=self.history // MESSAGES_EACH,
                    messages_each=MESSAGES_EACH,
                )
            command, log = peer.command(folder), folder / "server.log"
            with server_process.running(command, log, cwd=ROOT) as server:
                arguments = self._arguments(peer, server.wait_for_url())
                try:
                    with load_process.running(arguments, self.timeout) as load:
                        load.wait_for("ready")
                        yield server, load
                except load_process.LoadError as error:
                    text = f"{peer.name}, {self.work}: {error}\n{server.log_tail()}"
                    raise load_process.LoadError(text) from error

    def measure(self, peer: Peer) -> dict[Figure, float]:
        """Run one round against a fresh server."""
        with self.ready(peer) as (server, load):
            before = server.sample()
            load.go_on()
            done = load.wait_for("done")
            after = server.sample()
            load.go_on()
            checked = load.wait_for("checked")
            load.go_on()
        return self.figures(before, after, {**done, **checked})

    def _arguments(self, peer: Peer, url: str) -> list[str]:
        options = {
            "url": url,
            "peer": peer.name,
            "work": self.work,
            "streams": self.streams,
            "readers": self.readers,
            "chunks": self.chunks,
            "size": self.size,
            "mode": self.mode,
            "rate": self.rate,
            "read": self.read,
            "deaf": self.deaf,
            "rooms": self.rooms,
            "idle": self.idle,
            "namespaces": ",".join(self.namespaces),
            "messages": self.messages,
            "message-rate": self.message_rate,
            "ids": "shared" if self.shared_ids else "own",
        }
        return [f"--{name}={value}" for name, value in options.items()]

    def figures(
        self, before: Sample, after: Sample, facts: Mapping[str, Any]
    ) -> dict[Figure, float]:
        """Turn what the server used, and what the load says, into figures."""
        cpu = after.cpu_seconds - before.cpu_seconds
        name, unit, count = _PIECES[self.work]
        figure = Figure.CPU_PER_DELIVERY if self.readers > 1 else name
        figures = {figure: cpu * unit / facts[count]}
        if self.work is Work.IDLE:
            memory = (after.rss_bytes - before.rss_bytes) / KIB
            figures[Figure.MEMORY_PER_CLIENT] = memory / self.idle
        if self.mode is Mode.PACED:
            figures[Figure.LATENCY_P50] = facts["latency"]["p50"]
            figures[Figure.LATENCY_P99] = facts["latency"]["p99"]
        if self.work is Work.STORM:
            figures[Figure.TIME_AWAY] = facts["secondsAway"]
        if facts["lag"] is not None:
            figures[Figure.LOOP_LAG] = facts["lag"]
        return figures


_PIECES: Final = {
    Work.STREAMS: (Figure.CPU_PER_CHUNK, MICROSECONDS, "deliveries"),
    Work.IDLE: (Figure.CPU_PER_CONNECTION, MILLISECONDS, "connections"),
    Work.STORM: (Figure.CPU_PER_CONNECTION, MILLISECONDS, "connections"),
    Work.MESSAGES: (Figure.CPU_PER_MESSAGE, MICROSECONDS, "messages"),
}
"""The piece of each work: its figure, the unit, and who in the load counts them."""
