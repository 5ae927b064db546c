"""LoopFuture: Pykka's future on the running event loop.

Awaiting Pykka's own would stop the loop for the whole call. Owns one answer; must
never be got, only awaited.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
from collections.abc import Callable, Generator
from typing import Any, Generic, TypeVar

import pykka

from actors.errors import UnavailableError

T = TypeVar("T")


class ActorEndedError(UnavailableError):
    """The actor was gone before it could answer."""


class LoopFuture(pykka.Future[T], Generic[T]):
    """A Pykka future that is awaited on the loop instead of blocking it.

    It may be set from any thread, once; setting it again is ignored, since the
    asker may have given up meanwhile.
    """

    def __init__(self) -> None:
        """Belong to the running loop."""
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self.waiter: asyncio.Future[T] = self._loop.create_future()

    def set(self, value: T | None = None) -> None:
        """Answer with ``value``; with another ``LoopFuture``, once that is set."""
        if isinstance(value, LoopFuture):
            value.waiter.add_done_callback(self._follow)
        else:
            self._on_loop(self._set, value)

    def set_exception(self, exc_info: Any = None) -> None:
        """Answer with the exception of ``exc_info``, or the one being handled."""
        error = (exc_info or sys.exc_info())[1]
        self._on_loop(self._fail, error)

    def fail(self, error: BaseException) -> None:
        """Answer with ``error``."""
        self._on_loop(self._fail, error)

    def get(self, *, timeout: float | None = None) -> T:
        """Refuse: to block on the loop is to stop it."""
        raise RuntimeError(f"await a LoopFuture, never get() it ({timeout=})")

    def __await__(self) -> Generator[Any, None, T]:
        return self.waiter.__await__()

    def _on_loop(self, settle: Callable[[Any], None], outcome: Any) -> None:
        if threading.get_ident() == self._thread:
            settle(outcome)
            return
        with contextlib.suppress(RuntimeError):  # the loop has closed meanwhile
            self._loop.call_soon_threadsafe(settle, outcome)

    def _set(self, value: T) -> None:
        if not self.waiter.done():
            self.waiter.set_result(value)

    def _fail(self, error: BaseException) -> None:
        if not self.waiter.done():
            self.waiter.set_exception(error)
            # Who does not wait does not want to know: no word of it in the log.
            self.waiter.exception()

    def _follow(self, other: asyncio.Future[Any]) -> None:
        if other.cancelled():
            self._fail(ActorEndedError("the answer was given up"))
        elif (error := other.exception()) is not None:
            self._fail(error)
        else:
            self._set(other.result())
