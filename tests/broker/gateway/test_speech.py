"""Where words go: by what their sender named, and by the operator's rules."""

from __future__ import annotations

from typing import Any

import pytest

from actors.errors import Code, NotFoundError, ProtocolError, RefusedError
from actors.outbound import Detour, Order
from actors.room_notices import Passed
from actors.routing import (
    NO_RULES,
    Destination,
    Match,
    RoutingAction,
    Rule,
    Rulebook,
    Words,
)
from broker.gateway.registry import SessionRegistry
from broker.gateway.session import Session
from broker.gateway.speech import (
    CUSTOM_EVENT,
    Addressed,
    Postman,
    addressed,
    routed,
    stamped,
)
from broker.protocol.wire import EVERYBODY, SERVER, Namespace

from .fakes import FakeConnection

SCRIBE = Destination(identity="scribe")
CELLAR = Destination(room="cellar")
ALL = Destination(all=True)


def rulebook(
    action: RoutingAction, to: Destination | None = None, **match: str
) -> Rulebook:
    """One rule."""
    words = {field: Words([text]) for field, text in match.items()}
    return Rulebook((Rule(Match(**words), action, to),))


class Person:
    """A session with a connection of its own."""

    def __init__(
        self,
        registry: SessionRegistry,
        client: str,
        *,
        identity: str | None = None,
        namespace: str = Namespace.LLM,
        client_type: str = "web-app",
    ) -> None:
        self.connection = FakeConnection()
        self.session = self.connection.session(
            namespace,
            client_id=client,
            claimed_identity=identity,
            client_type=client_type,
        )
        registry.add(self.session)

    def heard(self) -> list[tuple[str, Any]]:
        """Every event that came: where, and what."""
        return self.connection.sent()


@pytest.fixture
def registry() -> SessionRegistry:
    """Nobody is here yet."""
    return SessionRegistry()


@pytest.fixture
async def ann(registry: SessionRegistry) -> Person:
    """A client."""
    return Person(registry, "ann")


def meant(session: Session, rules: Rulebook = NO_RULES, **data: Any) -> Addressed:
    """Whom a message is for."""
    return addressed(session, "message", data, rules)


# -- whom it is for


NAMED: list[tuple[dict[str, Any], Addressed]] = [
    ({}, Addressed()),
    ({"target": "bob"}, Addressed("bob")),
    ({"targetRoom": "lobby"}, Addressed(room="lobby")),
    ({"target": "bob", "targetRoom": "lobby"}, Addressed("bob", "lobby")),
    ({"target": "", "targetRoom": ""}, Addressed()),
    ({"target": None}, Addressed()),
]


@pytest.mark.parametrize(("data", "whom"), NAMED)
async def test_words_go_where_they_are_sent(
    ann: Person, data: dict[str, Any], whom: Addressed
) -> None:
    """Without rules the sender alone decides."""
    assert meant(ann.session, **data) == whom


@pytest.mark.parametrize("data", [{"target": 7}, {"targetRoom": ["lobby"]}])
async def test_target_that_is_no_text_is_refused(
    ann: Person, data: dict[str, Any]
) -> None:
    """Code 3."""
    with pytest.raises(ProtocolError, match="must be texts"):
        meant(ann.session, **data)


async def test_only_a_monitor_means_everybody(
    ann: Person, registry: SessionRegistry
) -> None:
    """``all`` (monitors only)."""
    monitor = Person(registry, "monitor", client_type="monitor")

    assert meant(monitor.session, target=EVERYBODY) == Addressed(EVERYBODY)
    with pytest.raises(RefusedError):
        meant(ann.session, target=EVERYBODY)


RULED: list[tuple[RoutingAction, Destination | None, Addressed]] = [
    (RoutingAction.DROP, None, Addressed(dropped=True)),
    (RoutingAction.DELIVER, SCRIBE, Addressed("scribe")),
    (RoutingAction.DELIVER, ALL, Addressed(EVERYBODY)),
    (RoutingAction.DELIVER, CELLAR, Addressed(room="cellar", routed=True)),
    (RoutingAction.COPY, SCRIBE, Addressed("bob", copy=SCRIBE)),
    (RoutingAction.COPY, CELLAR, Addressed("bob", copy=CELLAR)),
]


@pytest.mark.parametrize(("action", "to", "whom"), RULED)
async def test_rule_decides_where_words_go(
    ann: Person, action: RoutingAction, to: Destination | None, whom: Addressed
) -> None:
    """Instead, as well, or nowhere."""
    rules = rulebook(action, to, target="bob")

    assert meant(ann.session, rules, target="bob") == whom
    assert meant(ann.session, rules, target="carl") == Addressed("carl")


FITTING = [
    ("event", "message"),
    ("source", "ann"),
    ("type", "letter"),
    ("target", "bob"),
    ("room", "lobby"),
    ("client_type", "web-app"),
]


@pytest.mark.parametrize(("field", "text"), FITTING)
async def test_rules_see_all_that_they_may_ask_for(
    ann: Person, field: str, text: str
) -> None:
    """event, type, source, target, room, clientType."""
    data = {"target": "bob", "targetRoom": "lobby", "type": "letter"}

    rules = rulebook(RoutingAction.DROP, None, **{field: text})

    assert meant(ann.session, rules, **data).dropped


async def test_type_that_is_no_word_fits_no_rule(ann: Person) -> None:
    """A message may have whatever type it likes."""
    rules = rulebook(RoutingAction.DROP, type="*")

    assert not meant(ann.session, rules, target="bob", type={"a": 1}).dropped
    assert meant(ann.session, rules, target="bob", type=7).dropped


# -- orders


ORDER = Order(request_id="r1", requester="ann", room="ann", targets=("tavern",))

