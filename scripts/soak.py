"""Let a full house live for a while, and hold the broker against the rules.

    python -m scripts.soak --seconds 300
    python -m scripts.soak --minutes 120 --identities 300 --rooms 60 --pause 10

Starts a broker of its own. Guests join, speak, order, edit, delete, rule and lose
their connections as the dice of ``--seed`` say; extensions are slow, fail and fall
silent. At the end rooms, members, histories and counters must be what a model made of
all that was acked; once everybody has left, actors, tasks, timers and files must be
as many as before; and in a run of an hour or more the memory must not grow by
more than ``--growth``. Prints what happened; the exit code is 1 if anything differs.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.integration.soak.place import Report
from tests.integration.soak.play import SETTINGS, Plan, Play
from tests.integration.soak.watch import (
    MEBIBYTE,
    ROOMS,
    Sample,
    WatchedBroker,
    left_behind,
    sample,
    slope,
)

SHOWN: Final = 50
"""Differences that are printed."""
MINUTE: Final = 60.0
WARM_UP: Final = 20 * MINUTE
"""Seconds in which caches fill; of a shorter run it is the first half."""
LONG: Final = 60 * MINUTE
"""From here on the growth of memory says something."""
GROWTH: Final = 1.0
"""Mebibytes an hour that are allowed."""
GRACE: Final = 5
ANSWERS_KEPT: Final = 60
"""Seconds: the cache of answers must be full when the memory is looked at."""
GONE_WITHIN: Final = MINUTE


@dataclass
class Findings:
    """What the play and the watch have found."""

    report: Report = field(default_factory=Report)
    samples: list[Sample] = field(default_factory=list)
    base: dict[str, int] = field(default_factory=dict)
    busiest: dict[str, int] = field(default_factory=dict)
    left: dict[str, int] = field(default_factory=dict)


def read_plan() -> tuple[Plan, float]:
    """Read the command line: the plan, and the growth that is allowed."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--seconds", type=float, default=Plan.seconds)
    parser.add_argument("--minutes", type=float, help="instead of --seconds")
    parser.add_argument("--identities", type=int, default=Plan.identities)
    parser.add_argument("--rooms", type=int, default=Plan.rooms)
    parser.add_argument("--extensions", type=int, default=Plan.extensions)
    parser.add_argument("--pause", type=float, default=Plan.pause)
    parser.add_argument("--seed", type=int, default=Plan.seed)
    parser.add_argument("--growth", type=float, default=GROWTH)
    given = vars(parser.parse_args())
    minutes, growth = given.pop("minutes"), given.pop("growth")
    if minutes is not None:
        given["seconds"] = minutes * MINUTE
    return Plan(**given), growth


async def live(broker: WatchedBroker, plan: Plan, findings: Findings) -> None:
    """Play it against a broker that is watched."""
    findings.base = await asyncio.to_thread(broker.count)
    watch = asyncio.create_task(sample(broker, findings.samples))
    census = asyncio.create_task(count_later(broker, plan.seconds / 2, findings))
    house = Play(broker.url, plan)
    try:
        findings.report = await house.run()
    finally:
        watch.cancel()
        census.cancel()
    findings.base[ROOMS] = house.kept()
    findings.left = await left_behind(broker, findings.base, GONE_WITHIN)


async def count_later(broker: WatchedBroker, after: float, findings: Findings) -> None:
    """Count in the midst of it: what never grew can not have come back."""
    await asyncio.sleep(after)
    findings.busiest = await asyncio.to_thread(broker.count)


def play(plan: Plan) -> Findings:
    """Play it against a fresh broker."""
    settings = SETTINGS | {"reconnectGrace": GRACE, "answerTtl": ANSWERS_KEPT}
    findings = Findings()
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        root = Path(folder) / "broker"
        broker = WatchedBroker(root, server=settings, clients=plan.house())
        broker.start()
        try:
            asyncio.run(live(broker, plan, findings))
        finally:
            broker.stop()
    return findings


def show(report: Report) -> None:
    """Print what happened, and what should not have."""
    for name, count in sorted(report.counts.items()):
        print(f"{count:8}  {name}")
    print(f"{len(report.differences):8}  differences")
    for difference in report.differences[:SHOWN]:
        print(f"  {difference}")


def judge(findings: Findings, seconds: float, allowed: float) -> bool:
    """Print what the process took, and say whether that is well."""
    samples = findings.samples
    since = min(WARM_UP, seconds / 2)
    grown = slope(samples, since, seconds)
    first = next(each for each in samples if each.seconds >= since)
    print(
        f"memory: {samples[0].bytes / MEBIBYTE:.1f} MiB at first, "
        f"{first.bytes / MEBIBYTE:.1f} after {since / MINUTE:.0f} min, "
        f"{samples[-1].bytes / MEBIBYTE:.1f} at last; then {grown:+.2f} MiB an hour"
    )
    for name in findings.base | findings.busiest:
        before, amid = findings.base.get(name, 0), findings.busiest.get(name, 0)
        more = findings.left.get(name, 0)
        print(f"{name}: {before} before, {amid} amid, {more} left behind")
    return not findings.left and (seconds < LONG or grown < allowed)


def main() -> int:
    """Play, print and judge."""
    # Extensions fail on purpose here; the stories of that fill the screen.
    logging.getLogger("broker.client").setLevel(logging.CRITICAL)
    plan, allowed = read_plan()
    print(plan, flush=True)
    begun = time.monotonic()
    findings = play(plan)
    show(findings.report)
    sound = judge(findings, plan.seconds, allowed)
    print(f"{time.monotonic() - begun:.0f} s in all")
    return 0 if sound and not findings.report.differences else 1


if __name__ == "__main__":
    sys.exit(main())
