"""``/lib``, ``/dist`` and ``/socket.io``: the modules that browser clients import.

Owns their bytes, read once. There is a route for each file and for nothing else, so
no path can lead anywhere: what is not in the list is not found.
"""

from __future__ import annotations

import hashlib
from http import HTTPStatus
from pathlib import Path
from typing import Final

import msgspec
from aiohttp import web

from broker.http.constants import constants_module

_HERE: Final = Path(__file__).parent
_VENDOR: Final = _HERE / "vendor"

_ES_CLIENT: Final = "socket.io.esm.min.js"
_CLASSIC_CLIENT: Final = "socket.io.min.js"
_STREAMS: Final = "node-socketio-stream.js"

MODULES: Final[dict[str, Path]] = {
    "/lib/socket.io.esm.min.js": _VENDOR / _ES_CLIENT,
    "/lib/Socket.io/socket.io.js": _VENDOR / _ES_CLIENT,
    "/lib/node-socketio-stream.js": _VENDOR / _STREAMS,
    "/lib/@sap_oss/node-socketio-stream.js": _VENDOR / _STREAMS,
    "/lib/uuid/uuid.js": _VENDOR / "uuid.js",
    "/dist/function_call.js": _HERE / "modules" / "function_call.js",
}
"""What pages import, and where it is."""

CONSTANTS: Final = "/lib/constants.js"

CLIENTS: Final[dict[str, Path]] = {
    "socket.io.js": _VENDOR / _CLASSIC_CLIENT,
    "socket.io.min.js": _VENDOR / _CLASSIC_CLIENT,
    "socket.io.esm.min.js": _VENDOR / _ES_CLIENT,
}
"""What every Socket.IO server gives away under its own path."""

DEFAULT_PATH: Final = "socket.io"


class Script(msgspec.Struct, frozen=True):
    """One file, ready to be sent."""

    body: bytes
    etag: str

    async def serve(self, request: web.Request) -> web.Response:
        """Send it, unless the browser has it already."""
        headers = {
            "Content-Type": "text/javascript; charset=utf-8",
            "X-Content-Type-Options": "nosniff",
            # Kept, but asked after each time: another Tapster may answer tomorrow.
            "Cache-Control": "no-cache",
            "ETag": f'"{self.etag}"',
        }
        known = request.if_none_match or ()
        if any(each.value in {self.etag, "*"} for each in known):
            return web.Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
        return web.Response(body=self.body, headers=headers)


def add_library(app: web.Application, socket_io_path: str) -> None:
    """Serve the modules; the Socket.IO client also under the broker's own path."""
    app.router.add_get(CONSTANTS, _script(constants_module()).serve)
    for url, path in MODULES.items():
        app.router.add_get(url, _script(path.read_bytes()).serve)
    for folder in sorted({DEFAULT_PATH, socket_io_path.strip("/")}):
        for name, path in CLIENTS.items():
            app.router.add_get(f"/{folder}/{name}", _script(path.read_bytes()).serve)


def _script(body: bytes) -> Script:
    return Script(body, hashlib.sha256(body).hexdigest()[:32])
