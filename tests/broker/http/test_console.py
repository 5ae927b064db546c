"""The operators' page over HTTP, and the link that signs in."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import aiohttp
import pytest

from broker.app import running_broker
from broker.config import ServerSettings
from broker.console.sign_in import SignIn
from broker.http.console import DIRECTIVES
from broker.start import Where
from tests.broker.gateway.raw_client import connected

POLICY: Final = "; ".join(DIRECTIVES)


class Site(NamedTuple):
    """A running broker, and its link."""

    url: str
    sign_in: SignIn
    settings: Path
    session: aiohttp.ClientSession

    async def redeem(
        self, token: Any = None, body: bytes | None = None, **headers: str
    ) -> tuple[int, dict[str, Any]]:
        """Send a token as the page does: the status, and what is answered."""
        told = {"Content-Type": "application/json"}
        told |= {name.replace("_", "-"): value for name, value in headers.items()}
        data = json.dumps({"token": token}).encode() if body is None else body
        url = f"{self.url}/console/sign-in"
        async with self.session.post(url, data=data, headers=told) as answer:
            assert answer.headers["Cache-Control"] == "no-store"
            return answer.status, await answer.json()


@pytest.fixture
def settings() -> ServerSettings:
    """The settings of the site."""
    return ServerSettings(wrong_keys_per_minute=5)


@pytest.fixture
async def site(tmp_path: Path, settings: ServerSettings) -> AsyncIterator[Site]:
    """Run a broker that nobody has a monitor's key for."""
    folder = tmp_path / "settings"
    folder.mkdir()
    where = Where(
        host="127.0.0.1", port=0, settings_folder=folder, data_folder=tmp_path / "data"
    )
    sign_in = SignIn()
    async with (
        running_broker(settings, where, sign_in) as url,
        aiohttp.ClientSession() as session,
    ):
        yield Site(url, sign_in, folder, session)


async def status_of(site: Site, path: str) -> int:
    """The status of a GET, its path mended by no client."""
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", int(site.url.rpartition(":")[2])
    )
    writer.write(f"GET {path} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n".encode())
    line = await reader.readline()
    writer.close()
    await writer.wait_closed()
    return int(line.split()[1])


async def knock(site: Site, **auth: Any) -> int:
    """The code of a refusal; 0: let in."""
    async with connected(site.url) as raw:
        return int((await raw.join(**auth)).get("code", 0))


# -- the page


@pytest.mark.parametrize("path", ["/", "/index.html"])
async def test_page_is_served_under_both_names(site: Site, path: str) -> None:
    """And says without scripts what runs here."""
    async with site.session.get(site.url + path) as answer:
        text = await answer.text()

    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "<noscript>" in text
    assert 'content="/socket.io"' in text


@pytest.mark.parametrize("path", ["/", "/console/main.js", "/console/console.css"])
async def test_nothing_but_the_brokers_own_runs_in_it(site: Site, path: str) -> None:
    """Nothing inline, nothing from elsewhere, in nobody's frame."""
    async with site.session.get(site.url + path) as answer:
        headers = answer.headers

    assert answer.status == 200
    assert headers["Content-Security-Policy"] == POLICY
    assert "unsafe" not in POLICY
    assert "default-src 'none'" in POLICY
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize(
    "path",
    [
        "/console/",
        "/console",
        "/console/nothing.js",
        "/console/../pyproject.toml",
        "/console/%2e%2e/pyproject.toml",
        "/console/..%2fpyproject.toml",
        "/console/views/../../setup.py",
        "/console//etc/hosts",
        "/index.html/",
    ],
)
async def test_there_is_nothing_else(site: Site, path: str) -> None:
    """No folders, no tricks."""
    assert await status_of(site, path) == 404


async def test_who_asks_for_the_sign_in_as_a_file_is_told_that_it_is_none(
    site: Site,
) -> None:
    """It is there, and is used in another way."""
    assert await status_of(site, "/console/sign-in") == 405


async def test_file_the_browser_has_is_not_sent_again(site: Site) -> None:
    """It asks each time."""
    url = f"{site.url}/console/main.js"
    async with site.session.get(url) as first:
        tag = first.headers["ETag"]
    async with site.session.get(url, headers={"If-None-Match": tag}) as again:
        assert again.status == 304


