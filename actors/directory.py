"""Names to refs: how everything finds the actor it wants to talk to.

Owns the names of all living loop actors that have one. Must never reach into an
actor: a ref may stand for an actor on another machine some day.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Any, NamedTuple

import pykka

from actors.base import LoopRef, watch


class Kind(StrEnum):
    """What a name is the name of."""

    CLIENT = "client"
    EXTENSION = "extension"
    ROOM = "room"
    REQUEST = "request"


class Name(NamedTuple):
    """A kind and a name within it."""

    kind: Kind
    name: str


class Directory:
    """Names and refs, both ways in O(1); an actor that ends leaves by itself."""

    def __init__(self) -> None:
        self._refs: dict[Kind, dict[str, LoopRef[Any]]] = {kind: {} for kind in Kind}
        self._names: dict[str, Name] = {}
        self._legacies: dict[Name, Any] = {}

    def add(self, kind: Kind, name: str, ref: LoopRef[Any]) -> None:
        """Enter an actor under its name.

        Raises:
            ValueError: the name is taken by a living actor.
        """
        if name in self._refs[kind]:
            raise ValueError(f"the {kind} {name} is there already")
        self._refs[kind][name] = ref
        self._names[ref.actor_urn] = Name(kind, name)
        watch(ref, self._remove)

    def find(self, kind: Kind, name: str) -> LoopRef[Any] | None:
        """The actor of that name, if it lives."""
        return self._refs[kind].get(name)

    def bequeath(self, kind: Kind, name: str, legacy: Any) -> None:
        """Keep what a crashed actor leaves to the next of its name."""
        self._legacies[Name(kind, name)] = legacy

    def inherit(self, kind: Kind, name: str) -> Any:
        """Take what a crashed actor of that name has left; None: nothing."""
        return self._legacies.pop(Name(kind, name), None)

    def name_of(self, ref: pykka.ActorRef[Any]) -> Name | None:
        """The name of a living actor, if it has one."""
        return self._names.get(ref.actor_urn)

    def names(self, kind: Kind) -> Iterator[str]:
        """All names of one kind; linear, for lists that people ask for."""
        return iter(self._refs[kind])

    def count(self, kind: Kind) -> int:
        """How many actors of one kind live."""
        return len(self._refs[kind])

    def _remove(self, ref: pykka.ActorRef[Any]) -> None:
        name = self._names.pop(ref.actor_urn, None)
        if name is not None:
            del self._refs[name.kind][name.name]
