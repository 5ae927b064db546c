"""What operators do from the console, and what it refuses."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from .harness import Broker, Names, Node, StartBroker

BOTH: Final = ["SillyTavern-1", "SillyTavern-2"]
RULES: Final = [
    {
        "match": {"event": "LLM_REQUEST", "source": ["bot", "bob*"]},
        "action": "deliver",
        "to": {"identity": "SillyTavern-2"},
    },
    {"match": {"room": "lobby"}, "action": "copy", "to": {"room": "archive"}},
    {"match": {"clientType": "web-*", "type": "0"}, "action": "drop"},
]


def open_house(start_broker: StartBroker, *clients: str, **server: Any) -> Broker:
    """A broker whose monitor may ask for a key."""
    trusted: dict[str, dict[str, Any]] = {name: {} for name in clients}
    return start_broker(
        trusted, monitorsMayGetKey=True, newKeysPerMinute=1_000, **server
    )


def logged(broker: Broker, event: str) -> list[dict[str, Any]]:
    """The fields of the lines of the log that are about an event, or say a text."""
    lines = (broker.data / "logs" / "combined.log").read_text("utf-8").splitlines()
    return [
        json.loads(lines[number + 1])
        for number, line in enumerate(lines)
        if f"[{event}]" in line or line.endswith(event)
    ]


def read(path: Path) -> dict[str, Any]:
    """A client's settings file."""
    values: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return values


