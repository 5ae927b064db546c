"""Who is trusted, by file, by store and on first use."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from actors.client_records import ClientRow
from actors.errors import RefusedError
from broker.security import trust as trust_module
from broker.security.trust import Snapshot, Trust, TrustRegistry, read_folder


def write(folder: Path, client: str, **fields: Any) -> Path:
    """Write a client's settings file."""
    path = folder / f"{client}-settings.json"
    path.write_text(json.dumps({"clientId": client, "isTrust": True, **fields}))
    return path


@pytest.fixture
def registry(tmp_path: Path) -> TrustRegistry:
    """Know an empty folder."""
    return TrustRegistry(tmp_path)


def test_trust_is_read_from_files(tmp_path: Path, registry: TrustRegistry) -> None:
    """Rule 2: a settings file with ``isTrust: true``."""
    write(
        tmp_path,
        "tavern",
        clientType="SillyTavern",
        sillyTavernPassWord="$2b$x",
        origins=["http://a"],
        streamNames="both",
    )
    registry.refresh()

    assert registry.find("tavern") == Trust(
        "tavern", "SillyTavern", "$2b$x", ("http://a",), "both"
    )


def test_file_without_trust_does_not_trust(
    tmp_path: Path, registry: TrustRegistry
) -> None:
    """Rule 2: it must say so."""
    write(tmp_path, "guest", isTrust=False)
    registry.refresh()

    assert registry.find("guest") is None


def test_added_file_is_seen(tmp_path: Path, registry: TrustRegistry) -> None:
    """Files may come while the broker runs."""
    registry.refresh()
    write(tmp_path, "guest")
    registry.refresh()

    assert registry.find("guest") is not None


def test_changed_file_is_read_again(tmp_path: Path, registry: TrustRegistry) -> None:
    """Files may change while the broker runs."""
    write(tmp_path, "guest")
    registry.refresh()
    write(tmp_path, "guest", clientType="monitor")
    registry.refresh()

    assert registry.find("guest") == Trust("guest", "monitor")


def test_removed_file_is_forgotten(tmp_path: Path, registry: TrustRegistry) -> None:
    """Who deletes the file withdraws the trust."""
    path = write(tmp_path, "guest")
    registry.refresh()
    path.unlink()
    registry.refresh()

    assert registry.find("guest") is None


