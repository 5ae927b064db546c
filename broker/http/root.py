"""``/``: a word to the person who opens the address in a browser."""

from __future__ import annotations

from aiohttp import web

from broker import __version__

GREETING = f"""Tapster {__version__} is running.

Connect a Socket.IO client to this address, namespace /llm.
用 Socket.IO 客户端连接此地址，命名空间 /llm。
"""


def add_root(app: web.Application) -> None:
    """Serve the greeting."""
    app.router.add_get("/", _greet)


async def _greet(_request: web.Request) -> web.Response:
    return web.Response(text=GREETING)
