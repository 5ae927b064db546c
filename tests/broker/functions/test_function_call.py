"""``FUNCTION_CALL`` from its event to its ack, without a network."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

from actors.errors import BrokerError, Code
from broker.functions.remote import Remote
from broker.functions.visitor import Visitor
from broker.gateway.namespaces import function_call as module
from broker.gateway.namespaces.function_call import FunctionCallHandlers
from broker.gateway.registry import SessionRegistry
from broker.gateway.session import Session
from tests.broker.gateway.fakes import ENOUGH, turns

from .peers import Callee


class FakeFunctions:
    """The server's functions, as the test wants them."""

    def __init__(self) -> None:
        self.called: list[tuple[str, list[Any], Visitor]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.error: Exception | None = None

    async def call(self, name: str, args: list[Any], visitor: Visitor) -> Any:
        """Answer with the number of arguments."""
        self.called.append((name, args, visitor))
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        return len(args)


class Counter:
    """The namespace, and one caller."""

    def __init__(self) -> None:
        self.registry = SessionRegistry()
        self.functions = FakeFunctions()
        desk = SimpleNamespace(
            functions=self.functions, remote=Remote(self.registry, ENOUGH)
        )
        self.handlers = FunctionCallHandlers(cast("Any", desk))
        self.caller = Callee(self.registry, "guest#1", "guest")
        self._numbers = 0

    @property
    def session(self) -> Session:
        """The caller's."""
        return self.caller.session

    def call(self, **fields: Any) -> None:
        """Send a call that asks for an ack."""
        self._numbers += 1
        packet = ["FUNCTION_CALL", fields]
        self.handlers.dispatch(self.session, self._numbers, packet)

    async def answers(self) -> list[Any]:
        """All acks so far."""
        await turns()
        return [packet[0] for _, packet in self.caller.connection.sent()]

    async def answer(self, **fields: Any) -> Any:
        """Call; the ack."""
        self.caller.connection.forget()
        self.call(**fields)
        [answer] = await self.answers()
        return answer


@pytest.fixture
async def counter() -> Counter:
    """Open."""
    return Counter()


@pytest.mark.parametrize(
    ("args", "taken"),
    [([1, "a"], [1, "a"]), ([], []), ({"a": 1}, [{"a": 1}]), ({}, [{}])],
)
async def test_function_of_the_server_is_called(
    counter: Counter, args: Any, taken: list[Any]
) -> None:
    """Section 10: an object as ``args`` is one argument."""
    fields = {"requestId": "r", "functionName": "f", "target": "server"}

    assert await counter.answer(args=args, **fields) == {
        "requestId": "r",
        "success": True,
        "result": len(taken),
    }
    [(name, got, visitor)] = counter.functions.called
    assert (name, got) == ("f", taken)
    assert (visitor.client, visitor.verified) == ("guest", True)
    assert visitor.may_serve_files is False


async def test_target_and_arguments_may_be_left_out(counter: Counter) -> None:
    """The server, and none."""
    answer = await counter.answer(functionName="f")

    assert answer == {"requestId": None, "success": True, "result": 0}


async def test_right_to_serve_files_is_the_settings_files(counter: Counter) -> None:
    """``mayServeFiles``."""
    trust = counter.session.trust
    counter.session.trust = msgspec.structs.replace(trust, may_serve_files=True)
    await counter.answer(functionName="f")

    assert counter.functions.called[0][2].may_serve_files is True


@pytest.mark.parametrize("name", ["readJsonFromFile", "saveJsonToFile"])
async def test_refusal_is_in_both_envelopes_of_these_two(
    counter: Counter, name: str
) -> None:
    """Section 10: ``success: false`` in both."""
    counter.functions.error = BrokerError("no", Code.PATH_TRAVERSAL)
    error = {"message": "no", "code": 201}

    assert await counter.answer(requestId="r", functionName=name) == {
        "requestId": "r",
        "success": False,
        "error": error,
        "result": {"success": False, "error": error},
    }


@pytest.mark.parametrize("name", ["addStaticResources", "mine", ["readJsonFromFile"]])
async def test_refusal_of_all_others_is_in_one(counter: Counter, name: Any) -> None:
    """Section 2: ``{requestId, success: false, error}``."""
    counter.functions.error = BrokerError("no", Code.FUNCTION_FAILED)

    answer = await counter.answer(requestId="r", functionName=name)

    assert answer.keys() == {"requestId", "success", "error"}
    assert answer["success"] is False


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"functionName": 7},
        {"functionName": "f", "args": "x"},
        {"functionName": "f", "target": ["a"]},
    ],
)
async def test_malformed_call_is_refused(
    counter: Counter, fields: dict[str, Any]
) -> None:
    """Section 2: 3, in the envelope of this namespace."""
    answer = await counter.answer(requestId="r", **fields)

    assert answer["error"]["code"] == Code.INVALID_PARAMETER
    assert answer["requestId"] == "r"


