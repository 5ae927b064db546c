"""The OpenAPI description has what the broker serves, and nothing else."""

from __future__ import annotations

import asyncio
import http.client
import io
import socket
from pathlib import Path
from typing import Any, cast

import pytest
from aiohttp import web

from broker import __version__, site
from broker.config import ServerSettings
from broker.http.gate import GuardedRunner
from broker.http.places import TooManyFromAddressError
from broker.http.turned_away import Exit
from tests.broker.gateway.in_process import broker_in_process
from tests.openapi import (
    DOCUMENT,
    Answer,
    Operation,
    at,
    misfits,
    operations,
    references,
)

READYZ: Operation = ("GET", "/readyz")
GOOD = b"""{"ready": true, "checks": {
    "store": {"ok": true, "detail": "x"}, "loop": {"ok": true, "detail": "x"},
    "draining": {"ok": true, "detail": "x"}}}"""
HEADERS = {"content-type": "application/json", "cache-control": "no-store"}


async def served(
    folder: Path, monkeypatch: pytest.MonkeyPatch, **limits: Any
) -> set[Operation]:
    """All that a broker routes, but Socket.IO's own endpoint."""
    apps: list[web.Application] = []

    class Watched(GuardedRunner):
        def __init__(self, app: web.Application, *rest: Any) -> None:
            apps.append(app)
            super().__init__(app, *rest)

    monkeypatch.setattr(site, "GuardedRunner", Watched)
    async with broker_in_process(folder, monkeypatch, **limits):
        (routed,) = apps
    endpoint = limits.get("socket_io_path", ServerSettings().socket_io_path)
    return {
        (route.method, route.resource.canonical)
        for route in routed.router.routes()
        if route.resource is not None
        and route.resource.canonical.strip("/") != endpoint.strip("/")
    }


async def test_every_route_is_described_and_every_description_has_a_route(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With its methods; Socket.IO's endpoint is the protocol's."""
    assert await served(tmp_path, monkeypatch) == set(operations())


async def test_another_socket_io_path_adds_its_clients_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the description says of them."""
    described = set(operations())
    moved = {
        (method, path.replace("/socket.io/", "/pub/"))
        for method, path in described
        if path.startswith("/socket.io/")
    }
    found = await served(tmp_path, monkeypatch, socket_io_path="/pub")

    assert moved
    assert found == described | moved


def test_every_reference_leads_somewhere() -> None:
    """And what is described for all is used somewhere, or named in the text."""
    used = set(references())
    text = DOCUMENT["info"]["description"]
    parts = {
        f"#/components/{kind}/{name}"
        for kind, named in DOCUMENT["components"].items()
        if kind != "securitySchemes"
        for name in named
        if f"`{name}`" not in text
    }

    assert all(isinstance(at(reference), dict) for reference in used)
    assert parts - used == set()


def test_description_is_of_this_version() -> None:
    """Whoever changes the one changes the other."""
    assert DOCUMENT["info"]["version"] == __version__


class Line(asyncio.Transport):
    """A connection that keeps what is written, as a socket for who reads it."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""

    def write(self, data: Any) -> None:
        """Keep it."""
        self.written += data

    def is_closing(self) -> bool:
        """It stays."""
        return False

    def close(self) -> None:
        """The same."""

    def makefile(self, _mode: str) -> io.BytesIO:
        """What was written, to be read."""
        return io.BytesIO(self.written)


async def test_connection_too_many_of_an_address_is_told_so_as_described() -> None:
    """Nobody is too many on this machine, so no real broker can be asked here."""
    line = Line()
    away = Exit().show(TooManyFromAddressError(400))
    away.connection_made(line)
    away.data_received(b"GET / HTTP/1.1\r\n\r\n")
    away.connection_lost(None)
    heard = http.client.HTTPResponse(cast("socket.socket", line))
    heard.begin()
    headers = {name.lower(): value for name, value in heard.getheaders()}
    answer = Answer(heard.status, headers, heard.read())

    assert answer.status == 429
    assert misfits(operations()["GET", "/"], answer, head=False) == []


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (Answer(418, HEADERS, GOOD), "status 418 is not described"),
        (Answer(200, {"cache-control": "no-store"}, GOOD), "the type '' is not"),
        (Answer(200, {**HEADERS, "content-type": "text/css"}, GOOD), "'text/css'"),
        (Answer(200, {**HEADERS, "cache-control": "max-age=9"}, GOOD), "'max-age=9'"),
        (Answer(200, {"content-type": "application/json"}, GOOD), "Cache-Control is"),
        (Answer(200, HEADERS, b"[]"), "$: [] is no object"),
        (Answer(200, HEADERS, GOOD.replace(b"store", b"stores")), "$.checks: store is"),
        (Answer(200, HEADERS, GOOD.replace(b"true", b"1")), "$.ready: 1 is no boolean"),
        (Answer(200, HEADERS, GOOD.replace(b'"x"', b'""')), "$.checks.loop.detail"),
        (Answer(503, HEADERS, GOOD), "none fits"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_answer_that_differs_is_noticed(answer: Answer, fault: str) -> None:
    """The tests that ask a broker could not fail else."""
    operation = operations()[READYZ]

    assert misfits(operation, Answer(200, HEADERS, GOOD), head=False) == []
    assert fault in "\n".join(misfits(operation, answer, head=False))


def test_body_where_none_may_be_is_noticed() -> None:
    """To HEAD, and of a response that has none."""
    head = operations()["HEAD", "/readyz"]
    file = operations()["GET", "/console/{name}"]

    assert misfits(head, Answer(200, HEADERS, b""), head=True) == []
    assert misfits(head, Answer(200, HEADERS, GOOD), head=True) != []
    assert misfits(file, Answer(304, {}, b""), head=False) == []
    assert misfits(file, Answer(304, {}, b"x"), head=False) != []