def by_name(entries: Iterable[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """What ``GET_KEYS`` tells, by client."""
    return {entry["clientId"]: entry for entry in entries}


# -- instances


def test_instance_that_drains_finishes_and_takes_nothing_new(
    node: Node, start_broker: StartBroker
) -> None:
    """Section 17: also what waits for it already; until it is let work again."""
    own = open_house(start_broker, "guest", *BOTH)
    result = node("console", "drain", url=own.url, extensions=BOTH, clientId="guest")
    alone, named = result["refused"]["alone"], result["refused"]["named"]
    own.stop()

    assert result["drained"]["state"] == "draining"
    assert result["drained"]["identity"] == BOTH[0]
    assert (alone["code"], named["code"]) == (10503, 10503)
    assert f"draining: {BOTH[0]}" in alone["message"]
    assert f"'{BOTH[0]}' is draining" in named["message"]
    assert result["answers"] == ["kept", "kept", "moved"]
    assert result["listed"] == [BOTH[1]]
    assert (result["again"]["state"], result["after"]) == ("idle", "ok")
    assert result["busy"] == "busy"
    assert (result["unknown"]["code"], result["malformed"]) == (401, 3)
    (by,) = logged(own, f"{BOTH[0]} takes nothing new")
    assert by == {"identity": BOTH[0], "by": "monitor"}


def test_removed_instance_is_gone_for_good(
    node: Node, start_broker: StartBroker
) -> None:
    """Section 17: at once, here or away; what it had ends."""
    own = open_house(start_broker, "guest", *BOTH)
    result = node("console", "remove", url=own.url, extensions=BOTH, clientId="guest")
    own.stop()

    assert result["removed"]["identity"] == BOTH[0]
    assert result["away"]["identity"] == BOTH[1]
    assert [each["status"] for each in result["statuses"]] == ["failed", "failed"]
    assert [each["error"]["code"] for each in result["statuses"]] == [10503, 10503]
    assert (result["unknown"], result["target"]) == (401, 401)
    assert [each["by"] for each in logged(own, "was removed")] == ["monitor"] * 2


# -- trust and keys


def test_client_is_trusted_and_trusted_no_longer(
    node: Node, start_broker: StartBroker
) -> None:
    """Section 17: at once, and on disk; its keys go with its trust."""
    own = start_broker(
        {"filed": {"theme": "dark"}}, monitorsMayGetKey=True, newKeysPerMinute=1_000
    )
    result = node("console", "trust", url=own.url, clientId="new", filed="filed")
    settings = read(own.settings / "filed-settings.json")
    own.kill()
    own.restart()
    join = {"auth": {"clientId": "new", "key": "getKey"}, "url": own.url}

    assert result["before"] == 6
    assert [(ack["clientId"], ack["trusted"]) for ack in result["acks"]] == [
        ("new", True),
        ("new", True),
        ("new", False),
        ("new", True),
        ("filed", False),
        ("filed", True),
    ]
    assert result["after"] == [6, 6, 6]
    assert result["again"] == 5
    assert (result["shut"], result["open"]) == (6, "ok")
    assert result["unknown"] == 401
    assert settings == {"clientId": "filed", "isTrust": True, "theme": "dark"}
    assert node("handshake", "join", **join) is None
    assert {each["by"] for each in logged(own, "CLIENT_ADDED")} == {"monitor"}
    taken = [each for each in logged(own, "CLIENT_REMOVED") if "by" in each]
    assert [each["clientId"] for each in taken] == ["new", "filed"]


def test_key_is_made_used_listed_and_revoked(
    node: Node, start_broker: StartBroker
) -> None:
    """Section 17: in plain once; listed by its id, with where it was shown last."""
    own = open_house(start_broker, "guest")
    result = node("console", "keys", url=own.url, clientId="guest", stranger="new")
    made, key_id = result["made"], result["made"]["keyId"]
    unused, used = (by_name(result[name]["clients"]) for name in ("unused", "used"))
    own.stop()

    assert made["key"].split("_")[1] == key_id
    assert unused["new"]["keys"][0]["lastAddress"] is None
    assert unused["new"]["online"] == 0
    (key,) = used["new"]["keys"]
    assert key["id"] == key_id
    assert key["lastAddress"] == "127.0.0.1"
    assert key["createdAt"] <= key["lastUsedAt"]
    assert (used["new"]["online"], used["new"]["trusted"]) == (1, True)
    assert {name: used[name]["kind"] for name in used} == {
        "guest": "client",
        "new": "client",
        "monitor": "monitor",
        "SillyTavern-afar": "SillyTavern",
    }
    assert len(used["monitor"]["keys"]) == 2
    assert not {made["key"], result["guestKey"]} & set(str(result["used"]).split("'"))
    assert "$2" not in str(result["used"])
    assert result["revoked"]["removed"] == [key_id]
    assert (result["again"]["code"], result["again"]["removed"]) == (61, [])
    assert (result["whole"], result["unknown"], result["refused"]) == (402, 401, 5)
    generated = [each for each in logged(own, "CLIENT_KEY_GENERATED") if "by" in each]
    assert [(each["clientId"], each["by"]) for each in generated] == [
        ("new", "monitor"),
        ("SillyTavern-afar", "monitor"),
        ("monitor", "monitor"),
    ]
    (removed,) = logged(own, "CLIENT_KEY_REMOVED")
    assert removed == {"clientId": "new", "keyIds": [key_id], "by": "monitor"}


def test_monitor_rules_over_everybody_but_other_monitors(
    node: Node, start_broker: StartBroker
) -> None:
    """Section 17: nor does it make more of them, or take what is reserved."""
    boss = {"clientType": "monitor"}
    own = start_broker(
        {"other": boss, "off": {**boss, "isTrust": False}, "guest": {}},
        monitorsMayGetKey=True,
        newKeysPerMinute=1_000,
    )
    asked = {"other": "other", "off": "off", "clientId": "guest", "identity": "tab-1"}
    result = node("console", "limits", url=own.url, **asked)

    assert set(result["codes"]) == {
        "other",
        "off",
        "server",
        "all",
        "auto",
        "monitor-room",
    }
    assert {each["code"] for codes in result["codes"].values() for each in codes} == {6}
    assert "another monitor" in result["codes"]["off"][0]["message"]
    assert set(result["malformed"]) == {3}
    assert result["itself"]["code"] == 6
    assert (result["newMonitor"]["code"], result["oldClient"]["code"]) == (6, 6)
    assert "tapster clients trust boss-2" in result["newMonitor"]["message"]
    assert (result["identity"]["code"], result["room"]["code"]) == (6, 6)
    assert result["still"] == 6


def test_console_is_for_monitors_alone(
    node: Node, broker: Broker, names: Names
) -> None:
    """Section 17: code 6 for SillyTaverns, and for everybody else."""
    codes = node(
        "console",
        "others",
        url=broker.url,
        extensionId=names.extension(),
        clientId=names.client(),
    )

    assert codes == [6] * 18


# -- settings, rules and logs


def test_settings_and_rules_are_seen_and_tried(
    node: Node, start_broker: StartBroker
) -> None:
    """Section 17: each with what it does; nothing is sent by trying."""
    own = open_house(start_broker, reconnectGrace=5)
    own.stop()
    (own.settings / "routes.json").write_text(json.dumps(RULES))
    own.restart()
    tried = [
        {"event": "LLM_REQUEST", "source": "bobby"},
        {"event": "message", "source": "ann", "room": "lobby"},
        {"event": "m", "source": "ann", "clientType": "web-app", "type": 0},
        {"event": "m", "source": "ann", "target": ["a", "b"], "room": "garden"},
    ]
    result = node("console", "inspect", url=own.url, mode="Separate", tried=tried)
    settings = {each["name"]: each for each in result["settings"]}
    to_one, copied, dropped, unruled = result["verdicts"]
    (changed,) = result["changed"]

    assert settings["reconnectGrace"]["value"] == 5
    assert settings["reconnectGrace"]["default"] == 30
    assert settings["reconnectGrace"]["unit"] == "seconds"
    assert set(settings["reconnectGrace"]["about"]) == {"en", "zh"}
    assert changed["value"] == "Separate"
    assert changed["changedBy"] == "SET_MESSAGE_REQUEST_MODE"
    assert result["routes"]["rules"] == RULES
    assert result["routes"]["file"].endswith("routes.json")
    assert "error" not in result["routes"]
    assert (to_one["rule"], to_one["action"]) == (0, "deliver")
    assert to_one["to"] == {"identity": "SillyTavern-2"}
    assert to_one["explanation"] == (
        "rule 1 is the first that fits: it goes to the identity 'SillyTavern-2', "
        "and not where its sender meant"
    )
    assert (copied["rule"], copied["to"]) == (1, {"room": "archive"})
    assert copied["explanation"] == (
        "rule 2 is the first that fits: it goes where its sender meant, and to the "
        "room 'archive' as well; rule 1 does not fit: event"
    )
    assert (dropped["rule"], "to" in dropped) == (2, False)
    assert dropped["explanation"].startswith(
        "rule 3 is the first that fits: it goes nowhere; "
    )
    assert unruled["rule"] is None
    assert unruled["explanation"].startswith("no rule fits: it goes where its sender")
    assert result["malformed"] == 3


def test_fault_of_the_rules_is_shown_beside_those_in_force(
    node: Node, start_broker: StartBroker
) -> None:
    """Section 17: with its line, until the file is mended."""
    own = open_house(start_broker)
    (own.settings / "routes.json").write_text("[\n")
    result: dict[str, Any] = {}
    while "error" not in result:
        asked = {"url": own.url, "mode": "Default", "tried": []}
        result = node("console", "inspect", **asked)["routes"]

    assert result["rules"] == []
    assert "line" in result["error"]


def test_log_is_searched(node: Node, start_broker: StartBroker) -> None:
    """Section 17: any text in a record, case does not count."""
    own = open_house(start_broker)
    asked = [
        {"search": "SERVER_start"},
        {"search": "the broker LISTENS"},
        {"search": "no such words"},
        {"search": "x" * 201},
        {"search": 7},
    ]
    start, listens, nothing, long, number = node(
        "console", "search", url=own.url, asked=asked
    )

    assert (start["total"], len(start["lines"])) == (1, 1)
    assert start["lines"] == listens["lines"]
    assert (nothing["total"], nothing["lines"]) == (0, [])
    assert (long["code"], number["code"]) == (3, 3)
