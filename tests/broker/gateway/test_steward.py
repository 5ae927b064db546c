"""Who is trusted and who holds which key, where the disk does not play along."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from actors import store
from actors.base import LoopActor
from actors.client_records import ClientRow, ForgetClient, KeyRow, TrustClient
from actors.errors import BrokerError, Code
from actors.hall_events import GetHolder
from actors.store import Contents
from broker.gateway.steward import Steward
from broker.logs.audit import Action
from broker.security.trust import TrustRegistry


class Disk(LoopActor):
    """A store that writes, or is down."""

    def __init__(self) -> None:
        super().__init__()
        self.down = False
        self.rows: dict[str, ClientRow] = {}

    def on_receive(self, message: Any) -> Any:
        """Write, unless it is down."""
        match message:
            case TrustClient(row=row) if not self.down:
                self.rows[row.client] = row
            case ForgetClient(client=client) if not self.down:
                self.rows.pop(client, None)
            case store.Flush():
                return not self.down
            case store.Reload():
                return Contents(tuple(self.rows.values()), (), ())
            case _:
                return None
        return None


class Hall(LoopActor):
    """Knows whose some names are."""

    def __init__(self, holders: dict[str, str]) -> None:
        super().__init__()
        self._holders = holders

    def on_receive(self, message: GetHolder) -> str | None:
        """Tell whose it is; empty: a room's."""
        return self._holders.get(message.name)


class Keys:
    """An admission, and a doorman with nobody at the door."""

    def __init__(self) -> None:
        self.revoked: list[tuple[str, str | None]] = []
        self.rows: tuple[KeyRow, ...] = ()

    async def list_keys(self) -> tuple[KeyRow, ...]:
        """The keys that are known."""
        return self.rows

    async def revoke_keys(self, client: str, key_id: str | None) -> frozenset[str]:
        """Note it."""
        self.revoked.append((client, key_id))
        return frozenset({"k1"})


class Notes:
    """An audit log that is not written."""

    def __init__(self) -> None:
        self.actions: list[dict[str, Any]] = []

    def done(self, action: Action, _result: dict[str, Any]) -> None:
        """Keep what it was about."""
        self.actions.append(action.about)


class Office:
    """A steward, and what he works with."""

    def __init__(self, folder: Path) -> None:
        self.disk = Disk()
        self.disk._start_actor_loop()
        hall = Hall({"lobby": "", "tab-1": "guest"})
        hall._start_actor_loop()
        self.keys = Keys()
        self.trust = TrustRegistry(folder)
        house = SimpleNamespace(store=self.disk.actor_ref, hall=hall.actor_ref)
        doorman = SimpleNamespace(admission=self.keys, expel=lambda _: ["a session"])
        self.dismissed: list[Any] = []
        self.audit = Notes()
        self.steward = Steward(
            cast("Any", house),
            self.trust,
            cast("Any", doorman),
            self.dismissed.append,
            cast("Any", self.audit),
        )

    async def code_of(self, pending: Any) -> int:
        """The code of a refusal."""
        with pytest.raises(BrokerError) as caught:
            await pending
        return caught.value.code


@pytest.fixture
async def office(tmp_path: Path) -> Office:
    """A steward in an empty house."""
    return Office(tmp_path)


async def test_client_is_trusted_on_disk(office: Office) -> None:
    """And as what was said."""
    await office.steward.enter("boss", "console", "monitor")

    assert office.disk.rows["boss"].type == "monitor"
    assert office.steward.type_of("boss") == "monitor"
    assert office.steward.knows("boss") is True


async def test_nobody_is_trusted_while_the_store_is_down(office: Office) -> None:
    """Code 9, and it is not so."""
    office.disk.down = True

    assert await office.code_of(office.steward.trust("guest", "boss")) == (
        Code.UNAVAILABLE
    )
    assert office.steward.knows("guest") is False


async def test_trust_that_can_not_be_taken_is_no_success(office: Office) -> None:
    """But the keys are gone, and who used them."""
    await office.steward.trust("guest", "boss")
    office.disk.down = True
    code = await office.code_of(office.steward.distrust("guest", "boss"))

    assert code == Code.UNAVAILABLE
    assert office.keys.revoked == [("guest", None)]
    assert office.dismissed == ["a session"]


async def test_key_whose_end_is_not_on_disk_is_no_success(office: Office) -> None:
    """It opens nothing any more, but would after a restart."""
    office.disk.down = True
    code = await office.code_of(office.steward.revoke("guest", "k1", "boss"))
    office.disk.down = False

    assert code == Code.UNAVAILABLE
    assert office.keys.revoked == [("guest", "k1")]
    assert await office.steward.revoke("guest", "k1", "boss") == {"k1"}


async def test_file_that_can_not_be_written_is_no_success(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Code 9 with the file's name; the client stays as it was."""

    def full(*_args: Any, **_kwargs: Any) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "guest-settings.json"
    path.write_text(json.dumps({"clientId": "guest", "isTrust": True}))
    office.trust.refresh()
    monkeypatch.setattr(tempfile, "NamedTemporaryFile", full)
    with pytest.raises(BrokerError, match=r"guest-settings\.json") as caught:
        await office.steward.distrust("guest", "boss")

    assert caught.value.code == Code.UNAVAILABLE
    assert office.steward.knows("guest") is True


@pytest.mark.parametrize("name", ["lobby", "tab-1"])
async def test_name_of_a_room_or_an_identity_is_not_trusted(
    office: Office, name: str
) -> None:
    """They share one name space with clients."""
    for pending in (
        office.steward.trust(name, "boss"),
        office.steward.enter(name, "boss"),
    ):
        assert await office.code_of(pending) == Code.AUTHORISATION_FAILED
    assert office.disk.rows == {}


async def test_what_a_command_changed_is_written_down(office: Office) -> None:
    """By clients and ids; what is as it was is no news."""
    await office.steward.enter("stays", "boss")
    await office.steward.enter("goes", "boss")
    gone = KeyRow("k1", "goes", b"", 1.0, 1.0)
    ending = KeyRow("k2", "stays", b"", 1.0, 1.0)
    office.keys.rows = (gone, ending)
    found = Contents(
        (ClientRow("stays", "", 1.0), ClientRow("boss", "monitor", 1.0)),
        (
            KeyRow("k2", "stays", b"", 1.0, 9.0, 99.0),
            KeyRow("k3", "boss", b"", 1.0, 1.0),
        ),
        (),
    )
    await office.steward.note_changes(found)

    assert office.audit.actions == [
        {
            "keysAdded": [("boss", "k3")],
            "keysRemoved": [("goes", "k1")],
            "keysThatExpire": [("stays", "k2")],
            "trustedAdded": ["boss"],
            "trustedRemoved": ["goes"],
        }
    ]


async def test_broker_that_finds_its_own_changes_writes_nothing(office: Office) -> None:
    """They stand in the audit log as what was asked for."""
    await office.steward.enter("guest", "boss")
    await office.steward.note_changes(Contents((ClientRow("guest", "", 1.0),), (), ()))

    assert office.audit.actions == []
