"""What the store keeps of the assignments: the policy, and who may use whom.

Owns the SQL of the table ``assignments`` and of one row of ``choices``.
"""

from __future__ import annotations

import sqlite3
from typing import Final

import msgspec

from actors.policies import Assigned, ConnectionPolicy
from actors.records import Read, Statement, Write

_POLICY: Final = "policy"
"""The name of our row among the choices."""


class Remembered(msgspec.Struct, frozen=True):
    """What was in force when the last process ended."""

    policy: ConnectionPolicy = ConnectionPolicy.FREE
    assignments: dict[str, Assigned] = {}


class PutPolicy(Write, frozen=True):
    """Store which policy is in force."""

    policy: ConnectionPolicy

    def statements(self, now: float) -> tuple[Statement, ...]:  # noqa: ARG002
        """One row."""
        statement = "INSERT OR REPLACE INTO choices VALUES (?, ?)"
        return ((statement, (_POLICY, str(self.policy))),)


class PutAssignments(Write, frozen=True):
    """Store what rooms were assigned instead of what they had before."""

    rooms: dict[str, Assigned]

    def statements(self, now: float) -> tuple[Statement, ...]:  # noqa: ARG002
        """A row for each extension of each room."""
        drop = "DELETE FROM assignments WHERE room = ?"
        put = "INSERT INTO assignments VALUES (?, ?)"
        dropped = [(drop, (room,)) for room in self.rooms]
        added = [
            (put, (room, extension))
            for room, assigned in self.rooms.items()
            for extension in assigned
        ]
        return (*dropped, *added)


class Recall(Read, frozen=True):
    """Answers with ``Remembered``."""

    def run(self, connection: sqlite3.Connection) -> Remembered:
        """Read the policy and all assignments."""
        chosen = connection.execute(
            "SELECT value FROM choices WHERE name = ?", (_POLICY,)
        ).fetchone()
        policy = ConnectionPolicy(chosen[0]) if chosen else ConnectionPolicy.FREE
        assignments: dict[str, Assigned] = {}
        rows = connection.execute(
            "SELECT room, extension FROM assignments ORDER BY 1, 2"
        )
        for room, extension in rows:
            assignments[room] = (*assignments.get(room, ()), extension)
        return Remembered(policy, assignments)
