"""The Extension actor: one SillyTavern instance.

Owns      its capacity, what it runs, and the fair queue of what it will
Receives  Connected, Lost, Remove, Identify, Describe, Enqueue, Withdraw, Finished,
          Answering, GetDetails
Sends     orders and revocations to the instance, through Outbound; to relays, what
          becomes of their requests
Stops     when the grace time after its last socket has passed
"""

from __future__ import annotations

import logging
from functools import partial
from typing import Any, TypeAlias, assert_never

import msgspec

from actors import assignments, relay_events
from actors.base import LoopActor, LoopRef
from actors.fair_queue import FairQueue
from actors.house import House
from actors.limits import Limit, reached
from actors.outbound import Order, OrderPlaced, OrderRevoked

logger = logging.getLogger(__name__)

POSITIONS_TOLD = 8
"""Of those who wait, so many are told when they move up: more would make each
answer's end cost as much as the queue is long."""


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """What an instance says of itself."""

    description: str = ""
    capacity: int = 1
    context: int | None = None
    version: str | None = None
    characters: list[Any] | None = None
    current: Any = None
    model: Any = None
    instance: str | None = None
    """Which installation and which page of it: what tells its tabs from strangers."""


class Connected(msgspec.Struct, frozen=True):
    """The instance has a socket that orders can go to."""


class Lost(msgspec.Struct, frozen=True):
    """The instance's last such socket is gone."""

    deliberate: bool = False


class Remove(msgspec.Struct, frozen=True):
    """Wait no longer for the instance to come back, if it is away."""


class Identify(msgspec.Struct, frozen=True):
    """The instance introduces itself, after a loss with what it still runs."""

    profile: Profile
    running: frozenset[str]


class Describe(msgspec.Struct, frozen=True):
    """Some of what the instance said of itself has changed."""

    changes: dict[str, Any]


class Enqueue(msgspec.Struct, frozen=True):
    """A request for this instance, in turn."""

    request: str
    order: Order
    relay: LoopRef[Any]


class Withdraw(msgspec.Struct, frozen=True):
    """Forget a request: drop it from the queue, or have the instance stop it."""

    request: str


class Finished(msgspec.Struct, frozen=True):
    """A request's answer is whole, or has failed by the instance's own word."""

    request: str


class Answering(msgspec.Struct, frozen=True):
    """The first of a request's answer came."""

    request: str


class GetDetails(msgspec.Struct, frozen=True):
    """Answers with ``Details``."""


class Details(msgspec.Struct, frozen=True):
    """The instance as lists show it."""

    identity: str
    client: str
    profile: Profile
    running: int
    queued: int


class _GraceOver(msgspec.Struct, frozen=True):
    """The time to come back has passed, unless the instance did."""

    loss: int


Message: TypeAlias = (
    Connected
    | Lost
    | Remove
    | Identify
    | Describe
    | Enqueue
    | Withdraw
    | Finished
    | Answering
    | GetDetails
    | _GraceOver
)


