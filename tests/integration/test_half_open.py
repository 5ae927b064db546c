"""Connections that never end the handshake of their encryption: they cost little."""

from __future__ import annotations

import json
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest

from broker.http.places import SPARE
from broker.http.turned_away import AT_ONCE
from broker.security.certificate import TlsFiles
from tests.broker.gateway.raw_client import ENOUGH
from tests.broker.security.pem import make_certificate

from .elsewhere import ask, unverified
from .harness import Broker

HANDSHAKE: Final = 1.0
"""Seconds it may take."""
SLOW: Final = 3.0
"""Seconds that a slow machine may take longer."""
LONGER: Final = 6.0
"""Seconds for the handshake where many are to be there at a time."""
BATCH: Final = 64
"""Connections that are made at once: of more than 128 the system has some try again a
second later."""


class EncryptedBroker(Broker):
    """A broker with a certificate."""

    def connect(self) -> socket.socket:
        """A connection over which nothing has been said."""
        host, _, port = self.url.partition("://")[2].partition(":")
        return socket.create_connection((host, int(port)), ENOUGH)

    def get(self, path: str) -> bytes:
        """What it answers, from the first line on."""
        with unverified().wrap_socket(self.connect()) as line:
            return ask(line, path)

    def reached(self, limit: str) -> int:
        """How often a limit was reached, whoever the certificate is from."""
        label = f'tapster_limits_reached_total{{limit="{limit}"}} '
        told = self.get("/metrics").decode().partition(label)[2]
        return int(float(told.partition("\n")[0]))

    def files(self) -> int:
        """How many it has open."""
        assert self._process is not None
        return len(list(Path(f"/proc/{self._process.pid}/fd").iterdir()))

    def has_files(self, least: int) -> bool:
        """Whether it has so many open, or more."""
        return self.files() >= least

    def files_at_rest(self) -> int:
        """How many when it has answered something, and hardly anybody is there."""
        self.get("/")
        return self.files()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., EncryptedBroker]]:
    """Starts a broker with a certificate."""
    files: TlsFiles = make_certificate(tmp_path, "shown")
    with ExitStack() as running:

        def started(**server: Any) -> EncryptedBroker:
            tls = {"tlsCert": str(files.cert), "tlsKey": str(files.key)}
            own = EncryptedBroker(tmp_path / "broker", server={**tls, **server})
            own.start()
            running.callback(own.stop)
            return own

        yield started


def greeting() -> bytes:
    """How a client begins its handshake."""
    outgoing = ssl.MemoryBIO()
    talk = unverified().wrap_bio(ssl.MemoryBIO(), outgoing)
    with pytest.raises(ssl.SSLWantReadError):
        talk.do_handshake()
    return outgoing.read()


def until(holds: Callable[[], bool]) -> None:
    """Wait until something is so."""
    end = time.monotonic() + ENOUGH
    while not holds():
        assert time.monotonic() < end, "it never came to be"


@pytest.mark.parametrize("part", [0.0, 0.5, 1.0], ids=["silent", "half", "unfinished"])
def test_handshake_that_is_not_ended_is_not_waited_for(
    start: Callable[..., EncryptedBroker], part: float
) -> None:
    """Section 9: the handshake's time, and not asyncio's minute."""
    own = start(handshakeTimeout=HANDSHAKE)
    said = greeting()
    with own.connect() as line:
        began = time.monotonic()
        line.sendall(said[: int(len(said) * part)])
        while line.recv(4_096):
            pass
        took = time.monotonic() - began

    assert HANDSHAKE * 0.9 <= took <= HANDSHAKE + SLOW
    assert own.reached("tlsHandshakeTime") == 1
    assert own.get("/").startswith(b"HTTP/1.1 200 ")


def fill(own: EncryptedBroker, inside: ExitStack, count: int) -> None:
    """So many connections that say nothing; slower than the system drops them."""
    already = own.files_at_rest() - 1  # for it may still see who has just asked
    for number in range(1, count + 1):
        inside.enter_context(own.connect())
        if number % BATCH == 0 or number == count:
            until(partial(own.has_files, already + number))


def is_served(own: EncryptedBroker) -> bool:
    """Whether there is a place again; who finds none may be closed untold."""
    try:
        return own.get("/").startswith(b"HTTP/1.1 200 ")
    except OSError:
        return False


def test_half_open_connections_have_places_like_all_others(
    start: Callable[..., EncryptedBroker],
) -> None:
    """There are no more of them than of all, and none of their files stays open."""
    own = start(handshakeTimeout=LONGER, maxConnections=1)
    before = own.files_at_rest()
    with ExitStack() as inside:
        fill(own, inside, 1 + SPARE)
        refused = own.get("/")
        until(lambda: is_served(own))
        counted = own.reached("tlsHandshakeTime")
        until(lambda: own.files() <= before)

    assert refused.startswith(b"HTTP/1.1 503 ")
    assert json.loads(refused.partition(b"\r\n\r\n")[2])["code"] == 9
    assert own.reached("maxConnections") >= 1
    assert counted >= 1


def test_flood_of_half_open_connections_does_not_exhaust_files(
    start: Callable[..., EncryptedBroker],
) -> None:
    """Those that are too many wait their turn to be told, or are closed untold."""
    own = start(handshakeTimeout=LONGER, maxConnections=1)
    before = own.files_at_rest()
    with ExitStack() as inside:
        fill(own, inside, 1 + SPARE + AT_ONCE)
        began = time.monotonic()
        untold = [inside.enter_context(own.connect()) for _ in range(BATCH)]
        heard = {line.recv(1) for line in untold}
        took = time.monotonic() - began
        most = own.files()
        until(lambda: is_served(own))
    until(lambda: own.files() <= before)

    assert heard == {b""}
    assert took < SLOW
    assert most - before <= 1 + SPARE + AT_ONCE


def test_farewell_that_is_not_answered_is_not_waited_for(
    start: Callable[..., EncryptedBroker],
) -> None:
    """By the rules of TLS who is closed agrees to it; not all do."""
    own = start(handshakeTimeout=HANDSHAKE, writeTimeout=HANDSHAKE)
    with own.connect() as line:
        talk = unverified().wrap_socket(line)
        with socket.socket(fileno=talk.detach()) as raw:
            raw.settimeout(ENOUGH)
            began = time.monotonic()
            while raw.recv(4_096):
                pass
            took = time.monotonic() - began

    assert HANDSHAKE <= took <= 3 * HANDSHAKE + SLOW


@pytest.mark.parametrize(
    "said", [b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"\x16\x03\x01" + b"\0" * 99]
)
def test_what_is_no_handshake_is_closed_at_once(
    start: Callable[..., EncryptedBroker], said: bytes
) -> None:
    """Its place is free again, and the log has no traceback."""
    own = start()
    before = own.files_at_rest()
    for _ in range(10):
        with own.connect() as line:
            line.sendall(said)
            while line.recv(4_096):
                pass
    until(lambda: own.files() <= before)

    assert own.reached("tlsHandshakeTime") == 0
