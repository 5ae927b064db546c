"""The roster: which extensions are here, and how much each has to do.

Bookkeeping of the assignments actor, which owns the one there is. Knows nothing of
rooms and policies, sends nothing and reads no clock. Loads are sets of requests, not
numbers: what is released twice frees once.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection
from typing import Any

from actors.base import LoopRef


class Instance:
    """What is known of one extension: its load, and since when it waits."""

    __slots__ = ("available", "client", "last_given", "ref", "requests")

    def __init__(self, client: str, ref: LoopRef[Any]) -> None:
        self.client = client
        self.ref = ref
        self.available = True
        self.requests: set[str] = set()
        self.last_given = 0


class Roster:
    """Extensions by identity, those in their grace time included."""

    def __init__(self) -> None:
        self._instances: dict[str, Instance] = {}
        self._given: dict[str, set[str]] = {}
        self._draining: set[str] = set()
        self._turn = itertools.count(1)

    def __contains__(self, identity: str) -> bool:
        return identity in self._instances

    def __getitem__(self, identity: str) -> Instance:
        return self._instances[identity]

    def identities(self) -> tuple[str, ...]:
        """Everybody."""
        return tuple(self._instances)

    def available(self) -> list[str]:
        """Who can be given requests now."""
        return [
            name
            for name, each in self._instances.items()
            if each.available and name not in self._draining
        ]

    def willing(self) -> tuple[str, ...]:
        """Everybody who is not draining."""
        return tuple(name for name in self._instances if name not in self._draining)

    def draining(self) -> frozenset[str]:
        """Who is given nothing new, those included who are not here."""
        return frozenset(self._draining)

    def drain(self, identity: str) -> None:
        """Give an extension nothing new; it stays so when it leaves and comes back."""
        self._draining.add(identity)

    def undrain(self, identity: str) -> None:
        """Give it requests again."""
        self._draining.discard(identity)

    def is_draining(self, identity: str) -> bool:
        """Whether an extension is given nothing new."""
        return identity in self._draining

    def of_client(self, client: str) -> list[str]:
        """The instances of a client."""
        return [name for name, each in self._instances.items() if each.client == client]

    def enter(self, identity: str, client: str, ref: LoopRef[Any]) -> None:
        """An extension can be reached; one that was lost has its load still."""
        instance = self._instances.get(identity)
        if instance is None:
            self._instances[identity] = Instance(client, ref)
        else:
            instance.available, instance.client, instance.ref = True, client, ref

    def suspend(self, identity: str) -> None:
        """An extension can not be reached now."""
        instance = self._instances.get(identity)
        if instance is not None:
            instance.available = False

    def remove(self, identity: str) -> None:
        """An extension has left for good."""
        self._instances.pop(identity, None)

    def least_busy(self, among: Collection[str]) -> str | None:
        """Of those who can be reached; among equals, who waited longest."""
        free = [
            (len(each.requests), each.last_given, identity)
            for identity in among
            if (each := self._instances.get(identity)) is not None
            and each.available
            and identity not in self._draining
        ]
        return min(free)[2] if free else None

    def burden(self, request: str, identities: Collection[str]) -> None:
        """Give some extensions a request."""
        self._given.setdefault(request, set()).update(identities)
        for identity in identities:
            instance = self._instances[identity]
            instance.requests.add(request)
            instance.last_given = next(self._turn)

    def release(self, request: str, identity: str) -> None:
        """Take a request from an extension."""
        self._given.get(request, set()).discard(identity)
        self._unburden(request, identity)

    def forget(self, request: str) -> None:
        """Take a request from everybody."""
        for identity in self._given.pop(request, ()):
            self._unburden(request, identity)

    def _unburden(self, request: str, identity: str) -> None:
        instance = self._instances.get(identity)
        if instance is not None:
            instance.requests.discard(request)
