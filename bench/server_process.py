"""A server under test: started, watched through ``/proc``, stopped.

Every measurement gets a fresh process, so that no round inherits the heap of another.
CPU time is user plus system of the whole process, all threads; the kernel counts it in
ticks, so a phase has to last a second or so for two good digits.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from figure import Sample

SECONDS: Final = 1.0
START_TIMEOUT: Final = 20 * SECONDS
STOP_TIMEOUT: Final = 5 * SECONDS
POLL_INTERVAL: Final = 0.02 * SECONDS

LISTENING: Final = re.compile(r"listening on (http://\S+)")
LOG_TAIL: Final = 30
"""Lines of a server's log that an error shows."""

# Fields of /proc/<pid>/stat, counted from the one after the command's name.
UTIME: Final = 11
STIME: Final = 12
RSS: Final = 21

TICKS_PER_SECOND: Final = os.sysconf("SC_CLK_TCK")
PAGE_SIZE: Final = os.sysconf("SC_PAGE_SIZE")


class ServerError(Exception):
    """A server did not start, or ended while it was measured."""


class ServerProcess:
    """A running server, its address and its use of the machine."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self._process = process
        self._log = log

    def wait_for_url(self) -> str:
        """Return the address the server says it listens on."""
        deadline = time.monotonic() + START_TIMEOUT
        while time.monotonic() < deadline:
            found = LISTENING.search(self._log.read_text(errors="replace"))
            if found:
                return found[1]
            if self._process.poll() is not None:
                break
            time.sleep(POLL_INTERVAL)
        raise ServerError(f"the server did not start:\n{self.log_tail()}")

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    def sample(self) -> Sample:
        """Read CPU time and resident memory."""
        if self._process.poll() is not None:
            raise ServerError(f"the server ended:\n{self.log_tail()}")
        stat = Path(f"/proc/{self._process.pid}/stat").read_text()
        # The command's name may hold spaces and brackets; the last one closes it.
        fields = stat[stat.rindex(")") + 2 :].split()
        ticks = int(fields[UTIME]) + int(fields[STIME])
        return Sample(ticks / TICKS_PER_SECOND, int(fields[RSS]) * PAGE_SIZE)

    def log_tail(self) -> str:
        """Return the last lines the server wrote."""
        lines = self._log.read_text(errors="replace").splitlines()
        return "\n".join(lines[-LOG_TAIL:])

    def stop(self) -> None:
        """End the process, by force if it does not go."""
        # As Ctrl-C: SIGTERM lets running answers end first.
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@contextmanager
def running(
    command: Sequence[str], log: Path, cwd: Path, env: Mapping[str, str] | None = None
) -> Iterator[ServerProcess]:
    """Run a server while the block lasts; its output goes to a log file."""
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603  # only commands of peer.py
            command,
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    server = ServerProcess(process, log)
    try:
        yield server
    finally:
        server.stop()
