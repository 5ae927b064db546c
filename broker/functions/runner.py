"""Runs an operator's functions so that none can hold up the house.

Owns the tasks and threads they run in. What they raise is the operator's to read in
the log; callers hear only that the function failed.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

import msgspec

from actors.errors import BrokerError, Code, TimeoutExpiredError, UnavailableError
from actors.limits import Limit, reached
from actors.roles import Caller
from broker.functions.function import Function
from broker.functions.remote import Remote
from broker.protocol.function_frames import forwarded
from broker.protocol.wire import SERVER

logger = logging.getLogger(__name__)

MAX_THREADS: Final = 32
"""Functions that may block at once, those included that nobody waits for any more."""

MAX_RESULT: Final = 1024 * 1024
"""Bytes of a result."""

T = TypeVar("T")


class ResultTooLargeError(BrokerError):
    """A function gave more than is sent."""

    default_code = Code.FUNCTION_FAILED

    def __init__(self, size: int) -> None:
        """Take its bytes."""
        super().__init__(
            f"the function's result has {size} bytes, at most {MAX_RESULT} are sent"
        )


class LoopContext:
    """What an async function can do: both methods are to be awaited."""

    def __init__(self, remote: Remote, caller: Caller) -> None:
        self._remote = remote
        self.caller = caller

    async def call(self, target: str, name: str, *args: Any) -> Any:
        """Call a function of a client or a SillyTavern."""
        call = {
            "requestId": secrets.token_hex(8),
            "functionName": name,
            "args": list(args),
            "target": target,
        }
        return await self._remote.call(target, forwarded(call, SERVER))

    async def send(self, target: str, event: str, data: Any = None) -> None:
        """Send an event to a client or a SillyTavern."""
        self._remote.send(target, event, data)


class ThreadContext:
    """The same for a function in a thread, which waits there."""

    def __init__(self, context: LoopContext, loop: asyncio.AbstractEventLoop) -> None:
        self._context = context
        self._loop = loop
        self.caller = context.caller

    def call(self, target: str, name: str, *args: Any) -> Any:
        """Call a function of a client or a SillyTavern."""
        return self._wait(self._context.call(target, name, *args))

    def send(self, target: str, event: str, data: Any = None) -> None:
        """Send an event to a client or a SillyTavern."""
        self._wait(self._context.send(target, event, data))

    def _wait(self, pending: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(pending, self._loop).result()


class Runner:
    """Runs functions, each for a limited time."""

    def __init__(self, remote: Remote, timeout: float) -> None:
        """Let functions reach others by ``remote``; ``timeout`` is in seconds."""
        self._remote = remote
        self._timeout = timeout
        self._threads = 0
        self._tasks: set[asyncio.Task[msgspec.Raw]] = set()

    async def run(self, function: Function, args: list[Any], caller: Caller) -> Any:
        """Call a function; gives its result as JSON.

        Raises:
            BrokerError: the arguments do not fit, it failed, or took too long.
        """
        function.check(args)
        work = self._guarded(function, args, LoopContext(self._remote, caller))
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._forget)
        # A function that takes no cancelling must not be waited for either.
        done, _ = await asyncio.wait({task}, timeout=self._timeout)
        if not done:
            task.cancel()
            reached[Limit.FUNCTION_TIMEOUT] += 1
            raise TimeoutExpiredError(
                f"the function {function.name} took more than {self._timeout:g} s"
            )
        return task.result()

    async def _guarded(
        self, function: Function, args: list[Any], context: LoopContext
    ) -> msgspec.Raw:
        try:
            if function.waits:
                return _as_json(await function.run(context, *args))
            threaded = ThreadContext(context, asyncio.get_running_loop())
            return await self._in_thread(
                lambda: _as_json(function.run(threaded, *args))
            )
        except ResultTooLargeError as error:
            reached[Limit.FUNCTION_TIMEOUT] += 1
            logger.error("the function %s: %s", function.name, error)  # noqa: TRY400
            raise
        except BrokerError:  # what it was refused by others is an answer
            raise
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            raise _failed(function, error) from None  # what it waited for
        except (Exception, KeyboardInterrupt, SystemExit) as error:  # noqa: BLE001
            raise _failed(function, error) from None

    async def _in_thread(self, work: Callable[[], T]) -> T:
        """Run in a thread that nobody waits for at the end of the process."""
        if self._threads >= MAX_THREADS:
            reached[Limit.FUNCTION_THREADS] += 1
            raise UnavailableError(
                f"{MAX_THREADS} functions that may block run already: call again when "
                "one has ended",
                Code.TOO_MANY_REQUESTS,
            )
        loop = asyncio.get_running_loop()
        outcome: asyncio.Future[tuple[list[T], BaseException | None]]
        outcome = loop.create_future()

        def settle(result: list[T], error: BaseException | None) -> None:
            self._threads -= 1
            if not outcome.done():
                outcome.set_result((result, error))

        def run() -> None:
            result: list[T] = []
            error: BaseException | None = None
            try:
                result.append(work())
            except BaseException as raised:  # noqa: BLE001 - raised again on the loop
                error = raised
            with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(settle, result, error)

        self._threads += 1
        threading.Thread(target=run, name="function", daemon=True).start()
        result, error = await outcome
        if error is not None:
            raise error
        return result[0]

    def _forget(self, task: asyncio.Task[msgspec.Raw]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # of one that came too late, nobody asks


def _as_json(result: Any) -> msgspec.Raw:
    encoded = msgspec.json.encode(result)
    if len(encoded) > MAX_RESULT:
        raise ResultTooLargeError(len(encoded))
    return msgspec.Raw(encoded)


def _failed(function: Function, error: BaseException) -> BrokerError:
    logger.error("the function %s failed", function.name, exc_info=error)
    return BrokerError(
        f"the function {function.name} failed; the broker's log says why",
        Code.FUNCTION_FAILED,
    )
