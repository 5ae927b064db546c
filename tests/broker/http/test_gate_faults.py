"""What peers send that is no HTTP, or expects too much: their fault, told in a line."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from tests.broker.gateway.in_process import broker_in_process

HEAD = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:4000\r\n"
SIGN_IN = (
    b"POST /console/sign-in HTTP/1.1\r\nHost: 127.0.0.1:4000\r\n"
    b"Content-Type: application/json\r\nContent-Length: 100\r\n"
)
GONE = "somebody has gone in the middle of a request"


@pytest.mark.parametrize(
    ("line", "status"),
    [
        (b"Expect: \xe9\xff", "417"),
        (b"Expect: the best", "417"),
        (b"Content-Length: undefined", "400"),
        (b"Range: \x7f", "400"),
    ],
    ids=str,
)
async def test_a_request_that_makes_no_sense_leaves_no_traceback(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    line: bytes,
    status: str,
) -> None:
    """Whoever may connect could fill the log with them."""
    caplog.set_level(logging.INFO)
    async with broker_in_process(tmp_path, monkeypatch) as broker:
        wire = broker.line()
        wire.feed(HEAD + line + b"\r\n\r\n")
        heard = await wire.hear(f" {status} ")

    assert status in heard
    assert [r for r in caplog.records if r.levelno >= logging.ERROR] == []


async def test_whoever_waits_to_be_told_to_continue_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one thing that may be expected."""
    async with broker_in_process(tmp_path, monkeypatch) as broker:
        wire = broker.line()
        wire.feed(HEAD + b"Expect: 100-Continue\r\n\r\n")

        assert "HTTP/1.1 200 OK" in await wire.hear("200 OK")


async def test_whoever_goes_before_the_end_of_a_body_leaves_no_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Nor who is sent away because the rest does not come."""
    caplog.set_level(logging.INFO)
    async with broker_in_process(tmp_path, monkeypatch) as broker:
        wire = broker.line()
        wire.feed(SIGN_IN + b"Expect: 100-continue\r\n\r\n")
        await wire.hear("100 Continue")
        wire.feed(b"{")
        wire.close()

    assert GONE in caplog.messages
    assert [r for r in caplog.records if r.levelno >= logging.ERROR] == []