@pytest.mark.parametrize(
    "settings", [ServerSettings(socket_io_path='/tap/"<io>/')], ids=["elsewhere"]
)
async def test_page_is_told_where_the_endpoint_is(site: Site) -> None:
    """``socketIOPath``, whatever is in it."""
    async with site.session.get(site.url) as answer:
        assert 'content="/tap/&quot;&lt;io&gt;"' in await answer.text()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (ServerSettings(), "no"),
        (ServerSettings(monitors_may_get_key=True), "yes"),
        (ServerSettings(monitors_may_get_key=True, network_safe=False), "no"),
    ],
    ids=["none", "given", "not safe"],
)
async def test_page_is_told_whether_monitors_are_given_keys(
    site: Site, said: str
) -> None:
    """``monitorsMayGetKey``, where ``networkSafe`` lets anybody ask."""
    async with site.session.get(site.url) as answer:
        assert f'name="gives-keys" content="{said}"' in await answer.text()


# -- the link


async def test_link_is_wanted_where_no_monitor_has_a_key(site: Site) -> None:
    """A trusted monitor without one can not sign in either."""
    assert site.sign_in.wanted is True


async def test_token_is_answered_with_a_monitors_key(site: Site) -> None:
    """Of the client ``console``, at once and for good."""
    status, answer = await site.redeem(site.sign_in.offer())
    auth = {"clientId": "console", "clientType": "monitor"}

    assert (status, answer["clientId"]) == (200, "console")
    assert await knock(site, **auth, key=answer["key"], identity="console-1") == 0
    assert await knock(site, **auth) == 0  # unverified: it may ask for no key
    assert await knock(site, **auth, key="tap_0123456789ab_" + "x" * 43) == 5


async def test_token_is_answered_once(site: Site) -> None:
    """Also when two come at the same time."""
    token = site.sign_in.offer()
    answers = await asyncio.gather(site.redeem(token), site.redeem(token))

    assert sorted(status for status, _ in answers) == [200, 401]


async def test_wrong_tokens_count_like_wrong_keys(site: Site) -> None:
    """Too many, and the right one is not listened to either; code 5."""
    token = site.sign_in.offer()
    refused = [await site.redeem("wrong") for _ in range(5)]
    status, answer = await site.redeem(token)

    assert {(status, each["code"]) for status, each in refused} == {(401, 5)}
    assert (status, answer["code"]) == (401, 5)
    assert "too many wrong keys" in answer["message"]


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "null", "http://127.0.0.1:1", "http://localhost"],
)
async def test_other_pages_do_not_sign_in(site: Site, origin: str) -> None:
    """Not even others of this machine; the token stays good."""
    token = site.sign_in.offer()
    status, answer = await site.redeem(token, Origin=origin)

    assert (status, answer["code"]) == (403, 6)
    assert (await site.redeem(token, Origin=site.url))[0] == 200


async def test_foreign_name_of_the_server_is_refused(site: Site) -> None:
    """A page may have had its own name point to this machine."""
    token = site.sign_in.offer()
    host = "evil.example"
    status, _ = await site.redeem(token, Host=host, Origin=f"http://{host}")

    assert status == 403
    assert (await site.redeem(token))[0] == 200


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "application/json"),
        (b"[]", "application/json"),
        (b'{"token": 7}', "application/json"),
        (b'{"token": "' + b"x" * 2000 + b'"}', "application/json"),
        (b'{"token": "x"}', "text/plain"),
        (b"token=x", "application/x-www-form-urlencoded"),
    ],
    ids=["empty", "list", "number", "long", "text", "form"],
)
async def test_what_is_no_token_is_refused(site: Site, body: bytes, kind: str) -> None:
    """Code 3; it does not count as a try."""
    for _ in range(6):
        status, answer = await site.redeem(body=body, Content_Type=kind)

        assert (status, answer["code"]) == (400, 3)


async def test_client_of_that_name_that_is_no_monitor_is_left_alone(site: Site) -> None:
    """The operator's file has precedence; the sentence says what else to do."""
    path = site.settings / "console-settings.json"
    path.write_text(json.dumps({"clientId": "console", "isTrust": True}))
    async with asyncio.timeout(10):
        while await knock(site, clientId="console"):
            pass
    status, answer = await site.redeem(site.sign_in.offer())

    assert (status, answer["code"]) == (403, 6)
    assert "tapster keys make monitor" in answer["message"]
