"""The staff: actors of which there is one, and without which there is no house.

Nobody can build one of these anew from what is left when it has crashed; the store
can, at the next start. So the process ends with an error, for whoever runs it to start
it again, rather than go on in a house where nothing is answered.

Owns how long each has to end when the broker stops; who they are is the house's to say.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final, TypeVar

import pykka

from actors.base import stop

logger = logging.getLogger(__name__)

LOOK_EVERY: Final = 0.5
"""Seconds between two looks."""

STOP_TIMEOUT: Final = 10.0
"""Seconds in which an actor must have done what it was told before its end."""

R = TypeVar("R", bound=pykka.ActorRef[Any])


class StaffLostError(Exception):
    """The process can not go on, and one sentence why."""


@contextlib.asynccontextmanager
async def employed(ref: R) -> AsyncIterator[R]:
    """Stop an actor at the end, once it has done what it was told."""
    try:
        yield ref
    finally:
        await stop(ref, timeout=STOP_TIMEOUT)


@contextlib.asynccontextmanager
async def staffed(
    staff: Mapping[str, pykka.ActorRef[Any]], every: float = LOOK_EVERY
) -> AsyncIterator[None]:
    """End the task that enters this when one of the staff is no more.

    Raises:
        StaffLostError: one has crashed.
    """
    lost: list[str] = []
    task = asyncio.current_task()

    async def watch() -> None:
        while not lost:
            await asyncio.sleep(every)
            lost.extend(name for name, ref in staff.items() if not ref.is_alive())
        logger.critical("%s crashed: the broker ends", lost[0])
        if task is not None:
            task.cancel()

    watcher = asyncio.create_task(watch())
    try:
        yield
    except asyncio.CancelledError:
        if not lost or task is None:
            raise
        task.uncancel()
        raise StaffLostError(
            f"{lost[0]} crashed, see the log: start the broker again"
        ) from None
    finally:
        watcher.cancel()
