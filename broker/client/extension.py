"""The extension's side: brings the answers that a SillyTavern would.

Owns one identity's session and the answers it is bringing. What the answers say is
the user's: an asynchronous generator from an order to pieces of text.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any

from broker.client.connection import Connection
from broker.client.credentials import Credentials
from broker.client.errors import accepted
from broker.client.incoming import IncomingOrder
from broker.client.link import Link
from broker.client.manner import Manner, NewManner
from broker.client.pour import Pour
from broker.client.session import Session
from broker.protocol.wire import ASK_FOR_KEY, SILLY_TAVERN_TYPE, Event, Namespace

Answering = Callable[[IncomingOrder], AsyncIterator[str]]
"""What a user writes: an order in, the pieces of its answer out."""

VERSION = "tapster-python"
"""What ``IDENTIFY_SILLYTAVERN`` tells of us, where the user says nothing."""

logger = logging.getLogger(__name__)


class TapsterExtension(Session):
    """An extension that answers with a generator.

    ::

        async def echo(order):
            for word in order.message.split():
                yield word + " "

        extension = TapsterExtension(url, client_id="SillyTavern-1", answer=echo)
        await extension.run_forever()
    """

    def __init__(  # noqa: PLR0913 - settings, each with its default
        self,
        url: str,
        *,
        client_id: str,
        answer: Answering,
        capacity: int = 1,
        version: str = VERSION,
        key: str | None = ASK_FOR_KEY,
        identity: str | None = None,
        password: str | None = None,
        characters: list[Any] | None = None,
        current: Any = None,
        model: str | None = None,
        context: int | None = None,
        manner: Manner | None = None,
        transports: Iterable[str] | None = None,
        connect_timeout: float = 15.0,
        reconnect_delay: float = 0.5,
        give_up_after: float | None = None,
    ) -> None:
        """Prepare; ``async with`` or ``run_forever`` connects.

        Args:
            url: where the broker is.
            client_id: ``SillyTavern-`` and a port, as a rule.
            answer: makes the answer to an order.
            capacity: how many orders it takes at a time.
            version: what it calls itself; not told in the ``LegacyManner``.
            key: a key of this client; if absent, it gets one by identifying itself.
            identity: this instance of the client; the client id if there is but one.
            password: the SillyTavern's, where the broker has one for it.
            characters: what it can answer as.
            current: the character it answers as now.
            model: the language model behind it.
            context: how many messages of the room each order shall bring along.
            manner: how answers are sent; ``NewManner()`` if absent.
            transports: ``["websocket"]`` or ``["polling"]``, if not both in turn.
            connect_timeout: seconds for one attempt to connect.
            reconnect_delay: seconds before the first attempt to reconnect.
            give_up_after: seconds without success after which it ends, if ever.
        """
        credentials = Credentials(
            client_id=client_id,
            client_type=SILLY_TAVERN_TYPE,
            key=key or ASK_FOR_KEY,
            identity=identity,
            more={"password": password},
        )
        login = [Namespace.AUTH] if password is not None else []
        connection = Connection(
            url,
            credentials,
            [*login, Namespace.SILLY_TAVERN, Namespace.LLM],
            transports=transports,
            connect_timeout=connect_timeout,
            reconnect_delay=reconnect_delay,
            give_up_after=give_up_after,
        )
        super().__init__(connection, credentials)
        self._answer = answer
        self._manner: Manner = NewManner() if manner is None else manner
        self._password = password
        self._card = {
            "clientId": client_id,
            "capacity": capacity,
            "characters": characters,
            "current": current,
            "model": model,
            "context": context,
            "version": version if self._manner.announces_version else None,
        }
        self._pours: dict[str, Pour] = {}
        self._answering: dict[str, asyncio.Task[None]] = {}
        connection.on_up.append(self._go_on)
        self.listen(Namespace.LLM, Event.LLM_REQUEST, self._ordered)
        self.listen(Namespace.LLM, Event.CANCEL_REQUEST, self._cancelled)

    @property
    def running(self) -> list[str]:
        """The ids of the requests that are being answered."""
        return list(self._pours)

    async def run_forever(self) -> None:
        """Connect if need be, and answer until closed or until the broker is gone.

        Raises:
            TapsterError: why there is no connection any more.
        """
        await self.open()
        try:
            raise await self._connection.ended()
        finally:
            await self.close()

    async def close(self) -> None:
        """Leave for good; answers under way are dropped."""
        for task in self._answering.values():
            task.cancel()
        await self._close(farewell=True)

    async def _settle(self, link: Link) -> None:
        """Log in and identify ourselves; either may bring a key."""
        client_id = self._credentials.client_id
        if self._credentials.asking and self._password is not None:
            login = {"clientId": client_id, "password": self._password}
            ack = await link.call(Namespace.AUTH, Event.LOGIN, login)
            self._credentials.assign(accepted(ack).get("key"))
        card = {key: value for key, value in self._card.items() if value is not None}
        card["running"] = self.running
        ack = await link.call(Namespace.SILLY_TAVERN, Event.IDENTIFY_SILLYTAVERN, card)
        self._credentials.assign(accepted(ack).get("key"))

    def _go_on(self, link: Link) -> None:
        del link
        for pour in self._pours.values():
            self._spawn(pour.repeat())

    def _ordered(self, data: Any) -> None:
        order = IncomingOrder.read(data)
        if order.request_id in self._pours:
            logger.info("%s is being answered already.", order.request_id)
            return
        pour = Pour(order, lambda: self._connection.link, repeats=self._manner.repeats)
        task = self._spawn(self._bring(pour))
        self._pours[order.request_id] = pour
        self._answering[order.request_id] = task
        # Not the task's own business: called off early enough, it never begins.
        task.add_done_callback(lambda _: self._done(order.request_id))

    def _cancelled(self, data: Any) -> None:
        request_id = str(data.get("requestId")) if isinstance(data, dict) else ""
        if (task := self._answering.get(request_id)) is not None:
            logger.info("%s is called off.", request_id)
            task.cancel()

    async def _bring(self, pour: Pour) -> None:
        try:
            pieces = self._answer(pour.order)
            try:
                await self._manner.tell(pour, pieces)
            finally:
                await _finish(pieces)
        except Exception as problem:
            logger.exception("Answering %s failed.", pour.order.request_id)
            await _apologise(pour, problem)
        await pour.delivered()

    def _done(self, request_id: str) -> None:
        del self._pours[request_id], self._answering[request_id]


async def _apologise(pour: Pour, problem: Exception) -> None:
    reason: dict[str, Any] = {"message": str(problem) or type(problem).__name__}
    code = getattr(problem, "code", None)
    if isinstance(code, int):
        reason["code"] = code
    await pour.send(Event.ERROR, confirm=True, **reason)


async def _finish(pieces: AsyncIterator[str]) -> None:
    """Let a generator that was left in the middle run its ``finally``."""
    close = getattr(pieces, "aclose", None)
    if close is not None:
        await close()
