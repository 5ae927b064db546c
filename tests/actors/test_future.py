"""Answers on the loop: who awaits them, and who is called when they come."""

from __future__ import annotations

import asyncio

import pytest

from actors.errors import NotFoundError, TimeoutExpiredError
from actors.future import LoopFuture

ERROR = NotFoundError("there is none")


class Listener:
    """Remembers the answers it was called with."""

    def __init__(self) -> None:
        self.heard: list[object] = []

    def hear(self, answer: LoopFuture[int]) -> None:
        """Take a value, or the error in its place."""
        self.heard.append(answer.error() or answer.result())


@pytest.fixture
async def future() -> LoopFuture[int]:
    """A future of the test's loop."""
    return LoopFuture()


@pytest.fixture
def listener(future: LoopFuture[int]) -> Listener:
    """One that listens to it."""
    listener = Listener()
    future.when_done(listener.hear)
    return listener


async def test_listener_is_called_in_the_turn_in_which_the_answer_comes(
    future: LoopFuture[int], listener: Listener
) -> None:
    """No task and no turn of the loop stands between the two."""
    future.set(1)

    assert listener.heard == [1]
    assert future.done()


async def test_late_listener_is_called_at_once(future: LoopFuture[int]) -> None:
    """An answer that is there already is not waited for."""
    listener = Listener()
    future.set(1)
    future.when_done(listener.hear)

    assert listener.heard == [1]


async def test_first_answer_counts(future: LoopFuture[int], listener: Listener) -> None:
    """Setting again is ignored: the asker has its answer."""
    future.set(1)
    future.set(2)
    future.fail(ERROR)

    assert listener.heard == [1]
    assert await future == 1


async def test_error_is_raised_at_who_awaits_and_shown_to_who_listens(
    future: LoopFuture[int], listener: Listener
) -> None:
    """Both learn the same."""
    future.fail(ERROR)

    assert listener.heard == [ERROR]
    with pytest.raises(NotFoundError):
        await future
    with pytest.raises(NotFoundError):
        future.result()


async def test_failing_listener_disturbs_nobody(
    future: LoopFuture[int], caplog: pytest.LogCaptureFixture
) -> None:
    """Who answers may be an actor's inbox: it must go on; the log has the fault."""
    listener = Listener()
    future.when_done(_stumble)
    future.when_done(listener.hear)
    future.set(1)

    assert listener.heard == [1]
    assert [record.levelname for record in caplog.records] == ["ERROR"]


async def test_future_follows_another(
    future: LoopFuture[int], listener: Listener
) -> None:
    """Set to a future, it has that one's answer as soon as there is one."""
    other: LoopFuture[int] = LoopFuture()
    future.set(other)  # type: ignore[arg-type]
    early = future.done()
    other.set(3)

    assert not early
    assert listener.heard == [3]


async def test_future_follows_another_into_its_error(future: LoopFuture[int]) -> None:
    """Errors are answers too."""
    other: LoopFuture[int] = LoopFuture()
    other.fail(ERROR)
    future.set(other)  # type: ignore[arg-type]

    assert future.error() is ERROR


async def test_answer_from_a_thread_comes_on_the_loop(
    future: LoopFuture[int], listener: Listener
) -> None:
    """Listeners never run in the thread that answers."""
    await asyncio.to_thread(future.set, 1)

    assert await future == 1
    assert listener.heard == [1]


async def test_who_gives_up_waiting_takes_the_answer_from_nobody(
    future: LoopFuture[int], listener: Listener
) -> None:
    """A cancelled task is its own affair."""
    future.waiter.cancel()
    future.set(1)

    assert listener.heard == [1]


async def test_answer_that_does_not_come_is_a_timeout(future: LoopFuture[int]) -> None:
    """Whoever waits is told for how long it was waited."""
    future.expire_after(0)

    with pytest.raises(TimeoutExpiredError, match="within 0 seconds"):
        await future


async def test_answer_in_time_does_not_expire(
    future: LoopFuture[int], listener: Listener
) -> None:
    """The timer goes with the answer, and none is set once it is there."""
    future.expire_after(0)
    future.set(1)
    future.expire_after(0)
    await asyncio.sleep(0)

    assert listener.heard == [1]


def _stumble(_answer: LoopFuture[int]) -> None:
    raise ZeroDivisionError
