"""Item 16: SIGTERM while many are answered, one after the other and all at once."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any, Final

import pytest

from actors.errors import Code
from broker.client import IncomingOrder, OrderError, TapsterClient, TapsterExtension
from broker.protocol.wire import Event, Namespace
from tests.integration.harness import StartBroker

from .report import measured

GUESTS: Final = 60
ORDERS: Final = 4
"""Of each guest, at the time of the signal."""

CHUNKS: Final = 100
PAUSE: Final = 0.03
"""Seconds between two chunks of an answer."""

TEXT: Final = "".join(f"{number} " for number in range(CHUNKS))
PATIENCE: Final = 90.0
SLACK: Final = 10.0
"""Seconds by which a slow machine may be later than it was told."""


async def tell(_order: IncomingOrder) -> AsyncIterator[str]:
    """Answer slowly."""
    for number in range(CHUNKS):
        await asyncio.sleep(PAUSE)
        yield f"{number} "


class Night:
    """A full house, and what its guests hear in the end."""

    def __init__(self) -> None:
        self.ends: Counter[str] = Counter()
        self.wrong = 0
        self.returns: list[float] = []
        self.refusals: list[float] = []
        self._all_told = asyncio.Event()
        self._stack = AsyncExitStack()
        self._reading: list[asyncio.Task[None]] = []

    async def open(self, url: str) -> None:
        """Let everybody in, and have all of them order."""
        enter = self._stack.enter_async_context
        await enter(
            TapsterExtension(
                url, client_id="SillyTavern-1", answer=tell, capacity=GUESTS * ORDERS
            )
        )
        for number in range(GUESTS):
            guest = await enter(
                TapsterClient(url, client_id=f"guest-{number}", key="getKey")
            )
            guest.listen(Namespace.LLM, Event.WARNING, self._warned)
            orders = [guest.order("go on") for _ in range(ORDERS)]
            self._reading += [asyncio.create_task(self._read(each)) for each in orders]
            self._last = guest
            await orders[-1].accepted()

    async def order_late(self) -> None:
        """Order when it is too late; notes how long the refusal took."""
        began = time.perf_counter()
        with pytest.raises(OrderError) as refused:
            await self._last.order("one more").accepted()
        assert refused.value.code == Code.UNAVAILABLE
        self.refusals.append(time.perf_counter() - began)

    async def told(self) -> None:
        """Wait until everybody has been told to come back."""
        await self._all_told.wait()

    async def read(self) -> None:
        """Wait until every order has its end."""
        await asyncio.gather(*self._reading)

    async def close(self) -> None:
        """Send everybody home."""
        await self._stack.aclose()

    def _warned(self, warning: dict[str, Any]) -> None:
        if "retryAfter" in warning:
            self.returns.append(warning["retryAfter"])
        if len(self.returns) == GUESTS:
            self._all_told.set()

    async def _read(self, order: Any) -> None:
        try:
            text = await order.text()
        except OrderError as error:
            self.ends[error.status or "?"] += 1
            self.wrong += error.code != Code.UNAVAILABLE
            self.wrong += not TEXT.startswith(error.text)
        else:
            self.ends[order.status] += 1
            self.wrong += text != TEXT


HOUSE: Final[dict[str, dict[str, Any]]] = {
    "SillyTavern-1": {"clientType": "SillyTavern"},
    **{f"guest-{number}": {} for number in range(GUESTS)},
}


@pytest.mark.parametrize("seconds", [60.0, 1.0], ids=["patient", "impatient"])
async def test_every_answer_has_its_end_before_the_broker_has_its(
    start_broker: StartBroker,
    seconds: float,
) -> None:
    """Whole where there was time, as failed with a reason where there was not."""
    broker, night = start_broker(HOUSE, drainTimeout=seconds), Night()
    async with asyncio.timeout(PATIENCE):
        await night.open(broker.url)
        began = time.perf_counter()
        broker.terminate()
        await night.told()
        for _ in range(20):
            await night.order_late()
        gone = asyncio.create_task(asyncio.to_thread(broker.ended))
        await night.read()
        await gone
        took = time.perf_counter() - began
        await night.close()

    total, slowest = GUESTS * ORDERS, max(night.refusals) * 1_000
    measured(
        16,
        f"drainTimeout {seconds:g} s: {total} answers under way, {dict(night.ends)}, "
        f"{night.wrong} wrong; exit 0 after {took:.2f} s; {len(night.refusals)} late "
        f"orders refused in {slowest:.1f} ms at most; {GUESTS} guests told to come "
        f"back after {min(night.returns)} to {max(night.returns)} s",
    )
    assert night.wrong == 0
    assert night.ends.total() == total
    assert took < min(seconds, CHUNKS * PAUSE) + SLACK
    assert max(night.refusals) < 1
    assert len(set(night.returns)) > GUESTS / 3
    if seconds > CHUNKS * PAUSE + SLACK:
        assert night.ends["completed"] == total
