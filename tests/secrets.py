"""Whether any log of the whole suite holds a key that was used in it.

Owns the list of keys that tests have seen: those heard by the clients in this process,
those that scenarios in Node wrote down, and the links to sign in that brokers printed.
What has the form of a key counts too, whosever it was. The suites that run in Node ask
by ``python -m tests.secrets FOLDER SEEN_KEYS``.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Final

import msgspec

SEEN_KEYS: Final = "TAPSTER_SEEN_KEYS"
"""The variable that tells scenarios where to write keys down."""

KEY: Final = re.compile(r"tap_[0-9a-f]{12,16}_([A-Za-z0-9_-]{22,43})")
TOKEN: Final = re.compile(r"#sign-in=([A-Za-z0-9_-]{22,})")
WORD: Final = re.compile(r"[A-Za-z0-9_-]{22,}")
HASH: Final = re.compile(r"\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}")

STDOUT: Final = "stdout"
"""The file with what a broker has said to its operator."""
MASK: Final = "…"
MOST_SHOWN: Final = 300
"""Characters of a line that are shown."""

_heard: set[str] = set()


class Search(msgspec.Struct, frozen=True):
    """What was looked for, where, and what was found."""

    secrets: int
    logs: int
    bytes: int
    leaks: list[str]

    def __str__(self) -> str:
        found = "\n".join(self.leaks) if self.leaks else "none found"
        return (
            f"{self.secrets} keys and links looked for in {self.logs} logs "
            f"({self.bytes / 1e6:.1f} MB): {found}"
        )


def hear(text: str) -> None:
    """Remember the keys in what a broker said."""
    _heard.update(KEY.findall(text))


def search(folder: Path, seen: Path) -> Search:
    """Look into every log below a folder."""
    secrets = set(_heard)
    if seen.exists():
        secrets.update(KEY.findall(seen.read_text("utf-8")))
    for path in folder.rglob(STDOUT):
        secrets.update(TOKEN.findall(path.read_text("utf-8", "replace")))
    logs = [path for path in _logs(folder) if path.is_file()]
    leaks = [leak for path in logs for leak in _leaks(path, secrets)]
    size = sum(path.stat().st_size for path in logs)
    return Search(len(secrets), len(logs), size, leaks)


def _logs(folder: Path) -> list[Path]:
    names = ("*.log*", "stderr", STDOUT)
    return sorted(path for name in names for path in folder.rglob(name))


def _leaks(path: Path, secrets: set[str]) -> list[str]:
    lines = path.read_text("utf-8", "replace").splitlines()
    if path.name == STDOUT:  # where links are told, to the operator alone
        lines = [TOKEN.sub(MASK, line) for line in lines]
    masked = [_masked(line, secrets) for line in lines]
    return [
        f"{path}:{number}: {shown[:MOST_SHOWN]}"
        for number, (line, shown) in enumerate(zip(lines, masked, strict=True), 1)
        if line != shown
    ]


def _masked(line: str, secrets: set[str]) -> str:
    """A line without its secrets: the report is read by more people than the log."""
    shown = KEY.sub(lambda key: key[0].removesuffix(key[1]) + MASK, line)
    shown = HASH.sub(MASK, shown)
    sizes = {len(secret) for secret in secrets}
    for word in WORD.findall(shown):
        parts = {word[i : i + n] for n in sizes for i in range(len(word) - n + 1)}
        # The longest first: another may be a part of it.
        for secret in sorted(parts & secrets, key=len, reverse=True):
            shown = shown.replace(secret, MASK)
    return shown


def main() -> int:
    """Look into the logs below a folder for the keys of a file.

    Gives 1 if a log holds one, and also if there was nothing to look for or into.
    """
    folder, seen = map(Path, sys.argv[1:])
    found = search(folder, seen)
    said = [str(found)]
    if not found.logs:
        said.append(f"no log is below {folder}: nobody has looked")
    if not found.secrets:
        said.append(f"no key is in {seen}: nobody knows what to look for")
    for line in said:
        print(f"secrets: {line}")  # noqa: T201 - who runs the suites is to see it
    return int(bool(found.leaks) or len(said) > 1)


if __name__ == "__main__":
    sys.exit(main())
