"""Which extension answers, in which order, and what when it is lost."""

from __future__ import annotations

import pytest

from .harness import Broker, Heard, Names, Node, StartBroker

TAVERNS = ["SillyTavern-1", "SillyTavern-2"]
HOUSE: dict[str, dict[str, str]] = {"guest": {}, **{name: {} for name in TAVERNS}}
BOTH = pytest.mark.parametrize("namespace", ["/", "/auth"])


def list_of(node: Node, own: Broker, extensions: list[str], namespace: str) -> Heard:
    """Ask for the list of SillyTaverns with these connected."""
    return node(
        "routing",
        "extensionList",
        url=own.url,
        clientId="guest",
        extensions=extensions,
        namespace=namespace,
    )


def test_without_extensions_an_order_is_refused(
    node: Node, start_broker: StartBroker
) -> None:
    """Section 4: no extension, 10503; nothing is accepted and nothing follows."""
    own = start_broker(HOUSE)

    result = node(
        "routing",
        "refusedOrder",
        url=own.url,
        clientId="guest",
        order={"message": "Anybody?"},
    )

    assert result["ack"]["status"] == "error"
    assert result["ack"]["code"] == 10503
    assert result["ack"]["success"] is False
    assert result["statuses"] == []


def test_unknown_target_is_refused(node: Node, broker: Broker, names: Names) -> None:
    """Section 4: unknown target 401."""
    result = node(
        "routing",
        "refusedOrder",
        url=broker.url,
        clientId=names.client(),
        extension=names.extension(),
        order={"message": "Hello?", "target": "SillyTavern-of-nobody"},
    )

    assert result["ack"]["status"] == "error"
    assert result["ack"]["code"] == 401


def test_room_one_is_no_member_of_is_refused(
    node: Node, broker: Broker, names: Names
) -> None:
    """Section 4: not a member 303; a room that is not there may be said to be so."""
    client_id, extension = names.client(), names.extension()

    codes = [
        node(
            "routing",
            "refusedOrder",
            url=broker.url,
            clientId=client_id,
            extension=extension,
            order={"message": "Hello?", "target": extension, "targetRoom": room},
        )["ack"]["code"]
        for room in ("no-such-room", names.client())
    ]

    assert set(codes) <= {302, 303}


def test_list_of_targets_has_a_leg_each_and_one_end(
    node: Node, broker: Broker, names: Names
) -> None:
    """Section 4: the one terminal status comes after the last leg."""
    targets = {names.extension(): "left", names.extension(): "right"}
    result = node(
        "routing", "legs", url=broker.url, clientId=names.client(), targets=targets
    )

    assert result["terminal"] == ["completed"]
    sent = [entry for entry in result["statuses"] if entry["status"] == "sent"]
    assert {entry["extension"] for entry in sent} == set(targets)
    texts: dict[str, str] = {}
    for chunk in result["chunks"]:
        texts[chunk["outputId"]] = texts.get(chunk["outputId"], "") + chunk["data"]
    assert sorted(texts.values()) == ["left!", "right!"]
    assert len(result["ends"]) == 2


@pytest.mark.parametrize(
    ("texts", "status"), [(["fine", None], "completed"), ([None, None], "failed")]
)
def test_legs_are_completed_if_any_was(
    node: Node, broker: Broker, names: Names, texts: list[str | None], status: str
) -> None:
    """Section 4: completed if any leg was, else failed."""
    targets = dict(zip(names.extensions(2), texts, strict=True))

    result = node(
        "routing", "legs", url=broker.url, clientId=names.client(), targets=targets
    )

    assert result["terminal"] == [status]
    assert len(result["ends"]) == 2


def test_queue_tells_positions_and_serves_in_order(
    node: Node, broker: Broker, names: Names
) -> None:
    """Section 4: one request at a time, the rest queued with their position."""
    result = node(
        "routing",
        "positions",
        url=broker.url,
        clientIds=names.clients(3),
        extension=names.extension(),
    )

    assert result["inFlight"] == 1
    first, second, third = result["acks"]
    assert first["state"] == "sent"
    assert second["state"] == third["state"] == "queued"
    assert second["position"] < third["position"]
    waited = [
        entry["position"]
        for entry in result["results"][2]["statuses"]
        if entry["status"] == "queued"
    ]
    assert waited == sorted(waited, reverse=True)
    assert waited[-1] == second["position"]
    assert [entry["terminal"] for entry in result["results"]] == [["completed"]] * 3


def test_queue_is_fair_to_those_who_order_little(
    node: Node, broker: Broker, names: Names
) -> None:
    """Section 4: round robin over requesters, first come first served within one."""
    order = node(
        "routing",
        "fairness",
        url=broker.url,
        clientIds=names.clients(2),
        extension=names.extension(),
    )

    assert order[0] == "g1"
    assert order.index("m1") <= 2
    assert [name for name in order if name != "m1"] == ["g1", "g2", "g3", "g4"]


