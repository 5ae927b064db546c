"""``tapster demo``: a broker with a SillyTavern of its own, to see it work."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from pathlib import Path
from typing import Final

from actors import client_records, keyring
from broker.app import running_broker
from broker.cli.barkeeper import serve_words
from broker.cli.database import open_database
from broker.cli.options import (
    DATA_FOLDER,
    SETTINGS_FOLDER,
    Data,
    Host,
    Level,
    LogLevel,
    Port,
    Settings,
    load,
    plain_errors,
    set_up_logging,
)
from broker.cli.serve import StopSignal, greet, run
from broker.client import TapsterClient, TapsterError, TapsterExtension
from broker.config import ServerSettings
from broker.console.sign_in import SignIn
from broker.start import Where

SILLY_TAVERN: Final = "SillyTavern-demo"
GUEST: Final = "demo"
ORDERS: Final = ("What do you have on tap?", "今天有什么推荐？")

NEXT_STEPS: Final = """
The broker keeps running at {url}, with the demo SillyTavern «SillyTavern-demo».
Order from it as the client «demo», which may ask for a key from this machine:

  Python      {python} scripts/order.py --url {url} "Tell me more"
  JavaScript  README.md has ten lines that work

Stop with Ctrl-C. For real use: tapster serve

代理在 {url} 运行，演示用的实例名为「SillyTavern-demo」。
按 Ctrl-C 停止；正式使用请运行 tapster serve。说明见 README.zh-CN.md。
"""


def demo(
    host: Host = None,
    port: Port = None,
    settings: Settings = SETTINGS_FOLDER,
    data: Data = DATA_FOLDER,
    log_level: Level = LogLevel.WARNING,
) -> None:
    """Run the broker with a demo SillyTavern, and stream a first answer."""
    set_up_logging(log_level)
    with plain_errors():
        values, where = load(settings, data, host, port)
        keys = _prepare(where.data_folder)
        try:
            run(_demo(values, where, keys))
        finally:
            _tidy_up(where.data_folder)


def _prepare(data: Path) -> dict[str, str]:
    """Trust the demo's two clients and make a key for each."""
    made = {}
    with open_database(data) as database:
        for client, kind in ((SILLY_TAVERN, "SillyTavern"), (GUEST, "")):
            row = client_records.ClientRow(client, kind, time.time())
            database.writer.ask(client_records.TrustClient(row))
            issued = database.keys.ask(keyring.Issue(client), block=True)
            made[client] = issued.key
    return made


def _tidy_up(data: Path) -> None:
    """Trust the demo's clients no longer than it runs."""
    with open_database(data) as database:
        for client in (SILLY_TAVERN, GUEST):
            database.writer.ask(client_records.ForgetClient(client))


async def _demo(settings: ServerSettings, where: Where, keys: dict[str, str]) -> None:
    stop, sign_in = StopSignal(), SignIn()
    async with running_broker(settings, where, sign_in) as url:
        greet(url, sign_in)
        async with TapsterExtension(
            url,
            client_id=SILLY_TAVERN,
            key=keys[SILLY_TAVERN],
            answer=serve_words,
            model="none",
            characters=["Barkeeper"],
            current="Barkeeper",
        ):
            stopped = asyncio.create_task(stop.asked.wait())
            shown = asyncio.create_task(_show(url, keys[GUEST]))
            await asyncio.wait({stopped, shown}, return_when=asyncio.FIRST_COMPLETED)
            shown.cancel()
            await stopped


async def _show(url: str, key: str) -> None:
    """Order as a guest would, and print the answers as they come."""
    with contextlib.suppress(TapsterError):
        async with TapsterClient(url, client_id=GUEST, key=key) as guest:
            for question in ORDERS:
                print(f"\n» {question}")
                async for piece in guest.order(question, target=SILLY_TAVERN):
                    print(piece, end="", flush=True)
                print()
    print(NEXT_STEPS.format(url=url, python=_python()), flush=True)


def _python() -> str:
    """This Python, as one types it in this folder."""
    try:
        return str(Path(sys.executable).relative_to(Path.cwd()))
    except ValueError:
        return "python"
