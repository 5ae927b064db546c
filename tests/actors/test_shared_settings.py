"""Settings that all SillyTaverns have in common: the last version wins, and stays."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

import pykka
import pytest

from actors import shared_settings
from actors.base import ask, stop
from actors.errors import Code, NotFoundError, RefusedError
from actors.schema import open_database
from actors.shared_settings import (
    Conflict,
    Get,
    PutSetting,
    ReadSettings,
    Save,
    Saved,
    Setting,
    SharedSettings,
)
from actors.store import Store
from tests.actors.recording import ENOUGH, FakeStore


class Shelf:
    """The actor, and the store beside it."""

    def __init__(
        self, settings: Iterable[Setting] = (), *, ok: bool | None = True
    ) -> None:
        self.store = FakeStore(ok=ok)
        self.ref = SharedSettings.start(settings, self.store.ref)

    async def save(self, version: int, value: str = "1", name: str = "theme") -> Any:
        """Save as the instance ``tab``."""
        save = Save(Setting(name, version, value, "tab"))
        return await ask(self.ref, save, timeout=ENOUGH)

    async def get(self, name: str = "theme") -> Any:
        """Read a setting."""
        return await ask(self.ref, Get(name), timeout=ENOUGH)


async def test_what_was_saved_is_what_is_got() -> None:
    """With its version and who saved it."""
    shelf = Shelf()

    assert await shelf.save(1, '{"dark":true}') == Saved(1, durable=True)
    assert await shelf.get() == Setting("theme", 1, '{"dark":true}', "tab")


async def test_a_later_version_wins() -> None:
    """By however much it is later."""
    shelf = Shelf()
    await shelf.save(3)

    assert await shelf.save(70, "2") == Saved(70, durable=True)
    assert (await shelf.get()).value == "2"


@pytest.mark.parametrize("version", [0, 4, 5])
async def test_what_is_not_later_is_answered_with_what_is_kept(version: int) -> None:
    """The same version twice is a conflict as well: two changed the same thing."""
    shelf = Shelf()
    await shelf.save(5, "5")

    assert await shelf.save(version) == Conflict(Setting("theme", 5, "5", "tab"))
    assert (await shelf.get()).value == "5"
    assert len(shelf.store.of(PutSetting)) == 1


async def test_the_first_version_may_be_nought() -> None:
    """Nothing is later than nothing."""
    assert await Shelf().save(0) == Saved(0, durable=True)


async def test_names_do_not_touch_each_other() -> None:
    """A version belongs to its name."""
    shelf = Shelf()
    await shelf.save(9, name="one")

    assert await shelf.save(1, name="other") == Saved(1, durable=True)


async def test_an_unknown_name_is_not_found() -> None:
    """Section 12: error 7."""
    with pytest.raises(NotFoundError, match="no shared setting 'theme'") as raised:
        await Shelf().get()

    assert raised.value.code == Code.NOT_FOUND


async def test_saving_is_acknowledged_only_when_it_is_on_disk() -> None:
    """The store is silent, so the actor is, while others are served."""
    shelf = Shelf(ok=None)
    pending = ask(shelf.ref, Save(Setting("theme", 1, "1", "tab")), timeout=ENOUGH)
    await shelf.store.hears(PutSetting)
    await shelf.get()

    assert not pending.waiter.done()


async def test_a_store_that_is_down_is_told_of() -> None:
    """The value is kept and owed; whoever saved it knows."""
    shelf = Shelf(ok=False)

    assert await shelf.save(1) == Saved(1, durable=False)
    assert (await shelf.get()).version == 1


async def test_there_is_a_bound_to_how_many_there_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Those that are there can be saved all the same."""
    monkeypatch.setattr(shared_settings, "MAX_SETTINGS", 2)
    shelf = Shelf([Setting("one", 1, "1", "tab")])
    await shelf.save(1, name="two")

    with pytest.raises(RefusedError, match="2 shared settings already"):
        await shelf.save(1, name="three")
    assert await shelf.save(2, name="one") == Saved(2, durable=True)


class Disk:
    """A real store on a file that outlives it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @contextlib.asynccontextmanager
    async def opened(self) -> AsyncIterator[pykka.ActorRef[Any]]:
        """The actor with what the file says."""
        database: pykka.ActorRef[Store] = Store.start(open_database(self._path))
        stored = await ask(database, ReadSettings(), timeout=ENOUGH)
        ref = SharedSettings.start(stored, database)
        yield ref
        await stop(ref, timeout=ENOUGH)
        await stop(database, timeout=ENOUGH)


async def test_settings_are_there_after_a_restart(tmp_path: Path) -> None:
    """Versions too, or an old one would win."""
    disk = Disk(tmp_path / "test.sqlite3")
    setting = Setting("theme", 2**53 - 1, '"🍺 \\u0000"', "tab")
    async with disk.opened() as ref:
        await ask(ref, Save(Setting("theme", 1, "1", "other")), timeout=ENOUGH)
        await ask(ref, Save(setting), timeout=ENOUGH)

    async with disk.opened() as ref:
        kept = await ask(ref, Get("theme"), timeout=ENOUGH)
        again = await ask(ref, Save(setting), timeout=ENOUGH)

    assert kept == setting
    assert again == Conflict(setting)
