"""The settings in force, as operators see them: each with what it does.

Owns nothing. What is said of them is that of the tables in ``settings/README.md``,
which ``scripts/settings_texts.py`` writes into the file beside this one. Must never
show what is in a client's file.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec

from broker.config import ServerSettings
from broker.protocol.console_frames import ShownSetting
from broker.protocol.wire import Event

TEXTS: Final = Path(__file__).with_name("settings.json")

DEFAULT_MODE: Final = "defaultRoomMessageRequestMode"

CHANGED_BY: Final[dict[str, Event]] = {
    DEFAULT_MODE: Event.SET_MESSAGE_REQUEST_MODE,
}
"""The settings that can be changed while the broker runs, and by which event."""


def show(settings: ServerSettings, now: Mapping[str, Any]) -> list[ShownSetting]:
    """All settings; ``now``: what those are that have been changed since the start."""
    defaults: dict[str, Any] = msgspec.to_builtins(ServerSettings())
    values = msgspec.to_builtins(settings) | now
    return [
        ShownSetting(
            name=name,
            value=values[name],
            default=default,
            changeable=name in CHANGED_BY,
            changed_by=CHANGED_BY.get(name, msgspec.UNSET),
            **_texts()[name],
        )
        for name, default in defaults.items()
    ]


@cache
def _texts() -> dict[str, dict[str, Any]]:
    texts: dict[str, dict[str, Any]] = msgspec.json.decode(TEXTS.read_bytes())
    return texts
