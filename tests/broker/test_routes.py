"""``settings/routes.json``: read whole or not at all."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path
from typing import Any

import pytest

from actors.routing import NO_RULES, Destination, RoutingAction, Traffic
from broker.config import SettingsError
from broker.routes import ROUTES_FILE, RoutesFile, read_routes

SAID = Traffic(event="message", source="ann", client_type="web-app", type=0)
DROP_ALL = {"match": {}, "action": "drop"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the file is."""
    return tmp_path / ROUTES_FILE


def write(path: Path, content: Any) -> None:
    """Write a file that differs from the one before in its stamp."""
    before = path.stat().st_mtime_ns if path.exists() else 0
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    later = max(before, path.stat().st_mtime_ns) + 1_000_000
    os.utime(path, ns=(later, later))


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What the log warns of."""
    return [r.message for r in caplog.records if r.levelno == logging.WARNING]


def test_rules_are_read_in_their_order(path: Path) -> None:
    """Every field, every action, every destination."""
    match = {
        "event": "message",
        "type": [0, "note"],
        "source": "an*",
        "clientType": ["web-app", "discord-bot"],
    }
    write(
        path,
        [
            {"match": {"target": "bob"}, "action": "drop"},
            {"match": {"room": "attic"}, "to": {"room": "a"}, "action": "deliver"},
            {"match": match, "to": {"identity": "b"}, "action": "copy"},
            {"match": {}, "to": {"all": True}, "action": "copy"},
        ],
    )
    rules = read_routes(path)

    assert [rule.action for rule in rules.rules] == [
        RoutingAction.DROP,
        RoutingAction.DELIVER,
        RoutingAction.COPY,
        RoutingAction.COPY,
    ]
    assert [rule.to for rule in rules.rules] == [
        None,
        Destination(room="a"),
        Destination(identity="b"),
        Destination(all=True),
    ]
    assert rules.decide(SAID) is rules.rules[2]


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ('"drop"', "Expected `object`"),
        ('{"action": "drop"}', "missing required field `match`"),
        ('{"match": {}}', "missing required field `action`"),
        ('{"match": {},\n"action": "eat"}', "'eat' - at `$.action`"),
        ('{"match": {},\n"action": 1}', "got `int` - at `$.action`"),
        ('{"match": {}, "action": "drop",\n"note": 1}', "unknown field `note`"),
        ('{"action": "drop", "match": {\n"evnt": "a"}}', "unknown field `evnt`"),
        ('{"action": "drop", "match": {\n"client_type": "a"}}', "`client_type`"),
        ('{"action": "drop", "match": {\n"event": ""}}', "is empty"),
        ('{"action": "drop", "match": {\n"event": []}}', "without texts"),
        ('{"action": "drop", "match": {\n"event": "*S"}}', "* must be the last"),
        ('{"action": "drop", "match": {\n"type": true}}', "expected a text"),
        ('{"action": "drop", "match": {\n"room": [["a"]]}}', "expected a text"),
        ('{"match": {}, "action": "copy"}', "copy needs a destination"),
        ('{"match": {}, "action": "deliver"}', "deliver needs a destination"),
        ('{"match": {}, "action": "copy",\n"to": {}}', "one destination"),
        (
            '{"match": {}, "action": "copy",\n"to": {"room": "a", "all": true}}',
            "one destination",
        ),
        (
            '{"match": {"room": "a"}, "action": "copy", "to": {\n"room": 1}}',
            "got `int` - at `$.to.room`",
        ),
        (
            '{"match": {}, "action": "copy", "to": {\n"place": "a"}}',
            "unknown field `place`",
        ),
        ('{"match": {}, "action": "drop", "to": {"all": true}}', "leave its to out"),
    ],
)
def test_bad_rule_refuses_the_file(path: Path, rule: str, reason: str) -> None:
    """File, line, the rule's number, and why."""
    write(path, f'[\n  {{"match": {{}}, "action": "drop"}},\n  {rule}\n]')
    line = 4 if "\n" in rule else 3

    with pytest.raises(SettingsError) as refused:
        read_routes(path)

    assert str(refused.value).startswith(f"{path}, line {line}: rule 2: ")
    assert reason in str(refused.value)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[\n{\n]", ", line 3: "),
        ("", ", line 1: "),
        ('[\n"\ud800"]', ", line 2: this is no UTF-8"),
        ("{}", ": must be a list of rules in brackets"),
        (json.dumps([DROP_ALL] * 1_001), ": 1001 rules, at most 1000 may be"),
    ],
    ids=["half", "empty", "no text", "no list", "too many"],
)
def test_file_that_is_no_list_of_rules_is_refused(
    path: Path, text: str, reason: str
) -> None:
    """With the line, where there is one."""
    path.write_bytes(text.encode("utf-8", "surrogatepass"))

    with pytest.raises(SettingsError) as refused:
        read_routes(path)

    assert str(refused.value).startswith(f"{path}{reason}")


