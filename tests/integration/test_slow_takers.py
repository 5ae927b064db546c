"""Peers that ask for much over HTTP and take nothing of it, or little by little."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import pytest

from tests.broker.gateway.raw_client import ENOUGH
from tests.broker.security.pem import make_certificate

from .elsewhere import unverified
from .harness import Broker, StartBroker
from .test_half_open import EncryptedBroker, until
from .test_ops import metrics

WRITE_TIMEOUT: Final = 1.0
SLOW: Final = 3.0
"""Seconds that a slow machine may take longer."""
SMALL: Final = 4_096
"""Bytes that the peer's system takes when the peer reads nothing."""
MIB: Final = 1024 * 1024
SIZE: Final = 16 * MIB
"""Of a file: more than the systems between both ends hold."""
ESTABLISHED: Final = b"\1"
"""Linux's number for a connection that is neither closed nor cut."""
BIG: Final = "/public/big.bin"
TAKERS: Final = 100
PIECE: Final = 128 * 1024
"""Bytes of a file that wait for each."""
EACH: Final = PIECE + 64 * 1024
"""Bytes that each may cost: its piece, and the connection, of which half is seen."""
LEFT: Final = 5 * MIB
"""Bytes that may still be in use when all are gone: half of it is seen."""


def write_big(broker: Broker) -> None:
    """Have something to ask for."""
    folder = broker.root / "public"
    folder.mkdir()
    (folder / "big.bin").write_bytes(b"x" * SIZE)


def request(path: str, *lines: str) -> bytes:
    """Ask for something."""
    return "\r\n".join(
        [f"GET {path} HTTP/1.1", "Host: localhost", *lines, "", ""]
    ).encode()


def ask_for(broker: Broker, said: bytes) -> socket.socket:
    """Ask and read nothing yet."""
    parts = urlsplit(broker.url)
    line = socket.socket()
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
    line.settimeout(ENOUGH)
    line.connect((parts.hostname, parts.port))
    line.sendall(said)
    return line


def rest(line: socket.socket) -> int:
    """Bytes that still come, until the connection is closed or cut."""
    size = 0
    with suppress(ConnectionResetError):
        while piece := line.recv(65_536):
            size += len(piece)
    return size


def is_open(line: socket.socket) -> bool:
    """Whether the other end has neither closed nor cut it, read or not."""
    return line.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1) == ESTABLISHED


def memory(broker: Broker) -> float:
    """Bytes of the broker's memory that are in use."""
    return metrics(broker.url)["process_resident_memory_bytes", ""]


@pytest.mark.parametrize(
    "said",
    [
        request(BIG),
        request(BIG, "Connection: close"),
        request("/extension.zip") * 200,
        request("/lib/socket.io.esm.min.js") * 500,
        request("/metrics") * 1_000,
    ],
    ids=["file", "file and no more", "extension", "library", "metrics"],
)
def test_who_takes_nothing_of_an_answer_is_cut(
    start_broker: StartBroker, said: bytes
) -> None:
    """Section 9: a socket that takes nothing; many requests at once are no way out."""
    own = start_broker({}, writeTimeout=WRITE_TIMEOUT)
    write_big(own)
    with ask_for(own, said) as line:
        began = time.monotonic()
        until(lambda: own.reached("httpAnswerTime") == 1)
        took = time.monotonic() - began
        got = rest(line)

    assert WRITE_TIMEOUT <= took <= WRITE_TIMEOUT * 1.25 + SLOW
    assert got < SIZE


def test_who_takes_a_byte_now_and_then_is_cut(start_broker: StartBroker) -> None:
    """Too little for the systems between both ends to send more."""
    own = start_broker({}, writeTimeout=WRITE_TIMEOUT)
    write_big(own)
    with ask_for(own, request(BIG)) as line:
        end = time.monotonic() + ENOUGH
        while own.reached("httpAnswerTime") == 0:
            assert time.monotonic() < end, "it was never cut"
            assert line.recv(1) != b""
        got = rest(line)

    assert got < SIZE


def test_who_takes_slowly_is_not_cut(start_broker: StartBroker) -> None:
    """However long it takes in all, and be it for longer than the time there is."""
    own = start_broker({}, writeTimeout=WRITE_TIMEOUT)
    write_big(own)
    with ask_for(own, request(BIG, "Connection: close")) as line:
        began, got = time.monotonic(), 0
        while time.monotonic() - began < 3 * WRITE_TIMEOUT:
            got += len(line.recv(SMALL))
            metrics(own.url)  # which takes a while
        got += rest(line)

    assert got > SIZE
    assert own.reached("httpAnswerTime") == 0


def test_what_was_held_for_them_is_free_again(start_broker: StartBroker) -> None:
    """A hundred of them hold a piece each, and nothing when they are cut."""
    own = start_broker({}, writeTimeout=4 * WRITE_TIMEOUT)
    write_big(own)
    before = at_rest = memory(own)
    with ExitStack() as inside:
        for _ in range(TAKERS):
            inside.enter_context(ask_for(own, request(BIG)))
        end = time.monotonic() + ENOUGH
        while (now := memory(own)) and own.reached("httpAnswerTime") == 0:
            assert time.monotonic() < end, "nobody was ever cut"
            at_rest = now
        until(lambda: own.reached("httpAnswerTime") == TAKERS)
        until(lambda: memory(own) < before + LEFT)

    assert before + TAKERS * PIECE <= at_rest < before + TAKERS * EACH


@pytest.fixture
def encrypted(tmp_path: Path) -> Iterator[EncryptedBroker]:
    """A broker with a certificate."""
    files = make_certificate(tmp_path, "shown")
    tls = {"tlsCert": str(files.cert), "tlsKey": str(files.key)}
    own = EncryptedBroker(
        tmp_path / "broker", server={**tls, "writeTimeout": WRITE_TIMEOUT}
    )
    own.start()
    write_big(own)
    yield own
    own.stop()


@pytest.mark.parametrize(
    "said",
    [request(BIG), request(BIG, "Connection: close"), request("/extension.zip") * 100],
    ids=["file", "file and no more", "extension"],
)
def test_who_takes_nothing_of_what_is_encrypted_is_cut(
    encrypted: EncryptedBroker, said: bytes
) -> None:
    """What is encrypted waits where asyncio does not count it."""
    with ask_for(encrypted, b"") as line, unverified().wrap_socket(line) as talk:
        talk.sendall(said)
        began = time.monotonic()
        until(lambda: encrypted.reached("httpAnswerTime") == 1)
        took = time.monotonic() - began

    assert WRITE_TIMEOUT <= took <= WRITE_TIMEOUT * 1.25 + SLOW


@pytest.mark.parametrize("lines", [(), ("Connection: close",)], ids=["on", "close"])
def test_who_takes_not_even_the_end_holds_no_place(
    encrypted: EncryptedBroker, lines: tuple[str, ...]
) -> None:
    """An answer that has left asyncio's sight whole, and that nobody takes."""
    with ask_for(encrypted, b"") as line, unverified().wrap_socket(line) as talk:
        talk.sendall(request("/extension.zip", *lines))
        talk.recv(1)
        assert is_open(talk)
        began = time.monotonic()
        until(lambda: not is_open(talk))
        took = time.monotonic() - began

    assert took <= WRITE_TIMEOUT * 1.25 + SLOW
