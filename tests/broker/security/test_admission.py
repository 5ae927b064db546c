"""The rules of the handshake, each with the code of its refusal."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest

from actors import keyring
from actors.base import LoopActor, stop
from actors.client_records import ClientRow
from actors.errors import Code, RefusedError
from actors.future import LoopFuture
from actors.hall_events import GetHolder
from broker.config import ServerSettings
from broker.protocol.handshake import Handshake
from broker.security import verifier
from broker.security.admission import Admission, Admitted, Standing
from broker.security.origins import Origins
from broker.security.peer import Peer
from broker.security.trust import Trust, TrustRegistry

ENOUGH = 5.0
"""Seconds after which a test that waits has failed."""

HERE = Peer("127.0.0.1", local=True, origin=None, host="127.0.0.1:4000")
AWAY = Peer("203.0.113.9", local=False, origin=None, host="tap.example")


def key_of(number: int) -> str:
    """A key of the right form, which the keyring may know or not."""
    return f"tap_{number:012x}_{'s' * 43}"


class FakeKeyring(LoopActor):
    """Knows the keys it is told of, counts the proofs, and may take its time."""

    def __init__(self, good: dict[str, str]) -> None:
        super().__init__()
        self.good = good
        self.proofs = 0
        self.slow = False
        self.pending: asyncio.Queue[LoopFuture[Any]] = asyncio.Queue()
        self.issued: list[keyring.Issue] = []
        self.drops: tuple[str, ...] = ()

    def on_receive(self, message: keyring.Message) -> Any:
        """Answer as the real one would."""
        match message:
            case keyring.Check(client, key):
                self.proofs += 1
                if self.slow:
                    proof = self.defer()
                    self.pending.put_nowait(proof)
                    return proof
                return keyring.key_id(key) if self.good.get(key) == client else None
            case keyring.Identify(key):
                self.proofs += 1
                holder = self.good.get(key)
                return holder and (holder, keyring.key_id(key))
            case keyring.CheckPassword(password, hashed):
                return hashed == f"$2{password}"
            case keyring.Issue():
                self.issued.append(message)
                key = key_of(900 + len(self.issued))
                self.good[key] = message.client
                return keyring.Issued(key, self.drops)
            case keyring.ListKeys(client):
                return tuple(key for key, of in self.good.items() if of == client)
            case _:
                raise NotImplementedError


class FakeHall(LoopActor):
    """Knows whose some names are."""

    def __init__(self) -> None:
        super().__init__()
        self.holders: dict[str, str] = {}

    def on_receive(self, message: GetHolder) -> str | None:
        """Tell whose it is."""
        assert isinstance(message, GetHolder)
        return self.holders.get(message.name)


class Door:
    """An admission, and what stands around it."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.folder = folder
        self.hall = FakeHall()
        self.hall._start_actor_loop()
        self.keys = FakeKeyring({key_of(1): "guest"})
        self.keyring = cast("Any", self.keys.actor_ref)
        self.keys._start_actor_loop()
        self.trust = TrustRegistry(folder)
        self.settings = ServerSettings(**settings)
        origins = Origins(self.settings.allowed_origins, [])
        self.admission = Admission(
            self.settings, self.trust, origins, self.hall.actor_ref, self.keyring
        )

    def trusts(self, client: str, **fields: Any) -> None:
        """Write a settings file."""
        path = self.folder / f"{client}-settings.json"
        path.write_text(json.dumps({"clientId": client, "isTrust": True, **fields}))
        self.trust.refresh()

    async def admit(self, peer: Peer = HERE, **fields: Any) -> Admitted:
        """Knock."""
        fields.setdefault("client_id", "guest")
        if "identity" in fields:
            fields["claimed_identity"] = fields.pop("identity")
        return await self.admission.admit(Handshake(**fields), peer)

    async def refusal(self, peer: Peer = HERE, **fields: Any) -> int:
        """Knock, and give the code of the refusal."""
        with pytest.raises(RefusedError) as refused:
            await self.admit(peer, **fields)
        assert refused.value.message
        return refused.value.code


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    """A door at which ``guest`` is trusted and has the key number 1."""
    own = Door(tmp_path)
    own.trusts("guest")
    yield own
    await stop(own.keyring, timeout=ENOUGH)


