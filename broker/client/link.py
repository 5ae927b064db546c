"""One Engine.IO connection to the broker, from its opening to its end.

Owns one ``socketio.AsyncClient``, the namespaces on it and the acks awaited on it.
It must never reconnect: an ended link stays ended, so that nothing of an old
connection can be mistaken for the new one's. ``connection.py`` makes the next.

Handlers are plain functions on purpose: python-socketio runs each packet in a task
of its own, and only what does not wait is sure to happen in the order of the wire.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any, TypeVar

import socketio

from actors.errors import Code
from broker.client.errors import EntryRefusedError, UnreachableError, complaint
from broker.protocol.wire import Event

T = TypeVar("T")
Handler = Callable[[Any], Any]

logger = logging.getLogger(__name__)

BROKEN = "The connection to the broker broke."

FAREWELL_TIMEOUT = 2.0
"""Seconds the broker has to close the namespaces of a client that says goodbye."""


class Link:
    """One connection; use it from ``open`` until ``ended``."""

    def __init__(self, namespaces: Iterable[str]) -> None:
        self._namespaces = [str(namespace) for namespace in namespaces]
        self._missing = set(self._namespaces)
        self._sio: Any = socketio.AsyncClient(reconnection=False, handle_sigint=False)
        self._entry: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._acks: set[asyncio.Future[Any]] = set()
        self._ended = asyncio.Event()
        self._leaving = False
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def alive(self) -> bool:
        """Whether there is any sense in sending."""
        return not self._ended.is_set()

    def listen(self, namespace: str, event: str, handlers: list[Handler]) -> None:
        """Call every handler in the list, as it is then, when that event comes."""

        def dispatch(*args: Any) -> Any:
            answer = None
            for handler in tuple(handlers):
                try:
                    answer = handler(args[0] if args else None)
                except Exception:
                    logger.exception("A handler of %s failed.", event)
            return answer

        self._sio.on(event, dispatch, namespace=namespace)

    async def open(
        self,
        url: str,
        auth: Mapping[str, Any],
        transports: list[str] | None,
        timeout: float,
    ) -> None:
        """Connect and enter all namespaces.

        Raises:
            EntryRefusedError: the broker refused one of them.
            UnreachableError: nobody answered, or not in time.
        """
        for namespace in self._namespaces:
            self._watch_namespace(namespace)
        try:
            async with asyncio.timeout(timeout):
                await self._sio.connect(
                    url,
                    auth=dict(auth),
                    namespaces=self._namespaces,
                    transports=transports,
                    wait=False,
                )
                self._spawn(self._watch_end())
                await self._entry
        except EntryRefusedError:
            await self.close()
            raise
        except Exception as problem:
            # Whatever the libraries below raise here, to the caller it means one
            # thing: there is no broker to be had at this address now.
            await self.close()
            sentence = str(problem) or "no answer in time"
            raise UnreachableError(f"No connection to {url}: {sentence}") from problem
        except asyncio.CancelledError:
            await self.close()
            raise

    async def emit(self, namespace: str, event: str, data: Any = None) -> None:
        """Send an event that asks for no ack.

        Raises:
            UnreachableError: the link has ended, or that namespace is not entered.
        """
        await self._send(namespace, event, data, None)

    async def call(
        self,
        namespace: str,
        event: str,
        data: Any = None,
        on_ack: Handler | None = None,
    ) -> Any:
        """Send an event and wait for its ack, however long; ``on_ack`` sees it first.

        What ``on_ack`` does happens before any event that follows the ack on the
        wire; what the caller does after the ``await`` may come later.

        Raises:
            UnreachableError: the link ended before the ack came.
        """
        ack: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

        def acked(*args: Any) -> None:
            answer = args[0] if args else None
            if ack.done():
                return
            try:
                if on_ack is not None:
                    on_ack(answer)
                ack.set_result(answer)
            except Exception as problem:  # noqa: BLE001 - the caller's to handle
                _fail(ack, problem)

        self._acks.add(ack)
        try:
            await self._send(namespace, event, data, acked)
            return await ack
        finally:
            self._acks.discard(ack)

    async def race(self, work: Coroutine[Any, Any, T]) -> T:
        """Do the work while the link lives.

        Raises:
            UnreachableError: the link ended first.
        """
        task = asyncio.ensure_future(work)
        end = asyncio.ensure_future(self._ended.wait())
        try:
            await asyncio.wait({task, end}, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
            raise UnreachableError(BROKEN)
        finally:
            for one in (task, end):
                one.cancel()
            await asyncio.gather(task, end, return_exceptions=True)

    async def ended(self) -> None:
        """Wait until the link has ended."""
        await self._ended.wait()

    async def close(self, *, farewell: bool = False) -> None:
        """End the link; with a farewell the broker grants no grace time."""
        self._leaving = True
        if farewell and self.alive:
            for namespace in list(self._sio.namespaces):
                await self.emit(namespace, Event.CLIENT_DISCONNECTED)
            # The broker closes the namespaces then, and the last one takes the
            # connection along: all that was sent before has arrived.
            await asyncio.wait(
                {self._spawn(self._ended.wait())}, timeout=FAREWELL_TIMEOUT
            )
        try:
            await self._sio.disconnect()
        except Exception:
            # Given up in the middle of an upgrade, python-engineio stumbles over
            # its own missing reader; the second time it only frees what it holds.
            logger.debug("The connection ended half open.", exc_info=True)
            await self._sio.eio.disconnect()
        if (socket := self._sio.eio.ws) is not None:
            # python-engineio leaves it open where sending broke before reading did.
            await socket.close()
        self._end()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _send(
        self, namespace: str, event: str, data: Any, acked: Callable[..., None] | None
    ) -> None:
        if not self.alive:
            raise UnreachableError(BROKEN)
        try:
            await self._sio.emit(
                str(event), data, namespace=str(namespace), callback=acked
            )
        except socketio.exceptions.BadNamespaceError as problem:
            raise UnreachableError(f"{namespace} is not connected.") from problem

    def _watch_namespace(self, namespace: str) -> None:
        # python-socketio's own names for what happens to a namespace; they are not
        # on the wire.
        def joined() -> None:
            self._missing.discard(namespace)
            if not self._missing and not self._entry.done():
                self._entry.set_result(None)

        def refused(data: Any = None) -> None:
            details = data if isinstance(data, dict) else {"message": str(data)}
            message, code = complaint(
                details, "The broker refused the connection.", Code.UNKNOWN
            )
            _fail(self._entry, EntryRefusedError(namespace, message, code))

        def left(reason: Any = None) -> None:
            # Without one of its namespaces a link is of no use: start afresh.
            if reason == self._sio.reason.SERVER_DISCONNECT and not self._leaving:
                logger.info("The broker closed %s.", namespace)
                self._spawn(self._sio.disconnect())

        self._sio.on("connect", joined, namespace=namespace)
        self._sio.on("connect_error", refused, namespace=namespace)
        self._sio.on("disconnect", left, namespace=namespace)

    async def _watch_end(self) -> None:
        try:
            await self._sio.eio.wait()
        except Exception:
            # A write that the cut found waiting fails in a way that python-engineio
            # does not foresee: its reader fails with it, and tells nobody.
            logger.debug("The connection ended in an error.", exc_info=True)
        finally:
            self._end()

    def _end(self) -> None:
        self._ended.set()
        for future in (self._entry, *self._acks):
            _fail(future, UnreachableError(BROKEN))

    def _spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _fail(future: asyncio.Future[Any], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
        future.exception()  # whoever waits gets it, but nobody need wait
