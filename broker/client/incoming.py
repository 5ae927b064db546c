"""A request as it reaches an extension, read into types. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True, kw_only=True)
class IncomingOrder:
    """What an extension is asked to answer."""

    request_id: str
    """The broker's id of the request, which all of the answer carries."""
    message: str
    """The text, from ``message`` or else from ``data.prompt``."""
    messages: list[dict[str, Any]] | None
    """A conversation to answer instead of the extension's own chat."""
    request_type: str
    """``newMessage`` or ``regenerateMessage``."""
    context: list[dict[str, Any]]
    """The last messages of the room, oldest first."""
    requesting_identity: str | None
    """Who asked."""
    is_streaming: bool
    """Whether the requester reads pieces; the broker takes them in any case."""
    raw: dict[str, Any]
    """All that came, fields that the protocol does not know included."""

    @classmethod
    def read(cls, raw: dict[str, Any]) -> Self:
        """The request in the data of an ``LLM_REQUEST``."""
        data = raw.get("data")
        prompt = data.get("prompt") if isinstance(data, dict) else data
        message = raw.get("message")
        return cls(
            request_id=str(raw["requestId"]),
            message=str((prompt or "") if message is None else message),
            messages=raw.get("messages") or None,
            request_type=str(raw.get("requestType") or ""),
            context=raw.get("context") or [],
            requesting_identity=raw.get("requestingIdentity"),
            is_streaming=raw.get("isStreaming", True) is not False,
            raw=raw,
        )
