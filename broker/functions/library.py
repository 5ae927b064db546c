"""The functions that an operator has put into ``settings/functions/``.

Owns what was loaded from each file. A file is loaded whole or not at all: one that is
broken is refused with its line and reason in the log, and what it had before stays.
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Collection
from pathlib import Path
from types import ModuleType
from typing import Final, NamedTuple

from broker.functions.function import MARK, Function, function_of

logger = logging.getLogger(__name__)

FOLDER: Final = "functions"
"""Of the settings folder."""

PATTERN: Final = "*.py"
PACKAGE: Final = "tapster_functions"
"""What the modules of these files are called, so that they shadow no other."""


class BrokenFileError(Exception):
    """A file can not be used: which, in which line, and why."""


class Shelf(NamedTuple):
    """Files as they were loaded, and when they were written."""

    stamps: dict[Path, tuple[int, int]]
    files: dict[Path, tuple[Function, ...]]

    @property
    def functions(self) -> dict[str, Function]:
        """All functions by name."""
        return {each.name: each for file in self.files.values() for each in file}


EMPTY: Final = Shelf({}, {})


def read_shelf(folder: Path, earlier: Shelf, reserved: Collection[str]) -> Shelf:
    """Load the files that are new or changed; gives ``earlier`` where none is."""
    stamps = _stamps(folder)
    if stamps == earlier.stamps:
        return earlier
    shelf = Shelf(stamps, {})
    changed = []
    for path, stamp in stamps.items():
        if earlier.stamps.get(path) == stamp:
            shelf.files[path] = earlier.files.get(path, ())
        else:
            changed.append(path)
    # What is there already keeps its names.
    for path in changed:
        taken = reserved | shelf.functions.keys()
        try:
            shelf.files[path] = _load(path, taken)
        except BrokenFileError as error:
            logger.warning("%s; the functions it had stay as they were", error)
            old = earlier.files.get(path, ())
            shelf.files[path] = tuple(each for each in old if each.name not in taken)
        else:
            names = ", ".join(each.name for each in shelf.files[path])
            logger.info("%s: functions %s", path, names or "none")
    return shelf


class Library:
    """All functions of a folder."""

    def __init__(self, folder: Path, reserved: Collection[str]) -> None:
        """Begin empty; no function may have a reserved name."""
        self._folder = folder
        self._reserved = frozenset(reserved)
        self.shelf = EMPTY
        self.functions: dict[str, Function] = {}

    def look(self, earlier: Shelf) -> Shelf:
        """Load what is new or changed since; touches nothing, and may block."""
        return read_shelf(self._folder, earlier, self._reserved)

    def take(self, shelf: Shelf) -> None:
        """Go by what was loaded."""
        if shelf is not self.shelf:
            self.shelf = shelf
            self.functions = shelf.functions


def _stamps(folder: Path) -> dict[Path, tuple[int, int]]:
    stamps = {}
    for path in sorted(folder.glob(PATTERN)):
        if path.name.startswith(".") or not path.is_file():
            continue  # what editors leave beside a file
        stat = path.stat()
        stamps[path] = stat.st_mtime_ns, stat.st_size
    return stamps


def _load(path: Path, taken: Collection[str]) -> tuple[Function, ...]:
    module = _run(path)
    functions = tuple(
        function_of(value)
        for value in vars(module).values()
        if getattr(value, MARK, False) and value.__module__ == module.__name__
    )
    for each in functions:
        if each.name in taken:
            line = each.run.__code__.co_firstlineno
            raise BrokenFileError(
                f"{path}, line {line}: there is a function {each.name} already"
            )
    return functions


def _run(path: Path) -> ModuleType:
    module = ModuleType(f"{PACKAGE}.{path.stem}")
    module.__file__ = str(path)
    earlier = sys.modules.get(module.__name__)
    sys.modules[module.__name__] = module  # where dataclasses look for their types
    try:
        code = compile(path.read_bytes(), path, "exec", dont_inherit=True)
        exec(code, module.__dict__)  # noqa: S102 - the operator's own file
    except (Exception, SystemExit) as error:
        if earlier is None:
            del sys.modules[module.__name__]
        else:
            sys.modules[module.__name__] = earlier
        reason = f"{type(error).__name__}: {error}"
        raise BrokenFileError(f"{path}{_line_of(error, path)}: {reason}") from error
    return module


def _line_of(error: BaseException, path: Path) -> str:
    """The line of the file that an error speaks of, or comes through last."""
    if isinstance(error, SyntaxError) and error.filename == str(path):
        return f", line {error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == str(path)]
    return f", line {lines[-1]}" if lines else ""
