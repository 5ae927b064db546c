"""When the broker is ready, and what it says when it is not."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from actors.base import LoopActor
from actors.store import CheckWritable
from broker.http import readiness
from broker.http.readiness import LAG_LIMIT, Readiness

MS = 0.001


class FakeStore(LoopActor):
    """A database that is as the test says."""

    def __init__(self) -> None:
        super().__init__()
        self.trouble: str | None = None
        self.silent = False

    def on_receive(self, message: Any) -> Any:
        """Answer, or not."""
        assert isinstance(message, CheckWritable)
        return self.defer() if self.silent else self.trouble


class House:
    """All that is looked at."""

    def __init__(self) -> None:
        self.store = FakeStore()
        self.store._start_actor_loop()
        self.server = SimpleNamespace(draining=False)
        self.lag = SimpleNamespace(p99=1.5)
        self.readiness = Readiness(
            cast("Any", self.server), self.store.actor_ref, cast("Any", self.lag)
        )

    async def failures(self) -> dict[str, str]:
        """What is not well, and what is said of it."""
        verdict = await self.readiness.look()
        failed = {n: c.detail for n, c in verdict.checks.items() if not c.ok}
        assert verdict.ready is (failed == {})
        return failed


@pytest.fixture
async def house() -> House:
    """One in which all is well."""
    return House()


async def test_all_is_well(house: House) -> None:
    """And each check says what it saw."""
    verdict = await house.readiness.look()

    assert verdict.ready
    assert {name: check.detail for name, check in verdict.checks.items()} == {
        "store": "the database can be written",
        "loop": "p99 lag 1.5 ms in the last ten seconds, at most 250 ms",
        "draining": "connections are taken",
    }


async def test_database_that_can_not_be_written_is_not_ready(house: House) -> None:
    """What is owed is not lost."""
    house.store.trouble = "the disk is full"

    assert await house.failures() == {
        "store": "the database can not be written: the disk is full; "
        "what is owed is kept"
    }


async def test_database_that_does_not_answer_is_not_ready(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not waited for longer than whoever asks would."""
    monkeypatch.setattr(readiness, "STORE_TIMEOUT", 5 * MS)
    house.store.silent = True
    failures = await house.failures()

    assert failures["store"].startswith("the database does not answer: no answer")


async def test_late_loop_is_not_ready(house: House) -> None:
    """From where people notice."""
    house.lag.p99 = LAG_LIMIT
    at_the_limit = await house.failures()
    house.lag.p99 = LAG_LIMIT + 1

    assert at_the_limit == {}
    assert list(await house.failures()) == ["loop"]


async def test_broker_that_stops_is_not_ready(house: House) -> None:
    """Nobody is to be sent to it any more."""
    house.server.draining = True

    assert house.readiness.draining
    assert await house.failures() == {
        "draining": "the broker stops: it takes no connections and no orders"
    }
