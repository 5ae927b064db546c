"""Functions as they run: sync and async, failing, late, and reaching others."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from actors.errors import BrokerError, Code
from actors.roles import Caller
from broker.functions import runner as runner_module
from broker.functions.function import Context, function_of
from broker.functions.remote import Remote
from broker.functions.runner import MAX_RESULT, Runner
from broker.gateway.registry import SessionRegistry
from broker.protocol.wire import Namespace
from tests.broker.gateway.fakes import ENOUGH, MS, turns

from .peers import Callee

CALLER = Caller("guest#1", "guest")


@pytest.fixture
def registry() -> SessionRegistry:
    """Nobody is there yet."""
    return SessionRegistry()


@pytest.fixture
def runner(registry: SessionRegistry) -> Runner:
    """Patient enough for any test."""
    return Runner(Remote(registry, ENOUGH), ENOUGH)


def impatient(registry: SessionRegistry) -> Runner:
    """One that gives up soon."""
    return Runner(Remote(registry, ENOUGH), 10 * MS)


async def run(runner: Runner, wanted: Callable[..., Any], *args: Any) -> Any:
    """Call a function; its result as the client gets it."""
    result = await runner.run(function_of(wanted), list(args), CALLER)
    return msgspec.json.decode(msgspec.json.encode(result))


async def refusal(runner: Runner, wanted: Callable[..., Any], *args: Any) -> int:
    """The code of a call that fails."""
    with pytest.raises(BrokerError) as refused:
        await run(runner, wanted, *args)
    return refused.value.code


@pytest.mark.parametrize("value", [None, 7, "酒", [1, {"a": None}], {"b": 1.5}])
async def test_result_is_what_the_function_returns(runner: Runner, value: Any) -> None:
    """In a thread or on the loop."""

    def sync(_context: Any, value: Any) -> Any:
        return value

    async def on_loop(_context: Any, value: Any) -> Any:
        await asyncio.sleep(0)
        return value

    assert await run(runner, sync, value) == value
    assert await run(runner, on_loop, value) == value


async def test_caller_is_known(runner: Runner) -> None:
    """So that a function can have rights of its own."""

    def who(context: Context) -> list[str]:
        return [context.caller.identity, context.caller.client]

    assert await run(runner, who) == ["guest#1", "guest"]


async def test_sync_function_does_not_hold_up_the_loop(runner: Runner) -> None:
    """It blocks until the loop has gone on."""
    gate = threading.Event()

    def block(_context: Any) -> bool:
        return gate.wait(ENOUGH)

    pending = asyncio.create_task(run(runner, block))
    await turns()
    gate.set()

    assert await pending is True


async def test_arguments_that_do_not_fit_are_refused(runner: Runner) -> None:
    """Code 503; but a TypeError of the function's own is its own."""

    def one(_context: Any, value: Any) -> Any:
        return value + 1

    assert await refusal(runner, one) == Code.INVALID_ARGUMENTS
    assert await refusal(runner, one, 1, 2) == Code.INVALID_ARGUMENTS
    assert await refusal(runner, one, "x") == Code.FUNCTION_FAILED


@pytest.mark.parametrize(
    "error",
    [
        ValueError("a secret of the house"),
        StopIteration(),
        SystemExit(1),
        KeyboardInterrupt(),
        asyncio.CancelledError(),
        TimeoutError(),
        RecursionError(),
    ],
    ids=lambda error: type(error).__name__,
)
@pytest.mark.parametrize("on_loop", [True, False])
async def test_exception_is_told_plainly_and_logged_whole(
    runner: Runner,
    caplog: pytest.LogCaptureFixture,
    error: BaseException,
    *,
    on_loop: bool,
) -> None:
    """Section 2: 502; the traceback is only in the log, and the broker lives."""

    def sync(_context: Any) -> None:
        raise error

    async def also(_context: Any) -> None:
        raise error

    with caplog.at_level(logging.ERROR), pytest.raises(BrokerError) as refused:
        await run(runner, also if on_loop else sync)

    name = "also" if on_loop else "sync"
    assert refused.value.code == Code.FUNCTION_FAILED
    assert refused.value.message == (
        f"the function {name} failed; the broker's log says why"
    )
    assert "Traceback" in caplog.text


