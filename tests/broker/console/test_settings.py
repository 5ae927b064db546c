"""The settings as operators see them."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any, Final

import msgspec

from broker.config import ServerSettings
from broker.console.settings import DEFAULT_MODE, TEXTS, show
from broker.protocol.console_frames import ShownSetting
from broker.protocol.wire import Event

ROOT: Final = Path(__file__).parents[3]
SCRIPT: Final = ROOT / "scripts" / "settings_texts.py"


def shown(settings: ServerSettings, **now: Any) -> dict[str, ShownSetting]:
    """What is shown, by name."""
    return {each.name: each for each in show(settings, now)}


def test_what_is_said_of_settings_is_what_the_tables_say() -> None:
    """After a change: ``python scripts/settings_texts.py``."""
    script = runpy.run_path(str(SCRIPT))
    readme = (ROOT / "settings" / "README.md").read_text("utf-8")

    assert TEXTS.read_bytes() == script["written"](script["read_texts"](readme))


def test_every_setting_is_shown_with_what_it_does_in_both_languages() -> None:
    """In the order of the schema."""
    found = shown(ServerSettings())
    fields = msgspec.structs.fields(ServerSettings)

    assert list(found) == [field.encode_name for field in fields]
    assert [each for each in found.values() if not all(each.about.values())] == []
    assert all(set(each.about) == {"en", "zh"} for each in found.values())


def test_texts_are_plain() -> None:
    """No marks of Markdown: the page shows them as they are."""
    texts = TEXTS.read_text("utf-8")

    assert "`" not in texts
    assert "](" not in texts


def test_value_and_default_are_told_apart() -> None:
    """With the unit."""
    grace = shown(ServerSettings(reconnect_grace=5))["reconnectGrace"]

    assert (grace.value, grace.default, grace.unit) == (5, 30, "seconds")


def test_words_and_limits_are_told() -> None:
    """What else a value may be."""
    found = shown(ServerSettings())

    assert found["streamNames"].choices == ["plain", "server", "both"]
    assert found["streamNames"].unit is msgspec.UNSET
    assert found["contextMessages"].unit == "messages"
    assert found["contextMessages"].range == "0 to 100"
    assert found["networkSafe"].unit is msgspec.UNSET


def test_what_was_changed_since_the_start_is_shown_as_it_is_now() -> None:
    """And by which event it can be."""
    mode = shown(ServerSettings(), **{DEFAULT_MODE: "Separate"})[DEFAULT_MODE]

    assert (mode.value, mode.default) == ("Separate", "Default")
    assert mode.changeable is True
    assert mode.changed_by == Event.SET_MESSAGE_REQUEST_MODE


def test_all_else_is_changed_in_the_file() -> None:
    """And counts after a restart."""
    found = shown(ServerSettings()).values()

    assert [each.name for each in found if each.changeable] == [DEFAULT_MODE]
