"""A server's root, and those who call its functions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from actors.roles import Caller, CallerKind
from broker.config import SERVER_FILE, ServerSettings
from broker.functions.visitor import Visitor
from broker.security.paths import ServerRoot

SECRET = "nobody may see this"


def visitor(
    client: str = "guest", kind: CallerKind = CallerKind.CLIENT, **more: Any
) -> Visitor:
    """Somebody with a key."""
    return Visitor(Caller(f"{client}#1", client, kind), **more)


GUEST = visitor()
STRANGER = visitor(verified=False)
MONITOR = visitor("monitor", CallerKind.MONITOR)
SILLY_TAVERN = visitor("SillyTavern-1", CallerKind.EXTENSION)


def write(path: Path, values: Any) -> None:
    """Write a JSON file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(values))


def read(path: Path) -> Any:
    """Read one."""
    return json.loads(path.read_text())


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    """A folder of settings, and things beside it."""
    settings = tmp_path / "settings"
    server = {**msgspec.to_builtins(ServerSettings()), "allowedHosts": [SECRET]}
    write(settings / SERVER_FILE, server)
    write(
        settings / "guest-settings.json",
        {
            "clientId": "guest",
            "isTrust": True,
            "sillyTavernPassWord": SECRET,
            "sillyTavernMasterKey": SECRET,
            "mine": [1, {"a": None, "token": "my own"}],
        },
    )
    write(
        settings / "other-settings.json",
        {
            "clientId": "other",
            "theme": {"colour": "red", "password": SECRET, "maxTokens": 5},
            "sillyTavernPassWord": SECRET,
            "bots": [{"discordToken": SECRET, "api_key": SECRET, "name": "b"}],
        },
    )
    write(settings / "routes.json", [])
    write(tmp_path / "public" / "list.json", [1, 2])
    write(tmp_path / "client" / "file.json", {"secret": SECRET})
    write(tmp_path / "guest-settings.json", {"secret": SECRET})
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "tapster.sqlite3").write_text(SECRET)
    return settings


@pytest.fixture
def root(settings: Path) -> ServerRoot:
    """The same as the broker knows it."""
    return ServerRoot(settings, settings.parent / "data")
