"""The broker process and the Node scenarios, as the fixtures hand them out.

Nothing here knows the broker's code: it is started by its command line, configured
by its settings files, and spoken to over its port.
"""

from __future__ import annotations

import itertools
import json
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any, Final, Protocol

JS: Final = Path(__file__).parent / "js"
PROJECT: Final = Path(__file__).parents[2]

START_TIMEOUT: Final = 20.0
STOP_TIMEOUT: Final = 15.0
NODE_TIMEOUT: Final = 45.0
POLL: Final = 0.01

LISTENING: Final = re.compile(
    r"^Tapster \S+ listening on (https?://[\d.]+:\d+)$", re.MULTILINE
)

POOL: Final = 600
"""How many ids of clients and of extensions a shared broker trusts from the start."""

Heard = Any
"""What a scenario prints: any JSON."""


class HarnessError(Exception):
    """The broker or Node did not do what a test needs before it can begin."""


def write_client(settings: Path, client_id: str, **fields: Any) -> Path:
    """Trust a client: its settings file, with whatever else it says."""
    path = settings / f"{client_id}-settings.json"
    _write_json(path, {"clientId": client_id, "isTrust": True, **fields})
    return path


def _write_json(path: Path, content: dict[str, Any]) -> None:
    # Written beside and moved into place: a watcher never sees half a file.
    beside = path.with_suffix(".tmp")
    beside.write_text(json.dumps(content), encoding="utf-8")
    beside.rename(path)


class Names:
    """Hands out ids that the shared broker trusts, each once."""

    def __init__(self) -> None:
        self._clients = iter(self.all_clients())
        self._extensions = iter(self.all_extensions())

    @staticmethod
    def all_clients() -> list[str]:
        """Every client id there will be."""
        return [f"guest-{number:03}" for number in range(POOL)]

    @staticmethod
    def all_extensions() -> list[str]:
        """Every id of a SillyTavern there will be."""
        return [f"SillyTavern-{number:03}" for number in range(POOL)]

    def client(self) -> str:
        """Return a client id that no test has used."""
        return next(self._clients)

    def extension(self) -> str:
        """Return the id of a SillyTavern that no test has used."""
        return next(self._extensions)

    def clients(self, number: int) -> list[str]:
        """Return several client ids."""
        return list(itertools.islice(self._clients, number))

    def extensions(self, number: int) -> list[str]:
        """Return several ids of SillyTaverns."""
        return list(itertools.islice(self._extensions, number))


class Broker:
    """A real ``tapster serve`` on a free port, with directories of its own."""

    def __init__(
        self,
        root: Path,
        *,
        server: dict[str, Any] | None = None,
        clients: dict[str, dict[str, Any]] | None = None,
    ) -> None:
        """Lay out the directories; ``clients`` maps ids to their settings."""
        self.root = root
        self.settings = root / "settings"
        self.data = root / "data"
        self.settings.mkdir(parents=True)
        self.data.mkdir()
        _write_json(self.settings / "server_settings.json", server or {})
        for client_id, fields in (clients or {}).items():
            write_client(self.settings, client_id, **fields)
        self.url = ""
        self._port = "0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the process and wait until it says where it listens."""
        with (self.root / "stdout").open("wb") as out, self._errors.open("wb") as err:
            self._process = subprocess.Popen(  # noqa: S603 (our own command line)
                self._command(),
                cwd=PROJECT,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )
        self.url = self._await_line(self._process)

    def stop(self) -> None:
        """End it at once; it must go in peace and leave no traceback."""
        if self._process is None:
            return
        # As Ctrl-C does: SIGTERM would wait for answers that a test left unfinished.
        self._process.send_signal(signal.SIGINT)
        self.ended()

    def terminate(self) -> None:
        """Ask it to stop, as a service manager does: it finishes what it answers."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)

    def ended(self) -> None:
        """Wait until it has ended: in peace, and without a traceback."""
        if self._process is None:
            return
        try:
            code = self._process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise self._failure(
                f"did not stop within {STOP_TIMEOUT:.0f} s of the signal"
            ) from None
        complaints = self._errors.read_text(encoding="utf-8")

        assert code == 0, f"exit code {code}\n{complaints}"
        assert "Traceback" not in complaints, complaints

    def kill(self) -> None:
        """End it as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def restart(self) -> None:
        """Start again on the same port, after a kill or a stop."""
        self._port = self.url.rpartition(":")[2]
        self.start()

    def reached(self, limit: str) -> int:
        """How often a limit was reached, as ``GET /metrics`` says."""
        with urllib.request.urlopen(f"{self.url}/metrics") as answer:  # noqa: S310 (our own)
            told = answer.read().decode()
        metric = f'tapster_limits_reached_total{{limit="{limit}"}} '
        return int(float(told.partition(metric)[2].partition("\n")[0]))

    def trust(self, client_id: str, **fields: Any) -> Path:
        """Write a client's settings file, before the start or after it."""
        return write_client(self.settings, client_id, **fields)

    @property
    def _errors(self) -> Path:
        return self.root / "stderr"

    def _command(self) -> list[str]:
        serve = [sys.executable, "-m", "broker.cli", "serve", "--port", self._port]
        return [*serve, "--settings", str(self.settings), "--data", str(self.data)]

    def _await_line(self, process: subprocess.Popen[bytes]) -> str:
        deadline = time.monotonic() + START_TIMEOUT
        while time.monotonic() < deadline:
            said = (self.root / "stdout").read_text(encoding="utf-8")
            if found := LISTENING.search(said):
                return found[1]
            if process.poll() is not None:
                code = process.returncode
                raise self._failure(f"ended with code {code} before it listened")
            time.sleep(POLL)
        process.kill()
        process.wait()
        raise self._failure(
            f"did not say within {START_TIMEOUT:.0f} s where it listens"
        )

    def _failure(self, what: str) -> HarnessError:
        said = (self.root / "stdout").read_text(encoding="utf-8")
        complaints = self._errors.read_text(encoding="utf-8")
        return HarnessError(
            f"The broker {what}.\nstdout:\n{said}\nstderr:\n{complaints}"
        )


class Node:
    """Runs one scenario of ``js/`` and returns what it printed."""

    def __init__(self) -> None:
        """Look for Node and for the clients it needs."""
        found = shutil.which("node")
        if found is None:
            raise HarnessError("The integration tests need Node 20 or later on PATH.")
        if not (JS / "node_modules" / "socket.io-client").is_dir():
            raise HarnessError(
                f"The JavaScript clients are not installed: run `npm ci` in {JS}."
            )
        self._node = found

    def __call__(self, script: str, scenario: str, **parameters: Any) -> Heard:
        """Run ``js/<script>.mjs <scenario>`` with these parameters."""
        command = [self._node, f"{script}.mjs", scenario, json.dumps(parameters)]
        done = subprocess.run(  # noqa: S603 (our own scripts)
            command,
            cwd=JS,
            capture_output=True,
            check=False,
            encoding="utf-8",
            timeout=NODE_TIMEOUT,
        )
        if done.returncode != 0:
            raise HarnessError(f"{script}.mjs {done.stderr.strip()}")
        return json.loads(done.stdout)


class StartBroker(Protocol):
    """Starts a broker of one's own; ``server`` is its ``server_settings.json``."""

    def __call__(self, clients: dict[str, dict[str, Any]], **server: Any) -> Broker:
        """Trust these clients, with what their settings files say besides."""
        ...
