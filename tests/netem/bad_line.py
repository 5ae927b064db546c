"""A line between two network namespaces that loses, delays and can be cut.

``tc netem`` makes it so where the kernel has that. Where not, both ends are tunnels
and this process carries the packets, late and not all of them: TCP meets the same.
Everything is in the namespace of this process, and ends with it.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import random
import struct
from contextlib import suppress
from pathlib import Path
from typing import Final, Self

LOSS: Final = 0.1
DELAY: Final = 0.3
"""Seconds, each way."""
HERE: Final = "10.77.0.1"
THERE: Final = "10.77.0.2"
NETWORK: Final = "10.77.0.0/24"
NEAR: Final = "near"
FAR: Final = "far"

_NETEM: Final = f"delay {DELAY * 1000:.0f}ms loss {LOSS:.0%}".split()
_TUNNEL: Final = Path("/dev/net/tun")
_MAKE_TUNNEL: Final = 0x400454CA
"""``TUNSETIFF``."""
_PLAIN_PACKETS: Final = 0x1001
"""``IFF_TUN | IFF_NO_PI``."""
_PACKET: Final = 65_536


class BadLine:
    """Leads from this namespace to that of another process."""

    def __init__(self, pid: int) -> None:
        """Note where it leads; ``async with`` lays it."""
        self._far = ["nsenter", f"--net=/proc/{pid}/ns/net"]
        self._pid = str(pid)
        self._tunnels: list[int] = []
        self.made_by = "tc netem"

    async def __aenter__(self) -> Self:
        if await _succeeds("tc", "qdisc", "add", "dev", "lo", "root", "netem"):
            await _run("tc", "qdisc", "del", "dev", "lo", "root")
            await _run("ip", "link", "add", NEAR, "type", "veth", "peer", "name", FAR)
        else:
            self.made_by = "tunnels, this kernel has no netem"
            self._tunnels = [_tunnel(NEAR), _tunnel(FAR)]
        await _run("ip", "link", "set", FAR, "netns", self._pid)
        for there, device, address in (([], NEAR, HERE), (self._far, FAR, THERE)):
            await _run(*there, "ip", "link", "set", "lo", "up")
            await _run(*there, "ip", "addr", "add", f"{address}/24", "dev", device)
            await _run(*there, "ip", "link", "set", device, "up")
            if not self._tunnels:
                netem = ["qdisc", "add", "dev", device, "root", "netem", *_NETEM]
                await _run(*there, "tc", *netem)
        if self._tunnels:
            near, far = self._tunnels
            self._carry(near, far)
            self._carry(far, near)
        return self

    async def __aexit__(self, *_error: object) -> None:
        for tunnel in self._tunnels:
            asyncio.get_running_loop().remove_reader(tunnel)
            os.close(tunnel)
        self._tunnels.clear()

    async def cut(self, seconds: float) -> None:
        """Pull the plug for a while: neither end is told."""
        await _run("ip", "link", "set", NEAR, "down")
        await asyncio.sleep(seconds)
        await _run("ip", "link", "set", NEAR, "up")

    def _carry(self, source: int, target: int) -> None:
        loop = asyncio.get_running_loop()

        def deliver(packet: bytes) -> None:
            if self._tunnels:
                with suppress(OSError):  # the cable is cut
                    os.write(target, packet)

        def take() -> None:
            with suppress(OSError):
                packet = os.read(source, _PACKET)
                if random.random() >= LOSS:  # noqa: S311 - nothing is secret here
                    loop.call_later(DELAY, deliver, packet)

        loop.add_reader(source, take)


def _tunnel(name: str) -> int:
    tunnel = os.open(_TUNNEL, os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(
        tunnel, _MAKE_TUNNEL, struct.pack("16sH22x", name.encode(), _PLAIN_PACKETS)
    )
    return tunnel


async def _succeeds(*command: str) -> bool:
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )
    return await process.wait() == 0


async def _run(*command: str) -> None:
    assert await _succeeds(*command), f"failed: {' '.join(command)}"
