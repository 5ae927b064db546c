"""The broker that the tests of the SDK talk to."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from .fake_broker import FakeBroker


@pytest.fixture
async def bar() -> AsyncIterator[FakeBroker]:
    """A running fake broker."""
    broker = FakeBroker()
    await broker.start()
    yield broker
    await broker.stop()
