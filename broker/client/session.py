"""What a client and an extension have in common: they come, they talk, they leave.

Owns the credentials and the connection of one identity. What is said is up to the
classes that build on it, ``TapsterClient`` and ``TapsterExtension``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self

from actors.errors import Code
from broker.client.connection import Connection
from broker.client.credentials import Credentials
from broker.client.errors import UnreachableError, accepted
from broker.client.link import Handler, Link

CALL_TIMEOUT = 30.0
"""Seconds an ordinary call may take, a wait for the connection included."""


class Session:
    """One identity at the broker, as an async context manager."""

    def __init__(self, connection: Connection, credentials: Credentials) -> None:
        self._connection = connection
        self._credentials = credentials
        self._tasks: set[asyncio.Task[Any]] = set()
        connection.settle = self._settle

    @property
    def key(self) -> str | None:
        """The key in use, one that the broker assigned included: save it."""
        return self._credentials.known_key

    @property
    def identity(self) -> str:
        """The name we are known by, and that of our own room."""
        return self._credentials.identity or self._credentials.client_id

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def open(self) -> None:
        """Connect.

        Raises:
            EntryRefusedError: the broker does not let us in; the code says why.
            UnreachableError: there is no broker at this address.
        """
        await self._connection.open()

    async def close(self) -> None:
        """Leave for good."""
        await self._close(farewell=True)

    async def call(
        self,
        namespace: str,
        event: str,
        data: Any = None,
        *,
        timeout: float = CALL_TIMEOUT,
    ) -> dict[str, Any]:
        """Send an event and return its ack.

        Raises:
            BrokerRefusedError: the ack is an error.
            UnreachableError: no ack came, for want of a connection or of time.
        """
        try:
            async with asyncio.timeout(timeout):
                link = await self._connection.ready()
                return accepted(await link.call(namespace, event, data))
        except TimeoutError:
            raise UnreachableError(
                f"{event} was not answered within {timeout:g} s.", Code.TIMEOUT
            ) from None

    async def emit(self, namespace: str, event: str, data: Any = None) -> None:
        """Send an event that needs no ack.

        Raises:
            UnreachableError: there is no connection any more.
        """
        link = await self._connection.ready()
        await link.emit(namespace, event, data)

    def listen(self, namespace: str, event: str, handler: Handler) -> None:
        """Have a plain function called with the data of each such event.

        The namespace must be one that was joined. What the function returns is the
        ack, where the broker asks for one.
        """
        self._connection.listen(namespace, event, handler)

    async def _settle(self, link: Link) -> None:
        """Do what a new link needs before it is used."""
        raise NotImplementedError

    async def _close(self, *, farewell: bool) -> None:
        await self._connection.close(farewell=farewell)
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
