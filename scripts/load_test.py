"""Put a broker under load and see how it carries it: any broker, also a remote one.

    tapster clients trust load-test
    python scripts/load_test.py --clients 50 --instances 5 --rate 30

So many clients order answers from so many fake SillyTaverns, at a language model's pace
or, with ``--rate 0``, as fast as they go. Every chunk carries the time it was sent at,
and both ends are in this process: latency is the difference of two readings of one
clock. This process is Python, too, and some thousand chunks a second are all it can do;
``make bench`` is what measures the broker's own limits.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

from actors.errors import Code
from broker.client import (
    EntryRefusedError,
    IncomingOrder,
    OrderError,
    TapsterClient,
    TapsterError,
    TapsterExtension,
    UnreachableError,
)

CLIENT: Final = "load-test"
TAVERN: Final = "SillyTavern-load-test"
STAMP: Final = 18
"""Characters of the time in a chunk, and the least that a chunk has."""
REFRESH: Final = 0.5
"""Seconds between two looks at the live figures."""
MILLISECONDS: Final = 1000
SHARES: Final = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}


def chunk_text(now: float, size: int) -> str:
    """A chunk that says when it was sent."""
    return f"{now:.6f}".ljust(STAMP)[:STAMP].ljust(size, ".")


def percentiles(values: Sequence[float]) -> dict[str, float] | None:
    """Milliseconds by share, of seconds; nothing where there are none."""
    if not values:
        return None
    ranked = sorted(values)
    last = len(ranked) - 1
    return {
        name: round(ranked[min(last, int(share * len(ranked)))] * MILLISECONDS, 3)
        for name, share in SHARES.items()
    }


@dataclass
class Figures:
    """What has come until now."""

    expected: int
    latencies: list[float] = field(default_factory=list)
    first_chunks: list[float] = field(default_factory=list)
    """Seconds from an order to the first of its answer."""
    completed: int = 0
    failures: list[str] = field(default_factory=list)
    begun: float = field(default_factory=time.perf_counter)

    @property
    def seconds(self) -> float:
        """Since the first order."""
        return time.perf_counter() - self.begun

    def summary(self) -> dict[str, Any]:
        """All of it as plain data."""
        chunks, seconds = len(self.latencies), self.seconds
        return {
            "seconds": round(seconds, 3),
            "orders": {"completed": self.completed, "failed": len(self.failures)},
            "chunks": {"expected": self.expected, "arrived": chunks},
            "chunksPerSecond": round(chunks / seconds, 1),
            "latencyMs": percentiles(self.latencies),
            "firstChunkMs": percentiles(self.first_chunks),
            "errors": sorted(set(self.failures)),
        }


class Reading:
    """One answer: cuts what comes into the chunks that were sent."""

    def __init__(self, figures: Figures, size: int) -> None:
        self._figures = figures
        self._size = size
        self._rest = ""
        self._ordered = time.perf_counter()
        self._first = True

    def take(self, piece: str) -> None:
        """Take a piece: a chunk, several that were joined, or a part of one."""
        now = time.perf_counter()
        if self._first:
            self._first = False
            self._figures.first_chunks.append(now - self._ordered)
        text = self._rest + piece
        whole = len(text) - len(text) % self._size
        for start in range(0, whole, self._size):
            sent = float(text[start : start + STAMP])
            self._figures.latencies.append(now - sent)
        self._rest = text[whole:]


class LoadTest:
    """Clients and fake instances, and what passes between them."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        orders = options.clients * options.orders
        self.figures = Figures(expected=orders * options.chunks)
        self._clients: list[TapsterClient] = []
        self._taverns: list[TapsterExtension] = []

    async def connect(self, stack: AsyncExitStack) -> None:
        """Bring everybody in; the first of each kind gets the key for all of them."""
        options = self._options
        key = options.tavern_key
        capacity = options.capacity or -(-options.clients // options.instances)
        for number in range(options.instances):
            tavern = TapsterExtension(
                options.url,
                client_id=options.tavern_id,
                identity=_identity(options.tavern_id, number),
                key=key,
                capacity=capacity,
                context=0,
                answer=self._answer,
            )
            self._taverns.append(await stack.enter_async_context(tavern))
            key = tavern.key
        key = options.key
        for number in range(options.clients):
            client = TapsterClient(
                options.url,
                client_id=options.client_id,
                identity=_identity(options.client_id, number),
                key=key,
            )
            self._clients.append(await stack.enter_async_context(client))
            key = client.key

    async def run(self) -> None:
        """Have every client order what it has to, one answer after the other."""
        self.figures.begun = time.perf_counter()
        await asyncio.gather(*(self._order(n) for n in range(len(self._clients))))

    async def _order(self, number: int) -> None:
        client = self._clients[number]
        tavern = self._taverns[number % len(self._taverns)]
        for _ in range(self._options.orders):
            reading = Reading(self.figures, self._options.size)
            try:
                async for piece in client.order("Go on.", target=tavern.identity):
                    reading.take(piece)
            except (OrderError, UnreachableError) as problem:
                self.figures.failures.append(problem.message)
            else:
                self.figures.completed += 1

    async def _answer(self, _order: IncomingOrder) -> AsyncIterator[str]:
        rate, size = self._options.rate, self._options.size
        begun = time.perf_counter()
        for number in range(self._options.chunks):
            if rate:
                due = begun + number / rate - time.perf_counter()
                await asyncio.sleep(max(0.0, due))
            yield chunk_text(time.perf_counter(), size)


def _identity(client_id: str, number: int) -> str | None:
    return f"{client_id}-{number + 1}" if number else None


async def watched(test: LoadTest, console: Console) -> None:
    """Run a test with a bar and live figures beside it."""
    columns = (BarColumn(), TextColumn("{task.description}"), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("", total=test.figures.expected)
        watch = asyncio.create_task(_watch(test.figures, progress, bar))
        try:
            await test.run()
        finally:
            watch.cancel()
        progress.update(bar, completed=len(test.figures.latencies))


async def _watch(figures: Figures, progress: Progress, bar: TaskID) -> None:
    seen = 0
    while True:
        await asyncio.sleep(REFRESH)
        lately = figures.latencies[seen:]
        seen += len(lately)
        latency = percentiles(lately)
        shown = f"{len(lately) / REFRESH:,.0f} chunks/s"
        if latency is not None:
            shown += f", p50 {latency['p50']:.1f} ms, p99 {latency['p99']:.1f} ms"
        if figures.failures:
            shown += f", {len(figures.failures)} failed"
        progress.update(bar, completed=seen, description=shown)


def table(summary: dict[str, Any]) -> Table:
    """The summary for people."""
    shown = Table(show_header=False)
    orders, chunks = summary["orders"], summary["chunks"]
    shown.add_row(
        "orders", f"{orders['completed']} completed, {orders['failed']} failed"
    )
    shown.add_row("chunks", f"{chunks['arrived']:,} of {chunks['expected']:,}")
    shown.add_row("time", f"{summary['seconds']:.1f} s")
    shown.add_row("throughput", f"{summary['chunksPerSecond']:,.0f} chunks/s")
    names = {"latencyMs": "latency of a chunk", "firstChunkMs": "until the first chunk"}
    for name, words in names.items():
        if summary[name] is not None:
            shares = (f"{key} {value:.1f}" for key, value in summary[name].items())
            shown.add_row(words, ", ".join(shares) + " ms")
    for error in summary["errors"]:
        shown.add_row("error", error, style="red")
    return shown


def advice(problem: TapsterError, options: argparse.Namespace) -> str:
    """What to do about not being let in."""
    if isinstance(problem, EntryRefusedError):
        if problem.code == Code.AUTHORISATION_FAILED:
            return "See who is trusted: tapster clients list"
        if problem.code == Code.AUTHENTICATION_FAILED:
            return (
                "Keys are only given away on the broker's own machine. Make them there"
                f" (tapster keys make {options.client_id}): --key and --tavern-key"
            )
    return "Is a broker running there? Say where with --url"


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    add = parser.add_argument
    add("--url", default="http://127.0.0.1:4000", help="where the broker is")
    add("--clients", type=int, default=20, metavar="N")
    add("--instances", type=int, default=4, metavar="M", help="fake SillyTaverns")
    add("--capacity", type=int, help="orders each takes at a time; all, if absent")
    add("--orders", type=int, default=1, help="of each client, one after the other")
    add("--chunks", type=int, default=300, help="of each answer")
    add("--rate", type=float, default=30, help="chunks a second; 0: flat out")
    add("--size", type=int, default=32, help="characters of a chunk")
    add("--client-id", default=CLIENT)
    add("--key", default="getKey", help="the clients' key")
    add("--tavern-id", default=TAVERN)
    add("--tavern-key", help="the fake SillyTaverns' key")
    add("--json", type=Path, metavar="FILE", help="write the summary there, too")
    options = parser.parse_args(arguments)
    counts = (options.clients, options.instances, options.orders, options.chunks)
    if min(counts) < 1 or options.rate < 0:
        parser.error("--clients, --instances, --orders and --chunks begin at 1")
    if options.size < STAMP:
        parser.error(f"--size begins at {STAMP}: a chunk carries the time")
    return options


async def measure(options: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Connect, run, and sum up.

    Raises:
        TapsterError: somebody could not come in.
    """
    test = LoadTest(options)
    async with AsyncExitStack() as stack:
        with console.status(f"{options.clients} clients come to {options.url}"):
            await test.connect(stack)
        await watched(test, console)
        return test.figures.summary()


def main(arguments: list[str] | None = None) -> int:
    """Put a broker under load; 1 if anything failed."""
    options = parse(arguments)
    console = Console(stderr=True)
    try:
        summary = asyncio.run(measure(options, console))
    except TapsterError as problem:
        console.print(f"{problem}\n{advice(problem, options)}", style="red")
        return 1
    except KeyboardInterrupt:
        return 1
    Console().print(table(summary))
    if options.json is not None:
        options.json.write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    whole = summary["chunks"]["arrived"] == summary["chunks"]["expected"]
    return 0 if whole and not summary["orders"]["failed"] else 1


if __name__ == "__main__":
    sys.exit(main())
