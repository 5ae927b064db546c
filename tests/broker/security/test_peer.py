"""Where a connection comes from."""

from __future__ import annotations

import pytest
from multidict import CIMultiDict

from broker.security.peer import Neighbourhood, Peer, host_of, is_loopback_host

PROXY = "127.0.0.1"
STRANGER = "203.0.113.9"


def peer(
    remote: str | None,
    *headers: tuple[str, str],
    trusted: tuple[str, ...] = (),
    proxies: tuple[str, ...] = (),
) -> Peer:
    """Where a request with these headers comes from."""
    return Neighbourhood(trusted, proxies).peer(remote, CIMultiDict(headers))


@pytest.mark.parametrize(
    "remote", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1", "::ffff:7f00:1"]
)
def test_loopback_is_local(remote: str) -> None:
    """Section 9: local is loopback, IPv4-mapped too."""
    assert peer(remote).local


@pytest.mark.parametrize("remote", ["10.0.0.7", "::ffff:10.0.0.7", "fe80::1"])
def test_other_addresses_are_not_local(remote: str) -> None:
    """Section 9: nothing else is, with the settings as shipped."""
    assert not peer(remote).local


@pytest.mark.parametrize("remote", [None, "", "unix:", "127.0.0.1.evil"])
def test_what_is_no_address_is_not_local(remote: str | None) -> None:
    """Section 9: the peer's real address; without one nobody is near."""
    assert not peer(remote).local


@pytest.mark.parametrize("remote", ["10.1.2.3", "::ffff:10.1.2.3", "fd00::5"])
def test_trusted_network_is_local(remote: str) -> None:
    """Section 9: or in ``trustedNetworks``."""
    assert peer(remote, trusted=("10.0.0.0/8", "fd00::/8")).local


def test_address_outside_the_trusted_network_is_not_local() -> None:
    """Section 9: a network ends somewhere."""
    assert not peer("11.0.0.1", trusted=("10.0.0.0/8",)).local


@pytest.mark.parametrize(
    "header",
    [
        "X-Forwarded-For",
        "x-forwarded-for",
        "Forwarded",
        "X-Forwarded-Host",
        "X-Forwarded-Proto",
    ],
)
def test_forwarded_header_from_a_stranger_makes_it_not_local(header: str) -> None:
    """Section 9: and the request carries no forwarding header."""
    found = peer("127.0.0.1", (header, "127.0.0.1"))

    assert not found.local
    assert found.address == "127.0.0.1"


def test_forwarded_header_within_a_trusted_network_makes_it_not_local() -> None:
    """Section 9: a trusted network is no trusted proxy."""
    headers = ("X-Forwarded-For", "10.0.0.2")

    assert not peer("10.0.0.1", headers, trusted=("10.0.0.0/8",)).local


def test_trusted_proxys_word_on_the_address_counts() -> None:
    """Section 9: ``trustedProxies``, whose word on the address then counts."""
    found = peer(PROXY, ("X-Forwarded-For", STRANGER), proxies=(PROXY,))

    assert found.address == STRANGER
    assert not found.local


def test_trusted_proxy_may_speak_for_the_neighbourhood() -> None:
    """Section 9: whom a trusted proxy calls near is local."""
    headers = ("X-Forwarded-For", "10.0.0.7")
    found = peer(PROXY, headers, trusted=("10.0.0.0/8",), proxies=(PROXY,))

    assert (found.address, found.local) == ("10.0.0.7", True)


def test_only_the_nearest_address_of_a_chain_is_the_proxys_word() -> None:
    """Section 9: what stands before it came from the stranger."""
    headers = ("X-Forwarded-For", f"127.0.0.1, {STRANGER}")

    assert peer(PROXY, headers, proxies=(PROXY,)).address == STRANGER


def test_last_of_several_header_lines_is_the_proxys_word() -> None:
    """Section 9: some proxies (HAProxy) add a line of their own behind the peer's."""
    forged, added = ("X-Forwarded-For", "127.0.0.1"), ("X-Forwarded-For", STRANGER)
    found = peer(PROXY, forged, added, proxies=(PROXY,))

    assert found.address == STRANGER
    assert not found.local


@pytest.mark.parametrize(
    "header",
    [
        ("Forwarded", f"for={STRANGER}"),
        ("X-Forwarded-For", f"{STRANGER}:4711"),
        ("X-Forwarded-For", "unknown"),
        ("X-Forwarded-For", ""),
        ("X-Forwarded-Proto", "https"),
    ],
    ids=["RFC 7239", "port", "unknown", "empty", "proto"],
)
def test_proxy_that_names_no_address_we_read_makes_nobody_local(
    header: tuple[str, str],
) -> None:
    """Section 9: a forwarded request is never as near as its proxy."""
    assert not peer(PROXY, header, proxies=(PROXY,)).local


def test_ipv4_mapped_addresses_are_told_as_ipv4() -> None:
    """Section 9: one address has one ban."""
    assert peer(f"::ffff:{STRANGER}").address == STRANGER


def test_origin_and_host_are_kept() -> None:
    """Rule 5 asks for both."""
    found = peer("::1", ("origin", "http://a.b"), ("host", "c.d:1"))

    assert (found.origin, found.host) == ("http://a.b", "c.d:1")


def test_what_is_no_network_is_an_error() -> None:
    """The broker then does not start."""
    with pytest.raises(ValueError, match="nonsense"):
        Neighbourhood(["nonsense"], [])


@pytest.mark.parametrize(
    ("authority", "host"),
    [
        ("localhost:4000", "localhost"),
        ("LOCALHOST", "localhost"),
        ("[::1]:4000", "::1"),
        ("127.0.0.1", "127.0.0.1"),
        ("", ""),
    ],
)
def test_host_is_told_from_its_port(authority: str, host: str) -> None:
    """Brackets off, lower case."""
    assert host_of(authority) == host


@pytest.mark.parametrize("authority", ["[", "[::1", "]:80", "[zz]", "a]b[c"])
def test_malformed_host_is_nobodys_name(authority: str) -> None:
    """A stranger's header never makes an error of ours."""
    assert not is_loopback_host(host_of(authority))


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1", "127.5.5.5"])
def test_loopback_hosts_are_known(host: str) -> None:
    """By name and by address."""
    assert is_loopback_host(host)


@pytest.mark.parametrize("host", ["localhost.evil.com", "evil", "", "128.0.0.1"])
def test_other_hosts_are_not_loopback(host: str) -> None:
    """A name that only looks like one is none."""
    assert not is_loopback_host(host)
