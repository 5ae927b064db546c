"""Who may see what is the operator's: this machine, and who has a monitor's key.

Owns no rule about addresses, names and keys: these are ``broker.security``'s. Must
never tell a stranger more than that they are refused.
"""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Final

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from actors.errors import BrokerError, Code, RefusedError
from broker.gateway.engine import local_address
from broker.protocol.wire import MONITOR_TYPE, LogEvent
from broker.security.admission import Admission
from broker.security.origins import Origins
from broker.security.peer import Neighbourhood, Peer, is_loopback_host

logger = logging.getLogger(__name__)

SCHEME: Final = "bearer"

PRIVATE: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
"""Headers of whatever is shown behind this door, and of refusals."""

_STATUS: Final = {
    Code.AUTHENTICATION_FAILED: HTTPStatus.UNAUTHORIZED,
    Code.AUTHORISATION_FAILED: HTTPStatus.FORBIDDEN,
}


class Door:
    """Judges requests for what is the operator's."""

    def __init__(
        self, origins: Origins, neighbourhood: Neighbourhood, admission: Admission
    ) -> None:
        self._origins = origins
        self._neighbourhood = neighbourhood
        self._admission = admission

    def guard(self, handler: Handler) -> Handler:
        """The same handler, for those who may see what it shows."""

        async def guarded(request: web.Request) -> web.StreamResponse:
            peer = self._neighbourhood.peer(request.remote, request.headers)
            try:
                await self._judge(request, peer)
            except BrokerError as error:
                _log_refusal(request, peer, error)
                return _refusal(error)
            return await handler(request)

        return guarded

    async def _judge(self, request: web.Request, peer: Peer) -> None:
        here = local_address(request)
        if not self._origins.is_our_name(peer.host, here):
            raise RefusedError("this server is not called by that Host name")
        if not self._origins.may_connect(peer.origin, here):
            raise RefusedError("pages of this Origin may not see this")
        if peer.local and is_loopback_host(peer.address):
            return
        key = _key_of(request)
        if key is None:
            raise RefusedError(
                "from here it takes a monitor's key: Authorization: Bearer <key>",
                Code.AUTHENTICATION_FAILED,
            )
        trust = await self._admission.holder_of(key, peer)
        if trust.type != MONITOR_TYPE:
            raise RefusedError("this key is no monitor's")


def _key_of(request: web.Request) -> str | None:
    scheme, _, key = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    return key.strip() if scheme.lower() == SCHEME and key.strip() else None


def _refusal(error: BrokerError) -> web.Response:
    status = _STATUS.get(Code(error.code), HTTPStatus.SERVICE_UNAVAILABLE)
    headers = dict(PRIVATE)
    if status is HTTPStatus.UNAUTHORIZED:
        headers[hdrs.WWW_AUTHENTICATE] = "Bearer"
    return web.Response(status=status, text=f"{error.message}\n", headers=headers)


def _log_refusal(request: web.Request, peer: Peer, error: BrokerError) -> None:
    fields = {"path": request.path, "address": peer.address}
    extra = {
        "event": LogEvent.CLIENT_AUTH_FAILED,
        "code": int(error.code),
        "fields": fields,
    }
    logger.info("%s was not shown", request.path, extra=extra)
