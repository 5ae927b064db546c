"""The results as tables for the terminal, and how goals are put in words."""

from __future__ import annotations

from collections.abc import Sequence

from figure import Figure
from result import Row, ScenarioResult
from rich.table import Table


def goals(rows: Sequence[Row]) -> Table:
    """Return a line for every goal: what was measured, and whether it is reached."""
    table = Table(title="Goals")
    table.add_column("what")
    table.add_column("figure")
    table.add_column("measured", justify="right")
    table.add_column("goal", justify="right")
    table.add_column("reached")
    for row in rows:
        colour = "green" if row.reached else "red"
        table.add_row(
            row.goal.row,
            row.goal.figure.subject,
            measured(row),
            limit(row.goal.limit, row.goal.against, row.goal.figure),
            f"[{colour}]{'yes' if row.reached else 'no'}[/]",
        )
    return table


def measured(row: Row) -> str:
    """What was measured: the figure, and its ratio if it is held against another."""
    value = f"{number(row.value)} {row.goal.figure.unit}"
    if row.ratio is None:
        return value
    return f"{value} = {row.ratio:.2f} × {row.goal.against}"


def limit(most: float, against: str | None, figure: Figure) -> str:
    """What a goal allows."""
    if against is None:
        return f"≤ {number(most)} {figure.unit}"
    if most < 0.5:  # noqa: PLR2004 - a fifteenth reads better than 0.07
        return f"≤ 1/{round(1 / most)} × {against}"
    return f"≤ {most:g} × {against}"


def number(value: float) -> str:
    """Return a value with the digits that mean something."""
    small = 10
    text = f"{value:.1f}" if value >= small else f"{value:.2f}"
    return text.rstrip("0").rstrip(".")


def figures(results: Sequence[ScenarioResult]) -> Table:
    """Return a line for every entry and figure: median, lowest and highest."""
    table = Table(title="Medians of the rounds (lowest to highest)")
    table.add_column("scenario")
    table.add_column("entry")
    table.add_column("figure")
    table.add_column("median", justify="right")
    table.add_column("rounds", justify="right")
    for result in results:
        lines = [
            (entry, figure, values)
            for figure in result.figures()
            for entry in result.rounds
            if (values := result.values(entry, figure))
        ]
        for place, (entry, figure, values) in enumerate(lines):
            middle = result.median(entry, figure) or 0.0
            table.add_row(
                "" if place else result.scenario.name,
                entry,
                figure,
                number(middle),
                f"({number(min(values))}…{number(max(values))})"
                if len(values) > 1
                else "",
            )
        table.add_section()
    return table
