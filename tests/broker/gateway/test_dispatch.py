"""From an event to its handler, and from what that returns to an ack."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, ClassVar

import pytest

from actors.errors import BrokerError, Code, NotFoundError, UnavailableError
from actors.future import LoopFuture
from broker.gateway.dispatch import (
    DEFERRED,
    Call,
    Deferred,
    Envelope,
    Fields,
    Later,
    NamespaceHandlers,
    Result,
    handles,
)
from broker.protocol.inbound import KeyRequest, Untyped
from broker.protocol.wire import Event, Namespace

from .fakes import FakeConnection, turns

OK = {"status": "ok", "success": True}


class Bartender(NamespaceHandlers):
    """Events as a namespace has them, each of another kind."""

    name: ClassVar[Namespace] = Namespace.ROOMS

    def __init__(self) -> None:
        self.calls: list[Any] = []
        self.kept: list[Call] = []
        self.gate = asyncio.Event()
        self.owed: LoopFuture[int] = LoopFuture()

    @handles("data")
    def data(self, call: Call, _frame: Untyped) -> Fields:
        """Answer with the data as they came."""
        self.calls.append(call.data)
        return {"data": call.data}

    @handles("frame", frame=KeyRequest)
    def frame(self, _call: Call, frame: KeyRequest) -> Fields:
        """Answer with a field of a frame."""
        return {"client": frame.client_id}

    @handles("nothing", "nothing else")
    def nothing(self, _call: Call, _frame: Untyped) -> Fields:
        """Answer with nothing."""
        self.calls.append("nothing")
        return None

    @handles("open", unverified=True)
    def open(self, _call: Call, _frame: Untyped) -> Fields:
        """Answer also who has no key."""
        return {}

    @handles("slow")
    def slow(self, call: Call, _frame: Untyped) -> Result:
        """Tell at once and answer when the gate opens."""
        self.calls.append(call.data)
        return self._wait(call)

    @handles("refuse")
    def refuse_it(self, _call: Call, _frame: Untyped) -> Fields:
        """Refuse."""
        raise NotFoundError("no such thing", Code.ROOM_NOT_FOUND)

    @handles("refuse later")
    def refuse_later(self, _call: Call, _frame: Untyped) -> Result:
        """Refuse when the gate opens."""
        return self._fail(UnavailableError("not now"))

    @handles("crash")
    def crash(self, _call: Call, _frame: Untyped) -> Fields:
        """Be broken."""
        raise ZeroDivisionError("secret detail")

    @handles("crash later")
    def crash_later(self, _call: Call, _frame: Untyped) -> Result:
        """Be broken when the gate opens."""
        return self._fail(ZeroDivisionError("secret detail"))

    @handles("half")
    def half(self, call: Call, _frame: Untyped) -> Result:
        """Answer with what is owed, divided."""
        return Later(self.owed, lambda owed: {"half": owed / call.data})

    @handles("defer")
    def defer(self, call: Call, _frame: Untyped) -> Deferred:
        """Keep the call and answer it some time."""
        self.kept.append(call)
        return DEFERRED

    @handles(Event.CLIENT_DISCONNECTED)
    def leave(self, call: Call, _frame: Untyped) -> Fields:
        """Answer with the name the event arrived under."""
        return {"name": call.name}

    @handles("connect")
    def connect(self, _call: Call, _frame: Untyped) -> Fields:
        """Never be called from outside."""
        self.calls.append("connect")
        return None

    async def _wait(self, call: Call) -> Fields:
        await self.gate.wait()
        return {"data": call.data}

    async def _fail(self, error: Exception) -> Fields:
        await self.gate.wait()
        raise error


class Bar:
    """A session in the namespace, and what it hears."""

    def __init__(self) -> None:
        self.handlers = Bartender()
        self.connection = FakeConnection()
        self.session = self.connection.session(Namespace.ROOMS)

    def say(self, *packet: Any, ack: int | None = 7) -> None:
        """Send an event: its name and its arguments."""
        self.handlers.dispatch(self.session, ack, list(packet))

    def heard(self) -> list[tuple[str, Any]]:
        """Every packet that came back."""
        return self.connection.sent()

    def answer(self) -> dict[str, Any]:
        """The one ack that came back."""
        ((head, args),) = self.heard()
        assert head == "43/rooms,7"
        (answer,) = args
        assert isinstance(answer, dict)
        return answer

    def error(self) -> dict[str, Any]:
        """The one ERROR event that came back."""
        ((head, (name, data)),) = self.heard()
        assert (head, name) == ("42/rooms,", "ERROR")
        assert isinstance(data, dict)
        return data


@pytest.fixture
async def bar() -> Bar:
    """A verified session."""
    return Bar()


# -- forms of arguments


async def test_data_is_handed_over_and_acknowledged(bar: Bar) -> None:
    """Section 1: ``(data, ack)``."""
    bar.say("data", {"a": 1})

    assert bar.answer() == {**OK, "data": {"a": 1}}


@pytest.mark.parametrize("args", [[], [None], [{}]])
async def test_no_data_is_no_data(bar: Bar, args: list[Any]) -> None:
    """Section 1: ``(ack)``; {} and null count as no data."""
    bar.say("data", *args)

    assert bar.answer() == {**OK, "data": None}


async def test_event_without_ack_is_carried_out_in_silence(bar: Bar) -> None:
    """Section 1: one that does not ask for an ack is still carried out."""
    bar.say("data", {"a": 1}, ack=None)
    bar.say("data", ack=None)

    assert bar.handlers.calls == [{"a": 1}, None]
    assert bar.heard() == []


@pytest.mark.parametrize("value", [0, False, "", [], 1.5])
async def test_other_values_are_data(bar: Bar, value: Any) -> None:
    """Section 1: only {} and null are none."""
    bar.say("data", value)

    assert bar.answer()["data"] == value


async def test_further_arguments_are_ignored(bar: Bar) -> None:
    """Section 1: clients of long ago send more."""
    bar.say("data", 1, 2, {"c": 3})

    assert bar.answer()["data"] == 1


async def test_bare_string_means_the_one_field(bar: Bar) -> None:
    """Section 1: positional forms."""
    bar.say("frame", "guest")

    assert bar.answer()["client"] == "guest"


@pytest.mark.parametrize("wrong", [7, [1], {"clientId": 7}])
async def test_data_of_the_wrong_kind_is_an_invalid_parameter(
    bar: Bar, wrong: Any
) -> None:
    """Section 2: code 3."""
    bar.say("frame", wrong)

    assert bar.answer()["code"] == 3


@pytest.mark.parametrize("packet", [None, [], {}, "data", 7, [7], [["data"]], [{}]])
async def test_packet_without_a_name_is_ignored(bar: Bar, packet: Any) -> None:
    """What is no event is nobody's."""
    bar.handlers.dispatch(bar.session, 7, packet)

    assert bar.heard() == []


