"""Calls to others: forwarded, answered, lost, and forgotten."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from actors.errors import BrokerError, Code
from broker.functions.remote import Remote
from broker.gateway import forwarding
from broker.gateway.registry import SessionRegistry
from broker.protocol.wire import Namespace
from tests.broker.gateway.fakes import ENOUGH, MS

from .peers import Callee

CALL = {"requestId": "r", "functionName": "f", "args": [1], "extra": "kept"}


@pytest.fixture
def registry() -> SessionRegistry:
    """Nobody is there yet."""
    return SessionRegistry()


@pytest.fixture
def remote(registry: SessionRegistry) -> Remote:
    """Waits long enough for any test."""
    return Remote(registry, ENOUGH)


async def refusal(pending: Any) -> BrokerError:
    """How a call ends that does not end well."""
    with pytest.raises(BrokerError) as refused:
        await pending
    return refused.value


async def test_call_is_forwarded_as_it_came(
    registry: SessionRegistry, remote: Remote
) -> None:
    """At once, before anything is awaited; unknown fields are passed on."""
    callee = Callee(registry, "ext")
    pending = remote.call("ext", CALL)
    told = callee.told()
    callee.answer(7)

    assert told == [["FUNCTION_CALL", CALL]]
    assert await pending == 7


async def test_identity_goes_before_client_id(
    registry: SessionRegistry, remote: Remote
) -> None:
    """A tab may be called what another client is."""
    exact = Callee(registry, "a", "x")
    Callee(registry, "b", "a")
    pending = remote.call("a", CALL)
    exact.answer(1)

    assert await pending == 1


async def test_newest_instance_of_a_client_is_called(
    registry: SessionRegistry, remote: Remote
) -> None:
    """And the one before it, when it has left."""
    older, newer = Callee(registry, "a#1", "a"), Callee(registry, "a#2", "a")
    first = remote.call("a", CALL)
    newer.answer("newer")
    newer.leave()
    second = remote.call("a", CALL)
    older.answer("older")

    assert (await first, await second) == ("newer", "older")


async def test_newest_session_of_an_identity_is_called(
    registry: SessionRegistry, remote: Remote
) -> None:
    """An old one may be a connection that is dead and does not know."""
    Callee(registry, "a")
    newer = Callee(registry, "a")
    pending = remote.call("a", CALL)
    newer.answer(2)

    assert await pending == 2


async def test_who_is_elsewhere_is_not_found(
    registry: SessionRegistry, remote: Remote
) -> None:
    """Section 10: connected to /function_call; else 401."""
    Callee(registry, "a", namespace=Namespace.LLM)

    for target in ("a", "nobody", ""):
        with pytest.raises(BrokerError) as refused:
            await remote.call(target, CALL)
        assert refused.value.code == Code.CLIENT_NOT_FOUND


async def test_error_of_the_callee_is_the_callers(
    registry: SessionRegistry, remote: Remote
) -> None:
    """In the envelope of section 2."""
    callee = Callee(registry, "a")
    pending = remote.call("a", CALL)
    callee.answer({"success": False, "error": {"message": "no", "code": 501}})

    error = await refusal(pending)
    assert (error.message, error.code) == ("no", 501)


async def test_silence_ends_by_timeout_and_is_forgotten(
    registry: SessionRegistry,
) -> None:
    """Code 8; an ack that comes later means nothing."""
    callee = Callee(registry, "a")
    error = await refusal(Remote(registry, 5 * MS).call("a", CALL))

    assert error.code == Code.TIMEOUT
    assert callee.session.acks == {}
    callee.answer(1)


async def test_callee_that_leaves_ends_its_calls_at_once(
    registry: SessionRegistry, remote: Remote
) -> None:
    """Code 11, long before the timeout."""
    callee = Callee(registry, "a")
    pending = [remote.call("a", CALL), remote.call("a", CALL)]
    callee.leave()

    async with asyncio.timeout(ENOUGH / 2):
        codes = {(await refusal(each)).code for each in pending}
    assert codes == {Code.CLIENT_DISCONNECTED}


async def test_callee_that_leaves_after_its_answer_has_answered(
    registry: SessionRegistry, remote: Remote
) -> None:
    """What was said stays said."""
    callee = Callee(registry, "a")
    pending = remote.call("a", CALL)
    callee.answer(1)
    callee.leave()

    assert await pending == 1


async def test_answers_find_their_calls_in_any_order(
    registry: SessionRegistry, remote: Remote
) -> None:
    """Each ack has its number."""
    callee = Callee(registry, "a")
    first, second = remote.call("a", CALL), remote.call("a", CALL)
    callee.answer("second", which=1)
    callee.answer("first", which=0)

    assert (await first, await second) == ("first", "second")


async def test_callee_that_reads_too_slowly_is_not_written_to(
    registry: SessionRegistry, remote: Remote
) -> None:
    """Callers can not have it cut by filling its outbox."""
    callee = Callee(registry, "a")
    callee.session.outbox.blocked = True

    with pytest.raises(BrokerError) as refused:
        await remote.call("a", CALL)
    assert refused.value.code == Code.UNAVAILABLE


async def test_calls_that_wait_for_one_callee_are_bounded(
    registry: SessionRegistry, remote: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Code 10429; one that is answered makes room."""
    monkeypatch.setattr(forwarding, "MAX_UNANSWERED", 2)
    callee = Callee(registry, "a")
    first, second = remote.call("a", CALL), remote.call("a", CALL)
    with pytest.raises(BrokerError) as refused:
        await remote.call("a", CALL)
    callee.answer(1)
    third = remote.call("a", CALL)
    callee.answer(2, which=1)
    callee.answer(3, which=2)

    assert refused.value.code == Code.TOO_MANY_REQUESTS
    assert [await first, await second, await third] == [1, 2, 3]


async def test_event_goes_to_all_instances_in_llm(
    registry: SessionRegistry, remote: Remote
) -> None:
    """``source`` is stamped."""
    both = [Callee(registry, f"a#{n}", "a", Namespace.LLM) for n in (1, 2)]
    one = Callee(registry, "b", namespace=Namespace.LLM)
    remote.send("a", "ding", {"x": 1, "source": "forged"})
    remote.send("b", "dong", [1])

    for each in both:
        assert each.told() == [["ding", {"x": 1, "source": "server"}]]
    assert one.told() == [["dong", [1]]]


@pytest.mark.parametrize("event", ["", "connect", "disconnect", "connect_error"])
async def test_reserved_events_are_not_sent(
    registry: SessionRegistry, remote: Remote, event: str
) -> None:
    """Socket.IO keeps them for itself."""
    Callee(registry, "a", namespace=Namespace.LLM)

    with pytest.raises(BrokerError):
        remote.send("a", event, None)


def test_event_to_nobody_is_refused(remote: Remote) -> None:
    """401, as calls are."""
    with pytest.raises(BrokerError) as refused:
        remote.send("nobody", "ding", None)

    assert refused.value.code == Code.CLIENT_NOT_FOUND
