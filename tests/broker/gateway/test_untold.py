"""How requests ended while whoever ordered them was away."""

from __future__ import annotations

import asyncio

from actors.lifecycle import RequestState
from actors.outbound import HOUSE, StatusChanged
from broker.gateway import untold
from broker.gateway.client_list import ClientList
from broker.gateway.outbound import SocketOutbound
from broker.gateway.registry import SessionRegistry
from broker.gateway.untold import UntoldEnds
from broker.protocol.handshake import ResumeWish

from .fakes import FakeConnection


def an_end(request_id: str = "r") -> StatusChanged:
    """How a request ended."""
    return StatusChanged(request_id=request_id, room="web", state=RequestState.FAILED)


def test_end_is_told_once() -> None:
    """A request reports exactly one terminal status."""
    ends = UntoldEnds(600)
    ends.keep("web", an_end())

    assert ends.take("somebody") == []
    assert ends.take("web") == [an_end()]
    assert ends.take("web") == []
    assert len(ends) == 0


def test_end_is_kept_as_long_as_the_answer() -> None:
    """Later there is nothing to resume either."""
    now = 0.0
    ends = UntoldEnds(600, clock=lambda: now)
    ends.keep("web", an_end("old"))
    now = 599.0
    ends.keep("web", an_end("new"))
    now = 601.0

    assert [each.request_id for each in ends.take("web")] == ["new"]


def test_end_goes_in_its_time_though_others_follow() -> None:
    """Who orders again and again, and never comes back, must not fill the memory."""
    now = 0.0
    ends = UntoldEnds(60, clock=lambda: now)
    for second in range(600):
        now = float(second)
        ends.keep("web", an_end(f"of {second}"))

    assert len(ends) == 60


async def test_nobody_comes_back_to_hear_how_the_brokers_own_requests_ended() -> None:
    """A room that thinks by itself orders in the name of the house."""
    clients = ClientList(1_000_000, asyncio.get_running_loop())
    outbound = SocketOutbound(SessionRegistry(), clients)
    outbound.publish(an_end(), [HOUSE])

    assert len(outbound.untold) == 0


def test_only_so_many_ends_are_kept() -> None:
    """Who orders and never comes back must not fill the memory."""
    ends = UntoldEnds(600)
    for number in range(untold.MOST + 1):
        ends.keep(f"web-{number}", an_end())

    assert len(ends) == untold.MOST
    assert ends.take("web-0") == []


async def test_who_is_back_is_told_what_it_does_not_resume() -> None:
    """What the handshake resumes is told by the result of that."""
    registry = SessionRegistry()
    clients = ClientList(1_000_000, asyncio.get_running_loop())
    outbound = SocketOutbound(registry, clients)
    outbound.publish(an_end("told"), ["web"])
    outbound.publish(an_end("resumed"), ["web"])
    back = FakeConnection()
    session = back.session(client_id="web", resume=[ResumeWish(request_id="resumed")])
    outbound.tell_untold(session)

    told = [packet[1][1]["requestId"] for packet in back.sent()]
    assert told == ["told"]
    assert len(outbound.untold) == 0


async def test_who_is_here_is_not_told_again() -> None:
    """It has heard it."""
    registry = SessionRegistry()
    clients = ClientList(1_000_000, asyncio.get_running_loop())
    outbound = SocketOutbound(registry, clients)
    registry.add(FakeConnection().session(client_id="web"))
    outbound.publish(an_end(), ["web"])

    assert len(outbound.untold) == 0
