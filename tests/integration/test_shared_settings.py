"""Settings that all SillyTaverns have in common, on the wire and across restarts."""

from __future__ import annotations

from typing import Any

import pytest

from .harness import Node, StartBroker

ONE, OTHER = "SillyTavern-1", "SillyTavern-2"
MONITOR = {"clientId": "monitor", "clientType": "monitor"}


@pytest.fixture
def shared(node: Node, start_broker: StartBroker) -> dict[str, Any]:
    """Play the whole scene once."""
    house: dict[str, dict[str, Any]] = {
        ONE: {},
        OTHER: {},
        "monitor": {"clientType": "monitor"},
        "guest": {},
    }
    broker = start_broker(house, monitorsMayGetKey=True)
    result: dict[str, Any] = node(
        "shared_settings",
        "share",
        url=broker.url,
        one=ONE,
        other=OTHER,
        monitor=MONITOR,
        clientId="guest",
    )
    return result


def test_the_last_version_wins_and_the_others_hear_of_it(
    shared: dict[str, Any],
) -> None:
    """Section 12: a conflict is answered with what is newer."""
    acks = shared["acks"]
    dark = {"name": "theme", "value": {"dark": True}, "version": 1, "source": ONE}
    light = {"name": "theme", "value": {"dark": False}, "version": 5, "source": OTHER}
    none = {"name": "theme", "value": None, "version": 6, "source": "monitor"}

    assert (acks["saved"]["status"], acks["saved"]["version"]) == ("ok", 1)
    assert (acks["later"]["status"], acks["later"]["version"]) == ("ok", 5)
    assert (acks["monitor"]["status"], acks["monitor"]["version"]) == ("ok", 6)
    for name, kept in {"conflict": dark, "stale": light}.items():
        assert acks[name]["status"] == "error"
        assert acks[name]["code"] == 4
        assert acks[name]["value"] == kept["value"]
        assert acks[name]["version"] == kept["version"]
    for name in ("got", "bare"):
        assert acks[name]["value"] == {"dark": False}
        assert acks[name]["version"] == 5
    assert shared["first"] == [light, none]
    assert shared["second"] == [dark, none]


def test_shared_settings_are_the_silly_taverns_own(shared: dict[str, Any]) -> None:
    """Section 12: and the monitors'; nobody else reads, writes or hears of them."""
    codes = {name: ack.get("code") for name, ack in shared["acks"].items()}

    assert codes["clientSaves"] == codes["clientReads"] == 6
    assert codes["unknown"] == 7
    assert codes["tooLong"] == codes["noVersion"] == 3
    assert shared["client"] == shared["watcher"] == []


def test_shared_settings_outlive_a_crash(node: Node, start_broker: StartBroker) -> None:
    """They were acknowledged, so they are on disk."""
    broker = start_broker({ONE: {}, OTHER: {}})
    value = {"theme": "🍺", "list": [1, None]}
    saved = node("shared_settings", "keep", url=broker.url, clientId=ONE, value=value)
    broker.kill()
    broker.restart()
    found = node("shared_settings", "find", url=broker.url, clientId=OTHER)

    assert saved["status"] == "ok"
    assert (found["got"]["value"], found["got"]["version"]) == (value, 3)
    assert (found["again"]["code"], found["again"]["value"]) == (4, value)
