"""``/healthz``, ``/readyz`` and ``/metrics``, asked for with bytes of one's own."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from typing import Final, NamedTuple
from urllib.parse import urlsplit

import pytest
from prometheus_client.parser import text_string_to_metric_families

from broker import __version__

from .harness import Broker, Names, Node, StartBroker

SILLY_TAVERN: Final = "SillyTavern-1"
PATHS: Final = ("/healthz", "/readyz", "/metrics")
AFAR: Final = "X-Forwarded-For: 203.0.113.9"
NOBODYS_KEY: Final = f"tap_0123456789ab_{'x' * 43}"
ENOUGH: Final = 10.0


class Answer(NamedTuple):
    """What came back."""

    status: int
    head: str
    body: str


def ask(url: str, path: str, *lines: str, host: str | None = None) -> Answer:
    """Send a request line and these headers, and read to the end."""
    parts = urlsplit(url)
    name = parts.netloc if host is None else host
    head = "\r\n".join([f"GET {path} HTTP/1.1", f"Host: {name}", *lines])
    address = (parts.hostname, parts.port)
    with socket.create_connection(address, timeout=ENOUGH) as line:
        line.sendall(f"{head}\r\nConnection: close\r\n\r\n".encode())
        received = b"".join(iter(lambda: line.recv(65_536), b""))
    told, _, body = received.decode().partition("\r\n\r\n")
    return Answer(int(told.split()[1]), told, body)


def metrics(url: str, *lines: str) -> dict[tuple[str, str], float]:
    """Every figure, by its name and the value of its first label."""
    answer = ask(url, "/metrics", *lines)
    assert answer.status == 200
    return {
        (sample.name, _label(sample.labels)): sample.value
        for family in text_string_to_metric_families(answer.body)
        for sample in family.samples
    }


def _label(labels: Mapping[str, str]) -> str:
    return " ".join(value for _, value in sorted(labels.items()))


def monitors_key(node: Node, url: str) -> str:
    """The key of the monitor, who may ask for one there."""
    return str(node("debug", "read", url=url, asked=[])["key"])


def test_this_machine_is_told_everything(broker: Broker) -> None:
    """Section 14."""
    health, ready, _ = (ask(broker.url, path) for path in PATHS)
    told = metrics(broker.url)

    assert (health.status, health.body) == (200, "ok")
    assert (ready.status, json.loads(ready.body)["ready"]) == (200, True)
    assert told["tapster_build_info", __version__] == 1
    assert told["process_resident_memory_bytes", ""] > 10 << 20


def test_metrics_show_what_became_of_orders(
    node: Node, start_broker: StartBroker
) -> None:
    """One answered and one that failed; and their times."""
    own = start_broker({"guest": {}}, monitorsMayGetKey=True)
    node("debug", "status", url=own.url, extensionId=SILLY_TAVERN, clientId="guest")
    told = metrics(own.url)

    assert told["tapster_requests_total", "completed"] == 1
    assert told["tapster_requests_total", "failed"] == 1
    assert told["tapster_requests_total", "timeout"] == 0
    assert told["tapster_request_duration_seconds_count", "completed"] == 1
    assert told["tapster_request_first_token_seconds_count", ""] >= 1
    assert told["tapster_chunks_total", ""] == 4
    assert told["tapster_store_commit_seconds_count", ""] > 0
    assert told["tapster_loop_lag_seconds_count", ""] > 0
    assert told["tapster_actors", "store"] == 1
    assert sum(n for (name, _), n in told.items() if "crashes" in name) == 0


def test_refused_guest_is_counted(
    node: Node, start_broker: StartBroker, names: Names
) -> None:
    """With a key that is nobody's, and not trusted at all."""
    own = start_broker({"guest": {}})
    for auth in (
        {"clientId": "guest", "key": NOBODYS_KEY},
        {"clientId": names.client()},
    ):
        node("handshake", "join", url=own.url, auth=auth)
    told = metrics(own.url)

    assert told["tapster_auth_failures_total", "authentication_failed"] == 1
    assert told["tapster_auth_failures_total", "authorisation_failed"] == 1


