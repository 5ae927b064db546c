"""The book of orders: all that are under way on one connection.

Owns the live orders. Sends their requests and, after each new link and each gap,
their resumptions; hands every notice of the broker to the answer it belongs to.
It must never have a request carried out twice: the same id again starts nothing while
the first lives, and whether that has ended is asked before anything is sent again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from typing import Any, TypeVar

import msgspec

from actors.errors import Code
from broker.client.answer import Answer
from broker.client.connection import Connection
from broker.client.errors import TapsterError, UnreachableError
from broker.client.link import Link
from broker.client.notice import Chunk, Notice, OutputEnd, StatusUpdate, Whole
from broker.client.order import Order
from broker.protocol.wire import AnswerEvent, Event, MessageType, Namespace

ACK_TIMEOUT = 60.0
"""Seconds after which an ack that did not come on a living link never will."""

logger = logging.getLogger(__name__)

N = TypeVar("N", bound=Notice)
Spawn = Callable[[Coroutine[Any, Any, Any]], object]
Cancel = Callable[[Order], Coroutine[Any, Any, object]]


class OrderBook:
    """Finds the order for every notice, and keeps each one going."""

    def __init__(self, connection: Connection, spawn: Spawn, cancel: Cancel) -> None:
        """Listen to the connection, and start tasks with ``spawn``."""
        self._connection = connection
        self._spawn = spawn
        self._cancel = cancel
        self._orders: dict[str, Order] = {}
        self._sent: set[str] = set()
        self._end: TapsterError | None = None
        connection.on_up.append(self._pick_up)
        connection.on_lost.append(self._put_down)
        connection.on_end.append(self._fail_all)
        hear = partial(connection.listen, Namespace.LLM)
        hear(AnswerEvent.STREAMED_DATA, self._chunk)
        hear(AnswerEvent.SERVER_STREAM_DATA, self._chunk)
        hear(AnswerEvent.STREAMED_END, self._output_end)
        hear(AnswerEvent.SERVER_STREAM_END, self._output_end)
        hear(AnswerEvent.MESSAGE, self._message)
        hear(Event.REQUEST_STATUS_UPDATE, self._status)
        hear(Event.ERROR, self._error)

    @property
    def live(self) -> int:
        """How many orders have not ended."""
        return len(self._orders)

    def place(
        self,
        request_id: str,
        *,
        request: Mapping[str, Any] | None = None,
        room: str | None = None,
        start: int | Mapping[str, int] = 0,
    ) -> Order:
        """Note an order and send it, now or as soon as there is a link.

        Where there will be no link any more, the order fails at once.
        """
        if request_id in self._orders:
            sentence = f"The request {request_id} is under way on this connection."
            raise ValueError(sentence)
        answer = Answer(request_id, partial(self._gap, request_id), start)
        order = Order(request_id, answer, self._cancel, request=request, room=room)
        if self._end is not None:
            answer.fail(self._end.message, self._end.code)
            return order
        self._orders[request_id] = order
        if (link := self._connection.link) is not None:
            self._continue(order, link)
        return order

    def _pick_up(self, link: Link) -> None:
        for order in list(self._orders.values()):
            self._continue(order, link)

    def _put_down(self) -> None:
        # What the next link says before it is up follows on what we have missed.
        for order in self._orders.values():
            order.answer.resume()

    def _continue(self, order: Order, link: Link) -> None:
        if order.request is None or order.answer.begun:
            self._resume(order, link)
        elif order.request_id in self._sent:
            self._resume(order, link, partial(self._found_out, order, link))
        else:
            self._send(order, link, order.request)

    def _send(self, order: Order, link: Link, request: Mapping[str, Any]) -> None:
        self._sent.add(order.request_id)
        order.answer.start_over()
        placed = order.answer.placed
        self._spawn(self._ask(order, link, Event.LLM_REQUEST, request, placed))

    def _found_out(self, order: Order, link: Link, ack: Any) -> None:
        """Send a request again that the broker has not heard of."""
        unheard = isinstance(ack, dict) and ack.get("code") == Code.NOT_FOUND
        if unheard and order.request is not None:
            self._send(order, link, order.request)
        else:
            order.answer.resumed(ack)

    def _gap(self, request_id: str) -> None:
        link, order = self._connection.link, self._orders.get(request_id)
        if link is not None and order is not None:
            self._resume(order, link)

    def _resume(
        self, order: Order, link: Link, on_ack: Callable[[Any], None] | None = None
    ) -> None:
        # From here on, and not from when it is sent: live events must not slip in.
        data = {"requestId": order.request_id, "from": order.answer.resume()}
        if order.room is not None:
            data["roomName"] = order.room
        resumed = on_ack or order.answer.resumed
        self._spawn(self._ask(order, link, Event.RESUME_STREAM, data, resumed))

    async def _ask(
        self,
        order: Order,
        link: Link,
        event: Event,
        data: Mapping[str, Any],
        on_ack: Callable[[Any], None],
    ) -> None:
        try:
            async with asyncio.timeout(ACK_TIMEOUT):
                await link.call(Namespace.LLM, event, dict(data), on_ack)
        except UnreachableError:
            logger.debug("%s of %s: the next link's.", event, order.request_id)
        except TimeoutError:
            order.answer.fail(f"The broker did not answer {event}.", Code.TIMEOUT)
        except msgspec.ValidationError as problem:
            order.answer.fail(f"The ack of {event} is none: {problem}", Code.UNKNOWN)
        self._forget_ended(order)

    def _chunk(self, data: Any) -> None:
        self._deliver(data, Chunk, Answer.take_chunk)

    def _output_end(self, data: Any) -> None:
        self._deliver(data, OutputEnd, Answer.take_end)

    def _status(self, data: Any) -> None:
        self._deliver(data, StatusUpdate, Answer.take_status)

    def _message(self, data: Any) -> None:
        if isinstance(data, dict) and data.get("type") == MessageType.NON_STREAM:
            self._deliver(data, Whole, Answer.take_whole)

    def _error(self, data: Any) -> None:
        if (order := self._find(data)) is not None:
            order.answer.take_error(data)

    def _deliver(
        self, data: Any, kind: type[N], take: Callable[[Answer, N], None]
    ) -> None:
        if (order := self._find(data)) is not None:
            take(order.answer, kind.read(data))
            self._forget_ended(order)

    def _find(self, data: Any) -> Order | None:
        """Our order that this is about; a room's members hear of others' too."""
        if not isinstance(data, dict):
            return None
        return self._orders.get(str(data.get("requestId")))

    def _forget_ended(self, order: Order) -> None:
        if order.ended and self._orders.get(order.request_id) is order:
            del self._orders[order.request_id]
            self._sent.discard(order.request_id)

    def _fail_all(self, reason: TapsterError) -> None:
        self._end = reason
        for order in self._orders.values():
            order.answer.fail(reason.message, reason.code)
        self._orders.clear()
