"""The servers that are compared: Tapster and the relays it is held against.

A peer is how to prepare a folder for it and which command starts it there. All of them
print ``listening on http://…`` on a free port of loopback.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from load_process import node

from broker.protocol.wire import SILLY_TAVERN_TYPE

BENCH: Final = Path(__file__).parent
ROOT: Final = BENCH.parent
DATA: Final = "data"
"""The folder of Tapster's database, within that of a run."""

RAISED_LIMITS: Final[dict[str, Any]] = {
    "eventsPerSecond": 1_000_000,
    "eventsBurst": 1_000_000,
    "streamEventsPerSecond": 1_000_000,
}
"""What Tapster's ``server_settings.json`` says in a benchmark: how often one may do
something. All else is as it is shipped: everything is switched on."""

CLIENT: Final = "bench-client"
IDLE_CLIENT: Final = "bench-idle"
EXTENSION: Final = "SillyTavern-bench"
"""The ids that ``load.mjs`` uses, alone or followed by ``-<number>``."""

WATCH: Final = f"{EXTENSION}-watch"
"""The one that reads the loop's lag."""

WARM_UP_CLIENTS: Final = 20
"""Idle clients that ``load.mjs`` connects before those that count."""


@dataclass(frozen=True, kw_only=True)
class Identities:
    """How many clients of each kind a load connects, and under which ids."""

    streams: int
    idle: int
    shared: bool
    """One clientId for all of a kind, so one key and one bcrypt."""

    def client_ids(self) -> list[str]:
        """Return every clientId of ordinary clients."""
        return self._named(CLIENT, self.streams) + self._named(
            IDLE_CLIENT, WARM_UP_CLIENTS + self.idle
        )

    def extension_ids(self) -> list[str]:
        """Return every clientId of extensions."""
        return self._named(EXTENSION, self.streams) + ([] if self.shared else [WATCH])

    def _named(self, kind: str, count: int) -> list[str]:
        if self.shared:
            return [kind]
        return [f"{kind}-{index}" for index in range(count)]


@dataclass(frozen=True, kw_only=True)
class Peer:
    """A server to measure."""

    name: str
    command: Callable[[Path], list[str]]
    """The command, given the folder of this run."""

    prepare: Callable[[Path, Identities], None] = lambda _folder, _identities: None
    """Writes what the server wants to find in that folder."""


def _tapster_command(folder: Path) -> list[str]:
    settings, data = str(folder / "settings"), str(folder / DATA)
    tapster = Path(sys.executable).with_name("tapster")
    serve = [str(tapster), "serve", "--port", "0"]
    return [*serve, "--settings", settings, "--data", data]


def _prepare_tapster(folder: Path, identities: Identities) -> None:
    """Trust the bench's ids; raise the limits."""
    settings = folder / "settings"
    settings.mkdir()
    (folder / DATA).mkdir()
    for client_id in identities.client_ids():
        _trust(settings, client_id)
    for client_id in identities.extension_ids():
        # Without a file, trust on first use would let in no more than 32 of them.
        _trust(settings, client_id, clientType=SILLY_TAVERN_TYPE)
    (settings / "server_settings.json").write_text(json.dumps(RAISED_LIMITS))


def _trust(settings: Path, client_id: str, **more: str) -> None:
    content = {"clientId": client_id, "isTrust": True, **more}
    (settings / f"{client_id}-settings.json").write_text(json.dumps(content))


TAPSTER: Final = Peer(
    name="tapster", command=_tapster_command, prepare=_prepare_tapster
)
NODE: Final = Peer(
    name="node", command=lambda _: [node(), str(BENCH / "peers" / "node.mjs")]
)
PLAIN: Final = Peer(
    name="plain", command=lambda _: [sys.executable, "-m", "bench.peers.plain"]
)

PEERS: Final = {peer.name: peer for peer in (TAPSTER, NODE, PLAIN)}