async def test_event_named_null_is_ignored(bar: Bar) -> None:
    """Section 1: an event whose name is ``null`` is ignored."""
    bar.say(None, {"a": 1})

    assert bar.heard() == []


@pytest.mark.parametrize("name", ["connect", "disconnect", "connect_error"])
async def test_names_of_the_library_are_dropped(bar: Bar, name: str) -> None:
    """Section 1: dropped before dispatch."""
    bar.say(name, {"sid": "x"})

    assert bar.handlers.calls == []
    assert bar.heard() == []


async def test_misspelling_is_understood(bar: Bar) -> None:
    """Section 1: ``CLIENT_DISCONNETED`` means ``CLIENT_DISCONNECTED``."""
    bar.say("CLIENT_DISCONNETED")

    assert bar.answer()["name"] == "CLIENT_DISCONNECTED"


@pytest.mark.parametrize("name", ["nothing", "nothing else"])
async def test_one_handler_may_have_several_names(bar: Bar, name: str) -> None:
    """Aliases are listed where the handler is."""
    bar.say(name)

    assert bar.answer() == OK


async def test_namespace_knows_its_events() -> None:
    """Inherited ones included."""

    class Heir(Bartender):
        @handles("own")
        def own(self, _call: Call, _frame: Untyped) -> Fields:
            return None

    assert Heir.events() == Bartender.events() | {"own"}


# -- answers


async def test_waiting_handler_is_acknowledged_when_it_is_done(bar: Bar) -> None:
    """The ack comes once, later."""
    bar.say("slow", 1)
    early = bar.heard()
    bar.handlers.gate.set()
    await turns()

    assert early == []
    assert bar.answer() == {**OK, "data": 1}


async def test_what_an_actor_owes_is_acknowledged_in_the_turn_it_comes(
    bar: Bar,
) -> None:
    """Nothing before, and then without a task."""
    bar.say("half", 2)
    early = bar.heard()
    bar.handlers.owed.set(10)

    assert early == []
    assert bar.answer() == OK | {"half": 5}


async def test_actors_error_is_an_error_ack(bar: Bar) -> None:
    """What it owes may be a refusal."""
    bar.say("half", 2)
    bar.handlers.owed.fail(UnavailableError("not now"))

    assert bar.answer()["message"] == "not now"


async def test_answer_that_can_not_be_shown_is_an_internal_error(
    bar: Bar, caplog: pytest.LogCaptureFixture
) -> None:
    """An ack that was asked for always comes; the log has the fault."""
    bar.say("half", 0)
    bar.handlers.owed.set(10)

    assert bar.answer()["message"] == "internal error"
    assert "half in /rooms failed" in caplog.text


async def test_handlers_are_called_in_order_though_they_wait(bar: Bar) -> None:
    """A client's events keep their order."""
    for number in range(5):
        bar.say("slow", number)

    assert bar.handlers.calls == [0, 1, 2, 3, 4]
    bar.handlers.gate.set()
    await turns()


async def test_deferred_call_is_answered_once(bar: Bar) -> None:
    """Section 1: exactly one ack, whoever answers how often."""
    bar.say("defer")
    (call,) = bar.handlers.kept
    early = bar.heard()
    call.reply({"a": 1})
    call.reply({"a": 2})
    call.refuse(BrokerError("too late"))

    assert early == []
    assert bar.answer() == {**OK, "a": 1}


