"""Every documented code: raised somewhere, and asserted on somewhere.

Walks the sources and the tests; nothing is imported but the list of codes.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from actors.errors import Code

ROOT: Final = Path(__file__).parents[1]
SOURCES: Final = [*(ROOT / "actors").rglob("*.py"), *(ROOT / "broker").rglob("*.py")]
TESTS: Final = [
    path for path in (ROOT / "tests").rglob("*.py") if path != Path(__file__)
]

PASSED_ON: Final = frozenset(
    {Code.UNKNOWN, Code.LLM_KEY_MISSING, Code.LLM_REFUSED, Code.LLM_SERVER_ERROR}
)
"""What only extensions say, and the broker passes on."""


def name_of(node: ast.AST) -> str | None:
    """The code that an expression names, as ``Code.X``."""
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return node.attr if node.value.id == "Code" else None
    return None


@cache
def raised() -> frozenset[str]:
    """The codes that the sources name, those that errors have of themselves too."""
    named: set[str | None] = set()
    for path in SOURCES:
        named.update(map(name_of, ast.walk(ast.parse(path.read_text("utf-8")))))
    return frozenset(name for name in named if name)


def numbers(node: ast.AST) -> Iterator[int]:
    """The numbers that an assertion about codes speaks of."""
    if isinstance(node, ast.Assert) and "code" in ast.unparse(node):
        for each in ast.walk(node):
            if isinstance(each, ast.Constant) and type(each.value) is int:
                yield each.value


@cache
def asserted() -> frozenset[int]:
    """The codes that tests look for: by name, or as a number where ``code`` stands."""
    found: set[int] = set()
    for path in TESTS:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            found.update(numbers(node))
            name = name_of(node) or ""
            if name in Code.__members__:
                found.add(Code[name])
    return frozenset(found)


@pytest.mark.parametrize("code", Code, ids=[code.name for code in Code])
def test_code_is_raised_somewhere(code: Code) -> None:
    """Section 2 lists no code in vain; some are the extensions' own."""
    assert code in PASSED_ON or code.name in raised()


@pytest.mark.parametrize("code", Code, ids=[code.name for code in Code])
def test_code_is_asserted_on_somewhere(code: Code) -> None:
    """A code that no test looks for may be any other one tomorrow."""
    assert code in asserted()
