"""``/healthz``, ``/readyz``, ``/metrics``: for those who operate the broker.

Must never be open to strangers: what is counted tells how many people are here and
what they do. ``docs/operations.md`` says how to read all three.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

import msgspec
from aiohttp import hdrs, web

from broker.http.door import PRIVATE, Door
from broker.http.readiness import Readiness
from broker.metrics.exporter import CONTENT_TYPE, Exporter

HEALTH: Final = "/healthz"
READY: Final = "/readyz"
METRICS: Final = "/metrics"


class Ops(msgspec.Struct, frozen=True, kw_only=True):
    """What is shown, and to whom."""

    door: Door
    readiness: Readiness
    exporter: Exporter
    public_health: bool
    """Whether everybody may ask if the broker lives."""


def add_ops(app: web.Application, ops: Ops) -> None:
    """Serve the three."""

    async def ready(_request: web.Request) -> web.Response:
        verdict = await ops.readiness.look()
        return web.Response(
            status=HTTPStatus.OK if verdict.ready else HTTPStatus.SERVICE_UNAVAILABLE,
            body=msgspec.json.encode(verdict),
            headers=PRIVATE | {hdrs.CONTENT_TYPE: "application/json"},
        )

    async def metrics(_request: web.Request) -> web.Response:
        return web.Response(
            body=await ops.exporter.render(),
            headers=PRIVATE | {hdrs.CONTENT_TYPE: CONTENT_TYPE},
        )

    async def health(_request: web.Request) -> web.Response:
        draining = ops.readiness.draining
        return web.Response(text="draining" if draining else "ok", headers=PRIVATE)

    guard = ops.door.guard
    app.router.add_get(HEALTH, health if ops.public_health else guard(health))
    app.router.add_get(READY, guard(ready))
    app.router.add_get(METRICS, guard(metrics))
