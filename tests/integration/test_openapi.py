"""What a real broker answers over HTTP is what ``docs/openapi.json`` says."""

from __future__ import annotations

import http.client
import json
import re
import socket
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from typing import Final
from urllib.parse import urlsplit

import pytest

from tests.openapi import (
    DOCUMENT,
    Answer,
    Operation,
    at,
    misfits,
    of_response,
    operations,
)
from tests.secrets import TOKEN, hear

from .harness import Broker, Node, StartBroker

ENOUGH: Final = 10.0
DATABASE: Final = "tapster.sqlite3"
SIGN_IN: Final = "/console/sign-in"
JSON: Final = {"Content-Type": "application/json"}
SPARE: Final = 256
"""Connections beyond ``maxConnections``."""

THERE: Final = {"name": "main.js", "path": "page.html"}
"""What stands in a path where it names a file."""
NOT_THERE: Final = "no-such-file.html"

READ: Final = sorted(each for each in operations() if each[0] in {"GET", "HEAD"})

WAYS: Final[dict[str, dict[str, str]]] = {
    "206": {"Range": "bytes=0-0"},
    "304": {"If-None-Match": "*"},
    "401": {"X-Forwarded-For": "203.0.113.9"},
    "403": {"Host": "evil.example"},
    "404": {},
    "412": {"If-Match": '"0"'},
    "416": {"Range": "bytes=5-3"},
}
"""How to have a request end so."""

BEFORE: Final = {"400", "408", "417", "429", "503"}
"""What ends a request before anybody asks what it is for."""

ENDS: Final = [
    (operation, status)
    for operation in READ
    for status in operations()[operation]["responses"]
    if status not in BEFORE | {"200"}
    # A file that may not be read: tests may run as root, who may read all.
    if not ("{" in operation[1] and status == "403")
]


def asked(
    url: str,
    method: str,
    path: str,
    headers: dict[str, str] | None = None,
    body: bytes | None = None,
) -> Answer:
    """Send a request that has nothing but a Host, and what is said here."""
    place = urlsplit(url).netloc
    with closing(http.client.HTTPConnection(place, timeout=ENOUGH)) as line:
        line.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in {"Host": place, **(headers or {})}.items():
            line.putheader(name, value)
        if body is not None:
            line.putheader("Content-Length", str(len(body)))
        line.endheaders(body)
        return _read(line.getresponse())


def told(url: str, text: str) -> Answer:
    """Send this much, and read what comes until the connection is closed."""
    parts = urlsplit(url)
    address = (parts.hostname, parts.port)
    with socket.create_connection(address, timeout=ENOUGH) as line:
        line.sendall(text.encode())
        response = http.client.HTTPResponse(line)
        response.begin()
        return _read(response)


def _read(response: http.client.HTTPResponse) -> Answer:
    headers = {name.lower(): value for name, value in response.getheaders()}
    return Answer(response.status, headers, response.read())


def is_described(operation: Operation, answer: Answer, status: int) -> None:
    """Fail unless it ended so, in the form that is described."""
    head = operation[0] == "HEAD"

    assert answer.status == status, (operation, answer)
    assert misfits(operations()[operation], answer, head=head) == [], answer


def token_of(broker: Broker) -> str:
    """What stands in the link that a broker has printed."""
    (token,) = TOKEN.findall((broker.root / "stdout").read_text("utf-8"))
    return str(token)


