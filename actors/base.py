"""LoopActor: Pykka's actors on the running event loop.

Pykka gives the vocabulary (actors, refs, envelopes, tell and ask) and leaves three
hooks to those who write a new kind of actor; this module fills them for asyncio. It
alone touches Pykka's private parts.

What differs from Pykka's own ``ThreadingActor``, and why:

* A message is handled in a callback of the loop, to its end, in one go. An actor
  that must wait sends itself a message, or returns ``self.defer()`` and answers
  later; it never holds up its mailbox.
* Loop actors are not in Pykka's registry, whose unregistering is linear and whose
  ``stop_all`` any ``CancelledError`` sets off. Names are ``actors.directory``'s.
* A mailbox is bounded: a full one raises at the sender.
* A crash is logged with the message that caused it, everybody who waits for the
  actor gets an error at once, and nobody else notices. A ``BrokerError`` is no
  crash but an answer.
* A message to a dead actor is counted and dropped.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import queue
import sys
import threading
from collections import Counter, deque
from collections.abc import Callable
from typing import Any, ClassVar, Final, Generic, Self, TypeVar

import pykka
from pykka._envelope import Envelope
from pykka.messages import _ActorStop

from actors.errors import BrokerError, Code, UnavailableError
from actors.future import ActorEndedError, LoopFuture
from actors.promises import Promises

logger = logging.getLogger(__name__)

MAILBOX_LIMIT: Final = 100_000
"""Messages a loop actor's mailbox holds: a bound for memory, not for fairness."""

BLOCKING_MAILBOX_LIMIT: Final = 100_000
"""The same for the actors that have a thread."""

TURN: Final = 256
"""Messages one actor handles before the loop has its turn."""

A = TypeVar("A", bound=pykka.Actor)

_urns = itertools.count(1)


class MailboxFullError(UnavailableError):
    """The actor has more to do than it may keep waiting."""


class ActorCrashedError(BrokerError):
    """The actor met a fault of ours; the log has it."""

    default_code = Code.INTERNAL


class DeadLetters:
    """Counts what was told to actors that no longer live."""

    count: int = 0


dead_letters: Final = DeadLetters()

crashes: Final[Counter[str]] = Counter()
"""Crashes since the start of the process, by the name of the actor's class."""


class _StopFlag:
    """What Pykka asks of ``threading.Event``, at a twentieth of its memory."""

    __slots__ = ("_set",)

    def __init__(self) -> None:
        self._set = False

    def is_set(self) -> bool:
        return self._set

    def set(self) -> None:
        self._set = True


class LoopInbox:
    """The mailbox of one loop actor, and the callback that empties it.

    The actor lives as long as its inbox does; ending drops it, so that refs that
    others still hold keep nothing but an empty mailbox.
    """

    __slots__ = (
        "_actor",
        "_executor",
        "_loop",
        "_queue",
        "_scheduled",
        "_thread",
        "watchers",
    )

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._queue: deque[Envelope[Any]] = deque()
        self._scheduled = False
        self._actor: LoopActor | None = None
        self._executor: Callable[[Any], bool] | None = None
        self.watchers: list[Callable[[pykka.ActorRef[Any]], None]] = []

    def open(self, actor: LoopActor) -> None:
        """Take messages for ``actor`` from now on."""
        self._actor = actor

    def put(self, envelope: Envelope[Any]) -> None:
        """Append a message; from any thread.

        Raises:
            MailboxFullError: the actor is too far behind.
        """
        if self._actor is None:
            self._pass_on(envelope)
            return
        if len(self._queue) >= MAILBOX_LIMIT:
            name = type(self._actor).__name__
            raise MailboxFullError(f"the {name} is too busy, try again later")
        self._queue.append(envelope)
        if not self._scheduled:
            self._schedule()

    def deliver(self, message: Any) -> bool:
        """Have the actor handle a message now, or behind what it has; False: it ended.

        Only on the loop, and only where no actor is at work.
        """
        actor = self._actor
        if actor is None:
            return False
        if self._scheduled:  # it has others, which came first
            self.put(Envelope(message))
            return True
        self._scheduled = True  # by which whatever comes meanwhile waits
        actor._receive(message)  # noqa: SLF001 - two halves of one thing
        self._scheduled = False
        if self._queue:
            self._schedule()
        return True

    def get(self) -> Envelope[Any]:
        """Take the oldest message."""
        return self._queue.popleft()

    def empty(self) -> bool:
        """Tell whether nothing waits."""
        return not self._queue

    def __len__(self) -> int:
        return len(self._queue)

    def leave_to(self, executor: Callable[[Any], bool]) -> None:
        """After the end, offer messages to a function that may deal with them.

        It returns whether it did, and must not hold the actor.
        """
        self._executor = executor

    def close(self) -> None:
        """Let the actor go and tell everybody who still waits."""
        self._actor = None
        while self._queue:
            self._pass_on(self._queue.popleft())

    def _pass_on(self, envelope: Envelope[Any]) -> None:
        if self._executor is None or not self._executor(envelope.message):
            _return_to_sender(envelope)

    def _schedule(self) -> None:
        self._scheduled = True
        if threading.get_ident() == self._thread:
            self._loop.call_soon(self._turn)
        else:
            self._loop.call_soon_threadsafe(self._turn)

    def _turn(self) -> None:
        mailbox = self._queue
        for _ in range(TURN):
            if not mailbox or (actor := self._actor) is None:
                break
            actor._handle(mailbox.popleft())  # noqa: SLF001 - two halves of one thing
        # In this order: whoever appends from another thread either sees the flag
        # down and schedules, or appended before the look at the queue below.
        self._scheduled = False
        if mailbox:
            self._schedule()


