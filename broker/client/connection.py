"""The way to the broker, kept open: one link after another.

Owns the current link, the listeners that each new link gets, and the reconnecting.
It must never resend what a caller sent: only the caller knows whether that is safe.
``on_up`` is where orders and answers pick up again.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final

from actors.errors import Code
from broker.client.credentials import Credentials
from broker.client.errors import EntryRefusedError, TapsterError, UnreachableError
from broker.client.link import Handler, Link
from broker.protocol.wire import Event

logger = logging.getLogger(__name__)

FINAL_REFUSALS: Final = frozenset(
    {Code.INVALID_PARAMETER, Code.AUTHENTICATION_FAILED, Code.AUTHORISATION_FAILED}
)
"""Refusals at the door that the next attempt would only get again."""

LONGEST_DELAY: Final = 5.0
"""Seconds between two attempts at most."""

LONGEST_ABSENCE: Final = 120.0
"""Seconds for which a broker may ask to be left alone."""


class Connection:
    """Opens links until it is closed, refused for good, or out of patience."""

    def __init__(  # noqa: PLR0913 - settings, each with its default
        self,
        url: str,
        credentials: Credentials,
        namespaces: Iterable[str],
        *,
        transports: Iterable[str] | None = None,
        connect_timeout: float = 15.0,
        reconnect_delay: float = 0.5,
        give_up_after: float | None = 600.0,
    ) -> None:
        """Prepare; nothing is sent before ``open``.

        Args:
            url: where the broker is, like ``http://127.0.0.1:4000``.
            credentials: who we are; an assigned key is noted in them.
            namespaces: all that this connection enters.
            transports: ``["websocket"]`` or ``["polling"]``, if not both in turn.
            connect_timeout: seconds for one attempt, key and all.
            reconnect_delay: seconds to wait first; doubled after each attempt.
            give_up_after: seconds without a link after which it ends; never, if absent.
                The broker keeps answers for ten minutes, so later there is little
                left to come back for.
        """
        self._url = url
        self._credentials = credentials
        self._namespaces = tuple(dict.fromkeys(namespaces))
        self._transports = None if transports is None else list(transports)
        self._connect_timeout = connect_timeout
        self._reconnect_delay = reconnect_delay
        self._give_up_after = give_up_after
        self._listeners: dict[tuple[str, str], list[Handler]] = {}
        self._link: Link | None = None
        self._stay_away = 0.0
        """Seconds that a broker which stops has asked for."""
        self._end: TapsterError | None = None
        self._decided = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None
        self.settle: Callable[[Link], Awaitable[None]] = _nothing_to_settle
        """What is to be done on a new link before it counts as up."""
        self.on_up: list[Callable[[Link], None]] = []
        """Called with each link that is up, the first included."""
        self.on_lost: list[Callable[[], None]] = []
        """Called when a link has ended that another is to replace."""
        self.on_end: list[Callable[[TapsterError], None]] = []
        """Called once, when there will be no link any more."""

        for namespace in self._namespaces:
            self.listen(namespace, Event.WARNING, self._warned)

    @property
    def link(self) -> Link | None:
        """The link that is up now, if one is."""
        return self._link if self._link is not None and self._link.alive else None

    def listen(self, namespace: str, event: str, handler: Handler) -> None:
        """Have the handler called with the data of each such event."""
        key = (str(namespace), str(event))
        handlers = self._listeners.setdefault(key, [])
        handlers.append(handler)
        if self._link is not None and len(handlers) == 1:
            self._link.listen(*key, handlers)

    async def open(self) -> None:
        """Connect for the first time; a failure is the caller's to see.

        Raises:
            EntryRefusedError: the broker does not let us in.
            UnreachableError: there is no broker, or it was closed before.
        """
        if self._end is not None:
            raise self._end
        if self._keeper is None:
            await self._connect()
            self._keeper = asyncio.create_task(self._keep())

    async def ready(self) -> Link:
        """The link that is up, now or as soon as there is one.

        Raises:
            TapsterError: there will be none any more, for this reason.
        """
        while True:
            await self._decided.wait()
            if self._end is not None:
                raise self._end
            if (link := self.link) is not None:
                return link
            self._decided.clear()

    async def ended(self) -> TapsterError:
        """Wait until there will be no link any more; returns why."""
        if self._keeper is not None:
            await asyncio.wait({self._keeper})
        return self._end or UnreachableError("The connection was never opened.")

    async def close(self, *, farewell: bool = True) -> None:
        """Leave; with a farewell the broker does not wait for us to come back."""
        self._finish(
            UnreachableError("The client is closed.", Code.CLIENT_DISCONNECTED)
        )
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait({self._keeper})
        if self._link is not None:
            await self._link.close(farewell=farewell)

    async def _keep(self) -> None:
        """Replace each link that ends, until one can not be replaced."""
        while self._link is not None:
            await self._link.ended()
            for tell in self.on_lost:
                tell()
            await self._link.close()
            logger.info("Lost the connection to %s; reconnecting.", self._url)
            try:
                async with asyncio.timeout(self._give_up_after):
                    await self._reconnect()
            except TimeoutError:
                self._finish(
                    UnreachableError(
                        f"No connection to {self._url} for {self._give_up_after:g} s."
                    )
                )
                return
            except EntryRefusedError as refusal:
                self._finish(refusal)
                return

    async def _reconnect(self) -> None:
        away, self._stay_away = self._stay_away, 0.0
        await asyncio.sleep(away)
        delay = self._reconnect_delay
        while True:
            # Jitter, so that a restarted broker does not meet all clients at once.
            await asyncio.sleep(delay * (0.5 + random.random()))  # noqa: S311
            delay = min(2 * delay, LONGEST_DELAY)
            try:
                await self._connect()
            except EntryRefusedError as refusal:
                if refusal.code in FINAL_REFUSALS and not self._ask_again(refusal):
                    raise
                logger.info("Refused for now: %s", refusal)
            except TapsterError as problem:
                logger.info("%s", problem)
            else:
                return

    def _warned(self, data: Any) -> None:
        if isinstance(data, dict):
            seconds = data.get("retryAfter")
            if isinstance(seconds, int | float) and seconds > 0:
                self._stay_away = min(float(seconds), LONGEST_ABSENCE)

    def _ask_again(self, refusal: EntryRefusedError) -> bool:
        return (
            refusal.code == Code.AUTHENTICATION_FAILED and self._credentials.ask_again()
        )

    async def _connect(self) -> None:
        link = Link(self._namespaces)
        for key, handlers in self._listeners.items():
            link.listen(*key, handlers)
        await link.open(
            self._url, self._credentials.auth(), self._transports, self._connect_timeout
        )
        try:
            async with asyncio.timeout(self._connect_timeout):
                await link.race(self._settled(link))
        except TimeoutError:
            await link.close()
            raise UnreachableError(
                "The broker let us in and then said nothing.", Code.TIMEOUT
            ) from None
        except BaseException:
            await link.close()
            raise
        self._link = link
        for resume in self.on_up:
            resume(link)
        self._decided.set()

    async def _settled(self, link: Link) -> None:
        await self.settle(link)

    def _finish(self, reason: TapsterError) -> None:
        if self._end is None:
            self._end = reason
            self._decided.set()
            for tell in self.on_end:
                tell(reason)


async def _nothing_to_settle(link: Link) -> None:
    del link
