"""Ask for all that ``docs/openapi.json`` describes, in ways that nobody would.

    python -m scripts.fuzz_http build/fuzz/bin/schemathesis --seconds 60

Starts a broker of its own on this machine and has schemathesis ask it: as somebody who
is near and needs no key, as somebody from elsewhere without one, and as one with a
monitor's. Each answer must be as described; the broker's log must have no error, and
the key stand in none of its logs. Exits with 1 if anything is not so; where
schemathesis is not installed it says so: nothing passes for tried that was not.
"""

from __future__ import annotations

import argparse
import copy
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

from tests import secrets
from tests.integration.harness import PROJECT, Broker
from tests.openapi import DOCUMENT

CONFIG: Final = Path(__file__).with_name("schemathesis.toml")
HOUSE: Final[dict[str, dict[str, Any]]] = {"monitor": {"clientType": "monitor"}}
PROXY: Final = {"trustedProxies": ["127.0.0.1/32"]}
"""So that requests can say that they come from elsewhere."""
FOLDERS: Final = ("public", "client", "exampleClient")
PAGE: Final = "index.html"
"""An example of the description."""
MARGIN: Final = 60.0
"""Seconds that schemathesis may take to begin and to end."""
LONGEST: Final = 3_600.0


class NotInstalledError(Exception):
    """There is no schemathesis."""


class FaultError(Exception):
    """The answers may be good, the broker's logs are not."""


class Effort(NamedTuple):
    """How long each way is tried, or with how many examples of each operation."""

    seconds: int | None = None
    examples: int | None = None

    def options(self) -> list[str]:
        """What schemathesis is told of it."""
        options = [] if self.seconds is None else ["--max-time", str(self.seconds)]
        if self.examples is not None:
            options += ["--max-examples", str(self.examples)]
        return options

    def limit(self) -> float:
        """Seconds after which it hangs."""
        return LONGEST if self.seconds is None else self.seconds + MARGIN


class Way(NamedTuple):
    """Who asks."""

    name: str
    headers: dict[str, str]

    @property
    def is_near(self) -> bool:
        """Whether no key is needed."""
        return not self.headers


class Findings(NamedTuple):
    """What came of asking in one way."""

    way: str
    operations: int
    requests: int
    failures: int
    said: str

    def __str__(self) -> str:
        return (
            f"{self.way}: {self.operations} operations, {self.requests} requests, "
            f"{self.failures} failures"
        )


def ways(key: str) -> list[Way]:
    """Near, far, and far with a key; wrong keys of one are not held against another."""
    bearer = {"Authorization": f"Bearer {key}"}
    return [
        Way("from this machine", {}),
        Way("from elsewhere without a key", {"X-Forwarded-For": "203.0.113.1"}),
        Way(
            "from elsewhere with a monitor's key",
            {"X-Forwarded-For": "203.0.113.2", **bearer},
        ),
    ]


def description(*, is_near: bool) -> dict[str, Any]:
    """What is described; from elsewhere a key is needed where one may be given."""
    document = copy.deepcopy(DOCUMENT)
    for item in document["paths"].values():
        for operation in item.values():
            if not is_near and isinstance(operation, dict) and "security" in operation:
                operation["security"] = [each for each in operation["security"] if each]
    return document


@contextmanager
def house(folder: Path) -> Iterator[tuple[Broker, str]]:
    """A broker with a page in each folder it serves, and its monitor's key."""
    broker = Broker(folder / "broker", server=PROXY, clients=HOUSE)
    for name in FOLDERS:
        (broker.root / name).mkdir()
        (broker.root / name / PAGE).write_text("<p>Good evening</p>\n", "utf-8")
    key = _key(broker)
    broker.start()
    try:
        yield broker, key
    finally:
        broker.stop()


def _key(broker: Broker) -> str:
    command = [sys.executable, "-m", "broker.cli", "keys", "make", "monitor"]
    places = ["--settings", str(broker.settings), "--data", str(broker.data)]
    made = subprocess.run(  # noqa: S603 (our own command line)
        [*command, *places],
        cwd=PROJECT,
        capture_output=True,
        check=True,
        encoding="utf-8",
        timeout=MARGIN,
    )
    secrets.hear(made.stdout)
    return made.stdout.strip()


def fuzz(tool: Path, effort: Effort) -> Iterator[Findings]:
    """Try each way against one broker.

    Raises:
        NotInstalledError: there is no schemathesis.
        FaultError: the broker's log has an error, or a log has the key.
    """
    if not tool.exists():
        raise NotInstalledError(f"{tool} is not there: it can not be installed here")
    with tempfile.TemporaryDirectory(prefix="fuzz-http-") as name:
        folder = Path(name)
        with house(folder) as (broker, key):
            for way in ways(key):
                yield ask(tool.absolute(), effort, way, broker)
        errors = (broker.data / "logs" / "error.log").read_text("utf-8")
        search = secrets.search(folder, folder / "none")

        if errors:
            raise FaultError(errors)
        if search.leaks:
            raise FaultError(str(search))


def ask(tool: Path, effort: Effort, way: Way, broker: Broker) -> Findings:
    """Have schemathesis ask in one way."""
    described, report = broker.root / "openapi.json", broker.root / "report.json"
    described.write_text(json.dumps(description(is_near=way.is_near)), "utf-8")
    options = ["--checks", "all", "--continue-on-failure", "--no-color"]
    options += ["--generation-database", "none", "--warnings", "off"]
    options += ["--report", "json", "--report-json-path", str(report)]
    for header in way.headers.items():
        options += ["--header", ":".join(header)]
    run = [str(tool), "--config-file", str(CONFIG), "run", "--url", broker.url]
    done = subprocess.run(  # noqa: S603 (our own command line)
        [*run, *options, *effort.options(), str(described)],
        cwd=broker.root,
        capture_output=True,
        check=False,
        encoding="utf-8",
        timeout=effort.limit(),
    )
    if not report.exists():
        return Findings(way.name, 0, 0, 1, done.stdout + done.stderr)
    told = json.loads(report.read_text("utf-8"))
    report.unlink()
    cases = told["test_cases"]
    failures = cases["unique_failures"] + len(told["errors"])
    is_sound = done.returncode == 0 and cases["generated"] > 0
    return Findings(
        way.name,
        told["operations"]["tested"],
        cases["generated"],
        failures or int(not is_sound),
        done.stdout,
    )


def read_effort() -> tuple[Path, Effort]:
    """Read the command line; seconds are those of all ways together."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("tool", type=Path)
    parser.add_argument("--seconds", type=int)
    parser.add_argument("--examples", type=int)
    given = parser.parse_args()
    seconds = given.seconds and max(1, given.seconds // len(ways("")))
    return given.tool, Effort(seconds, given.examples)


def main() -> int:
    """Try all ways, and say what was found."""
    tool, effort = read_effort()
    failures = 0
    try:
        for found in fuzz(tool, effort):
            print(found, flush=True)
            failures += found.failures
            if found.failures:
                print(found.said)
    except NotInstalledError as error:
        print(f"SKIPPED {error}")
    except FaultError as error:
        print(f"FAULT {error}")
        failures += 1
    return int(failures > 0)


if __name__ == "__main__":
    sys.exit(main())
