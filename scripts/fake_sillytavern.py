"""A stand-in for SillyTavern: answers every order, by echo or from a file.

Run ``python scripts/fake_sillytavern.py --rate 30`` beside a broker, and order from
``SillyTavern-8000``. With several instances the others are ``SillyTavern-8000-2``
and so on: one client id, one key, an identity each. Ctrl-C ends it cleanly.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from broker.client import (
    IncomingOrder,
    LegacyManner,
    NewManner,
    TapsterError,
    TapsterExtension,
)

Answer = Callable[[IncomingOrder], AsyncIterator[str]]


def answerer(text: str | None, rate: float, chunk: int) -> Answer:
    """A generator of that text, or else of the order's own, ``chunk`` by ``chunk``."""

    async def answer(order: IncomingOrder) -> AsyncIterator[str]:
        said = spoken(order) if text is None else text
        print(f"{order.requesting_identity}: {order.message!r}", flush=True)
        for start in range(0, len(said), chunk):
            if rate > 0:
                await asyncio.sleep(1 / rate)
            yield said[start : start + chunk]

    return answer


def spoken(order: IncomingOrder) -> str:
    """What the order says: its message, or the last one of its conversation."""
    if order.messages:
        return str(order.messages[-1].get("content", ""))
    return order.message


def extension(
    options: argparse.Namespace, number: int, key: str | None
) -> TapsterExtension:
    """The instance of that number."""
    text = None if options.text is None else options.text.read_text("utf-8")
    identity = None if number == 1 else f"{options.client_id}-{number}"
    return TapsterExtension(
        options.url,
        client_id=options.client_id,
        identity=identity,
        answer=answerer(text, options.rate, options.chunk),
        capacity=options.capacity,
        key=key,
        password=options.password,
        model="fake",
        manner=LegacyManner() if options.legacy else NewManner(),
    )


async def serve(options: argparse.Namespace) -> None:
    """Run all instances until one loses its broker for good."""
    instances: list[TapsterExtension] = []
    async with contextlib.AsyncExitStack() as stack:
        key = options.key
        for number in range(1, options.instances + 1):
            one = await stack.enter_async_context(extension(options, number, key))
            key = one.key
            print(f"{one.identity} waits for orders at {options.url}", flush=True)
            instances.append(one)
        await asyncio.gather(*(one.run_forever() for one in instances))


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    add = parser.add_argument
    add("--url", default="http://127.0.0.1:4000", help="where the broker is")
    add("--client-id", default="SillyTavern-8000")
    add("--key", help="a key of the client id, if the broker gives none away")
    add("--password", help="the SillyTavern's password, if it has one")
    add("--text", type=Path, metavar="FILE", help="what to answer, instead of echo")
    add("--rate", type=float, default=20, help="tokens a second; 0 for no pause")
    add("--chunk", type=int, default=4, help="characters a token")
    add("--capacity", type=int, default=1, help="orders at a time, each instance")
    add("--instances", type=int, default=1)
    add("--legacy", action="store_true", help="stream as older extensions do")
    add("--verbose", action="store_true")
    options = parser.parse_args(arguments)
    if min(options.chunk, options.capacity, options.instances) < 1:
        parser.error("--chunk, --capacity and --instances begin at 1")
    return options


def main() -> int:
    """Serve until Ctrl-C."""
    options = parse()
    logging.basicConfig(level=logging.INFO if options.verbose else logging.WARNING)
    try:
        asyncio.run(serve(options))
    except KeyboardInterrupt:
        print("Closing time.")
    except TapsterError as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