DETOURS: list[tuple[RoutingAction, Destination, Detour]] = [
    (RoutingAction.COPY, SCRIBE, Detour(identity="scribe", room=None, instead=False)),
    (RoutingAction.DELIVER, CELLAR, Detour(identity=None, room="cellar", instead=True)),
    (RoutingAction.COPY, ALL, Detour(identity=EVERYBODY, room=None, instead=False)),
]


@pytest.mark.parametrize(("action", "to", "detour"), DETOURS)
async def test_rule_has_an_answer_make_a_detour(
    ann: Person, action: RoutingAction, to: Destination, detour: Detour
) -> None:
    """Chunks inherit their request's decision."""
    rules = rulebook(action, to, event="LLM_REQUEST", target="tavern")

    assert routed(ORDER, ann.session, {}, rules).detour == detour


async def test_rule_may_refuse_an_order(ann: Person) -> None:
    """The room does, which knows what no rule touches."""
    rules = rulebook(RoutingAction.DROP, event="LLM_REQUEST")

    assert routed(ORDER, ann.session, {}, rules).detour == Detour(dropped=True)


async def test_order_that_no_rule_fits_is_left_alone(ann: Person) -> None:
    """It is the very same."""
    rules = rulebook(RoutingAction.DROP, event="message")

    assert routed(ORDER, ann.session, {}, rules) is ORDER


# -- names


@pytest.mark.parametrize("name", ["a", "wave", "dice:roll", "A-1_b.c", "w" * 64])
def test_event_may_be_called_so(name: str) -> None:
    """A letter, then up to 63 of letters, digits, ``_ : . -``."""
    assert CUSTOM_EVENT.match(name)


@pytest.mark.parametrize("name", ["", "1", "$stream", "a b", "ä", "a\n", "w" * 65])
def test_event_may_not_be_called_so(name: str) -> None:
    """Neither may anything else."""
    assert not CUSTOM_EVENT.match(name)


async def test_sender_can_not_pose_as_another(ann: Person) -> None:
    """``source`` and ``clientId`` are stamped; all else is as it was sent."""
    said = {"source": "bob", "clientId": "bob", "mood": "merry"}

    assert stamped(ann.session, said) == {
        "source": "ann",
        "clientId": "ann",
        "mood": "merry",
    }


# -- delivery


async def test_identity_is_reached_before_a_client_of_that_name(
    registry: SessionRegistry, ann: Person
) -> None:
    """A clientId means all its instances, unless an identity is called so."""
    bob = Person(registry, "bob")
    tab = Person(registry, "bob", identity="tab")
    left = Person(registry, "carl", identity="left")
    right = Person(registry, "carl", identity="right")
    postman = Postman(registry)
    for target in ("bob", "tab", "carl"):
        postman.deliver(ann.session, "wave", {"to": target}, target)

    assert bob.heard() == [("42/llm,", ["wave", {"to": "bob"}])]
    assert tab.heard() == [("42/llm,", ["wave", {"to": "tab"}])]
    assert left.heard() == right.heard() == [("42/llm,", ["wave", {"to": "carl"}])]


async def test_who_is_not_in_the_namespace_is_looked_for_beside_it(
    registry: SessionRegistry, ann: Person
) -> None:
    """Extensions speak in ``/sillytavern``, clients are in ``/llm`` alone."""
    tavern = Person(registry, "tavern", namespace=Namespace.SILLY_TAVERN)
    postman = Postman(registry)
    postman.deliver(ann.session, "wave", {}, "tavern")
    postman.deliver(tavern.session, "bow", {}, "ann")

    assert tavern.heard() == [("42/sillytavern,", ["wave", {}])]
    assert ann.heard() == [("42/llm,", ["bow", {}])]


async def test_nobody_can_not_be_reached(
    registry: SessionRegistry, ann: Person
) -> None:
    """Code 401; the namespaces of other things do not count."""
    Person(registry, "bob", namespace=Namespace.ROOMS)
    with pytest.raises(NotFoundError) as raised:
        Postman(registry).deliver(ann.session, "wave", {}, "bob")

    assert raised.value.code == Code.CLIENT_NOT_FOUND


async def test_words_to_the_server_go_no_further(
    registry: SessionRegistry, ann: Person
) -> None:
    """It has heard them."""
    Postman(registry).deliver(ann.session, "wave", {}, SERVER)

    assert ann.heard() == []


async def test_everybody_but_the_sender_hears_once(
    registry: SessionRegistry, ann: Person
) -> None:
    """Those who are only in the namespace beside it as well."""
    bob = Person(registry, "bob")
    tavern = Person(registry, "tavern", namespace=Namespace.SILLY_TAVERN)
    both = Person(registry, "both")
    other = Person(registry, "both", namespace=Namespace.SILLY_TAVERN)
    Postman(registry).deliver(ann.session, "bell", {}, EVERYBODY)

    heard = [len(each.heard()) for each in (ann, bob, tavern, both, other)]
    assert heard == [0, 1, 1, 1, 0]


async def test_members_are_reached_wherever_they_are(
    registry: SessionRegistry, ann: Person
) -> None:
    """What is passed on in a room goes to all that are meant, and to no others."""
    tavern = Person(registry, "tavern", namespace=Namespace.SILLY_TAVERN)
    bob = Person(registry, "bob")
    words = Passed(Namespace.SILLY_TAVERN, "bow", {})
    Postman(registry).deliver_to_members(words, ["ann", "tavern", "gone"])

    assert ann.heard() == [("42/llm,", ["bow", {}])]
    assert tavern.heard() == [("42/sillytavern,", ["bow", {}])]
    assert bob.heard() == []
