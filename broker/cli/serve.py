"""``tapster serve``: run the broker."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import Coroutine
from typing import Any

from broker import __version__
from broker.app import Where, running_broker
from broker.cli.options import (
    DATA_FOLDER,
    SETTINGS_FOLDER,
    Data,
    Host,
    Level,
    Port,
    Settings,
    follow_settings,
    load,
    plain_errors,
    set_up_logging,
)
from broker.config import ServerSettings
from broker.console.sign_in import SignIn, link


def serve(
    host: Host = None,
    port: Port = None,
    settings: Settings = SETTINGS_FOLDER,
    data: Data = DATA_FOLDER,
    log_level: Level = None,
) -> None:
    """Run the broker until it is told to stop."""
    set_up_logging(log_level)
    with plain_errors():
        values, where = load(settings, data, host, port)
        follow_settings(values, log_level)
        run(_serve(values, where))


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine on the fastest loop there is."""
    if sys.platform == "win32":
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(main)
        return
    import uvloop  # noqa: PLC0415 - there is none on Windows

    uvloop.run(main)


def stop_signal() -> asyncio.Event:
    """Catch SIGTERM and SIGINT from now on; either sets the event."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError):  # Windows ends by an exception
            loop.add_signal_handler(number, stopped.set)
    return stopped


def greet(url: str, sign_in: SignIn) -> None:
    """Say where the broker listens, and how to open its console the first time."""
    print(f"Tapster {__version__} listening on {url}")
    if sign_in.wanted:
        there = link(url, sign_in.offer())
        print(f"Console, opens once and within an hour: {there}")
    sys.stdout.flush()


async def _serve(settings: ServerSettings, where: Where) -> None:
    stopped, sign_in = stop_signal(), SignIn()
    async with running_broker(settings, where, sign_in) as url:
        greet(url, sign_in)
        await stopped.wait()
