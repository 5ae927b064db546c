"""Items 9 to 13: full queues, wrong keys, nonsense, floods and lies.

What a quick test shows is not tried again here: ``SHOWN`` says which test shows which
cell of the table, and the first test holds it to that. The tries below are those that
need numbers: how fast a refusal is, how much memory nonsense costs, and whether the
owner of a key gets in while everybody else tries.
"""

from __future__ import annotations

import ast
import asyncio
import contextlib
import hashlib
import json
import secrets
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final

import aiohttp
import pytest

from tests.broker.gateway.raw_client import ENOUGH, PATH, RawSocket, connected
from tests.integration.harness import Broker, StartBroker
from tests.integration.test_limits import from_afar
from tests.integration.test_ops import metrics
from tests.integration.test_raw import Tavern, verified

from .report import measured

ROOM: Final = 20
"""How many times longer than the table says a refusal may take on a slow machine."""

MIB: Final = 1 << 20
PROXY: Final = ["127.0.0.0/8"]
QUESTION: Final = {"data": "Connection active?", "target": "server"}
TESTS: Final = Path(__file__).parents[1]

SHOWN: Final[dict[str, tuple[str, ...]]] = {
    "integration/test_raw.py": (
        "test_foreign_host_is_refused",  # 13: DNS rebinding
        "test_foreign_origin_is_refused",  # 13: foreign Origin, null
        "test_connection_that_joins_nothing_is_closed",  # 11: half-open handshakes
        "test_packet_over_the_limit_closes_a_websocket",  # 11: 1 MiB + 1
        "test_packet_over_the_limit_closes_a_polling_connection",
        "test_too_many_packets_in_one_body_close_the_connection",  # 11
        "test_broken_attachments_close_the_connection",  # 11: 11 attachments
        "test_lone_surrogates_in_stream_events_leave_no_traceback",  # 11
    ),
    "integration/test_gate.py": (
        "test_request_that_does_not_come_is_not_waited_for",  # 11: slow headers
        "test_body_that_does_not_come_is_not_waited_for",  # 11: slow bodies
        "test_compressed_body_is_not_unpacked",  # 11: deflate bombs
        "test_upgrade_that_never_ends_is_given_up",  # 11: half-open upgrades
        "test_attachments_that_never_come_end_the_connection",  # 11
        "test_connection_beyond_all_is_refused_before_it_is_one",  # 9: global cap
        "test_flood_of_namespaces_is_refused_and_then_cut",  # 10
    ),
    "integration/test_limits.py": (
        "test_connections_of_one_address_are_limited",  # 9: sockets per address
        "test_who_goes_on_is_closed_and_told_why",  # 12
    ),
    "integration/test_handshake.py": (
        "test_other_pages_of_this_machine_need_a_key",  # 13: another local port
        "test_forwarded_connection_is_not_local",  # 13: a reverse proxy
        "test_identity_of_another_trusted_client_is_refused",  # 13: squatting
        "test_identity_of_another_live_client_is_refused",
        "test_odd_id_is_not_trusted_on_first_use",
    ),
    "integration/test_manners.py": (
        "test_forged_events_of_the_library_are_ignored",  # 13: connect, disconnect
        "test_forged_connect_makes_nobody_a_member",
    ),
    "integration/test_functions.py": (
        "test_what_may_not_be_saved_is_refused_in_both_envelopes",  # 13: rights
    ),
    "broker/functions/test_settings_writer.py": (
        "test_rights_can_not_be_changed_by_who_has_them",  # 13: rights
        "test_files_of_others_can_not_be_written",
        "test_nobody_writes_a_settings_file_for_a_client_to_come",
        "test_silly_tavern_may_change_nothing_else_there",
        "test_links_are_not_written_through",
    ),
    "broker/security/test_admission.py": (
        "test_ten_wrong_keys_ban_the_address_before_any_bcrypt",  # 10
        "test_wrong_keys_that_come_at_once_are_limited_like_others",
        "test_owner_with_a_sealed_key_passes_the_ban_of_others",
        "test_forged_key_costs_no_bcrypt_and_counts",
    ),
}
"""Which quick test shows what, by the number of the item."""


def resident(broker: Broker) -> float:
    """The broker's memory, in MiB."""
    return metrics(broker.url)["process_resident_memory_bytes", ""] / MIB


def cpu(broker: Broker) -> float:
    """The seconds of processor that the broker has had."""
    return metrics(broker.url)["process_cpu_seconds_total", ""]


