"""Files of functions: loaded, loaded again, and refused."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

import pytest

from broker.functions.library import EMPTY, PACKAGE, Library

HEAD = "from broker.functions import function\n"


class Shelves:
    """A folder of functions, and its library."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.library = Library(folder, {"readJsonFromFile"})
        self._changes = 0

    def write(self, name: str, body: str) -> Path:
        """Write a file of functions; each time at another time."""
        self.folder.mkdir(exist_ok=True)
        path = self.folder / name
        path.write_text(HEAD + body)
        self._changes += 1
        os.utime(path, (self._changes, self._changes))
        return path

    def look(self) -> dict[str, object]:
        """Load what is new; the answer of each function to no arguments."""
        self.library.take(self.library.look(self.library.shelf))
        functions = self.library.functions.values()
        return {each.name: each.run(None) for each in functions}


@pytest.fixture
def shelves(tmp_path: Path) -> Shelves:
    """An empty folder, not yet there."""
    return Shelves(tmp_path / "functions")


def define(name: str, answer: object) -> str:
    """A function that answers so."""
    return f"@function\ndef {name}(context):\n    return {answer!r}\n"


def test_without_a_folder_there_are_no_functions(shelves: Shelves) -> None:
    """Nobody has to have one."""
    assert shelves.look() == {}


def test_functions_of_all_files_are_loaded(shelves: Shelves) -> None:
    """And those that are not marked are not."""
    shelves.write("a.py", define("one", 1) + define("two", 2) + "def three(c): ...\n")
    shelves.write("b.py", define("four", 4))

    assert shelves.look() == {"one": 1, "two": 2, "four": 4}


def test_changed_file_is_loaded_again(shelves: Shelves) -> None:
    """What it no longer has is gone, and no old byte code is used."""
    shelves.write("a.py", define("one", 1) + define("two", 2))
    shelves.look()
    shelves.write("a.py", define("one", 9))

    assert shelves.look() == {"one": 9}
    assert [path.name for path in shelves.folder.iterdir()] == ["a.py"]


def test_unchanged_files_are_left_alone(shelves: Shelves) -> None:
    """They keep what they hold in memory."""
    shelves.write("a.py", define("one", 1))
    shelves.look()
    before = shelves.library.functions["one"]
    shelf = shelves.library.shelf
    shelves.write("b.py", define("two", 2))
    shelves.look()

    assert shelves.library.functions["one"] is before
    assert shelves.library.look(shelves.library.shelf) is shelves.library.shelf
    assert shelves.library.shelf is not shelf


def test_removed_file_takes_its_functions_along(shelves: Shelves) -> None:
    """It is what the operator wanted."""
    path = shelves.write("a.py", define("one", 1))
    shelves.look()
    path.unlink()

    assert shelves.look() == {}


@pytest.mark.parametrize(
    ("body", "line", "reason"),
    [
        ("\ndef broken(:\n", 3, "SyntaxError"),
        ("x = 1\nimport no_such_module\n", 3, "ModuleNotFoundError"),
        ("\n\n1 / 0\n", 4, "ZeroDivisionError"),
        ("def f():\n    raise ValueError('so')\nf()\n", 3, "ValueError: so"),
        ("import sys\nsys.exit('bye')\n", 3, "SystemExit: bye"),
        ("@function\ndef f():\n    ...\n", 2, "TypeError: f needs a first parameter"),
        ("@function\nclass F: ...\n", 2, "TypeError: @function stands before def"),
        (define("readJsonFromFile", 1), 2, "there is a function readJsonFromFile"),
        ("x = '\0'\n", None, "null bytes"),
    ],
)
def test_broken_file_is_refused_whole_and_the_old_functions_stay(
    shelves: Shelves,
    caplog: pytest.LogCaptureFixture,
    body: str,
    line: int | None,
    reason: str,
) -> None:
    """With file, line and reason in the log, once."""
    path = shelves.write("a.py", define("one", 1))
    shelves.write("b.py", define("two", 2))
    shelves.look()
    shelves.write("a.py", body + define("new", 3))
    with caplog.at_level(logging.WARNING):
        found = shelves.look()
        shelves.look()

    assert found == {"one": 1, "two": 2}
    assert len(caplog.messages) == 1
    where = f"{path}, line {line}" if line else str(path)
    assert caplog.messages[0].startswith(where)
    assert reason in caplog.messages[0]


def test_broken_file_at_the_start_costs_only_its_own_functions(
    shelves: Shelves,
) -> None:
    """And is loaded once it is mended."""
    shelves.write("a.py", "1 / 0\n")
    shelves.write("b.py", define("two", 2))
    broken = shelves.look()
    shelves.write("a.py", define("one", 1))

    assert broken == {"two": 2}
    assert shelves.look() == {"one": 1, "two": 2}


def test_failed_loading_leaves_no_half_module_behind(shelves: Shelves) -> None:
    """Neither the first time nor later."""
    name = f"{PACKAGE}.half"
    shelves.write("half.py", "1 / 0\n")
    shelves.look()
    absent = name in sys.modules
    shelves.write("half.py", define("one", 1))
    shelves.look()
    whole = sys.modules[name]
    shelves.write("half.py", "1 / 0\n")
    shelves.look()

    assert not absent
    assert sys.modules[name] is whole


def test_name_that_is_taken_stays_with_who_has_it(
    shelves: Shelves, caplog: pytest.LogCaptureFixture
) -> None:
    """Also where the newcomer's file comes first in the alphabet."""
    shelves.write("b.py", define("one", "b"))
    shelves.look()
    shelves.write("a.py", define("one", "a") + define("two", 2))
    with caplog.at_level(logging.WARNING):
        found = shelves.look()

    assert found == {"one": "b"}
    assert "there is a function one already" in caplog.text


def test_function_that_another_file_imported_is_not_its_own(shelves: Shelves) -> None:
    """A file has what it defines."""
    shelves.write("a.py", define("one", 1))
    shelves.look()
    shelves.write("b.py", f"from {PACKAGE}.a import one\n" + define("two", 2))

    assert shelves.look() == {"one": 1, "two": 2}


def test_files_of_editors_are_not_loaded(shelves: Shelves) -> None:
    """Hidden ones, dangling links and folders."""
    shelves.write(".a.py", "1 / 0\n")
    (shelves.folder / "link.py").symlink_to("gone.py")
    (shelves.folder / "folder.py").mkdir()

    assert shelves.look() == {}
    assert shelves.library.shelf is EMPTY


def test_dataclasses_can_be_defined(shelves: Shelves) -> None:
    """They look for their module by its name."""
    body = (
        "from dataclasses import dataclass\n"
        "@dataclass\nclass D:\n    x: 'int' = 1\n" + define("one", 1)
    )
    shelves.write("a.py", body)

    assert shelves.look() == {"one": 1}
