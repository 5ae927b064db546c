"""The audit log: what was done by those who rule the house, and what was refused them.

Owns the file ``audit.log``, and a queue and a thread to it: however much the other logs
have to say, and however little the settings let them, each action is in here. Must
never hold a key, a password or what people said.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from actors.errors import BrokerError
from broker.logs.files import LogFiles
from broker.logs.handler import LogHandler
from broker.logs.record import Entry

SERVICE: Final = "broker.audit"
MOST_NAMES: Final = 20
"""Of a list; a record has room for no more."""


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody was about to do."""

    who: str
    """The identity, or how else they are known."""
    client: str | None
    address: str | None
    """From where; None: from this machine's command line."""
    what: str
    about: dict[str, Any]
    """Whom and what it concerns, by the names of the wire."""


class Audit:
    """Writes down actions."""

    def __init__(self, files: LogFiles) -> None:
        self._handler = LogHandler(_AuditFile(files))

    def done(self, action: Action, result: dict[str, Any]) -> None:
        """It was done; ``result`` is what is worth telling of it."""
        told = {"outcome": "done", **({"result": _short(result)} if result else {})}
        extra = {"event": action.what, "fields": _fields(action) | told}
        self._write(logging.INFO, f"{action.who} did it", extra)

    def refused(self, action: Action, error: BrokerError) -> None:
        """It was not done."""
        told = {"outcome": "refused", "reason": error.message}
        extra = {
            "event": action.what,
            "code": int(error.code),
            "fields": _fields(action) | told,
        }
        self._write(logging.WARNING, f"{action.who} was refused", extra)

    def flush(self) -> None:
        """Wait until what was done before is written."""
        self._handler.flush()

    def close(self) -> None:
        """Write what waits."""
        self._handler.close()

    def _write(self, level: int, message: str, extra: dict[str, Any]) -> None:
        record = logging.LogRecord(SERVICE, level, "", 0, message, None, None)
        record.__dict__.update(extra)
        self._handler.handle(record)


class _AuditFile:
    """The one file of all that a handler of its own writes."""

    def __init__(self, files: LogFiles) -> None:
        self._files = files

    def append(self, entries: Sequence[Entry]) -> None:
        """Write actions."""
        self._files.append_actions(entries)


def _fields(action: Action) -> dict[str, Any]:
    fields = {
        "who": action.who,
        "clientId": action.client,
        "from": action.address,
        "what": action.what,
        "about": _short(action.about),
    }
    return {name: value for name, value in fields.items() if value is not None}


def _short(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: _shortened(value) for name, value in fields.items()}


def _shortened(value: Any) -> Any:
    if not isinstance(value, list) or len(value) <= MOST_NAMES:
        return value
    return [*value[:MOST_NAMES], f"and {len(value) - MOST_NAMES} more"]
