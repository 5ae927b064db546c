"""Measure Tapster and its peers, in turn, and print what came out.

    python bench/run.py [--quick]
    python bench/run.py --only tapster,node --scenarios "flat out"

Needs ``npm ci`` in ``bench/`` once. A round is: a fresh server, a fresh load generator,
what the server has used before and after. The entries of a scenario take turns
(A B A B …), so that a slow minute of the machine hits all of them; medians of three
rounds, one for ``plain``. The results are also written to ``bench/results``, as JSON
and as a picture. Benchmarks judge nothing: goals are only coloured, and the exit code
is 0 whenever everything could be measured.
"""

from __future__ import annotations

import argparse
import resource
import sys
from collections.abc import Sequence
from typing import Final

import chart
import load_process
import result
import server_process
import table
from peer import BENCH, PEERS
from result import ScenarioResult
from rich.console import Console
from scenario import Entry, Scenario
from scenarios import FULL, LOOP_LAG, QUICK

RESULTS: Final = BENCH / "results"
TABLE_WIDTH: Final = 130
"""For output that goes to a file; a terminal says itself how wide it is."""

FILES: Final = 16_384
"""Open files a process may have: more than the connections of any scenario."""


def measure(
    scenario: Scenario, entries: Sequence[Entry], most: int, console: Console
) -> ScenarioResult:
    """Run all rounds of a scenario, the entries one after the other in each."""
    measured = ScenarioResult(scenario)
    for number in range(min(most, max(entry.rounds for entry in entries))):
        for entry in entries:
            if number < entry.rounds:
                figures = entry.work.measure(entry.peer)
                measured.add(entry.name, figures)
                shown = "; ".join(
                    f"{figure} {table.number(value)}"
                    for figure, value in figures.items()
                )
                console.print(
                    f"{scenario.name}, round {number + 1}, {entry.name}: {shown}",
                    markup=False,
                    highlight=False,
                    soft_wrap=True,
                )
    return measured


def _raise_file_limit() -> None:
    """Let servers and load generators open as many connections as they need."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _peers(names: str) -> frozenset[str]:
    chosen = frozenset(names.split(","))
    if unknown := chosen - PEERS.keys():
        known = ", ".join(PEERS)
        raise argparse.ArgumentTypeError(
            f"no peer {', '.join(sorted(unknown))}; there are {known}"
        )
    return chosen


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure Tapster and its peers.")
    parser.add_argument(
        "--quick", action="store_true", help="only what fits into a minute"
    )
    parser.add_argument(
        "--only",
        type=_peers,
        default=frozenset(PEERS),
        metavar="PEER,PEER",
        help="measure only these of " + ", ".join(PEERS),
    )
    parser.add_argument(
        "--scenarios",
        default="",
        metavar="WORDS",
        help="only those with these words in their names",
    )
    parser.add_argument(
        "--rounds", type=int, default=3, metavar="N", help="at most so many"
    )
    return parser.parse_args()


def _chosen(arguments: argparse.Namespace) -> list[tuple[Scenario, tuple[Entry, ...]]]:
    every = QUICK if arguments.quick else FULL
    named = [each for each in every if arguments.scenarios in each.name]
    entries = [(each, each.of(arguments.only)) for each in named]
    return [(scenario, those) for scenario, those in entries if those]


def main() -> int:
    """Run the scenarios; return the exit code."""
    arguments = _arguments()
    errors = Console(stderr=True)
    _raise_file_limit()
    try:
        results = [
            measure(scenario, entries, arguments.rounds, errors)
            for scenario, entries in _chosen(arguments)
        ]
    except (load_process.LoadError, server_process.ServerError) as error:
        errors.print(f"not measured: {error}", style="red", markup=False)
        return 1
    rows = result.rows(results, LOOP_LAG)
    report = result.report(results, rows, quick=arguments.quick)
    note = f"{report['date']}, {report['machine']['cpus']} cores"
    picture = chart.draw(rows, title="What Tapster uses of what it may", note=note)
    written = result.write(report, picture, RESULTS)
    console = Console() if sys.stdout.isatty() else Console(width=TABLE_WIDTH)
    console.print(table.figures(results))
    console.print(table.goals(rows))
    console.print(f"Written to {written} and beside it as a picture.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