def complaints(broker: Broker) -> str:
    """What it has written to its terminal."""
    return (broker.root / "stderr").read_text(encoding="utf-8")


def made_up() -> str:
    """A key as they are made, which is nobody's."""
    secret = secrets.token_urlsafe(32)
    return f"tap_{hashlib.sha256(secret.encode()).hexdigest()[:16]}_{secret}"


def median(times: list[float]) -> float:
    """The middle one, in milliseconds."""
    return 1_000 * sorted(times)[len(times) // 2]


async def timed(times: list[float], asking: Awaitable[Any]) -> Any:
    """What is answered, and note how long that took."""
    begin = time.perf_counter()
    answer = await asking
    times.append(time.perf_counter() - begin)
    return answer


@asynccontextmanager
async def alive(broker: Broker, client: str) -> AsyncIterator[RawSocket]:
    """Somebody who is there all the time, and is not harmed."""
    async with connected(broker.url) as line:
        await line.join(clientId=client)
        yield line
        answer = await line.ask("/llm", "message", QUESTION)
        assert answer["status"] == "ok"


def test_every_cell_has_its_test() -> None:
    """Whoever renames a test finds it missed here."""
    missing = []
    for path, names in SHOWN.items():
        tree = ast.parse((TESTS / path).read_text("utf-8"))
        there = {getattr(node, "name", "") for node in tree.body}
        missing += [f"{path}: {name}" for name in names if name not in there]

    assert missing == []


# -- item 9: one too many


async def key_for_the_asking(broker: Broker, client: str) -> str:
    """A key of one's own, as this machine gives it."""
    async with connected(broker.url) as line:
        await line.join("/auth", clientId=client, key="getKey")
        (answer,) = json.loads("[" + await line.heard('42/auth,["GET_CLIENT_KEY",'))
        return str(answer["key"])


async def test_one_request_too_many_is_refused_at_once(
    start_broker: StartBroker,
) -> None:
    """The 17th in flight, and the one behind a full queue: 10429 within 50 ms."""
    own = start_broker(
        {"host": {}, "late": {}, "SillyTavern": {}}, queuedPerExtension=15
    )
    flight: list[float] = []
    queue: list[float] = []
    async with (
        connected(own.url) as tavern,
        connected(own.url) as host,
        connected(own.url) as late,
    ):
        await Tavern(tavern).arrive("SillyTavern")
        await verified(host, "host")
        await verified(late, "late")
        for number in range(16):
            order = {"requestId": f"r{number}", "message": "x", "target": "SillyTavern"}
            assert (await host.ask("/llm", "LLM_REQUEST", order))["status"] == "ok"
        codes = set()
        for number in range(16, 66):
            order = {"requestId": f"r{number}", "message": "x", "target": "SillyTavern"}
            for line, times in ((host, flight), (late, queue)):
                answer = await timed(times, line.ask("/llm", "LLM_REQUEST", order))
                codes.add(answer["code"])

    assert codes == {10429}
    assert median(flight) < 50 * ROOM
    assert median(queue) < 50 * ROOM
    measured(
        9,
        f"50 requests beyond 16 in flight refused in {median(flight):.1f} ms (median; "
        f"longest {1_000 * max(flight):.1f}), 50 beyond a full queue in "
        f"{median(queue):.1f} ms (longest {1_000 * max(queue):.1f})",
    )


async def test_one_connection_too_many_is_refused_at_once(
    start_broker: StartBroker,
) -> None:
    """The 51st of an address with 429, the one beyond all with 503; before accept."""
    own = start_broker({"a": {}}, trustedProxies=PROXY, maxConnections=120)
    address: list[float] = []
    full: list[float] = []
    async with AsyncExitStack() as inside:
        for _ in range(50):
            await inside.enter_async_context(connected(own.url, from_afar()))
        session = await inside.enter_async_context(aiohttp.ClientSession())

        async def knock(headers: dict[str, str]) -> int:
            async with session.get(f"{own.url}{PATH}websocket", headers=headers) as got:
                return got.status

        upgrade = {"Connection": "Upgrade", "Upgrade": "websocket"}
        first = {await timed(address, knock(upgrade | from_afar())) for _ in range(50)}
        for _ in range(70):
            await inside.enter_async_context(connected(own.url))
        second = {await timed(full, knock(upgrade)) for _ in range(50)}

    assert (first, second) == ({429}, {503})
    assert median(address) < 50 * ROOM
    assert median(full) < 50 * ROOM
    measured(
        9,
        f"51st connection of an address refused with 429 in {median(address):.1f} ms, "
        f"one beyond maxConnections with 503 in {median(full):.1f} ms (medians; "
        f"longest {1_000 * max(address + full):.1f})",
    )


# -- item 10: wrong keys


async def test_owner_gets_in_whoever_else_tries(start_broker: StartBroker) -> None:
    """Wrong keys from 200 addresses, the owner's id known: no bcrypt for strangers.

    The owner's key is not known to the broker any more: it was started again. Half of
    the tries come from the very address of the owner, which is banned for it.
    """
    own = start_broker({"owner": {}}, trustedProxies=PROXY)
    key = await key_for_the_asking(own, "owner")
    own.stop()
    own.restart()
    stolen = f"{key[: key.rindex('_', 0, -43)]}_{'x' * 43}"
    tries = Counter[str]()
    before = cpu(own)
    begin = time.perf_counter()

    async def guess(address: str, wrong: Callable[[], str]) -> None:
        async with connected(own.url, from_afar(address)) as line:
            for _ in range(15):
                answer = await line.join(clientId="owner", key=wrong())
                tries[
                    "banned" if "too many wrong" in answer["message"] else "wrong"
                ] += 1

    for group in range(0, 200, 20):
        addresses = [f"203.0.113.{n}" for n in range(group + 1, group + 21)]
        guesses = [(lambda: stolen), made_up]
        await asyncio.gather(
            *(guess(each, guesses[n % 2]) for n, each in enumerate(addresses))
        )
    spent = cpu(own) - before
    took = time.perf_counter() - begin
    entered: list[float] = []
    async with connected(own.url, from_afar("203.0.113.7")) as line:
        answer = await timed(entered, line.join(clientId="owner", key=key))

    assert answer == {}
    assert tries["wrong"] == 200 * 10
    assert tries["banned"] == 200 * 5
    # bcrypt takes some 50 ms: 2,000 of them would be more than a minute and a half.
    assert spent < 30
    measured(
        10,
        f"3,000 wrong keys from 200 addresses in {took:.1f} s, 10 judged of each, "
        f"{1_000 * spent / 3_000:.2f} ms of processor each, none by bcrypt; the owner "
        f"from a banned address, after a restart, in {1_000 * entered[0]:.0f} ms",
    )


async def test_flood_of_passwords_is_limited_however_it_comes(
    start_broker: StartBroker,
) -> None:
    """300 LOGINs at once: ten are judged, and the others cost no bcrypt."""
    own = start_broker({"SillyTavern": {"sillyTavernPassWord": "right"}})
    auth = {"clientId": "SillyTavern", "clientType": "SillyTavern", "key": "getKey"}
    told = Counter[bool]()
    async with connected(own.url) as line:
        await line.join("/auth", **auth)
        before = cpu(own)
        wrong = json.dumps(["LOGIN", {"clientId": "SillyTavern", "password": "wrong"}])
        await line.send(*[f"42/auth,{number}{wrong}" for number in range(100, 400)])
        async with asyncio.timeout(3 * ENOUGH):
            while told.total() < 300:
                answer = await line.heard("43/auth,")
                told["too many wrong" in answer] += 1
        spent = cpu(own) - before

    assert told[False] == 10
    measured(10, f"300 LOGINs at once: 10 judged, {spent:.2f} s of processor in all")


# -- item 11: nonsense

NONSENSE: Final[dict[str, str]] = {
    "a key of 73 bytes": '40/llm,{"clientId":"a","key":"%s"}' % ("k" * 73),
    "a NUL in the key": '40/llm,{"clientId":"a","key":"tap_\\u0000"}',
    "a NUL in the id": '40/llm,{"clientId":"a\\u0000"}',
    "a lone surrogate in the id": '40/llm,{"clientId":"\\ud800"}',
    "a lone surrogate in the key": '40/llm,{"clientId":"a","key":"\\udfff"}',
    "a number of 1 MB": '42/llm,1["message",%s]' % ("9" * 1_000_000),
    "a float of 1 MB": '42/llm,1["message",0.%s]' % ("9" * 1_000_000),
    "an exponent": '42/llm,1["message",1e999999999]',
    "depth 10,000": '42/llm,1["message",' + "[" * 10_000 + "]" * 10_001,
    "depth 10,000, open": '42/llm,1["message",%s' % ("[" * 10_000),
    "eleven attachments": '4511-/llm,["message",{"_placeholder":true,"num":0}]',
    "a billion attachments": '45999999999-/llm,["message",1]',
    "1 MiB and 1": '42/llm,["message","%s"]' % ("x" * MIB),
    "a namespace of 1 MB": "40/%s," % ("n" * 1_000_000),
    "an ack number of 1 MB": "42/llm,%s[]" % ("1" * 1_000_000),
    "half an attachment": '451-/llm,["message",{"_placeholder":true,"num":0}]',
}


async def test_nonsense_costs_no_memory_and_leaves_no_traceback(
    start_broker: StartBroker,
) -> None:
    """Each 20 times, by people who come in first; then what is left of it."""
    own = start_broker({"a": {}, "b": {}}, newKeysPerMinute=10_000)

    async def throw(packet: str) -> None:
        async with connected(own.url) as line:
            await line.join(clientId="a")
            with contextlib.suppress(OSError):  # it may be cut before it is all sent
                await line.send(packet)

    async def throw_all() -> None:
        for packet in NONSENSE.values():
            for _ in range(4):
                await asyncio.gather(*(throw(packet) for _ in range(5)))

    await throw_all()  # what the first of everything costs stays with the process
    before = resident(own)
    began = time.perf_counter()
    async with alive(own, "b"):
        await throw_all()
        async with asyncio.timeout(2 * ENOUGH):
            while metrics(own.url)["tapster_connections", "unverified"] > 1:  # noqa: ASYNC110
                await asyncio.sleep(0)
        grown = resident(own) - before
        took = time.perf_counter() - began

    assert "Traceback" not in complaints(own)
    assert grown <= 5
    measured(
        11,
        f"{len(NONSENSE)} kinds of nonsense 20 times each in {took:.1f} s: "
        f"{grown:+.1f} MiB, no traceback, others answered",
    )


async def test_slow_requests_are_cut_and_cost_no_memory(
    start_broker: StartBroker,
) -> None:
    """400 connections that say a byte and no more: each told 408, all gone in time."""
    own = start_broker({"b": {}}, handshakeTimeout=3)
    port = int(own.url.rpartition(":")[2])
    before = resident(own)

    async def dribble() -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /")
        answer = await reader.read()
        writer.close()
        return answer

    begin = time.perf_counter()
    async with asyncio.timeout(3 * ENOUGH):
        answers = await asyncio.gather(*(dribble() for _ in range(400)))
    took = time.perf_counter() - begin
    grown = resident(own) - before

    assert all(answer.startswith(b"HTTP/1.1 408 ") for answer in answers)
    assert grown <= 40
    measured(
        11,
        f"400 slow requests closed with 408 after {took:.1f} s (handshakeTimeout 3): "
        f"{grown:+.1f} MiB while they were there and since",
    )


# -- item 12: a flood of events


async def test_flood_of_events_is_limited_then_cut_and_others_hear_nothing_of_it(
    start_broker: StartBroker,
) -> None:
    """400 a second for ten seconds, as shipped; somebody else asks all the while."""
    own = start_broker({"a": {}, "b": {}})
    quiet: list[float] = []
    heard = Counter[str]()

    async def listen(line: RawSocket) -> None:
        while True:
            answer = await line.heard("43/llm,")
            heard["refused" if '"code":10429' in answer else "taken"] += 1

    async with alive(own, "b") as other, connected(own.url) as line:
        await line.join(clientId="a")
        listening = asyncio.ensure_future(listen(line))
        begin = time.perf_counter()
        sent = 0
        while not listening.done() and time.perf_counter() - begin < 30:
            due = int((time.perf_counter() - begin) * 400)
            for number in range(sent, due):
                event = json.dumps(["message", QUESTION])
                await line.send(f"42/llm,{number}{event}")
            sent = max(sent, due)
            await timed(quiet, other.ask("/llm", "message", QUESTION))
            await asyncio.sleep(0.01)
        took = time.perf_counter() - begin
        await asyncio.gather(listening, return_exceptions=True)

    assert heard["refused"] > 0
    assert took < 30
    assert median(quiet) < 50 * ROOM
    measured(
        12,
        f"400 events/s from one socket: {heard['taken']} taken, {heard['refused']} "
        f"refused with 10429, cut after {took:.1f} s; {len(quiet)} of another answered "
        f"in {median(quiet):.1f} ms (median; longest {1_000 * max(quiet):.1f})",
    )


# -- item 13: lies

FORGED: Final = {
    "source": "monitor",
    "clientId": "monitor",
    "identity": "monitor",
    "role": "master",
    "fromLlm": True,
    "isSystem": True,
    "messageId": "forged",
    "timestamp": "1970-01-01T00:00:00.000Z",
    "requestingIdentity": "monitor",
    "streamed": True,
}


async def test_stamped_fields_can_not_be_forged(start_broker: StartBroker) -> None:
    """In words, in an order, in an edit and in an event of one's own."""
    own = start_broker({"host": {}, "guest": {}, "SillyTavern": {}})
    async with (
        connected(own.url) as tavern,
        connected(own.url) as host,
        connected(own.url) as guest,
    ):
        await Tavern(tavern).arrive("SillyTavern")
        await verified(host, "host")
        await verified(guest, "guest")
        await host.join("/rooms", clientId="host", key="getKey")
        member = {"roomName": "host", "identity": "guest"}
        added = await host.ask("/rooms", "ADD_CLIENT_TO_ROOM", member)
        assert added["status"] == "ok", added

        async def heard(line: RawSocket, name: str) -> dict[str, Any]:
            (found,) = json.loads("[" + await line.heard(f'42/llm,["{name}",'))
            return dict(found)

        said = {**FORGED, "data": "hi", "targetRoom": "host"}
        await guest.send("42/llm," + json.dumps(["message", said]))
        note = (await heard(host, "NEW_MESSAGE"))["message"]
        own_event = {**FORGED, "target": "host"}
        await guest.send("42/llm," + json.dumps(["dice:roll", own_event]))
        event = await heard(host, "dice:roll")
        change = {
            "roomName": "host",
            "messageId": note["messageId"],
            "updatedFields": {**FORGED, "data": "changed"},
        }
        edited = await guest.ask("/llm", "EDIT_MESSAGE", change)
        order = {**FORGED, "requestId": "r", "message": "x", "target": "SillyTavern"}
        await host.send("42/llm," + json.dumps(["LLM_REQUEST", order]))
        asked = await heard(tavern, "LLM_REQUEST")

    assert (note["identity"], note["clientId"], note["role"]) == (
        "guest",
        "guest",
        "guest",
    )
    assert note["messageId"] != "forged"
    assert not note["timestamp"].startswith("1970")
    assert not note.get("fromLlm")
    assert not note.get("isSystem")
    assert (event["source"], event["clientId"]) == ("guest", "guest")
    assert edited["status"] == "error"
    assert (asked["source"], asked["requestingIdentity"]) == ("server", "host")
    measured(13, f"{len(FORGED)} stamped fields forged in words, events, edits, orders")


@pytest.mark.parametrize(
    ("headers", "auth", "code"),
    [
        (from_afar(), {"clientId": "a", "key": "getKey"}, 5),
        (
            from_afar(),
            {"clientId": "SillyTavern-8000", "clientType": "SillyTavern"},
            6,
        ),
        (
            {"Origin": "http://127.0.0.1:9999"},
            {"clientId": "a", "key": "getKey"},
            5,
        ),
        ({"Forwarded": "for=127.0.0.1"}, {"clientId": "a", "key": "getKey"}, 5),
        ({"X-Real-Host": "x"}, {"clientId": "a", "identity": "b"}, 6),
        ({"X-Real-Host": "x"}, {"clientId": "a", "identity": "server"}, 6),
        ({"X-Real-Host": "x"}, {"clientId": "a", "clientType": "monitor"}, 6),
        ({"X-Real-Host": "x"}, {"clientId": "monitor", "key": "getKey"}, None),
    ],
)
async def test_nobody_is_given_a_key_or_a_name_that_is_not_theirs(
    start_broker: StartBroker,
    headers: dict[str, str],
    auth: dict[str, str],
    code: int | None,
) -> None:
    """From another machine, a proxy, a page on another port, under others' names."""
    own = start_broker({"a": {}, "b": {}, "monitor": {"clientType": "monitor"}})
    async with connected(own.url, headers) as line:
        refusal = await line.join("/auth", **auth)
        if code is None:  # it comes in, and is given nothing
            asked = await line.ask("/auth", "GET_CLIENT_KEY", {"clientId": "b"})
            refusal = {"code": asked["code"]}
            code = 5

    assert refusal["code"] in {code, 6}
    assert "Traceback" not in complaints(own)
    measured(13, f"{auth} with {headers}: refused, code {refusal['code']}")
