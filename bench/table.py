"""The results as a table for the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from peer import TAPSTER
from result import ScenarioResult
from rich.table import Table
from scenario import Figure

NOT_MEASURED: Final = "-"


def build(results: Sequence[ScenarioResult], peers: Sequence[str]) -> Table:
    """Return a row for every figure: medians, then Tapster's ratios and goals."""
    others = [peer for peer in peers if peer != TAPSTER.name]
    compared = others if TAPSTER.name in peers else []
    table = Table(title="Medians of the rounds (lowest to highest)")
    table.add_column("scenario")
    table.add_column("figure")
    for peer in peers:
        table.add_column(peer, justify="right")
    for peer in compared:
        table.add_column(f"÷ {peer} (goal)", justify="right")
    for result in results:
        for row, figure in enumerate(result.figures()):
            table.add_row(
                "" if row else result.scenario.name,
                figure,
                *(_measured(result, figure, peer) for peer in peers),
                *(_ratio(result, figure, peer) for peer in compared),
            )
        table.add_section()
    return table


def _measured(result: ScenarioResult, figure: Figure, peer: str) -> str:
    middle = result.median(peer, figure)
    if middle is None:
        return NOT_MEASURED
    values = result.values(peer, figure)
    if len(values) == 1:
        return f"{middle:.1f}"
    return f"{middle:.1f} ({min(values):.1f}…{max(values):.1f})"


def _ratio(result: ScenarioResult, figure: Figure, peer: str) -> str:
    ratio = result.ratio(figure, peer)
    if ratio is None:
        return NOT_MEASURED
    goal = result.scenario.goals.get((figure, peer))
    if goal is None:
        return f"{ratio:.2f}"
    colour = "green" if ratio <= goal else "red"
    return f"[{colour}]{ratio:.3f}[/] (≤ {goal:.3f})"