def _return_to_sender(envelope: Envelope[Any]) -> None:
    if isinstance(envelope.message, _ActorStop):
        if envelope.reply_to is not None:
            envelope.reply_to.set(value=None)
        return
    dead_letters.count += 1
    if isinstance(envelope.reply_to, LoopFuture):
        envelope.reply_to.fail(ActorEndedError("it has ended, try again"))


class LoopRef(pykka.ActorRef[A], Generic[A]):
    """A ref to a loop actor: telling never blocks and never raises ActorDeadError."""

    actor_inbox: LoopInbox

    def tell(self, message: Any) -> None:
        """Put a message into the mailbox; a dead actor's is counted and dropped."""
        self.actor_inbox.put(Envelope(message))

    def deliver(self, message: Any) -> bool:
        """Tell, from outside all actors, without waiting for a turn of the loop.

        An idle actor handles the message before this returns: to wake it would cost
        as much as a chunk does. A busy one gets it behind the others, as ever.
        Returns False where the actor has ended, and then nothing else happens.
        """
        return self.actor_inbox.deliver(message)


class LoopActor(pykka.Actor):
    """An actor on the running event loop; subclasses write ``on_receive``."""

    actor_inbox: LoopInbox
    _actor_ref: LoopRef[Any]

    def __init__(self) -> None:
        """Set up the mailbox and the ref; Pykka's own start costs five times it."""
        self.actor_urn = f"urn:tapster:{next(_urns)}"
        self.actor_inbox = LoopInbox()
        self.actor_stopped = _StopFlag()  # type: ignore[assignment]
        self._promises: Promises | None = None
        self._actor_ref = LoopRef(self)

    @property
    def actor_ref(self) -> LoopRef[Self]:
        """The ref by which everybody else knows this actor."""
        return self._actor_ref

    @classmethod
    def start(cls, *args: Any, **kwargs: Any) -> LoopRef[Self]:
        """Make an actor on the running loop; ``on_start`` has run at return.

        Takes what the constructor takes. An exception in ``on_start`` is a crash.
        """
        actor = cls(*args, **kwargs)
        actor._start_actor_loop()
        return actor.actor_ref

    @staticmethod
    def _create_actor_inbox() -> LoopInbox:
        return LoopInbox()

    @staticmethod
    def _create_future() -> LoopFuture[Any]:
        return LoopFuture()

    def _start_actor_loop(self) -> None:
        self.actor_inbox.open(self)
        try:
            self.on_start()
        except Exception:  # noqa: BLE001 - whatever it is, it is our fault
            self._crash("on_start")

    def tell_later(self, seconds: float, message: Any) -> asyncio.TimerHandle:
        """Send this actor a message after ``seconds`` of monotonic time."""
        loop = asyncio.get_running_loop()
        return loop.call_later(seconds, self._tell_if_alive, message)

    @property
    def promises(self) -> Promises:
        """What it owes; made when it is needed, since most actors owe nothing."""
        if self._promises is None:
            self._promises = Promises()
        return self._promises

    def defer(self) -> LoopFuture[Any]:
        """Make an answer to return from ``on_receive`` now and to set later."""
        return self.promises.make()

    def stop(self) -> None:
        """End once this message is handled; what waits behind it is returned."""
        self._end(ActorEndedError("it has ended, try again"))

    def on_failure(self, *_exc_info: Any) -> None:
        """Clean up after a crash; called instead of ``on_stop``."""

    def _tell_if_alive(self, message: Any) -> None:
        if not self.actor_stopped.is_set():
            self._actor_ref.tell(message)

    def _handle(self, envelope: Envelope[Any]) -> None:
        message, reply_to = envelope.message, envelope.reply_to
        if isinstance(message, _ActorStop):
            self.stop()
            if reply_to is not None:
                reply_to.set(value=None)
            return
        self._receive(message, reply_to)

    def _receive(self, message: Any, reply_to: Any = None) -> None:
        try:
            response = self.on_receive(message)
        except BrokerError as error:
            if isinstance(reply_to, LoopFuture):
                reply_to.fail(error)
            else:
                logger.info("%s refused %s: %s", self, type(message).__name__, error)
        except (Exception, asyncio.CancelledError):  # noqa: BLE001 - our fault
            self._crash(message, reply_to)
        else:
            if reply_to is not None:
                reply_to.set(response)

    def _crash(self, cause: Any, reply_to: Any = None) -> None:
        # The message itself may hold what people wrote: only debug shows it.
        crashes[type(self).__name__] += 1
        name = type(cause).__name__
        logger.error("%s crashed on %s", self, name, exc_info=True)  # noqa: LOG014
        logger.debug("it was %r", cause)
        error = ActorCrashedError("internal error")
        if isinstance(reply_to, LoopFuture):
            reply_to.fail(error)
        if self.actor_stopped.is_set():
            return
        self.actor_stopped.set()
        self._run_hook(lambda: self.on_failure(*sys.exc_info()))
        self._close(error)

    def _end(self, error: BrokerError) -> None:
        if self.actor_stopped.is_set():
            return
        self.actor_stopped.set()
        self._run_hook(self.on_stop)
        self._close(error)

    def _run_hook(self, hook: Callable[[], None]) -> None:
        try:
            hook()
        except Exception:
            logger.exception("%s failed while it ended", self)

    def _close(self, error: BrokerError) -> None:
        if self._promises is not None:
            self._promises.break_all(error)
        inbox = self.actor_inbox
        inbox.close()
        watchers, inbox.watchers = inbox.watchers, []
        for watcher in watchers:
            watcher(self._actor_ref)


