"""The door: who is let in, as what, and what those outside are told."""

from __future__ import annotations

import json
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import pytest

from .harness import Broker, Heard, Names, Node, StartBroker

NAMESPACES = [
    "/",
    "/auth",
    "/llm",
    "/function_call",
    "/rooms",
    "/clients",
    "/sillytavern",
    "/debug",
]


def code_of(refusal: Heard) -> int:
    """Return the code of a refusal, which must be as section 1 has it."""
    assert refusal is not None, "it was let in"
    assert refusal["message"]
    data = refusal["data"]
    assert data is not None, f"refused without data: {refusal['message']}"
    assert data["message"] == refusal["message"]
    code: int = data["code"]
    return code


def knock(node: Node, broker: Broker, namespace: str = "/llm", **auth: Any) -> Heard:
    """Try to join one namespace with exactly this ``auth``; ``None`` is success."""
    return node("handshake", "join", url=broker.url, auth=auth, namespace=namespace)


@pytest.mark.parametrize(
    "client_id",
    [None, "", "x" * 129, "bell\x07", "line\nbreak", 7, {"a": 1}, ["guest"]],
    ids=["none", "empty", "long", "bell", "newline", "number", "object", "list"],
)
def test_missing_or_malformed_client_id_is_refused(
    node: Node, broker: Broker, client_id: Any
) -> None:
    """Section 1, rule 1: 1 to 128 characters, no control characters; code 3."""
    assert code_of(knock(node, broker, clientId=client_id)) == 3


def test_absent_auth_is_refused(node: Node, broker: Broker) -> None:
    """Section 1, rule 1: clientId missing, code 3."""
    assert code_of(knock(node, broker)) == 3


@pytest.mark.parametrize("identity", ["", "y" * 129, "tab\x00", 12])
def test_malformed_identity_is_refused(
    node: Node, broker: Broker, names: Names, identity: Any
) -> None:
    """Section 1, rule 1: identity malformed, code 3."""
    refusal = knock(node, broker, clientId=names.client(), identity=identity)

    assert code_of(refusal) == 3


def test_untrusted_client_is_refused_everywhere(node: Node, broker: Broker) -> None:
    """Section 1, rule 2: not trusted, code 6, the same in all eight namespaces."""
    auth = {"clientId": "nobody-knows-me"}
    refusals = node("handshake", "everywhere", url=broker.url, auth=auth)

    assert {name: code_of(refusal) for name, refusal in refusals.items()} == (
        dict.fromkeys(NAMESPACES, 6)
    )


def test_settings_file_without_trust_does_not_trust(
    node: Node, start_broker: StartBroker
) -> None:
    """Section 1, rule 2: a settings file with isTrust true."""
    own = start_broker({"guest": {"isTrust": False}})

    assert code_of(knock(node, own, clientId="guest")) == 6


@pytest.mark.parametrize("client_type", ["monitor", "SillyTavern", "extension"])
def test_client_type_without_the_right_to_it_is_refused(
    node: Node, broker: Broker, names: Names, client_type: str
) -> None:
    """Section 1, rule 2: a clientType the id has no right to, code 6."""
    refusal = knock(node, broker, clientId=names.client(), clientType=client_type)

    assert code_of(refusal) == 6


def test_settings_file_grants_a_client_type(
    node: Node, start_broker: StartBroker
) -> None:
    """Section 1, rule 2: a monitor, or a SillyTavern, whose file says so."""
    own = start_broker(
        {
            "watcher": {"clientType": "monitor"},
            "tavern-of-mine": {"clientType": "SillyTavern"},
        }
    )

    assert knock(node, own, clientId="watcher", clientType="monitor") is None
    assert knock(node, own, clientId="tavern-of-mine", clientType="extension") is None


@pytest.mark.parametrize("identity", ["server", "all", "auto", "monitor-room"])
def test_reserved_identity_is_refused(
    node: Node, broker: Broker, names: Names, identity: str
) -> None:
    """Section 1, rule 2: an identity that is a reserved name, code 6."""
    refusal = knock(node, broker, clientId=names.client(), identity=identity)

    assert code_of(refusal) == 6


