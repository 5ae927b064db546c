"""The SharedSettings actor: settings that SillyTavern instances have in common.

Owns      every shared setting and its version
Receives  Save, Get; Committed from the store
Sends     saved settings to the store
Stops     with the broker

The last writer wins by version: what is not newer than what is kept is a conflict,
and answered with what is kept. Values are JSON text that nobody here looks into.
"""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Iterable
from typing import Any, Final, TypeAlias, assert_never

import msgspec
import pykka

from actors.base import LoopActor
from actors.errors import NotFoundError, RefusedError
from actors.future import LoopFuture
from actors.records import Committed, Read, Statement, Write

MAX_SETTINGS: Final = 1_000


class Setting(msgspec.Struct, frozen=True):
    """One setting: its value as JSON text, and who saved it."""

    name: str
    version: int
    value: str
    source: str


class Save(msgspec.Struct, frozen=True):
    """Keep a setting; answers with ``Saved`` once it is on disk, or ``Conflict``."""

    setting: Setting


class Get(msgspec.Struct, frozen=True):
    """Answers with the ``Setting`` of a name."""

    name: str


class Saved(msgspec.Struct, frozen=True):
    """The setting is kept; not ``durable``: until a restart, the disk being full."""

    version: int
    durable: bool


class Conflict(msgspec.Struct, frozen=True):
    """What is kept is as new or newer: this."""

    kept: Setting


class PutSetting(Write, frozen=True):
    """Store a setting."""

    setting: Setting

    def statements(self, now: float) -> tuple[Statement, ...]:  # noqa: ARG002
        """One row."""
        statement = "INSERT OR REPLACE INTO shared_settings VALUES (?, ?, ?, ?)"
        return ((statement, msgspec.structs.astuple(self.setting)),)


class ReadSettings(Read, frozen=True):
    """Answers with every stored ``Setting``."""

    def run(self, connection: sqlite3.Connection) -> tuple[Setting, ...]:
        """Read all rows; there are few."""
        rows = connection.execute(
            "SELECT name, version, value, source FROM shared_settings"
        )
        return tuple(Setting(*row) for row in rows)


Message: TypeAlias = Save | Get | Committed


class SharedSettings(LoopActor):
    """All shared settings."""

    def __init__(
        self, settings: Iterable[Setting], store_ref: pykka.ActorRef[Any]
    ) -> None:
        super().__init__()
        self._store = store_ref
        self._settings = {setting.name: setting for setting in settings}
        self._tokens = itertools.count(1)
        self._unwritten: dict[int, tuple[int, LoopFuture[Saved]]] = {}

    def on_receive(self, message: Message) -> Any:
        """Handle one message."""
        match message:
            case Save(setting):
                return self._save(setting)
            case Get(name):
                return self._get(name)
            case Committed(ok, token):
                return self._committed(token, ok=ok)
            case _:
                assert_never(message)

    def _save(self, setting: Setting) -> LoopFuture[Saved] | Conflict:
        kept = self._settings.get(setting.name)
        if kept is not None and setting.version <= kept.version:
            return Conflict(kept)
        if kept is None and len(self._settings) >= MAX_SETTINGS:
            raise RefusedError(
                f"there are {MAX_SETTINGS} shared settings already, use one of them"
            )
        token = next(self._tokens)
        self._store.tell(
            PutSetting(reply_to=self.actor_ref, token=token, setting=setting)
        )
        self._settings[setting.name] = setting
        answer: LoopFuture[Saved] = self.defer()
        self._unwritten[token] = (setting.version, answer)
        return answer

    def _get(self, name: str) -> Setting:
        if name not in self._settings:
            raise NotFoundError(f"there is no shared setting {name!r}")
        return self._settings[name]

    def _committed(self, token: int, *, ok: bool) -> None:
        version, answer = self._unwritten.pop(token)
        answer.set(Saved(version, durable=ok))
