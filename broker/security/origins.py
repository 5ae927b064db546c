"""Which web pages may connect, and by which names this server may be called.

Pure. A browser sends an Origin with every page's request; a page of somebody else's
must not reach the broker through its visitor's browser, nor through a name that was
rebound to this machine.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Collection

from broker.security.peer import Peer, host_of, is_loopback_host, split

_SILLY_TAVERN_PORT = re.compile(r"SillyTavern-(\d{1,5})(?:\D.*)?\Z")
_SECURE_PORT = 443
_PLAIN_PORT = 80


class Origins:
    """Judges the Origin and Host headers."""

    def __init__(
        self, allowed_origins: Collection[str], allowed_hosts: Collection[str]
    ) -> None:
        """Take the settings' origins (* for all) and host names."""
        self._allowed = {origin.rstrip("/").lower() for origin in allowed_origins}
        self._hosts = {host.lower() for host in allowed_hosts}
        self._own = own_names()

    def may_connect(self, origin: str | None, local_address: str = "") -> bool:
        """Whether a page of that origin may connect at all.

        ``local_address`` is this machine's end of the connection: an own address.
        """
        if origin is None:
            return True
        if origin == "null":
            return False
        host = (split(origin).hostname or "").lower()
        return self._is_allowed(origin) or self._is_ours(host, local_address)

    def is_our_name(self, host: str, local_address: str = "") -> bool:
        """Whether a Host header calls this server by a name of its own."""
        name = host_of(host)
        return name in self._hosts or self._is_ours(name, local_address)

    def may_ask_for_key(
        self, peer: Peer, client: str, client_origins: Collection[str]
    ) -> bool:
        """Whether a page of the peer's origin may act for a client without a key."""
        origin = peer.origin
        if origin is None:
            return True
        if origin == "null":
            return False
        named = {each.rstrip("/").lower() for each in client_origins}
        if self._is_allowed(origin) or origin.lower() in named:
            return True
        parts = split(origin)
        if parts.netloc.lower() == peer.host.lower():
            return True
        port = _SILLY_TAVERN_PORT.match(client)
        return (
            port is not None
            and is_loopback_host((parts.hostname or "").lower())
            and _port_of(origin) == int(port.group(1))
        )

    def _is_ours(self, name: str, local_address: str) -> bool:
        if not name:
            return False
        return is_loopback_host(name) or name in self._own or name == local_address

    def _is_allowed(self, origin: str) -> bool:
        return "*" in self._allowed or origin.rstrip("/").lower() in self._allowed


def own_names() -> frozenset[str]:
    """This machine's names and addresses, as far as it knows them."""
    names = {socket.gethostname().lower()}
    try:
        found = socket.getaddrinfo(socket.gethostname(), None)
    except OSError:  # a host name that does not resolve names nothing more
        found = []
    names.update(str(entry[4][0]).lower() for entry in found)
    return frozenset(names)


def _port_of(origin: str) -> int | None:
    parts = split(origin)
    try:
        port = parts.port
    except ValueError:
        return None
    return port or (_SECURE_PORT if parts.scheme == "https" else _PLAIN_PORT)
