"""``tapster serve``: run the broker."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import sys
from collections.abc import Coroutine
from typing import Any, Final

import msgspec

from broker import __version__
from broker.allocator import give_back_large_pieces
from broker.app import running_broker
from broker.cli.options import (
    DATA_FOLDER,
    SETTINGS_FOLDER,
    Data,
    Host,
    Level,
    Port,
    Settings,
    TlsCert,
    TlsKey,
    find_tls,
    follow_settings,
    load,
    plain_errors,
    set_up_logging,
)
from broker.config import ServerSettings
from broker.console.sign_in import SignIn, link
from broker.start import Where


def serve(  # noqa: PLR0913, PLR0917 - the options of a command
    host: Host = None,
    port: Port = None,
    settings: Settings = SETTINGS_FOLDER,
    data: Data = DATA_FOLDER,
    tls_cert: TlsCert = None,
    tls_key: TlsKey = None,
    log_level: Level = None,
) -> None:
    """Run the broker until it is told to stop."""
    set_up_logging(log_level)
    with plain_errors():
        values, where = load(settings, data, host, port)
        tls = find_tls(values, settings, tls_cert, tls_key)
        follow_settings(values, log_level)
        run(_serve(values, msgspec.structs.replace(where, tls=tls)))


COLLECT_AFTER: Final = (2_000, 10, 100)
"""How much is new before garbage is collected, young, older and all of it.

All of it takes 0.1 s with 1,000 clients and 0.5 s with 5,000, in which nothing else
happens, and finds nothing: connections, actors and requests leave no cycles. As Python
has it, that came seven times while 5,000 clients connected (loop lag p99: 166 ms).
"""


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine on the fastest loop there is."""
    gc.set_threshold(*COLLECT_AFTER)
    give_back_large_pieces()
    if sys.platform == "win32":
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(main)
        return
    import uvloop  # noqa: PLC0415 - there is none on Windows

    uvloop.run(main)


class StopSignal:
    """SIGTERM asks to stop; a second one, or Ctrl-C at any time, to do so at once."""

    def __init__(self) -> None:
        """Catch both from now on."""
        self.asked = asyncio.Event()
        self.hurry = asyncio.Event()
        loop = asyncio.get_running_loop()
        # Windows has none of these: there Ctrl-C ends it by an exception.
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(signal.SIGTERM, self._ask)
            loop.add_signal_handler(signal.SIGINT, self._insist)

    def _ask(self) -> None:
        if self.asked.is_set():
            self._insist()
        self.asked.set()

    def _insist(self) -> None:
        self.hurry.set()
        self.asked.set()


def greet(url: str, sign_in: SignIn) -> None:
    """Say where the broker listens, and how to open its console the first time."""
    print(f"Tapster {__version__} listening on {url}")
    if sign_in.wanted:
        there = link(url, sign_in.offer())
        print(f"Console, opens once and within an hour: {there}")
    sys.stdout.flush()


async def _serve(settings: ServerSettings, where: Where) -> None:
    stop, sign_in = StopSignal(), SignIn()
    async with running_broker(settings, where, sign_in, stop.hurry) as url:
        greet(url, sign_in)
        await stop.asked.wait()