def test_identity_of_another_trusted_client_is_refused(
    node: Node, broker: Broker, names: Names
) -> None:
    """Section 1, rule 2: another trusted clientId, code 6."""
    refusal = knock(node, broker, clientId=names.client(), identity=names.client())

    assert code_of(refusal) == 6


def test_identity_of_another_live_client_is_refused(
    node: Node, broker: Broker, names: Names
) -> None:
    """Section 1, rule 2: belongs to another clientId that is live, code 6."""
    refusal = node(
        "handshake",
        "takenIdentity",
        url=broker.url,
        clientId=names.client(),
        thiefId=names.client(),
        identity="the-corner-table",
    )

    assert code_of(refusal) == 6


@pytest.mark.parametrize("key", ["wrong", "tap_nobody_0123456789abcdef", "k" * 73])
def test_wrong_key_is_refused(
    node: Node, broker: Broker, names: Names, key: str
) -> None:
    """Section 1, rule 3: a key that does not match, code 5."""
    assert code_of(knock(node, broker, clientId=names.client(), key=key)) == 5


def test_key_opens_all_eight_namespaces(
    node: Node, broker: Broker, names: Names
) -> None:
    """Section 1: the same in all eight namespaces."""
    joined = node("handshake", "withKey", url=broker.url, clientId=names.client())

    assert joined == NAMESPACES


def test_unverified_client_may_do_next_to_nothing(
    node: Node, broker: Broker, names: Names
) -> None:
    """Section 1, rule 5: it may only ask for its own key and whether we are alive."""
    result = node(
        "handshake",
        "unverified",
        url=broker.url,
        clientId=names.client(),
        otherId=names.client(),
    )

    assert result["assigned"]["roomId"]
    for name, ack in result["refused"].items():
        assert ack["status"] == "error", (name, ack)
        assert ack["code"] in {5, 6}, (name, ack)
    assert result["alive"] is not None
    assert result["key"]["status"] == "ok"
    assert result["key"]["key"].startswith("tap_")


def test_get_key_in_auth_is_answered_with_a_key_that_works_at_once(
    node: Node, broker: Broker, names: Names
) -> None:
    """Section 1, rule 5: GET_CLIENT_KEY, CLIENT_KEY {Key}; all sockets verified."""
    client_id = names.client()

    result = node("handshake", "getKey", url=broker.url, clientId=client_id)

    assert result["current"]["clientId"] == client_id
    assert result["current"]["key"].startswith("tap_")
    assert len(result["current"]["key"].encode()) < 72
    assert result["older"]["Key"] == result["current"]["key"]
    assert result["verified"]["code"] in {7, 72}  # heard, and not there
    assert result["elsewhere"] is not None


def test_second_key_works_and_so_does_the_first(
    node: Node, broker: Broker, names: Names
) -> None:
    """Section 1: a client has up to 8 live keys."""
    result = node("handshake", "secondKey", url=broker.url, clientId=names.client())

    assert result["status"] == "ok"
    assert result["first"] != result["second"]
    assert result["results"] == [None, None]


def test_without_network_safe_nobody_comes_in_without_a_key(
    node: Node, start_broker: StartBroker
) -> None:
    """Section 1, rules 5 and 6: without networkSafe code 5, and no first use."""
    own = start_broker({"guest": {}}, networkSafe=False)

    assert code_of(knock(node, own, clientId="guest")) == 5
    assert code_of(knock(node, own, clientId="guest", key="getKey")) == 5
    silly = {"clientId": "SillyTavern-new", "clientType": "SillyTavern"}
    assert code_of(knock(node, own, **silly)) == 6


def test_monitor_gets_no_key_for_the_asking(
    node: Node, start_broker: StartBroker
) -> None:
    """Section 1, rule 5: no key this way for monitors."""
    own = start_broker({"monitor": {"clientType": "monitor"}})
    auth = {"clientId": "monitor", "clientType": "monitor"}

    result = node("handshake", "askForKey", url=own.url, auth=auth)

    assert result["events"] == []
    assert result["ack"]["status"] == "error"
    assert result["ack"]["code"] in {5, 6}


