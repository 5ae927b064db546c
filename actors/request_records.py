"""What the store keeps of requests: that they are open, and how they ended.

Owns the SQL of the table ``requests``, but for what the histories read of it.
"""

from __future__ import annotations

import sqlite3

import msgspec

from actors.lifecycle import RequestState
from actors.records import Statement, Write


class RequestRow(msgspec.Struct, frozen=True):
    """A request as it is stored."""

    request: str
    requester: str
    request_id: str
    room: str


class OpenRequest(Write, frozen=True):
    """Store a request as open."""

    row: RequestRow

    def statements(self, now: float) -> tuple[Statement, ...]:
        """One row."""
        row = self.row
        statement = """INSERT INTO requests
            (request, requester, request_id, room, opened_at) VALUES (?, ?, ?, ?, ?)"""
        return (
            (statement, (row.request, row.requester, row.request_id, row.room, now)),
        )


class CloseRequest(Write, frozen=True):
    """Store how a request ended."""

    request: str
    state: RequestState
    error: str | None

    def statements(self, now: float) -> tuple[Statement, ...]:
        """One row."""
        statement = """UPDATE requests SET state = ?, error = ?, closed_at = ?
            WHERE request = ?"""
        return ((statement, (self.state, self.error, now, self.request)),)


def end_open(
    connection: sqlite3.Connection, error: str, now: float
) -> tuple[RequestRow, ...]:
    """End what the last process left open; returns it."""
    rows = connection.execute(
        "SELECT request, requester, request_id, room FROM requests WHERE state IS NULL"
    )
    crashed = tuple(RequestRow(*row) for row in rows)
    connection.execute(
        "UPDATE requests SET state = ?, error = ?, closed_at = ? WHERE state IS NULL",
        (RequestState.FAILED, error, now),
    )
    return crashed
