"""What ``@function`` takes, and what is known of it."""

from __future__ import annotations

from typing import Any

import pytest

from actors.errors import BrokerError, Code
from broker.functions import Context, function
from broker.functions.function import function_of


def test_marked_function_stays_what_it_is() -> None:
    """One function of a file may call another."""

    @function
    def add(_context: Any, one: int, two: int) -> int:
        return one + two

    assert add(None, 1, 2) == 3


@pytest.mark.parametrize("wanted", [7, None, int, print, "x"])
def test_only_functions_are_functions(wanted: Any) -> None:
    """The decorator stands before def or async def."""
    with pytest.raises(TypeError, match="def"):
        function(wanted)


def test_function_needs_a_context() -> None:
    """It would be called with one all the same."""

    def nothing() -> None: ...

    def named(*, context: Any) -> None: ...

    for wanted in (nothing, named):
        with pytest.raises(TypeError, match="first parameter"):
            function(wanted)


def test_function_is_described_by_its_docstring_and_parameters() -> None:
    """The context is no business of those who call."""

    @function
    def greet(context: Context, name: str, times: int = 1, *more: Any) -> None:
        """Greet somebody.

        At length.
        """

    described = function_of(greet)

    assert described.name == "greet"
    assert described.description == "Greet somebody."
    assert described.parameters == ["name", "times=1", "*more"]
    assert not described.waits


def test_function_without_a_docstring_is_described_by_nothing() -> None:
    """Nobody has to write one."""

    async def bare(context: Any) -> None: ...

    assert function_of(bare).description == ""
    assert function_of(bare).waits


@pytest.mark.parametrize("args", [[], [1, 2, 3]])
def test_arguments_that_do_not_fit_are_refused(args: list[Any]) -> None:
    """Section 2: 503, with the way to call it."""

    def take(context: Any, one: int, two: int = 2) -> None: ...

    with pytest.raises(BrokerError, match=r"take\(one, two=2\)") as refused:
        function_of(take).check(args)

    assert refused.value.code == Code.INVALID_ARGUMENTS


def test_arguments_that_fit_are_taken() -> None:
    """With and without what has a default."""

    def take(context: Any, one: int, two: int = 2) -> None: ...

    for args in ([1], [1, 2]):
        function_of(take).check(args)
