"""A broker in a jail as narrow as that of the container, without a container.

Nobody (65534) without a capability, PID 1 of its own namespace, and a root file system
that is read-only but for one folder. What runs is what the Containerfile would install;
which system calls the unit of systemd allows is not tried.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any, Final

import pytest

from tests.integration.harness import PROJECT, Broker

SCRIPT: Final = Path(__file__).parent / "read_only_root.sh"
SYSTEM: Final = ("/usr", "/bin", "/lib", "/lib64", "/etc")
NOBODY: Final = 65534
COPY: Final = re.compile(r"^COPY (?!--)(.+) \S+$", re.MULTILINE)
INSTALL: Final = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check")


def install(folder: Path) -> Path:
    """Install what the Containerfile copies, without what it needs; gives the place."""
    source, target = folder / "source", folder / "installed"
    source.mkdir(parents=True)
    listed = COPY.findall((PROJECT / "Containerfile").read_text("utf-8"))
    for name in " ".join(listed).split():
        if (PROJECT / name).is_dir():
            shutil.copytree(PROJECT / name, source / name)
        else:
            shutil.copyfile(PROJECT / name, source / name)
    place = ["--no-deps", "--target", str(target), str(source)]
    done = subprocess.run(  # noqa: S603 - our own command line
        [sys.executable, *INSTALL, *place],
        check=False,
        capture_output=True,
        encoding="utf-8",
    )
    if done.returncode != 0:
        pytest.skip(f"pip can not build the package here: {done.stderr[-300:]}")
    return target


def jail(folder: Path, volume: Path, *readable: Path) -> list[str]:
    """The command that runs another as nobody, who sees these folders alone."""
    if os.geteuid() != 0:
        pytest.skip("only root can make a root file system of its own")
    for tool in ("unshare", "setpriv"):
        if shutil.which(tool) is None:
            pytest.skip(f"this machine has no {tool}")
    root = folder / "root"
    root.mkdir(exist_ok=True)
    seen = [place for place in SYSTEM if Path(place).exists()]
    seen += [str(place) for place in readable]
    unshare = ["unshare", "--mount", "--pid", "--fork", "--kill-child"]
    return [*unshare, "sh", str(SCRIPT), str(root), str(volume), *seen, "--"]


class JailedBroker(Broker):
    """``tapster serve`` in the jail, which can write ``volume`` and nothing else."""

    def __init__(self, root: Path, installed: Path, **clients: dict[str, Any]) -> None:
        """Lay out the volume; with no clients it is an empty folder."""
        super().__init__(root, clients=clients)
        self.volume = root / "volume"
        self._installed = installed
        self.volume.mkdir()
        if clients:
            self.settings.rename(self.volume / "settings")
            self.data.rename(self.volume / "data")
        for place in (self.volume, *self.volume.rglob("*")):
            os.chown(place, NOBODY, NOBODY)

    @property
    def pid(self) -> int:
        """The broker's process, which is PID 1 where it lives."""
        assert self._process is not None
        outer = self._process.pid
        children = Path(f"/proc/{outer}/task/{outer}/children").read_text("utf-8")
        return int(children.split()[0])

    def terminate(self) -> None:
        """Ask it to stop, as whoever runs containers does."""
        os.kill(self.pid, signal.SIGTERM)

    def stop(self) -> None:
        """End it at once, if it has not ended."""
        if self._process is not None and self._process.poll() is None:
            os.kill(self.pid, signal.SIGINT)
            self.ended()

    def _command(self) -> list[str]:
        libraries = sysconfig.get_path("purelib")
        into = jail(
            self.root,
            self.volume,
            self._installed,
            Path(sys.prefix),
            Path(sys.base_prefix),
        )
        path = f"PYTHONPATH={self._installed}:{libraries}"
        serve = [sys.executable, "-m", "broker.cli", "serve", "--port", self._port]
        return [*into, "env", path, *serve]
