"""Who holds which key."""

from __future__ import annotations

import contextlib
import itertools
import sqlite3
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import msgspec
import pykka
import pytest

from actors import client_records, keyring, schema
from actors.base import ask, stop
from actors.errors import BrokerError, Code
from actors.keyring import (
    MAX_KEYS,
    Check,
    CheckPassword,
    GetExpired,
    HashPassword,
    Identify,
    Issue,
    Issued,
    KeyExpiredError,
    Keyring,
    ListAllKeys,
    ListKeys,
    Reload,
    Revoke,
    Rotate,
    Rotated,
    Used,
    hash_secret,
    key_id,
    make_key,
)
from actors.store import Store
from tests.actors.recording import ENOUGH, Neighbour

CHEAPEST = 4
"""bcrypt's least cost: hashing is not what is tested."""


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        """What it shows."""
        return self.now


class Ring:
    """A keyring, and a store that listens, or a real one."""

    def __init__(
        self,
        database: pykka.ActorRef[Store] | None = None,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self.store = Neighbour()
        self._database = self.store.ref if database is None else database
        ticks = itertools.count(1)
        self.ref: pykka.ActorRef[Keyring] = Keyring.start(
            (),
            self._database,
            clock or (lambda: float(next(ticks))),
            clock or (lambda: 0.0),
        )

    async def close(self) -> None:
        """End the actors."""
        await stop(self.ref, timeout=ENOUGH)
        await stop(self._database, timeout=ENOUGH)

    async def ask(self, message: Any) -> Any:
        """Ask the keyring."""
        return await ask(self.ref, message, timeout=ENOUGH)

    async def issue(self, client: str = "web", *in_use: str) -> str:
        """A new key in plain."""
        issued: Issued = await self.ask(Issue(client, frozenset(in_use)))
        return issued.key

    async def fits(self, key: str, client: str = "web") -> bool:
        """Whether a key is the client's."""
        return await self.ask(Check(client, key)) is not None

    async def ids(self, client: str = "web") -> list[str]:
        """The ids of a client's keys."""
        return [row.id for row in await self.ask(ListKeys(client))]


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have bcrypt cost nothing."""
    monkeypatch.setattr(keyring, "COST", CHEAPEST)
    monkeypatch.setattr(hash_secret, "__defaults__", (CHEAPEST,))


@pytest.fixture
def clock() -> Clock:
    """One that stands still."""
    return Clock()


@pytest.fixture
async def ring() -> AsyncIterator[Ring]:
    """A keyring without keys."""
    ring = Ring()
    yield ring
    await ring.close()


def identifier(key: str) -> str:
    """The public part of a key."""
    found = key_id(key)
    assert found is not None
    return found


# -- keys


async def test_use_that_somebody_else_saw_is_noted(ring: Ring) -> None:
    """Keys known good never come here again, but are used all the same."""
    key = await ring.issue()
    (before,) = await ring.ask(ListKeys("web"))
    later = before.last_used_at + 1
    ring.ref.tell(Used({("web", identifier(key)): later}))
    (after,) = await ring.ask(ListKeys("web"))

    assert after.last_used_at == later


async def test_use_of_a_key_that_is_no_more_is_nothing(ring: Ring) -> None:
    """It was revoked in this very moment."""
    key = await ring.issue()
    await ring.ask(Revoke("web"))
    ring.ref.tell(Used({("web", identifier(key)): 1.0}))

    assert await ring.ask(ListAllKeys()) == ()


async def test_frequent_use_is_written_once_in_a_while(ring: Ring) -> None:
    """A client joins eight namespaces at once; the time is exact in memory."""
    key = await ring.issue()
    (row,) = await ring.ask(ListKeys("web"))
    for second in range(5):
        at = row.last_used_at + second
        ring.ref.tell(Used({("web", identifier(key)): at}))
    await ring.ask(ListAllKeys())

    assert len(ring.store.of(client_records.UseKey)) == 1


async def test_all_keys_of_all_clients_are_listed(ring: Ring) -> None:
    """For ``GET_ALL_CLIENT_KEYS``."""
    keys = {identifier(await ring.issue(client)) for client in ("web", "bot")}

    assert {row.id for row in await ring.ask(ListAllKeys())} == keys


async def test_a_key_that_was_issued_fits(ring: Ring) -> None:
    """The answer is its id."""
    key = await ring.issue()

    assert await ring.ask(Check("web", key)) == identifier(key)


async def test_a_key_is_opaque_and_short_enough_for_bcrypt(ring: Ring) -> None:
    """``tap_<id>_<secret>``, at least 128 random bits, under 72 bytes."""
    prefix, public, secret = (await ring.issue()).split("_", 2)

    assert (prefix, len(public)) == ("tap", 16)
    assert len(secret) * 6 >= 128
    assert len(f"{prefix}_{public}_{secret}") < 72


async def test_a_key_is_sealed(ring: Ring) -> None:
    """Its id is that of its secret, so that a stranger's guess needs no bcrypt."""
    key = await ring.issue()
    stolen = f"tap_{key_id(key)}_{'x' * 43}"
    former = f"tap_{'0' * 12}_{'x' * 43}"

    assert (keyring.is_sealed(key), keyring.may_be_a_key(key)) == (True, True)
    assert (keyring.is_sealed(stolen), keyring.may_be_a_key(stolen)) == (False, False)
    assert (keyring.is_sealed(former), keyring.may_be_a_key(former)) == (False, True)


async def test_keys_are_different(ring: Ring) -> None:
    """Each has its own id and secret."""
    keys = {await ring.issue() for _ in range(4)}

    assert len(keys) == len({identifier(key) for key in keys}) == 4


async def test_a_key_does_not_fit_another_client(ring: Ring) -> None:
    """It belongs to one clientId."""
    assert not await ring.fits(await ring.issue("web"), "other")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda key: key[:-1] + ("A" if key[-1] != "A" else "B"),
        lambda key: key + "A" * 30,
        lambda key: key + "\n",
        lambda key: key.replace("tap_", "TAP_"),
        lambda key: key[:-1] + "é",
        lambda key: key[:-1] + "\ud800",
        lambda _: "",
        lambda _: "getKey",
        lambda _: "tap_000000000000_" + "A" * 43,
    ],
)
async def test_a_wrong_key_does_not_fit(ring: Ring, spoil: Any) -> None:
    """Whatever is wrong with it, the answer is no and the actor lives."""
    key = await ring.issue()

    assert not await ring.fits(spoil(key))
    assert await ring.fits(key)


