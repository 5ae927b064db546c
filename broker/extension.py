"""SillyTavern's extension, as this installation carries it.

Owns nothing: the files are read where they are, beside the packages in a checkout
and as the package ``tapster_extension`` in a wheel. Must never give away anything
but what belongs to the extension.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Final

import msgspec

NAME: Final = "tapster"
"""The folder it lives in, wherever it is installed."""

MANIFEST: Final = "manifest.json"

_PACKAGE: Final = "tapster_extension"
_CHECKOUT: Final = Path(__file__).parents[1] / "extension"
_SUFFIXES: Final = frozenset({".css", ".js", ".json", ".txt"})
_LICENCE: Final = "LICENSE"


class Manifest(msgspec.Struct, frozen=True):
    """What SillyTavern is told of an extension, as far as it matters here."""

    display_name: str
    version: str = ""


def folder() -> Path:
    """Where the extension's files are.

    Raises:
        FileNotFoundError: this installation has none.
    """
    spec = importlib.util.find_spec(_PACKAGE)
    packaged = () if spec is None else spec.submodule_search_locations or ()
    for place in (_CHECKOUT, *map(Path, packaged)):
        if is_ours(place):
            return place
    raise FileNotFoundError("this installation of Tapster has no SillyTavern extension")


def files() -> dict[str, Path]:
    """The extension's files by their names, with slashes."""
    root = folder()
    found = (path for path in root.rglob("*") if path.is_file())
    return {
        path.relative_to(root).as_posix(): path
        for path in sorted(found)
        if path.suffix in _SUFFIXES or path.name == _LICENCE
    }


def is_ours(place: Path) -> bool:
    """Whether a folder holds this extension, of whatever version."""
    manifest = read_manifest(place)
    return manifest is not None and manifest.display_name.lower() == NAME


def read_manifest(place: Path) -> Manifest | None:
    """The manifest of the extension in a folder; None where there is none."""
    try:
        return msgspec.json.decode((place / MANIFEST).read_bytes(), type=Manifest)
    except (OSError, msgspec.MsgspecError):
        return None
