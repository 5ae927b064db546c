"""A cable between a client and the broker, which a test cuts when it likes.

It carries bytes and knows nothing of what they are, so it is cut in the middle of
anything: a packet, a handshake, the answer to a poll. Cut off in its handshake,
python-engineio's client forgets to close what it had opened: tests that use it here are
marked ``careless``, and find that themselves.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from contextlib import suppress
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

import pytest

AT_ONCE: Final = 64 * 1024

careless = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture
def forgotten() -> Iterator[None]:
    """Find what was forgotten before another test is blamed for it."""
    yield
    gc.collect()


class Cable:
    """Listens on a port of its own and carries what comes to the broker and back."""

    def __init__(self, broker_url: str) -> None:
        """Note where it leads; ``async with`` lays it."""
        self._broker = urlsplit(broker_url)
        self._ends: set[asyncio.StreamWriter] = set()
        self._carrying: set[asyncio.Task[None]] = set()
        self._whole = True
        self._server: asyncio.Server

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._plugged, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.close()
        self.cut()
        await asyncio.gather(*self._carrying, return_exceptions=True)

    @property
    def url(self) -> str:
        """What the client takes for the broker."""
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def cut(self) -> None:
        """End all that goes through it; what comes next is carried again."""
        for end in self._ends:
            end.transport.abort()

    def unplug(self) -> None:
        """End all that goes through it, and carry nothing any more."""
        self._whole = False
        self.cut()

    def plug_in(self) -> None:
        """Carry again."""
        self._whole = True

    def _plugged(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        task = asyncio.ensure_future(self._carry(reader, writer))
        self._carrying.add(task)
        task.add_done_callback(self._carrying.discard)

    async def _carry(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._ends.add(writer)
        if not self._whole:
            writer.transport.abort()
        with suppress(OSError):
            host, port = self._broker.hostname, self._broker.port
            far_reader, far_writer = await asyncio.open_connection(host, port)
            self._ends.add(far_writer)
            await asyncio.gather(_pipe(reader, far_writer), _pipe(far_reader, writer))
            self._ends.discard(far_writer)
        self._ends.discard(writer)


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Carry one way until either end is gone, and then take the other along."""
    with suppress(OSError):
        while piece := await reader.read(AT_ONCE):
            writer.write(piece)
            await writer.drain()
    writer.transport.abort()
