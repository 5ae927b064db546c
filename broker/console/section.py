"""A section of what operators see: entries by key, and what is new of them.

Owns each entry as JSON, so that it is encoded once, for news and for snapshots alike,
and so that what only seems to have changed is no news.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from broker.protocol.json_text import encode


class Section:
    """Entries, those that are new or changed, and those that are gone."""

    def __init__(self) -> None:
        self._texts: dict[str, bytes] = {}
        self._set: dict[str, None] = {}
        self._gone: dict[str, None] = {}
        self._untold: set[str] = set()
        """Keys that nobody has been told of: to be gone is no news of them."""

    def __contains__(self, key: str) -> bool:
        return key in self._texts

    def keys(self) -> list[str]:
        """All keys."""
        return list(self._texts)

    def put(self, key: str, entry: Any) -> None:
        """Have an entry, new, changed or as it was."""
        text = encode(entry)
        before = self._texts.get(key)
        if text == before:
            return
        if before is None and key not in self._gone:
            self._untold.add(key)
        self._texts[key] = text
        self._set[key] = None
        self._gone.pop(key, None)

    def drop(self, key: str) -> None:
        """Have an entry no more."""
        if self._texts.pop(key, None) is None:
            return
        self._set.pop(key, None)
        if key in self._untold:
            self._untold.remove(key)
        else:
            self._gone[key] = None

    def news(self, room: int) -> dict[str, Any]:
        """What has changed since the last news; what has no room comes with the next.

        ``room`` is in bytes; one entry at the least is always told.
        """
        news: dict[str, Any] = {}
        if self._gone:
            news["gone"], self._gone = list(self._gone), {}
        told = _fitting(((key, self._texts[key]) for key in self._set), room)
        if told:
            news["set"] = _object(told)
        for key, _ in told:
            del self._set[key]
            self._untold.discard(key)
        return news

    def snapshot(self, room: int) -> msgspec.Raw:
        """Everything there is, as far as there is room for it, in bytes."""
        told = _fitting(self._texts.items(), room)
        self._untold.difference_update(key for key, _ in told)
        return _object(told)

    def settle(self) -> None:
        """Take everything as told: from here on there is news."""
        self._set.clear()
        self._gone.clear()
        self._untold.clear()


def _fitting(
    entries: Iterable[tuple[str, bytes]], room: int
) -> list[tuple[str, bytes]]:
    fitting: list[tuple[str, bytes]] = []
    for key, text in entries:
        room -= len(text) + len(key)
        if room < 0 and fitting:
            break
        fitting.append((key, text))
    return fitting


def _object(entries: Iterable[tuple[str, bytes]]) -> msgspec.Raw:
    members = (b"%b:%b" % (encode(key), text) for key, text in entries)
    return msgspec.Raw(b"{%b}" % b",".join(members))