def test_equal_rules_are_told_apart_by_their_lines(path: Path) -> None:
    """The same text twice: the line is that of the one meant."""
    bad = '{"match": {}, "action": "eat"}'
    nested = '{"match": {"event": "{\\"match\\": {}, \\"action\\": \\"eat\\"}"}'
    write(path, f'[\n{nested}, "action": "drop"}},\n{bad}, {bad}]')

    with pytest.raises(SettingsError, match="line 3: rule 2"):
        read_routes(path)


def test_as_many_rules_as_allowed_are_read(path: Path) -> None:
    """A thousand."""
    write(path, [DROP_ALL] * 1_000)

    assert len(read_routes(path).rules) == 1_000


def test_without_a_file_there_are_no_rules(tmp_path: Path) -> None:
    """None is shipped."""
    routes = RoutesFile(tmp_path)
    routes.read()

    assert routes.rules is NO_RULES


def test_bad_file_at_the_start_is_an_error(tmp_path: Path, path: Path) -> None:
    """As with the server's settings."""
    write(path, "{}")

    with pytest.raises(SettingsError, match="must be a list"):
        RoutesFile(tmp_path).read()


def test_changed_file_is_read_again(tmp_path: Path, path: Path) -> None:
    """Hot-reloaded: made, changed, removed."""
    routes = RoutesFile(tmp_path)
    routes.refresh()
    numbers = []
    for rules in ([DROP_ALL], [DROP_ALL, DROP_ALL], []):
        write(path, rules)
        routes.refresh()
        numbers.append(len(routes.rules.rules))
    write(path, [DROP_ALL])
    routes.refresh()
    path.unlink()
    routes.refresh()

    assert numbers == [1, 2, 0]
    assert routes.rules is NO_RULES


def test_unchanged_file_is_not_read_again(tmp_path: Path, path: Path) -> None:
    """The same rulebook stays, so that whoever holds it may compare."""
    write(path, [DROP_ALL])
    routes = RoutesFile(tmp_path)
    routes.read()
    rules = routes.rules
    routes.refresh()

    assert routes.rules is rules


def test_bad_change_is_warned_of_once_and_the_old_rules_stay(
    tmp_path: Path, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Section 8: a bad file is refused whole, with the line."""
    write(path, [DROP_ALL])
    routes = RoutesFile(tmp_path)
    routes.read()
    rules = routes.rules
    write(path, [DROP_ALL, {"match": {}, "action": "eat"}])
    for _ in range(3):
        routes.refresh()

    (warning,) = warnings(caplog)
    assert f"{path}, line 1: rule 2: " in warning
    assert warning.endswith("; the routing rules stay as they were")
    assert routes.rules is rules


def test_mended_file_counts_again(tmp_path: Path, path: Path) -> None:
    """And another bad one is warned of again."""
    routes = RoutesFile(tmp_path)
    write(path, "[")
    routes.refresh()
    write(path, [DROP_ALL])
    routes.refresh()

    assert len(routes.rules.rules) == 1


def test_every_bad_change_is_warned_of(
    tmp_path: Path, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Once each."""
    routes = RoutesFile(tmp_path)
    for text in ("[", "{}"):
        write(path, text)
        routes.refresh()
        routes.refresh()

    assert len(warnings(caplog)) == 2


def test_file_that_can_not_be_read_is_warned_of(
    tmp_path: Path, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A folder of that name, here."""
    path.mkdir()
    RoutesFile(tmp_path).refresh()

    (warning,) = warnings(caplog)
    assert "can not be read" in warning


def test_fault_of_the_file_is_known_until_it_is_mended(path: Path) -> None:
    """Operators see it beside the rules that stay in force."""
    routes = RoutesFile(path.parent)
    write(path, [DROP_ALL])
    routes.refresh()
    before = routes.error
    write(path, "[")
    routes.refresh()
    fault = routes.error
    routes.refresh()
    still = routes.error
    write(path, [])
    routes.refresh()

    assert before is None
    assert fault is not None
    assert fault.startswith(f"{path}, line 1")
    assert still == fault
    assert routes.error is None