def named(path: str, names: Mapping[str, str]) -> str:
    """A path as it is asked for."""
    return re.sub(r"{(\w+)}", lambda found: names[found[1]], path)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A broker that has a file in each folder it serves."""
    own = Broker(tmp_path_factory.mktemp("described"))
    for folder in ("public", "client", "exampleClient"):
        (own.root / folder).mkdir()
        (own.root / folder / THERE["path"]).write_text("<p>Good evening</p>\n")
    own.start()
    yield own.url
    own.stop()


@pytest.mark.parametrize("operation", READ, ids=" ".join)
def test_what_is_there_is_as_described(url: str, operation: Operation) -> None:
    """From this machine; a query, or a body that nobody wants, changes nothing."""
    method, path = operation[0], named(operation[1], THERE)
    plain = asked(url, method, path)
    adorned = asked(url, method, f"{path}?x=1", JSON, b"{}")

    is_described(operation, plain, 200)
    is_described(operation, adorned, 200)
    assert adorned.body == plain.body or path in {"/readyz", "/metrics"}


@pytest.mark.parametrize(("operation", "status"), ENDS, ids=str)
def test_what_else_can_become_of_a_request_is_as_described(
    url: str, operation: Operation, status: str
) -> None:
    """Every status that is described has a request that ends so."""
    method, path = operation
    names = dict.fromkeys(THERE, NOT_THERE) if status == "404" else THERE
    answer = asked(url, method, named(path, names), WAYS[status])

    is_described(operation, answer, int(status))


@pytest.mark.parametrize("path", DOCUMENT["paths"])
def test_methods_that_are_not_described_are_refused(url: str, path: str) -> None:
    """With 405, and the names of those that are."""
    asked_for = named(path, THERE)
    there = {method for method, other in operations() if other == path}
    refused = at("#/components/responses/MethodNotAllowed")
    methods = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"}
    for method in sorted(methods - there):
        answer = asked(url, method, asked_for)

        assert answer.status == 405
        assert of_response(refused, answer, head=False) == []
        assert set(answer.headers["allow"].split(",")) == there


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "DELETE"])
@pytest.mark.parametrize(
    "path",
    ["/nothing", "/console", "/public", "/lib/", "/settings/server_settings.json"],
)
def test_nothing_is_where_nothing_is_described(
    url: str, method: str, path: str
) -> None:
    """404, whatever one wants to do with it."""
    answer = asked(url, method, path)
    described = at("#/components/responses/NotFound")

    assert answer.status == 404
    assert of_response(described, answer, head=method == "HEAD") == []


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        ("Content-Length: none", 400),
        ("\tno: name", 400),
        (f"X-Long: {'x' * 8_191}", 400),
        ("Expect: the best", 417),
    ],
    ids=["no number", "no name", "too long", "expects too much"],
)
@pytest.mark.parametrize("operation", [("GET", "/"), ("GET", "/healthz")], ids=" ".join)
def test_request_that_makes_no_sense_is_refused_as_described(
    url: str, operation: Operation, lines: str, status: int
) -> None:
    """Before anybody asks what it is for."""
    host = urlsplit(url).netloc
    answer = told(
        url, f"GET {operation[1]} HTTP/1.1\r\nHost: {host}\r\n{lines}\r\n\r\n"
    )

    is_described(operation, answer, status)


def test_slow_requests_are_told_so_as_described(start_broker: StartBroker) -> None:
    """Headers and body, each with its limit in the sentence."""
    own = start_broker({}, handshakeTimeout=1, readTimeout=0.3)
    host = urlsplit(own.url).netloc
    fields = "Content-Type: application/json\r\nContent-Length: 100"
    headers = told(own.url, f"GET / HTTP/1.1\r\nHost: {host}\r\n")
    body = told(
        own.url, f"POST {SIGN_IN} HTTP/1.1\r\nHost: {host}\r\n{fields}\r\n\r\n{{"
    )

    is_described(("GET", "/"), headers, 408)
    is_described(("POST", SIGN_IN), body, 408)
    assert b"line and headers of a request must come in 1 s" in headers.body
    assert b"body of a request must come in 0.3 s" in body.body


def test_connection_too_many_is_told_so_as_described(start_broker: StartBroker) -> None:
    """A few more are taken than ``maxConnections``, for operators."""
    own = start_broker({}, maxConnections=1)
    parts = urlsplit(own.url)
    with ExitStack() as inside:
        for _ in range(SPARE + 1):
            line = socket.create_connection((parts.hostname, parts.port), ENOUGH)
            inside.enter_context(line)
        answer = asked(own.url, "GET", "/metrics")

    is_described(("GET", "/metrics"), answer, 503)


def test_broker_that_is_not_ready_says_so_as_described(
    start_broker: StartBroker,
) -> None:
    """Another process has locked the database."""
    own = start_broker({})
    with closing(sqlite3.connect(own.data / DATABASE)) as other:
        other.execute("BEGIN IMMEDIATE")
        answer = asked(own.url, "GET", "/readyz")

    is_described(("GET", "/readyz"), answer, 503)
    assert json.loads(answer.body)["checks"]["store"]["ok"] is False


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({}, b'{"token": "x"}', 400),
        (JSON, b"{}", 400),
        (JSON, b"[" * 1_025, 400),
        (JSON, b'{"token": "x"}', 401),
        ({**JSON, "Host": "evil.example"}, b'{"token": "x"}', 403),
        ({**JSON, "Origin": "http://127.0.0.1:1"}, b'{"token": "x"}', 403),
    ],
    ids=str,
)
def test_sign_in_that_is_refused_is_so_as_described(
    url: str, headers: dict[str, str], body: bytes, status: int
) -> None:
    """No JSON, no token, a wrong one, by another name, from another page."""
    answer = asked(url, "POST", SIGN_IN, headers, body)

    is_described(("POST", SIGN_IN), answer, status)


def test_sign_in_gives_what_is_described(start_broker: StartBroker) -> None:
    """A key that opens what is the operators', also from elsewhere."""
    own = start_broker({}, trustedProxies=["127.0.0.1/32"])
    body = json.dumps({"token": token_of(own)}).encode()
    answer = asked(own.url, "POST", SIGN_IN, JSON, body)
    key = json.loads(answer.body)["key"]
    hear(key)
    opened = {**WAYS["401"], "Authorization": f"Bearer {key}"}

    is_described(("POST", SIGN_IN), answer, 200)
    is_described(("GET", "/metrics"), asked(own.url, "GET", "/metrics", opened), 200)


def test_sign_in_beyond_the_keys_there_may_be_is_refused_as_described(
    node: Node, start_broker: StartBroker
) -> None:
    """``newKeysPerMinute``."""
    operator = {"console": {"clientType": "monitor"}}
    own = start_broker(operator, monitorsMayGetKey=True, newKeysPerMinute=1)
    node("handshake", "getKey", url=own.url, clientId="console")
    body = json.dumps({"token": token_of(own)}).encode()
    answer = asked(own.url, "POST", SIGN_IN, JSON, body)

    is_described(("POST", SIGN_IN), answer, 429)
