"""The Assignments actor: which extension answers which request.

Owns      which extensions can be reached, and how many requests each has
Receives  Available, Unavailable, Gone, Place, Release, Forget,
          GetAvailable
Sends     Placed or NotPlaced to whoever asked for a place
Stops     with the broker
"""

from __future__ import annotations

import itertools
from collections.abc import Collection
from typing import Any, TypeAlias, assert_never

import msgspec

from actors.base import LoopActor, LoopRef
from actors.errors import BrokerError, Code, NotFoundError, UnavailableError


class Available(msgspec.Struct, frozen=True):
    """An extension can be given requests."""

    identity: str
    client: str
    ref: LoopRef[Any]


class Unavailable(msgspec.Struct, frozen=True):
    """An extension's socket is lost; it can still be named, and waited for."""

    identity: str


class Gone(msgspec.Struct, frozen=True):
    """An extension has left for good."""

    identity: str


class Place(msgspec.Struct, frozen=True):
    """Choose extensions for a request.

    ``targets`` are identities or clientIds; none: the policy chooses one that is
    not among ``avoid``.
    """

    request: str
    targets: tuple[str, ...]
    reply_to: LoopRef[Any]
    avoid: Collection[str] = ()


class Release(msgspec.Struct, frozen=True):
    """A request no longer burdens an extension; idempotent."""

    request: str
    identity: str


class Forget(msgspec.Struct, frozen=True):
    """A request has ended and burdens nobody; idempotent."""

    request: str


class GetAvailable(msgspec.Struct, frozen=True):
    """Answers with the identities that can be given requests."""


class Placement(msgspec.Struct, frozen=True):
    """One extension that a request goes to."""

    identity: str
    client: str
    ref: LoopRef[Any]
    by_policy: bool


class Placed(msgspec.Struct, frozen=True):
    """The request's extensions, at least one."""

    placements: tuple[Placement, ...]


class NotPlaced(msgspec.Struct, frozen=True):
    """Nobody can answer the request, and why."""

    error: BrokerError


Message: TypeAlias = (
    Available | Unavailable | Gone | Place | Release | Forget | GetAvailable
)


class _Instance:
    """What is known of one extension: its load, and since when it waits."""

    __slots__ = ("available", "client", "last_given", "ref", "requests")

    def __init__(self, client: str, ref: LoopRef[Any]) -> None:
        self.client = client
        self.ref = ref
        self.available = True
        self.requests: set[str] = set()
        self.last_given = 0


class Assignments(LoopActor):
    """The policy ``Free``: the least busy, among equals who waited longest."""

    def __init__(self) -> None:
        super().__init__()
        self._instances: dict[str, _Instance] = {}
        self._given: dict[str, set[str]] = {}
        self._turn = itertools.count(1)

    def on_receive(self, message: Message) -> Any:
        """Handle one message."""
        match message:
            case Place():
                return self._place(message)
            case Release(request, identity):
                return self._release(request, identity)
            case Forget(request):
                for identity in self._given.pop(request, ()):
                    self._unburden(request, identity)
                return None
            case Available(identity, client, ref):
                return self._enter(identity, client, ref)
            case Unavailable(identity):
                return self._suspend(identity)
            case Gone(identity):
                self._instances.pop(identity, None)
                return None
            case GetAvailable():
                return [name for name, i in self._instances.items() if i.available]
            case _:
                assert_never(message)

    def _enter(self, identity: str, client: str, ref: LoopRef[Any]) -> None:
        instance = self._instances.get(identity)
        if instance is None:
            self._instances[identity] = _Instance(client, ref)
        else:
            instance.available, instance.client, instance.ref = True, client, ref

    def _suspend(self, identity: str) -> None:
        instance = self._instances.get(identity)
        if instance is not None:
            instance.available = False

    def _release(self, request: str, identity: str) -> None:
        self._given.get(request, set()).discard(identity)
        self._unburden(request, identity)

    def _unburden(self, request: str, identity: str) -> None:
        instance = self._instances.get(identity)
        if instance is not None:
            instance.requests.discard(request)

    def _place(self, message: Place) -> None:
        try:
            chosen = self._choose(message)
        except BrokerError as error:
            message.reply_to.tell(NotPlaced(error))
            return
        by_policy = not message.targets
        self._given.setdefault(message.request, set()).update(chosen)
        for identity in chosen:
            instance = self._instances[identity]
            instance.requests.add(message.request)
            instance.last_given = next(self._turn)
        placements = tuple(
            Placement(i, self._instances[i].client, self._instances[i].ref, by_policy)
            for i in chosen
        )
        message.reply_to.tell(Placed(placements))

    def _choose(self, message: Place) -> list[str]:
        if not message.targets:
            return [self._least_busy(set(message.avoid))]
        return list(dict.fromkeys(self._named(target) for target in message.targets))

    def _least_busy(self, avoid: Collection[str]) -> str:
        free = [
            (len(instance.requests), instance.last_given, identity)
            for identity, instance in self._instances.items()
            if instance.available and identity not in avoid
        ]
        if not free:
            raise UnavailableError(
                "no SillyTavern is connected that could answer", Code.NO_LLM_AVAILABLE
            )
        return min(free)[2]

    def _named(self, target: str) -> str:
        if target in self._instances:
            return target
        siblings = {
            identity
            for identity, instance in self._instances.items()
            if instance.client == target
        }
        if not siblings:
            raise NotFoundError(
                f"no SillyTavern named {target!r} is connected", Code.CLIENT_NOT_FOUND
            )
        if not any(self._instances[sibling].available for sibling in siblings):
            return min(siblings)
        return self._least_busy(self._instances.keys() - siblings)
