"""The extension that people have already works as it is, where nobody trusts it yet.

Its steps are those at the end of SILLYTAVERN.md: SillyTavern's own Origin, no
identity, no key, no version, and a stream for each token.
"""

from __future__ import annotations

import pytest

from .harness import Node, StartBroker

PORT = 8000
CLIENT_ID = f"SillyTavern-{PORT}"
TOKENS = ["Once", " upon", " a", " time", ", 🍺", "."]
TEXT = "".join(TOKENS)


def test_older_extension_gets_in_where_nothing_is_trusted(
    node: Node, start_broker: StartBroker
) -> None:
    """Both files, a key, five sockets over three connections, and the lists."""
    broker = start_broker({}, networkSafe=True)  # the shipped file says so, too
    heard = node("older_extension", "arrive", url=broker.url, port=PORT)

    own, server = heard["own"], heard["server"]
    assert (own["success"], own["requestId"]) == (True, "checkRememberMe")
    assert own["result"]["success"] is True
    assert own["result"]["result"]["clientId"] == CLIENT_ID
    assert (server["success"], server["result"]["success"]) == (True, True)
    assert server["result"]["result"]["networkSafe"] is True
    assert heard["identified"]["status"] == "ok"
    assert heard["identified"]["key"].startswith("tap_")
    assert heard["connected"] == [True] * 5
    assert heard["alive"]["data"] == "Yes,connection is fine."
    assert heard["extensions"]["allTheSTSocket"] == [CLIENT_ID]
    assert (broker.settings / f"{CLIENT_ID}-settings.json").is_file()


def test_older_extension_is_told_of_keys_and_clients(
    node: Node, start_broker: StartBroker
) -> None:
    """It shows ``id`` and ``description``; hashes are not for it."""
    broker = start_broker({})
    heard = node("older_extension", "arrive", url=broker.url, port=PORT)

    keys, present = heard["keys"], heard["present"]
    assert (keys["status"], present["status"]) == ("ok", "ok")
    assert all("key" not in each for each in keys["keys"].values())
    assert [client["id"] for client in present["clients"]] == [CLIENT_ID]
    assert present["clients"][0]["description"] == f"An extension on port {PORT}"


def test_older_extension_comes_again_with_nothing_remembered(
    node: Node, start_broker: StartBroker
) -> None:
    """Section 12: a warning with a further key, which it takes as well."""
    broker = start_broker({})
    heard = node("older_extension", "reload", url=broker.url, port=PORT)

    assert heard["first"]["status"] == "ok"
    assert heard["again"]["status"] == "warning"
    assert heard["again"]["key"] != heard["first"]["key"]


def test_orders_reach_the_older_extension_and_its_answer_the_client(
    node: Node, start_broker: StartBroker
) -> None:
    """Section 5: one output in many streams, its text in order and whole."""
    broker = start_broker({"guest": {}})
    heard = node(
        "older_extension",
        "answer",
        url=broker.url,
        port=PORT,
        clientId="guest",
        tokens=TOKENS,
    )

    assert heard["ack"]["status"] == "ok"
    assert heard["order"]["message"] == "A story, please."
    assert heard["order"]["requestType"] == "newMessage"
    assert heard["order"]["target"] == CLIENT_ID
    assert heard["text"] == TEXT
    assert heard["warnings"] == []


def test_answer_of_the_older_extension_ends_when_nothing_more_comes(
    node: Node, start_broker: StartBroker
) -> None:
    """Section 5: it gave no version, so a pause after a stream is the end."""
    broker = start_broker({"guest": {}}, outputIdleTimeout=0.3)
    heard = node(
        "older_extension",
        "answer",
        url=broker.url,
        port=PORT,
        clientId="guest",
        tokens=TOKENS,
        toTheEnd=True,
    )

    assert heard["end"]["terminal"] == ["completed"]
    assert [end["status"] for end in heard["end"]["ends"]] == ["completed"]
    assert heard["end"]["text"] == TEXT


def test_older_extension_may_send_an_event_without_a_name(
    node: Node, start_broker: StartBroker
) -> None:
    """Section 1: it is ignored, and the connection kept."""
    broker = start_broker({})
    heard = node("older_extension", "drop", url=broker.url, port=PORT)

    assert heard["alive"]["status"] == "ok"
    assert heard["errors"] == []
    assert heard["connected"] is True


@pytest.mark.parametrize("port", [8001, 80])
def test_older_extension_may_be_on_any_port(
    node: Node, start_broker: StartBroker, port: int
) -> None:
    """Its id and its Origin say the same; an Origin leaves out a page's usual port."""
    broker = start_broker({})
    heard = node("older_extension", "arrive", url=broker.url, port=port)

    assert heard["identified"]["status"] == "ok"
