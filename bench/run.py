"""Measure Tapster and its peers, in turn, and print what came out.

    python bench/run.py --quick
    python bench/run.py --only node,plain

Needs ``npm ci`` in ``bench/`` once. A round is: a fresh server, a fresh load generator,
what the server has used before and after. Peers take turns (A B A B …), so that a
slow minute of the machine hits all of them; medians of three rounds, one for ``plain``.
The results are also written to ``bench/results``. Benchmarks judge nothing: ratios are
coloured by their goals, and the exit code is 0 whenever everything could be measured.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import load_process
import result
import server_process
import table
from peer import BENCH, PEERS, ROOT, Peer
from result import ScenarioResult
from rich.console import Console
from scenario import SCENARIOS, Figure, Scenario

RESULTS: Final = BENCH / "results"
TABLE_WIDTH: Final = 130
"""For output that goes to a file; a terminal says itself how wide it is."""


def measure(scenario: Scenario, peer: Peer) -> dict[Figure, float]:
    """Run one round of a scenario against a fresh server."""
    with tempfile.TemporaryDirectory(prefix=f"bench-{peer.name}-") as name:
        folder = Path(name)
        peer.prepare(folder, scenario.identities)
        command, log = peer.command(folder), folder / "server.log"
        with server_process.running(command, log, cwd=ROOT) as server:
            arguments = scenario.load_arguments(peer, server.wait_for_url())
            try:
                return _measure_load(scenario, arguments, server)
            except load_process.LoadError as error:
                detail = f"{peer.name}, {scenario.name}: {error}"
                raise load_process.LoadError(
                    f"{detail}\n{server.log_tail()}"
                ) from error


def _measure_load(
    scenario: Scenario,
    arguments: Sequence[str],
    server: server_process.ServerProcess,
) -> dict[Figure, float]:
    with load_process.running(arguments, scenario.timeout) as load:
        load.wait_for("ready")
        before = server.sample()
        load.go_on()
        done = load.wait_for("done")
        after = server.sample()
        load.go_on()
    return scenario.figures(before, after, done)


def measure_in_turn(
    scenario: Scenario, peers: Sequence[Peer], console: Console
) -> ScenarioResult:
    """Run all rounds of a scenario, the peers one after the other in each."""
    measured = ScenarioResult(scenario)
    for number in range(max(peer.rounds for peer in peers)):
        for peer in peers:
            if number < peer.rounds:
                figures = measure(scenario, peer)
                measured.add(peer.name, figures)
                console.print(_progress(scenario, peer, number, figures))
    return measured


def _progress(
    scenario: Scenario, peer: Peer, number: int, figures: dict[Figure, float]
) -> str:
    shown = "; ".join(f"{figure} {value:.1f}" for figure, value in figures.items())
    return f"{scenario.name}, round {number + 1}, {peer.name}: {shown}"


def _peers(names: str) -> list[Peer]:
    try:
        return [PEERS[name] for name in names.split(",")]
    except KeyError as error:
        known = ", ".join(PEERS)
        raise argparse.ArgumentTypeError(
            f"no peer {error}; there are {known}"
        ) from None


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure Tapster and its peers.")
    parser.add_argument(
        "--quick", action="store_true", help="only what fits into a minute"
    )
    parser.add_argument(
        "--only",
        type=_peers,
        default=list(PEERS.values()),
        metavar="PEER,PEER",
        help="measure only these of " + ", ".join(PEERS),
    )
    return parser.parse_args()


def main() -> int:
    """Run the scenarios; return the exit code."""
    arguments = _arguments()
    errors = Console(stderr=True)
    scenarios = [each for each in SCENARIOS if each.quick or not arguments.quick]
    try:
        results = [measure_in_turn(each, arguments.only, errors) for each in scenarios]
    except (load_process.LoadError, server_process.ServerError) as error:
        errors.print(f"not measured: {error}", style="red", markup=False)
        return 1
    written = result.write(results, RESULTS, quick=arguments.quick)
    console = Console() if sys.stdout.isatty() else Console(width=TABLE_WIDTH)
    console.print(table.build(results, [peer.name for peer in arguments.only]))
    console.print(f"Written to {written}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
