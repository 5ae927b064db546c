"""Watches what a broker process takes: its memory, and what it leaves behind.

Knows the process, its ``/metrics`` and its census, and nothing of who plays with it.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
import urllib.request
from pathlib import Path
from statistics import linear_regression
from typing import Final, NamedTuple

from prometheus_client.parser import text_string_to_metric_families

from tests.integration.harness import Broker, HarnessError

SAMPLE_EVERY: Final = 1.0
CENSUS_WITHIN: Final = 30.0
POLL: Final = 0.05
MEBIBYTE: Final = 1 << 20
HOUR: Final = 3_600.0
ACTORS: Final = "tapster_actors"
ROOMS: Final = "actors of kind room"


class Sample(NamedTuple):
    """The memory of a process."""

    seconds: float
    """Since the first."""
    bytes: int


class WatchedBroker(Broker):
    """A broker whose process can be looked into."""

    def _command(self) -> list[str]:
        module = ["-m", "tests.integration.soak.census", str(self._census)]
        command = super()._command()
        return [sys.executable, *module, *command[command.index("serve") :]]

    @property
    def _census(self) -> Path:
        return self.root / "census.json"

    @property
    def _pid(self) -> int:
        if self._process is None:
            raise HarnessError("There is no broker to be watched: start it.")
        return self._process.pid

    def memory(self) -> int:
        """The resident bytes of the process."""
        pages = Path(f"/proc/{self._pid}/statm").read_text(encoding="ascii").split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    def count(self) -> dict[str, int]:
        """Tasks, timers, files, and the actors of each kind."""
        self._census.unlink(missing_ok=True)
        os.kill(self._pid, signal.SIGUSR1)
        deadline = time.monotonic() + CENSUS_WITHIN
        while not self._census.exists():
            if time.monotonic() > deadline:
                raise HarnessError("The broker did not count itself.")
            time.sleep(POLL)
        counted: dict[str, int] = json.loads(self._census.read_text(encoding="utf-8"))
        return counted | self._actors()

    def _actors(self) -> dict[str, int]:
        with urllib.request.urlopen(f"{self.url}/metrics", timeout=10) as answer:  # noqa: S310 - our own broker
            text = answer.read().decode()
        return {
            f"actors of kind {sample.labels['kind']}": int(sample.value)
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == ACTORS
        }


async def sample(broker: WatchedBroker, samples: list[Sample]) -> None:
    """Note the memory of a broker now and then, until this is cancelled."""
    begun = time.monotonic()
    while True:
        samples.append(Sample(time.monotonic() - begun, broker.memory()))
        await asyncio.sleep(SAMPLE_EVERY)


def slope(samples: list[Sample], since: float, until: float) -> float:
    """Mebibytes that the memory grows in an hour, between two moments."""
    some = [each for each in samples if since <= each.seconds <= until]
    line = linear_regression([s.seconds for s in some], [s.bytes for s in some])
    return line.slope * HOUR / MEBIBYTE


async def left_behind(
    broker: WatchedBroker, base: dict[str, int], within: float
) -> dict[str, int]:
    """What there is more of than in the beginning, once everybody has gone."""
    deadline = time.monotonic() + within
    while True:
        now = await asyncio.to_thread(broker.count)
        more = {k: n - base.get(k, 0) for k, n in now.items() if n > base.get(k, 0)}
        if not more or time.monotonic() > deadline:
            return more
        await asyncio.sleep(1)
