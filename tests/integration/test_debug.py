"""``/debug``: debug mode, figures and logs; and what no log ever holds."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import pytest

from broker import __version__

from .harness import Broker, Names, Node, StartBroker

SILLY_TAVERN: Final = "SillyTavern-1"
LINE: Final = re.compile(
    r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \[(debug|info|warn|error)\] \[[\w.]+\]"
    r"( \[\d+\])?( \[[A-Z_]+\])?: .*"
)


def open_house(start_broker: StartBroker, *clients: str, **server: Any) -> Broker:
    """A broker whose monitor may ask for a key."""
    trusted: dict[str, dict[str, Any]] = {name: {} for name in clients}
    return start_broker(trusted, monitorsMayGetKey=True, **server)


def everything_logged(broker: Broker) -> str:
    """What stands in all log files and on stderr."""
    paths: list[Path] = [*(broker.data / "logs").glob("*.log*"), broker.root / "stderr"]
    return "\n".join(path.read_text(encoding="utf-8") for path in paths)


def test_debug_mode_is_toggled_and_told_to_all(
    node: Node, start_broker: StartBroker
) -> None:
    """Section 13: by monitors and SillyTaverns; to all in ``/debug``."""
    own = open_house(start_broker, "guest")
    result = node(
        "debug", "toggle", url=own.url, extensionId=SILLY_TAVERN, clientId="guest"
    )
    on, shown_on, off, shown_off = result["acks"]

    assert (on["status"], on["debugMode"], shown_on) == ("ok", True, True)
    assert (off["status"], off["debugMode"], shown_off) == ("ok", False, False)
    assert result["refused"] == 6
    assert result["heard"] == [[{"debugMode": True}, {"debugMode": False}]] * 3


def test_status_has_true_figures(node: Node, start_broker: StartBroker) -> None:
    """Section 13."""
    own = open_house(start_broker, "guest")
    result = node(
        "debug", "status", url=own.url, extensionId=SILLY_TAVERN, clientId="guest"
    )
    before, during, after = (result[name] for name in ("before", "during", "after"))
    address, _, port = own.url.rpartition(":")

    assert before["version"] == __version__
    assert (before["serverAddress"], before["serverPort"]) == (address, int(port))
    assert before["networkSafe"] is True
    assert before["debugMode"] is False
    assert (before["connections"], before["clients"], before["extensions"]) == (3, 3, 1)
    assert before["rooms"] == 3
    assert before["requests"] == {
        "active": 0,
        "queued": 0,
        "completed": 0,
        "failed": 0,
    }
    assert (during["requests"]["active"], during["requests"]["queued"]) == (1, 1)
    # Two relays, and the room of who ordered, which was no actor before.
    assert during["actors"] == before["actors"] + 3
    assert after["requests"] == {
        "active": 0,
        "queued": 0,
        "completed": 1,
        "failed": 1,
    }
    assert after["chunks"] == 4
    assert after["actors"] == before["actors"] + 1
    assert 0 < before["uptime"] < after["uptime"] < 60
    assert 10 << 20 < after["memory"] < 1 << 30
    assert 0 <= after["loopLagP99"] <= after["loopLag"] < 10_000
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", after["startTime"])
    assert result["byExtension"] == "ok"
    assert result["byGuest"] == 6


def test_log_is_read_page_by_page(node: Node, start_broker: StartBroker) -> None:
    """Section 13: page 1 the newest, newest last; survives kill -9."""
    own = open_house(start_broker, "guest")
    page = {"filename": "combined.log", "level": "all", "page": 1, "pageSize": 1}
    first = node("debug", "read", url=own.url, asked=[page, {**page, "page": 2}])
    own.kill()
    for path in (own.data / "logs" / "index").iterdir():
        path.write_bytes(path.read_bytes()[:-5])
    own.restart()
    auth = {"key": first["key"]}
    everything = {**page, "pageSize": 100}
    by_level = [{**everything, "level": level} for level in ("info", "warn", "error")]
    second = node(
        "debug", "read", url=own.url, auth=auth, asked=[everything, *by_level]
    )
    newest, older = (answer["lines"] for answer in first["answers"])
    whole, info, warn, error = second["answers"]

    assert whole["status"] == "ok"
    assert {name: whole[name] for name in ("page", "pageSize", "level")} == {
        "page": 1,
        "pageSize": 100,
        "level": "all",
    }
    assert whole["total"] == len(whole["lines"])
    assert all(LINE.fullmatch(line.split("\n")[0]) for line in whole["lines"])
    heads = "\n".join(whole["lines"])
    assert heads.count("[SERVER_START]") == 2
    assert heads.count("[CLIENT_CONNECTED]") == 2
    assert [*older, *newest] == next(
        [first, then] for first, then in pairwise(whole["lines"]) if then == newest[0]
    )
    assert info["total"] + warn["total"] + error["total"] == whole["total"]
    assert error["lines"] == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"filename": "../tapster.sqlite3"},
        {"filename": "combined.log.1"},
        {"filename": 7},
        {"level": "debug"},
        {"level": None},
        {"page": 0},
        {"page": "1"},
        {"page": 1.5},
        {"pageSize": 0},
        {"pageSize": 101},
    ],
    ids=str,
)
def test_wrong_question_is_refused(
    node: Node, monitored: Broker, wrong: dict[str, Any]
) -> None:
    """Section 13: these files, these levels, pages from 1, at most 100; code 3."""
    result = node("debug", "read", url=monitored.url, asked=[wrong])

    assert result["answers"][0]["code"] == 3


@pytest.fixture(scope="module")
def monitored(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Run a broker that those who only ask may share."""
    server = {"monitorsMayGetKey": True, "newKeysPerMinute": 100}
    shared = Broker(tmp_path_factory.mktemp("monitored"), server=server)
    shared.start()
    yield shared
    shared.stop()


