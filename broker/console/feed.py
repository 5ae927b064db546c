"""HouseFeed: the house, live, for the monitors who watch it.

Owns who watches and how far each of them is. All who are up to date get the same
bytes, at most twice a second; who reads too slowly gets nothing until it has caught
up, then everything anew, and is the first to be dropped.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from actors.errors import BrokerError
from broker.console.history import SAMPLE_EVERY, History, Rate, Sample
from broker.console.view import HouseView, Sources
from broker.gateway.session import Session
from broker.protocol.house_frames import update

logger = logging.getLogger(__name__)

UPDATE_EVERY: Final = 0.5
PATIENCE: Final = 10.0
"""Seconds that a watcher may stay behind."""


class _Watcher:
    """A session that watches, and since when it is behind."""

    __slots__ = ("behind", "session")

    def __init__(self, session: Session) -> None:
        self.session = session
        self.behind: float | None = None


class HouseFeed:
    """Snapshots, and what changes after them."""

    def __init__(
        self,
        sources: Sources,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._sources = sources
        self._monotonic = monotonic
        self._history = History(monotonic=monotonic)
        self._watchers: dict[Session, _Watcher] = {}
        self._view: HouseView | None = None
        self._revision = 0
        self._sample: Sample | None = None
        """What the next update brings along."""
        self._looking = asyncio.Lock()
        self._wanted = asyncio.Event()

    async def watch(self, session: Session) -> dict[str, Any]:
        """Show a session everything, and from now on what changes."""
        async with self._looking:
            view = self._view = self._view or await self._open()
            self._watchers[session] = _Watcher(session)
            self._wanted.set()
            return {"snapshot": self._snapshot(view), "history": self._past()}

    def unwatch(self, session: Session) -> None:
        """Show a session nothing more; idempotent."""
        self._watchers.pop(session, None)

    async def run(self) -> None:
        """Keep the watchers up to date; does not end."""
        while True:
            await self._wanted.wait()
            await asyncio.sleep(UPDATE_EVERY)
            await _guarded(self.tick)

    async def run_history(self) -> None:
        """Take samples, whether somebody watches or not; does not end."""
        while True:
            await asyncio.sleep(SAMPLE_EVERY)
            await _guarded(self.sample)

    async def sample(self) -> None:
        """Take a sample."""
        self._sample = self._history.take(await self._sources.status.report())

    async def tick(self) -> None:
        """Look at the house, and tell the watchers what has changed."""
        async with self._looking:
            self._forget_who_left()
            view = self._view
            if view is None:
                return
            if not self._watchers:
                self._close(view)
                return
            await view.refresh()
            fields = self._update(view)
            if fields:
                self._send(update({"revision": self._revision, **fields}))
            self._drop_who_stays_behind()

    async def _open(self) -> HouseView:
        rate = Rate(self._monotonic, self._sources.outbound.chunks, self._history.speed)
        view = HouseView(self._sources, rate)
        try:
            await view.open()
        except BaseException:
            view.close()
            raise
        self._sample = None
        return view

    def _past(self) -> list[Sample]:
        """The samples, without the one that the next update brings."""
        samples = self._history.samples()
        return samples if self._sample is None else samples[:-1]

    def _update(self, view: HouseView) -> dict[str, Any]:
        fields: dict[str, Any] = {}
        changes = view.news()
        if self._sample is not None:
            fields["sample"], self._sample = self._sample, None
            changes["house"] = changes.get("house", {}) | view.restless()
        if changes:
            self._revision += 1
            fields["changes"] = changes
        return fields

    def _send(self, packet: bytes) -> None:
        for watcher in self._watchers.values():
            outbox = watcher.session.outbox
            if not outbox.blocked:
                outbox.push(packet)
            elif watcher.behind is None:
                watcher.behind = self._monotonic()
                outbox.when_ready(partial(self._caught_up, watcher))

    def _caught_up(self, watcher: _Watcher) -> None:
        """Show everything anew to one who has missed something."""
        session, view = watcher.session, self._view
        if view is None or self._watchers.get(session) is not watcher:
            return
        watcher.behind = None
        fields = {"revision": self._revision, "snapshot": self._snapshot(view)}
        session.outbox.push(update(fields))

    def _snapshot(self, view: HouseView) -> dict[str, Any]:
        return {"revision": self._revision, **view.snapshot()}

    def _drop_who_stays_behind(self) -> None:
        now = self._monotonic()
        for session, watcher in tuple(self._watchers.items()):
            if watcher.behind is not None and now - watcher.behind > PATIENCE:
                del self._watchers[session]
                session.outbox.give_up()

    def _forget_who_left(self) -> None:
        for session in [s for s in self._watchers if not s.verified]:
            del self._watchers[session]

    def _close(self, view: HouseView) -> None:
        view.close()
        self._view = None
        self._wanted.clear()


async def _guarded(look: Callable[[], Any]) -> None:
    try:
        await look()
    except BrokerError as error:
        logger.warning("the house could not be looked at: %s", error)
    except Exception:
        # A console that stands still says less than a full log.
        logger.exception("the house could not be looked at")
