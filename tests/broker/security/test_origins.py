"""Which web pages may connect."""

from __future__ import annotations

import socket

import pytest

from broker.security import origins
from broker.security.origins import Origins
from broker.security.peer import Peer

MALFORMED = ["http://[", "http://[::1", "http://]", "//", "nonsense", "http://a:99999"]


def page(origin: str | None, host: str = "127.0.0.1:4000") -> Peer:
    """The peer that is a browser on a page."""
    return Peer("127.0.0.1", local=True, origin=origin, host=host)


@pytest.fixture
def own() -> Origins:
    """Judge with the settings as shipped."""
    return Origins([], [])


def test_who_sends_no_origin_may_connect(own: Origins) -> None:
    """Section 9: none is no browser."""
    assert own.may_connect(None)


def test_null_origin_may_not_connect() -> None:
    """Section 9: ``null`` is refused, whatever is allowed."""
    assert not Origins([], []).may_connect("null")
    assert not Origins(["*"], []).may_connect("null")


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "https://localhost.evil.example", "http://1.2.3.4", ""],
)
def test_foreign_origins_may_not_connect(own: Origins, origin: str) -> None:
    """Section 9: a page of somebody else's."""
    assert not own.may_connect(origin)


@pytest.mark.parametrize(
    "origin",
    [
        "http://localhost:8000",
        "https://LOCALHOST",
        "http://127.0.0.1:1",
        "http://[::1]:8000",
    ],
)
def test_loopback_may_connect_from_any_port(own: Origins, origin: str) -> None:
    """Section 9: loopback with any port."""
    assert own.may_connect(origin)


def test_own_host_name_may_connect_from_any_port(own: Origins) -> None:
    """Section 9: this machine's own names and addresses."""
    assert own.may_connect(f"http://{socket.gethostname()}:8000")


@pytest.mark.parametrize("allowed", ["https://chat.example", "https://Chat.example/"])
def test_allowed_origin_may_connect(allowed: str) -> None:
    """Section 9: ``allowedOrigins``, however they are written."""
    found = Origins([allowed], [])

    assert found.may_connect("https://chat.example")
    assert not found.may_connect("http://chat.example")
    assert not found.may_connect("https://chat.example:8443")


def test_star_allows_every_origin() -> None:
    """Settings: * for all."""
    assert Origins(["*"], []).may_connect("http://evil.example")


@pytest.mark.parametrize("origin", MALFORMED)
def test_malformed_origins_are_foreign(own: Origins, origin: str) -> None:
    """A stranger's header never makes an error of ours."""
    assert not own.may_connect(origin)
    assert not own.may_ask_for_key(page(origin), "SillyTavern-8000", [])


@pytest.mark.parametrize(
    "host", ["localhost:4000", "127.0.0.1", "[::1]:4000", "LocalHost"]
)
def test_loopback_names_are_ours(own: Origins, host: str) -> None:
    """Section 9: the Host header must be loopback."""
    assert own.is_our_name(host)


def test_machines_own_name_is_ours(own: Origins) -> None:
    """Section 9: or one of this machine's own names."""
    assert own.is_our_name(f"{socket.gethostname()}:4000")


def test_allowed_hosts_are_ours() -> None:
    """Section 9: or in ``allowedHosts``."""
    found = Origins([], ["Tap.Example"])

    assert found.is_our_name("tap.example:4000")
    assert not found.is_our_name("evil.example")


@pytest.mark.parametrize("host", ["evil.example", "", "localhost.evil:4000", "["])
def test_foreign_and_malformed_host_names_are_not_ours(own: Origins, host: str) -> None:
    """Section 9: a name rebound to this machine is a stranger's."""
    assert not own.is_our_name(host)


def test_own_names_hold_when_the_host_name_does_not_resolve(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A machine without DNS still has its name."""

    def fail(*_args: object) -> None:
        raise OSError

    monkeypatch.setattr(socket, "getaddrinfo", fail)

    assert origins.own_names() == {socket.gethostname().lower()}


@pytest.mark.parametrize("origin", [None, "http://127.0.0.1:4000"])
def test_no_origin_and_the_brokers_own_may_ask_for_a_key(
    own: Origins, origin: str | None
) -> None:
    """Rule 5: the Origin is absent or the broker's own."""
    assert own.may_ask_for_key(page(origin), "guest", [])


@pytest.mark.parametrize(
    "origin", ["null", "http://127.0.0.1:8000", "http://localhost:4000", "http://evil"]
)
def test_other_origins_may_not_ask_for_a_key(own: Origins, origin: str) -> None:
    """Rule 5: a loopback page of another port is somebody else's."""
    assert not own.may_ask_for_key(page(origin), "guest", [])


def test_null_may_not_ask_for_a_key_though_named() -> None:
    """Rule 5: any sandboxed frame has the Origin ``null``."""
    assert not Origins(["*"], []).may_ask_for_key(page("null"), "guest", ["null"])


def test_origin_in_the_clients_settings_may_ask_for_a_key(own: Origins) -> None:
    """Rule 5: one named in the client's settings file."""
    named = ["http://Localhost:8000/"]

    assert own.may_ask_for_key(page("http://localhost:8000"), "guest", named)
    assert not own.may_ask_for_key(page("http://localhost:8001"), "guest", named)


@pytest.mark.parametrize("allowed", ["https://chat.example", "*"])
def test_allowed_origin_may_ask_for_a_key(allowed: str) -> None:
    """Rule 5: or in ``allowedOrigins``."""
    found = Origins([allowed], [])

    assert found.may_ask_for_key(page("https://chat.example"), "guest", [])


@pytest.mark.parametrize(
    ("client", "origin"),
    [
        ("SillyTavern-8000", "http://localhost:8000"),
        ("SillyTavern-8000", "http://127.0.0.1:8000"),
        ("SillyTavern-8000-tab", "http://[::1]:8000"),
        ("SillyTavern-80", "http://localhost"),
        ("SillyTavern-443", "https://localhost"),
    ],
)
def test_silly_tavern_may_ask_from_the_port_in_its_name(
    own: Origins, client: str, origin: str
) -> None:
    """Rule 5: for ``SillyTavern-<port>``, a loopback origin with that port."""
    assert own.may_ask_for_key(page(origin), client, [])


@pytest.mark.parametrize(
    ("client", "origin"),
    [
        ("SillyTavern-8000", "http://localhost:8001"),
        ("SillyTavern-8000", "http://evil.example:8000"),
        ("SillyTavern-8000", "http://localhost.evil:8000"),
        ("SillyTavern-80001", "http://localhost:8000"),
        ("SillyTavern-800012", "http://localhost:8000"),
        ("SillyTavern-800", "http://localhost:8000"),
        ("XSillyTavern-8000", "http://localhost:8000"),
        ("SillyTavern", "http://localhost:8000"),
        ("SillyTavern-0", "http://localhost:99999"),
    ],
)
def test_silly_tavern_may_not_ask_from_another_port(
    own: Origins, client: str, origin: str
) -> None:
    """Rule 5: that port and no other, that host and no other."""
    assert not own.may_ask_for_key(page(origin), client, [])
