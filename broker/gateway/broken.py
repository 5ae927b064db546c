"""ProtocolBrokenError: a peer sent what no client sends, and its connection ends."""

from __future__ import annotations

from engineio.exceptions import EngineIOError


class ProtocolBrokenError(EngineIOError):  # type: ignore[misc]
    """The peer sent what no client sends; its connection is closed."""
