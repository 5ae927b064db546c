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

RAISED_LIMITS: Final[dict[str, Any]] = {}
"""What Tapster's ``server_settings.json`` says in a benchmark, limits above all.

Empty: no file is written and the defaults hold. Streams that run flat out pass the
default 5,000 events a second each when there are only a few of them.
"""

CLIENT: Final = "bench-client"
IDLE_CLIENT: Final = "bench-idle"
EXTENSION: Final = "SillyTavern-bench"
"""The ids that ``load.mjs`` uses, alone or followed by ``-<number>``."""

WARM_UP_CLIENTS: Final = 20
"""Idle clients that ``load.mjs`` connects before those that count."""


@dataclass(frozen=True, kw_only=True)
class Identities:
    """How many clients of each kind a scenario connects, and under which ids."""

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
        return self._named(EXTENSION, self.streams)

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

    rounds: int = 3
    chunk_share: float = 1.0
    """How much of a scenario's chunks it gets: a slow peer needs fewer to be measured
    as well."""


def _tapster_command(folder: Path) -> list[str]:
    settings, data = str(folder / "settings"), str(folder / "data")
    tapster = Path(sys.executable).with_name("tapster")
    serve = [str(tapster), "serve", "--port", "0"]
    return [*serve, "--settings", settings, "--data", data]


def _prepare_tapster(folder: Path, identities: Identities) -> None:
    """Trust the bench's ids; raise the limits."""
    settings = folder / "settings"
    settings.mkdir()
    (folder / "data").mkdir()
    for client_id in identities.client_ids():
        _trust(settings, client_id)
    for client_id in identities.extension_ids():
        # Without a file, trust on first use would let in no more than 32 of them.
        _trust(settings, client_id, clientType=SILLY_TAVERN_TYPE)
    if RAISED_LIMITS:
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
    name="plain",
    command=lambda _: [sys.executable, "-m", "bench.peers.plain"],
    rounds=1,
    chunk_share=0.25,
)

PEERS: Final = {peer.name: peer for peer in (TAPSTER, NODE, PLAIN)}
