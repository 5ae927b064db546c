"""Whether any log of the whole suite holds a key that was used in it.

Owns the list of keys that tests have seen: those heard by the clients in this process,
those that scenarios in Node wrote down, and the links to sign in that brokers printed.
What has the form of a key counts too, whosever it was.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import msgspec

SEEN_KEYS: Final = "TAPSTER_SEEN_KEYS"
"""The variable that tells scenarios where to write keys down."""

KEY: Final = re.compile(r"tap_[0-9a-f]{12,16}_([A-Za-z0-9_-]{22,43})")
TOKEN: Final = re.compile(r"#sign-in=([A-Za-z0-9_-]{22,})")
WORD: Final = re.compile(r"[A-Za-z0-9_-]{22,}")
HASH: Final = re.compile(r"\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}")

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
    for path in folder.rglob("stdout"):
        secrets.update(TOKEN.findall(path.read_text("utf-8", "replace")))
    logs = [path for path in _logs(folder) if path.is_file()]
    leaks = [leak for path in logs for leak in _leaks(path, secrets)]
    size = sum(path.stat().st_size for path in logs)
    return Search(len(secrets), len(logs), size, leaks)


def _logs(folder: Path) -> list[Path]:
    return sorted([*folder.rglob("logs/*.log*"), *folder.rglob("stderr")])


def _leaks(path: Path, secrets: set[str]) -> list[str]:
    text = path.read_text("utf-8", "replace")
    leaks = [f"{path}: {match[0]}" for match in KEY.finditer(text)]
    leaks += [f"{path}: {match[0]}" for match in HASH.finditer(text)]
    sizes = {len(secret) for secret in secrets}
    for word in WORD.findall(text):
        parts = {word[i : i + n] for n in sizes for i in range(len(word) - n + 1)}
        leaks += [f"{path}: {part}" for part in parts & secrets]
    return leaks
