"""A root that is read-only, as in the container, and data folders nobody can write."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from broker.client import TapsterClient
from broker.protocol.wire import Namespace
from tests.integration.harness import PROJECT, Broker, write_client
from tests.integration.test_ops import ask, metrics
from tests.integration.test_store_trouble import HOUSE

from .jail import JailedBroker, install, jail
from .report import measured
from .test_full_disk import PATIENCE, WORDS, guest, tavern

SERVE: Final = (sys.executable, "-m", "broker.cli", "serve", "--port", "0")
READ_ONLY: Final = 'mount --bind "$0" "$0"; mount -o remount,bind,ro "$0"; exec "$@"'
"""A folder that is read-only for whoever comes after it."""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package as the container has it."""
    return install(tmp_path_factory.mktemp("package"))


async def order(broker: Broker) -> str:
    """Have a story told; gives its text."""
    async with asyncio.timeout(PATIENCE), tavern(broker), guest(broker) as client:
        return await client.order("A story, please.").text()


def mounts(pid: int) -> dict[str, str]:
    """Where a process sees file systems, and whether it can write them."""
    lines = Path(f"/proc/{pid}/mounts").read_text("utf-8").splitlines()
    return {line.split()[1]: line.split()[3].split(",")[0] for line in lines}


def rights(pid: int) -> dict[str, str]:
    """What the kernel says of a process."""
    lines = Path(f"/proc/{pid}/status").read_text("utf-8").splitlines()
    return {name: said.strip() for name, _, said in (x.partition(":") for x in lines)}


async def test_it_serves_as_nobody_in_a_root_that_nobody_can_write(
    tmp_path: Path, installed: Path
) -> None:
    """PID 1 without rights: it answers, is ready, and ends by SIGTERM with 0."""
    broker = JailedBroker(tmp_path / "broker", installed, **HOUSE)
    broker.start()
    try:
        seen, status = mounts(broker.pid), rights(broker.pid)
        text = await order(broker)
        ready = await asyncio.to_thread(ask, broker.url, "/readyz")
        told = await asyncio.to_thread(metrics, broker.url)
        page = await asyncio.to_thread(ask, broker.url, "/")
        broker.terminate()
        broker.ended()
    finally:
        broker.stop()
    said = (broker.root / "stderr").read_text(encoding="utf-8")
    writable = {place for place, how in seen.items() if how == "rw"}
    volume = str(broker.volume)

    assert text == "".join(WORDS)
    assert (ready.status, json.loads(ready.body)["ready"]) == (200, True)
    assert page.status == 200
    assert {each.name for each in broker.volume.iterdir()} == {"data", "settings"}
    assert told["process_resident_memory_bytes", ""] > 0
    assert writable - {"/proc"} == {volume} | {x for x in seen if x.startswith("/dev/")}
    assert status["Uid"].split() == ["65534"] * 4
    assert status["NSpid"].split()[-1] == "1"
    assert (status["NoNewPrivs"], int(status["CapBnd"], 16)) == ("1", 0)
    assert "[warn]" not in said
    assert "[error]" not in said
    measured(
        14,
        "jail: uid 65534, PID 1, no capability, root read-only: an answer whole, "
        "/readyz 200, SIGTERM ends it with 0",
    )


async def test_it_makes_what_it_needs_in_an_empty_volume(
    tmp_path: Path, installed: Path
) -> None:
    """Settings and data, these for its owner alone; and it finds them again."""
    broker = JailedBroker(tmp_path / "broker", installed)
    broker.start()
    try:
        ready = await asyncio.to_thread(ask, broker.url, "/readyz")
        broker.terminate()
        broker.ended()
        write_client(broker.volume / "settings", "guest")
        broker.restart()
        async with asyncio.timeout(PATIENCE), guest(broker) as client:
            key = client.key
        broker.terminate()
        broker.ended()
        broker.restart()
        async with (
            asyncio.timeout(PATIENCE),
            TapsterClient(
                broker.url, client_id="guest", key=key, namespaces=[Namespace.ROOMS]
            ) as client,
        ):
            again = client.key
    finally:
        broker.stop()
    modes = {each.name: each.stat().st_mode & 0o777 for each in broker.volume.iterdir()}

    assert ready.status == 200
    assert again == key
    assert sorted(modes) == ["data", "settings"]
    assert modes["data"] == 0o700


@pytest.mark.parametrize("used", [False, True], ids=["fresh", "used before"])
def test_a_data_folder_that_is_read_only_is_refused_in_a_sentence(
    tmp_path: Path, *, used: bool
) -> None:
    """Exit code 1, one line that says why, and everything as it was."""
    broker = Broker(tmp_path / "broker", clients=HOUSE)
    jail(tmp_path, tmp_path)  # skips where it can not be
    if used:
        broker.start()
        broker.stop()
    before = _contents(broker.data)
    places = ["--settings", str(broker.settings), "--data", str(broker.data)]
    inside = ["sh", "-c", READ_ONLY, str(broker.data), *SERVE, *places]
    done = subprocess.run(  # noqa: S603 - our own command line
        ["unshare", "--mount", *inside],  # noqa: S607
        cwd=PROJECT,
        check=False,
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE,
    )

    assert done.returncode == 1
    assert done.stderr == (
        f"tapster: the data folder {broker.data} can not be written: "
        "Read-only file system\n"
    )
    assert done.stdout == ""
    assert _contents(broker.data) == before


@pytest.mark.parametrize("place", ["data", "data/tapster.sqlite3", "data/logs"])
def test_data_that_belong_to_somebody_else_are_refused_in_a_sentence(
    tmp_path: Path, installed: Path, place: str
) -> None:
    """The folder, the database or the logs: root's, and the broker is not root."""
    broker = JailedBroker(tmp_path / "broker", installed, **HOUSE)
    broker.start()
    broker.stop()
    theirs = broker.volume / place
    for each in (theirs, *theirs.rglob("*")):
        each.chmod(0o755 if each.is_dir() else 0o644)
        os.chown(each, 0, 0)
    before = _contents(broker.volume)
    done = subprocess.run(  # noqa: S603 - our own command line
        broker._command(),
        check=False,
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE,
    )

    assert done.returncode == 1
    assert done.stderr.startswith("tapster: the data")
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr
    assert before.items() <= _contents(broker.volume).items()


def _contents(folder: Path) -> dict[str, bytes]:
    """The files of a folder as they are."""
    return {
        str(each.relative_to(folder)): each.read_bytes()
        for each in sorted(folder.rglob("*"))
        if each.is_file()
    }
