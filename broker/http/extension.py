"""``/extension.zip``: SillyTavern's extension, ready to be unpacked among others.

Owns the archive, made once, in memory. The same files always make the same bytes:
what a browser has need not be sent again, by whichever broker.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Final

import msgspec
from aiohttp import web

from broker import __version__, extension

URL: Final = "/extension.zip"

_LONG_AGO: Final = (1980, 1, 1, 0, 0, 0)
"""The time of every entry: when a file was written says nothing about it."""

_READABLE: Final = 0o100644 << 16


class Archive(msgspec.Struct, frozen=True):
    """The zip file, ready to be sent."""

    body: bytes
    etag: str

    async def serve(self, request: web.Request) -> web.Response:
        """Send it, unless the browser has it already."""
        name = f"{extension.NAME}-extension-{__version__}.zip"
        headers = {
            "Content-Type": "application/zip",
            "Content-Disposition": f'attachment; filename="{name}"',
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-cache",
            "ETag": f'"{self.etag}"',
        }
        known = request.if_none_match or ()
        if any(each.value in {self.etag, "*"} for each in known):
            return web.Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
        return web.Response(body=self.body, headers=headers)


def add_extension(app: web.Application) -> None:
    """Serve the archive, where this installation has the files."""
    try:
        body = pack(extension.files())
    except FileNotFoundError:
        return
    archive = Archive(body, hashlib.sha256(body).hexdigest()[:32])
    app.router.add_get(URL, archive.serve)


def pack(files: Mapping[str, Path]) -> bytes:
    """The files as a zip, in the folder that SillyTavern is to have."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, path in files.items():
            entry = zipfile.ZipInfo(f"{extension.NAME}/{name}", _LONG_AGO)
            entry.external_attr = _READABLE
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, path.read_bytes())
    return packed.getvalue()
