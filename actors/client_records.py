"""What the store keeps of clients: who is trusted, and the hashes of their keys.

Owns the SQL of the tables ``clients`` and ``keys``. Must never see a key in plain.
"""

from __future__ import annotations

import sqlite3

import msgspec

from actors.records import Statement, Write


class KeyRow(msgspec.Struct, frozen=True):
    """A client's key as it is stored: never in plain."""

    id: str
    client: str
    hash: bytes
    created_at: float
    last_used_at: float
    expires_at: float | None = None
    """When it is good no more, by the wall clock; None: never."""

    def is_good(self, now: float) -> bool:
        """Whether its time is not over."""
        return self.expires_at is None or now < self.expires_at


class ClientRow(msgspec.Struct, frozen=True):
    """A client that is trusted without a settings file."""

    client: str
    type: str
    created_at: float


class PutKey(Write, frozen=True):
    """Store a key, and drop those of ``replaces``."""

    row: KeyRow
    replaces: tuple[str, ...] = ()

    def statements(self, now: float) -> tuple[Statement, ...]:  # noqa: ARG002
        """The key, and one for each that it replaces."""
        row = self.row
        put = (
            "INSERT OR REPLACE INTO keys VALUES (?, ?, ?, ?, ?, ?)",
            msgspec.structs.astuple(row),
        )
        return (put, *map(_remove_key, self.replaces))


class UseKey(Write, frozen=True):
    """Store when a key was used, and nothing else.

    Another process may have removed it meanwhile, or said when it expires.
    """

    id: str
    at: float

    def statements(self, now: float) -> tuple[Statement, ...]:  # noqa: ARG002
        """One row, if it is still there."""
        statement = "UPDATE keys SET last_used_at = ? WHERE id = ?"
        return ((statement, (self.at, self.id)),)


class ExpireKeys(Write, frozen=True):
    """Store when keys are good no more."""

    ids: tuple[str, ...]
    at: float

    def statements(self, now: float) -> tuple[Statement, ...]:  # noqa: ARG002
        """One for each."""
        statement = "UPDATE keys SET expires_at = ? WHERE id = ?"
        return tuple((statement, (self.at, each)) for each in self.ids)


class RemoveKeys(Write, frozen=True):
    """Drop keys."""

    ids: tuple[str, ...]

    def statements(self, now: float) -> tuple[Statement, ...]:  # noqa: ARG002
        """One for each."""
        return tuple(map(_remove_key, self.ids))


class TrustClient(Write, frozen=True):
    """Trust a client, as one of a type."""

    row: ClientRow

    def statements(self, now: float) -> tuple[Statement, ...]:  # noqa: ARG002
        """One row."""
        row = self.row
        statement = "INSERT OR REPLACE INTO clients VALUES (?, ?, ?)"
        return ((statement, (row.client, row.type, row.created_at)),)


class ForgetClient(Write, frozen=True):
    """Trust a client no longer and drop its keys."""

    client: str

    def statements(self, now: float) -> tuple[Statement, ...]:  # noqa: ARG002
        """The client and its keys."""
        return (
            ("DELETE FROM clients WHERE client = ?", (self.client,)),
            ("DELETE FROM keys WHERE client = ?", (self.client,)),
        )


def trusted_clients(connection: sqlite3.Connection) -> tuple[ClientRow, ...]:
    """All that are trusted without a settings file."""
    rows = connection.execute("SELECT * FROM clients")
    return tuple(ClientRow(*row) for row in rows)


def stored_keys(connection: sqlite3.Connection) -> tuple[KeyRow, ...]:
    """The keys of all clients."""
    rows = connection.execute("SELECT * FROM keys")
    return tuple(KeyRow(*row) for row in rows)


def _remove_key(key: str) -> Statement:
    return ("DELETE FROM keys WHERE id = ?", (key,))
