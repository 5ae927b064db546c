"""``/extension.zip``, and the files it is made of."""

from __future__ import annotations

import io
import json
import tomllib
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from broker import __version__
from broker.extension import files, folder
from broker.http.extension import URL, add_extension, pack

Browser = TestClient[web.Request, web.Application]

ROOT = Path(__file__).parents[3]


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """Ask a site that has the archive and nothing else."""
    app = web.Application()
    add_extension(app)
    async with TestClient(TestServer(app)) as client:
        yield client


async def test_the_extension_is_served_as_a_zip(browser: Browser) -> None:
    """With a name of its own for the file."""
    async with browser.get(URL) as answer:
        body = await answer.read()
    archive = zipfile.ZipFile(io.BytesIO(body))

    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/zip"
    assert (
        f"tapster-extension-{__version__}.zip" in answer.headers["Content-Disposition"]
    )
    assert archive.testzip() is None
    assert set(archive.namelist()) == {f"tapster/{name}" for name in files()}


async def test_what_the_browser_has_is_not_sent_again(browser: Browser) -> None:
    """It says which one it has."""
    async with browser.get(URL) as first:
        etag = first.headers["ETag"]
    async with browser.get(URL, headers={"If-None-Match": etag}) as again:
        body = await again.read()

    assert again.status == 304
    assert again.headers["ETag"] == etag
    assert body == b""


def test_the_same_files_make_the_same_bytes(tmp_path: Path) -> None:
    """Whenever they were written."""
    copy = tmp_path / "index.js"
    copy.write_bytes(files()["index.js"].read_bytes())

    assert pack({"index.js": copy}) == pack({"index.js": files()["index.js"]})


async def test_a_broker_without_the_files_serves_no_archive(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """And runs as well as ever."""
    monkeypatch.setattr("broker.extension._CHECKOUT", tmp_path)
    monkeypatch.setattr("broker.extension._PACKAGE", "no_such_package")
    app = web.Application()
    add_extension(app)
    async with TestClient(TestServer(app)) as client, client.get(URL) as answer:
        assert answer.status == 404


def test_the_extension_has_all_that_its_manifest_names() -> None:
    """Or SillyTavern would load half of it."""
    manifest = json.loads((folder() / "manifest.json").read_bytes())

    assert {manifest["js"], manifest["css"]} <= files().keys()
    assert manifest["version"] == __version__


def test_the_extension_brings_its_licence_and_those_of_others() -> None:
    """The vendored client is others' work."""
    assert files()["LICENSE"].read_text() == (ROOT / "LICENSE").read_text()
    assert [name for name in files() if name.startswith("vendor/licences/")]


def test_the_vendored_client_is_the_one_that_the_broker_serves() -> None:
    """``make vendor`` fills both."""
    theirs = ROOT / "broker" / "http" / "vendor"
    for name, path in files().items():
        if name.startswith("vendor/"):
            twin = theirs / name.removeprefix("vendor/")
            assert path.read_bytes() == twin.read_bytes()


def test_the_wheel_carries_every_file() -> None:
    """A pattern of pyproject.toml covers each of them."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    patterns = project["tool"]["setuptools"]["package-data"]["tapster_extension"]
    root = folder()
    covered = {
        path.relative_to(root).as_posix()
        for pattern in patterns
        for path in root.glob(pattern)
    }

    assert files().keys() <= covered