class _BoundedQueue:
    """A thread's mailbox that raises when full, since blocking would stop the loop.

    Made of ``SimpleQueue``, which is all C: a put of ``queue.Queue`` takes 2 µs and
    two locks of the loop's time.
    """

    __slots__ = ("_queue",)

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[Envelope[Any]] = queue.SimpleQueue()

    def put(self, envelope: Envelope[Any]) -> None:
        """Append a message; from any thread.

        Raises:
            MailboxFullError: the actor is too far behind.
        """
        if self._queue.qsize() >= BLOCKING_MAILBOX_LIMIT:
            raise MailboxFullError("it is too busy, try again later")
        self._queue.put(envelope)

    def get(self) -> Envelope[Any]:
        """Take the oldest message; waits for one."""
        return self._queue.get()

    def empty(self) -> bool:
        """Tell whether nothing waits."""
        return self._queue.empty()

    def qsize(self) -> int:
        """How many messages wait."""
        return self._queue.qsize()


class BlockingRef(pykka.ActorRef[A], Generic[A]):
    """A ref to an actor with a thread, whose death is an answer and no crash."""

    def tell(self, message: Any) -> None:
        """Put a message into the mailbox.

        Raises:
            ActorEndedError: the actor is dead.
            MailboxFullError: the actor is too far behind.
        """
        if not self.is_alive():
            dead_letters.count += 1
            raise ActorEndedError("it has ended, try again")
        self.actor_inbox.put(Envelope(message))


class BlockingActor(pykka.ThreadingActor):
    """An actor with a thread of its own, for what blocks: SQLite and bcrypt only."""

    use_daemon_thread: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self._actor_ref = BlockingRef(self)

    def on_failure(self, *_exc_info: Any) -> None:
        """Count the crash; Pykka has logged it."""
        crashes[type(self).__name__] += 1

    @staticmethod
    def _create_actor_inbox() -> _BoundedQueue:
        return _BoundedQueue()


def ask(ref: pykka.ActorRef[Any], message: Any, *, timeout: float) -> LoopFuture[Any]:
    """Send a message at once; awaiting what comes back gives the answer.

    Works for loop actors and for those with a thread, and blocks neither.

    Args:
        ref: whom to ask.
        message: one of the messages that actor takes.
        timeout: seconds after which waiting ends.

    Raises:
        BrokerError: (when awaited) the actor's own answer, or
            ``TimeoutExpiredError``, ``ActorEndedError``, ``ActorCrashedError``.
        MailboxFullError: (at once) the actor is too far behind.
    """
    future: LoopFuture[Any] = LoopFuture()
    if isinstance(ref, LoopRef) or ref.is_alive():
        ref.actor_inbox.put(Envelope(message, reply_to=future))
    else:
        _return_to_sender(Envelope(message, reply_to=future))
    future.expire_after(timeout)
    return future


def watch(ref: LoopRef[Any], on_end: Callable[[pykka.ActorRef[Any]], None]) -> None:
    """Call ``on_end`` with the ref when that actor has ended, at once if it has."""
    if ref.is_alive():
        ref.actor_inbox.watchers.append(on_end)
    else:
        on_end(ref)


async def stop(ref: pykka.ActorRef[Any], *, timeout: float) -> None:
    """Have an actor end after what it has in its mailbox, and wait until it has."""
    if ref.is_alive():
        with contextlib.suppress(ActorEndedError):
            await ask(ref, _ActorStop(), timeout=timeout)
