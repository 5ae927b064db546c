"""Routing rules: which fits, and what a rule may not say."""

from __future__ import annotations

from typing import Any

import pytest

from actors.routing import (
    MAX_RULES,
    NO_RULES,
    Destination,
    Match,
    RoutingAction,
    Rule,
    Rulebook,
    Traffic,
    Words,
    place,
    written,
)

HERE = Traffic(
    event="LLM_REQUEST",
    source="ann",
    client_type="web-app",
    type="question",
    target="SillyTavern-1",
    room="lobby",
)


def drop(**fields: str) -> Rule:
    """A rule that drops what has these fields."""
    match = {name: Words([text]) for name, text in fields.items()}
    return Rule(Match(**match), RoutingAction.DROP)


@pytest.mark.parametrize(
    "fields",
    [
        {"event": "LLM_REQUEST"},
        {"source": "ann"},
        {"client_type": "web-app"},
        {"type": "question"},
        {"target": "SillyTavern-1"},
        {"room": "lobby"},
        {"event": "LLM_REQUEST", "source": "ann", "room": "lobby"},
        {},
    ],
    ids=str,
)
def test_rule_fits_what_has_all_it_names(fields: dict[str, str]) -> None:
    """One that names nothing fits everything."""
    rule = drop(**fields)

    assert Rulebook((rule,)).decide(HERE) is rule


@pytest.mark.parametrize(
    "fields",
    [
        {"event": "message"},
        {"source": "Ann"},
        {"client_type": "monitor"},
        {"type": "answer"},
        {"target": "SillyTavern-2"},
        {"room": "lob"},
        {"event": "LLM_REQUEST", "source": "bob"},
    ],
    ids=str,
)
def test_rule_does_not_fit_what_differs_in_one_field(fields: dict[str, str]) -> None:
    """All fields it names must fit, and exactly."""
    assert Rulebook((drop(**fields),)).decide(HERE) is None


def test_first_rule_that_fits_wins() -> None:
    """The order of the file is the order of the trials."""
    other, first, second = drop(room="attic"), drop(room="lobby"), drop()

    assert Rulebook((other, first, second)).decide(HERE) is first


def test_without_rules_nothing_is_decided() -> None:
    """All goes where it would go."""
    assert NO_RULES.decide(HERE) is None


@pytest.mark.parametrize("field", ["client_type", "type", "target", "room"])
@pytest.mark.parametrize("text", ["x", "*"])
def test_what_is_not_there_fits_no_text(field: str, text: str) -> None:
    """Not even ``*``."""
    bare = Traffic(event="message", source="ann")

    assert Rulebook((drop(**{field: text}),)).decide(bare) is None


def test_list_means_any_of_its_texts() -> None:
    """One that fits is enough."""
    words = Words(["ann", "bob", "cas*"])

    fitting = [words.fit(name) for name in ("ann", "bob", "cas", "casper", "an", "ca")]
    assert fitting == [True, True, True, True, False, False]


def test_star_alone_fits_all_that_is_there() -> None:
    """The empty text included."""
    assert [Words(["*"]).fit(value) for value in ("", "x", 0, None)] == [
        True,
        True,
        True,
        False,
    ]


def test_number_as_type_is_its_digits() -> None:
    """``type: 0`` of the wire is ``"0"`` of a rule."""
    answer = Traffic(event="message", source="SillyTavern", type=0)

    assert Rulebook((drop(type="0"),)).decide(answer) is not None
    assert Rulebook((drop(type="1"),)).decide(answer) is None


def test_one_of_several_targets_is_enough() -> None:
    """A request may name a list of extensions."""
    both = Traffic(event="LLM_REQUEST", source="ann", target=("a", "b"))

    assert Rulebook((drop(target="b"),)).decide(both) is not None
    assert Rulebook((drop(target="c"),)).decide(both) is None


@pytest.mark.parametrize(
    ("texts", "reason"),
    [
        ([], "without texts"),
        ([""], "is empty"),
        (["a*b"], "last character"),
        (["*a"], "last character"),
        (["a**"], "last character"),
    ],
)
def test_texts_that_mean_nothing_are_refused(texts: list[str], reason: str) -> None:
    """A rule that can not do what it seems to say would be found out too late."""
    with pytest.raises(ValueError, match=reason):
        Words(texts)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"all": False},
        {"room": ""},
        {"room": "a", "identity": "b"},
        {"room": "a", "all": True},
    ],
    ids=str,
)
def test_destination_is_one_place(fields: dict[str, Any]) -> None:
    """None, or two, are refused."""
    with pytest.raises(ValueError, match="one destination"):
        Destination(**fields)


@pytest.mark.parametrize("action", [RoutingAction.DELIVER, RoutingAction.COPY])
def test_deliver_and_copy_need_a_destination(action: RoutingAction) -> None:
    """They go somewhere."""
    with pytest.raises(ValueError, match=f"{action} needs a destination"):
        Rule(Match(), action)

    assert Rule(Match(), action, Destination(room="a")).to == Destination(room="a")


def test_drop_has_no_destination() -> None:
    """It goes nowhere."""
    with pytest.raises(ValueError, match="drop goes nowhere"):
        Rule(Match(), RoutingAction.DROP, Destination(all=True))


def test_number_of_rules_is_bounded() -> None:
    """They are tried one by one, with every message."""
    Rulebook((drop(),) * MAX_RULES)

    with pytest.raises(ValueError, match="1001 rules, at most 1000"):
        Rulebook((drop(),) * (MAX_RULES + 1))


# -- explained


EVERY_KIND = (
    drop(source="bob"),
    drop(room="garden*", event="message"),
    Rule(
        Match(event=Words(["LLM_REQUEST", "message"]), client_type=Words(["web-*"])),
        RoutingAction.COPY,
        Destination(room="archive"),
    ),
    drop(),
)


def test_explanation_names_the_rule_and_why_none_before_it_fits() -> None:
    """The field is named as it stands in the file."""
    rules = (*EVERY_KIND[:2], drop(client_type="bot"), *EVERY_KIND[2:])
    told = Rulebook(rules).explain(HERE)

    assert (told.rule, told.index) == (EVERY_KIND[2], 3)
    assert told.misfits == ("source", "event", "clientType")


def test_explanation_of_what_no_rule_fits_has_a_reason_for_each() -> None:
    """It goes where its sender meant."""
    told = Rulebook(EVERY_KIND[:2]).explain(HERE)

    assert (told.rule, told.index) == (None, None)
    assert told.misfits == ("source", "event")


@pytest.mark.parametrize(
    "traffic",
    [
        HERE,
        Traffic(event="message", source="bob"),
        Traffic(event="message", source="ann", room="garden-2"),
        Traffic(event="message", source="ann", target=("x", "y"), type=0),
    ],
    ids=lambda traffic: traffic.source,
)
def test_explanation_is_what_would_be_decided(traffic: Traffic) -> None:
    """One for the operator, one for every message."""
    rulebook = Rulebook((*EVERY_KIND[:3], drop(target="y", type="0")))

    assert rulebook.explain(traffic).rule is rulebook.decide(traffic)


def test_rules_are_shown_as_they_were_written() -> None:
    """Texts in their order, and nothing that was not there."""
    assert [written(rule) for rule in EVERY_KIND[2:]] == [
        {
            "match": {"event": ["LLM_REQUEST", "message"], "clientType": "web-*"},
            "action": "copy",
            "to": {"room": "archive"},
        },
        {"match": {}, "action": "drop"},
    ]
    assert place(Destination(all=True)) == {"all": True}