def test_monitor_gets_a_key_where_the_settings_say_so(
    node: Node, start_broker: StartBroker
) -> None:
    """Section 1, rule 5: unless monitorsMayGetKey is true."""
    own = start_broker({"monitor": {"clientType": "monitor"}}, monitorsMayGetKey=True)
    auth = {"clientId": "monitor", "clientType": "monitor"}

    result = node("handshake", "askForKey", url=own.url, auth=auth)

    assert len(result["events"]) == 1
    assert result["ack"]["status"] == "ok"


def test_settings_file_counts_while_the_broker_runs(
    node: Node, start_broker: StartBroker
) -> None:
    """Section 1, rule 2 and ARCHITECTURE: settings files are read and watched."""
    own = start_broker({})
    assert code_of(knock(node, own, clientId="latecomer")) == 6

    own.trust("latecomer")
    refusal = node(
        "handshake",
        "untilTrusted",
        url=own.url,
        auth={"clientId": "latecomer"},
        milliseconds=2000,
    )

    assert refusal is None


# Origins and hosts


def polling_status(broker: Broker, **headers: str) -> int:
    """Return the HTTP status of an Engine.IO handshake with these headers."""
    address = urlsplit(broker.url)
    assert address.hostname is not None
    connection = HTTPConnection(address.hostname, address.port, timeout=10)
    try:
        path = "/socket.io/?EIO=4&transport=polling"
        connection.request("GET", path, headers=headers)
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
@pytest.mark.parametrize("transport", ["polling", "websocket"])
def test_foreign_origin_can_not_connect(
    node: Node, broker: Broker, names: Names, origin: str, transport: str
) -> None:
    """Section 9: Origins that may connect at all; null is refused."""
    refusal = node(
        "handshake",
        "fromOrigin",
        url=broker.url,
        auth={"clientId": names.client()},
        origin=origin,
        transport=transport,
    )

    assert refusal is not None


@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
def test_foreign_origin_is_refused_in_http(broker: Broker, origin: str) -> None:
    """Section 9: refused before there is a session."""
    assert polling_status(broker) == 200
    assert 400 <= polling_status(broker, Origin=origin) < 500


def test_foreign_host_is_refused_in_http(broker: Broker) -> None:
    """Section 9: the Host header must be loopback or one of our own names."""
    assert 400 <= polling_status(broker, Host="rebound.example") < 500


def test_other_pages_of_this_machine_need_a_key(
    node: Node, broker: Broker, names: Names
) -> None:
    """Section 1, rule 5: may connect, but not without a key: code 5."""
    refusal = node(
        "handshake",
        "fromOrigin",
        url=broker.url,
        auth={"clientId": names.client()},
        origin="http://127.0.0.1:9",
        transport="websocket",
    )

    assert code_of(refusal) == 5


def test_page_of_the_broker_itself_needs_none(
    node: Node, broker: Broker, names: Names
) -> None:
    """Section 1, rule 5: the Origin is the broker's own."""
    refusal = node(
        "handshake",
        "fromOrigin",
        url=broker.url,
        auth={"clientId": names.client()},
        origin=broker.url,
        transport="polling",
    )

    assert refusal is None


def test_origin_in_the_settings_file_needs_no_key(
    node: Node, start_broker: StartBroker
) -> None:
    """Section 1, rule 5: one named in the client's settings file."""
    origin = "http://127.0.0.1:9"
    own = start_broker({"guest": {"origins": [origin]}, "other": {}})

    answers = [
        node(
            "handshake",
            "fromOrigin",
            url=own.url,
            auth={"clientId": client_id},
            origin=origin,
            transport="websocket",
        )
        for client_id in ("guest", "other")
    ]

    assert answers[0] is None
    assert code_of(answers[1]) == 5


@pytest.mark.parametrize(("port", "welcome"), [(8123, True), (8124, False)])
def test_silly_tavern_is_let_in_from_its_own_port(
    node: Node, broker: Broker, *, port: int, welcome: bool
) -> None:
    """Section 1, rule 5: for SillyTavern-<port>, a loopback origin with that port."""
    refusal = node(
        "handshake",
        "fromOrigin",
        url=broker.url,
        auth={"clientId": "SillyTavern-8123", "clientType": "SillyTavern"},
        origin=f"http://127.0.0.1:{port}",
        transport="websocket",
    )

    if welcome:
        assert refusal is None
    else:
        assert code_of(refusal) in {5, 6}


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded"])
def test_forwarded_connection_is_not_local(
    node: Node, broker: Broker, names: Names, header: str
) -> None:
    """Section 9: local carries no Forwarded header; without a key: code 5."""
    value = "for=127.0.0.1" if header == "Forwarded" else "127.0.0.1"
    refusal = node(
        "handshake",
        "join",
        url=broker.url,
        auth={"clientId": names.client()},
        options={"extraHeaders": {header: value}},
    )

    assert code_of(refusal) == 5


