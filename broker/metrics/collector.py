"""BrokerCollector: every metric of the broker, made when Prometheus asks.

Owns nothing: it reads the counts of others, on the loop and in one go. What takes a
walk through all connections or all actors is walked here, and only here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

import pykka
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from actors.base import LoopInbox, crashes, dead_letters
from actors.directory import Kind
from actors.errors import Code
from actors.lifecycle import TERMINAL, RequestState
from actors.limits import Limit, reached
from actors.roles import CallerKind
from broker import __version__
from broker.gateway.counts import OUTBOX_FULL
from broker.gateway.session import Connection
from broker.metrics.family import (
    counter,
    counters,
    gauge,
    gauges,
    histogram,
    histograms,
)
from broker.metrics.source import Source

OPEN: Final = [state for state in RequestState if state not in TERMINAL]

NOT_JOINED: Final = "none"
UNVERIFIED: Final = "unverified"
TYPES: Final = (*(kind.value for kind in CallerKind), UNVERIFIED, NOT_JOINED)

USUAL_REFUSALS: Final[tuple[int, ...]] = (
    Code.AUTHENTICATION_FAILED,
    Code.AUTHORISATION_FAILED,
)
"""Told from the start: what begins at 1 has no rate."""

MILLISECONDS: Final = 1_000


class BrokerCollector(Collector):
    """The broker, as Prometheus sees it."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.rooms: int | None = None
        """How many rooms are awake, as the hall said last; None: it did not."""

    def describe(self) -> list[Metric]:
        """Name nothing before the first look: that would be one."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Everything."""
        version = {__version__: 1}
        yield gauges("tapster_build_info", "The version.", "version", version)
        yield gauge(
            "tapster_draining",
            "Whether the broker has been told to stop, and takes nothing new.",
            self._source.server.draining,
        )
        yield from self._requests()
        yield from self._connections()
        yield from self._refusals()
        yield from self._actors()
        yield from self._loop_and_store()

    def _requests(self) -> Iterator[Metric]:
        tally = self._source.outbound.tally
        durations = {state.value: each for state, each in tally.durations.items()}
        states = tally.states()
        yield counters(
            "tapster_requests",
            "Requests that have ended, by how.",
            "outcome",
            {outcome: each.count for outcome, each in durations.items()},
        )
        yield gauges(
            "tapster_requests_open",
            "Requests that have not ended, by where they are.",
            "state",
            {state.value: states[state] for state in OPEN},
        )
        yield histograms(
            "tapster_request_duration_seconds",
            "From when a request was heard of to its end.",
            "outcome",
            durations,
        )
        yield histogram(
            "tapster_request_first_token_seconds",
            "From when a request was heard of to the first of its streamed answer.",
            tally.first_tokens,
        )
        yield gauge(
            "tapster_queue_longest_requests",
            "Requests that wait for the SillyTavern that most wait for.",
            tally.longest_queue(),
        )
        chunks = self._source.outbound.chunks
        yield counter("tapster_chunks", "Chunks of answers passed on.", chunks)

    def _connections(self) -> Iterator[Metric]:
        server = self._source.server
        sockets: list[Connection] = list(server.eio.sockets.values())
        ends = server.counts.ends()
        yield gauges(
            "tapster_connections",
            "Open connections, by what their client is.",
            "type",
            dict.fromkeys(TYPES, 0) | Counter(map(_type_of, sockets)),
        )
        yield gauge(
            "tapster_connections_blocked",
            "Connections that can be written to no more until their peer has read.",
            sum(socket.outbox.blocked for socket in sockets),
        )
        yield counters(
            "tapster_connections_closed",
            "Connections that have ended, by why.",
            "reason",
            {reason.replace(" ", "_"): count for reason, count in ends.items()},
        )
        yield counters(
            "tapster_slow_readers_closed",
            "Connections closed because their peer read too slowly.",
            "reason",
            {
                "outbox_full": ends[OUTBOX_FULL],
                "write_timeout": server.eio.flusher.cut,
            },
        )
        yield gauge(
            "tapster_clients",
            "Identities that are here, or in their grace time.",
            len(self._source.clients),
        )

    def _refusals(self) -> Iterator[Metric]:
        server = self._source.server
        failures = Counter(dict.fromkeys(USUAL_REFUSALS, 0))
        failures.update(self._source.refusals.by_code)
        failures[Code.AUTHORISATION_FAILED] += server.counts.foreign
        yield counters(
            "tapster_auth_failures",
            "Who was not let in, and wrong passwords, by the error's code.",
            "code",
            {Code(code).name.lower(): n for code, n in failures.items()},
        )
        yield counter(
            "tapster_connections_refused",
            "Connections that were too many, from one address or in all.",
            server.eio.crowd.refused + server.counts.turned_away,
        )
        yield counter(
            "tapster_events_refused",
            "Events beyond what one connection may send.",
            server.counts.events_refused,
        )
        yield counter(
            "tapster_http_requests_late",
            "HTTP requests that did not come in time.",
            server.counts.requests_late,
        )
        yield counters(
            "tapster_limits_reached",
            "How often each limit was reached.",
            "limit",
            {limit.value: reached[limit] for limit in Limit},
        )

    def _actors(self) -> Iterator[Metric]:
        directory, staff = self._source.house.directory, self._source.staff
        named = {kind.value: directory.count(kind) for kind in Kind}
        single = {name: int(ref.is_alive()) for name, ref in staff.items()}
        longest = {kind.value: self._longest_mailbox(kind) for kind in Kind}
        waiting = {name: _mailbox_of(ref) for name, ref in staff.items()}
        yield gauges(
            "tapster_actors", "Actors that live, by kind.", "kind", named | single
        )
        yield gauges(
            "tapster_mailbox_longest_messages",
            "Messages in the longest mailbox of a kind of actor.",
            "kind",
            longest | waiting,
        )
        yield counter(
            "tapster_dead_letters",
            "Messages to actors that had ended.",
            dead_letters.count,
        )
        yield counters(
            "tapster_actor_crashes", "Actors that met a fault.", "actor", crashes
        )
        if self.rooms is not None:
            yield gauge("tapster_rooms", "Rooms that are awake.", self.rooms)

    def _loop_and_store(self) -> Iterator[Metric]:
        lag = self._source.lag
        yield histogram(
            "tapster_loop_lag_seconds",
            "How late timers of the event loop were.",
            lag.histogram,
        )
        yield gauge(
            "tapster_loop_lag_p99_seconds",
            "What 99 of 100 of them did not exceed in the last ten seconds.",
            lag.p99 / MILLISECONDS,
        )
        yield histogram(
            "tapster_store_commit_seconds",
            "What the database took to write one batch.",
            self._source.commits,
        )

    def _longest_mailbox(self, kind: Kind) -> int:
        directory = self._source.house.directory
        refs = (directory.find(kind, name) for name in directory.names(kind))
        return max((_mailbox_of(ref) for ref in refs if ref is not None), default=0)


def _mailbox_of(ref: pykka.ActorRef[Any]) -> int:
    inbox: Any = ref.actor_inbox
    return len(inbox) if isinstance(inbox, LoopInbox) else int(inbox.qsize())


def _type_of(socket: Connection) -> str:
    session = next(iter(socket.sessions.values()), None)
    if session is None:
        return NOT_JOINED
    return session.caller.kind.value if session.verified else UNVERIFIED
