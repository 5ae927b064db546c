"""One answer on its way to the broker, whatever happens to the connection.

Owns the log of what was said of one request. A chunk that a dying connection took
with it is sent again on the next one: the broker ignores indexes that it has. The
last event asks for an ack, and until that has come the answer counts as running.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable
from typing import Any

from broker.client.errors import UnreachableError
from broker.client.incoming import IncomingOrder
from broker.client.link import Link
from broker.protocol.wire import STREAM_EVENT_TYPES, Namespace

ACK_TIMEOUT = 10.0
"""Seconds to wait for the ack of the last event; then the broker has it surely."""

logger = logging.getLogger(__name__)


class Pour:
    """Where a ``Manner`` sends the events of one answer."""

    def __init__(
        self, order: IncomingOrder, link: Callable[[], Link | None], *, repeats: bool
    ) -> None:
        """Begin an answer.

        Args:
            order: the request that is answered.
            link: gives the link that is up, if one is.
            repeats: whether a new link gets all that was said on the old ones.
        """
        self.order = order
        self.output_id = uuid.uuid4().hex
        self._link = link
        self._repeats = repeats
        self._log: list[tuple[str, dict[str, Any], bool]] = []
        self._sent = 0
        self._upon: Link | None = None
        """The link that what counts as sent was sent on."""
        self._sending = asyncio.Lock()
        self._dry = asyncio.Event()

    async def send(self, event: str, *, confirm: bool = False, **fields: Any) -> None:
        """Say one event; ``type``, ``requestId`` and ``outputId`` are filled in.

        With ``confirm`` it asks for an ack, and what follows waits for that.
        """
        data: dict[str, Any] = {
            "outputId": self.output_id,
            "requestId": self.order.request_id,
        }
        if event in STREAM_EVENT_TYPES:
            data["type"] = int(STREAM_EVENT_TYPES[event])
        self._log.append((event, {**data, **fields}, confirm))
        self._dry.clear()
        await self._flow()
        # Sending never waits, so an answer that never does would starve the loop.
        await asyncio.sleep(0)

    async def repeat(self) -> None:
        """Go on upon a new link."""
        await self._flow()

    async def delivered(self) -> None:
        """Wait until all that was said is sent, and confirmed where it asked for it."""
        if self._log:
            await self._dry.wait()

    async def _flow(self) -> None:
        async with self._sending:
            link = self._current()
            while self._sent < len(self._log):
                if link is None or not await _said(link, *self._log[self._sent]):
                    return
                self._sent += 1
                link = self._current()
            self._dry.set()

    def _current(self) -> Link | None:
        """The link that is up; a new one gets all that was said, before anything new.

        Not only when ``repeat`` is called: the next piece may be quicker than that,
        and an end that comes before what it ends cuts that short.
        """
        link = self._link()
        if link is not None and link is not self._upon:
            self._upon = link
            if self._repeats:
                self._sent = 0
        return link


async def _said(link: Link, event: str, data: dict[str, Any], confirm: bool) -> bool:  # noqa: FBT001
    """Whether the event went out; if not, the next link's turn comes."""
    try:
        if confirm:
            async with asyncio.timeout(ACK_TIMEOUT):
                await link.call(Namespace.LLM, event, data)
        else:
            await link.emit(Namespace.LLM, event, data)
    except UnreachableError:
        return False
    except TimeoutError:
        logger.warning("The broker gave no ack for %s.", event)
    return True
