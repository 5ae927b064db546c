"""Whether what Tapster is built on, from Python and npm, has flaws that are known.

Asks ``pip-audit`` and ``npm audit``. Where their services can not be reached, it says
so: nothing passes for sound that nobody has looked at. Exits with 1 if there is a flaw.
"""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any, Final, NamedTuple

ROOT: Final = Path(__file__).parents[1]
LOCKS: Final = (
    "*/package-lock.json",
    "*/*/package-lock.json",
    "*/*/*/package-lock.json",
)
PATIENCE: Final = 300.0
MOST_WORDS: Final = 200


class Verdict(NamedTuple):
    """What came of asking."""

    checked: int
    flaws: tuple[str, ...] = ()
    skipped: str = ""
    """Why some of it, or all of it, was not looked at."""


def judge_python(said: str) -> Verdict:
    """What ``pip-audit --format json`` says."""
    try:
        packages = json.loads(said)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return Verdict(0, skipped=f"pip-audit has no answer: {said[:MOST_WORDS]!r}")
    checked = [each for each in packages if "vulns" in each]
    unknown = [each for each in packages if "vulns" not in each]
    flaws = tuple(
        f"{each['name']} {each['version']}: {flaw['id']}"
        for each in checked
        for flaw in each["vulns"]
    )
    why = f"{len(unknown)} packages are unknown to its service" if unknown else ""
    return Verdict(len(checked), flaws, why)


def judge_npm(said: str) -> Verdict:
    """What ``npm audit --json`` says."""
    try:
        answer: dict[str, Any] = json.loads(said)
        count = int(answer["metadata"]["dependencies"]["total"])
    except (ValueError, KeyError, TypeError):
        return Verdict(0, skipped=f"npm audit has no answer: {_reason(said)}")
    flaws = tuple(
        f"{name}: {flaw['severity']}"
        for name, flaw in answer.get("vulnerabilities", {}).items()
    )
    return Verdict(count, flaws)


def _reason(said: str) -> str:
    try:
        return str(json.loads(said)["message"])[:MOST_WORDS]
    except (ValueError, KeyError, TypeError):
        return repr(said[:MOST_WORDS])


def _run(command: list[str], folder: Path) -> str:
    try:
        done = subprocess.run(  # noqa: S603 (our own command lines)
            command,
            cwd=folder,
            capture_output=True,
            check=False,
            encoding="utf-8",
            timeout=PATIENCE,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return done.stdout or done.stderr


def _python(pip_audit: str) -> Verdict:
    installed = sysconfig.get_path("purelib")
    options = ["--skip-editable", "--progress-spinner", "off", "--format", "json"]
    return judge_python(_run([pip_audit, "--path", installed, *options], ROOT))


def _npm(folder: Path) -> Verdict:
    return judge_npm(_run(["npm", "audit", "--package-lock-only", "--json"], folder))


def _folders() -> list[Path]:
    found = {path.parent for pattern in LOCKS for path in ROOT.glob(pattern)}
    return sorted(each for each in found if "node_modules" not in each.parts)


def main() -> int:
    """Ask about everything."""
    verdicts = {"Python": _python(sys.argv[1])}
    for folder in _folders():
        verdicts[f"npm, {folder.relative_to(ROOT)}"] = _npm(folder)
    for name, verdict in verdicts.items():
        print(f"{name}: {verdict.checked} packages, {len(verdict.flaws)} known flaws")
        for flaw in verdict.flaws:
            print(f"  FLAW {flaw}")
        if verdict.skipped:
            print(f"  SKIPPED {verdict.skipped}")
    return int(any(verdict.flaws for verdict in verdicts.values()))


if __name__ == "__main__":
    sys.exit(main())
