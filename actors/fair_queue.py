"""A queue that is fair among those who stand in it.

Round robin over requesters, first come first served within one. Pure.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class FairQueue(Generic[T]):
    """Items by requester and key; ``pop`` takes one requester's after the other's."""

    def __init__(self) -> None:
        self._lines: OrderedDict[str, OrderedDict[str, T]] = OrderedDict()
        self._owners: dict[str, str] = {}

    def push(self, requester: str, key: str, item: T) -> None:
        """Stand in line behind the requester's own items; ``key`` is unique."""
        self._lines.setdefault(requester, OrderedDict())[key] = item
        self._owners[key] = requester

    def pop(self) -> T:
        """Take the next item; its requester goes to the end of the round.

        Raises:
            KeyError: nothing waits.
        """
        requester, line = self._lines.popitem(last=False)
        key, item = line.popitem(last=False)
        if line:
            self._lines[requester] = line
        del self._owners[key]
        return item

    def remove(self, key: str) -> T | None:
        """Take one item out of turn, if it waits here."""
        requester = self._owners.pop(key, None)
        if requester is None:
            return None
        line = self._lines[requester]
        item = line.pop(key)
        if not line:
            del self._lines[requester]
        return item

    def keys(self) -> Iterator[str]:
        """The keys in the order in which ``pop`` would take them."""
        lines = [iter(line) for line in self._lines.values()]
        while lines:
            rest = []
            for line in lines:
                key = next(line, None)
                if key is not None:
                    yield key
                    rest.append(line)
            lines = rest

    def position(self, key: str) -> int:
        """How many come before this key, plus one; 0 where it does not wait."""
        if key not in self._owners:
            return 0
        return 1 + next(i for i, other in enumerate(self.keys()) if other == key)

    def __getitem__(self, key: str) -> T:
        return self._lines[self._owners[key]][key]

    def __len__(self) -> int:
        return len(self._owners)