class Extension(LoopActor):
    """One SillyTavern instance, known by its identity."""

    def __init__(self, house: House, identity: str, client: str) -> None:
        super().__init__()
        self._house = house
        self._identity = identity
        self._client = client
        self._profile = Profile()
        self._connected = False
        self._losses = 0
        self._queue: FairQueue[Enqueue] = FairQueue()
        self._running: dict[str, LoopRef[Any]] = {}
        self._unaccounted: dict[str, LoopRef[Any]] = {}
        self._stale: set[str] = set()
        self.actor_inbox.leave_to(partial(_decline, identity))

    def on_receive(self, message: Message) -> Any:
        """Handle one message."""
        match message:
            case Enqueue():
                return self._enqueue(message)
            case Answering(request):
                return self._supersede(request)
            case Finished(request):
                return self._finished(request)
            case Withdraw(request):
                return self._withdraw(request)
            case Connected():
                return self._connect()
            case Lost(deliberate):
                return self._lose(deliberate=deliberate)
            case Remove():
                return None if self._connected else self._give_up(self._losses)
            case Identify(profile, running):
                return self._identify(profile, running)
            case Describe(changes):
                self._profile = msgspec.structs.replace(self._profile, **changes)
                return self._dispatch()
            case GetDetails():
                return self._details()
            case _GraceOver(loss):
                return self._give_up(loss)
            case _:
                assert_never(message)

    def on_stop(self) -> None:
        """Tell everybody who still counts on this instance."""
        for relay in self._everyone():
            relay.tell(relay_events.ExtensionGone(self._identity))
        self._house.assignments.tell(assignments.Gone(self._identity))

    def on_failure(self, *_exc_info: Any) -> None:
        """Leave as if the instance had."""
        self.on_stop()

    def _connect(self) -> None:
        self._connected = True
        self._house.assignments.tell(
            assignments.Available(self._identity, self._client, self.actor_ref)
        )
        self._revoke_stale()
        self._dispatch()

    def _lose(self, *, deliberate: bool) -> None:
        if not self._connected:
            return
        self._connected = False
        self._losses += 1
        if deliberate and self.actor_inbox.empty():
            self.stop()
            return
        self._house.assignments.tell(assignments.Unavailable(self._identity))
        self._unaccounted.update(self._running)
        for relay in self._everyone():
            relay.tell(relay_events.ExtensionLost(self._identity))
        grace = self._house.patience.reconnect_grace
        self.tell_later(grace, _GraceOver(self._losses))

    def _give_up(self, loss: int) -> None:
        if loss != self._losses:
            return
        if not self._connected and self.actor_inbox.empty():
            self.stop()
        elif not self._connected:  # it is at the door in this very moment
            self.tell_later(self._house.patience.reconnect_grace, _GraceOver(loss))
        elif self._unaccounted:
            self._identify(self._profile, frozenset())

    def _identify(self, profile: Profile, running: frozenset[str]) -> None:
        self._profile = profile
        for request, relay in self._unaccounted.items():
            if request not in running:
                self._running.pop(request, None)
                relay.tell(relay_events.ExtensionForgot(self._identity))
        self._unaccounted.clear()
        self._stale = set(running - self._running.keys())
        self._revoke_stale()
        self._dispatch()

    def _enqueue(self, message: Enqueue) -> None:
        if len(self._queue) >= self._house.patience.queued_per_extension:
            reached[Limit.QUEUED_PER_EXTENSION] += 1
            message.relay.tell(relay_events.QueueFull(self._identity))
            return
        self._queue.push(message.order.requester, message.request, message)
        self._dispatch()
        position = self._queue.position(message.request)
        if position:
            message.relay.tell(relay_events.Queued(self._identity, position))
            self._tell_positions()

    def _withdraw(self, request: str) -> None:
        if self._queue.remove(request) is not None:
            self._tell_positions()
        elif request in self._running:
            if self._connected:
                self._revoke(request)
            self._finished(request)

    def _finished(self, request: str) -> None:
        self._unaccounted.pop(request, None)
        if self._running.pop(request, None) is not None:
            self._dispatch()

    def _supersede(self, request: str) -> None:
        """Take a capacity of one at its word: who answers the next is done before."""
        if self._profile.capacity != 1:
            return
        for earlier, relay in self._running.items():
            if earlier == request:
                break
            relay.tell(relay_events.Superseded(self._identity))

    def _dispatch(self) -> None:
        if not self._connected or self._unaccounted:
            return
        sent = False
        while self._queue and len(self._running) < self._profile.capacity:
            job = self._queue.pop()
            self._running[job.request] = job.relay
            placed = OrderPlaced(
                job.request, job.order, self._identity, self._context_of(job.order)
            )
            self._house.outbound.publish(placed, [self._identity])
            job.relay.tell(
                relay_events.Dispatched(
                    self._identity, versioned=self._profile.version is not None
                )
            )
            sent = True
        if sent:
            self._tell_positions()

    def _context_of(self, order: Order) -> tuple[bytes, ...]:
        wanted = self._profile.context
        if wanted is None:
            wanted = self._house.patience.context_messages
        return order.context[-wanted:] if wanted else ()

    def _tell_positions(self) -> None:
        """Tell those in front where they are; the relays know what is no news."""
        for place, key in enumerate(self._queue.keys(), start=1):
            if place > POSITIONS_TOLD:
                break
            self._queue[key].relay.tell(relay_events.Queued(self._identity, place))

    def _revoke_stale(self) -> None:
        """Stop what the instance still runs though it was moved or given up."""
        if self._connected:
            for request in self._stale:
                self._revoke(request)
            self._stale.clear()

    def _revoke(self, request: str) -> None:
        self._house.outbound.publish(OrderRevoked(request), [self._identity])

    def _everyone(self) -> list[LoopRef[Any]]:
        waiting = [self._queue[key].relay for key in self._queue.keys()]  # noqa: SIM118
        return [*self._running.values(), *waiting]

    def _details(self) -> Details:
        return Details(
            self._identity,
            self._client,
            self._profile,
            running=len(self._running),
            queued=len(self._queue),
        )


def _decline(identity: str, message: Any) -> bool:
    """Tell a relay that whom it wanted is gone, or it would wait for nothing."""
    if isinstance(message, Enqueue):
        message.relay.tell(relay_events.ExtensionGone(identity))
        return True
    return False
