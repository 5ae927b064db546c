"""Let a hundred guests live in ten rooms, and hold the broker against the rules.

    python -m scripts.soak --seconds 300

Starts a broker of its own. Guests join, speak, order, edit, delete, rule and lose
their connections as the dice of ``--seed`` say; extensions are slow, fail and fall
silent. At the end rooms, members, histories and counters must be what a model made of
all that was acked. Prints what happened; the exit code is 1 if anything differs.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import tempfile
import time
from pathlib import Path

from tests.integration.harness import Broker
from tests.integration.soak.place import Report
from tests.integration.soak.play import SETTINGS, Plan, Play

SHOWN = 50
"""Differences that are printed."""


def read_plan() -> Plan:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--seconds", type=float, default=Plan.seconds)
    parser.add_argument("--identities", type=int, default=Plan.identities)
    parser.add_argument("--rooms", type=int, default=Plan.rooms)
    parser.add_argument("--extensions", type=int, default=Plan.extensions)
    parser.add_argument("--pause", type=float, default=Plan.pause)
    parser.add_argument("--seed", type=int, default=Plan.seed)
    return Plan(**vars(parser.parse_args()))


def play(plan: Plan) -> Report:
    """Play it against a fresh broker."""
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        root = Path(folder) / "broker"
        broker = Broker(root, server=SETTINGS, clients=plan.house())
        broker.start()
        try:
            return asyncio.run(Play(broker.url, plan).run())
        finally:
            broker.stop()


def show(report: Report) -> None:
    """Print what happened, and what should not have."""
    for name, count in sorted(report.counts.items()):
        print(f"{count:8}  {name}")
    print(f"{len(report.differences):8}  differences")
    for difference in report.differences[:SHOWN]:
        print(f"  {difference}")


def main() -> int:
    """Play, print and judge."""
    # Extensions fail on purpose here; the stories of that fill the screen.
    logging.getLogger("broker.client").setLevel(logging.CRITICAL)
    plan = read_plan()
    print(plan)
    begun = time.monotonic()
    report = play(plan)
    show(report)
    print(f"{time.monotonic() - begun:.0f} s in all")
    return 1 if report.differences else 0


if __name__ == "__main__":
    sys.exit(main())