def test_foreign_page_and_foreign_name_are_counted(start_broker: StartBroker) -> None:
    """Who is sent away at the door is seen in the metrics as well."""
    own = start_broker({})
    path = "/socket.io/?EIO=4&transport=polling"
    answers = [
        ask(own.url, path, host="evil.example"),
        ask(own.url, path, "Origin: https://evil.example"),
        ask(own.url, path, "Origin: null"),
    ]
    told = metrics(own.url)

    assert [answer.status for answer in answers] == [403, 403, 403]
    assert told["tapster_auth_failures_total", "authorisation_failed"] == 3


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("host", "lines"),
    [
        ("evil.example", ()),
        ("127.0.0.1.evil.example", ()),
        ("", ()),
        (None, ("Origin: https://evil.example",)),
        (None, ("Origin: null",)),
    ],
    ids=str,
)
def test_foreign_names_and_pages_are_refused(
    broker: Broker, path: str, host: str | None, lines: tuple[str, ...]
) -> None:
    """Section 9: as at the Socket.IO endpoint."""
    answer = ask(broker.url, path, *lines, host=host)

    assert answer.status == 403
    assert len(answer.body.splitlines()) == 1


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "line",
    [AFAR, "X-Forwarded-For: 127.0.0.1", "Forwarded: for=127.0.0.1"],
)
def test_whoever_is_forwarded_needs_a_key(broker: Broker, path: str, line: str) -> None:
    """Section 9: nobody here is a proxy that is believed."""
    answer = ask(broker.url, path, line)

    assert answer.status == 401
    assert "WWW-Authenticate: Bearer" in answer.head


def test_only_a_monitors_key_opens_from_afar(
    node: Node, start_broker: StartBroker
) -> None:
    """401 for what is no key, 403 for a guest's."""
    own = start_broker(
        {"guest": {}},
        monitorsMayGetKey=True,
        trustedProxies=["127.0.0.1/32"],
    )
    boss = monitors_key(node, own.url)
    guest = node("handshake", "getKey", url=own.url, clientId="guest")["current"]["key"]
    statuses = {
        key: [
            ask(own.url, path, AFAR, f"Authorization: Bearer {key}").status
            for path in PATHS
        ]
        for key in (boss, guest, NOBODYS_KEY, f"{boss}x")
    }

    assert statuses == {
        boss: [200] * 3,
        guest: [403] * 3,
        NOBODYS_KEY: [401] * 3,
        f"{boss}x": [401] * 3,
    }


def test_guessing_is_stopped_and_a_known_key_still_passes(
    node: Node, start_broker: StartBroker
) -> None:
    """Section 9: ten wrong keys in a minute, whichever door they are tried at."""
    own = start_broker({}, monitorsMayGetKey=True, trustedProxies=["127.0.0.1/32"])
    right = f"Authorization: Bearer {monitors_key(node, own.url)}"
    wrong = f"Authorization: Bearer {NOBODYS_KEY}"
    before = ask(own.url, "/metrics", AFAR, right).status
    told = [ask(own.url, "/metrics", AFAR, wrong).body for _ in range(11)]

    assert before == 200
    assert told[9] == "the key is nobody's\n"
    assert told[10].startswith("too many wrong keys, at most 10 a minute: try again")
    assert ask(own.url, "/metrics", AFAR, right).status == 200


def test_public_health_answers_everybody_and_says_nothing_more(
    start_broker: StartBroker,
) -> None:
    """``publicHealth``."""
    own = start_broker({}, publicHealth=True)
    answers = [ask(own.url, path, AFAR, host="balancer.example") for path in PATHS]

    assert [answer.status for answer in answers] == [200, 403, 403]
    assert answers[0].body == "ok"