@pytest.mark.parametrize(
    "value",
    [object(), {1, object()}, "\ud800", b"x" * MAX_RESULT, "x" * MAX_RESULT],
    ids=["object", "set of objects", "surrogate", "many bytes", "long"],
)
@pytest.mark.parametrize("on_loop", [True, False])
async def test_result_that_can_not_be_sent_is_a_failure(
    runner: Runner, value: Any, *, on_loop: bool
) -> None:
    """The caller is answered all the same."""

    def sync(_context: Any) -> Any:
        return value

    async def also(_context: Any) -> Any:
        return value

    code = await refusal(runner, also if on_loop else sync)
    assert code == Code.FUNCTION_FAILED


async def test_slow_functions_end_by_timeout(registry: SessionRegistry) -> None:
    """Code 8; one on the loop is cancelled."""
    runner = impatient(registry)
    gate, cancelled = threading.Event(), asyncio.Event()

    def sync(_context: Any) -> None:
        gate.wait(ENOUGH)

    async def also(_context: Any) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    assert await refusal(runner, sync) == Code.TIMEOUT
    assert await refusal(runner, also) == Code.TIMEOUT
    gate.set()
    async with asyncio.timeout(ENOUGH):
        await cancelled.wait()


async def test_function_that_takes_no_cancelling_ends_by_timeout_too(
    registry: SessionRegistry,
) -> None:
    """The caller does not wait for it, and what it says later nobody hears."""
    release, ended = asyncio.Event(), asyncio.Event()

    async def stubborn(_context: Any) -> None:
        while not release.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await release.wait()
        ended.set()
        raise ValueError

    assert await refusal(impatient(registry), stubborn) == Code.TIMEOUT
    release.set()
    async with asyncio.timeout(ENOUGH):
        await ended.wait()
    await turns()


async def test_threads_are_bounded_those_of_late_functions_included(
    registry: SessionRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Code 10429, until one of them ends."""
    monkeypatch.setattr(runner_module, "MAX_THREADS", 1)
    runner = impatient(registry)
    gate = threading.Event()

    def block(_context: Any) -> None:
        gate.wait(ENOUGH)

    def quick(_context: Any) -> int:
        return 1

    late = await refusal(runner, block)
    full = await refusal(runner, quick)
    gate.set()
    async with asyncio.timeout(ENOUGH):
        while runner._threads:
            await turns()

    assert (late, full) == (Code.TIMEOUT, Code.TOO_MANY_REQUESTS)
    assert await run(runner, quick) == 1


# Reaching others


async def calls_of(callee: Callee) -> list[dict[str, Any]]:
    """The calls that a callee gets, once there is one."""
    async with asyncio.timeout(ENOUGH):
        while not callee.calls():
            await turns()
    return callee.calls()


async def from_loop(context: Any, *args: Any) -> Any:
    """A function that calls another where it awaits."""
    return await context.call("ext", "theirs", *args)


def from_thread(context: Any, *args: Any) -> Any:
    """A function that calls another where it blocks."""
    return context.call("ext", "theirs", *args)


@pytest.mark.parametrize("wanted", [from_loop, from_thread])
async def test_function_calls_a_client(
    registry: SessionRegistry, runner: Runner, wanted: Callable[..., Any]
) -> None:
    """Section 10: the context has ``call``; the server is the source."""
    callee = Callee(registry, "ext")
    pending = asyncio.create_task(run(runner, wanted, 1, [2]))
    [call] = await calls_of(callee)
    callee.answer({"success": True, "result": "theirs"})

    assert await pending == "theirs"
    assert call.pop("requestId")
    assert call == {
        "functionName": "theirs",
        "args": [1, [2]],
        "target": "ext",
        "source": "server",
        "clientId": "server",
    }


@pytest.mark.parametrize("wanted", [from_loop, from_thread])
async def test_what_others_refuse_is_the_functions_answer(
    registry: SessionRegistry, runner: Runner, wanted: Callable[..., Any]
) -> None:
    """Unless it catches that."""
    assert await refusal(runner, wanted) == Code.CLIENT_NOT_FOUND

    callee = Callee(registry, "ext")
    pending = asyncio.create_task(refusal(runner, wanted))
    await calls_of(callee)
    callee.leave()

    assert await pending == Code.CLIENT_DISCONNECTED


async def test_function_sends_events(registry: SessionRegistry, runner: Runner) -> None:
    """Section 10: the context has ``send``."""
    callee = Callee(registry, "ext", namespace=Namespace.LLM)

    async def on_loop(context: Any) -> None:
        await context.send("ext", "ding", {"n": 1})

    def sync(context: Any) -> None:
        context.send("ext", "ding", {"n": 2})

    await run(runner, on_loop)
    await run(runner, sync)

    assert callee.told() == [
        ["ding", {"n": 1, "source": "server"}],
        ["ding", {"n": 2, "source": "server"}],
    ]
