"""An event passed on to one session, and its ack brought back.

Owns nothing: what is waited for is the callee's session's. A call that is not
answered in time is forgotten, and one whose callee leaves ends at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from functools import partial
from typing import Any, Final

from actors.errors import (
    BrokerError,
    Code,
    TimeoutExpiredError,
    UnavailableError,
)
from actors.limits import Limit, reached
from broker.gateway.session import Session
from broker.protocol.packet import PacketType, packet

MAX_UNANSWERED: Final = 256
"""Calls that wait for one callee."""


def forward(
    callee: Session, event: str, args: list[Any], seconds: float
) -> Coroutine[Any, Any, list[Any]]:
    """Send an event at once; the coroutine waits for the arguments of its ack.

    Raises:
        UnavailableError: the callee is overwhelmed.
        TimeoutExpiredError: (when awaited) it does not answer in so many seconds.
        BrokerError: (when awaited) it has disconnected.
    """
    name = callee.identity
    if callee.outbox.blocked:
        raise UnavailableError(f"{name!r} reads too slowly at the moment")
    if len(callee.acks) >= MAX_UNANSWERED:
        reached[Limit.CALLS_PER_CALLEE] += 1
        raise UnavailableError(
            f"{name!r} has {MAX_UNANSWERED} calls unanswered already: call again when "
            "it has answered one",
            Code.TOO_MANY_REQUESTS,
        )
    answer: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()
    number = callee.expect_ack(
        partial(_settle, answer), lost=partial(_lose, answer, name)
    )
    sent = packet(PacketType.EVENT, callee.namespace, [event, *args], number)
    callee.outbox.push(sent)
    return _wait(callee, number, answer, seconds)


async def _wait(
    callee: Session, number: int, answer: asyncio.Future[list[Any]], seconds: float
) -> list[Any]:
    try:
        async with asyncio.timeout(seconds):
            return await answer
    except TimeoutError:
        reached[Limit.FUNCTION_TIMEOUT] += 1
        raise TimeoutExpiredError(
            f"{callee.identity!r} did not answer within {seconds:g} s"
        ) from None
    finally:
        callee.forget_ack(number)


def _settle(answer: asyncio.Future[list[Any]], args: list[Any]) -> None:
    if not answer.done():
        answer.set_result(args)


def _lose(answer: asyncio.Future[list[Any]], name: str) -> None:
    if not answer.done():
        answer.set_exception(
            BrokerError(f"{name!r} has disconnected", Code.CLIENT_DISCONNECTED)
        )
