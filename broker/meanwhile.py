"""What goes on beside something else, and ends with it.

Owns the tasks. Must never wait for one: whoever has to know how it ended watches it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine
from typing import Any


@contextlib.asynccontextmanager
async def meanwhile(*ways: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run these from now on; cancel them at the end."""
    tasks = [asyncio.create_task(way) for way in ways]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
