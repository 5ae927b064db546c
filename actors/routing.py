"""Routing rules: what the operator sends elsewhere than its sender meant.

Pure. A rule says which traffic it is for and what becomes of that; of all rules the
first that fits is the only one that counts.

``deliver``  it goes to the rule's destination instead of where it would go
``copy``     it goes where it would go, and to the destination as well
``drop``     it goes nowhere, and needs no destination

A match holds a text, or a list of which any one fits, for each field it names; all
fields it names must fit, and one that names none fits everything. Case counts. A text
that ends in ``*`` fits all that begins like it, ``*`` alone everything that is there
at all; a name that itself has a ``*`` can only be met so. A field that the traffic
does not have fits no text. Of several targets one that fits is enough. A number as
type means the same as its digits.

Rules are not for acks, keys and requests in ``Separate``, and the chunks of an answer
go as its request was decided: whoever asks a ``Rulebook`` sees to both.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Any, Final

import msgspec

MAX_RULES: Final = 1_000
"""Rules are tried one after the other: more would be felt with every message."""

_WILDCARD: Final = "*"


class RoutingAction(StrEnum):
    """What becomes of traffic that a rule fits."""

    DELIVER = "deliver"
    COPY = "copy"
    DROP = "drop"


class Words:
    """The texts that a field may have."""

    __slots__ = ("_exact", "_prefixes", "texts")

    def __init__(self, texts: Iterable[str]) -> None:
        """Take the texts, a ``*`` at the end for what begins so.

        Raises:
            ValueError: there is none, one is empty, or a ``*`` stands elsewhere.
        """
        self.texts = tuple(texts)
        """As the operator wrote them."""
        exact, prefixes = [], []
        for text in self.texts:
            if not text:
                raise ValueError("a text to match is empty: leave the field out")
            if _WILDCARD in text[:-1]:
                raise ValueError(f"in {text!r}, * must be the last character")
            if text.endswith(_WILDCARD):
                prefixes.append(text.removesuffix(_WILDCARD))
            else:
                exact.append(text)
        if not exact and not prefixes:
            raise ValueError("a list without texts matches nothing")
        self._exact = frozenset(exact)
        self._prefixes = tuple(prefixes)

    def fit(self, value: str | int | None) -> bool:
        """Whether a field's value is one of them; none is never."""
        if value is None:
            return False
        text = str(value)
        return text in self._exact or text.startswith(self._prefixes)


class Traffic(msgspec.Struct, frozen=True, kw_only=True):
    """What is about to be sent."""

    event: str
    """The name of the event it came with."""
    source: str
    """The identity it comes from."""
    client_type: str | None = None
    """What that said it is: ``SillyTavern``, ``monitor``, or a word of its own."""
    type: str | int | None = None
    """Its own ``type``."""
    target: str | tuple[str, ...] | None = None
    """Whom its sender named, as the sender wrote it."""
    room: str | None = None
    """The room it is said in."""


class Match(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which traffic a rule is for."""

    event: Words | None = None
    type: Words | None = None
    source: Words | None = None
    target: Words | None = None
    room: Words | None = None
    client_type: Words | None = msgspec.field(default=None, name="clientType")

    def named(self) -> dict[str, Words]:
        """The fields that must fit, by their names in the file."""
        fields = msgspec.structs.fields(self)
        found = {each.encode_name: getattr(self, each.name) for each in fields}
        return {name: words for name, words in found.items() if words is not None}

    def misfit(self, traffic: Traffic) -> str | None:
        """The first field that does not fit; None: all do."""
        for field in msgspec.structs.fields(self):
            words: Words | None = getattr(self, field.name)
            if words is not None and not _any_fits(words, getattr(traffic, field.name)):
                return field.encode_name
        return None

    def fits(self, traffic: Traffic) -> bool:
        """Whether all that is named here is so."""
        return (
            (self.event is None or self.event.fit(traffic.event))
            and (self.source is None or self.source.fit(traffic.source))
            and (self.room is None or self.room.fit(traffic.room))
            and (self.type is None or self.type.fit(traffic.type))
            and (self.client_type is None or self.client_type.fit(traffic.client_type))
            and (self.target is None or _any_fits(self.target, traffic.target))
        )


class Destination(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a rule sends to: a room, an identity, or everybody."""

    room: str | None = None
    identity: str | None = None
    all: bool = False

    def __post_init__(self) -> None:
        """Refuse anything but one place.

        Raises:
            ValueError: it names none, or several.
        """
        if bool(self.room) + bool(self.identity) + self.all != 1:
            raise ValueError("to names one destination: a room, an identity or all")


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One line of the rulebook."""

    match: Match
    action: RoutingAction
    to: Destination | None = None
    """None with ``drop`` alone."""

    def __post_init__(self) -> None:
        """Refuse an action without what it needs.

        Raises:
            ValueError: ``to`` is missing, or means nothing.
        """
        if self.action is RoutingAction.DROP:
            if self.to is not None:
                raise ValueError("drop goes nowhere: leave its to out")
        elif self.to is None:
            raise ValueError(f"{self.action} needs a destination in to")


class Explanation(msgspec.Struct, frozen=True):
    """What the rules mean for some traffic, and why."""

    rule: Rule | None
    index: int | None
    """Of that rule, from 0."""
    misfits: tuple[str, ...]
    """Of each rule before it, a field that does not fit."""


class Rulebook(msgspec.Struct, frozen=True):
    """All rules, in the order in which they are tried."""

    rules: tuple[Rule, ...] = ()

    def __post_init__(self) -> None:
        """Refuse more rules than can be tried.

        Raises:
            ValueError: there are too many.
        """
        if len(self.rules) > MAX_RULES:
            raise ValueError(f"{len(self.rules)} rules, at most {MAX_RULES} may be")

    def decide(self, traffic: Traffic) -> Rule | None:
        """The first rule that fits; None: it goes where it would go."""
        for rule in self.rules:
            if rule.match.fits(traffic):
                return rule
        return None

    def explain(self, traffic: Traffic) -> Explanation:
        """The same, with all that was tried on the way."""
        misfits: list[str] = []
        for index, rule in enumerate(self.rules):
            misfit = rule.match.misfit(traffic)
            if misfit is None:
                return Explanation(rule, index, tuple(misfits))
            misfits.append(misfit)
        return Explanation(None, None, tuple(misfits))


NO_RULES: Final = Rulebook()


def written(rule: Rule) -> dict[str, Any]:
    """A rule as it stands in a file."""
    match = {
        name: words.texts[0] if len(words.texts) == 1 else list(words.texts)
        for name, words in rule.match.named().items()
    }
    fields: dict[str, Any] = {"match": match, "action": rule.action}
    if rule.to is None:
        return fields
    return fields | {"to": place(rule.to)}


def place(to: Destination) -> dict[str, Any]:
    """A destination as it stands in a file."""
    return {name: value for name, value in msgspec.to_builtins(to).items() if value}


def _any_fits(words: Words, values: str | int | tuple[str, ...] | None) -> bool:
    if isinstance(values, tuple):
        return any(words.fit(value) for value in values)
    return words.fit(values)
