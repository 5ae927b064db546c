"""The results of a run: every round, the medians, the ratios; and their JSON."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any, Final

from peer import TAPSTER
from scenario import Figure, Scenario

DIGITS: Final = 3


@dataclass
class ScenarioResult:
    """The rounds of one scenario, for every peer that ran it."""

    scenario: Scenario
    rounds: dict[str, list[dict[Figure, float]]] = field(default_factory=dict)

    def add(self, peer: str, figures: dict[Figure, float]) -> None:
        """Keep the figures of one round."""
        self.rounds.setdefault(peer, []).append(figures)

    def figures(self) -> list[Figure]:
        """Return which figures there are, in their order."""
        return [*next(iter(self.rounds.values()))[0]]

    def values(self, peer: str, figure: Figure) -> list[float]:
        """Return a figure of each round."""
        return [figures[figure] for figures in self.rounds.get(peer, [])]

    def median(self, peer: str, figure: Figure) -> float | None:
        """Return the median of the rounds, or None if the peer did not run."""
        values = self.values(peer, figure)
        return median(values) if values else None

    def ratio(self, figure: Figure, peer: str) -> float | None:
        """Return Tapster's figure divided by a peer's, if both have run."""
        ours, theirs = self.median(TAPSTER.name, figure), self.median(peer, figure)
        return ours / theirs if ours is not None and theirs else None

    def to_json(self) -> dict[str, Any]:
        """Return all of it as plain data."""
        return {
            "name": self.scenario.name,
            "figures": {figure: self._figure(figure) for figure in self.figures()},
        }

    def _figure(self, figure: Figure) -> dict[str, Any]:
        peers = list(self.rounds)
        ratios = {peer: self.ratio(figure, peer) for peer in peers}
        goals = self.scenario.goals
        return {
            "rounds": {peer: _rounded(self.values(peer, figure)) for peer in peers},
            "median": {peer: _round(self.median(peer, figure)) for peer in peers},
            "ratio": {
                peer: _round(ratio)
                for peer, ratio in ratios.items()
                if peer != TAPSTER.name and ratio is not None
            },
            "goal": {
                peer: _round(goal) for (of, peer), goal in goals.items() if of is figure
            },
        }


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, DIGITS)


def _rounded(values: list[float]) -> list[float]:
    return [round(value, DIGITS) for value in values]


def write(results: list[ScenarioResult], folder: Path, *, quick: bool) -> Path:
    """Write the results as ``<date>.json`` and ``latest.json``; return the first."""
    now = datetime.now().astimezone()
    report = {
        "date": now.isoformat(timespec="seconds"),
        "quick": quick,
        "machine": {
            "cpus": os.cpu_count(),
            "system": platform.platform(),
            "python": platform.python_version(),
        },
        "scenarios": [result.to_json() for result in results],
    }
    text = json.dumps(report, indent=2, ensure_ascii=False) + "\n"
    folder.mkdir(exist_ok=True)
    dated = folder / f"{now:%Y-%m-%dT%H%M%S}.json"
    for path in (dated, folder / "latest.json"):
        path.write_text(text, encoding="utf-8")
    return dated
