"""Limits of what is ordered, said, answered, read and called."""

from __future__ import annotations

import json
from contextlib import AsyncExitStack
from typing import Any, Final, Self

from tests.broker.gateway.raw_client import RawSocket, connected

from .harness import Broker, StartBroker
from .test_raw import Tavern, verified

TAVERN: Final = "SillyTavern"
CALLEE: Final = "guest#callee"
KIB: Final = 1024

FUNCTIONS: Final = """
import asyncio
import threading

from broker.functions import function

gate = threading.Event()

@function
async def slow(context):
    await asyncio.Event().wait()

@function
async def long(context):
    return "x" * 1_048_577

@function
def block(context):
    gate.wait()

@function
async def release(context):
    gate.set()
"""


def order(number: int, **fields: Any) -> dict[str, Any]:
    """An order for the SillyTavern."""
    return {"requestId": f"r{number}", "message": "x", "target": TAVERN, **fields}


class House:
    """A broker with a SillyTavern that answers nothing by itself, and a guest."""

    def __init__(self, broker: Broker) -> None:
        self.broker = broker
        self.lines = AsyncExitStack()
        self.tavern: RawSocket
        self.guest: RawSocket

    async def __aenter__(self) -> Self:
        """Let both in."""
        self.tavern = await self.line()
        await Tavern(self.tavern).arrive(TAVERN)
        self.guest = await self.line()
        await verified(self.guest, "guest")
        return self

    async def __aexit__(self, *_error: object) -> None:
        """Send them home."""
        await self.lines.aclose()

    async def line(self) -> RawSocket:
        """One more connection."""
        return await self.lines.enter_async_context(connected(self.broker.url))

    async def orders(self, count: int) -> list[Any]:
        """What the guest's orders are answered, one after the other."""
        return [
            await self.guest.ask("/llm", "LLM_REQUEST", order(number))
            for number in range(count)
        ]


def house(start_broker: StartBroker, **server: Any) -> House:
    """A broker of one's own with these settings."""
    return House(start_broker({"guest": {}, TAVERN: {}}, **server))


# -- orders


async def test_one_request_more_than_may_be_in_flight(
    start_broker: StartBroker,
) -> None:
    """Section 9: requests in flight per identity; what to do is said."""
    async with house(start_broker, requestsInFlight=2) as here:
        answers = await here.orders(3)
        cancelled = await here.guest.ask("/llm", "CANCEL_REQUEST", {"requestId": "r0"})
        after = await here.guest.ask("/llm", "LLM_REQUEST", order(3))

    assert [each.get("code") for each in answers] == [None, None, 10429]
    assert answers[2]["message"] == (
        "you have 2 requests in flight already: wait until one has ended, or cancel one"
    )
    assert (cancelled["status"], after["status"]) == ("ok", "ok")
    assert here.broker.reached("requestsInFlight") == 1


async def test_one_request_more_than_may_wait(start_broker: StartBroker) -> None:
    """Section 9: queued per extension."""
    async with house(start_broker, queuedPerExtension=1) as here:
        answers = await here.orders(3)

    assert [each.get("code") for each in answers] == [None, None, 10429]
    assert f"1 requests wait for {TAVERN} already: try later" in answers[2]["message"]
    assert here.broker.reached("queuedPerExtension") == 1


async def test_text_longer_than_may_be(start_broker: StartBroker) -> None:
    """Section 9: message text, of orders and of what is said."""
    async with house(start_broker, messageText=1_000) as here:
        long = "x" * 1_001
        ordered = await here.guest.ask("/llm", "LLM_REQUEST", order(1, message=long))
        said = await here.guest.ask(
            "/llm", "message", {"data": long, "targetRoom": "guest"}
        )
        fits = await here.guest.ask("/llm", "LLM_REQUEST", order(2, message=long[1:]))

    told = "has 1001 bytes, a message at most 1000: make it shorter, or send it in"
    assert (ordered["code"], said["code"], fits["status"]) == (4, 4, "ok")
    assert f"message {told}" in ordered["message"]
    assert f"data {told}" in said["message"]
    assert here.broker.reached("messageText") == 2


