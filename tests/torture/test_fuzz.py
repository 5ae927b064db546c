"""Item 18: every event, raw packets and HTTP, with payloads that nobody would send."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from actors.errors import ProtocolError
from broker.protocol.handshake import read_handshake
from broker.protocol.inbound import read_stream_packet
from broker.protocol.json_text import cut, decode, piece_of
from broker.protocol.wire import LIBRARY_ANSWERS, STREAM_EVENT_TYPES, Namespace
from tests.broker.gateway.in_process import Wire, broker_in_process, masked

from .fuzzing import (
    BYSTANDER,
    CAST,
    LIMITS,
    NAMES,
    PAYLOADS,
    Complaints,
    Sender,
    complaints,
)
from .report import measured

__all__ = ["complaints"]

EVENTS_TRIED: Final = 4_000
PACKETS_TRIED: Final = 1_500
REQUESTS_TRIED: Final = 1_500
TEXTS_TRIED: Final = 20_000
ENOUGH: Final = 0.05
"""Seconds to wait for an answer to half a request."""


def tries(number: int) -> settings:
    """How hypothesis goes about it: the same each time, and no example twice."""
    return settings(
        max_examples=number,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )


def test_no_event_with_any_payload_is_a_fault_or_ends_a_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, complaints: Complaints
) -> None:
    """Of every namespace, from a client, a SillyTavern and a monitor."""
    begun = time.monotonic()
    sent: Counter[str] = Counter()
    lost: list[str] = []
    with asyncio.Runner() as runner:
        stack = contextlib.AsyncExitStack()
        house = broker_in_process(tmp_path, monkeypatch, *CAST, BYSTANDER, **LIMITS)
        broker = runner.run(stack.enter_async_context(house))
        cast = {name: Sender(broker, name) for name in CAST}

        @tries(EVENTS_TRIED)
        @given(
            who=st.sampled_from(sorted(CAST)),
            namespace=st.sampled_from([n for n in Namespace if n != Namespace.DEFAULT]),
            name=st.sampled_from(NAMES),
            payload=PAYLOADS,
            more=st.lists(PAYLOADS, max_size=1),
        )
        def say(
            who: str, namespace: str, name: str, payload: Any, more: list[Any]
        ) -> None:
            alive = runner.run(cast[who].send(namespace, name, payload, *more))
            sent[name] += 1
            if not alive:
                lost.append(f"{who} {namespace} {name} {payload!r}")

        try:
            say()
        finally:
            runner.run(stack.aclose())
    measured(
        18,
        f"{sent.total()} events of {len(sent)} names: "
        f"{len(complaints.heard)} unhandled, {len(lost)} connections lost, "
        f"{time.monotonic() - begun:.0f} s",
    )
    assert complaints.heard == []
    assert lost == []


HEADS: Final = st.sampled_from(
    [
        *("", "0", "1", "2", "3", "4", "5", "6", "7", "b", "\x1e"),
        *("40", "41", "42", "43", "44", "45", "46", "40/llm,", "40/auth,", "41/llm,"),
        *("42/llm,", "42/llm,1", "43/llm,1", "451-/llm,", "42/nowhere,"),
        *('42["message",', "42/llm,99999999999999999999"),
    ]
)
STREAMS: Final = sorted(STREAM_EVENT_TYPES) + sorted(LIBRARY_ANSWERS)
RESTS: Final = ['["$stream"]', '["$stream-read",1]', "[" * 70, "{", "[]", "[null]"]
PACKETS: Final = st.builds(
    lambda head, rest: f"{head}{rest}"[:8_000],
    HEADS,
    st.text(max_size=60)
    | st.sampled_from(RESTS)
    | st.sampled_from(STREAMS).map(lambda name: f'["{name}",{{"requestId":"r"}}]'),
)
FRAMES: Final = st.lists(PACKETS | st.binary(min_size=2, max_size=40), max_size=4)


async def _is_served(wire: Wire) -> None:
    """Whoever comes next is."""
    await wire.join(Namespace.AUTH, clientId="guest", key="getKey")
    await wire.hear('"GET_CLIENT_KEY"')


def test_no_packet_is_a_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, complaints: Complaints
) -> None:
    """What breaks the protocol ends its connection, and nothing else."""
    begun, closed, sent = time.monotonic(), 0, 0
    with asyncio.Runner() as runner:
        stack = contextlib.AsyncExitStack()
        house = broker_in_process(tmp_path, monkeypatch, *CAST, BYSTANDER, **LIMITS)
        broker = runner.run(stack.enter_async_context(house))

        async def throw(packets: list[str | bytes]) -> bool:
            wire = await broker.visitor()
            for packet in packets:
                if isinstance(packet, bytes):
                    wire.feed(packet)
                else:
                    wire.feed(masked(packet.encode("utf-8", "replace").decode()))
            for _ in range(5):
                await asyncio.sleep(0)
            over = wire.is_closing()
            wire.close()
            return over

        @tries(PACKETS_TRIED)
        @given(
            packets=st.lists(PACKETS | st.binary(min_size=2, max_size=40), max_size=4)
        )
        def say(packets: list[str | bytes]) -> None:
            nonlocal closed, sent
            closed += runner.run(throw(packets))
            sent += len(packets)

        try:
            say()
            wire = runner.run(broker.visitor())
            runner.run(_is_served(wire))
        finally:
            runner.run(stack.aclose())
    measured(
        18,
        f"{sent} raw packets and frames: {len(complaints.heard)} unhandled, "
        f"{closed} connections closed, {time.monotonic() - begun:.0f} s",
    )
    assert complaints.heard == []


POLLING: Final = "/socket.io/?EIO=4&transport=polling"
PATHS: Final = st.sampled_from(
    [
        *(
            "/",
            "/index.html",
            "/healthz",
            "/readyz",
            "/metrics",
            "/v1/models",
            "*",
            "//",
        ),
        *("/v1/chat/completions", "/lib/constants.js", "/dist/function_call.js"),
        *("/socket.io/", "/socket.io/?EIO=4", POLLING, f"{POLLING}&sid=x"),
        *("/socket.io/?EIO=3&transport=polling", "/socket.io/?transport=no&EIO=4"),
        *("/public/x", "/client/../settings/x.json", "/public/%2e%2e/%00"),
    ]
) | st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=30).map(
    lambda rest: f"/{rest}"
)
METHODS: Final = st.sampled_from(
    ["GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE", "X"]
)
HEADERS: Final = st.dictionaries(
    st.sampled_from(
        [
            *("Origin", "Authorization", "Content-Type", "Content-Length", "Cookie"),
            *("Transfer-Encoding", "Upgrade", "Connection", "Expect", "Range"),
            *("X-Forwarded-For", "Forwarded", "Accept-Encoding", "Content-Encoding"),
        ]
    ),
    st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=20)
    | st.sampled_from(
        [
            *("null", "Bearer x", "-1", "5", "chunked", "bytes=0-", "gzip", "upgrade"),
            *("websocket", "100-continue", "127.0.0.1", "for=", "application/json"),
        ]
    ),
    max_size=5,
)


def test_no_http_request_is_a_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, complaints: Complaints
) -> None:
    """Each is answered, and never with a 5xx of ours but 501 and 503."""
    begun, statuses = time.monotonic(), Counter[str]()
    with asyncio.Runner() as runner:
        stack = contextlib.AsyncExitStack()
        house = broker_in_process(tmp_path, monkeypatch, *CAST, **LIMITS)
        broker = runner.run(stack.enter_async_context(house))

        async def request(head: bytes) -> str:
            line = broker.line()
            line.feed(head)
            try:
                async with asyncio.timeout(ENOUGH):
                    heard = await line.hear("HTTP/1.")
            except TimeoutError:
                heard = "HTTP/1.1 none"  # it waits for the rest
            finally:
                line.close()
            return heard.partition("HTTP/1.")[2][2:5]

        @tries(REQUESTS_TRIED)
        @given(method=METHODS, path=PATHS, headers=HEADERS, body=st.binary(max_size=40))
        def ask(method: str, path: str, headers: dict[str, str], body: bytes) -> None:
            fields = {
                "Host": "127.0.0.1:4000",
                "Content-Length": str(len(body)),
            } | headers
            lines = [
                f"{method} {path} HTTP/1.1",
                *(f"{k}: {v}" for k, v in fields.items()),
            ]
            head = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body
            statuses[runner.run(request(head))] += 1

        try:
            ask()
        finally:
            runner.run(stack.aclose())
    measured(
        18,
        f"{statuses.total()} HTTP requests: {len(complaints.heard)} unhandled, "
        f"answers {dict(sorted(statuses.items()))}, {time.monotonic() - begun:.0f} s",
    )
    assert complaints.heard == []
    assert statuses["500"] == 0


def _chunk(text: str) -> bytes:
    fields = f'"requestId":"r","streamId":"s","data":"{text}"'
    return fields.encode("utf-8", "replace")


def test_the_codec_refuses_and_never_fails() -> None:
    """Pure functions: any bytes are understood, or refused with a ProtocolError."""
    begun, refused = time.monotonic(), 0

    @tries(TEXTS_TRIED)
    @given(
        packet=st.binary(max_size=80)
        | st.builds(
            lambda name, body: b'42/llm,["' + name.encode() + b'",{' + body + b"}]",
            st.sampled_from(sorted(STREAM_EVENT_TYPES)),
            st.binary(max_size=60)
            | st.text(max_size=30).map(
                lambda t: (
                    b'"requestId":"r","streamId":"s","data":"'
                    + t.encode("utf-8", "replace")
                    + b'"'
                )
            ),
        ),
        text=st.text(st.characters(), max_size=40),
        limit=st.integers(1, 40),
    )
    def read(packet: bytes, text: str, limit: int) -> None:
        nonlocal refused
        read_stream_packet(packet)
        joined = piece_of(text).text
        first, second = cut(joined, limit)
        assert first + second == joined
        try:
            read_handshake(decode(packet))
        except ProtocolError:
            refused += 1

    read()
    measured(
        18,
        f"{TEXTS_TRIED} texts through the codec with hypothesis: {refused} refused, "
        f"0 failed, {time.monotonic() - begun:.0f} s",
    )
