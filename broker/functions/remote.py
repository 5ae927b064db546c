"""Calls to functions of clients and SillyTaverns.

Owns nothing: what is waited for is the callee's session's.
"""

from __future__ import annotations

from collections.abc import Coroutine, Mapping
from typing import Any

from actors.errors import Code, NotFoundError, ProtocolError
from broker.gateway.forwarding import forward
from broker.gateway.registry import SessionRegistry
from broker.gateway.session import Session
from broker.protocol.function_frames import read_answer
from broker.protocol.wire import RESERVED_EVENTS, SERVER, Event, Namespace


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
        answer = forward(callee, Event.FUNCTION_CALL, [call], self._timeout)
        return _result_of(answer)

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


async def _result_of(answer: Coroutine[Any, Any, list[Any]]) -> Any:
    return read_answer(await answer)
