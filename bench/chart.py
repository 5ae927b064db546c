"""The goals as a picture: a bar for each, the goal a line, in SVG.

Every bar is the share of what its goal allows, so one line is the goal of all rows.
The picture is read beside text on light pages and dark ones: it brings no background,
and its colours follow the reader's own scheme.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final

from result import Row
from table import limit, measured

WIDTH: Final = 860
LABEL: Final = 300
"""Where the bars begin."""
BARS: Final = 330
"""How wide they may be."""
MOST: Final = 2.0
"""How much of the allowed fits in that; a longer bar ends in an arrow."""
TOP: Final = 56
LINE: Final = 34
BAR: Final = 14

STYLE: Final = """
  text { font: 13px system-ui, sans-serif; fill: #24292f }
  .title { font-size: 16px; font-weight: 600 }
  .quiet { font-size: 11px; fill: #57606a }
  .track { fill: #8c959f; fill-opacity: .16 }
  .reached { fill: #1a7f37 }
  .missed { fill: #bc4c00 }
  .goal { stroke: #24292f; stroke-width: 1.5; stroke-dasharray: 4 3 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .quiet { fill: #9198a1 }
    .reached { fill: #3fb950 }
    .missed { fill: #f0883e }
    .goal { stroke: #e6edf3 }
  }
"""


def draw(rows: Sequence[Row], *, title: str, note: str) -> str:
    """Return the picture."""
    height = TOP + LINE * len(rows) + 24
    goal = LABEL + BARS / MOST
    parts = [
        _opening(height),
        f"<title>{escape(title)}</title>",
        f"<style>{STYLE}</style>",
        _text(12, 24, title, "title"),
        _text(goal, 46, "goal", "quiet", anchor="middle"),
        _text(LABEL, 46, "better ←", "quiet"),
        *(
            part
            for place, row in enumerate(rows)
            for part in _row(row, TOP + LINE * place)
        ),
        _goal_line(goal, TOP + LINE * len(rows)),
        _text(12, height - 8, note, "quiet"),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _row(row: Row, top: int) -> list[str]:
    width = min(row.used, MOST) / MOST * BARS
    kind = "reached" if row.reached else "missed"
    sign = "✓" if row.reached else "✗"
    goal = limit(row.goal.limit, row.goal.against, row.goal.figure)
    after = LABEL + BARS + 12
    parts = [
        _text(12, top + 12, row.goal.row),
        _text(12, top + 25, f"{row.goal.figure.subject}, {goal}", "quiet"),
        _bar("track", top, BARS),
        _bar(kind, top, width),
        _text(after, top + 14, f"{sign} {measured(row)}"),
    ]
    if row.used > MOST:
        end, middle = LABEL + BARS, top + 2 + BAR / 2
        tip = f"{end - 2},{middle - 9:g} {end + 9},{middle:g} {end - 2},{middle + 9:g}"
        parts.append(f'<polygon class="{kind}" points="{tip}"/>')
    return parts


def _opening(height: int) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}"'
        f' viewBox="0 0 {WIDTH} {height}" role="img">'
    )


def _goal_line(x: float, bottom: float) -> str:
    return (
        f'<line class="goal" x1="{x:g}" y1="{TOP - 4}" x2="{x:g}" y2="{bottom - 6:g}"/>'
    )


def _bar(kind: str, top: int, width: float) -> str:
    return (
        f'<rect class="{kind}" x="{LABEL}" y="{top + 2}" width="{width:.1f}"'
        f' height="{BAR}" rx="3"/>'
    )


def _text(x: float, y: float, text: str, kind: str = "", anchor: str = "start") -> str:
    return (
        f'<text x="{x:g}" y="{y:g}" class="{kind}" text-anchor="{anchor}">'
        f"{escape(text)}</text>"
    )
