"""What ``scripts/fuzz_http.py`` makes of what schemathesis and the broker's logs say.

A stand-in for schemathesis reports what it is told to. That which is real is in
``tests/torture/test_fuzz_http.py``.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from tests import secrets

from .harness import PROJECT

TIMEOUT: Final = 60.0
STAND_IN: Final = """#!{python}
import sys
from pathlib import Path

Path(sys.argv[sys.argv.index("--report-json-path") + 1]).write_text({report!r})
with Path("data/logs/{log}").open("a") as log:
    print({text}, file=log)
"""
NOTHING: Final = ("combined.log", "''")
ERROR: Final = ("error.log", "'it broke'")
KEY: Final = ("combined.log", "[x for x in sys.argv if 'Bearer' in x]")
"""What the stand-in writes into a log of the broker: all headers with a key."""


def report(generated: int = 7, failures: int = 0, errors: int = 0) -> dict[str, Any]:
    """What schemathesis says in the end."""
    return {
        "operations": {"tested": 41},
        "test_cases": {"generated": generated, "unique_failures": failures},
        "errors": ["it can not be read"] * errors,
    }


def fuzz(tool: Path) -> subprocess.CompletedProcess[str]:
    """Run the script with that tool."""
    return subprocess.run(  # noqa: S603 (our own command line)
        [sys.executable, "-m", "scripts.fuzz_http", str(tool), "--seconds", "3"],
        cwd=PROJECT,
        capture_output=True,
        check=False,
        encoding="utf-8",
        timeout=TIMEOUT,
    )


@pytest.mark.parametrize(
    ("reported", "logged", "code", "said"),
    [
        (report(), NOTHING, 0, "key: 41 operations, 7 requests, 0 failures"),
        (report(failures=2), NOTHING, 1, "key: 41 operations, 7 requests, 2 failures"),
        (report(errors=1), NOTHING, 1, "key: 41 operations, 7 requests, 1 failures"),
        (report(generated=0), NOTHING, 1, "0 requests, 1 failures"),
        (report(), ERROR, 1, "FAULT it broke"),
        (report(), KEY, 1, "FAULT 1 keys and links looked for in "),
    ],
    ids=["all is well", "failures", "errors", "nothing asked", "error in a log", "key"],
)
def test_only_what_was_tried_and_found_well_ends_with_0(
    tmp_path: Path,
    reported: dict[str, Any],
    logged: tuple[str, str],
    code: int,
    said: str,
) -> None:
    """Its figures are printed, and a fault in a sentence, without the key."""
    log, text = logged
    tool = tmp_path / "schemathesis"
    tool.write_text(
        STAND_IN.format(
            python=sys.executable, report=json.dumps(reported), log=log, text=text
        )
    )
    tool.chmod(0o755)
    done = fuzz(tool)

    assert (done.returncode, done.stderr) == (code, "")
    assert said in done.stdout
    assert done.stdout.count("41 operations") == 3
    assert secrets.KEY.search(done.stdout) is None


def test_where_schemathesis_is_not_installed_it_says_so(tmp_path: Path) -> None:
    """Nobody takes it for tried; and nothing has failed."""
    tool = tmp_path / "schemathesis"
    done = fuzz(tool)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"SKIPPED {tool} is not there: it can not be installed here\n"
