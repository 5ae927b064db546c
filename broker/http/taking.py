"""Whether a peer takes what is written to it, for answers that nobody else watches.

aiohttp waits for ever for a peer that does not read, with the answer in memory and the
connection's place taken; and to close a connection is no help, for it waits for the
rest to be taken. Finds a peer that takes nothing, and never one that is merely slow.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import sys
from collections.abc import Callable
from typing import Any, Final, NamedTuple

LOOKS: Final = 4
"""How often one looks in the time that a peer has; it may take that part longer."""

_TCP_INFO: Final = struct.Struct("24xI92xQ16xI")
"""Three of the fields of Linux's ``struct tcp_info``, in their order."""

_AT_ONCE: Final = struct.pack("ii", 1, 0)
"""``struct linger``: keep nothing for a peer after the end."""


class _Tcp(NamedTuple):
    """What the system knows of a connection; zeros where it does not tell."""

    unacknowledged: int = 0
    """Segments sent and not yet taken by the peer's system."""
    taken: int = 0
    """Bytes that have been."""
    unsent: int = 0
    """Bytes that wait in our system."""


class Taking:
    """One connection's peer, watched while something waits for it."""

    def __init__(self, transport: Any, on_stall: Callable[[], None]) -> None:
        self.transport = transport
        self._on_stall = on_stall
        # What is encrypted already does not count as unwritten, and is as much.
        self._encrypted = transport.get_extra_info("sslcontext") is not None
        self._pause = 0.0
        self._before = (0, 0)
        self._stalled = 0
        """Looks in a row at which nothing more had been taken."""
        self._timer: asyncio.TimerHandle | None = None

    def expect(self, seconds: float) -> None:
        """Have something taken within that time, and again until nothing waits."""
        self.forget()
        tcp = self._ask()
        if self._waits(tcp):
            self._pause = seconds / LOOKS
            self._note(tcp)

    def forget(self) -> None:
        """Expect nothing any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def cut(self) -> None:
        """End the connection; what our system still holds for the peer goes too."""
        connection = self.transport.get_extra_info("socket")
        if connection is not None:
            with contextlib.suppress(OSError):
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
        self.transport.abort()

    def _note(self, tcp: _Tcp) -> None:
        self._before = self._progress(tcp)
        self._stalled = 0
        self._look_later()

    def _look_later(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._pause, self._look)

    def _look(self) -> None:
        self._timer = None
        tcp = self._ask()
        if not self._waits(tcp):
            return
        if self._progress(tcp) > self._before:
            self._note(tcp)
            return
        self._stalled += 1
        if self._stalled >= LOOKS:
            self._on_stall()
        else:
            self._look_later()

    def _waits(self, tcp: _Tcp) -> bool:
        if self._unwritten():
            return True
        return self._encrypted and bool(tcp.unacknowledged or tcp.unsent)

    def _progress(self, tcp: _Tcp) -> tuple[int, int]:
        """What grows when the peer takes something."""
        return tcp.taken, -self._unwritten()

    def _unwritten(self) -> int:
        return int(self.transport.get_write_buffer_size())

    def _ask(self) -> _Tcp:
        connection = self.transport.get_extra_info("socket")
        if sys.platform != "linux" or connection is None:
            return _Tcp()
        try:
            told = connection.getsockopt(
                socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO.size
            )
            return _Tcp(*_TCP_INFO.unpack(told))
        except (OSError, struct.error):  # it is closed, or the system too old
            return _Tcp()
