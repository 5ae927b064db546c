"""From an event to its handler, and from what that returns to an ack.

A namespace is a class whose methods are marked with ``@handles``. A handler is a
plain function that tells its actor before anything else, so that one client's events
keep their order; what an actor owes it returns as ``Later``, and as a coroutine what
takes several steps. An ack that was asked for always comes, once; an error without
one goes out as an ``ERROR`` event.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, ClassVar, NamedTuple, Protocol, TypeAlias, TypeVar

from actors.errors import BrokerError, Code, ProtocolError, RefusedError
from actors.future import LoopFuture
from broker.gateway.session import Session
from broker.protocol import outbound
from broker.protocol.inbound import Frame, Untyped, read_frame
from broker.protocol.wire import EVENT_ALIASES, RESERVED_EVENTS, Event, Namespace

logger = logging.getLogger(__name__)

Fields: TypeAlias = dict[str, Any] | None


class Later(NamedTuple):
    """The answer of an actor, and what of it goes into the ack; costs no task."""

    answer: LoopFuture[Any]
    fields: Callable[[Any], Fields]


Result: TypeAlias = Fields | Later | Coroutine[Any, Any, Fields]

OUR_FAULT = "%s in %s failed"

_running: set[asyncio.Task[None]] = set()
"""Handlers that wait; the loop itself keeps only weak references to tasks."""


class Deferred:
    """What a handler returns that answers its call itself."""


DEFERRED = Deferred()


class Witness(Protocol):
    """Who sees what becomes of a call."""

    def saw_reply(self, fields: dict[str, Any]) -> None:
        """It was answered well."""

    def saw_refusal(self, error: BrokerError) -> None:
        """It was answered with an error."""


class Call:
    """One event from one session, and the one answer it gets."""

    __slots__ = (
        "_answered",
        "_envelope",
        "_number",
        "data",
        "name",
        "session",
        "witness",
    )

    def __init__(
        self,
        session: Session,
        name: str,
        data: Any,
        number: int | None,
        envelope: Envelope,
    ) -> None:
        self.session = session
        self.name = name
        self.data = data
        self._number = number
        self._envelope = envelope
        self._answered = False
        self.witness: Witness | None = None

    @property
    def fields(self) -> dict[str, Any]:
        """The data as an object; empty where it is none."""
        return self.data if isinstance(self.data, dict) else {}

    @property
    def wants_ack(self) -> bool:
        """Whether the peer waits for an answer."""
        return self._number is not None

    def give_back(self, args: list[Any]) -> None:
        """Answer with what somebody else has answered."""
        if not self._answered and self._number is not None:
            self._answered = True
            self.session.acknowledge(self._number, args)

    def follow(self, pending: Coroutine[Any, Any, list[Any]]) -> None:
        """Answer with what somebody else will answer."""
        _start(_follow(self, pending))

    def reply(self, fields: Fields) -> None:
        """Answer well."""
        if not self._answered:
            self._answered = True
            if self.witness is not None:
                self.witness.saw_reply(fields or {})
            if self._number is not None:
                answer = self._envelope.good(self, fields or {})
                self.session.acknowledge(self._number, [answer])

    def refuse(self, error: BrokerError) -> None:
        """Answer with an error."""
        if self._answered:
            return
        self._answered = True
        if self.witness is not None:
            self.witness.saw_refusal(error)
        if self._number is not None:
            answer = self._envelope.bad(self, error)
            self.session.acknowledge(self._number, [answer])
            return
        data = {"type": Event.ERROR, "message": error.message, "code": int(error.code)}
        request_id = self.fields.get("requestId")
        if isinstance(request_id, str):
            data["requestId"] = request_id
        self.session.emit(Event.ERROR, data)


class Envelope:
    """The shape of acks in all namespaces but one."""

    def good(self, _call: Call, fields: dict[str, Any]) -> dict[str, Any]:
        """An answer."""
        return outbound.ok(fields)

    def bad(self, _call: Call, error: BrokerError) -> dict[str, Any]:
        """An answer that is an error."""
        return outbound.refusal(error)


class _Handler(NamedTuple):
    frame: type[Frame]
    method: str
    unverified: bool


M = TypeVar("M", bound=Callable[..., Any])


def handles(
    *names: str, frame: type[Frame] = Untyped, unverified: bool = False
) -> Callable[[M], M]:
    """Mark a method as the handler of events, and tell what their data is.

    The method takes the call and the frame. ``unverified``: it may be called by
    sessions that have not shown a key.
    """

    def mark(method: M) -> M:
        method.__handles__ = (names, frame, unverified)  # type: ignore[attr-defined]
        return method

    return mark


class NamespaceHandlers:
    """The events of one namespace."""

    name: ClassVar[Namespace]
    envelope: ClassVar[Envelope] = Envelope()
    _handlers: ClassVar[dict[str, _Handler]]

    def __init_subclass__(cls) -> None:
        """Collect the marked methods, inherited ones included."""
        cls._handlers = {}
        for attribute in dir(cls):
            marked = getattr(getattr(cls, attribute), "__handles__", None)
            if marked is not None:
                names, frame, unverified = marked
                handler = _Handler(frame, attribute, unverified)
                cls._handlers |= dict.fromkeys(names, handler)

    @classmethod
    def events(cls) -> frozenset[str]:
        """The names this namespace answers to."""
        return frozenset(cls._handlers)

    def joined(self, session: Session) -> None:
        """A session has joined the namespace and been welcomed."""

    def unknown(self, call: Call) -> Result | Deferred:
        """Handle an event that the protocol does not have.

        Raises:
            ProtocolError: here, always.
        """
        raise ProtocolError(
            f"there is no event {call.name!r} in {self.name}", Code.INVALID_REQUEST
        )

    def dispatch(self, session: Session, number: int | None, packet: Any) -> None:
        """Handle an event packet's data: a name and its arguments."""
        call = self._call_of(session, number, packet)
        if call is None:
            return
        try:
            result = self._handle(call)
        except Exception as error:  # noqa: BLE001 - told apart there
            _fail(call, error)
        else:
            _answer(call, result)

    def refuse(
        self, session: Session, number: int | None, packet: Any, error: BrokerError
    ) -> None:
        """Answer an event packet with an error instead of handling it."""
        call = self._call_of(session, number, packet)
        if call is not None:
            call.refuse(error)

    def _call_of(
        self, session: Session, number: int | None, packet: Any
    ) -> Call | None:
        """What an event packet asks for; None: nothing."""
        if not isinstance(packet, list) or not packet:
            return None
        name, *args = packet
        if not isinstance(name, str) or name in RESERVED_EVENTS:
            return None
        name = EVENT_ALIASES.get(name, name)
        data = args[0] if args and args[0] not in (None, {}) else None
        return Call(session, name, data, number, self.envelope)

    def _handle(self, call: Call) -> Result | Deferred:
        handler = self._handlers.get(call.name)
        allowed = call.session.verified or (handler is not None and handler.unverified)
        if not allowed:
            raise RefusedError(
                f"{call.name} needs a key: connect with one, or ask for one in /auth",
                Code.AUTHENTICATION_FAILED,
            )
        if handler is None:
            return self.unknown(call)
        frame = read_frame(handler.frame, call.data)
        result: Result | Deferred = getattr(self, handler.method)(call, frame)
        return result


