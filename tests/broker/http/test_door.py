"""Who may see what is the operator's, and what others are told."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from typing import Any, Final, cast

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from actors.errors import Code, RefusedError
from broker.http.door import Door
from broker.security.origins import Origins
from broker.security.peer import Neighbourhood, Peer
from broker.security.trust import Trust

Browser = TestClient[web.Request, web.Application]

AFAR: Final = {"X-Forwarded-For": "203.0.113.9"}
"""By the word of a proxy that is believed."""
KEYS: Final = {"boss-key": Trust("boss", "monitor"), "guest-key": Trust("guest")}


class FakeAdmission:
    """Knows two keys, and may have too much to do."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.busy = False

    async def holder_of(self, key: str, peer: Peer) -> Trust:
        """Whose it is."""
        self.asked.append((key, peer.address))
        if self.busy:
            raise RefusedError("too many keys are being checked", Code.UNAVAILABLE)
        if key not in KEYS:
            raise RefusedError("the key is nobody's", Code.AUTHENTICATION_FAILED)
        return KEYS[key]


async def secret(_request: web.Request) -> web.Response:
    """Show it."""
    return web.Response(text="secret")


@pytest.fixture
def admission() -> FakeAdmission:
    """What knows the keys."""
    return FakeAdmission()


@pytest.fixture
async def browser(admission: FakeAdmission) -> AsyncIterator[Browser]:
    """Ask a site whose proxy is this machine, and that trusts a network."""
    near = Neighbourhood(["192.168.0.0/16"], ["127.0.0.0/8"])
    door = Door(Origins([], ["tap.example"]), near, cast("Any", admission))
    app = web.Application()
    app.router.add_get("/secret", door.guard(secret))
    async with TestClient(TestServer(app)) as client:
        yield client


async def shown(browser: Browser, **headers: str) -> tuple[int, str]:
    """The status and the text of an answer."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with browser.get("/secret", headers=named) as answer:
        return answer.status, await answer.text()


async def test_this_machine_needs_no_key(
    browser: Browser, admission: FakeAdmission
) -> None:
    """And nobody is asked about one."""
    assert await shown(browser) == (200, "secret")
    assert await shown(browser, Authorization="Bearer nonsense") == (200, "secret")
    assert admission.asked == []


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1:4000", "[::1]:1", "tap.example"]
)
async def test_this_machine_may_use_all_names_of_the_server(
    browser: Browser, host: str
) -> None:
    """Those of the settings as well."""
    assert (await shown(browser, Host=host))[0] == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "", "[", "localhost.evil:80"]
)
async def test_foreign_name_is_refused_with_and_without_a_key(
    browser: Browser, admission: FakeAdmission, host: str
) -> None:
    """A page may have had its own name point to this machine."""
    refused = (403, "this server is not called by that Host name\n")

    assert await shown(browser, Host=host) == refused
    assert await shown(browser, Host=host, Authorization="Bearer boss-key") == refused
    assert admission.asked == []


@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
async def test_foreign_page_is_refused(browser: Browser, origin: str) -> None:
    """As it is at the Socket.IO endpoint."""
    refused = (403, "pages of this Origin may not see this\n")

    assert await shown(browser, Origin=origin) == refused


@pytest.mark.parametrize("address", ["203.0.113.9", "192.168.1.5", "nonsense"])
async def test_stranger_is_told_what_is_needed(browser: Browser, address: str) -> None:
    """A network that counts as local is not this machine; nor is who is unnamed."""
    headers = {"X-Forwarded-For": address}
    async with browser.get("/secret", headers=headers) as answer:
        text = await answer.text()

    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert text == "from here it takes a monitor's key: Authorization: Bearer <key>\n"
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "header", [{"Forwarded": "for=127.0.0.1"}, {"X-Forwarded-Host": "localhost"}]
)
async def test_forwarded_without_an_address_is_not_this_machine(
    browser: Browser, header: dict[str, str]
) -> None:
    """Whoever forwards speaks for somebody else."""
    async with browser.get("/secret", headers=header) as answer:
        assert answer.status == 401


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
async def test_monitors_key_opens_from_afar(
    browser: Browser, admission: FakeAdmission, scheme: str
) -> None:
    """It is counted against the address that it comes from."""
    answer = await shown(browser, **AFAR, Authorization=f"{scheme} boss-key")

    assert answer == (200, "secret")
    assert admission.asked == [("boss-key", "203.0.113.9")]


@pytest.mark.parametrize(
    ("header", "status", "text"),
    [
        ("Bearer wrong", 401, "the key is nobody's"),
        ("Bearer guest-key", 403, "this key is no monitor's"),
        ("Bearer ", 401, "from here it takes a monitor's key"),
        ("Basic Ym9zczpib3NzLWtleQ==", 401, "from here it takes a monitor's key"),
        ("boss-key", 401, "from here it takes a monitor's key"),
    ],
)
async def test_other_credentials_do_not_open(
    browser: Browser, header: str, status: int, text: str
) -> None:
    """401 where a key may help, 403 where this one never will."""
    answer = await shown(browser, **AFAR, Authorization=header)

    assert answer[0] == status
    assert answer[1].startswith(text)


async def test_key_that_can_not_be_checked_now_may_be_tried_again(
    browser: Browser, admission: FakeAdmission
) -> None:
    """It is not refused for good."""
    admission.busy = True

    assert (await shown(browser, **AFAR, Authorization="Bearer boss-key"))[0] == 503


async def test_refusal_is_logged_without_the_key(
    browser: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    """With the address and what was asked for."""
    with caplog.at_level(logging.INFO, logger="broker.http.door"):
        await shown(browser, **AFAR, Authorization="Bearer wrong-key")
    (record,) = caplog.records

    assert vars(record)["fields"] == {"path": "/secret", "address": "203.0.113.9"}
    assert vars(record)["code"] == Code.AUTHENTICATION_FAILED
    assert "wrong-key" not in str(vars(record))
