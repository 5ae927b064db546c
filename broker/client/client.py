"""The client: orders answers and reads them.

Owns one identity's session and its book of orders. A cut connection is its own
business: it comes back and resumes, and the reader of an order notices only the time.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from broker.client.book import OrderBook
from broker.client.connection import Connection
from broker.client.credentials import Credentials
from broker.client.link import Link
from broker.client.order import Order
from broker.client.session import Session
from broker.protocol.wire import ASK_FOR_KEY, Event, Namespace

CLIENT_TYPE = "python-client"
"""What we call ourselves, where the user has no better word."""


class TapsterClient(Session):
    """A client of the broker.

    ::

        async with TapsterClient(url, client_id="web-app", key="getKey") as bar:
            async for piece in bar.order("hi"):
                print(piece, end="")
    """

    def __init__(  # noqa: PLR0913 - settings, each with its default
        self,
        url: str,
        *,
        client_id: str,
        key: str | None = None,
        identity: str | None = None,
        client_type: str = CLIENT_TYPE,
        stream_names: str | None = None,
        namespaces: Iterable[str] = (),
        transports: Iterable[str] | None = None,
        handshake: Mapping[str, Any] | None = None,
        connect_timeout: float = 15.0,
        reconnect_delay: float = 0.5,
        give_up_after: float | None = 600.0,
    ) -> None:
        """Prepare; ``async with`` connects.

        Args:
            url: where the broker is, like ``http://127.0.0.1:4000``.
            client_id: what trust and keys belong to.
            key: a key of this client; ``"getKey"`` asks for one, which ``key`` then
                has, to be saved; ``None`` stays unverified, which is good for little.
            identity: this instance of the client; the client id if there is but one.
            client_type: any word of the client's own.
            stream_names: ``plain``, ``server`` or ``both``: the names that chunks
                come under. Orders understand them all.
            namespaces: what to join beside ``/llm``, for ``call`` and ``listen``.
            transports: ``["websocket"]`` or ``["polling"]``, if not both in turn.
            handshake: more of its fields: ``desc``, ``name``, ``avatar``…
            connect_timeout: seconds for one attempt to connect.
            reconnect_delay: seconds before the first attempt to reconnect.
            give_up_after: seconds without success after which all orders fail.
        """
        credentials = Credentials(
            client_id=client_id,
            client_type=client_type,
            key=key,
            identity=identity,
            more={"streamNames": stream_names, **(handshake or {})},
        )
        # The key is handed out in /auth, so that one comes first.
        auth = [Namespace.AUTH] if key == ASK_FOR_KEY else []
        connection = Connection(
            url,
            credentials,
            [*auth, Namespace.LLM, *namespaces],
            transports=transports,
            connect_timeout=connect_timeout,
            reconnect_delay=reconnect_delay,
            give_up_after=give_up_after,
        )
        super().__init__(connection, credentials)
        self._book = OrderBook(connection, self._spawn, self._cancel)
        self.listen(Namespace.AUTH, Event.GET_CLIENT_KEY, self._key_came)

    def order(  # noqa: PLR0913 - the fields of a request
        self,
        message: str,
        *,
        target: str | list[str] | None = None,
        room: str | None = None,
        messages: list[dict[str, Any]] | None = None,
        timeout: float | None = None,
        stream: bool = True,
        request_id: str | None = None,
        **extra: Any,
    ) -> Order:
        """Order an answer; the request is on its way when this returns.

        Args:
            message: the text.
            target: who shall answer: an extension, a client id, a list of them; if
                absent, the broker's policy chooses.
            room: the room it is said in; our own if absent.
            messages: an OpenAI-style conversation to answer instead of the chat.
            timeout: seconds for all of it, within the broker's limit.
            stream: whether to get pieces, or the whole at the end.
            request_id: an id that can be resumed by later; made up if absent.
            extra: any other field of the request, spelt as on the wire.

        Raises:
            ValueError: that request id is under way on this connection.
        """
        request_id = request_id or uuid.uuid4().hex
        request = {
            "requestId": request_id,
            "message": message,
            "target": target,
            "targetRoom": room,
            "messages": messages,
            "timeout": timeout,
            "isStreaming": stream,
            **extra,
        }
        request = {name: value for name, value in request.items() if value is not None}
        return self._book.place(request_id, request=request)

    async def resume(
        self,
        request_id: str,
        room: str | None = None,
        start: int | Mapping[str, int] = 0,
    ) -> Order:
        """Read on in a request of an earlier connection, process or member.

        Args:
            request_id: the id it was ordered under.
            room: the room it was ordered in, if somebody else did.
            start: the next chunk index wanted, for all outputs or for each.

        Raises:
            OrderError: the broker does not have it any more, or not for us.
        """
        order = self._book.place(request_id, room=room, start=start)
        await order.accepted()
        return order

    async def close(self) -> None:
        """Leave: for good if all is eaten, else so that orders can be resumed."""
        await self._close(farewell=not self._book.live)

    async def _settle(self, link: Link) -> None:
        del link
        if self._credentials.asking:
            await self._credentials.assigned()

    def _key_came(self, data: Any) -> None:
        if self._credentials.asking and isinstance(data, dict):
            self._credentials.assign(data.get("key"))

    async def _cancel(self, order: Order) -> dict[str, Any]:
        data = {"requestId": order.request_id}
        if order.room is not None:
            data["roomName"] = order.room
        return await self.call(Namespace.LLM, Event.CANCEL_REQUEST, data)
