"""Callees as sessions that a test answers for."""

from __future__ import annotations

import json
from typing import Any

from broker.gateway.registry import SessionRegistry
from broker.gateway.session import Session
from broker.protocol.wire import Namespace
from tests.broker.gateway.fakes import FakeConnection


class Callee:
    """One connection, and what it was told."""

    def __init__(
        self,
        registry: SessionRegistry,
        identity: str,
        client: str | None = None,
        namespace: str = Namespace.FUNCTION_CALL,
    ) -> None:
        """Connect."""
        self.connection = FakeConnection()
        self.session: Session = self.connection.session(
            namespace, client_id=client or identity, claimed_identity=identity
        )
        self._registry = registry
        registry.add(self.session)

    def told(self) -> list[Any]:
        """The events it was sent: name and data of each."""
        return [packet for _, packet in self.connection.sent()]

    def calls(self) -> list[dict[str, Any]]:
        """The data of the calls it was sent."""
        return [data for _, data in self.told()]

    def answer(self, *args: Any, which: int = 0) -> None:
        """Acknowledge one of the calls."""
        numbers = [
            int("".join(each for each in head if each.isdigit())[2:])
            for head, _ in self.connection.sent()
        ]
        self.session.take_ack(numbers[which], json.loads(json.dumps(args)))

    def leave(self) -> None:
        """Disconnect."""
        self.session.close()
        self._registry.remove(self.session)
