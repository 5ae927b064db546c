"""The manners in which an extension brings an answer: which events, in which order.

A manner sends through a ``Pour`` and knows nothing of connections. Write one of your
own to send raw events: whatever it sends goes out as it is.
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from typing import Protocol

from broker.client.pour import Pour
from broker.protocol.wire import StreamEvent


class Manner(Protocol):
    """How pieces of text become events."""

    @property
    def announces_version(self) -> bool:
        """Whether ``IDENTIFY_SILLYTAVERN`` tells the version; older ones do not."""

    @property
    def repeats(self) -> bool:
        """Whether, after a reconnection, all that was said is said again."""

    async def tell(self, pour: Pour, pieces: AsyncIterator[str]) -> None:
        """Send the whole answer."""


class NewManner:
    """One stream with one chunk a piece, and an end that says it is final."""

    announces_version = True
    repeats = True

    async def tell(self, pour: Pour, pieces: AsyncIterator[str]) -> None:
        """Send START, FIRST, MIDDLE…, END."""
        stream_id = uuid.uuid4().hex
        await pour.send(StreamEvent.START, streamId=stream_id)
        event = StreamEvent.DATA_FIRST
        index = 0
        async for piece in pieces:
            if piece:
                await pour.send(event, streamId=stream_id, chunkIndex=index, data=piece)
                event = StreamEvent.DATA_MIDDLE
                index += 1
        await pour.send(StreamEvent.END, confirm=True, streamId=stream_id, final=True)


class LegacyManner:
    """As older extensions do it: a stream for every token, and no word of the end.

    START, FIRST, MIDDLE and LAST with a third of the token each, END; all streams
    with the same ``outputId``. After the last token nothing comes any more, and what
    a broken connection swallowed is lost.
    """

    announces_version = False
    repeats = False

    async def tell(self, pour: Pour, pieces: AsyncIterator[str]) -> None:
        """Send five events a token."""
        async for token in pieces:
            await self._stream(pour, token)

    async def _stream(self, pour: Pour, token: str) -> None:
        stream_id = uuid.uuid4().hex
        third = -(-len(token) // 3)
        await pour.send(StreamEvent.START, streamId=stream_id)
        for index, event in enumerate(
            (StreamEvent.DATA_FIRST, StreamEvent.DATA_MIDDLE, StreamEvent.DATA_LAST)
        ):
            data = token[index * third : (index + 1) * third]
            await pour.send(event, streamId=stream_id, chunkIndex=index, data=data)
        await pour.send(StreamEvent.END, streamId=stream_id)