async def test_more_chunks_than_may_wait_behind_a_missing_one(
    start_broker: StartBroker,
) -> None:
    """Section 5: the answer fails, and the next one is not harmed."""
    async with house(start_broker, gapChunks=2) as here:
        await here.guest.ask("/llm", "LLM_REQUEST", order(1))
        (asked,) = json.loads("[" + await here.tavern.heard('42/llm,["LLM_REQUEST",'))
        ids = {"requestId": asked["requestId"], "streamId": "s", "outputId": "o"}
        for index in range(1, 4):
            chunk = {**ids, "chunkIndex": index, "data": "x"}
            said = json.dumps(["STREAM_DATA_FIRST", chunk])
            await here.tavern.send(f"42/llm,{said}")
        status: dict[str, Any] = {}
        while status.get("status") != "failed":
            packet = await here.guest.heard('42/llm,["REQUEST_STATUS_UPDATE",')
            (status,) = json.loads("[" + packet)
        after = await here.guest.ask("/llm", "LLM_REQUEST", order(2))

    assert status["error"]["code"] == 10401
    assert (
        "at most 2 chunks and 262144 bytes wait behind one"
        in (status["error"]["message"])
    )
    assert after["status"] == "ok"
    assert here.broker.reached("gapChunks") == 1


# -- reading


async def test_fifth_history_at_once_is_refused(start_broker: StartBroker) -> None:
    """Four may be on their way to a session."""
    slowly = {"contextPageSize": 1, "contextSendDelay": 5}
    async with house(start_broker, **slowly) as here:
        for text in ("one", "two"):
            said = {"data": text, "targetRoom": "guest"}
            assert (await here.guest.ask("/llm", "message", said))["status"] == "ok"
        answers = [
            await here.guest.ask("/llm", "GET_FULL_CONTEXT", {"roomName": "guest"})
            for _ in range(5)
        ]

    assert [each.get("code") for each in answers] == [None] * 4 + [10429]
    assert "4 histories already: ask again when one has come" in answers[4]["message"]
    assert here.broker.reached("historiesPerSession") == 1


# -- functions and files


async def callers(here: House, identity: str = "guest") -> RawSocket:
    """The guest with functions to call and to be called by."""
    line = await here.line()
    auth = {"clientId": "guest", "identity": identity, "key": "getKey"}
    await line.join("/auth", **auth)
    await line.heard('42/auth,["GET_CLIENT_KEY"')
    await line.join("/function_call", **auth)
    return line


def house_with_functions(start_broker: StartBroker, **server: Any) -> House:
    """A broker with an operator's functions."""
    start = house(start_broker, **server)
    folder = start.broker.settings / "functions"
    folder.mkdir()
    (folder / "own.py").write_text(FUNCTIONS)
    start.broker.stop()
    start.broker.restart()
    return start


def call(name: str, *args: Any, target: str = "server") -> dict[str, Any]:
    """A call of a function."""
    return {
        "requestId": "c",
        "functionName": name,
        "args": list(args),
        "target": target,
    }


def error_of(answer: dict[str, Any]) -> tuple[int, str]:
    """Code and message of a call that failed."""
    error = answer.get("error") or answer
    return error["code"], error["message"]


async def test_one_call_more_than_may_wait(start_broker: StartBroker) -> None:
    """64 of a session; it calls itself and does not answer."""
    async with house(start_broker) as here:
        line = await callers(here)
        for _ in range(64):
            said = json.dumps(["FUNCTION_CALL", call("f", target="guest")])
            await line.send(f"42/function_call,1{said}")
        answer = await line.ask("/function_call", "FUNCTION_CALL", call("f"))

    code, message = error_of(answer)
    assert code == 10429
    assert message.startswith("64 of your calls wait for their answers already: call")
    assert here.broker.reached("callsPerSession") == 1