async def test_keys_are_stored_as_hashes_only(ring: Ring) -> None:
    """What is stored can not be read back."""
    key = await ring.issue()
    put = await ring.store.hears(client_records.PutKey)

    assert (put.row.id, put.row.client) == (identifier(key), "web")
    assert put.row.hash.startswith(b"$2b$")
    assert key.encode() not in put.row.hash


async def test_the_use_of_a_key_is_stored(ring: Ring) -> None:
    """The one unused longest makes room one day."""
    await ring.fits(await ring.issue())
    issued = await ring.store.hears(client_records.PutKey)
    used = await ring.store.hears(client_records.UseKey)

    assert used.id == issued.row.id
    assert used.at > issued.row.last_used_at


# -- so many, and no more


async def test_a_client_has_so_many_keys(ring: Ring) -> None:
    """Two tabs that both ask do not lock each other out."""
    keys = [await ring.issue() for _ in range(MAX_KEYS)]

    assert [await ring.fits(key) for key in keys] == [True] * 8


async def test_the_key_unused_longest_makes_room(ring: Ring) -> None:
    """Whoever asked learns which, the store drops it."""
    keys = [await ring.issue() for _ in range(MAX_KEYS)]
    await ring.fits(keys[0])
    issued = await ring.ask(Issue("web"))
    put = await ring.store.hears(
        client_records.PutKey, row=(await ring.ask(ListKeys("web")))[-1]
    )

    assert issued.dropped == put.replaces == (identifier(keys[1]),)
    assert not await ring.fits(keys[1])
    assert await ring.fits(keys[0])


async def test_a_wall_clock_that_was_put_back_makes_no_new_key_the_oldest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else the next would take its place at once."""
    ring = Ring()
    ring.ref = Keyring.start((), ring.store.ref)
    for _ in range(MAX_KEYS - 1):
        await ring.issue()
    monkeypatch.setattr("time.time", lambda: 0.0)
    new = await ring.issue()
    await ring.issue()
    fits = await ring.fits(new)
    await ring.close()

    assert fits


async def test_a_key_in_use_does_not_make_room(ring: Ring) -> None:
    """Though it were the one unused longest."""
    keys = [await ring.issue() for _ in range(MAX_KEYS)]
    await ring.issue("web", identifier(keys[0]))

    assert await ring.fits(keys[0])
    assert not await ring.fits(keys[1])


async def test_with_all_keys_in_use_there_is_no_new_one(ring: Ring) -> None:
    """None is taken from anybody."""
    keys = [await ring.issue() for _ in range(MAX_KEYS)]

    with pytest.raises(BrokerError):
        await ring.issue("web", *map(identifier, keys))
    assert len(await ring.ids()) == MAX_KEYS


async def test_clients_do_not_make_room_for_each_other(ring: Ring) -> None:
    """The bound is on each client's keys."""
    key = await ring.issue("other")
    for _ in range(MAX_KEYS + 1):
        await ring.issue("web")

    assert await ring.fits(key, "other")