def test_broken_file_keeps_what_was_known(
    tmp_path: Path, registry: TrustRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    """A file that is saved half-way must lock nobody out; the log names it."""
    path = write(tmp_path, "guest")
    registry.refresh()
    path.write_text('{"clientId": "guest",\n"isTrust": tru')
    registry.refresh()

    assert registry.find("guest") == Trust("guest")
    assert f"{path}, line 2" in caplog.text


def test_broken_file_is_complained_of_once(
    tmp_path: Path, registry: TrustRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    """The folder is looked at every second, the log is read by people."""
    write(tmp_path, "guest").write_text("{")
    registry.refresh()
    registry.refresh()

    assert len(caplog.records) == 1


def test_broken_new_file_harms_no_other(
    tmp_path: Path, registry: TrustRegistry
) -> None:
    """One bad file is one bad file."""
    write(tmp_path, "guest")
    write(tmp_path, "other").write_bytes(b'{"clientId": "\xff"}')
    registry.refresh()

    assert registry.find("guest") is not None
    assert registry.find("other") is None


def test_unchanged_folder_is_not_read_again(tmp_path: Path) -> None:
    """A look once a second must cost next to nothing."""
    write(tmp_path, "guest")
    first = read_folder(tmp_path, Snapshot({}, {}))

    assert read_folder(tmp_path, first) is first


def test_stale_snapshot_is_not_taken(tmp_path: Path, registry: TrustRegistry) -> None:
    """What a thread read before somebody was trusted must not undo that."""
    earlier = registry.snapshot
    stale = read_folder(tmp_path, earlier)
    registry.trust_on_first_use("SillyTavern-8000")
    registry.take(Snapshot({tmp_path: (0, 0)}, {}), earlier)

    assert stale is earlier
    assert registry.find("SillyTavern-8000") is not None


def test_folder_that_is_missing_trusts_nobody(tmp_path: Path) -> None:
    """A new installation has none yet."""
    registry = TrustRegistry(tmp_path / "none")
    registry.refresh()

    assert registry.in_files() == {}


def test_store_trusts_besides_files(tmp_path: Path, registry: TrustRegistry) -> None:
    """Rule 2: not in the store either; a file is the operator's last word."""
    write(tmp_path, "both", clientType="monitor")
    registry.refresh()
    registry.replace_stored([ClientRow("both", "", 0), ClientRow("stored", "x", 0)])

    assert registry.find("stored") == Trust("stored", "x")
    assert registry.find("both") == Trust("both", "monitor")


def test_replaced_store_forgets_who_is_gone(registry: TrustRegistry) -> None:
    """``tapster clients forget`` in another process."""
    registry.replace_stored([ClientRow("a", "", 0)])
    registry.replace_stored([ClientRow("b", "", 0)])

    assert registry.find("a") is None


@pytest.mark.parametrize("name", ["server", "all", "auto", "monitor-room", "guest"])
def test_reserved_names_are_reserved(
    tmp_path: Path, registry: TrustRegistry, name: str
) -> None:
    """Rule 2: trusted clientIds and four words."""
    write(tmp_path, "guest")
    registry.refresh()

    assert registry.is_reserved(name)
    assert not registry.is_reserved("free")


def test_first_use_writes_a_settings_file(
    tmp_path: Path, registry: TrustRegistry
) -> None:
    """Rule 6: it is trusted, and a settings file is written for it."""
    assert registry.trust_on_first_use("SillyTavern-8000")

    path = tmp_path / "SillyTavern-8000-settings.json"
    assert json.loads(path.read_text()) == {
        "clientId": "SillyTavern-8000",
        "isTrust": True,
        "clientType": "SillyTavern",
        "trustedOnFirstUse": True,
    }
    assert registry.find("SillyTavern-8000") == Trust("SillyTavern-8000", "SillyTavern")


@pytest.mark.parametrize(
    "client",
    [
        "SillyTavern",
        "SillyTavern-8000",
        "SillyTavern_a.b-C",
        "SillyTavern" + "x" * 64,
    ],
)
def test_first_use_takes_names_of_the_pattern(
    registry: TrustRegistry, client: str
) -> None:
    """Rule 6: SillyTavern, then up to 64 of letters, digits, ``_ . -``."""
    assert registry.trust_on_first_use(client)


@pytest.mark.parametrize(
    "client",
    [
        "guest",
        "sillytavern-8000",
        "SillyTavern/../../etc",
        "SillyTavern\\x",
        "SillyTavern-8000\n",
        "SillyTavern\0",
        "SillyTavern-é",
        "SillyTavern" + "x" * 65,
        " SillyTavern",
    ],
)
def test_first_use_takes_no_other_names(
    tmp_path: Path, registry: TrustRegistry, client: str
) -> None:
    """Rule 6: a name becomes a file's name."""
    assert not registry.trust_on_first_use(client)
    assert list(tmp_path.iterdir()) == []


def test_first_use_does_not_overrule_a_file(
    tmp_path: Path, registry: TrustRegistry
) -> None:
    """A file that says ``isTrust: false`` is the operator's word."""
    path = write(tmp_path, "SillyTavern-8000", isTrust=False)
    before = path.read_text()
    registry.refresh()

    assert not registry.trust_on_first_use("SillyTavern-8000")
    assert path.read_text() == before


def test_first_use_ends_at_thirty_two(registry: TrustRegistry) -> None:
    """Rule 6: at most 32 such ids."""
    taken = [registry.trust_on_first_use(f"SillyTavern-{n}") for n in range(32)]

    assert taken == [True] * 32
    with pytest.raises(RefusedError, match="32 SillyTaverns were trusted"):
        registry.trust_on_first_use("SillyTavern-32")
    assert registry.find("SillyTavern-32") is None


def test_first_uses_are_counted_across_restarts(
    tmp_path: Path, registry: TrustRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rule 6: 32 in all; the files remember."""
    monkeypatch.setattr(trust_module, "MAX_FIRST_USES", 1)
    registry.trust_on_first_use("SillyTavern-1")
    restarted = TrustRegistry(tmp_path)
    restarted.refresh()

    with pytest.raises(RefusedError, match="clients trust SillyTavern-2"):
        restarted.trust_on_first_use("SillyTavern-2")


def test_files_of_the_operator_do_not_count_as_first_uses(
    tmp_path: Path, registry: TrustRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rule 6: at most 32 *such* ids."""
    monkeypatch.setattr(trust_module, "MAX_FIRST_USES", 1)
    write(tmp_path, "SillyTavern-1", clientType="SillyTavern")
    registry.refresh()

    assert registry.trust_on_first_use("SillyTavern-2")


def test_first_use_without_a_folder_to_write_trusts_nobody(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Trust that is not on record is none."""
    blocked = tmp_path / "file"
    blocked.write_text("")
    registry = TrustRegistry(blocked)

    assert not registry.trust_on_first_use("SillyTavern-1")
    assert "can not be written" in caplog.text


def test_first_use_is_logged(
    registry: TrustRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    """An operator may want to know who was trusted."""
    with caplog.at_level(logging.INFO):
        registry.trust_on_first_use("SillyTavern-8000")

    assert "SillyTavern-8000 is trusted on first use" in caplog.text


def test_passwords_in_plain_are_found(tmp_path: Path, registry: TrustRegistry) -> None:
    """They stand in files until the broker replaces them by their hashes."""
    plain = write(tmp_path, "SillyTavern-1", sillyTavernPassWord="beer")
    write(tmp_path, "SillyTavern-2", sillyTavernPassWord="$2b$10$hash")
    write(tmp_path, "SillyTavern-3", sillyTavernPassWord="")
    write(tmp_path, "SillyTavern-4")
    registry.refresh()

    assert registry.unhashed_passwords() == [(plain, "beer")]


def test_password_is_replaced_by_its_hash_and_nothing_else_changes(
    tmp_path: Path, registry: TrustRegistry
) -> None:
    """The file holds more, which is the client's own."""
    path = write(tmp_path, "SillyTavern-1", sillyTavernPassWord="beer", mine=[1])
    registry.refresh()
    registry.store_password_hash(path, "$2b$10$hash")

    assert registry.unhashed_passwords() == []
    assert json.loads(path.read_text()) == {
        "clientId": "SillyTavern-1",
        "isTrust": True,
        "sillyTavernPassWord": "$2b$10$hash",
        "mine": [1],
    }


def test_trust_is_taken_and_given_back_in_the_file(
    tmp_path: Path, registry: TrustRegistry
) -> None:
    """All else that stands there stays."""
    path = write(tmp_path, "tavern", clientType="SillyTavern", theme="dark")
    registry.refresh()
    written = registry.write_trust("tavern", trusted=False)
    between = registry.find("tavern")
    registry.write_trust("tavern", trusted=True)

    assert (written, between) == (True, None)
    assert registry.find("tavern") == Trust("tavern", "SillyTavern")
    assert json.loads(path.read_text()) == {
        "clientId": "tavern",
        "isTrust": True,
        "clientType": "SillyTavern",
        "theme": "dark",
    }


def test_trust_is_taken_in_all_files_about_a_client(
    tmp_path: Path, registry: TrustRegistry
) -> None:
    """One of them would be enough to trust it."""
    write(tmp_path, "guest")
    write(tmp_path, "copy-of-guest", clientId="guest")
    registry.refresh()
    registry.write_trust("guest", trusted=False)

    assert registry.find("guest") is None


def test_no_file_is_made_for_a_client_without_one(
    tmp_path: Path, registry: TrustRegistry
) -> None:
    """Files are the operator's."""
    assert registry.write_trust("nobody", trusted=True) is False
    assert list(tmp_path.iterdir()) == []


def test_file_that_says_the_same_already_is_left_alone(
    tmp_path: Path, registry: TrustRegistry
) -> None:
    """To the byte."""
    path = write(tmp_path, "guest")
    before = path.read_bytes()
    registry.refresh()

    assert registry.write_trust("guest", trusted=True) is True
    assert path.read_bytes() == before


def test_type_in_a_file_is_known_also_where_it_does_not_trust(
    tmp_path: Path, registry: TrustRegistry
) -> None:
    """Whoever is trusted again must not become a monitor by that."""
    write(tmp_path, "boss", isTrust=False, clientType="monitor")
    write(tmp_path, "a-boss", clientId="boss", isTrust=False)
    write(tmp_path, "b-boss", clientId="boss", clientType="SillyTavern")
    registry.refresh()

    assert registry.type_in_files("boss") == "monitor"
    assert registry.type_in_files("nobody") is None
