"""Events of SillyTaverns, as clients subscribe to them in ``/llm``."""

from __future__ import annotations

from .harness import Broker, Names, Node


def test_events_reach_those_who_subscribed_and_nobody_else(
    node: Node, broker: Broker, names: Names
) -> None:
    """Section 12: the extension is told the union, and stamps nobody's name."""
    one, other = names.clients(2)
    extension = names.extension()
    result = node(
        "subscriptions",
        "deliver",
        url=broker.url,
        clientId=one,
        otherId=other,
        extension=extension,
    )

    stamp = {"source": extension, "clientId": extension}
    assert result["client"] == [
        {"event": "chat", "data": {"id": 1}, **stamp},
        {"event": "swipe", "data": "left", **stamp},
    ]
    assert result["other"] == [{"event": "edit", "data": None, **stamp}]
    assert [ack["events"] for ack in result["acks"]] == [
        ["chat", "swipe"],
        ["edit"],
        ["swipe"],
        [],
    ]
    assert result["told"] == [
        [],
        ["chat", "swipe"],
        ["chat", "edit", "swipe"],
        ["edit", "swipe"],
        ["edit"],
        [],
    ]


def test_what_can_not_be_subscribed_to_is_refused(
    node: Node, broker: Broker, names: Names
) -> None:
    """Sections 2, 9 and 12: each with its code."""
    client, unknown = names.clients(2)
    answers = node(
        "subscriptions",
        "refusals",
        url=broker.url,
        clientId=client,
        unknown=unknown,
        extension=names.extension(),
    )

    codes = {name: answer.get("code") for name, answer in answers.items()}
    assert codes == {
        "unknown": 401,
        "client": 401,
        "tooMany": 3,
        "tooLong": 3,
        "noData": 3,
        "endingNothing": None,
        "emitting": 6,
        "unverified": 5,
    }
    assert unknown in answers["unknown"]["message"]


def test_subscriptions_outlive_a_short_absence_of_either_side(
    node: Node, party: dict[str, str]
) -> None:
    """Section 7: coming back within the grace time, all is as it was."""
    result = node("subscriptions", "comeBack", **party)

    assert [event["data"] for event in result["events"]] == [
        "after the client came back",
        "after the extension came back",
    ]
    assert result["told"] == [[], ["chat"], ["chat"]]


def test_subscriptions_end_when_the_client_says_goodbye(
    node: Node, party: dict[str, str]
) -> None:
    """The extension need not announce what nobody wants."""
    assert node("subscriptions", "goodbye", **party) == [[], ["chat"], []]
