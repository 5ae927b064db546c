"""Readiness: whether it makes sense to send people to this broker now.

Owns the checks and what is too much; what they look at is others'.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
import pykka

from actors.base import ask
from actors.errors import BrokerError
from actors.store import CheckWritable
from broker.gateway.loop_lag import LoopLag
from broker.gateway.server import TapsterServer

LAG_LIMIT: Final = 250.0
"""Milliseconds of p99 loop lag: from there on people notice."""

STORE_TIMEOUT: Final = 2.0
"""Seconds the store has to answer; it may be writing a batch."""


class Check(msgspec.Struct, frozen=True):
    """One thing that was looked at."""

    ok: bool
    detail: str


class Verdict(msgspec.Struct, frozen=True):
    """All of them."""

    ready: bool
    checks: dict[str, Check]


class Readiness:
    """Looks whether all is well."""

    def __init__(
        self, server: TapsterServer, store: pykka.ActorRef[Any], lag: LoopLag
    ) -> None:
        self._server = server
        self._store = store
        self._lag = lag

    async def look(self) -> Verdict:
        """Look at everything, here and now."""
        checks = {
            "store": await self._check_store(),
            "loop": self._check_loop(),
            "draining": self._check_draining(),
        }
        return Verdict(all(check.ok for check in checks.values()), checks)

    async def _check_store(self) -> Check:
        try:
            why = await ask(self._store, CheckWritable(), timeout=STORE_TIMEOUT)
        except BrokerError as error:
            return Check(ok=False, detail=f"the database does not answer: {error}")
        if why is None:
            return Check(ok=True, detail="the database can be written")
        detail = f"the database can not be written: {why}; what is owed is kept"
        return Check(ok=False, detail=detail)

    def _check_loop(self) -> Check:
        lag = self._lag.p99
        detail = f"p99 lag {lag:g} ms in the last ten seconds, at most {LAG_LIMIT:g} ms"
        return Check(lag <= LAG_LIMIT, detail)

    @property
    def draining(self) -> bool:
        """Whether the broker lives only to end what it has begun."""
        return self._server.draining

    def _check_draining(self) -> Check:
        if self.draining:
            detail = "the broker stops: it takes no connections and no orders"
            return Check(ok=False, detail=detail)
        return Check(ok=True, detail="connections are taken")
