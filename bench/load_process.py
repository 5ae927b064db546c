"""The load generator's process, phase by phase.

``load.mjs`` prints a JSON line at the end of each phase and waits for a line before the
next; its head comment lists them. In between nothing moves, and that is when the runner
reads what the server has used.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Timer
from typing import IO, Any, Final

LOAD_SCRIPT: Final = Path(__file__).with_name("load.mjs")
STOP_TIMEOUT_SECONDS: Final = 5.0


class LoadError(Exception):
    """The load generator found a fault or did not finish."""


def node() -> str:
    """Return the path of the Node executable."""
    path = shutil.which("node")
    if path is None:
        raise LoadError("node is not installed; the load generator needs it")
    return path


class LoadProcess:
    """A running load generator."""

    def __init__(
        self, process: subprocess.Popen[str], stdin: IO[str], stdout: IO[str]
    ) -> None:
        self._process = process
        self._stdin = stdin
        self._stdout = stdout

    def wait_for(self, phase: str) -> dict[str, Any]:
        """Return the facts of a phase once it has been reached."""
        line = self._stdout.readline()
        if not line:
            raise LoadError(f"the load generator ended or hung before {phase!r}")
        facts: dict[str, Any] = json.loads(line)
        if facts["phase"] != phase:
            raise LoadError(facts.get("error", f"unexpected phase: {line}"))
        return facts

    def go_on(self) -> None:
        """Let the next phase begin."""
        self._stdin.write("\n")
        self._stdin.flush()

    def kill(self) -> None:
        """End it in the middle of its work."""
        self._process.kill()


@contextmanager
def running(arguments: Sequence[str], timeout: float) -> Iterator[LoadProcess]:
    """Run the load generator while the block lasts, at most ``timeout`` seconds."""
    process = subprocess.Popen(  # noqa: S603  # only our own script
        [node(), str(LOAD_SCRIPT), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    # Killing it is what wakes a blocked wait_for().
    watchdog = Timer(timeout, process.kill)
    watchdog.start()
    try:
        if process.stdin is None or process.stdout is None:
            raise LoadError("the load generator has no pipes")
        yield LoadProcess(process, process.stdin, process.stdout)
    finally:
        watchdog.cancel()
        _stop(process)


def _stop(process: subprocess.Popen[str]) -> None:
    """Close its pipes; it ends by itself after its last phase, else by force."""
    try:
        process.communicate(timeout=STOP_TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
