"""The modules that browser clients import, as they are sent."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from broker.http.library import CLIENTS, CONSTANTS, MODULES, add_library

Browser = TestClient[web.Request, web.Application]

SERVED = [CONSTANTS, *MODULES, *(f"/socket.io/{name}" for name in CLIENTS)]

NOT_SERVED = [
    "/lib",
    "/lib/",
    "/lib/uuid",
    "/lib/uuid/",
    "/lib/@sap_oss/",
    "/dist/",
    "/lib/README.md",
    "/lib/vendor/README.md",
    "/lib/licences/",
    "/lib/../pyproject.toml",
    "/lib/%2e%2e/library.py",
    "/lib/uuid/..%2f..%2flibrary.py",
    "/dist/function_call.js/",
    "/dist/%00",
]


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """Ask a site that has the library and nothing else."""
    app = web.Application()
    add_library(app, "/pub")
    async with TestClient(TestServer(app)) as client:
        yield client


@pytest.mark.parametrize("url", SERVED)
async def test_modules_are_sent_as_javascript(browser: Browser, url: str) -> None:
    """Browsers import nothing that is called otherwise."""
    async with browser.get(url) as answer:
        body = await answer.read()

    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-cache"
    assert len(body) > 500


@pytest.mark.parametrize("url", SERVED)
async def test_a_module_that_the_browser_has_is_not_sent_again(
    browser: Browser, url: str
) -> None:
    """It asks with the ETag it was given."""
    async with browser.get(url) as first:
        etag = first.headers["ETag"]
    async with browser.get(url, headers={"If-None-Match": f'"old", W/{etag}'}) as again:
        body = await again.read()

    assert again.status == 304
    assert body == b""
    assert again.headers["ETag"] == etag


async def test_a_module_that_has_changed_is_sent(browser: Browser) -> None:
    """An ETag of another text means nothing."""
    headers = {"If-None-Match": '"of-another-version"'}
    async with browser.get(CONSTANTS, headers=headers) as answer:
        assert answer.status == 200


async def test_the_head_of_a_module_can_be_asked_for(browser: Browser) -> None:
    """Without its body."""
    async with browser.head(CONSTANTS) as answer:
        body = await answer.read()

    assert answer.status == 200
    assert int(answer.headers["Content-Length"]) > 500
    assert body == b""


@pytest.mark.parametrize("url", NOT_SERVED)
async def test_nothing_else_is_found(browser: Browser, url: str) -> None:
    """Neither folders nor what lies beside the files, by whatever path."""
    async with browser.get(url) as answer:
        text = await answer.text()

    assert answer.status == 404
    assert answer.content_type == "text/plain"
    assert len(text) < 100


async def test_modules_can_not_be_posted_to(browser: Browser) -> None:
    """They are read only."""
    async with browser.post(CONSTANTS) as answer:
        assert answer.status == 405


@pytest.mark.parametrize(
    ("url", "same"),
    [
        ("/lib/socket.io.esm.min.js", "/lib/Socket.io/socket.io.js"),
        ("/lib/node-socketio-stream.js", "/lib/@sap_oss/node-socketio-stream.js"),
        ("/lib/node-socketio-stream.js", "/lib/%40sap_oss/node-socketio-stream.js"),
        ("/socket.io/socket.io.js", "/socket.io/socket.io.min.js"),
        ("/socket.io/socket.io.js", "/pub/socket.io.js"),
    ],
)
async def test_some_modules_have_two_names(
    browser: Browser, url: str, same: str
) -> None:
    """Section 14; and the client also under the path the broker is set to."""
    async with browser.get(url) as one, browser.get(same) as other:
        assert one.headers["ETag"] == other.headers["ETag"]


async def test_the_socket_io_path_may_be_the_usual_one() -> None:
    """Then the client has one address."""
    app = web.Application()
    add_library(app, "/socket.io")
    async with (
        TestClient(TestServer(app)) as client,
        client.get("/socket.io/socket.io.js") as answer,
    ):
        text = await answer.text()

    assert "Socket.IO v4.8" in text
