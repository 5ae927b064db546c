"""Where a connection comes from, as far as it can be believed.

Pure. The library's ``REMOTE_ADDR`` is always loopback; the address here is the
socket's own, or a trusted proxy's word on it.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import TypeAlias
from urllib.parse import SplitResult, urlsplit

import msgspec
from multidict import MultiMapping

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


class Peer(msgspec.Struct, frozen=True):
    """One connection's far end; all that is kept of its first request."""

    address: str
    local: bool
    """Loopback or a trusted network, and not forwarded by a stranger."""
    origin: str | None
    host: str


class Neighbourhood:
    """What counts as near: trusted networks, and proxies that may speak for others."""

    def __init__(self, trusted: Iterable[str], proxies: Iterable[str]) -> None:
        """Take networks in CIDR notation.

        Raises:
            ValueError: one of them is none.
        """
        self._trusted: list[Network] = [ipaddress.ip_network(n) for n in trusted]
        self._proxies: list[Network] = [ipaddress.ip_network(n) for n in proxies]

    def peer(self, remote: str | None, headers: MultiMapping[str]) -> Peer:
        """Tell where a request comes from."""
        address = _parse(remote)
        forwarded = _forwarded_for(headers)
        local = self._is_near(address)
        if forwarded is not None:
            by_proxy = address is not None and _within(address, self._proxies)
            named = _parse(forwarded) if by_proxy else None
            address = named or address
            # A proxy that does not name an address we read makes nobody local.
            local = self._is_near(named)
        return Peer(
            str(address or remote or ""),
            local,
            headers.get("Origin"),
            headers.get("Host", ""),
        )

    def is_proxy(self, remote: str) -> bool:
        """Whether a connection from there may speak for others."""
        address = _parse(remote)
        return address is not None and _within(address, self._proxies)

    def _is_near(self, address: Address | None) -> bool:
        if address is None:
            return False
        return address.is_loopback or _within(address, self._trusted)


def is_loopback_host(host: str) -> bool:
    """Whether a host name (no port) is this very machine's own."""
    address = _parse(host)
    return host in LOOPBACK_NAMES or (address is not None and address.is_loopback)


def host_of(authority: str) -> str:
    """The host of ``host:port``, in lower case, brackets off."""
    return (split(f"//{authority}").hostname or "") if authority else ""


def split(url: str) -> SplitResult:
    """The parts of a URL; all empty where it is malformed."""
    try:
        return urlsplit(url)
    except ValueError:
        return SplitResult("", "", "", "", "")


def _forwarded_for(headers: MultiMapping[str]) -> str | None:
    """The nearest address a proxy claims to speak for; None where none does.

    Some proxies add a line of their own behind the peer's: the last one counts.
    """
    chains = headers.getall("X-Forwarded-For", None)
    if chains:
        return chains[-1].split(",")[-1].strip()
    for name in headers:
        if name.lower() == "forwarded" or name.lower().startswith("x-forwarded-"):
            return ""
    return None


def _within(address: Address, networks: Iterable[Network]) -> bool:
    return any(address in network for network in networks)


def _parse(text: str | None) -> Address | None:
    try:
        address = ipaddress.ip_address(text or "")
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address
