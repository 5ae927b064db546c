"""``tapster keys``."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any, Final

import pytest

from actors import client_records, keyring
from broker.cli.database import open_database
from tests.broker.gateway.raw_client import connected
from tests.integration.harness import Broker

from .conftest import Tapster

SOON: Final = 2.0
"""Seconds within which a running broker counts what a command changed."""

PATIENCE: Final = 3 * SOON
POLL: Final = 0.05


def holds(data: Path, client: str, key: str) -> bool:
    """Whether a keyring takes a key."""
    with open_database(data) as database:
        check = keyring.Check(client, key)
        return database.keys.ask(check, block=True) is not None


def rows(data: Path) -> tuple[client_records.KeyRow, ...]:
    """The keys that are stored."""
    with open_database(data) as database:
        return database.contents.keys


async def knock(broker: Broker, client: str, key: str) -> int:
    """The code with which a key is refused; 0: it is let in."""
    async with connected(broker.url) as socket:
        refusal = await socket.join(clientId=client, key=key)
    return int(refusal.get("code", 0))


async def seconds_until(broker: Broker, client: str, key: str, code: int) -> float:
    """How long it takes until a key is answered with a code.

    Another process is waited for, and nothing tells when it looks. The client must be
    one that is not trusted before, or the ban for wrong keys would fall meanwhile.
    """
    loop = asyncio.get_running_loop()
    begin = loop.time()
    while await knock(broker, client, key) != code:
        assert loop.time() - begin < PATIENCE
        await asyncio.sleep(POLL)
    return loop.time() - begin


def test_made_key_is_accepted_by_a_keyring(tapster: Tapster, data: Path) -> None:
    """The one line on stdout is the key."""
    made = tapster("keys", "make", "guest")

    assert made.exit_code == 0
    key = made.stdout.removesuffix("\n")
    assert keyring.KEY_PATTERN.match(key)
    assert holds(data, "guest", key)
    assert not holds(data, "other", key)


def test_made_key_trusts_its_client(tapster: Tapster) -> None:
    """A key for a stranger would open nothing."""
    tapster("keys", "make", "guest")

    assert "guest" in tapster("clients", "list").stdout


def test_client_of_a_settings_file_is_not_stored_besides(
    tapster: Tapster, settings: Path, data: Path
) -> None:
    """Deleting the file must be enough to distrust it."""
    settings.mkdir()
    path = settings / "guest-settings.json"
    path.write_text('{"clientId": "guest", "isTrust": true}')
    tapster("keys", "make", "guest")

    with open_database(data) as database:
        assert database.contents.clients == ()


def test_key_is_stored_as_its_hash_only(tapster: Tapster, data: Path) -> None:
    """Keys are never kept."""
    key = tapster("keys", "make", "guest").stdout.strip()
    stored = b"".join(path.read_bytes() for path in data.iterdir())

    assert key.encode() not in stored
    assert [row.hash[:4] for row in rows(data)] == [b"$2b$"]


def test_ninth_key_makes_room_for_itself(tapster: Tapster, data: Path) -> None:
    """Section 1: up to 8 live keys; the one unused longest makes room."""
    keys = [tapster("keys", "make", "guest").stdout.strip() for _ in range(9)]

    assert len(rows(data)) == 8
    assert not holds(data, "guest", keys[0])
    assert holds(data, "guest", keys[8])


def test_keys_are_listed_by_their_ids(tapster: Tapster) -> None:
    """Never with their secrets or hashes."""
    key = tapster("keys", "make", "guest").stdout.strip()
    tapster("keys", "make", "other")
    listed = tapster("keys", "list", "guest").stdout

    assert keyring.key_id(key) in listed.split()
    assert "other" not in listed
    assert key not in listed
    assert "$2b$" not in listed
    assert "other" in tapster("keys", "list").stdout


def test_revoked_key_is_accepted_no_more(tapster: Tapster, data: Path) -> None:
    """One of them by its id; the others stay."""
    key, other = (tapster("keys", "make", "guest").stdout.strip() for _ in range(2))
    identifier = str(keyring.key_id(key))
    revoked = tapster("keys", "revoke", "guest", identifier)

    assert revoked.stdout == f"Revoked: {identifier}\n"
    assert not holds(data, "guest", key)
    assert holds(data, "guest", other)


def test_all_keys_of_a_client_are_revoked(tapster: Tapster, data: Path) -> None:
    """Of that client, and no other."""
    tapster("keys", "make", "guest")
    tapster("keys", "make", "guest")
    other = tapster("keys", "make", "other").stdout.strip()
    revoked = tapster("keys", "revoke", "guest")

    assert revoked.exit_code == 0
    assert [row.client for row in rows(data)] == ["other"]
    assert holds(data, "other", other)


def test_key_that_is_not_there_can_not_be_revoked(tapster: Tapster) -> None:
    """One sentence on stderr, exit code 1."""
    key = tapster("keys", "make", "guest").stdout.strip()
    results: list[Any] = [
        tapster("keys", "revoke", "nobody"),
        tapster("keys", "revoke", "guest", "0" * 12),
        tapster("keys", "revoke", "nobody", str(keyring.key_id(key))),
    ]

    assert [result.exit_code for result in results] == [1, 1, 1]
    assert results[0].stderr == "tapster: nobody does not have any key\n"
    assert results[1].stderr == f"tapster: guest does not have a key {'0' * 12}\n"


def test_broken_settings_file_does_not_stop_the_making_of_keys(
    tapster: Tapster, settings: Path
) -> None:
    """A file of somebody else."""
    settings.mkdir()
    (settings / "other-settings.json").write_text("{")

    assert tapster("keys", "make", "guest").exit_code == 0


async def test_running_broker_takes_a_key_made_beside_it(
    broker: Broker, tapster: Tapster
) -> None:
    """Within 2 s, of a client it had never heard of."""
    made = await asyncio.to_thread(tapster, "keys", "make", "newcomer")

    took = await seconds_until(broker, "newcomer", made.stdout.strip(), 0)
    assert took < SOON


async def test_running_broker_refuses_a_key_revoked_beside_it(
    broker: Broker, tapster: Tapster
) -> None:
    """Within 2 s, though it has known the key for good."""
    made = await asyncio.to_thread(tapster, "keys", "make", "newcomer")
    key = made.stdout.strip()
    await seconds_until(broker, "newcomer", key, 0)
    await asyncio.to_thread(tapster, "keys", "revoke", "newcomer")

    assert await seconds_until(broker, "newcomer", key, 5) < SOON


async def test_running_broker_closes_what_a_revoked_key_had_opened(
    broker: Broker, tapster: Tapster
) -> None:
    """Section 11: the sockets that used it are closed."""
    made = await asyncio.to_thread(tapster, "keys", "make", "newcomer")
    key = made.stdout.strip()
    await seconds_until(broker, "newcomer", key, 0)
    async with connected(broker.url) as socket:
        await socket.join(clientId="newcomer", key=key)
        await asyncio.to_thread(tapster, "keys", "revoke", "newcomer")

        await socket.heard("41/llm,")


def test_key_is_made_with_an_end(tapster: Tapster, data: Path) -> None:
    """And listed with it; without ``--expires`` it is good until revoked."""
    tapster("keys", "make", "guest", "--expires", "30d")
    tapster("keys", "make", "other")
    ends = {row.client: row.expires_at for row in rows(data)}
    listed = tapster("keys", "list").stdout

    assert ends["other"] is None
    assert ends["guest"] == pytest.approx(time.time() + 30 * 86_400, abs=60)
    assert "good until" in listed
    assert "revoked" in listed


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("make", "guest", "--expires", "soon"), "'soon' is no time"),
        (("make", "guest", "--expires", "0s"), "for a second at least"),
        (("rotate", "guest", "--overlap", "1"), "'1' is no time"),
        (("rotate", "guest"), "guest has no key to rotate"),
    ],
)
def test_end_that_is_none_is_refused(
    tapster: Tapster, data: Path, words: tuple[str, ...], complaint: str
) -> None:
    """And no key is made."""
    refused = tapster("keys", *words)

    assert refused.exit_code == 1
    assert complaint in refused.stderr
    assert not data.exists() or rows(data) == ()


def test_rotated_keys_are_good_for_a_while(tapster: Tapster, data: Path) -> None:
    """The new one is on stdout, alone; what ends when, on stderr."""
    old = tapster("keys", "make", "guest").stdout.strip()
    rotated = tapster("keys", "rotate", "guest", "--overlap", "1h")
    new = rotated.stdout.removesuffix("\n")
    ends = {row.id: row.expires_at for row in rows(data)}

    assert holds(data, "guest", old)
    assert holds(data, "guest", new)
    assert ends[str(keyring.key_id(new))] is None
    end = ends[str(keyring.key_id(old))]
    assert end == pytest.approx(time.time() + 3_600, abs=60)
    assert f"{keyring.key_id(old)} is good until " in rotated.stderr


async def test_running_broker_ends_the_session_of_an_expired_key(
    broker: Broker, tapster: Tapster
) -> None:
    """Told why, and not let in again; the new key is."""
    made = await asyncio.to_thread(tapster, "keys", "make", "newcomer")
    old = made.stdout.strip()
    await seconds_until(broker, "newcomer", old, 0)
    async with connected(broker.url) as socket:
        assert await socket.join(clientId="newcomer", key=old) == {}
        rotated = await asyncio.to_thread(
            tapster, "keys", "rotate", "newcomer", "--overlap", "1s"
        )
        told = await socket.heard('42/llm,["ERROR"')
        await socket.heard("41/llm,")
        refusal = await socket.join(clientId="newcomer", key=old)
        again = await socket.join(clientId="newcomer", key=rotated.stdout.strip())

    assert "your key has expired" in told
    assert refusal["code"] == 5
    assert "of client 'newcomer' expired at" in refusal["message"]
    assert again == {}


async def test_running_broker_refuses_a_client_forgotten_beside_it(
    broker: Broker, tapster: Tapster
) -> None:
    """Within 2 s: not trusted any more, code 6."""
    made = await asyncio.to_thread(tapster, "keys", "make", "newcomer")
    key = made.stdout.strip()
    await seconds_until(broker, "newcomer", key, 0)
    await asyncio.to_thread(tapster, "clients", "forget", "newcomer")

    assert await seconds_until(broker, "newcomer", key, 6) < SOON


async def test_password_that_can_not_be_hashed_does_not_blind_the_broker(
    broker: Broker, tapster: Tapster
) -> None:
    """Section 9: passwords over 72 bytes are refused; all else goes on."""
    broker.trust("SillyTavern-1", sillyTavernPassWord="x" * 73)
    made = await asyncio.to_thread(tapster, "keys", "make", "newcomer")

    await seconds_until(broker, "newcomer", made.stdout.strip(), 0)