def test_logs_are_for_monitors_alone(node: Node, broker: Broker, names: Names) -> None:
    """Section 13: code 6 for SillyTaverns, and for everybody else."""
    codes = node(
        "debug",
        "readers",
        url=broker.url,
        extensionId=names.extension(),
        clientId=names.client(),
    )

    assert codes == [6, 6]


def test_stderr_that_is_no_terminal_gets_the_same_lines(
    node: Node, start_broker: StartBroker
) -> None:
    """One a record, whatever the width of a terminal would be."""
    own = open_house(start_broker)
    node("debug", "read", url=own.url, asked=[{}])
    said = (own.root / "stderr").read_text(encoding="utf-8").splitlines()
    heads = [line for line in said if not line.startswith("{")]

    assert any("[SERVER_START]" in line for line in heads)
    assert [line for line in heads if not LINE.fullmatch(line)] == []


@pytest.mark.parametrize("level", ["info", "warn"])
def test_no_log_holds_a_key_a_password_or_what_was_said(
    node: Node, start_broker: StartBroker, level: str
) -> None:
    """Above debug: neither the files nor stderr, whatever went wrong."""
    secret, password = "hush-hush-beer", "pass-the-bottle-word-0123456789"
    own = open_house(start_broker, "guest", logLevel=level)
    keys = node(
        "debug",
        "secrets",
        url=own.url,
        extensionId=SILLY_TAVERN,
        clientId="guest",
        secret=secret,
        password=password,
    )
    refused = {"clientId": "guest", "key": f"tap_0123456789ab_{password}"}
    node("handshake", "join", url=own.url, auth=refused)
    own.stop()
    logged = everything_logged(own)

    assert len(keys) == 4
    assert all(key.startswith("tap_") for key in keys)
    assert [word for word in (secret, password, *keys) if word in logged] == []
    assert ("[LLM_REQUEST_RECEIVED]" in logged) is (level == "info")
    assert ("[CLIENT_AUTH_FAILED]" in logged) is (level == "info")
    assert "[info]" in logged or level == "warn"
