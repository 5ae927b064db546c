"""The far end: guests and SillyTaverns, in a namespace and a process of their own.

Says ``ready`` when it is there, waits for the broker's address, and says in the end
what came of the evening. The try runs it: ``unshare --net python -m …``.
"""

from __future__ import annotations

import asyncio
import sys

import msgspec

from tests.torture.evening import spend


def main() -> None:
    """Spend an evening: ``guests.py GUESTS ANSWERS``."""
    guests, answers = map(int, sys.argv[1:])
    print("ready", flush=True)  # noqa: T201 - the try reads it
    url = sys.stdin.readline().strip()
    evening = asyncio.run(spend(url, guests, answers))
    print(msgspec.json.encode(evening).decode(), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
