"""Which sessions an identity has."""

from __future__ import annotations

import pytest

from broker.gateway.registry import SessionRegistry
from broker.protocol.wire import Namespace

from .fakes import FakeConnection


@pytest.fixture
def registry() -> SessionRegistry:
    """Know nobody."""
    return SessionRegistry()


async def test_sessions_are_found_by_identity(registry: SessionRegistry) -> None:
    """All routing goes by identity, not by clientId."""
    session = FakeConnection().session(claimed_identity="tab")
    registry.add(session)

    assert list(registry.of("tab")) == [session]
    assert list(registry.of("guest")) == []


async def test_newest_session_is_last(registry: SessionRegistry) -> None:
    """An order goes to the newest socket."""
    first, second = (FakeConnection().session() for _ in range(2))
    registry.add(first)
    registry.add(second)

    assert list(registry.of("guest")) == [first, second]


async def test_namespaces_are_apart(registry: SessionRegistry) -> None:
    """Notices of ``/llm`` are for those who joined it."""
    session = FakeConnection().session(Namespace.ROOMS)
    registry.add(session)

    assert list(registry.of("guest")) == []
    assert list(registry.of("guest", Namespace.ROOMS)) == [session]


async def test_everyone_in_a_namespace_is_found(registry: SessionRegistry) -> None:
    """Settings that SillyTaverns share are told to all of them."""
    sessions = [
        FakeConnection().session(Namespace.SILLY_TAVERN, client_id=client)
        for client in ("one", "other", "other")
    ]
    for session in (FakeConnection().session(), *sessions):
        registry.add(session)

    assert registry.everyone_in(Namespace.SILLY_TAVERN) == sessions


async def test_last_session_to_go_is_told(registry: SessionRegistry) -> None:
    """An extension is lost with its last socket."""
    first, second = (FakeConnection().session() for _ in range(2))
    registry.add(first)
    registry.add(second)

    assert [registry.remove(first), registry.remove(second)] == [False, True]
    assert list(registry.of("guest")) == []


async def test_session_that_was_never_there_is_no_last_one(
    registry: SessionRegistry,
) -> None:
    """An unverified session is in no list, and going twice is going once."""
    session = FakeConnection().session()
    stranger = registry.remove(session)
    registry.add(session)
    registry.remove(session)

    assert (stranger, registry.remove(session)) == (False, False)


async def test_registry_keeps_nothing_of_who_is_gone(registry: SessionRegistry) -> None:
    """A million visitors leave no trace."""
    session = FakeConnection().session()
    registry.add(session)
    registry.remove(session)

    assert not any(registry._sessions.values())


async def test_keys_in_use_are_those_of_one_client(registry: SessionRegistry) -> None:
    """Of those not in use, the one unused longest makes room for a new key."""
    for client, identity, key in (
        ("guest", "one", "a"),
        ("guest", "two", "b"),
        ("guest", "three", None),
        ("other", "other", "c"),
    ):
        session = FakeConnection().session(client_id=client, claimed_identity=identity)
        session.key_id = key
        registry.add(session)

    assert registry.keys_in_use("guest") == {"a", "b"}
