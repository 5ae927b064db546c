"""The bar that tests of actors meet in."""

from __future__ import annotations

import pytest

from tests.actors.recording import Bar


@pytest.fixture
async def bar() -> Bar:
    """A house with the times of the protocol: no timer rings in a test."""
    return Bar()