async def test_client_that_is_not_trusted_is_refused(door: Door) -> None:
    """Rule 2: code 6, and what the operator can do."""
    with pytest.raises(RefusedError, match="tapster clients trust stranger") as refused:
        await door.admit(client_id="stranger", key=key_of(1))

    assert refused.value.code == Code.AUTHORISATION_FAILED


async def test_client_of_the_store_is_trusted(door: Door) -> None:
    """Rule 2: or in the store."""
    door.trust.replace_stored([ClientRow("stored", "", 0)])

    admitted = await door.admit(client_id="stored")

    assert admitted.trust.client == "stored"


@pytest.mark.parametrize("kind", ["monitor", "SillyTavern"])
async def test_type_without_the_right_to_it_is_refused(door: Door, kind: str) -> None:
    """Rule 2: a ``clientType`` the id has no right to, code 6."""
    assert await door.refusal(client_type=kind, key=key_of(1)) == 6


async def test_monitor_needs_a_file_that_says_so(door: Door) -> None:
    """Rule 2: ``"clientType": "monitor"`` in its settings file."""
    door.trusts("boss", clientType="monitor")
    door.keys.good[key_of(2)] = "boss"

    admitted = await door.admit(client_id="boss", client_type="monitor", key=key_of(2))

    assert admitted.standing is Standing.VERIFIED


async def test_silly_tavern_is_told_by_its_name_or_its_file(door: Door) -> None:
    """Rule 2: an id that begins with ``SillyTavern`` or a file that says so."""
    door.trusts("SillyTavern-1")
    door.trusts("bar", clientType="SillyTavern")

    for client in ("SillyTavern-1", "bar"):
        admitted = await door.admit(client_id=client, client_type="SillyTavern")
        assert admitted.trust.client == client


@pytest.mark.parametrize("identity", ["server", "all", "auto", "monitor-room", "other"])
async def test_reserved_identity_is_refused(door: Door, identity: str) -> None:
    """Rule 2: a reserved name or another trusted clientId, code 6."""
    door.trusts("other")

    assert await door.refusal(identity=identity, key=key_of(1)) == 6


async def test_identity_of_another_client_is_refused(door: Door) -> None:
    """Rule 2: an identity that belongs to another clientId, code 6."""
    door.hall.holders["tab"] = "other"

    assert await door.refusal(identity="tab", key=key_of(1)) == 6


async def test_own_identity_is_let_in_again(door: Door) -> None:
    """Rule 2 is about *other* clients."""
    door.hall.holders["tab"] = "guest"

    admitted = await door.admit(identity="tab", key=key_of(1))

    assert admitted.standing is Standing.VERIFIED


async def test_identity_that_is_the_name_of_a_room_is_refused(door: Door) -> None:
    """Names of rooms and identities share one name space."""
    door.hall.holders["lobby"] = ""

    assert await door.refusal(identity="lobby", key=key_of(1)) == 6


async def test_matching_key_verifies(door: Door) -> None:
    """Rule 4: connected and verified."""
    admitted = await door.admit(AWAY, key=key_of(1))

    assert admitted == Admitted(Standing.VERIFIED, Trust("guest"), f"{1:012x}")


@pytest.mark.parametrize("key", [key_of(2), "nonsense", "tap_", "x" * 5_000])
async def test_wrong_key_is_refused(door: Door, key: str) -> None:
    """Rule 3: code 5."""
    assert await door.refusal(key=key) == 5


async def test_key_of_another_client_is_refused(door: Door) -> None:
    """Rule 3: a key belongs to one clientId."""
    door.trusts("other")
    await door.admit(key=key_of(1))

    assert await door.refusal(client_id="other", key=key_of(1)) == 5


async def test_key_is_proven_once(door: Door) -> None:
    """Section 9: eight namespaces must not cost eight times bcrypt."""
    for _ in range(8):
        await door.admit(key=key_of(1))

    assert door.keys.proofs == 1


