"""``/clients``: who is here, who is told, and the keys of others."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from .harness import Broker, Names, Node, StartBroker

SILLY_TAVERN = "SillyTavern-1"
FIELDS = {
    "clientId",
    "id",
    "identity",
    "clientType",
    "desc",
    "description",
    "html",
    "name",
    "avatar",
    "rooms",
    "status",
    "connectedAt",
}


def open_house(start_broker: StartBroker, *clients: str, **server: Any) -> Broker:
    """A broker whose monitor may ask for a key."""
    trusted: dict[str, dict[str, Any]] = {name: {} for name in clients}
    return start_broker(trusted, monitorsMayGetKey=True, **server)


def moment(text: str) -> float:
    """Milliseconds of an ISO 8601 time."""
    return datetime.fromisoformat(text).timestamp() * 1000


def test_list_says_everything_but_keys(
    node: Node, broker: Broker, names: Names
) -> None:
    """Section 11: for any who is verified, under both names of the event."""
    client_id = names.client()
    said = {"desc": "a guest", "html": "<b>G</b>", "name": "G", "avatar": "/g.png"}
    result = node(
        "clients",
        "list",
        url=broker.url,
        clientId=client_id,
        clientType="web-app",
        **said,
    )
    (own,) = [c for c in result["list"]["clients"] if c["clientId"] == client_id]

    assert result["list"]["status"] == "ok"
    assert set(own) == FIELDS
    assert {name: own[name] for name in said} == said
    assert own["id"] == own["identity"] == client_id
    assert own["description"] == "a guest"
    assert own["clientType"] == "web-app"
    assert own["status"] == "online"
    assert client_id in own["rooms"]
    assert moment(own["connectedAt"]) > 0
    assert result["key"] not in str(result["list"])
    assert set(result["again"]) == set(result["list"])


def test_monitors_and_silly_taverns_are_told_of_changes(
    node: Node, start_broker: StartBroker
) -> None:
    """Section 3: to monitor-room in ``/``, and in ``/clients`` to both; no others."""
    own = open_house(start_broker, "guest", "other")
    result = node(
        "clients",
        "told",
        url=own.url,
        clientId="guest",
        extensionId=SILLY_TAVERN,
        otherId="other",
    )
    everybody = {"monitor", SILLY_TAVERN, "guest", "other"}

    assert [set(heard) for heard in result["heard"]] == [everybody] * 3
    assert set(result["full"]) == everybody
    assert set(result["others"]) == everybody - {SILLY_TAVERN}
    assert result["overheard"] == [0, 0]
    assert result["keys"] is False


def test_key_for_a_client_nobody_knew_trusts_it(
    node: Node, start_broker: StartBroker
) -> None:
    """Section 11: by monitors, and by SillyTaverns as shipped; outlives a crash."""
    own = open_house(start_broker)
    strangers = ["stranger-1", "stranger-2"]
    answers = node(
        "clients",
        "generate",
        url=own.url,
        extensionId=SILLY_TAVERN,
        strangers=strangers,
    )
    own.kill()
    own.restart()

    for client_id, answer in zip(strangers, answers, strict=True):
        assert answer["before"]["data"]["code"] == 6
        assert answer["ack"]["status"] == "ok"
        assert answer["ack"]["key"].startswith("tap_")
        assert answer["after"] == {"verified": True}
        auth = {"clientId": client_id, "key": answer["ack"]["key"]}
        assert node("handshake", "join", url=own.url, auth=auth) is None


def test_keys_of_monitors_and_silly_taverns_are_their_own(
    node: Node, start_broker: StartBroker
) -> None:
    """Section 11: never about these; and only for these. Code 6."""
    own = open_house(start_broker, "guest")
    result = node(
        "clients",
        "refusals",
        url=own.url,
        extensionId=SILLY_TAVERN,
        clientId="guest",
    )

    assert set(result["asked"]) == {6}
    assert result["byGuest"] == [6, 6, 6]
    assert result["malformed"] == [3, 3, 3, 3]


def test_name_of_an_identity_does_not_become_a_client(
    node: Node, start_broker: StartBroker
) -> None:
    """Section 1: all trusted clientIds are reserved; whoever has the name keeps it."""
    own = open_house(start_broker, "guest")
    answer = node(
        "clients", "takenName", url=own.url, clientId="guest", identity="corner"
    )

    assert (answer["status"], answer["code"]) == ("error", 6)


def test_operator_may_keep_keys_from_silly_taverns(
    node: Node, start_broker: StartBroker
) -> None:
    """Section 11: ``extensionsManageKeys``."""
    own = start_broker({"guest": {}}, extensionsManageKeys=False)
    codes = node(
        "clients",
        "keptKeys",
        url=own.url,
        extensionId=SILLY_TAVERN,
        clientId="guest",
    )

    assert codes == [6, 6, 6]


def test_removed_key_opens_nothing_and_closes_what_it_opened(
    node: Node, start_broker: StartBroker
) -> None:
    """Section 11: one of them, or all."""
    own = open_house(start_broker, "guest")
    result = node(
        "clients", "remove", url=own.url, clientId="guest", unknownId="nobody"
    )

    assert result["one"]["removed"] == [result["keyId"]]
    assert result["still"]["data"] == "Yes,connection is fine."
    assert result["again"]["status"] == "ok"
    assert result["again"]["code"] == 61
    assert result["again"]["warning"]
    assert result["rejoined"]["code"] == 5
    assert len(result["all"]["removed"]) == 1
    assert result["none"]["code"] == 61
    assert (result["whole"]["status"], result["whole"]["code"]) == ("error", 402)
    assert result["unknown"]["message"] != result["whole"]["message"]
    assert (result["unknown"]["status"], result["unknown"]["code"]) == ("error", 401)
    assert result["refused"]["data"]["code"] == 5


def test_keys_of_all_are_listed_with_when_they_were_used(
    node: Node, start_broker: StartBroker
) -> None:
    """Section 11: hashes for monitors alone, plain keys for nobody."""
    own = open_house(start_broker, "guest")
    result = node(
        "clients",
        "allKeys",
        url=own.url,
        extensionId=SILLY_TAVERN,
        clientId="guest",
    )
    before, after = (result[name]["keys"]["guest"] for name in ("before", "after"))
    plain = result["bySillyTavern"]["keys"]["guest"]

    assert set(result["before"]["keys"]) == {"guest"}
    assert before["key"].startswith("$2")
    assert before["rooms"] == ["guest"]
    assert [key["id"] for key in before["keys"]] == [result["keyId"]]
    assert set(plain) == {"rooms", "keys"}
    assert "$2" not in str(result["bySillyTavern"])
    assert before["keys"][0]["createdAt"] == after["keys"][0]["createdAt"]
    assert moment(before["keys"][0]["lastUsedAt"]) <= result["now"]
    assert moment(after["keys"][0]["lastUsedAt"]) >= result["now"]


@pytest.mark.parametrize("field", ["desc", "html", "name", "avatar"])
def test_text_that_lists_would_repeat_is_bounded(
    node: Node, broker: Broker, names: Names, field: str
) -> None:
    """4 KiB each; code 3."""
    refusals = [
        node(
            "handshake",
            "join",
            url=broker.url,
            auth={"clientId": names.client(), field: "é" * length},
        )
        for length in (2_048, 2_049)
    ]

    assert refusals[0] is None
    assert refusals[1]["data"]["code"] == 3
