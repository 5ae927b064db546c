"""LoopFuture: Pykka's future on the running event loop.

Awaiting Pykka's own would stop the loop for the whole call. Owns one answer; must
never be got, only awaited or listened to. Who listens is called in the turn in which
the answer comes: neither a task nor another turn of the loop is spent on it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
import threading
from collections.abc import Callable, Generator
from typing import Any, Generic, TypeVar

import pykka

from actors.errors import TimeoutExpiredError, UnavailableError

logger = logging.getLogger(__name__)

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
        self._done = False
        self._value: Any = None
        self._error: BaseException | None = None
        self._listeners: list[Callable[[LoopFuture[T]], None]] = []
        self._waiter: asyncio.Future[T] | None = None
        self._expiry: asyncio.TimerHandle | None = None

    def set(self, value: T | None = None) -> None:
        """Answer with ``value``; with another ``LoopFuture``, once that is set."""
        if isinstance(value, LoopFuture):
            value.when_done(self._follow)
        else:
            self._on_loop(value, None)

    def set_exception(self, exc_info: Any = None) -> None:
        """Answer with the exception of ``exc_info``, or the one being handled."""
        self._on_loop(None, (exc_info or sys.exc_info())[1])

    def fail(self, error: BaseException) -> None:
        """Answer with ``error``."""
        self._on_loop(None, error)

    def expire_after(self, seconds: float) -> None:
        """Answer with ``TimeoutExpiredError`` if there is no other answer by then."""
        if not self._done:
            self._expiry = self._loop.call_later(seconds, self._expire, seconds)

    def when_done(self, listener: Callable[[LoopFuture[T]], None]) -> None:
        """Call ``listener`` on the loop as soon as there is an answer; now if it is."""
        if self._done:
            self._call(listener)
        else:
            self._listeners.append(listener)

    def done(self) -> bool:
        """Whether there is an answer."""
        return self._done

    def error(self) -> BaseException | None:
        """The exception it was answered with."""
        return self._error

    def result(self) -> T:
        """The answer; raises the exception that it was answered with."""
        if self._error is not None:
            raise self._error
        value: T = self._value
        return value

    def get(self, *, timeout: float | None = None) -> T:
        """Refuse: to block on the loop is to stop it."""
        raise RuntimeError(f"await a LoopFuture, never get() it ({timeout=})")

    @property
    def waiter(self) -> asyncio.Future[T]:
        """The same for asyncio, made for the first who awaits."""
        if self._waiter is None:
            self._waiter = self._loop.create_future()
            if self._done:
                self._wake(self._waiter)
        return self._waiter

    def __await__(self) -> Generator[Any, None, T]:
        return self.waiter.__await__()

    def _on_loop(self, value: Any, error: BaseException | None) -> None:
        if threading.get_ident() == self._thread:
            self._settle(value, error)
            return
        with contextlib.suppress(RuntimeError):  # the loop has closed meanwhile
            self._loop.call_soon_threadsafe(self._settle, value, error)

    def _settle(self, value: Any, error: BaseException | None) -> None:
        if self._done:
            return
        self._done, self._value, self._error = True, value, error
        if self._expiry is not None:
            self._expiry.cancel()
        if self._waiter is not None:
            self._wake(self._waiter)
        listeners, self._listeners = self._listeners, []
        for listener in listeners:
            self._call(listener)

    def _expire(self, seconds: float) -> None:
        self.fail(TimeoutExpiredError(f"no answer within {seconds:g} seconds"))

    def _call(self, listener: Callable[[LoopFuture[T]], None]) -> None:
        # Whoever answers must not fall over who listens: an inbox would stand still.
        try:
            listener(self)
        except Exception:
            logger.exception("what waited for an answer failed")

    def _wake(self, waiter: asyncio.Future[T]) -> None:
        if waiter.done():  # whoever awaited it has given up
            return
        if self._error is None:
            waiter.set_result(self._value)
            return
        waiter.set_exception(self._error)
        # Who does not wait does not want to know: no word of it in the log.
        waiter.exception()

    def _follow(self, other: LoopFuture[Any]) -> None:
        self._on_loop(other._value, other._error)