# -- taking away


async def test_a_revoked_key_does_not_fit(ring: Ring) -> None:
    """The others do; the store drops it."""
    first, second = await ring.issue(), await ring.issue()
    dropped = await ring.ask(Revoke("web", identifier(first)))

    assert dropped == (identifier(first),)
    assert not await ring.fits(first)
    assert await ring.fits(second)
    assert await ring.store.hears(
        client_records.RemoveKeys
    ) == client_records.RemoveKeys(dropped)


async def test_all_keys_of_a_client_are_revoked(ring: Ring) -> None:
    """Nobody else's."""
    other = await ring.issue("other")
    ids = [identifier(await ring.issue()) for _ in range(3)]

    assert list(await ring.ask(Revoke("web"))) == ids
    assert await ring.ids() == []
    assert await ring.fits(other, "other")


@pytest.mark.parametrize("revoke", [Revoke("nobody"), Revoke("web", "000000000000")])
async def test_revoking_the_unknown_drops_nothing(ring: Ring, revoke: Revoke) -> None:
    """It may be gone already."""
    key = await ring.issue()

    assert await ring.ask(revoke) == ()
    assert await ring.fits(key)


async def test_the_key_of_another_client_is_not_revoked(ring: Ring) -> None:
    """An id alone gives no power over it."""
    key = await ring.issue("other")

    assert await ring.ask(Revoke("web", identifier(key))) == ()
    assert await ring.fits(key, "other")


async def test_the_keys_of_a_changed_database_are_taken_over(
    tmp_path: Path,
) -> None:
    """Its operator gave and took some from outside; the ids taken are told."""
    path = tmp_path / "test.sqlite3"
    ring = Ring(Store.start(schema.open_database(path)))
    gone, stays = await ring.issue(), await ring.issue()
    await ring.ask(Reload())
    key, row = make_key("web", 1.0)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as operator:
        operator.execute("DELETE FROM keys WHERE id = ?", (identifier(gone),))
        operator.execute(
            "INSERT INTO keys VALUES (?, ?, ?, ?, ?, ?)", msgspec.structs.astuple(row)
        )
    removed = await ring.ask(Reload())
    fits = [await ring.fits(each) for each in (gone, stays, key)]
    await ring.close()

    assert removed == {identifier(gone)}
    assert fits == [False, True, True]


# -- passwords


async def test_a_password_fits_its_hash(ring: Ring) -> None:
    """And no other does."""
    hashed = await ring.ask(HashPassword("open sesame"))

    assert await ring.ask(CheckPassword("open sesame", hashed)) is True
    assert await ring.ask(CheckPassword("close sesame", hashed)) is False


async def test_a_password_of_72_bytes_is_taken(ring: Ring) -> None:
    """Bytes, not characters."""
    hashed = await ring.ask(HashPassword("é" * 36))

    assert await ring.ask(CheckPassword("é" * 36, hashed)) is True


@pytest.mark.parametrize("password", ["a" * 73, "é" * 37, "a\0b"])
async def test_what_bcrypt_would_cut_is_refused(ring: Ring, password: str) -> None:
    """Two passwords that differ behind the cut would be one."""
    with pytest.raises(BrokerError) as caught:
        await ring.ask(HashPassword(password))

    assert caught.value.code == Code.AUTHENTICATION_FAILED


async def test_a_longer_password_does_not_fit_its_beginning(ring: Ring) -> None:
    """The check refuses what the hashing would."""
    hashed = await ring.ask(HashPassword("a" * 72))

    assert await ring.ask(CheckPassword("a" * 73, hashed)) is False


@pytest.mark.parametrize("hashed", ["", "no hash", "$2b$04$short", "é"])
async def test_nothing_fits_what_is_no_hash(ring: Ring, hashed: str) -> None:
    """A settings file may hold anything; the actor lives."""
    assert await ring.ask(CheckPassword("a", hashed)) is False
    assert await ring.ids() == []


async def test_a_key_is_found_among_those_of_all_clients(ring: Ring) -> None:
    """And a wrong secret behind a right id is nobody's."""
    await ring.issue("app")
    key = await ring.issue("boss")
    forged = f"tap_{key_id(key)}_{'x' * 43}"

    assert await ring.ask(Identify(key)) == ("boss", key_id(key))
    assert await ring.ask(Identify(forged)) is None
    assert await ring.ask(Identify("nonsense")) is None


# -- keys that expire