def _answer(call: Call, result: Result | Deferred) -> None:
    if isinstance(result, Deferred):
        return
    if result is None or isinstance(result, dict):
        call.reply(result)
    elif isinstance(result, Later):
        result.answer.when_done(partial(_settle, call, result.fields))
    else:
        _start(_finish(call, result))


def _settle(
    call: Call, fields: Callable[[Any], Fields], answer: LoopFuture[Any]
) -> None:
    try:
        call.reply(fields(answer.result()))
    except Exception as error:  # noqa: BLE001 - told apart there
        _fail(call, error)


def _fail(call: Call, error: Exception) -> None:
    """Answer with an error; one that is no answer is our fault, and the log has it."""
    if isinstance(error, BrokerError):
        call.refuse(error)
        return
    logger.error(OUR_FAULT, call.name, call.session.namespace, exc_info=error)
    call.refuse(BrokerError("internal error"))


def _start(handling: Coroutine[Any, Any, None]) -> None:
    task = asyncio.get_running_loop().create_task(handling)
    _running.add(task)
    task.add_done_callback(_running.discard)


async def _follow(call: Call, pending: Coroutine[Any, Any, list[Any]]) -> None:
    try:
        call.give_back(await pending)
    except BrokerError as error:
        call.refuse(error)


async def _finish(call: Call, result: Coroutine[Any, Any, Fields]) -> None:
    try:
        call.reply(await result)
    except Exception as error:  # noqa: BLE001 - told apart there
        _fail(call, error)
