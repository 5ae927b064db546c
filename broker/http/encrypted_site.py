"""Where encrypted connections come in: each has a place before its handshake begins.

Owns the sockets that are listened on. asyncio's own servers tell nobody of a connection
until it is encrypted: who opens many and says nothing, or half a greeting, would hold
as many files as it likes, for a minute each.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import socket
from collections.abc import Callable
from functools import partial
from ssl import SSLContext
from typing import Final, cast

from aiohttp import web

from actors.errors import BrokerError
from actors.limits import Limit, reached
from broker.http.gate import GuardedRunner

logger = logging.getLogger(__name__)

BACKLOG: Final = 128
"""Connections that the system keeps until they are accepted."""

BREATH: Final = 1.0
"""Seconds to wait when no connection can be accepted: there are no files left."""

GONE: Final = frozenset({errno.ECONNABORTED, errno.EPERM, errno.EPROTO})
"""Why a connection can not be accepted, and the next one can."""


class EncryptedSite(web.BaseSite):
    """As aiohttp's ``TCPSite``, but it counts who comes before anything is said."""

    def __init__(
        self, runner: GuardedRunner, context: SSLContext, host: str, port: int
    ) -> None:
        super().__init__(runner, ssl_context=context)
        self._make_entrance = partial(_Entrance, runner, context)
        self._host = host
        self._port = port

    @property
    def name(self) -> str:
        """Its address, for messages."""
        return f"https://{self._host}:{self._port}"

    async def start(self) -> None:
        """Listen.

        Raises:
            OSError: that is not possible there.
        """
        await super().start()
        entrance = self._make_entrance(await _listening(self._host, self._port))
        # All of a server that aiohttp wants.
        self._server = cast("asyncio.AbstractServer", entrance)


class _Entrance:
    """What accepts connections until it is closed."""

    def __init__(
        self, runner: GuardedRunner, context: SSLContext, sockets: list[socket.socket]
    ) -> None:
        self.sockets = sockets
        self._runner = runner
        self._gate = runner.gate
        self._context = context
        self._tasks = {asyncio.ensure_future(self._listen(one)) for one in sockets}

    def close(self) -> None:
        """Accept no more, and give up the handshakes that are under way."""
        for task in self._tasks:
            task.cancel()

    async def _listen(self, listening: socket.socket) -> None:
        with listening:
            while True:
                try:
                    await self._accept(listening)
                except OSError as error:
                    if error.errno not in GONE:
                        logger.warning("no connection can be accepted: %s", error)
                        await asyncio.sleep(BREATH)

    async def _accept(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        connection, (address, *_) = await loop.sock_accept(listening)
        self._let_in(connection, address)

    def _let_in(self, connection: socket.socket, address: str) -> None:
        try:
            place = self._gate.places.take(address)
        except BrokerError as error:
            if self._gate.exit.is_crowded:
                connection.close()
                return
            away = self._gate.exit.show(error)
            protocol, leave = cast("asyncio.Protocol", away), away.leave
        else:
            protocol, leave = self._runner.protocol(place), place.leave
        entering = self._enter(connection, address, protocol, leave)
        task = asyncio.ensure_future(entering)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _enter(
        self,
        connection: socket.socket,
        address: str,
        protocol: asyncio.Protocol,
        leave: Callable[[], None],
    ) -> None:
        with contextlib.ExitStack() as failed:
            failed.callback(leave)
            try:
                await self._encrypt(connection, protocol)
            except ConnectionAbortedError:
                reached[Limit.TLS_HANDSHAKE_TIME] += 1
                logger.info("%s did not end its handshake in time", address)
            except OSError as error:
                logger.debug("%s could not be encrypted with: %s", address, error)
            else:
                failed.pop_all()

    async def _encrypt(
        self, connection: socket.socket, protocol: asyncio.Protocol
    ) -> None:
        """Make a connection its protocol's, or close it.

        Raises:
            ConnectionAbortedError: it was not encrypted in time.
            OSError: what the peer sent is no TLS, or it has gone.
        """
        loop = asyncio.get_running_loop()
        await loop.connect_accepted_socket(
            lambda: protocol,
            connection,
            ssl=self._context,
            ssl_handshake_timeout=self._gate.first_request,
            ssl_shutdown_timeout=self._gate.farewell,
        )


async def _listening(host: str, port: int) -> list[socket.socket]:
    """Sockets for all addresses that a name has.

    Raises:
        OSError: one of them can not be listened on.
    """
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(
        host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    sockets: list[socket.socket] = []
    try:
        for family, *_, address in dict.fromkeys(found):
            one = socket.create_server(address, family=family, backlog=BACKLOG)
            sockets.append(one)
            one.setblocking(False)  # noqa: FBT003 - the library's signature
    except OSError:
        for one in sockets:
            one.close()
        raise
    return sockets
