"""The peer "plain": the thinnest relay one would write with python-socketio.

Does exactly what ``node.mjs`` beside it does, with the library's defaults, on aiohttp
and uvloop. It shows what the obvious way costs in Python. It takes nothing from the
broker but the wire's names.
"""

from __future__ import annotations

import asyncio
from typing import Any

import socketio
import uvloop
from aiohttp import web

from broker.protocol.wire import SERVER, AnswerEvent, Event, Namespace, StreamEvent

CHUNK_EVENTS = (StreamEvent.DATA_FIRST, StreamEvent.DATA_MIDDLE, StreamEvent.DATA_LAST)


class Relay:
    """Forwards requests to their target and chunks to who asked or to the room."""

    def __init__(self, server: Any) -> None:
        self._server = server
        self._names: dict[str, str] = {}
        self._readers: dict[str, str] = {}
        self._listen("connect", self._connect)
        self._listen("disconnect", self._disconnect)
        self._listen(Event.JOIN_ROOM, self._join)
        self._listen(Event.LLM_REQUEST, self._request)
        self._listen(StreamEvent.START, self._start)
        self._listen(StreamEvent.END, self._end)
        for event in CHUNK_EVENTS:
            self._listen(event, self._chunk)

    def _listen(self, event: str, handler: Any) -> None:
        self._server.on(event, handler, namespace=Namespace.LLM)

    async def _emit(self, event: str, data: dict[str, Any], room: str) -> None:
        await self._server.emit(event, data, room=room, namespace=Namespace.LLM)

    async def _connect(self, sid: str, _environ: Any, auth: dict[str, str]) -> None:
        name = auth.get("identity") or auth["clientId"]
        self._names[sid] = name
        await self._server.enter_room(sid, name, namespace=Namespace.LLM)

    async def _disconnect(self, sid: str, _reason: str) -> None:
        del self._names[sid]

    async def _join(self, sid: str, data: dict[str, str]) -> dict[str, Any]:
        name = data["roomName"]
        await self._server.enter_room(sid, name, namespace=Namespace.LLM)
        return {"status": "ok"}

    async def _request(self, sid: str, data: dict[str, Any]) -> dict[str, Any]:
        room = data.get("targetRoom") or self._names[sid]
        self._readers[data["requestId"]] = room
        await self._emit(Event.LLM_REQUEST, data, data["target"])
        return {"status": "ok", "requestId": data["requestId"], "state": "sent"}

    async def _start(self, sid: str, data: dict[str, Any]) -> None:
        """``streamed_data`` has no opening event."""

    async def _chunk(self, _sid: str, data: dict[str, Any]) -> None:
        request_id = data["requestId"]
        answer = {
            "streamId": data["streamId"],
            "outputId": data["outputId"],
            "requestId": request_id,
            "source": SERVER,
            "data": data["data"],
            "index": data["chunkIndex"],
        }
        await self._emit(AnswerEvent.STREAMED_DATA, answer, self._readers[request_id])

    async def _end(self, _sid: str, data: dict[str, Any]) -> None:
        request_id = data["requestId"]
        room = self._readers.pop(request_id)
        end = {
            "streamId": data["streamId"],
            "outputId": data["outputId"],
            "requestId": request_id,
            "source": SERVER,
        }
        status = {"requestId": request_id, "status": "completed"}
        await self._emit(AnswerEvent.STREAMED_END, end, room)
        await self._emit(Event.REQUEST_STATUS_UPDATE, status, room)


async def serve() -> None:
    """Listen on a free port of loopback, say which, and run until killed."""
    server = socketio.AsyncServer(async_mode="aiohttp")
    Relay(server)
    app = web.Application()
    server.attach(app)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    print(f"listening on http://127.0.0.1:{port}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(serve())
