"""The command line of Tapster in a process that counts itself when it is asked to.

    python -m tests.integration.soak.census FILE serve ...

Nothing of it is in the product: on SIGUSR1 it writes into ``FILE`` how many tasks,
timers and open files the process has, which nobody can see from outside.
"""

from __future__ import annotations

import asyncio
import gc
import json
import signal
import sys
from pathlib import Path
from typing import Final

from broker.cli import main

HANDLES: Final = frozenset({"TimerHandle"})
"""What asyncio and uvloop call the timer that somebody has set."""
FILES: Final = Path("/proc/self/fd")


def census() -> dict[str, int]:
    """How many there are of what a leak would leave behind."""
    gc.collect()
    now = asyncio.get_running_loop().time()
    timers = [each for each in gc.get_objects() if type(each).__name__ in HANDLES]
    return {
        "tasks": len(asyncio.all_tasks()),
        "timers": sum(each.when() > now and not each.cancelled() for each in timers),
        "files": len(list(FILES.iterdir())),
    }


def _count_into(path: Path) -> None:
    def count(_number: int, _frame: object) -> None:
        beside = path.with_suffix(".tmp")
        beside.write_text(json.dumps(census()), encoding="utf-8")
        beside.rename(path)

    signal.signal(signal.SIGUSR1, count)


if __name__ == "__main__":
    _count_into(Path(sys.argv.pop(1)))
    main()
