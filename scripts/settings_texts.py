"""Write what each setting does into the console, from ``settings/README.md``.

Run it after a change of the tables there; a test finds out who has forgotten.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import msgspec

ROOT: Final = Path(__file__).parents[1]
README: Final = ROOT / "settings" / "README.md"
TEXTS: Final = ROOT / "broker" / "console" / "settings.json"

CHINESE: Final = "\n## 中文摘要\n"
CLIENTS: Final = "\n## A client's file\n"
ROW: Final = re.compile(r"^\| `(\w+)` \|(.*)\|$", re.MULTILINE)
LINK: Final = re.compile(r"\[([^\]]*)\]\([^)]*\)")
LIMITS: Final = re.compile(r"\d.* (to|or) ")
YES_OR_NO: Final = "yes or no"


def read_texts(readme: str) -> dict[str, dict[str, Any]]:
    """What the tables say of the server's settings, by name, in both languages."""
    english, _, chinese = readme.partition(CHINESE)
    about = {name: cells[-1] for name, cells in _rows(chinese)}
    texts: dict[str, dict[str, Any]] = {}
    for name, cells in _rows(english.partition(CLIENTS)[0]):
        _, value, meaning = cells
        told = {"about": {"en": _plain(meaning), "zh": _plain(about[name])}}
        texts[name] = {**_value(value), **told}
    return texts


def written(texts: dict[str, dict[str, Any]]) -> bytes:
    """The texts as the file has them."""
    return msgspec.json.format(msgspec.json.encode(texts), indent=2) + b"\n"


def _rows(text: str) -> list[tuple[str, list[str]]]:
    return [
        (match[1], [cell.strip() for cell in match[2].split("|")])
        for match in ROW.finditer(text)
    ]


def _value(cell: str) -> dict[str, Any]:
    """What a value may be: one of some words, or so many of a unit."""
    if cell.startswith("`"):
        return {"choices": [_plain(choice) for choice in cell.split(",")]}
    unit, _, limits = cell.partition(", ")
    fields = {} if unit == YES_OR_NO else {"unit": unit}
    return fields | {"range": limits} if LIMITS.search(limits) else fields


def _plain(cell: str) -> str:
    """What a cell says, without the marks of Markdown."""
    return LINK.sub(r"\1", cell).replace("`", "").strip()


if __name__ == "__main__":
    TEXTS.write_bytes(written(read_texts(README.read_text("utf-8"))))
