"""The results of a run: every round, the medians, and which goals were reached."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any, Final

from figure import Figure
from scenario import Goal, Scenario

DIGITS: Final = 3


@dataclass(frozen=True, kw_only=True)
class Row:
    """What became of a goal."""

    goal: Goal
    value: float
    """The figure itself."""

    ratio: float | None
    """To the entry it is held against, if it is."""

    @property
    def used(self) -> float:
        """How much of what is allowed was used; up to 1 the goal is reached."""
        return (self.value if self.ratio is None else self.ratio) / self.goal.limit

    @property
    def reached(self) -> bool:
        """Whether the goal is."""
        return self.used <= 1

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            **asdict(self.goal),
            "limit": _round(self.goal.limit),
            "value": _round(self.value),
            "ratio": _round(self.ratio),
            "reached": self.reached,
        }


@dataclass
class ScenarioResult:
    """The rounds of one scenario, for every entry that ran."""

    scenario: Scenario
    rounds: dict[str, list[Mapping[Figure, float]]] = field(default_factory=dict)

    def add(self, entry: str, figures: Mapping[Figure, float]) -> None:
        """Keep the figures of one round."""
        self.rounds.setdefault(entry, []).append(figures)

    def figures(self) -> list[Figure]:
        """Return which figures there are, in their order."""
        seen = {name for rounds in self.rounds.values() for name in rounds[0]}
        return [figure for figure in Figure if figure in seen]

    def values(self, entry: str, figure: Figure) -> list[float]:
        """Return a figure of each round."""
        rounds = self.rounds.get(entry, [])
        return [figures[figure] for figures in rounds if figure in figures]

    def median(self, entry: str, figure: Figure) -> float | None:
        """Return the median of the rounds, or None if the entry has none."""
        values = self.values(entry, figure)
        return median(values) if values else None

    def rows(self) -> list[Row]:
        """Return what became of the goals, as far as both sides have run."""
        rows = (self._row(goal) for goal in self.scenario.goals)
        return [row for row in rows if row is not None]

    def _row(self, goal: Goal) -> Row | None:
        value = self.median(goal.entry, goal.figure)
        if value is None:
            return None
        if goal.against is None:
            return Row(goal=goal, value=value, ratio=None)
        other = self.median(goal.against, goal.figure)
        return Row(goal=goal, value=value, ratio=value / other) if other else None

    def to_json(self) -> dict[str, Any]:
        """Return all of it as plain data."""
        return {
            "name": self.scenario.name,
            "figures": {figure: self._figure(figure) for figure in self.figures()},
        }

    def _figure(self, figure: Figure) -> dict[str, Any]:
        values = {entry: self.values(entry, figure) for entry in self.rounds}
        return {
            entry: {
                "median": _round(median(rounds)),
                "rounds": [_round(value) for value in rounds],
            }
            for entry, rounds in values.items()
            if rounds
        }


def rows(results: Sequence[ScenarioResult], loop_lag: Goal) -> list[Row]:
    """Return what became of all goals; the loop's lag is that of the worst scenario."""
    lags = [
        lag
        for result in results
        for entry in result.rounds
        if (lag := result.median(entry, loop_lag.figure)) is not None
    ]
    found = [row for result in results for row in result.rows()]
    if lags:
        found.append(Row(goal=loop_lag, value=max(lags), ratio=None))
    return found


def report(
    results: Sequence[ScenarioResult], rows: Sequence[Row], *, quick: bool
) -> dict[str, Any]:
    """Return all of a run as plain data."""
    return {
        "date": datetime.now().astimezone().isoformat(timespec="seconds"),
        "quick": quick,
        "machine": {
            "cpus": os.cpu_count(),
            "load": [_round(load) for load in os.getloadavg()],
            "system": platform.platform(),
            "python": platform.python_version(),
        },
        "goals": [row.to_json() for row in rows],
        "scenarios": [result.to_json() for result in results],
    }


def write(report: Mapping[str, Any], picture: str, folder: Path) -> Path:
    """Write a run as ``<date>.json`` and ``.svg``, and as ``latest``; return the first.

    A quick run's are ``quick``: the newest full table stays what it is.
    """
    text = json.dumps(report, indent=2, ensure_ascii=False) + "\n"
    folder.mkdir(exist_ok=True)
    dated = datetime.fromisoformat(report["date"]).strftime("%Y-%m-%dT%H%M%S")
    latest = "quick" if report["quick"] else "latest"
    for name in (dated, latest):
        (folder / f"{name}.json").write_text(text, encoding="utf-8")
        (folder / f"{name}.svg").write_text(picture, encoding="utf-8")
    return folder / f"{dated}.json"


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, DIGITS)
