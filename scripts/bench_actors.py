"""Measure the actor runtime: tell-and-handle and memory per actor, beside Pykka's.

Run with ``python scripts/bench_actors.py``. Times are CPU time of the process, the
median of five rounds; memory is what ``tracemalloc`` sees.
"""

from __future__ import annotations

import asyncio
import gc
import statistics
import threading
import time
import tracemalloc
from typing import Any

import pykka

from actors.base import LoopActor, LoopRef, ask, stop

MESSAGES = 100_000
ACTORS = 2_000
THREADS = 200
ROUNDS = 5
MICROSECONDS = 1e6


class LoopCounter(LoopActor):
    """Counts messages and answers with their number."""

    def __init__(self) -> None:
        super().__init__()
        self._count = 0

    def on_receive(self, message: Any) -> int:
        """Count one message."""
        del message
        self._count += 1
        return self._count


class ThreadCounter(pykka.ThreadingActor):
    """The same on Pykka's own runtime."""

    def __init__(self) -> None:
        super().__init__()
        self._count = 0

    def on_receive(self, message: Any) -> int:
        """Count one message."""
        del message
        self._count += 1
        return self._count


async def loop_tell() -> float:
    """CPU microseconds a message told to and handled by one loop actor."""
    ref = LoopCounter.start()
    start = time.process_time()
    for _ in range(MESSAGES // 1_000):
        for _ in range(1_000):
            ref.tell(None)
        await asyncio.sleep(0)
    await ask(ref, None, timeout=10)
    spent = time.process_time() - start
    await stop(ref, timeout=10)
    return spent / MESSAGES * MICROSECONDS


def thread_tell() -> float:
    """CPU microseconds a message told to and handled by one ThreadingActor."""
    ref = ThreadCounter.start()
    start = time.process_time()
    for _ in range(MESSAGES):
        ref.tell(None)
    ref.ask(None)
    spent = time.process_time() - start
    ref.stop()
    return spent / MESSAGES * MICROSECONDS


async def loop_memory() -> float:
    """Bytes a loop actor takes."""
    gc.collect()
    tracemalloc.start()
    refs: list[LoopRef[Any]] = [LoopCounter.start() for _ in range(ACTORS)]
    taken = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    for ref in refs:
        await stop(ref, timeout=10)
    return taken / ACTORS


def thread_memory() -> float:
    """Bytes on the heap a ThreadingActor takes, its thread's stack not counted."""
    gc.collect()
    tracemalloc.start()
    refs = [ThreadCounter.start() for _ in range(THREADS)]
    taken = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    for ref in refs:
        ref.stop()
    return taken / THREADS


def main() -> None:
    """Measure and print."""
    loop_times = [asyncio.run(loop_tell()) for _ in range(ROUNDS)]
    thread_times = [thread_tell() for _ in range(ROUNDS)]
    print(f"{'':16}{'tell and handle':>18}{'memory':>12}{'threads':>10}")
    print(
        f"{'LoopActor':16}{statistics.median(loop_times):>15.2f} µs"
        f"{asyncio.run(loop_memory()) / 1024:>9.1f} KB{0:>10}"
    )
    print(
        f"{'ThreadingActor':16}{statistics.median(thread_times):>15.2f} µs"
        f"{thread_memory() / 1024:>9.1f} KB{1:>10}"
    )
    assert threading.active_count() == 1, "all threads ended"  # noqa: S101


if __name__ == "__main__":
    main()
