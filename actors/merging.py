"""Several held requests made into one.

Pure: orders in, an order out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from actors.outbound import Order

BLANK_LINE: Final = "\n\n"


def text_of(order: Order) -> str:
    """What an order says, wherever it says it."""
    if isinstance(order.message, str):
        return order.message
    if isinstance(order.data, dict) and isinstance(order.data.get("prompt"), str):
        return str(order.data["prompt"])
    if isinstance(order.data, str):
        return order.data
    said = order.message if order.message is not None else order.data
    if said is not None:
        return msgspec.json.encode(said).decode()
    last = order.messages[-1] if order.messages else None
    content = last.get("content") if isinstance(last, dict) else None
    return content if isinstance(content, str) else ""


def merge(leader: Order, held: Sequence[Order]) -> Order:
    """The leader's order, with what was held before it.

    The texts are joined by blank lines, the oldest first; a conversation of messages
    gets them before its last one.
    """
    if not held:
        return leader
    texts = [text_of(order) for order in held]
    changes: dict[str, Any] = {
        "extra": {
            **leader.extra,
            "isMerged": True,
            "mergedFromCount": len(held) + 1,
            "originalRequestIds": [o.request_id for o in held] + [leader.request_id],
        }
    }
    if leader.messages is None or leader.message or leader.data:
        joined = BLANK_LINE.join(filter(None, [*texts, text_of(leader)]))
        changes |= _with_text(leader, joined)
    if leader.messages is not None:
        said = [{"role": "user", "content": text} for text in texts]
        changes["messages"] = [*leader.messages[:-1], *said, *leader.messages[-1:]]
    return msgspec.structs.replace(leader, **changes)


def _with_text(order: Order, text: str) -> dict[str, Any]:
    """Put a text where the order has its own."""
    changes: dict[str, Any] = {}
    if order.message is not None or order.data is None:
        changes["message"] = text
    if isinstance(order.data, dict) and "prompt" in order.data:
        changes["data"] = {**order.data, "prompt": text}
    elif order.message is None:
        changes["data"] = text
    return changes
