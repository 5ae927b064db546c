"""One answer on its way, over one link after another."""

from __future__ import annotations

from typing import Any, cast

from broker.client import IncomingOrder
from broker.client.link import Link
from broker.client.pour import Pour
from broker.protocol.wire import StreamEvent


class FakeLink:
    """Notes what is said on it, and acknowledges."""

    def __init__(self) -> None:
        self.said: list[str] = []

    async def emit(self, _namespace: str, _event: str, data: dict[str, Any]) -> None:
        """Take an event."""
        self.said.append(data.get("data", "end"))

    call = emit


async def test_next_piece_does_not_overtake_what_a_new_link_must_hear_again() -> None:
    """An end that comes before what was lost would cut the answer short."""
    first, second = FakeLink(), FakeLink()
    links = [first]
    order = IncomingOrder.read({"requestId": "r", "message": "hi"})
    pour = Pour(order, lambda: cast("Link", links[-1]), repeats=True)
    await pour.send(StreamEvent.DATA_FIRST, data="a")
    await pour.send(StreamEvent.DATA_MIDDLE, data="b")
    links.append(second)
    await pour.send(StreamEvent.DATA_MIDDLE, data="c")
    await pour.send(StreamEvent.END, confirm=True)
    await pour.repeat()

    assert first.said == ["a", "b"]
    assert second.said == ["a", "b", "c", "end"]
