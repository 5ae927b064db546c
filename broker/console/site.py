"""The files of the console, as this installation carries them.

Owns nothing: they are read where they are, beside the packages in a checkout and as
the package ``tapster_console`` in a wheel. Must never give away anything else, whatever
a path says.
"""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Final

PAGE: Final = "index.html"

SUFFIXES: Final = frozenset(
    {".css", ".html", ".ico", ".js", ".json", ".png", ".svg", ".txt", ".woff2"}
)
"""What the page is made of."""

_PACKAGE: Final = "tapster_console"
_CHECKOUT: Final = Path(__file__).parents[2] / "web"
_NAME: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*\Z")
"""Of a file or folder: none is hidden, none leads up, none is encoded."""


def folder() -> Path:
    """Where the page and its files are.

    Raises:
        FileNotFoundError: this installation has none.
    """
    spec = importlib.util.find_spec(_PACKAGE)
    packaged = () if spec is None else spec.submodule_search_locations or ()
    for place in (_CHECKOUT, *map(Path, packaged)):
        if (place / PAGE).is_file():
            return place.resolve()
    raise FileNotFoundError("this installation of Tapster has no console")


def find(root: Path, name: str) -> Path | None:
    """The file of a name below a folder; None: there is none to be seen."""
    parts = name.split("/")
    if not all(_NAME.match(part) for part in parts):
        return None
    path = root.joinpath(*parts)
    inside = path.resolve().is_relative_to(root)  # a link may lead anywhere
    return path if path.suffix in SUFFIXES and inside and path.is_file() else None