async def test_ten_wrong_keys_ban_the_address_before_any_bcrypt(door: Door) -> None:
    """Section 9: refused before any bcrypt."""
    codes = [await door.refusal(AWAY, key=key_of(n)) for n in range(100, 112)]

    assert codes == [5] * 12
    assert door.keys.proofs == 10


async def test_ban_tells_how_long_it_is(door: Door) -> None:
    """A person behind it may wait."""
    for number in range(100, 110):
        await door.refusal(key=key_of(number))
    with pytest.raises(RefusedError, match="try again in 60 seconds"):
        await door.admit(key=key_of(2))


async def test_known_good_key_passes_while_the_address_is_banned(door: Door) -> None:
    """Section 9: a key already known good is checked first and passes."""
    await door.admit(AWAY, key=key_of(1))
    for number in range(100, 110):
        await door.refusal(AWAY, key=key_of(number))

    admitted = await door.admit(AWAY, key=key_of(1))

    assert admitted.standing is Standing.VERIFIED


def sealed(secret: str) -> str:
    """A key as they are made, the id being that of its secret."""
    identifier = hashlib.sha256(secret.encode()).hexdigest()[:16]
    return f"tap_{identifier}_{secret}"


async def test_owner_with_a_sealed_key_passes_the_ban_of_others(door: Door) -> None:
    """The real owner with the real key always gets in, whoever shares the address."""
    door.keys.good[sealed("a" * 43)] = "guest"
    for number in range(100, 112):
        await door.refusal(AWAY, key=key_of(number))

    admitted = await door.admit(AWAY, key=sealed("a" * 43))

    assert admitted.standing is Standing.VERIFIED


