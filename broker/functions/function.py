"""``@function``: how an operator's function is made known, and what it can do.

Owns nothing; the files are ``library``'s to load, the calls ``runner``'s to make.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Final, Protocol, TypeVar

import msgspec

from actors.errors import Code, ProtocolError
from actors.roles import Caller

MARK: Final = "__tapster_function__"

F = TypeVar("F", bound=Callable[..., Any])

_POSITIONAL: Final = (
    inspect.Parameter.POSITIONAL_ONLY,
    inspect.Parameter.POSITIONAL_OR_KEYWORD,
)


class Context(Protocol):
    """What a function gets as its first argument.

    An ``async`` function awaits both methods; any other just calls them, and they
    return when they are done.
    """

    caller: Caller
    """Who called: ``identity``, ``client`` and ``kind``."""

    def call(self, target: str, name: str, *args: Any) -> Any:
        """Call a function of a client or a SillyTavern; gives its result."""

    def send(self, target: str, event: str, data: Any = None) -> Any:
        """Send an event to a client or a SillyTavern in ``/llm``."""


class Function(msgspec.Struct, frozen=True):
    """A function that clients may call."""

    name: str
    run: Callable[..., Any]
    signature: inspect.Signature
    description: str

    @property
    def parameters(self) -> list[str]:
        """What it takes behind the context, with defaults, without types."""
        _, *behind = self.signature.parameters.values()
        return [str(each.replace(annotation=each.empty)) for each in behind]

    @property
    def waits(self) -> bool:
        """Whether it is a coroutine function; any other may block its thread."""
        return inspect.iscoroutinefunction(self.run)

    def check(self, args: list[Any]) -> None:
        """See whether it can be called so.

        Raises:
            ProtocolError: it can not; says how.
        """
        try:
            self.signature.bind(None, *args)
        except TypeError as error:
            takes = ", ".join(self.parameters)
            raise ProtocolError(
                f"it must be called as {self.name}({takes}): {error}",
                Code.INVALID_ARGUMENTS,
            ) from None


def function(wanted: F) -> F:
    """Let clients call a function of a file in ``settings/functions/`` by its name.

    Raises:
        TypeError: it is none, or has no parameter for its context.
    """
    if not inspect.isfunction(wanted):
        raise TypeError("@function stands before def or async def")
    parameters = list(inspect.signature(wanted).parameters.values())
    if not parameters or parameters[0].kind not in _POSITIONAL:
        raise TypeError(f"{wanted.__name__} needs a first parameter: its context")
    setattr(wanted, MARK, True)
    return wanted


def function_of(marked: Callable[..., Any]) -> Function:
    """What is known of a marked function."""
    description = inspect.getdoc(marked) or ""
    return Function(
        marked.__name__,
        marked,
        inspect.signature(marked),
        description.partition("\n")[0],
    )
