"""The modules that pages import, downloaded and used with the real broker."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .harness import Broker, Names, Node, StartBroker

DATA = Path(__file__).parents[1] / "data" / "wire_names.json"
NAMES: dict[str, Any] = json.loads(DATA.read_text(encoding="utf-8"))


def test_constants_are_a_module_with_the_protocols_names(
    node: Node, broker: Broker
) -> None:
    """Section 14: the exports, and the plain names of what readers hear."""
    exports = node("served", "constants", url=broker.url)

    assert sorted(exports) == [
        "EVENTS",
        "MEMBER_STATUS",
        "MSG_TYPE",
        "NAMESPACES",
        "STREAM_EVENTS",
    ]
    assert exports["NAMESPACES"] == NAMES["namespaces"]
    assert exports["MSG_TYPE"]["LLM_REQUEST"] == "LLM_REQUEST"
    assert exports["MSG_TYPE"]["STREAM_END"] == 3
    assert exports["STREAM_EVENTS"]["streamed_data"] == "streamed_data"
    assert exports["STREAM_EVENTS"]["START"] == "CLIENT_STREAM_START"


def test_functions_of_the_broker_are_called_by_their_names(
    node: Node, broker: Broker, names: Names
) -> None:
    """Section 14: with the served client; a refusal rejects with its code."""
    client_id = names.client()
    answers = node("served", "functions", url=broker.url, clientId=client_id)

    assert set(answers["exports"]) >= {
        "addStaticResources",
        "callFunction",
        "listFunctions",
        "readJsonFromFile",
        "saveJsonToFile",
    }
    assert answers["own"]["result"]["success"] is True
    assert answers["own"]["result"]["result"]["clientId"] == client_id
    assert answers["outside"]["name"] == "FunctionCallError"
    assert answers["outside"]["code"] == 201
    assert answers["unverified"]["code"] == 5


def test_answers_are_read_with_the_served_stream_library(
    node: Node, party: dict[str, str]
) -> None:
    """Section 14: bundled for browsers, and still speaking the same on the wire."""
    texts = ["Once ", "upon a ", "🍺."]
    result = node("served", "streams", **party, texts=texts)

    assert result["ack"]["status"] == "ok"
    assert result["text"] == "".join(texts)
    assert {"default", "Socket", "createStream"} <= set(result["names"])
    assert result["global"] is True


def test_identifiers_come_whole_and_shortened(node: Node, broker: Broker) -> None:
    """``uuidv4(8)`` is what older pages write."""
    result = node("served", "identifiers", url=broker.url)

    assert result == {"valid": [True, True], "short": 8, "none": ""}


def test_the_classic_client_lies_beside_the_engines_own_path(
    node: Node, broker: Broker
) -> None:
    """Section 14: for pages with a script tag, as every Socket.IO server has it."""
    assert node("served", "classic", url=broker.url) == {
        "io": "function",
        "Manager": "function",
    }


def test_the_classic_client_follows_the_path_that_is_set(
    node: Node, start_broker: StartBroker
) -> None:
    """And the usual address stays."""
    url = start_broker({}, socketIOPath="/pub").url
    found = [
        node("served", "classic", url=url, path=path) for path in ("/pub", "/socket.io")
    ]

    assert found == [{"io": "function", "Manager": "function"}] * 2