async def test_owner_with_a_sealed_key_waits_behind_no_crowd(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody keeps the owner out by having bcrypt work."""
    monkeypatch.setattr(verifier, "MAX_BEING_CHECKED", 0)
    door.keys.good[sealed("a" * 43)] = "guest"

    admitted = await door.admit(AWAY, key=sealed("a" * 43))

    assert admitted.standing is Standing.VERIFIED


async def test_sealed_keys_that_are_nobodys_are_counted(door: Door) -> None:
    """Section 9: they are wrong keys like all others."""
    messages = []
    for number in range(11):
        with pytest.raises(RefusedError) as refused:
            await door.admit(AWAY, key=sealed(f"{number:043}"))
        messages.append(refused.value.message)

    assert ["too many wrong keys" in text for text in messages] == [False] * 10 + [True]


@pytest.mark.parametrize("key", ["", "nonsense", f"tap_{'0' * 16}_{'s' * 43}"])
async def test_forged_key_costs_no_bcrypt_and_counts(door: Door, key: str) -> None:
    """An id and a secret that do not belong together."""
    for _ in range(10):
        assert await door.refusal(AWAY, key=key or "x" * 73) == 5
    with pytest.raises(RefusedError, match="too many wrong keys"):
        await door.admit(AWAY, key=key_of(2))

    assert door.keys.proofs == 0


async def test_wrong_keys_that_come_at_once_are_limited_like_others(door: Door) -> None:
    """Section 9: ten, and not as many as come before the first is judged."""
    tries = (door.refusal(AWAY, key=key_of(number)) for number in range(100, 150))

    assert set(await asyncio.gather(*tries)) == {5}
    assert door.keys.proofs == 10


async def test_good_key_not_known_yet_does_not_pass_a_ban(door: Door) -> None:
    """Section 9: before any bcrypt; keys of former versions are not sealed."""
    for number in range(100, 110):
        await door.refusal(AWAY, key=key_of(number))

    assert await door.refusal(AWAY, key=key_of(1)) == 5


async def test_ban_of_one_address_is_not_anothers(door: Door) -> None:
    """Section 9: from an address."""
    for number in range(100, 110):
        await door.refusal(AWAY, key=key_of(number))

    admitted = await door.admit(HERE, key=key_of(1))

    assert admitted.standing is Standing.VERIFIED


async def test_good_keys_are_not_counted(door: Door) -> None:
    """Section 9: failed keys."""
    for number in range(1, 21):
        door.keys.good[key_of(number)] = "guest"
        await door.admit(AWAY, key=key_of(number))

    assert await door.refusal(AWAY, key=key_of(99)) == 5
    assert door.keys.proofs == 21


async def test_forgotten_keys_are_proven_anew(door: Door) -> None:
    """They may have been revoked in another process."""
    await door.admit(key=key_of(1))
    del door.keys.good[key_of(1)]
    door.admission.known_keys.forget_all()

    assert await door.refusal(key=key_of(1)) == 5


async def test_key_revoked_while_it_was_proven_is_not_known(door: Door) -> None:
    """A proof from before the keys were replaced proves nothing afterwards."""
    door.keys.slow = True
    knocking = asyncio.create_task(door.admit(key=key_of(1)))
    (await door.keys.pending.get()).set(f"{1:012x}")
    door.admission.known_keys.forget_all()
    await knocking
    door.keys.slow = False
    door.keys.good.clear()

    assert await door.refusal(key=key_of(1)) == 5


async def test_flood_of_keys_is_refused_unheard(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only so many wait for bcrypt; the next is told to come back."""
    monkeypatch.setattr(verifier, "MAX_BEING_CHECKED", 1)
    door.keys.slow = True
    first = asyncio.create_task(door.admit(key=key_of(1)))
    proof = await door.keys.pending.get()

    assert await door.refusal(AWAY, key=key_of(2)) == Code.UNAVAILABLE
    proof.set(f"{1:012x}")
    assert (await first).standing is Standing.VERIFIED


@pytest.mark.parametrize("key", [None, "", "getKey"])
async def test_local_client_without_a_key_is_unverified(
    door: Door, key: str | None
) -> None:
    """Rule 5: accepted unverified."""
    admitted = await door.admit(key=key)

    assert admitted == Admitted(Standing.UNVERIFIED, Trust("guest"))


@pytest.mark.parametrize("key", [None, "", "getKey"])
async def test_client_from_afar_without_a_key_is_refused(
    door: Door, key: str | None
) -> None:
    """Rule 5: everybody else is refused, code 5."""
    assert await door.refusal(AWAY, key=key) == 5


async def test_foreign_page_without_a_key_is_refused(door: Door) -> None:
    """Rule 5: the Origin is absent, the broker's own, or named."""
    page = Peer("127.0.0.1", True, "http://localhost:1234", "127.0.0.1:4000")  # noqa: FBT003

    assert await door.refusal(page, key="getKey") == 5


async def test_foreign_page_with_a_key_is_let_in(door: Door) -> None:
    """Rule 4 asks for nothing but the key."""
    page = Peer("127.0.0.1", True, "http://localhost:1234", "127.0.0.1:4000")  # noqa: FBT003

    assert (await door.admit(page, key=key_of(1))).standing is Standing.VERIFIED


async def test_page_named_in_the_settings_file_may_ask(door: Door) -> None:
    """Rule 5: one named in the client's settings file."""
    door.trusts("web", origins=["http://localhost:1234"])
    page = Peer("127.0.0.1", True, "http://localhost:1234", "127.0.0.1:4000")  # noqa: FBT003

    admitted = await door.admit(page, client_id="web")

    assert admitted.standing is Standing.UNVERIFIED


async def test_nobody_asks_where_the_network_is_not_safe(tmp_path: Path) -> None:
    """Rule 5: when ``networkSafe`` is true."""
    door = Door(tmp_path, network_safe=False)
    door.trusts("guest")

    assert await door.refusal(key="getKey") == 5


async def test_local_silly_tavern_is_trusted_on_first_use(door: Door) -> None:
    """Rule 6: and a settings file is written for it."""
    admitted = await door.admit(client_id="SillyTavern-7", client_type="SillyTavern")

    assert admitted.standing is Standing.UNVERIFIED
    assert admitted.trust == Trust("SillyTavern-7", "SillyTavern")
    assert (door.folder / "SillyTavern-7-settings.json").exists()


@pytest.mark.parametrize(
    "settings", [{"network_safe": False}, {"trust_on_first_use": False}]
)
async def test_first_use_can_be_switched_off(
    tmp_path: Path, settings: dict[str, bool]
) -> None:
    """Rule 6: when ``networkSafe`` and ``trustOnFirstUse`` are true."""
    door = Door(tmp_path, **settings)
    code = await door.refusal(client_id="SillyTavern-7", client_type="SillyTavern")

    assert code == 6
    assert door.trust.in_files() == {}


@pytest.mark.parametrize(
    ("peer", "client_type"),
    [
        (AWAY, "SillyTavern"),
        (HERE, "web-app"),
        (Peer("127.0.0.1", True, "http://localhost:8001", ""), "SillyTavern"),  # noqa: FBT003
    ],
    ids=["from afar", "another type", "a page of another port"],
)
async def test_first_use_needs_what_rule_five_needs(
    door: Door, peer: Peer, client_type: str
) -> None:
    """Rule 6: and rule 5 would accept it."""
    fields = {"client_id": "SillyTavern-8000", "client_type": client_type}

    assert await door.refusal(peer, **fields) == 6
    assert not (door.folder / "SillyTavern-8000-settings.json").exists()


@pytest.mark.parametrize(("allowed", "may"), [(False, False), (True, True)])
async def test_monitors_get_no_key_unless_the_settings_say_so(
    tmp_path: Path, *, allowed: bool, may: bool
) -> None:
    """Rule 5: unless ``monitorsMayGetKey`` is true."""
    door = Door(tmp_path, monitors_may_get_key=allowed)
    handshake = Handshake(client_id="boss", client_type="monitor")

    assert door.admission.may_get_key(handshake, Trust("boss", "monitor")) is may


async def test_silly_tavern_with_a_password_gets_no_key_for_the_asking(
    door: Door,
) -> None:
    """Rule 5: nor for a SillyTavern with a password before ``LOGIN``."""
    handshake = Handshake(client_id="SillyTavern", client_type="SillyTavern")
    admission = door.admission

    assert admission.may_get_key(handshake, Trust("SillyTavern"))
    assert not admission.may_get_key(
        handshake, Trust("SillyTavern", password_hash="$2x")
    )


async def test_right_password_is_accepted(door: Door) -> None:
    """LOGIN."""
    trust = Trust("SillyTavern", password_hash="$2beer")

    await door.admission.check_password(trust, "beer", AWAY)


@pytest.mark.parametrize("hashed", ["$2wine", None])
async def test_wrong_password_is_refused(door: Door, hashed: str | None) -> None:
    """LOGIN: code 5, also where there is none to be right."""
    trust = Trust("SillyTavern", password_hash=hashed)
    with pytest.raises(RefusedError) as refused:
        await door.admission.check_password(trust, "beer", AWAY)

    assert refused.value.code == 5


async def test_wrong_passwords_are_counted_like_wrong_keys(door: Door) -> None:
    """Section 9: one counter for all guessing."""
    trust = Trust("SillyTavern", password_hash="$2wine")
    for _ in range(10):
        with pytest.raises(RefusedError):
            await door.admission.check_password(trust, "beer", AWAY)
    with pytest.raises(RefusedError, match="try again in"):
        await door.admission.check_password(trust, "wine", AWAY)
    assert await door.refusal(AWAY, key=key_of(1)) == 5


async def test_issued_key_is_known_at_once(door: Door) -> None:
    """Whoever was just given a key need not prove it by bcrypt."""
    key = await door.admission.issue_key("guest", frozenset({"a"}))
    await door.admit(AWAY, key=key)

    assert door.keys.issued == [keyring.Issue("guest", frozenset({"a"}))]
    assert door.keys.proofs == 0


async def test_key_that_made_room_is_known_no_more(door: Door) -> None:
    """A client has up to 8 live keys; the one that goes is refused from then on."""
    await door.admit(key=key_of(1))
    door.keys.drops = (f"{1:012x}",)
    del door.keys.good[key_of(1)]
    await door.admission.issue_key("guest", frozenset())

    assert await door.refusal(key=key_of(1)) == 5


async def test_eleventh_new_key_in_a_minute_is_refused(door: Door) -> None:
    """Section 9: 10 new keys a minute per clientId."""
    for _ in range(10):
        await door.admission.issue_key("guest", frozenset())
    with pytest.raises(RefusedError) as refused:
        await door.admission.issue_key("guest", frozenset())

    assert refused.value.code == Code.TOO_MANY_REQUESTS
    assert await door.admission.issue_key("other", frozenset())


async def test_keys_are_counted(door: Door) -> None:
    """IDENTIFY_SILLYTAVERN tells whether a clientId had one already."""
    assert await door.admission.count_keys("guest") == 1
    assert await door.admission.count_keys("other") == 0


async def test_known_keys_are_kept_as_keyed_hashes_only(door: Door) -> None:
    """Keys are never kept."""
    await door.admit(key=key_of(1))

    assert key_of(1) not in repr(vars(door.admission.known_keys))


async def test_key_alone_tells_whose_it_is_and_is_proven_once(door: Door) -> None:
    """For those who can show a key and nothing else."""
    found = [await door.admission.holder_of(key_of(1), AWAY) for _ in range(3)]

    assert [trust.client for trust in found] == ["guest"] * 3
    assert door.keys.proofs == 1


async def test_keys_that_are_nobodys_ban_the_address_before_any_bcrypt(
    door: Door,
) -> None:
    """Section 9, whichever way they are shown."""
    for number in range(100, 112):
        with pytest.raises(RefusedError):
            await door.admission.holder_of(key_of(number), AWAY)

    assert door.keys.proofs == 10
    assert await door.refusal(AWAY, key=key_of(1)) == 5


async def test_forgotten_key_has_no_holder_until_it_is_proven_anew(door: Door) -> None:
    """It may have been revoked in another process."""
    await door.admission.holder_of(key_of(1), AWAY)
    del door.keys.good[key_of(1)]
    door.admission.known_keys.forget_all()

    with pytest.raises(RefusedError) as refused:
        await door.admission.holder_of(key_of(1), AWAY)
    assert refused.value.code == Code.AUTHENTICATION_FAILED


async def test_key_of_a_client_no_longer_trusted_opens_nothing(door: Door) -> None:
    """Trust is looked at each time."""
    await door.admission.holder_of(key_of(1), AWAY)
    door.trusts("guest", isTrust=False)

    with pytest.raises(RefusedError) as refused:
        await door.admission.holder_of(key_of(1), AWAY)
    assert refused.value.code == Code.AUTHORISATION_FAILED


async def test_refusals_are_counted_by_their_code(door: Door) -> None:
    """Of the handshake, of keys alone, and of passwords."""
    await door.admit(key=key_of(1))
    await door.refusal(key=key_of(2))
    await door.refusal(client_id="stranger")
    with pytest.raises(RefusedError):
        await door.admission.holder_of(key_of(3), HERE)
    with pytest.raises(RefusedError):
        await door.admission.check_password(Trust("guest"), "guess", HERE)

    assert door.admission.refusals.by_code == {
        Code.AUTHENTICATION_FAILED: 3,
        Code.AUTHORISATION_FAILED: 1,
    }


async def test_what_is_refused_in_a_trial_counts_like_a_wrong_key(
    tmp_path: Path,
) -> None:
    """Too many, and the next is refused unheard, there as here."""
    door = Door(tmp_path, wrong_keys_per_minute=2)
    door.trusts("guest")
    for _ in range(2):
        with pytest.raises(RefusedError, match="no"), door.admission.trial(AWAY):
            raise RefusedError("no", Code.AUTHENTICATION_FAILED)

    with (
        pytest.raises(RefusedError, match="too many wrong keys"),
        door.admission.trial(AWAY),
    ):
        pytest.fail("it must not be heard")
    with door.admission.trial(HERE):
        pass
    assert await door.refusal(AWAY, key=key_of(9)) == Code.AUTHENTICATION_FAILED
    assert door.keys.proofs == 0
    assert door.admission.refusals.by_code == {Code.AUTHENTICATION_FAILED: 4}
    await stop(door.keyring, timeout=ENOUGH)


async def test_fault_in_a_trial_counts_for_nothing(door: Door) -> None:
    """It is ours."""
    for _ in range(20):
        with pytest.raises(ValueError, match="ours"), door.admission.trial(AWAY):
            raise ValueError("ours")

    with door.admission.trial(AWAY):
        pass
