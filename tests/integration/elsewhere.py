"""A network of its own, in which a broker is spoken to from addresses beyond loopback.

The network is a namespace with nothing but a loopback device that has some addresses
more. A process inside makes the connections and hands them out; both ends with the
test. Nothing of it is to be seen outside.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Self

import pytest

from .harness import PROJECT, Broker

BROKER: Final = "198.51.100.1"
"""Where the broker listens, besides loopback."""
STRANGER: Final = "198.51.100.2"
NEIGHBOUR: Final = "198.51.100.3"
PROXY: Final = "198.51.100.4"
LOOPBACK: Final = "127.0.0.1"

PATIENCE: Final = 10.0
"""Seconds after which a connection has failed."""

_SET_UP: Final = (
    "ip link set lo up && "
    f"for address in {BROKER} {STRANGER} {NEIGHBOUR} {PROXY}; "
    'do ip addr add $address/24 dev lo; done && exec "$@"'
)


class Elsewhere:
    """The network, and who makes connections in it."""

    def __init__(self, process: subprocess.Popen[bytes], line: socket.socket) -> None:
        self._process = process
        self._line = line

    def connect(self, source: str, port: int) -> socket.socket:
        """A connection to the broker, from that address; from loopback to loopback."""
        target = LOOPBACK if source == LOOPBACK else BROKER
        self._line.sendall(json.dumps([source, target, port]).encode() + b"\n")
        answer, files, *_ = socket.recv_fds(self._line, 1, 1)
        assert answer == b"+", f"no connection from {source}"
        made = socket.socket(fileno=files[0])
        made.settimeout(PATIENCE)
        return made

    def inside(self, command: list[str]) -> list[str]:
        """A command, as one that runs in there."""
        owner = ["--user", "--preserve-credentials"] if os.geteuid() else []
        return [
            *("nsenter", "--target", str(self._process.pid), "--net", *owner, "--"),
            *command,
        ]


@contextmanager
def elsewhere() -> Iterator[Elsewhere]:
    """Make the network; it takes no rights that a test may not have."""
    for tool in ("unshare", "nsenter", "ip"):
        if shutil.which(tool) is None:
            pytest.skip(f"networks for tests need the command {tool}")
    owner = ["--user", "--map-root-user"] if os.geteuid() else []
    ours, theirs = socket.socketpair()
    with ours, theirs:
        process = subprocess.Popen(  # noqa: S603 - our own command line
            [
                *("unshare", *owner, "--net", "--", "sh", "-c", _SET_UP, "sh"),
                *(sys.executable, "-m", __name__, str(theirs.fileno())),
            ],
            cwd=PROJECT,
            pass_fds=[theirs.fileno()],
            stderr=subprocess.PIPE,
        )
        theirs.close()
        try:
            if ours.recv(1) != b"!":
                _, error = process.communicate()
                pytest.skip(f"no network can be made here: {error.decode().strip()}")
            yield Elsewhere(process, ours)
        finally:
            ours.close()
            process.communicate()


class FarBroker(Broker):
    """A broker in a network of its own."""

    def __init__(self, root: Path, network: Elsewhere, **server: Any) -> None:
        """It listens on all addresses that are there."""
        super().__init__(
            root,
            server={"serverAddress": "http://0.0.0.0", **server},
            clients={"a": {}},
        )
        self._network = network

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.url.rpartition(":")[2])

    def connect(self, source: str) -> socket.socket:
        """A connection to it from there."""
        return self._network.connect(source, self.port)

    def get(self, path: str, source: str = LOOPBACK) -> bytes:
        """What it answers to a request from there, from the first line on."""
        with self.connect(source) as line:
            if not self.url.startswith("https:"):
                return ask(line, path)
            with unverified().wrap_socket(line) as encrypted:
                return ask(encrypted, path)

    def reached(self, limit: str) -> int:
        """How often a limit was reached, asked from inside."""
        label = f'tapster_limits_reached_total{{limit="{limit}"}} '
        text = self.get("/metrics").decode()
        (value,) = [
            line.removeprefix(label)
            for line in text.splitlines()
            if line.startswith(label)
        ]
        return int(float(value))

    def _command(self) -> list[str]:
        return self._network.inside(super()._command())


def unverified() -> ssl.SSLContext:
    """A client that takes any certificate."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def ask(line: socket.socket, path: str) -> bytes:
    """Ask for something and read until the connection is closed."""
    request = f"GET {path} HTTP/1.1\r\nHost: {LOOPBACK}\r\nConnection: close\r\n\r\n"
    line.sendall(request.encode())
    return b"".join(iter(lambda: line.recv(65_536), b""))


def _serve(line: socket.socket) -> None:
    """Make connections as long as somebody asks for them."""
    line.sendall(b"!")
    with line.makefile("rb") as asked:
        for words in asked:
            source, target, port = json.loads(words)
            with socket.create_connection((target, port), PATIENCE, (source, 0)) as it:
                socket.send_fds(line, [b"+"], [it.fileno()])


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
