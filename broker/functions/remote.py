"""Calls to functions of clients and SillyTaverns.

Owns nothing: what is waited for is the callee's session's. A call that is not
answered in time is forgotten, and one whose callee leaves ends at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from functools import partial
from typing import Any, Final

from actors.errors import (
    BrokerError,
    Code,
    NotFoundError,
    ProtocolError,
    TimeoutExpiredError,
    UnavailableError,
)
from broker.gateway.registry import SessionRegistry
from broker.gateway.session import Session
from broker.protocol.function_frames import read_answer
from broker.protocol.packet import PacketType, packet
from broker.protocol.wire import RESERVED_EVENTS, SERVER, Event, Namespace

MAX_UNANSWERED: Final = 256
"""Calls that wait for one callee."""


class Remote:
    """Reaches the functions of others."""

    def __init__(self, registry: SessionRegistry, timeout: float) -> None:
        """Look for callees in a registry; ``timeout`` is in seconds, for each call."""
        self._registry = registry
        self._timeout = timeout

    def call(self, target: str, call: Mapping[str, Any]) -> Coroutine[Any, Any, Any]:
        """Forward a call at once; the coroutine waits for the result.

        Raises:
            BrokerError: there is no such callee, or it is overwhelmed.
        """
        callee = self._callee(target)
        if callee.outbox.blocked:
            raise UnavailableError(f"{target!r} reads too slowly at the moment")
        if len(callee.acks) >= MAX_UNANSWERED:
            raise UnavailableError(
                f"{target!r} has {MAX_UNANSWERED} calls unanswered",
                Code.TOO_MANY_REQUESTS,
            )
        answer: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()
        number = callee.expect_ack(
            partial(_settle, answer), lost=partial(_lose, answer, target)
        )
        callee.outbox.push(
            packet(
                PacketType.EVENT, callee.namespace, [Event.FUNCTION_CALL, call], number
            )
        )
        return self._wait(target, callee, number, answer)

    def send(self, target: str, event: str, data: Any) -> None:
        """Send an event to all sessions of an identity, or of a clientId, in /llm.

        Raises:
            BrokerError: there is nobody of that name, or no event may be called so.
        """
        if not event or event in RESERVED_EVENTS:
            raise ProtocolError(f"no event may be called {event!r}")
        sessions = self._registry.of(target) or self._registry.of_client(target)
        if not sessions:
            raise NotFoundError(
                f"nobody called {target!r} is connected to {Namespace.LLM}",
                Code.CLIENT_NOT_FOUND,
            )
        if isinstance(data, dict):
            data = {**data, "source": SERVER}
        for session in sessions:
            session.emit(event, data)

    async def _wait(
        self,
        target: str,
        callee: Session,
        number: int,
        answer: asyncio.Future[list[Any]],
    ) -> Any:
        try:
            async with asyncio.timeout(self._timeout):
                return read_answer(await answer)
        except TimeoutError:
            raise TimeoutExpiredError(
                f"{target!r} did not answer within {self._timeout:g} s"
            ) from None
        finally:
            callee.forget_ack(number)

    def _callee(self, target: str) -> Session:
        """The newest session of an identity, or of any of a clientId's."""
        namespace = Namespace.FUNCTION_CALL
        sessions = self._registry.of(target, namespace)
        if not sessions:
            sessions = self._registry.of_client(target, namespace)
        if not sessions:
            raise NotFoundError(
                f"nobody called {target!r} is connected to {namespace}",
                Code.CLIENT_NOT_FOUND,
            )
        return sessions[-1]


def _settle(answer: asyncio.Future[list[Any]], args: list[Any]) -> None:
    if not answer.done():
        answer.set_result(args)


def _lose(answer: asyncio.Future[list[Any]], target: str) -> None:
    if not answer.done():
        answer.set_exception(
            BrokerError(f"{target!r} has disconnected", Code.CLIENT_DISCONNECTED)
        )
