"""The log of those who rule the house: whole, apart, and without secrets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from actors.errors import Code, RefusedError
from broker.logs.audit import MOST_NAMES, Action
from broker.logs.journal import Journal
from broker.logs.record import Level
from broker.protocol.wire import LogFile, LogFilter

from .books import PLENTY

KEY = f"tap_0123456789abcdef_{'s' * 43}"


def action(**about: Any) -> Action:
    """Something a monitor does."""
    return Action(
        who="boss", client="monitor", address="192.0.2.7", what="DO_IT", about=about
    )


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """Open one that takes errors alone."""
    opened = Journal(tmp_path, Level.ERROR, max_size=PLENTY, max_files=5)
    yield opened
    opened.close()


def read(journal: Journal, name: LogFile = LogFile.AUDIT) -> list[str]:
    """What stands in a log."""
    return journal.read(name, LogFilter.ALL, 1, 100).lines


def fields_of(line: str) -> dict[str, Any]:
    """The second line of a record."""
    fields: dict[str, Any] = json.loads(line.partition("\n")[2])
    return fields


def test_action_says_who_from_where_what_about_whom_and_the_outcome(
    journal: Journal,
) -> None:
    """Whatever the level of the other logs is."""
    journal.audit.done(action(clientId="guest"), {"keyId": "k1"})
    (line,) = read(journal)

    assert " [info] [broker.audit] [DO_IT]: boss did it\n" in line
    assert fields_of(line) == {
        "who": "boss",
        "clientId": "monitor",
        "from": "192.0.2.7",
        "what": "DO_IT",
        "about": {"clientId": "guest"},
        "outcome": "done",
        "result": {"keyId": "k1"},
    }


def test_refused_action_says_why(journal: Journal) -> None:
    """With its code, as a warning."""
    journal.audit.refused(action(), RefusedError("not you"))
    (line,) = read(journal)

    assert f" [warn] [broker.audit] [{Code.AUTHORISATION_FAILED}] [DO_IT]" in line
    assert fields_of(line)["outcome"] == "refused"
    assert fields_of(line)["reason"] == "not you"


def test_actions_stand_in_no_other_log(journal: Journal) -> None:
    """What others say can not push them out."""
    journal.audit.done(action(), {})

    assert read(journal, LogFile.COMBINED) == []
    assert read(journal, LogFile.INFO) == []


def test_long_list_leaves_room_for_the_rest(journal: Journal) -> None:
    """Nobody hides an action behind a thousand names."""
    journal.audit.done(action(extensions=["x" * 128] * 1_000), {})
    (line,) = read(journal)
    shown = fields_of(line)["about"]["extensions"]

    assert len(shown) == MOST_NAMES + 1
    assert shown[-1] == "and 980 more"


def test_key_that_was_sent_as_a_name_is_not_written(journal: Journal) -> None:
    """Some mistake the one for the other."""
    journal.audit.refused(action(keyId=KEY), RefusedError(f"no client {KEY!r}"))
    (line,) = read(journal)

    assert "s" * 22 not in line
    assert line.count("tap_0123456789abcdef_…") == 2
