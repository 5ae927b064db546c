"""Draw where the broker's time goes while it is under load, as a flame graph.

    python bench/flame.py [words of a scenario's name]

Without words: 20 streams, flat out. Needs py-spy, which samples the process from
outside, and the right to do so (ptrace). The picture is ``bench/results/flame-….svg``;
what took most is printed, with C functions counted to the Python line they are called
from.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

import load_process
from load import Load, Work
from peer import BENCH, TAPSTER
from scenario import Entry
from scenarios import FLAT_OUT, FULL

RESULTS: Final = BENCH / "results"
SECONDS: Final = 4
"""Each of the two times a load is looked at: for the picture, and for the list."""
RATE: Final = 500
"""Samples a second."""
LONGER: Final = 12
"""So many times the chunks of the scenario: it must last until both are done."""
TOP: Final = 25
PY_SPY: Final = str(Path(sys.executable).with_name("py-spy"))
WAITING: Final = (
    "Condition.wait (threading.py",
    "_worker (concurrent/futures/thread.py",
)
"""Where threads do nothing; in the picture they stand beside the one that works."""
SAMPLES: Final = re.compile(r"^(?P<stack>.*) (?P<count>\d+)$", re.MULTILINE)


def chosen(words: str) -> Entry:
    """Return Tapster's most loaded entry of the first scenario with these words.

    Raises:
        SystemExit: there is none.
    """
    scenarios = (FLAT_OUT, *FULL)
    for scenario in scenarios:
        entries = scenario.of(frozenset({TAPSTER.name}))
        if words in scenario.name and isinstance(entries[-1].work, Load):
            return entries[-1]
    names = "\n  ".join(scenario.name for scenario in FULL)
    raise SystemExit(
        f"no scenario with a load is called {words!r}; there are:\n  {names}"
    )


def lasting(load: Load) -> Load:
    """Return the same load for long enough to be looked at."""
    if load.work is Work.STREAMS:
        return replace(load, chunks=load.chunks * LONGER)
    return replace(load, idle=load.idle * LONGER, messages=load.messages * LONGER)


@contextmanager
def under_load(load: Load) -> Iterator[int]:
    """Give the number of a broker's process while it is under load."""
    with load.ready(TAPSTER) as (server, generator):
        generator.go_on()
        yield server.pid
        generator.kill()


def record(pid: int, form: str, path: Path) -> None:
    """Sample a process into a file.

    Raises:
        SystemExit: it can not be sampled.
    """
    command = [PY_SPY, "record", "--pid", str(pid), "--rate", str(RATE)]
    command += ["--duration", str(SECONDS), "--format", form, "--output", str(path)]
    done = subprocess.run(  # noqa: S603  # py-spy beside our own Python
        command, check=False, capture_output=True, text=True
    )
    if done.returncode:
        raise SystemExit(f"py-spy could not look at the broker:\n{done.stderr.strip()}")


def top(stacks: str) -> list[tuple[str, float, float]]:
    """Return functions with their own share and that of all they call, in percent."""
    own: Counter[str] = Counter()
    whole: Counter[str] = Counter()
    total = 0
    for found in SAMPLES.finditer(stacks):
        names = [_function(frame) for frame in found["stack"].split(";")]
        if names[-1].startswith(WAITING):
            continue
        count = int(found["count"])
        total += count
        own[names[-1]] += count
        whole.update(dict.fromkeys(names, count))
    return [
        (name, 100 * count / total, 100 * whole[name] / total)
        for name, count in own.most_common(TOP)
    ]


def _function(frame: str) -> str:
    """``flush (outbox.py:123)`` without its line."""
    return re.sub(r":\d+\)", ")", frame)


def main() -> int:
    """Look at one scenario; return the exit code."""
    entry = chosen(" ".join(sys.argv[1:]))
    assert isinstance(entry.work, Load)  # noqa: S101 - chosen() takes no others
    name = re.sub(r"\W+", "-", " ".join(sys.argv[1:]) or FLAT_OUT.name).strip("-")
    picture = RESULTS / f"flame-{name}.svg"
    stacks = RESULTS / f"flame-{name}.txt"
    RESULTS.mkdir(exist_ok=True)
    try:
        with under_load(lasting(entry.work)) as pid:
            record(pid, "flamegraph", picture)
            record(pid, "raw", stacks)
    except load_process.LoadError as error:
        print(f"not measured: {error}", file=sys.stderr)
        return 1
    print(f"{'own':>6} {'all':>6}   %")
    for function, own, whole in top(stacks.read_text(encoding="utf-8")):
        print(f"{own:6.1f} {whole:6.1f}   {function}")
    print(f"The picture is {picture}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
