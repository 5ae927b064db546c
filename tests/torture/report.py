"""What the tries have measured, in a file that outlives the run.

Owns ``report.txt`` beside it: a line for each figure, in the order in which they came.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

REPORT: Final = Path(__file__).parent / "report.txt"


def measured(item: int, text: str) -> None:
    """Note what a try of that item of the table has measured, and print it."""
    line = f"item {item}: {text}"
    with REPORT.open("a", encoding="utf-8") as report:
        report.write(f"{line}\n")
    print(line)  # noqa: T201 - shown by pytest -s, and where a try fails