@pytest.mark.parametrize(
    ("name", "target", "allowed"),
    [
        ("readJsonFromFile", "server", True),
        ("saveJsonToFile", "server", False),
        ("listFunctions", "server", False),
        ("addStaticResources", "server", False),
        ("readJsonFromFile", "ext", False),
        ("mine", "ext", False),
    ],
)
async def test_without_a_key_one_may_only_read(
    counter: Counter, name: str, target: str, *, allowed: bool
) -> None:
    """Section 1, rule 5; what may be read is the reader's to say."""
    callee = Callee(counter.registry, "ext")
    counter.session.verified = False

    answer = await counter.answer(functionName=name, target=target)

    assert answer["success"] is allowed
    assert callee.told() == []
    if allowed:
        assert counter.functions.called[0][2].verified is False
    else:
        assert answer["error"]["code"] == Code.AUTHENTICATION_FAILED


async def test_call_to_a_client_is_answered_by_it(counter: Counter) -> None:
    """Section 10: forwarded with ``source`` stamped; its ack is the result."""
    callee = Callee(counter.registry, "ext")
    counter.call(
        requestId="r",
        functionName="f",
        args={"a": 1},
        target="ext",
        more=[1],
        source="forged",
        clientId="forged",
    )
    sent_at_once = callee.calls()
    callee.answer({"requestId": "r", "success": True, "result": {"b": 2}})

    assert sent_at_once == [
        {
            "requestId": "r",
            "functionName": "f",
            "args": {"a": 1},
            "target": "ext",
            "more": [1],
            "source": "guest#1",
            "clientId": "guest",
        }
    ]
    assert await counter.answers() == [
        {"requestId": "r", "success": True, "result": {"b": 2}}
    ]


@pytest.mark.parametrize("bare", [7, None, [1], {"a": {"success": False}}])
async def test_callee_may_answer_with_a_bare_value(counter: Counter, bare: Any) -> None:
    """The envelope is put around it."""
    callee = Callee(counter.registry, "ext")
    counter.call(requestId="r", functionName="f", target="ext")
    callee.answer(bare)

    assert await counter.answers() == [
        {"requestId": "r", "success": True, "result": bare}
    ]


async def test_calls_keep_their_order(counter: Counter) -> None:
    """Told before anything is awaited."""
    callee = Callee(counter.registry, "ext")
    for number in range(5):
        counter.call(functionName="f", target="ext", args=[number])

    assert [call["args"] for call in callee.calls()] == [[n] for n in range(5)]


async def test_client_may_call_itself(counter: Counter) -> None:
    """Its newest session, as any other's."""
    counter.call(requestId="r", functionName="f", target="guest")
    await turns()

    assert counter.caller.calls()[0]["source"] == "guest#1"


async def test_unknown_target_is_not_found(counter: Counter) -> None:
    """Section 2: 401."""
    answer = await counter.answer(functionName="f", target="nobody")

    assert answer["error"]["code"] == Code.CLIENT_NOT_FOUND


async def test_call_without_an_ack_is_carried_out(counter: Counter) -> None:
    """Section 1; an error goes out as an event."""
    callee = Callee(counter.registry, "ext")
    packet = ["FUNCTION_CALL", {"functionName": "f", "target": "ext"}]
    counter.handlers.dispatch(counter.session, None, packet)
    callee.answer({"requestId": None, "success": False, "error": "no"})
    await turns()

    assert len(callee.calls()) == 1
    [[event, data]] = counter.caller.told()
    assert (event, data["message"], data["code"]) == ("ERROR", "no", 502)


async def test_calls_of_one_session_that_wait_are_bounded(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """10429; those that are answered make room, and nothing is left behind."""
    monkeypatch.setattr(module, "MAX_PENDING", 2)
    counter.functions.gate.clear()
    callee = Callee(counter.registry, "ext")
    counter.call(functionName="f")
    counter.call(functionName="f", target="ext")
    refused = await counter.answer(functionName="f")
    refused_too = await counter.answer(functionName="f", target="ext")
    callee.answer(1)
    await turns()
    counter.call(functionName="f")
    counter.functions.gate.set()
    answers = await counter.answers()

    assert {refused["error"]["code"], refused_too["error"]["code"]} == {10429}
    assert len(callee.calls()) == 1
    assert [each["success"] for each in answers[-3:]] == [True, True, True]
    assert not counter.handlers._pending


async def test_call_that_can_not_begin_counts_for_nothing(counter: Counter) -> None:
    """Nobody locks himself out by calling who is not there."""
    await counter.answer(functionName="f", target="nobody")

    assert not counter.handlers._pending
