"""Exporter: the text that Prometheus reads.

Owns a registry of its own, so that two brokers in one process do not mix.
"""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from actors.base import ask
from actors.errors import BrokerError
from actors.hall_events import CountRooms
from broker.metrics.collector import BrokerCollector
from broker.metrics.source import Source

CONTENT_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4

HALL_TIMEOUT: Final = 1.0
"""Seconds for the one figure that has to be asked for: the others do not wait."""


class Exporter:
    """Tells all metrics."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._collector = BrokerCollector(source)
        self._registry = CollectorRegistry()
        self._registry.register(self._collector)
        ProcessCollector(registry=self._registry)

    async def render(self) -> bytes:
        """Everything as it is now, as text."""
        self._collector.rooms = await self._count_rooms()
        return generate_latest(self._registry)

    async def _count_rooms(self) -> int | None:
        hall = self._source.house.hall
        try:
            return int(await ask(hall, CountRooms(), timeout=HALL_TIMEOUT))
        except BrokerError:  # metrics are wanted most when something does not answer
            return None
