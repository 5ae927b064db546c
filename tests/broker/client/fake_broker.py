"""The broker's part, played by hand: real Socket.IO, and no mind of its own.

A test says what each request is answered with and what is sent unasked, so that it
can put events into any order the protocol allows.
"""

from __future__ import annotations

import asyncio
import inspect
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import socketio
from aiohttp import web

from broker.protocol.wire import ASK_FOR_KEY, AnswerEvent, Event, Namespace

SECONDS = 5.0
"""How long anything may take before the test is lost."""

T = TypeVar("T")
Answerer = Callable[[Any], Any]


async def soon(work: Awaitable[T]) -> T:
    """The result, within the time there is."""
    async with asyncio.timeout(SECONDS):
        return await work


class FakeBroker:
    """One server on a port of its own."""

    def __init__(self) -> None:
        self.answers: dict[str, Answerer] = {}
        """What an event is answered with; else with a bare ok."""
        self.refusals: dict[str, tuple[int, str]] = {}
        """The namespaces that are shut, with code and sentence."""
        self.gives_key: str | None = None
        """The key that is handed out in /auth to those who ask."""
        self.auths: list[tuple[str, dict[str, Any]]] = []
        """Every handshake that came, with its namespace."""
        self.heard: list[tuple[str, Any]] = []
        """Every event that came, with its data."""
        self.url = ""
        self._events: dict[str, asyncio.Queue[Any]] = defaultdict(asyncio.Queue)
        self._sio: Any = socketio.AsyncServer(
            async_mode="aiohttp", async_handlers=False, monitor_clients=False
        )
        self._sids: dict[str, str] = {}
        for namespace in Namespace:
            self._listen(namespace)

    async def start(self) -> None:
        """Open the door."""
        app = web.Application()
        self._sio.attach(app)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        port = self._runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{port}"

    async def stop(self) -> None:
        """Close it, and whatever is still connected."""
        await self._sio.shutdown()
        await self._runner.cleanup()

    async def hears(self, event: str) -> Any:
        """The data of the next such event, or of the first not asked for yet."""
        return await soon(self._events[event].get())

    async def say(self, event: str, data: Any, namespace: str = Namespace.LLM) -> None:
        """Send an event to all in a namespace."""
        await self._sio.emit(str(event), data, namespace=str(namespace))

    async def streams(
        self, request_id: str, index: int, data: str, **more: Any
    ) -> None:
        """Send one chunk of the output ``o``."""
        chunk = {"outputId": "o", "requestId": request_id, "index": index, "data": data}
        await self.say(AnswerEvent.STREAMED_DATA, {**chunk, **more})

    async def ends(self, request_id: str, status: str, **more: Any) -> None:
        """Send the end of the output ``o``, and the terminal status."""
        output = {"requestId": request_id, "outputId": "o", "status": status}
        await self.say(AnswerEvent.STREAMED_END, {**output, **more})
        await self.status(request_id, status, **more)

    async def status(self, request_id: str, status: str, **more: Any) -> None:
        """Send a change of status."""
        data = {"requestId": request_id, "status": status, **more}
        await self.say(Event.REQUEST_STATUS_UPDATE, data)

    def cut(self) -> None:
        """Break all connections as a pulled cable would."""
        for sid, namespace in self._sids.items():
            environ = self._sio.get_environ(sid, namespace)
            if environ and (transport := environ["aiohttp.request"].transport):
                transport.abort()

    def said(self, *events: str) -> list[tuple[str, Any]]:
        """What came of these events, in order."""
        return [(event, data) for event, data in self.heard if event in events]

    def _listen(self, namespace: Namespace) -> None:
        async def connect(sid: str, environ: Any, auth: dict[str, Any]) -> None:
            del environ
            self.auths.append((namespace, auth))
            if namespace in self.refusals:
                code, message = self.refusals[namespace]
                raise socketio.exceptions.ConnectionRefusedError(
                    message, {"code": code, "message": message}
                )
            self._sids[sid] = namespace
            asks = auth.get("key") == ASK_FOR_KEY
            if namespace == Namespace.AUTH and asks and self.gives_key is not None:
                data = {"key": self.gives_key, "clientId": auth["clientId"]}
                self._sio.start_background_task(
                    self.say, Event.GET_CLIENT_KEY, data, Namespace.AUTH
                )

        async def heard(event: str, sid: str, *args: Any) -> Any:
            data = args[0] if args else None
            self.heard.append((event, data))
            self._events[event].put_nowait(data)
            if event == Event.CLIENT_DISCONNECTED:
                await self._sio.disconnect(sid, namespace=namespace)
                return None
            answer = self.answers.get(event, _ok)(data)
            return await answer if inspect.isawaitable(answer) else answer

        def disconnect(sid: str, reason: Any) -> None:
            del reason
            self._sids.pop(sid, None)

        self._sio.on("connect", connect, namespace=str(namespace))
        self._sio.on("disconnect", disconnect, namespace=str(namespace))
        self._sio.on("*", heard, namespace=str(namespace))


def _ok(data: Any) -> Any:
    del data
    return {"status": "ok"}
