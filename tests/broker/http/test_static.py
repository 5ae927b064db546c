"""Files over HTTP: served, not listed, and nothing besides."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import aiohttp
import pytest
from aiohttp import web

from actors.roles import Caller, CallerKind
from broker.functions.static_resources import StaticResources
from broker.functions.visitor import Visitor
from broker.http.static import add_static, content_type, is_served
from broker.security.paths import SERVED, ServerRoot

SECRET = "nobody may see this"
MONITOR = Visitor(Caller("m", "monitor", CallerKind.MONITOR))


class Site(NamedTuple):
    """A running server and its folders."""

    url: str
    top: Path
    resources: StaticResources
    app: web.Application


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    """Serve the folders of a root."""
    for area in (*SERVED, "settings", "data"):
        (tmp_path / area / "sub").mkdir(parents=True)
        (tmp_path / area / "index.html").write_text(f"<p>{area}</p>")
    (tmp_path / "settings" / "server_settings.json").write_text(SECRET)
    (tmp_path / "public" / "server.key").write_text(SECRET)
    (tmp_path / "public" / ".env").write_text(SECRET)
    (tmp_path / "public" / "code.py").write_text(SECRET)
    (tmp_path / "public" / "out.txt").symlink_to("../settings/server_settings.json")
    root = ServerRoot(tmp_path / "settings", tmp_path / "data")
    resources = StaticResources(root, tmp_path / "data")
    app = web.Application()
    app.router.add_get("/", _answer)
    add_static(app, resources)
    app.router.add_get("/later/{name}", _answer)
    app.router.add_get("/failing", _fail)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield Site(f"http://127.0.0.1:{runner.addresses[0][1]}", tmp_path, resources, app)
    await runner.cleanup()


async def _answer(_request: web.Request) -> web.Response:
    return web.Response(text="its own")


async def _fail(_request: web.Request) -> web.Response:
    raise web.HTTPNotFound(text="its own")


class Answer(NamedTuple):
    """What a GET gave."""

    status: int
    headers: dict[str, str]
    body: bytes


async def get(site: Site, path: str, method: str = "GET", **headers: str) -> Answer:
    """Ask for a URL as it stands, mended by no client."""
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", int(site.url.rpartition(":")[2])
    )
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
    raw = await reader.read()
    writer.close()
    await writer.wait_closed()
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *rest = head.decode().split("\r\n")
    pairs = (line.partition(": ") for line in rest)
    return Answer(int(first.split()[1]), {k.lower(): v for k, _, v in pairs}, body)


@pytest.mark.parametrize("area", SERVED)
async def test_files_of_the_folders_are_served(site: Site, area: str) -> None:
    """Section 14: public, client, exampleClient."""
    answer = await get(site, f"/{area}/index.html")

    assert answer.status == 200
    assert answer.body == f"<p>{area}</p>".encode()
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_names_that_browsers_encode_are_found(site: Site) -> None:
    """Once, as HTTP has it."""
    (site.top / "public" / "酒 1.txt").write_text("x")
    async with aiohttp.ClientSession() as session:
        url = f"{site.url}/public/酒 1.txt"
        async with session.get(url, params={"v": "2"}) as answer:
            assert await answer.text() == "x"


@pytest.mark.parametrize(
    "path",
    [
        "/public",
        "/public/",
        "/public/sub",
        "/public/sub/",
        "/client/",
        "/exampleClient/",
    ],
)
async def test_folders_are_not_listed(site: Site, path: str) -> None:
    """Section 14: no directory listings."""
    assert (await get(site, path)).status == 404


@pytest.mark.parametrize(
    "path",
    [
        "/public/../settings/server_settings.json",
        "/public/../../../../../../etc/passwd",
        "/public/%2e%2e/settings/server_settings.json",
        "/public/%2e%2e%2fsettings%2fserver_settings.json",
        "/public/..%2fsettings/server_settings.json",
        "/public/..%5csettings%5cserver_settings.json",
        "/public/..\\settings\\server_settings.json",
        "/public/%252e%252e/settings/server_settings.json",
        "/public/%c0%ae%c0%ae/settings/server_settings.json",
        "/public//etc/passwd",
        "/public//server.key",
        "/public/%2fetc/passwd",
        "/public/C:%5cx",
        "/public/index.html%00",
        "/public/index.html%00.txt",
        "/public/index.html%20",
        "/public/index.html.",
        "/public/index.html::$DATA",
        "/public/CON",
        "/public/" + "x" * 5_000,
        "/public/" + "../" * 500 + "etc/passwd",
        "/public/server.key",
        "/public/%73erver.key",
        "/public/SERVER.KEY",
        "/public/.env",
        "/public/code.py",
        "/public/out.txt",
        "/public/absent.txt",
        "/settings/server_settings.json",
        "/data/index.html",
        "/data/tapster.sqlite3",
        "/PUBLIC/index.html",
        "//public/index.html",
        "/./public/../public/index.html",
        "/index.html",
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_nothing_outside_the_folders_is_served(
    site: Site, path: str, method: str
) -> None:
    """Section 14; and nothing tells what is there."""
    answer = await get(site, path, method)

    assert answer.status in {400, 404}
    assert SECRET.encode() not in answer.body
    assert str(site.top).encode() not in answer.body


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
async def test_files_can_only_be_read(site: Site, method: str) -> None:
    """There is no way to write over HTTP."""
    answer = await get(site, "/public/index.html", method)

    assert answer.status == 405


async def test_file_that_has_not_changed_is_not_sent_again(site: Site) -> None:
    """By its ETag, and by its time."""
    first = await get(site, "/public/index.html")
    by_tag = await get(site, "/public/index.html", If_None_Match=first.headers["etag"])
    by_time = await get(
        site, "/public/index.html", If_Modified_Since=first.headers["last-modified"]
    )
    (site.top / "public" / "index.html").write_text("something else")
    changed = await get(site, "/public/index.html", If_None_Match=first.headers["etag"])

    assert (by_tag.status, by_time.status, changed.status) == (304, 304, 200)
    assert first.headers["cache-control"] == "no-cache"


async def test_parts_of_files_are_served(site: Site) -> None:
    """Players of sound and video ask for them."""
    answer = await get(site, "/public/index.html", Range="bytes=3-8")

    assert (answer.status, answer.body) == (206, b"public")


async def test_packed_file_beside_is_sent_as_what_it_is_of(site: Site) -> None:
    """With the type of the file that was asked for."""
    packed = gzip.compress(b"<p>packed</p>")
    (site.top / "public" / "index.html.gz").write_bytes(packed)

    answer = await get(site, "/public/index.html", Accept_Encoding="gzip")

    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-encoding"] == "gzip"
    assert gzip.decompress(answer.body) == b"<p>packed</p>"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.js", "text/javascript; charset=utf-8"),
        ("a.MJS", "text/javascript; charset=utf-8"),
        ("a.css", "text/css; charset=utf-8"),
        ("a.json", "application/json"),
        ("a.svg", "image/svg+xml"),
        ("a.png", "image/png"),
        ("a.wasm", "application/wasm"),
        ("a.woff2", "font/woff2"),
        ("a.txt", "text/plain; charset=utf-8"),
        ("a.unheard-of", "application/octet-stream"),
        ("a", "application/octet-stream"),
    ],
)
def test_content_types_are_those_of_the_web(name: str, kind: str) -> None:
    """Browsers are told not to guess."""
    assert content_type(Path(name)) == kind


# What was added


async def test_added_file_is_served_under_its_url(site: Site) -> None:
    """Section 10, from that moment on."""
    before = await get(site, "/my/page.html")
    site.resources.add({"/my/page.html": "client/index.html"}, MONITOR)
    after = await get(site, "/my/page.html")
    head = await get(site, "/my/page.html", "HEAD")

    assert (before.status, after.status) == (404, 200)
    assert after.body == b"<p>client</p>"
    assert after.headers["x-content-type-options"] == "nosniff"
    assert (head.status, head.body) == (200, b"")
    assert (await get(site, "/my/page.html", "POST")).status == 404
    assert (await get(site, "/my")).status == 404


async def test_added_file_that_is_gone_is_not_found(site: Site) -> None:
    """And no error of ours."""
    site.resources.add({"/a": "client/index.html"}, MONITOR)
    (site.top / "client" / "index.html").unlink()

    assert (await get(site, "/a")).status == 404


async def test_url_with_other_letters_is_served_as_it_was_added(site: Site) -> None:
    """Browsers encode them."""
    site.resources.add({"/酒 1": "client/index.html"}, MONITOR)
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{site.url}/酒 1") as answer,
    ):
        assert answer.status == 200


async def test_other_routes_answer_for_themselves(site: Site) -> None:
    """Their own 404 included."""
    assert (await get(site, "/later/x")).body == b"its own"
    assert (await get(site, "/failing")).body == b"its own"
    assert (await get(site, "/nowhere")).status == 404


@pytest.mark.parametrize(
    ("url", "served"),
    [
        ("/", True),
        ("/public/x", True),
        ("/public", True),
        ("/PUBLIC/x", True),
        ("/client/x.js", True),
        ("/exampleClient/a/b", True),
        ("/later/x", True),
        ("/later/x/y", True),
        ("/failing", True),
        ("/failing/x", True),
        ("/other", False),
        ("/publicly/x", False),
        ("/a/public/x", False),
    ],
)
async def test_urls_of_routes_can_not_be_added(
    site: Site, url: str, *, served: bool
) -> None:
    """Section 10: no URL that is served already, nor one beside it."""
    assert is_served(site.app.router, url) is served
