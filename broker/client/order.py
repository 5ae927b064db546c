"""An order in the hands of the one who placed it.

Owns what was ordered, and how its answer is read: as pieces, as a whole text, as
statuses. The sending is the book's.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

from broker.client.answer import Answer
from broker.client.errors import BrokerRefusedError, OrderError


class Order:
    """Iterate it for the pieces as they come, as often as you like.

    The iteration ends with the answer, in an ``OrderError`` if the request failed,
    was cancelled or took too long.
    """

    def __init__(
        self,
        request_id: str,
        answer: Answer,
        cancel: Callable[[Order], Awaitable[object]],
        *,
        request: Mapping[str, Any] | None = None,
        room: str | None = None,
    ) -> None:
        """Note what is ordered.

        Args:
            request_id: its id.
            answer: where what comes is noted.
            cancel: asks the broker to call it off.
            request: the whole request; ``None`` where it was sent long ago and is
                only resumed.
            room: the room of another member's request.
        """
        self.request_id = request_id
        self.request = request
        self.room = room
        self.answer = answer
        self._cancel = cancel

    def __aiter__(self) -> AsyncIterator[str]:
        return aiter(self.answer.pieces)

    def statuses(self) -> AsyncIterator[str]:
        """Every status from the first to the terminal one, as they come."""
        return aiter(self.answer.statuses)

    async def accepted(self) -> dict[str, Any]:
        """Wait for the broker's ack and return it.

        Raises:
            OrderError: the broker refused.
        """
        if not await self.answer.acks.more(0):
            await self.answer.acks.finished()
        return self.ack

    async def text(self) -> str:
        """Wait for the end and return the final text.

        Raises:
            OrderError: it failed, was cancelled or took too long.
        """
        await self.answer.pieces.finished()
        return self.answer.text

    async def cancel(self) -> None:
        """Call it off; what has ended already stays as it is.

        Raises:
            BrokerRefusedError: the broker does not let us.
        """
        try:
            await self.accepted()
            if not self.ended:
                await self._cancel(self)
        except (OrderError, BrokerRefusedError):
            if not self.ended:
                raise

    @property
    def ack(self) -> dict[str, Any]:
        """The broker's answer to the request; empty until it came."""
        return self.answer.ack

    @property
    def status(self) -> str:
        """The latest ``RequestState``; empty until the broker said something."""
        return self.answer.status

    @property
    def position(self) -> int | None:
        """The place in the extension's queue, while it waits there."""
        return self.answer.position

    @property
    def extension(self) -> str | None:
        """The identity of the extension that answers, or answered last."""
        return self.answer.extension

    @property
    def ended(self) -> bool:
        """Whether nothing can come any more."""
        return self.answer.ended

    @property
    def outputs(self) -> dict[str, str]:
        """The text of each output until now, by its id."""
        return {name: output.text for name, output in self.answer.outputs.items()}

    @property
    def text_so_far(self) -> str:
        """What ``text()`` would return if this were all."""
        return self.answer.text
