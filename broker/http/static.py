"""``/public/…``, ``/client/…``, ``/exampleClient/…``, and what clients have added.

Owns nothing: which file a URL means is ``security.paths``' to say. Must never list a
folder, and tells of a file that may not be seen only that there is none.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from actors.errors import BrokerError
from broker.allocator import LARGE
from broker.functions.static_resources import StaticResources
from broker.security.paths import SERVED, Location

_READING: Final = frozenset({"GET", "HEAD"})
_UTF8: Final = "; charset=utf-8"

CONTENT_TYPES: Final = {
    ".css": f"text/css{_UTF8}",
    ".csv": f"text/csv{_UTF8}",
    ".htm": f"text/html{_UTF8}",
    ".html": f"text/html{_UTF8}",
    ".js": f"text/javascript{_UTF8}",
    ".json": "application/json",
    ".map": "application/json",
    ".md": f"text/markdown{_UTF8}",
    ".mjs": f"text/javascript{_UTF8}",
    ".svg": "image/svg+xml",
    ".txt": f"text/plain{_UTF8}",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
    ".xml": "application/xml",
}
"""What pages are made of; the system's own table is not always right about it."""

PIECE: Final = LARGE
"""Bytes of a file that are read at a time: what each who takes nothing costs.

No less, for these go back when they are freed. A hundred who take nothing cost 15 MiB
in all with these, and 2 when they are cut; with pieces of 64 KiB 28 to 41 MiB, and 4 to
9 then; with a KiB less than these, 49 to 58.
"""

UNKNOWN_TYPE: Final = "application/octet-stream"


def add_static(app: web.Application, resources: StaticResources) -> None:
    """Serve the folders, and what was added where nothing else is served."""

    async def in_folder(request: web.Request) -> web.StreamResponse:
        return _response(partial(resources.root.find, request.path, SERVED))

    @web.middleware
    async def added(request: web.Request, handler: Handler) -> web.StreamResponse:
        unserved = isinstance(request.match_info.http_exception, web.HTTPNotFound)
        if unserved and request.method in _READING and resources.has(request.path):
            return _response(partial(resources.find, request.path))
        return await handler(request)

    for area in SERVED:
        app.router.add_get(f"/{area}/{{path:.*}}", in_folder)
    app.middlewares.append(added)
    resources.respect(partial(is_served, app.router))


def is_served(router: web.UrlDispatcher, url: str) -> bool:
    """Whether a URL belongs to a route, or stands beside one under the same name."""
    first = _first(url)
    for resource in router.resources():
        info = resource.get_info()
        pattern = info.get("pattern")
        if pattern is not None and pattern.fullmatch(url):
            return True
        served = _first(resource.canonical)
        if served and served.casefold() == first.casefold():
            return True
    return first == ""


def content_type(path: Path) -> str:
    """What browsers are to take a file for: they must not guess."""
    known = CONTENT_TYPES.get(path.suffix.lower())
    return known or mimetypes.guess_type(path.name)[0] or UNKNOWN_TYPE


def _first(url: str) -> str:
    return url.lstrip("/").partition("/")[0]


def _response(find: Callable[[], Location]) -> web.FileResponse:
    try:
        path = find().path
    except BrokerError:
        raise web.HTTPNotFound from None
    headers = {
        "Content-Type": content_type(path),
        "X-Content-Type-Options": "nosniff",
        # Kept, but asked after each time: the file may be another tomorrow.
        "Cache-Control": "no-cache",
    }
    return web.FileResponse(path, chunk_size=PIECE, headers=headers)
