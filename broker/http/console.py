"""``/`` and ``/console/…``: the page of operators, and the link that signs them in.

Must never run anything in the page that the broker does not serve itself: the policy
below has no exceptions. The page is no secret; all that it shows comes over Socket.IO,
to who has a monitor's key.
"""

from __future__ import annotations

import html
import logging
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import msgspec
from aiohttp import web

from actors.errors import BrokerError, Code, ProtocolError, RefusedError
from actors.keyring import key_id
from broker.config import ServerSettings
from broker.console import site
from broker.console.sign_in import CLIENT, SignIn
from broker.gateway.doorman import Doorman
from broker.gateway.engine import local_address
from broker.gateway.steward import Steward
from broker.http.static import content_type
from broker.logs.audit import Action, Audit
from broker.protocol import outbound
from broker.protocol.wire import MONITOR_TYPE, LogEvent
from broker.security.origins import Origins
from broker.security.peer import Neighbourhood, Peer, split

logger = logging.getLogger(__name__)

SIGN_IN: Final = "/console/sign-in"
FILE: Final = "/console/{name:(?!sign-in$).*}"
"""Any other name: who asks for the sign-in as for a file is told how it is used."""
SIGNED_IN: Final = "SIGN_IN"
"""What the audit log calls it."""
PAGES: Final = ("/", "/index.html")

PAGE_TYPE: Final = "text/html; charset=utf-8"
USUAL_PATH: Final = 'content="/socket.io"'
GIVES_NO_KEYS: Final = 'name="gives-keys" content="no"'
GIVES_KEYS: Final = 'name="gives-keys" content="yes"'
"""How the page has them, of whom nobody has told another."""

MAX_BODY: Final = 1_024
"""Bytes of a token, and what is around it."""

DIRECTIVES: Final = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
)

HEADERS: Final = {
    "Content-Security-Policy": "; ".join(DIRECTIVES),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    # Kept, but asked after each time: another Tapster may answer tomorrow.
    "Cache-Control": "no-cache",
}

_STATUS: Final = {
    Code.INVALID_PARAMETER: HTTPStatus.BAD_REQUEST,
    Code.AUTHENTICATION_FAILED: HTTPStatus.UNAUTHORIZED,
    Code.AUTHORISATION_FAILED: HTTPStatus.FORBIDDEN,
    Code.TOO_MANY_REQUESTS: HTTPStatus.TOO_MANY_REQUESTS,
}


class Token(msgspec.Struct, frozen=True):
    """What the page sends to sign in."""

    token: str


class Reception(msgspec.Struct, frozen=True, kw_only=True):
    """Who sees to it that an operator can sign in."""

    origins: Origins
    neighbourhood: Neighbourhood
    doorman: Doorman
    steward: Steward
    sign_in: SignIn
    audit: Audit

    async def receive(self, request: web.Request) -> web.Response:
        """Give a key for a token."""
        peer = self.neighbourhood.peer(request.remote, request.headers)
        try:
            key = await self._key(request, peer)
        except BrokerError as error:
            _log_refusal(peer, error)
            self.audit.refused(_sign_in_from(peer), error)
            status = _STATUS.get(Code(error.code), HTTPStatus.SERVICE_UNAVAILABLE)
            return _answer(outbound.refusal(error), status)
        self.audit.done(_sign_in_from(peer), {"keyId": key_id(key)})
        return _answer({"clientId": CLIENT, "key": key}, HTTPStatus.OK)

    async def _key(self, request: web.Request, peer: Peer) -> str:
        self._must_be_our_page(request, peer)
        token = await _token(request)
        with self.doorman.admission.trial(peer):
            self.sign_in.redeem(token)
        await self.steward.enter(CLIENT, CLIENT, MONITOR_TYPE)
        if self.steward.type_of(CLIENT) != MONITOR_TYPE:
            raise RefusedError(
                f"the client {CLIENT!r} is no monitor here: sign in with a key, from "
                "«tapster keys make monitor»"
            )
        return await self.doorman.new_key(CLIENT, CLIENT)

    def _must_be_our_page(self, request: web.Request, peer: Peer) -> None:
        """Unlike elsewhere, no other page may do this, whatever the settings allow."""
        if not self.origins.is_our_name(peer.host, local_address(request)):
            raise RefusedError("this server is not called by that Host name")
        origin = peer.origin
        if origin is None:
            return
        if split(origin).netloc.lower() != peer.host.lower():
            raise RefusedError("only the broker's own page signs in so")


def _sign_in_from(peer: Peer) -> Action:
    return Action(
        who="a link to sign in",
        client=None,
        address=peer.address,
        what=SIGNED_IN,
        about={"clientId": CLIENT},
    )


def add_console(
    app: web.Application, reception: Reception, settings: ServerSettings
) -> None:
    """Serve the page and its files, where this installation has them."""
    app.router.add_post(SIGN_IN, reception.receive)
    try:
        root = site.folder()
    except FileNotFoundError as error:
        logger.warning("%s", error)
        return

    async def page(_request: web.Request) -> web.Response:
        text = _told((root / site.PAGE).read_text("utf-8"), settings)
        return web.Response(text=text, headers=HEADERS | {"Content-Type": PAGE_TYPE})

    async def file(request: web.Request) -> web.StreamResponse:
        return _file(root, request.match_info["name"])

    for url in PAGES:
        app.router.add_get(url, page)
    app.router.add_get(FILE, file)


def _told(text: str, settings: ServerSettings) -> str:
    """The page, told where the Socket.IO endpoint is, and whether keys are given."""
    path = html.escape(settings.socket_io_path.strip("/"))
    text = text.replace(USUAL_PATH, f'content="/{path}"')
    if settings.network_safe and settings.monitors_may_get_key:
        text = text.replace(GIVES_NO_KEYS, GIVES_KEYS)
    return text


def _file(root: Path, name: str) -> web.StreamResponse:
    path = site.find(root, name)
    if path is None:
        raise web.HTTPNotFound
    return web.FileResponse(
        path, headers=HEADERS | {"Content-Type": content_type(path)}
    )


async def _token(request: web.Request) -> str:
    length = request.content_length
    if request.content_type != "application/json" or length is None:
        raise ProtocolError("a token is sent as JSON: {token}")
    if length > MAX_BODY:
        raise ProtocolError(f"a token has at most {MAX_BODY} bytes")
    try:
        return msgspec.json.decode(await request.read(), type=Token).token
    except msgspec.MsgspecError:
        raise ProtocolError("a token is sent as JSON: {token}") from None


def _answer(fields: dict[str, Any], status: HTTPStatus) -> web.Response:
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return web.json_response(fields, status=status, headers=headers)


def _log_refusal(peer: Peer, error: BrokerError) -> None:
    extra = {
        "event": LogEvent.CLIENT_AUTH_FAILED,
        "code": int(error.code),
        "fields": {"path": SIGN_IN, "address": peer.address},
    }
    logger.info("a link to sign in was refused", extra=extra)