def test_lost_extension_is_replaced_before_the_first_chunk(
    node: Node, start_broker: StartBroker
) -> None:
    """Section 4: a request that the policy placed goes to another at once."""
    own = start_broker(HOUSE)

    result = node(
        "routing", "failover", url=own.url, clientId="guest", extensions=TAVERNS
    )

    assert result["text"] == "from the other"
    assert result["terminal"] == ["completed"]
    sent = [
        entry["extension"] for entry in result["statuses"] if entry["status"] == "sent"
    ]
    assert sent == [result["first"], result["second"]]


def test_silent_extension_is_replaced_before_the_first_chunk(
    node: Node, start_broker: StartBroker
) -> None:
    """Section 4: to another as soon as firstTokenTimeout has passed."""
    own = start_broker(HOUSE, firstTokenTimeout=0.5)

    result = node(
        "routing", "silent", url=own.url, clientId="guest", extensions=TAVERNS
    )

    assert result["text"] == "at last"
    assert result["terminal"] == ["completed"]


@pytest.mark.parametrize("texts", [[], ["some ", "text"]])
def test_silent_extension_that_was_named_times_out(
    node: Node, start_broker: StartBroker, texts: list[str]
) -> None:
    """Section 4: connected but silent: timeout, code 8; what came is kept."""
    own = start_broker(HOUSE, firstTokenTimeout=0.5, chunkTimeout=0.5)

    result = node(
        "routing",
        "timeout",
        url=own.url,
        clientId="guest",
        extension="SillyTavern-1",
        texts=texts,
    )

    assert result["terminal"] == ["timeout"]
    assert result["statuses"][-1]["error"]["code"] == 8
    assert result["text"] == "".join(texts)
    assert [end["status"] for end in result["ends"]] == ["timeout"] * bool(texts)


def test_extension_that_returns_goes_on_with_what_it_lists(
    node: Node, broker: Broker, names: Names
) -> None:
    """Section 4: IDENTIFY_SILLYTAVERN {running} keeps those listed."""
    result = node(
        "routing",
        "extensionReturns",
        url=broker.url,
        clientId=names.client(),
        extension=names.extension(),
        stillRunning=True,
    )

    assert result["text"] == "before and after"
    assert result["terminal"] == ["completed"]


def test_extension_that_returns_fails_what_it_does_not_list(
    node: Node, broker: Broker, names: Names
) -> None:
    """Section 4: unlisted ones fail, 10503."""
    result = node(
        "routing",
        "extensionReturns",
        url=broker.url,
        clientId=names.client(),
        extension=names.extension(),
        stillRunning=False,
    )

    assert result["text"] == "before"
    assert result["terminal"] == ["failed"]
    assert result["statuses"][-1]["error"]["code"] == 10503


def test_only_the_extension_that_was_asked_may_answer(
    node: Node, broker: Broker, names: Names
) -> None:
    """Section 5: anything else is dropped with a WARNING (71, 72) to the sender."""
    result = node(
        "routing",
        "wrongAnswerer",
        url=broker.url,
        clientId=names.client(),
        extensions=names.extensions(2),
    )

    assert result["text"] == "truth"
    assert result["terminal"] == ["completed"]
    assert {warning["code"] for warning in result["warnings"]} <= {71, 72}
    assert {warning["type"] for warning in result["warnings"]} == {"WARNING"}


@BOTH
def test_list_of_extensions_is_empty_and_ok_without_any(
    node: Node, start_broker: StartBroker, namespace: str
) -> None:
    """Section 3: empty lists are ok."""
    own = start_broker(HOUSE)

    ack = list_of(node, own, [], namespace)

    assert ack["status"] == "ok", ack
    assert ack["extensions"] == ack["allTheSTSocket"] == ack["details"] == []


@BOTH
def test_list_of_extensions_names_those_that_identified(
    node: Node, start_broker: StartBroker, namespace: str
) -> None:
    """Section 3: both lists name identities, details say what they are."""
    own = start_broker(HOUSE)

    ack = list_of(node, own, TAVERNS, namespace)

    assert ack["status"] == "ok", ack
    assert sorted(ack["extensions"]) == sorted(ack["allTheSTSocket"]) == TAVERNS
    details = {entry["identity"]: entry for entry in ack["details"]}
    assert sorted(details) == TAVERNS
    first = details["SillyTavern-1"]
    assert first["clientId"] == "SillyTavern-1"
    assert first["queued"] == 0
    assert not first["busy"]
    assert (first["current"], first["model"]) == ("Seraphina", "m")
