"""What one address may hold of all TCP connections, tried from beyond loopback."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import pytest

from tests.broker.gateway.raw_client import ENOUGH, PATH
from tests.broker.security.pem import make_certificate

from .elsewhere import (
    BROKER,
    LOOPBACK,
    NEIGHBOUR,
    PROXY,
    STRANGER,
    Elsewhere,
    FarBroker,
    ask,
    elsewhere,
)

CONNECTIONS: Final = 2
"""Of Engine.IO, from one address."""
LINES: Final = 8 * CONNECTIONS
"""Of TCP."""
AT_ONCE: Final = 0.05
"""Seconds in which whoever is too many is told so."""


@pytest.fixture(scope="module")
def network() -> Iterator[Elsewhere]:
    """A network of its own."""
    with elsewhere() as made:
        yield made


@pytest.fixture
def broker(tmp_path: Path, network: Elsewhere) -> Iterator[FarBroker]:
    """A broker in there that lets few in from an address, if it is no proxy's."""
    with FarBroker(
        tmp_path / "far",
        network,
        connectionsPerAddress=CONNECTIONS,
        trustedProxies=[f"{PROXY}/32"],
    ) as started:
        yield started


def status(answer: bytes) -> int:
    """The number in an answer's first line."""
    return int(answer.split()[1])


def body(answer: bytes) -> Any:
    """The JSON of an answer."""
    return json.loads(answer.partition(b"\r\n\r\n")[2])


def websocket(line: socket.socket) -> int:
    """Ask for a WebSocket; gives the status."""
    head = (
        f"GET {PATH}websocket HTTP/1.1\r\nHost: {BROKER}\r\n"
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    line.sendall(head.encode())
    return status(line.recv(4_096))


def until(holds: Callable[[], bool]) -> None:
    """Wait until something is so."""
    end = time.monotonic() + ENOUGH
    while not holds():
        assert time.monotonic() < end, "it never came to be"


def hold(broker: FarBroker, source: str, number: int, inside: ExitStack) -> None:
    """Open connections from there, and say nothing."""
    for _ in range(number):
        inside.enter_context(broker.connect(source))


def test_one_address_holds_only_its_share_of_all_connections(broker: FarBroker) -> None:
    """Those of nobody else are harmed; nor are the operator's."""
    with ExitStack() as inside:
        hold(broker, STRANGER, LINES, inside)
        refused = broker.get("/", STRANGER)
        others = [broker.get("/", source) for source in (NEIGHBOUR, PROXY, LOOPBACK)]
        counted = broker.reached("tcpConnectionsPerAddress")

    assert status(refused) == 429
    assert body(refused)["code"] == 10429
    assert f"at most {LINES}, close one first" in body(refused)["message"]
    assert [status(answer) for answer in others] == [200] * 3
    assert counted == 1


def test_one_connection_too_many_is_told_so_at_once(broker: FarBroker) -> None:
    """Before anything is read of what it wants, and be it no HTTP."""
    times = []
    with ExitStack() as inside:
        hold(broker, STRANGER, LINES, inside)
        for said in (b"GET / HTTP/1.1\r\n", b"\0", b"x" * 10_000):
            with broker.connect(STRANGER) as line:
                began = time.perf_counter()
                line.sendall(said)
                assert line.recv(4_096).startswith(b"HTTP/1.1 429 ")
                times.append(time.perf_counter() - began)

    assert sorted(times)[1] < AT_ONCE


def test_connections_that_were_closed_make_room(broker: FarBroker) -> None:
    """Whether they were held, or refused."""
    with ExitStack() as inside:
        hold(broker, STRANGER, LINES, inside)
        for _ in range(2 * LINES):
            assert status(broker.get("/", STRANGER)) == 429
    until(lambda: status(broker.get("/", STRANGER)) == 200)

    with ExitStack() as inside:
        hold(broker, STRANGER, LINES - 1, inside)
        assert status(broker.get("/", STRANGER)) == 200


def test_address_with_all_its_websockets_can_still_ask(broker: FarBroker) -> None:
    """A page is loaded over six connections beside them; one WebSocket more is not."""
    with ExitStack() as inside:
        lines = [
            inside.enter_context(broker.connect(STRANGER))
            for _ in range(CONNECTIONS + 1)
        ]
        opened = [websocket(line) for line in lines]
        page = [inside.enter_context(broker.connect(STRANGER)) for _ in range(6)]
        loaded = [status(ask(line, "/")) for line in page]

    assert opened == [101] * CONNECTIONS + [429]
    assert loaded == [200] * 6


@pytest.mark.parametrize("source", [LOOPBACK, PROXY])
def test_this_machine_and_proxies_are_not_counted(
    broker: FarBroker, source: str
) -> None:
    """Many come by one proxy."""
    with ExitStack() as inside:
        hold(broker, source, 2 * LINES, inside)

        assert status(broker.get("/", source)) == 200


def test_who_is_encrypted_is_counted_before_the_handshake(
    tmp_path: Path, network: Elsewhere
) -> None:
    """One address can not hold all files with half-open handshakes."""
    files = make_certificate(tmp_path, "shown")
    with (
        FarBroker(
            tmp_path / "far",
            network,
            connectionsPerAddress=CONNECTIONS,
            tlsCert=str(files.cert),
            tlsKey=str(files.key),
        ) as broker,
        ExitStack() as inside,
    ):
        hold(broker, STRANGER, LINES, inside)
        refused = broker.get("/", STRANGER)
        other = broker.get("/", NEIGHBOUR)
        counted = broker.reached("tcpConnectionsPerAddress")

    assert status(refused) == 429
    assert status(other) == 200
    assert counted == 1