async def test_one_call_more_than_a_callee_may_leave_unanswered(
    start_broker: StartBroker,
) -> None:
    """256 of four sessions; who asks again when one is answered is served."""

    def said(name: str) -> str:
        return json.dumps(["FUNCTION_CALL", call(name, target=CALLEE)])

    async with house(start_broker) as here:
        callee = await callers(here, CALLEE)
        lines = [await callers(here) for _ in range(5)]
        for name, line in enumerate(lines[:4]):
            for _ in range(64):
                await line.send(f"42/function_call,1{said(str(name))}")
        asked = [await callee.heard("42/function_call,") for _ in range(256)]
        more = call("too many", target=CALLEE)
        refused = await lines[4].ask("/function_call", "FUNCTION_CALL", more)
        number, _, event = asked[-1].partition("[")
        asker = lines[int(json.loads(f"[{event}")[1]["functionName"])]
        await callee.send(f'43/function_call,{number}["done"]')
        (answer,) = json.loads(await asker.heard("43/function_call,1"))
        await lines[4].send(f"42/function_call,2{said('again')}")
        after = await callee.heard("42/function_call,")

    why = "has 256 calls unanswered already: call again when it has answered one"
    assert error_of(refused) == (10429, f"{CALLEE!r} {why}")
    assert answer["result"] == "done"
    assert '"again"' in after
    assert here.broker.reached("callsPerCallee") == 1


async def test_one_function_more_than_may_block(start_broker: StartBroker) -> None:
    """32 threads; others that do not block run, and all when these have ended."""
    async with house_with_functions(start_broker) as here:
        line = await callers(here)
        said = json.dumps(["FUNCTION_CALL", call("block")])
        for _ in range(32):
            await line.send(f"42/function_call,1{said}")
        refused = await line.ask("/function_call", "FUNCTION_CALL", call("block"))
        released = await line.ask("/function_call", "FUNCTION_CALL", call("release"))
        ended = [await line.heard("43/function_call,1") for _ in range(32)]
        after = await line.ask("/function_call", "FUNCTION_CALL", call("block"))

    assert error_of(refused) == (
        10429,
        "32 functions that may block run already: call again when one has ended",
    )
    assert [each["success"] for each in (released, after)] == [True, True]
    assert ['"success":true' in each for each in ended] == [True] * 32
    assert here.broker.reached("functionThreads") == 1


async def test_function_that_takes_too_long_or_says_too_much(
    start_broker: StartBroker,
) -> None:
    """Codes 8 and 502; the callers are told how long and how much."""
    async with house_with_functions(start_broker, functionTimeout=0.3) as here:
        line = await callers(here)
        slow, long = [
            await line.ask("/function_call", "FUNCTION_CALL", call(name))
            for name in ("slow", "long")
        ]

    assert error_of(slow) == (8, "the function slow took more than 0.3 s")
    assert error_of(long) == (
        502,
        "the function's result has 1048579 bytes, at most 1048576 are sent",
    )
    assert here.broker.reached("functionTimeout") == 2


async def test_file_too_large_to_be_read_or_written(start_broker: StartBroker) -> None:
    """Codes 104 and 105; what was there stays."""
    async with house(start_broker) as here:
        line = await callers(here)
        path = here.broker.settings / "guest-notes.json"
        path.write_text(json.dumps({"text": "x" * 256 * KIB}))
        wanted = call("readJsonFromFile", f"settings/{path.name}")
        read = await line.ask("/function_call", "FUNCTION_CALL", wanted)
        much = {"text": "x" * 256 * KIB}
        wanted = call("saveJsonToFile", "settings/guest-more.json", much)
        written = await line.ask("/function_call", "FUNCTION_CALL", wanted)

    assert error_of(read) == (
        104,
        "settings/guest-notes.json is too large to be read: at most 256 KiB",
    )
    assert error_of(written) == (
        105,
        "the file would have 262160 bytes, at most 256 KiB are written",
    )
    assert not (here.broker.settings / "guest-more.json").exists()
    assert here.broker.reached("jsonFileSize") == 2


async def test_one_file_more_than_a_client_may_have(start_broker: StartBroker) -> None:
    """32, its settings among them; those that are there can be written."""
    async with house(start_broker) as here:
        line = await callers(here)

        async def save(name: str) -> dict[str, Any]:
            wanted = call("saveJsonToFile", f"settings/{name}.json", {"a": 1})
            answer = await line.ask("/function_call", "FUNCTION_CALL", wanted)
            return dict(answer)

        saved = [await save(f"guest-{number}") for number in range(31)]
        refused = await save("guest-more")
        again = await save("guest-0")

    assert [each["success"] for each in (*saved, again)] == [True] * 32
    assert error_of(refused) == (
        105,
        "settings/ has 32 files of yours already: write to one of these",
    )
    assert not (here.broker.settings / "guest-more.json").exists()
    assert here.broker.reached("filesPerClient") == 1