# SillyTaverns


def test_silly_tavern_is_trusted_on_first_use(node: Node, broker: Broker) -> None:
    """Section 1, rule 6: it is trusted, and a settings file is written for it."""
    client_id = "SillyTavern-first.use_1"

    result = node("sillytavern", "firstUse", url=broker.url, clientId=client_id)

    assert result["hello"]["status"] == "ok"
    assert result["warning"]["code"] in {71, 72}
    written = (broker.settings / f"{client_id}-settings.json").read_text("utf-8")
    assert json.loads(written)["isTrust"] is True
    assert json.loads(written)["clientId"] == client_id


@pytest.mark.parametrize(
    "client_id", ["SillyTavern-../x", "SillyTavern x", "SillyTavern" + "y" * 65]
)
def test_odd_id_is_not_trusted_on_first_use(
    node: Node, broker: Broker, client_id: str
) -> None:
    """Section 1, rule 6: up to 64 of letters, digits, ``_ . -``; else code 6."""
    refusal = knock(node, broker, clientId=client_id, clientType="SillyTavern")

    assert code_of(refusal) == 6


def test_trust_on_first_use_can_be_switched_off(
    node: Node, start_broker: StartBroker
) -> None:
    """Section 1, rule 6: when trustOnFirstUse is true."""
    own = start_broker({}, trustOnFirstUse=False)

    refusal = knock(node, own, clientId="SillyTavern-1", clientType="SillyTavern")

    assert code_of(refusal) == 6


def test_identify_tells_how_the_extension_is_known(
    node: Node, broker: Broker, names: Names
) -> None:
    """Section 12: ok with a key, ok, warning with a key, error."""
    result = node(
        "sillytavern",
        "statuses",
        url=broker.url,
        clientId=names.extension(),
        otherId=names.extension(),
    )

    said = {name: answer["status"] for name, answer in result.items()}
    assert said == {
        "foreign": "error",
        "unknown": "ok",
        "verified": "ok",
        "held": "error",
        "known": "warning",
        "withKey": "ok",
    }
    assert result["unknown"]["key"].startswith("tap_")
    assert result["known"]["key"].startswith("tap_")
    assert result["known"]["message"]
    assert "key" not in result["verified"]
    assert "key" not in result["withKey"]
    assert "key" not in result["held"]


def test_issued_key_verifies_all_sockets_of_the_connection(
    node: Node, broker: Broker, names: Names
) -> None:
    """Section 1: all sockets of that identity on the connection, and later ones."""
    result = node(
        "sillytavern", "oneKeyForAll", url=broker.url, clientId=names.extension()
    )

    assert result["before"]["code"] in {5, 6}
    assert result["after"]["code"] in {7, 72}
    assert result["later"]["status"] == "ok", result["later"]


def test_silly_tavern_with_a_password_must_log_in(
    node: Node, start_broker: StartBroker
) -> None:
    """Sections 1 and 3: no key before LOGIN; then {status, key} and an event."""
    password = "a secret of the house"
    own = start_broker(
        {"SillyTavern-1": {"sillyTavernPassWord": password}, "SillyTavern-2": {}}
    )

    result = node(
        "sillytavern",
        "login",
        url=own.url,
        clientId="SillyTavern-1",
        otherId="SillyTavern-2",
        password=password,
    )

    assert "key" not in result["locked"]
    assert result["early"] == []
    assert result["wrong"]["status"] == "error"
    assert result["wrong"]["code"] == 5
    assert result["foreign"]["status"] == "error"
    assert result["foreign"]["code"] in {3, 5, 6}
    assert result["right"]["status"] == "ok"
    assert result["assigned"]["clientId"] == "SillyTavern-1"
    assert result["assigned"]["key"] == result["right"]["key"]
