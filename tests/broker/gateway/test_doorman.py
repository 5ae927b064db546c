"""Who is let in has actors, also when those have crashed."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from actors import client, extension
from actors.assignments import GetAvailable
from actors.base import ask, watch
from actors.client import GetPresence, Presence
from actors.directory import Kind
from actors.errors import RefusedError
from actors.extension import GetDetails, Profile
from broker.config import ServerSettings
from broker.gateway.client_list import ClientList
from broker.gateway.doorman import Doorman
from broker.gateway.registry import SessionRegistry
from broker.gateway.session import Session
from tests.actors.recording import Bar

from .fakes import ENOUGH, FakeConnection


class Trusting:
    """An admission that trusts everybody but one."""

    def __init__(self) -> None:
        self.forgotten = "nobody"

    def is_trusted(self, client_id: str) -> bool:
        """Whether a client may be known here."""
        return client_id != self.forgotten


class Porch:
    """A doorman, his house, and who stands before it."""

    def __init__(self) -> None:
        self.bar = Bar()
        self.admission = Trusting()
        self.registry = SessionRegistry()
        self.doorman = Doorman(
            self.bar.house,
            cast("Any", self.admission),
            self.registry,
            ServerSettings(),
            ClientList(1_000_000, asyncio.get_running_loop()),
        )

    def session(self, client_id: str, key_id: str | None = None) -> Session:
        """Somebody who has been let in."""
        kind = "SillyTavern" if client_id.startswith("SillyTavern") else "web-app"
        session = FakeConnection().session(client_id=client_id, client_type=kind)
        session.key_id = key_id
        self.registry.add(session)
        return session


@pytest.fixture
async def porch() -> Porch:
    """Build one."""
    return Porch()


async def ended(ref: Any) -> None:
    """Send what no actor understands, and wait until it has ended of it."""
    with pytest.raises(Exception, match="internal error"):
        await ask(ref, object(), timeout=ENOUGH)


async def test_client_that_crashed_is_rebuilt_with_its_sockets(porch: Porch) -> None:
    """Whoever next needs the name gets a fresh actor, which knows who is there."""
    session = porch.session("web")
    first = porch.doorman.client(session)
    await ended(first)
    second = porch.doorman.client(session)
    presence: Presence = await ask(second, GetPresence(), timeout=ENOUGH)

    assert second is not first
    assert presence.online


async def test_living_client_keeps_its_actor(porch: Porch) -> None:
    """A name has one actor."""
    session = porch.session("web")

    assert porch.doorman.client(session) is porch.doorman.client(session)


async def test_extension_that_crashed_is_rebuilt_as_it_introduced_itself(
    porch: Porch,
) -> None:
    """Its SillyTavern is still there, and can be given orders again."""
    session = porch.session("SillyTavern-1")
    session.socket.identified["SillyTavern-1"] = Profile(capacity=3, version="1")
    await ended(porch.doorman.extension(session))
    porch.doorman._rebuild_extension("SillyTavern-1")
    second = porch.doorman.extension(session)
    details: extension.Details = await ask(second, GetDetails(), timeout=ENOUGH)
    available = await ask(porch.bar.house.assignments, GetAvailable(), timeout=ENOUGH)

    assert details.profile.capacity == 3
    assert available == ["SillyTavern-1"]


async def test_extension_that_left_is_not_rebuilt(porch: Porch) -> None:
    """Nobody is there to answer."""
    session = porch.session("SillyTavern-1")
    ref = porch.doorman.extension(session)
    ref.tell(extension.Connected())
    porch.doorman.let_out(session, deliberate=True)
    gone = asyncio.Event()
    watch(ref, lambda _: gone.set())
    async with asyncio.timeout(ENOUGH):
        await gone.wait()
    porch.doorman._rebuild_extension("SillyTavern-1")

    assert porch.bar.house.directory.find(Kind.EXTENSION, "SillyTavern-1") is None


async def test_extension_that_leaves_right_after_a_crash_leaves_nothing(
    porch: Porch,
) -> None:
    """A fresh actor would wait for ever for whoever is gone."""
    session = porch.session("SillyTavern-1")
    session.verified = True
    await ended(porch.doorman.extension(session))
    porch.doorman.let_out(session, deliberate=False)

    assert porch.bar.house.directory.find(Kind.EXTENSION, "SillyTavern-1") is None


async def test_extension_that_speaks_before_it_is_rebuilt_is_given_orders(
    porch: Porch,
) -> None:
    """Whatever it says makes a fresh actor, which must know that it is connected."""
    session = porch.session("SillyTavern-1")
    session.socket.identified["SillyTavern-1"] = Profile(capacity=3, version="1")
    await ended(porch.doorman.extension(session))
    early = porch.doorman.extension(session)
    porch.doorman._rebuild_extension("SillyTavern-1")
    await ask(early, GetDetails(), timeout=ENOUGH)
    available = await ask(porch.bar.house.assignments, GetAvailable(), timeout=ENOUGH)

    assert available == ["SillyTavern-1"]


async def test_who_lost_key_or_trust_is_to_be_expelled(porch: Porch) -> None:
    """What ``tapster keys revoke`` and ``clients forget`` close."""
    robbed = porch.session("robbed", "k1")
    porch.session("fine", "k2")
    forgotten = porch.session("forgotten", "k3")
    porch.admission.forgotten = "forgotten"

    assert porch.doorman.expel(frozenset({"k1"})) == [robbed, forgotten]


async def test_client_of_another_is_refused_the_identity(porch: Porch) -> None:
    """An identity belongs to the client that came with it."""
    ref = porch.doorman.client(porch.session("web"))
    with pytest.raises(Exception, match="belongs to another client"):
        await ask(ref, client.Attach("sid", "other"), timeout=ENOUGH)


async def test_who_is_trusted_no_longer_is_not_verified(porch: Porch) -> None:
    """Trust may have gone since the session was let in."""
    session = porch.session("guest")
    porch.registry.remove(session)
    session.verified = False
    porch.admission.forgotten = "guest"

    with pytest.raises(RefusedError, match="is not trusted any more"):
        await porch.doorman.verify(session, "k1")
    assert session.verified is False
    assert porch.registry.everyone() == []


async def test_address_of_a_key_is_remembered(porch: Porch) -> None:
    """Of whoever came with it last."""
    session = porch.session("guest")
    await porch.doorman.verify(session, "k1")

    assert porch.doorman.addresses.of("k1") == session.socket.peer.address
    assert porch.doorman.addresses.of("k2") is None


async def test_sessions_of_expired_keys_are_named_as_long_as_they_are(
    porch: Porch,
) -> None:
    """And nobody else's; the clock may be put right again."""
    session = porch.session("web", "k1")
    porch.session("other", "k2")

    assert porch.doorman.expire(frozenset({"k1", "k9"})) == [session]
    assert porch.doorman.expire(frozenset({"k1"})) == [session]
    assert porch.doorman.expire(frozenset()) == []


async def test_session_on_its_way_in_with_an_expired_key_is_refused(
    porch: Porch,
) -> None:
    """It was good when it was looked at; once the clock is put right it is again."""
    session = porch.session("web", "k1")
    porch.doorman.expire(frozenset({"k1"}))
    with pytest.raises(RefusedError, match="the key has expired"):
        await porch.doorman.verify(session, "k1")
    porch.doorman.expire(frozenset())
    await porch.doorman.verify(session, "k1")

    assert session.verified