async def test_key_is_good_until_its_time_is_over(clock: Clock) -> None:
    """Then its client is told so, with what to do."""
    ring = Ring(clock=clock)
    issued: Issued = await ring.ask(Issue("web", lifetime=60.0))
    before = await ring.fits(issued.key)
    clock.now += 60
    with pytest.raises(KeyExpiredError) as caught:
        await ring.fits(issued.key)
    expired = await ring.ask(GetExpired())
    await ring.close()

    assert before is True
    assert caught.value.code == Code.AUTHENTICATION_FAILED
    assert caught.value.message == (
        "this key of client 'web' expired at 1970-01-01 00:17 UTC: "
        "the operator makes a new one with «tapster keys make web»"
    )
    assert expired == {("web", identifier(issued.key))}


async def test_stranger_is_not_told_that_a_key_has_expired(clock: Clock) -> None:
    """Its id alone proves nothing."""
    ring = Ring(clock=clock)
    issued: Issued = await ring.ask(Issue("web", lifetime=60.0))
    clock.now += 60
    forged = f"tap_{identifier(issued.key)}_{'x' * 43}"

    assert not await ring.fits(forged)
    assert await ring.ask(Identify(forged)) is None
    with pytest.raises(KeyExpiredError):
        await ring.ask(Identify(issued.key))
    await ring.close()


async def test_clock_that_was_put_right_makes_a_key_good_again(clock: Clock) -> None:
    """It had jumped by a day."""
    ring = Ring(clock=clock)
    issued: Issued = await ring.ask(Issue("web", lifetime=60.0))
    clock.now += 86_400
    expired = await ring.ask(GetExpired())
    clock.now -= 86_400

    assert len(expired) == 1
    assert await ring.ask(GetExpired()) == frozenset()
    assert await ring.fits(issued.key)
    await ring.close()


async def test_expired_key_makes_room_before_all_others(clock: Clock) -> None:
    """Though it was used last."""
    ring = Ring(clock=clock)
    for _ in range(MAX_KEYS - 1):
        await ring.issue()
    brief: Issued = await ring.ask(Issue("web", lifetime=60.0))
    clock.now += 60
    issued: Issued = await ring.ask(Issue("web"))
    await ring.close()

    assert issued.dropped == (identifier(brief.key),)


async def test_rotated_keys_and_the_new_one_are_good_for_a_while(clock: Clock) -> None:
    """After that, the new one alone."""
    ring = Ring(clock=clock)
    old, other = await ring.issue(), await ring.issue("other")
    rotated: Rotated = await ring.ask(Rotate("web", 100.0))
    clock.now += 99
    during = [await ring.fits(key) for key in (old, rotated.key)]
    clock.now += 1
    expired = await ring.ask(GetExpired())
    stored = await ring.store.hears(client_records.ExpireKeys)

    assert during == [True, True]
    assert expired == {("web", identifier(old))}
    assert [row.id for row in rotated.expiring] == [identifier(old)]
    assert (stored.ids, stored.at) == ((identifier(old),), clock.now)
    assert await ring.fits(rotated.key)
    assert await ring.fits(other, "other")
    await ring.close()


async def test_rotation_makes_no_key_last_longer(clock: Clock) -> None:
    """One that ends sooner ends when it would have."""
    ring = Ring(clock=clock)
    brief: Issued = await ring.ask(Issue("web", lifetime=10.0))
    rotated: Rotated = await ring.ask(Rotate("web", 100.0, 1_000.0))
    rows = {row.id: row.expires_at for row in await ring.ask(ListKeys("web"))}
    await ring.close()

    assert rotated.expiring == ()
    assert rows == {
        identifier(brief.key): clock.now + 10,
        identifier(rotated.key): clock.now + 1_000,
    }


async def test_end_that_was_set_from_outside_outlives_the_use_of_a_key(
    tmp_path: Path, clock: Clock
) -> None:
    """A broker that notes a use writes nothing else of what it remembers."""
    path = tmp_path / "test.sqlite3"
    ring = Ring(Store.start(schema.open_database(path)), clock)
    ending, gone = await ring.issue(), await ring.issue()
    await ring.ask(Reload())
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as operator:
        operator.execute(
            "UPDATE keys SET expires_at = ? WHERE id = ?",
            (clock.now + 10, identifier(ending)),
        )
        operator.execute("DELETE FROM keys WHERE id = ?", (identifier(gone),))
    uses = {("web", identifier(key)): clock.now + 5 for key in (ending, gone)}
    ring.ref.tell(Used(uses))
    removed = await ring.ask(Reload())
    (row,) = await ring.ask(ListKeys("web"))
    await ring.close()

    assert removed == {identifier(gone)}
    assert (row.id, row.expires_at) == (identifier(ending), clock.now + 10)
    assert row.last_used_at == clock.now + 5