async def test_refused_call_stays_refused(bar: Bar) -> None:
    """Section 1: exactly one ack, the first."""
    bar.say("defer")
    (call,) = bar.handlers.kept
    call.refuse(BrokerError("no"))
    call.refuse(BrokerError("no again"))
    call.reply({})

    assert bar.answer()["message"] == "no"


async def test_refusal_is_an_error_ack(bar: Bar) -> None:
    """Section 2: {status: "error", message, code}."""
    bar.say("refuse")

    assert bar.answer() == {
        "status": "error",
        "success": False,
        "message": "no such thing",
        "code": 302,
    }


async def test_later_refusal_is_an_error_ack(bar: Bar) -> None:
    """Section 2 holds for who waits."""
    bar.say("refuse later")
    bar.handlers.gate.set()
    await turns()

    assert bar.answer()["code"] == 9


async def test_refusal_without_an_ack_is_an_error_event(bar: Bar) -> None:
    """Section 2: errors that no ack can carry."""
    bar.say("refuse", {"requestId": "r", "other": 1}, ack=None)

    assert bar.error() == {
        "type": "ERROR",
        "message": "no such thing",
        "code": 302,
        "requestId": "r",
    }


@pytest.mark.parametrize("data", [None, {"requestId": 7}, ["requestId"], "requestId"])
async def test_error_event_without_a_request_names_none(bar: Bar, data: Any) -> None:
    """Section 2: ``requestId?``."""
    bar.say("refuse", data, ack=None)

    assert "requestId" not in bar.error()


@pytest.mark.parametrize("name", ["crash", "crash later"])
@pytest.mark.parametrize("ack", [7, None])
async def test_fault_of_ours_is_an_internal_error_and_logged(
    bar: Bar, caplog: pytest.LogCaptureFixture, name: str, ack: int | None
) -> None:
    """Section 2: code 2, and not a word of what happened; the log has it."""
    bar.handlers.gate.set()
    bar.say(name, ack=ack)
    await turns()

    told = bar.answer() if ack else bar.error()
    assert (told["code"], told["message"]) == (2, "internal error")
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert "secret detail" in (record.exc_text or str(record.exc_info))


async def test_session_lives_on_after_a_fault_of_ours(bar: Bar) -> None:
    """One broken handler harms nothing else."""
    bar.say("crash", ack=None)
    bar.connection.forget()
    bar.say("open")

    assert bar.answer() == OK


async def test_fields_can_not_hide_the_status(bar: Bar) -> None:
    """IDENTIFY_SILLYTAVERN answers ``warning`` in place of ``ok``."""
    bar.say("defer")
    bar.handlers.kept[0].reply({"status": "warning"})

    assert bar.answer() == {"status": "warning", "success": True}


# -- who may


async def test_unverified_session_is_refused(bar: Bar) -> None:
    """Rule 5: unverified, it may only do what is listed; code 5."""
    bar.session.verified = False
    bar.say("data", {"a": 1})

    assert bar.answer()["code"] == 5
    assert bar.handlers.calls == []


async def test_unverified_session_may_do_what_is_marked_so(bar: Bar) -> None:
    """Rule 5: LOGIN, for one."""
    bar.session.verified = False
    bar.say("open")

    assert bar.answer() == OK


async def test_unverified_session_learns_nothing_of_which_events_there_are(
    bar: Bar,
) -> None:
    """Rule 5: an unknown event is refused like a known one."""
    bar.session.verified = False
    bar.say("no such event")

    assert bar.answer()["code"] == 5


@pytest.mark.parametrize("name", ["no such event", "", "DATA", "_wait", "dispatch"])
async def test_unknown_event_is_an_invalid_request(bar: Bar, name: str) -> None:
    """Section 2: code 4, with the event's name; methods are no events."""
    bar.say(name)

    answer = bar.answer()
    assert answer["code"] == 4
    assert repr(name) in answer["message"]


async def test_answer_to_who_is_gone_is_dropped(bar: Bar) -> None:
    """The connection may close while a handler waits."""
    bar.say("slow", 1)
    bar.session.outbox.close()
    bar.handlers.gate.set()
    await turns()

    assert bar.heard() == []


async def test_namespace_may_have_an_envelope_of_its_own(bar: Bar) -> None:
    """Section 2: FUNCTION_CALL has."""

    class Wrapped(Envelope):
        def good(self, call: Call, fields: dict[str, Any]) -> dict[str, Any]:
            return {"requestId": call.fields.get("requestId"), **fields}

        def bad(self, call: Call, error: BrokerError) -> dict[str, Any]:
            return {"requestId": call.fields.get("requestId"), "code": int(error.code)}

    class Own(Bartender):
        envelope: ClassVar[Envelope] = Wrapped()

    bar.handlers = Own()
    bar.say("nothing", {"requestId": "r"})
    good = bar.answer()
    bar.connection.forget()
    bar.say("refuse", {"requestId": "r"})

    assert good == {"requestId": "r"}
    assert bar.answer() == {"requestId": "r", "code": 302}
