"""What becomes of orders in a room: modes, what is held, context, who reads."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from actors import relay_events
from actors.acceptance import Accepted
from actors.answers import Resume
from actors.directory import Kind
from actors.errors import BrokerError, Code, NotFoundError, RefusedError
from actors.hall_events import tell_room
from actors.lifecycle import RequestState
from actors.modes import RequestMode
from actors.outbound import (
    EVERYBODY,
    Detour,
    OrderPlaced,
    OutputChunk,
    Resumed,
    StatusChanged,
    WholeAnswer,
)
from actors.output import Piece
from actors.relay_events import Barred, Cleared, EndShared, Held, Recorded
from actors.request_records import CloseRequest
from actors.roles import Caller, Role, Target
from actors.room_events import (
    Add,
    Cancel,
    Delete,
    Join,
    Kick,
    Leave,
    Mute,
    RequestClosed,
    SetMode,
    Speak,
)
from actors.room_records import AddMessage
from tests.actors.inn import (
    ANN,
    BOB,
    CAT,
    DAN,
    MONITOR,
    Inn,
    Shelf,
    gone_store,
    order_of,
)
from tests.actors.recording import SHORT, RecordingPort, Tab

M = RequestMode
S = RequestState


async def open_inn(mode: RequestMode = M.DEFAULT, **times: Any) -> Inn:
    """A lobby with Ann as master, Bob and Cat as guests, Dan as a special one."""
    inn = Inn(store=Shelf().ref, **times)
    await inn.come(ANN, BOB, CAT, DAN)
    await inn.create("lobby", ANN, BOB, CAT, open=True, mode=mode)
    await inn.room("lobby", Add(DAN, ANN, Role.SPECIAL))
    return inn


@pytest.fixture
async def inn() -> Inn:
    """A lobby in the default mode, and a SillyTavern."""
    inn = await open_inn()
    await inn.tavern(capacity=9)
    return inn


def order(inn: Inn, by: Caller, text: str = "hi", **fields: Any) -> Tab:
    """Somebody's order in the lobby; its ids are who and what."""
    name = f"{by.identity} {text}"
    fields = {"room": "lobby", "request_id": name, "message": text, **fields}
    wanted = {"requester": by.identity, "client": by.client, "kind": by.kind, **fields}
    return Tab(inn, name, **wanted)


async def state_of(tab: Tab) -> RequestState:
    """Place an order; gives where it is then."""
    accepted: Accepted = await tab.begin()
    return accepted.state


def placed(inn: Inn) -> list[OrderPlaced]:
    """What the SillyTavern was sent."""
    return inn.outbound.to("tavern", OrderPlaced)


def context(sent: OrderPlaced) -> list[str]:
    """What an extension is told of the talk so far."""
    said = [msgspec.json.decode(body) for body in sent.context]
    return [each.get("message") or each.get("data") for each in said]


async def answer(inn: Inn, tab: Tab, text: str = "Hello") -> StatusChanged:
    """Have an order answered."""
    tab.chunk(text)
    tab.end()
    end = await tab.ended()
    await inn.settle()
    return end


def ends(inn: Inn, tab: Tab) -> list[RequestState]:
    """The terminal words that a requester heard."""
    told = inn.outbound.of(StatusChanged, request_id=tab.order.request_id)
    return [n.state for n in told if n.state in {S.COMPLETED, S.FAILED, S.CANCELLED}]


def spoken(by: Caller, text: str) -> Speak:
    """Something said."""
    return Speak(caller=by, namespace="/llm", name="message", data={"data": text})


# -- who may


@pytest.mark.parametrize("mode", M)
async def test_who_is_muted_orders_nothing(mode: RequestMode) -> None:
    """In no mode; 6."""
    inn = await open_inn(mode)
    await inn.room("lobby", Mute(Target("bob"), 0, ANN))
    verdict, _ = await inn.submit("lobby", BOB, targets=("tavern",))

    assert isinstance(verdict, Barred)
    assert verdict.error.code == Code.AUTHORISATION_FAILED
    assert inn.shown(ANN)[-1]["message"] == "ann muted bob"


async def test_who_is_not_a_member_orders_nothing(inn: Inn) -> None:
    """303 in the ack, and nothing is recorded."""
    with pytest.raises(BrokerError) as caught:
        await order(inn, Caller("eve", "eve")).begin()

    assert caught.value.code == Code.ROOM_ACCESS_DENIED
    assert "hi" not in await inn.texts("lobby")


async def test_a_monitor_orders_in_any_room_and_reads_the_answer(inn: Inn) -> None:
    """As a master would."""
    tab = order(inn, MONITOR)
    state = await state_of(tab)
    await answer(inn, tab)

    assert state == S.SENT
    assert placed(inn)[0].order.role == Role.MASTER
    assert inn.outbound.text("boss") == inn.outbound.text("bob") == b"Hello"


async def test_a_room_that_is_not_there_takes_no_order(inn: Inn) -> None:
    """302."""
    with pytest.raises(BrokerError) as caught:
        await order(inn, BOB, room="nowhere").begin()

    assert caught.value.code == Code.ROOM_NOT_FOUND


async def test_a_client_is_not_whatever_it_says_it_is(inn: Inn) -> None:
    """The room knows its role and its mode; what the order says is overruled."""
    tab = order(inn, BOB, role="master", mode="Immediate", viewer="bob")

    assert await state_of(tab) == S.HELD


# -- what each mode does

TREATED = """
                 master manager special guest monitor
Default          sent   sent    held    held  sent
Immediate        sent   sent    sent    sent  sent
MasterOnly       sent   sent    kept    kept  sent
Separate         sent   sent    sent    sent  sent
Conversational   kept   kept    kept    kept  kept
"""


def treatments() -> list[tuple[RequestMode, str, str]]:
    """The table, cell by cell."""
    header, *rows = TREATED.strip().splitlines()
    return [
        (RequestMode(row.split()[0]), who, word)
        for row in rows
        for who, word in zip(header.split(), row.split()[1:], strict=True)
    ]


@pytest.mark.parametrize(("mode", "who", "expected"), treatments())
async def test_what_a_mode_does_with_a_request_without_a_target(
    mode: RequestMode, who: str, expected: str
) -> None:
    """By the role of who orders."""
    inn = await open_inn(mode)
    by = MONITOR if who == "monitor" else BOB
    if by is BOB:
        await inn.set_role("lobby", ANN, Role.MASTER)
        await inn.set_role("lobby", BOB, Role(who))
    verdict, _ = await inn.submit("lobby", by)

    words = {"sent": Cleared, "held": Held, "kept": Recorded}
    assert isinstance(verdict, words[expected])


async def test_an_owner_sends_in_its_own_room(inn: Inn) -> None:
    """Whatever the default mode holds of others."""
    tab = order(inn, BOB, room="bob")

    assert await state_of(tab) == S.SENT


# -- held


async def test_what_is_held_is_recorded_and_shown(inn: Inn) -> None:
    """And its requester is told that it waits."""
    tab = order(inn, BOB)
    accepted = await tab.begin()

    assert accepted == Accepted(S.HELD)
    assert [n.state for n in inn.told(BOB, StatusChanged)] == [S.HELD]
    assert inn.shown(CAT)[-1]["message"] == "hi"
    assert "hi" in await inn.texts("lobby")
    assert placed(inn) == []


async def test_a_leader_takes_what_is_held_along(inn: Inn) -> None:
    """Special members first, the oldest first, joined by blank lines."""
    for by, text in ((BOB, "one"), (DAN, "two"), (CAT, "three"), (DAN, "four")):
        await state_of(order(inn, by, text))
    await state_of(order(inn, ANN, "go"))
    (sent,) = placed(inn)

    assert sent.order.message == "two\n\nfour\n\none\n\nthree\n\ngo"
    assert sent.order.requester == "ann"
    assert sent.order.extra == {
        "isMerged": True,
        "mergedFromCount": 5,
        "originalRequestIds": ["dan two", "dan four", "bob one", "cat three", "ann go"],
    }


async def test_an_order_with_nothing_held_is_not_merged(inn: Inn) -> None:
    """It goes as it came."""
    await state_of(order(inn, ANN, "go"))

    assert placed(inn)[0].order.extra == {}


@pytest.mark.parametrize(
    ("leader", "fields"),
    [
        (
            {"message": None, "data": {"prompt": "go"}},
            {"data": {"prompt": "one\n\ngo"}},
        ),
        ({"message": None, "data": "go"}, {"data": "one\n\ngo"}),
        ({"message": "", "data": None}, {"message": "one"}),
        (
            {"message": None, "messages": [{"role": "user", "content": "go"}]},
            {
                "messages": [
                    {"role": "user", "content": "one"},
                    {"role": "user", "content": "go"},
                ]
            },
        ),
    ],
    ids=["prompt", "data", "empty", "messages"],
)
async def test_a_leader_may_have_its_words_anywhere(
    inn: Inn, leader: dict[str, Any], fields: dict[str, Any]
) -> None:
    """Those of the others are put there as well."""
    await state_of(order(inn, BOB, "one"))
    await state_of(order(inn, ANN, "go", **leader))

    sent = placed(inn)[0].order
    assert {name: getattr(sent, name) for name in fields} == fields


async def test_a_held_conversation_is_merged_by_its_last_words(inn: Inn) -> None:
    """Nothing of what somebody wanted to say is lost."""
    talk = [
        {"role": "system", "content": "be kind"},
        {"role": "user", "content": "one"},
    ]
    await state_of(order(inn, BOB, "1", message=None, messages=talk))
    await state_of(order(inn, ANN, "go"))

    assert placed(inn)[0].order.message == "one\n\ngo"


async def test_what_was_held_shares_the_answer_and_its_end(inn: Inn) -> None:
    """Completed, each told once."""
    held = order(inn, BOB, "one")
    await state_of(held)
    leader = order(inn, ANN, "go")
    await state_of(leader)
    await answer(inn, leader)

    assert inn.outbound.text("bob") == b"Hello"
    assert ends(inn, held) == ends(inn, leader) == [S.COMPLETED]


async def test_what_was_held_fails_with_its_leader(inn: Inn) -> None:
    """With its reason."""
    held = order(inn, BOB, "one")
    await state_of(held)
    leader = order(inn, ANN, "go")
    await state_of(leader)
    leader.ref.tell(relay_events.StreamFailed("tavern", "out of tokens", 10429))
    end = await held.ended()

    assert (end.state, end.error, end.code) == (S.FAILED, "out of tokens", 10429)


async def test_what_was_held_is_cancelled_with_its_leader(inn: Inn) -> None:
    """Nobody would answer it."""
    held = order(inn, BOB, "one")
    await state_of(held)
    leader = order(inn, ANN, "go")
    await state_of(leader)
    await inn.room("lobby", Cancel("ann go", ANN))

    assert (await held.ended()).state == S.CANCELLED


async def test_a_held_request_is_cancelled_alone(inn: Inn) -> None:
    """It is not merged any more."""
    first, second = order(inn, BOB, "one"), order(inn, CAT, "two")
    await state_of(first)
    await state_of(second)
    state = await inn.room("lobby", Cancel("bob one", BOB))
    await inn.settle()
    await state_of(order(inn, ANN, "go"))

    assert state == S.CANCELLED
    assert placed(inn)[0].order.message == "two\n\ngo"


async def test_what_is_held_ends_with_its_own_time() -> None:
    """It does not wait for ever."""
    inn = await open_inn(request_timeout=SHORT)
    tab = order(inn, BOB)
    await state_of(tab)

    assert (await tab.ended()).state == S.TIMEOUT


async def test_a_leader_that_nobody_can_answer_leaves_what_is_held() -> None:
    """It waits for the next one, in its order."""
    inn = await open_inn()
    for by, text in ((BOB, "one"), (DAN, "two")):
        await state_of(order(inn, by, text))
    with pytest.raises(BrokerError) as caught:
        await order(inn, ANN, "early").begin()
    await inn.settle()
    await inn.tavern()
    await state_of(order(inn, ANN, "go"))

    assert caught.value.code == Code.NO_LLM_AVAILABLE
    assert placed(inn)[0].order.message == "two\n\none\n\ngo"
    assert "early" not in await inn.texts("lobby")


async def test_what_was_cancelled_meanwhile_is_not_held_again() -> None:
    """The room has forgotten it."""
    inn = await open_inn()
    verdict, held = await inn.submit("lobby", BOB, "b", request_id="b", message="one")
    _, leader = await inn.submit("lobby", ANN, "a", request_id="a", message="go")
    wanted = order_of("lobby", BOB, request_id="b")
    cancelled = RequestClosed(request="b", order=wanted, state=S.CANCELLED)
    refused = RequestClosed(request="a", order=wanted, state=S.FAILED, placed=False)
    for message in (cancelled, refused):
        tell_room(inn.house, "lobby", message)
    again, _ = await inn.submit("lobby", ANN, "c", request_id="c", message="go")

    assert isinstance(verdict, Held)
    assert leader.of(Cleared)[0].order.message == "one\n\ngo"
    assert held.of(EndShared) == []
    assert isinstance(again, Cleared)
    assert again.order.message == "go"


# -- a mode that changes


async def test_what_is_held_goes_out_as_the_mode_changes(inn: Inn) -> None:
    """Merged, in the name of who changed it, as the new mode."""
    held = order(inn, BOB, "one")
    await state_of(held)
    await state_of(order(inn, DAN, "two"))
    await inn.room("lobby", SetMode(M.IMMEDIATE, ANN))
    await inn.outbound.hears(OrderPlaced)
    (sent,) = placed(inn)

    assert sent.order.message == "two\n\none"
    assert (sent.order.requester, sent.order.role) == ("ann", Role.MASTER)
    assert sent.order.mode == M.IMMEDIATE
    assert sent.order.extra["originalRequestIds"] == ["dan two", "bob one"]
    assert sent.order.extra["mergedFromCount"] == 2


async def test_what_went_out_with_the_mode_shares_its_end(inn: Inn) -> None:
    """And the texts are recorded once, as who wrote them."""
    held = order(inn, BOB, "one")
    await state_of(held)
    await inn.room("lobby", SetMode(M.IMMEDIATE, ANN))
    sent = await inn.outbound.hears(OrderPlaced)
    relay = inn.house.directory.find(Kind.REQUEST, sent.request)
    assert relay is not None
    relay.tell(relay_events.StreamStarted("tavern", "s", "o"))
    relay.tell(relay_events.StreamEnded("tavern", "s", "o", final=True))
    end = await held.ended()
    await inn.settle()

    assert end.state == S.COMPLETED
    assert (await inn.texts("lobby")).count("one") == 1


async def test_a_setter_that_is_muted_sends_what_is_held(inn: Inn) -> None:
    """It says nothing itself; nobody waits for ever."""
    held = order(inn, BOB, "one")
    await state_of(held)
    await inn.room("lobby", Mute(Target("ann"), 0, MONITOR))
    await inn.room("lobby", SetMode(M.IMMEDIATE, ANN))
    sent = await inn.outbound.hears(OrderPlaced)

    assert sent.order.message == "one"


async def test_what_was_said_to_all_is_answered_to_all(inn: Inn) -> None:
    """Though the new mode is for each alone."""
    held = order(inn, BOB, "one")
    await state_of(held)
    await inn.room("lobby", SetMode(M.SEPARATE, ANN))
    sent = await inn.outbound.hears(OrderPlaced)

    assert sent.order.viewer is None


async def test_what_could_not_go_out_goes_with_the_next_one() -> None:
    """In a mode that would hold nothing more."""
    inn = await open_inn()
    held = order(inn, BOB, "one")
    await state_of(held)
    await inn.room("lobby", SetMode(M.IMMEDIATE, ANN))
    await inn.settle()
    await inn.tavern()
    await state_of(order(inn, CAT, "of my own"))
    await state_of(order(inn, ANN, "go"))

    assert [p.order.message for p in placed(inn)] == ["of my own"]
    await inn.room("lobby", Cancel("cat of my own", ANN))
    await inn.outbound.hears(OrderPlaced, times=2)
    assert placed(inn)[1].order.message == "one\n\ngo"


async def test_what_was_said_to_all_does_not_go_with_what_is_for_one() -> None:
    """Nobody but that one would read the answer."""
    inn = await open_inn()
    held = order(inn, BOB, "one")
    await state_of(held)
    await inn.room("lobby", SetMode(M.SEPARATE, ANN))
    await inn.settle()
    await inn.tavern(capacity=9)
    await state_of(order(inn, ANN, "go"))
    await inn.room("lobby", SetMode(M.IMMEDIATE, ANN))
    await inn.outbound.hears(OrderPlaced, times=2)

    assert [p.order.message for p in placed(inn)] == ["go", "one"]


# -- recorded only


async def test_what_is_not_sent_is_recorded_and_that_is_its_end() -> None:
    """The ack is ok, with a warning; the status is ``recorded``."""
    inn = await open_inn(M.MASTER_ONLY)
    await inn.tavern()
    tab = order(inn, BOB)
    accepted = await tab.begin()
    await inn.settle()

    assert accepted.state == S.RECORDED
    assert "MasterOnly" in (accepted.warning or "")
    assert [n.state for n in inn.told(BOB, StatusChanged)] == [S.RECORDED]
    assert "hi" in await inn.texts("lobby")
    assert placed(inn) == []


@pytest.mark.parametrize("mode", [M.MASTER_ONLY, M.DEFAULT, M.IMMEDIATE])
@pytest.mark.parametrize("gone", [False, True], ids=["down", "gone"])
async def test_an_order_is_answered_though_the_store_is_down(
    mode: RequestMode, *, gone: bool
) -> None:
    """With a warning, whatever becomes of it."""
    inn = Inn(store=await gone_store()) if gone else Inn(store_ok=False)
    await inn.tavern()
    await inn.create("lobby", ANN, BOB, mode=mode)
    accepted = await order(inn, BOB).begin()

    states = {M.MASTER_ONLY: S.RECORDED, M.DEFAULT: S.HELD, M.IMMEDIATE: S.SENT}
    assert accepted.state == states[mode]
    assert "store is down" in (accepted.warning or "")


# -- separate


async def separate() -> tuple[Inn, Tab]:
    """A room where each is alone, with an order of Bob's, and a monitor."""
    inn = await open_inn(M.SEPARATE)
    await inn.tavern(capacity=9)
    await inn.come(MONITOR)
    await inn.room("lobby", Join(MONITOR))
    tab = order(inn, BOB, "secret")
    await state_of(tab)
    return inn, tab


async def test_only_who_ordered_and_monitors_see_a_separate_request() -> None:
    """Nobody else is shown it, nor its answer."""
    inn, tab = await separate()
    await answer(inn, tab, "whisper")

    def seen(who: Caller) -> list[Any]:
        return [m.get("message") for m in inn.shown(who) if not m.get("isSystem")]

    for reader in (BOB, MONITOR):
        assert inn.outbound.text(reader.identity) == b"whisper"
        assert "secret" in seen(reader)
    for reader in (ANN, CAT, DAN):
        assert inn.outbound.text(reader.identity) == b""
        assert seen(reader) == []


async def test_a_separate_request_stays_hidden_in_the_history() -> None:
    """For good: the mode may change."""
    inn, tab = await separate()
    await answer(inn, tab, "whisper")
    await inn.set_mode("lobby", M.IMMEDIATE)

    def public(texts: list[str]) -> set[str]:
        return {"secret", "whisper"} & set(texts)

    assert public(await inn.texts("lobby", BOB)) == {"secret", "whisper"}
    assert public(await inn.texts("lobby", MONITOR)) == {"secret", "whisper"}
    assert public(await inn.texts("lobby", ANN)) == set()


async def test_the_context_of_a_separate_request_is_ones_own() -> None:
    """Neither the room's, nor another's; nor is one's own the room's."""
    inn, tab = await separate()
    await answer(inn, tab, "whisper")
    await inn.room("lobby", spoken(ANN, "to all"))
    again, another = order(inn, BOB, "again"), order(inn, CAT, "mine")
    await state_of(again)
    await state_of(another)
    await inn.set_mode("lobby", M.IMMEDIATE)
    await state_of(order(inn, CAT, "in public"))
    sent = placed(inn)

    assert [context(each) for each in sent] == [
        [],
        ["secret", "whisper"],
        [],
        ["to all"],
    ]


async def test_others_do_not_resume_a_separate_answer() -> None:
    """Who sees it does."""
    inn, tab = await separate()
    tab.chunk("whisper")
    await tab.state()

    def wish(reader: Caller) -> RecordingPort:
        port = RecordingPort()
        resume = Resume(
            request_id="bob secret",
            reader=reader.identity,
            room="lobby",
            start=0,
            port=port,
            entitled=reader.monitors,
        )
        tell_room(inn.house, "lobby", resume)
        return port

    assert (await wish(BOB).hears(Resumed)).outputs[0].text == b"whisper"
    assert (await wish(MONITOR).hears(Resumed)).outputs[0].text == b"whisper"
    assert (await wish(ANN).hears(BrokerError)).code == Code.AUTHORISATION_FAILED


# -- conversational


async def test_without_a_target_a_request_is_context(inn: Inn) -> None:
    """With one it is sent at once, with that context."""
    await inn.set_mode("lobby", M.CONVERSATIONAL)
    accepted = await order(inn, BOB, "one").begin()
    state = await state_of(order(inn, CAT, "two", targets=("tavern",)))

    assert accepted.state == S.RECORDED
    assert state == S.SENT
    assert context(placed(inn)[0]) == ["one"]


async def test_an_extension_is_asked_to_join_in() -> None:
    """Some time after somebody has spoken, by the house, with what was said."""
    inn = await open_inn(M.CONVERSATIONAL, think_after=SHORT, think_before=SHORT)
    await inn.tavern()
    await inn.room("lobby", spoken(BOB, "anybody?"))
    sent = await inn.outbound.hears(OrderPlaced)

    assert sent.order.extra["type"] == "THINK_REQUEST"
    assert sent.order.requester == "server"
    assert context(sent) == ["anybody?"]


async def test_what_an_extension_thinks_is_for_all() -> None:
    """And recorded; its request is nobody's message."""
    inn = await open_inn(M.CONVERSATIONAL, think_after=SHORT, think_before=SHORT)
    await inn.tavern()
    await order(inn, BOB, "anybody?").begin()
    sent = await inn.outbound.hears(OrderPlaced)
    relay = inn.house.directory.find(Kind.REQUEST, sent.request)
    assert relay is not None
    relay.tell(relay_events.ChunkCame("tavern", "s", "o", 0, _piece("I!"), first=True))
    relay.tell(relay_events.StreamEnded("tavern", "s", "o", final=True))
    await inn.outbound.until(lambda: S.COMPLETED in inn.outbound.states())
    await inn.settle()

    assert inn.outbound.text("cat") == b"I!"
    said = [m for m in await inn.history("lobby") if not m.get("isSystem")]
    assert [m.get("message") or m.get("data") for m in said] == ["anybody?", "I!"]


async def test_nobody_is_asked_twice_before_somebody_speaks_again() -> None:
    """An extension does not talk to itself; a lively talk does not put it off."""
    inn = await open_inn(M.CONVERSATIONAL, think_after=SHORT, think_before=SHORT)
    await inn.create("witness", ANN, mode=M.CONVERSATIONAL)
    await inn.tavern(capacity=9)
    await inn.room("lobby", spoken(BOB, "one"))
    await inn.room("lobby", spoken(BOB, "two"))
    await inn.outbound.hears(OrderPlaced)
    for times in (2, 3):
        await inn.room("witness", spoken(ANN, "tick"))
        await inn.outbound.hears(OrderPlaced, times=times)
    rooms = [p.order.room for p in placed(inn)]
    await inn.room("lobby", spoken(BOB, "three"))
    await inn.outbound.hears(OrderPlaced, times=4)

    assert rooms == ["lobby", "witness", "witness"]
    assert placed(inn)[-1].order.room == "lobby"


async def test_a_talk_that_never_pauses_is_joined_all_the_same() -> None:
    """The time runs from the first word, not from the last."""
    inn = await open_inn(M.CONVERSATIONAL)
    ref = inn.house.directory.find(Kind.ROOM, "lobby")
    assert ref is not None
    room: Any = ref.actor_inbox._actor
    await inn.room("lobby", spoken(BOB, "one"))
    await inn.settle()
    rings = room._alarms._timers["think"].when()
    await inn.room("lobby", spoken(BOB, "and another thing"))
    await inn.settle()

    assert room._alarms._timers["think"].when() == rings


async def test_nobody_is_asked_in_another_mode() -> None:
    """Nor after the mode has changed; when it is back, somebody must speak."""
    inn = await open_inn(M.CONVERSATIONAL, think_after=SHORT, think_before=SHORT)
    await inn.create("witness", ANN, mode=M.CONVERSATIONAL)
    await inn.tavern(capacity=9)
    await inn.room("lobby", spoken(BOB, "one"))
    await inn.set_mode("lobby", M.IMMEDIATE)
    for times in (1, 2):
        await inn.room("witness", spoken(ANN, "tick"))
        await inn.outbound.hears(OrderPlaced, times=times)
    during = [p.order.room for p in placed(inn)]
    await inn.set_mode("lobby", M.CONVERSATIONAL)
    await inn.room("lobby", spoken(BOB, "two"))
    await inn.outbound.hears(OrderPlaced, times=3)

    assert during == ["witness", "witness"]
    assert placed(inn)[-1].order.room == "lobby"


# -- context


async def test_the_context_is_what_was_said_before(inn: Inn) -> None:
    """Requests, words and answers, the newest last; not who came and went."""
    first = order(inn, ANN, "one")
    await state_of(first)
    await answer(inn, first, "two")
    await inn.room("lobby", spoken(BOB, "three"))
    await inn.room("lobby", Leave(CAT))
    await state_of(order(inn, ANN, "four"))

    assert context(placed(inn)[-1]) == ["one", "two", "three"]


@pytest.mark.parametrize(
    ("wanted", "expected"), [(None, 20), (3, 3), (0, 0), (50, 50), (500, 100)]
)
async def test_an_extension_has_as_much_context_as_it_wants(
    wanted: int | None, expected: int
) -> None:
    """20 messages where it says nothing, 100 at most."""
    inn = await open_inn(M.IMMEDIATE)
    await inn.tavern(context=wanted)
    for number in range(120):
        await inn.room("lobby", spoken(BOB, f"{number}"))
    await state_of(order(inn, ANN))

    texts = [f"{number}" for number in range(120 - expected, 120)]
    assert context(placed(inn)[0]) == texts


async def test_the_context_has_a_limit_of_bytes() -> None:
    """Over it the oldest are left out."""
    inn = await open_inn(M.IMMEDIATE, context_bytes=2_000)
    await inn.tavern()
    for letter in "abc":
        await inn.room("lobby", spoken(BOB, letter * 700))
    await state_of(order(inn, ANN))
    sent = placed(inn)[0]

    assert [text[0] for text in context(sent)] == ["b", "c"]
    assert sum(map(len, sent.context)) <= 2_000


async def test_no_text_comes_twice(inn: Inn) -> None:
    """Neither with the merged order that has it, nor with any later one."""
    await inn.room("lobby", spoken(CAT, "before"))
    held = order(inn, BOB, "one")
    await state_of(held)
    leader = order(inn, ANN, "go")
    await state_of(leader)
    await answer(inn, leader, "answer")
    await state_of(order(inn, ANN, "next"))
    merged, later = placed(inn)

    assert context(merged) == ["before"]
    assert merged.order.message == "one\n\ngo"
    assert context(later) == ["before", "one", "go", "answer"]


# -- who reads


async def test_an_answer_is_read_by_all_who_are_there(inn: Inn) -> None:
    """By its extension not; who joins in the middle reads on, who is out no more."""
    await inn.room("lobby", Leave(CAT))
    tab = order(inn, ANN)
    await state_of(tab)
    tab.chunk("one ")
    await tab.state()
    await inn.room("lobby", Join(CAT))
    await inn.room("lobby", Kick(Target("bob"), ANN))
    await inn.settle()
    tab.chunk("two")
    await tab.state()

    assert inn.outbound.text("ann") == b"one two"
    assert inn.outbound.text("bob") == b"one "
    assert inn.outbound.text("cat") == b"two"
    assert inn.outbound.text("tavern") == b""


async def test_who_was_put_out_does_not_get_its_own_answer_either(inn: Inn) -> None:
    """Though it wanted it in one piece."""
    await inn.set_mode("lobby", M.IMMEDIATE)
    tab = order(inn, BOB, streaming=False)
    await state_of(tab)
    tab.chunk("secret")
    await inn.room("lobby", Kick(Target("bob"), ANN))
    await inn.settle()
    tab.end()
    await tab.ended()

    assert inn.told(BOB, WholeAnswer) == []
    assert inn.outbound.text("cat") == b"secret"


async def test_who_has_read_an_answer_is_shown_it_without_its_text(inn: Inn) -> None:
    """Who wanted no chunks gets it whole."""
    tab = order(inn, ANN, streaming=False)
    await state_of(tab)
    await answer(inn, tab)
    ann, bob = inn.shown(ANN)[-1], inn.shown(BOB)[-1]

    assert (ann["data"], ann["fromLlm"], ann["identity"]) == ("Hello", True, "tavern")
    assert "streamed" not in ann
    assert "data" not in bob
    assert (bob["streamed"], bob["messageId"]) == (True, ann["messageId"])
    assert bob["requestId"] == "ann hi"


async def test_an_answer_is_recorded_as_it_ended(inn: Inn) -> None:
    """With its author, its output, and the id that the status names."""
    tab = order(inn, ANN)
    await state_of(tab)
    end = await answer(inn, tab)
    (said,) = [m for m in await inn.history("lobby") if m.get("fromLlm")]

    assert said["messageId"] == said["responseId"] == end.response_id
    assert (said["outputId"], said["status"]) == ("o", "completed")
    assert (said["data"], said["role"]) == ("Hello", "assistant")


async def test_what_came_of_a_failed_answer_is_kept_and_marked(inn: Inn) -> None:
    """An answer without any text is not recorded."""
    tab, empty = order(inn, ANN, "one"), order(inn, ANN, "two")
    for each in (tab, empty):
        await state_of(each)
    tab.chunk("Hel")
    for each in (tab, empty):
        each.ref.tell(relay_events.StreamFailed("tavern", "no", 1))
        await each.ended()
    await inn.settle()

    said = [m for m in await inn.history("lobby") if m.get("fromLlm")]
    assert [(m["data"], m["status"]) for m in said] == [("Hel", "failed")]


# -- calling off


async def test_one_calls_off_ones_own_before_anothers(inn: Inn) -> None:
    """Ids are each requester's own."""
    await inn.set_mode("lobby", M.IMMEDIATE)
    bob, cat = (order(inn, who, request_id="same") for who in (BOB, CAT))
    for tab in (bob, cat):
        await state_of(tab)
    await inn.room("lobby", Cancel("same", CAT))

    assert await bob.state() == S.SENT
    assert inn.told(CAT, StatusChanged)[-1].state == S.CANCELLED


async def test_a_monitor_names_whose_request_it_calls_off(inn: Inn) -> None:
    """Ids are each requester's own: the other one goes on."""
    await inn.set_mode("lobby", M.IMMEDIATE)
    bob, cat = (order(inn, who, request_id="same") for who in (BOB, CAT))
    for tab in (bob, cat):
        await state_of(tab)
    await inn.room("lobby", Cancel("same", MONITOR, requester=CAT.identity))

    assert await bob.state() == S.SENT
    assert inn.told(CAT, StatusChanged)[-1].state == S.CANCELLED
    with pytest.raises(NotFoundError):
        await inn.room("lobby", Cancel("same", MONITOR, requester=ANN.identity))


async def test_a_monitor_names_whose_answer_it_reads(inn: Inn) -> None:
    """Ids are each requester's own."""
    await inn.set_mode("lobby", M.IMMEDIATE)
    bob, cat = (order(inn, who, request_id="same") for who in (BOB, CAT))
    for tab, text in ((bob, "ale"), (cat, "milk")):
        await state_of(tab)
        tab.chunk(text)
        await tab.state()
    port = RecordingPort()
    resume = Resume(
        request_id="same",
        reader=MONITOR.identity,
        room="lobby",
        requester=CAT.identity,
        start=0,
        port=port,
        entitled=True,
    )
    tell_room(inn.house, "lobby", resume)

    assert (await port.hears(Resumed)).outputs[0].text == b"milk"


async def test_a_deleted_room_calls_everything_off(inn: Inn) -> None:
    """What runs, what waits, what was merged."""
    held, late = order(inn, BOB, "one"), order(inn, CAT, "two")
    leader = order(inn, ANN, "go")
    for tab in (held, leader, late):
        await state_of(tab)
    await inn.room("lobby", Delete(ANN))

    for tab in (held, leader, late):
        assert (await tab.ended()).state == S.CANCELLED


async def test_a_room_that_crashes_leaves_nobody_waiting(inn: Inn) -> None:
    """What was held fails; what runs goes on."""
    held, late = order(inn, BOB, "one"), order(inn, CAT, "two")
    leader = order(inn, ANN, "go")
    for tab in (held, leader, late):
        await state_of(tab)
    tell_room(inn.house, "lobby", "nonsense")

    for tab in (held, late):
        end = await tab.ended()
        assert (end.state, end.code) == (S.FAILED, Code.INTERNAL)
    assert (await answer(inn, leader)).state == S.COMPLETED
    assert "Hello" in await inn.texts("lobby")


async def test_what_a_kicked_member_had_held_goes_nowhere(inn: Inn) -> None:
    """The others' still does."""
    bobs, cats = order(inn, BOB, "b"), order(inn, CAT, "c")
    await state_of(bobs)
    await state_of(cats)
    await inn.room("lobby", Kick(Target("bob"), ANN))
    await inn.settle()
    await state_of(order(inn, ANN, "a"))

    assert ends(inn, bobs) == [S.CANCELLED]
    assert placed(inn)[-1].order.message == "c\n\na"


async def test_a_request_is_stored_as_ended_behind_its_answer() -> None:
    """A kill between the two must not leave an end without its answer."""
    inn = Inn()
    await inn.come(ANN)
    await inn.tavern()
    tab = order(inn, ANN, room="ann")
    await state_of(tab)
    await answer(inn, tab)
    written = [w for w in inn.store.items if isinstance(w, AddMessage | CloseRequest)]

    assert [type(write) for write in written] == [AddMessage, AddMessage, CloseRequest]


# -- detours


def heard(inn: Inn, who: str) -> bytes:
    """What somebody has read."""
    return inn.outbound.text(who)


async def test_a_detour_takes_an_answer_to_an_identity(inn: Inn) -> None:
    """Besides the room."""
    tab = order(inn, ANN, detour=Detour(identity="eve"))
    await state_of(tab)
    await answer(inn, tab)

    assert heard(inn, "eve") == heard(inn, "bob") == b"Hello"


async def test_a_detour_takes_an_answer_away_from_the_room(inn: Inn) -> None:
    """Where it goes elsewhere instead; it is recorded in the room all the same."""
    tab = order(inn, ANN, detour=Detour(identity="eve", instead=True))
    await state_of(tab)
    await answer(inn, tab)

    assert heard(inn, "eve") == b"Hello"
    assert heard(inn, "ann") == heard(inn, "bob") == b""
    assert "Hello" in await inn.texts("lobby")


async def test_a_detour_takes_an_answer_to_another_room(inn: Inn) -> None:
    """To whoever is there at the time."""
    eve, fay = Caller("eve", "eve"), Caller("fay", "fay")
    await inn.create("annex", eve)
    tab = order(inn, ANN, detour=Detour(room="annex"))
    await state_of(tab)
    await inn.settle()
    tab.chunk("one ")
    await tab.state()
    await inn.room("annex", Add(fay, eve))
    await inn.room("annex", Leave(eve))
    await inn.settle()
    tab.chunk("two")
    await tab.state()

    assert heard(inn, "bob") == b"one two"
    assert heard(inn, "eve") == b"one "
    assert heard(inn, "fay") == b"two"


async def test_a_detour_takes_an_answer_to_another_room_instead(inn: Inn) -> None:
    """And to nobody here."""
    await inn.create("annex", Caller("eve", "eve"))
    tab = order(inn, ANN, detour=Detour(room="annex", instead=True))
    await state_of(tab)
    await inn.settle()
    await answer(inn, tab)

    assert heard(inn, "eve") == b"Hello"
    assert heard(inn, "ann") == b""


async def test_a_detour_takes_an_answer_to_everybody(inn: Inn) -> None:
    """Once: nobody hears it twice."""
    tab = order(inn, ANN, detour=Detour(identity=EVERYBODY))
    await state_of(tab)
    await answer(inn, tab)

    readers = [r.readers for r in inn.outbound.records if type(r.notice) is OutputChunk]
    assert readers == [(EVERYBODY,)]


async def test_what_is_separate_makes_no_detour() -> None:
    """It is for who ordered it alone."""
    inn = await open_inn(M.SEPARATE)
    await inn.tavern()
    await inn.create("annex", Caller("eve", "eve"))
    for number, detour in enumerate(
        (Detour(room="annex"), Detour(identity="eve"), Detour(identity=EVERYBODY))
    ):
        tab = order(inn, BOB, f"{number}", detour=detour)
        await state_of(tab)
        await inn.settle()
        await answer(inn, tab)

    assert heard(inn, "eve") == heard(inn, EVERYBODY) == b""
    assert heard(inn, "bob") == 3 * b"Hello"


@pytest.mark.parametrize("mode", M)
async def test_a_rule_drops_whatever_is_not_separate(mode: RequestMode) -> None:
    """What is one's own alone, no rule touches."""
    inn = await open_inn(mode)
    await inn.tavern()
    tab = order(inn, ANN, targets=("tavern",), detour=Detour(dropped=True))

    if mode is M.SEPARATE:
        assert (await tab.begin()).state is RequestState.SENT
    else:
        with pytest.raises(RefusedError, match="routing rule"):
            await tab.begin()


def _piece(text: str) -> Piece:
    return Piece(msgspec.json.encode(text)[1:-1])


async def resumed_by_bob(ref: Any) -> Resumed | BrokerError:
    """What bob is told when he resumes his own request, and names no room."""
    port = RecordingPort()
    ref.tell(Resume(request_id="bob b", reader="bob", room=None, start=0, port=port))
    await port.until(lambda: bool(port.items))
    return port.items[0]  # type: ignore[no-any-return]


async def test_kicked_requester_resumes_no_later_text_of_its_own_request(
    inn: Inn,
) -> None:
    """Section 7: a member resumes; and after the end, too, it has no right to it."""
    await inn.set_mode("lobby", M.IMMEDIATE)
    tab = order(inn, BOB, "b")
    await state_of(tab)
    tab.chunk("heard ")
    await inn.room("lobby", Kick(Target("bob"), ANN))
    await inn.settle()
    tab.chunk("not for bob")
    running = await resumed_by_bob(tab.ref)
    tab.end()
    await tab.ended()
    ended = await resumed_by_bob(inn.house.answers)

    assert inn.outbound.text("bob") == b"heard "
    assert isinstance(running, RefusedError)
    assert isinstance(ended, RefusedError)
    assert running.code == ended.code == Code.ROOM_ACCESS_DENIED
    assert ends(inn, tab) == [S.COMPLETED]


async def test_who_left_and_is_added_again_resumes_its_request(inn: Inn) -> None:
    """It is a member, whatever was."""
    await inn.set_mode("lobby", M.IMMEDIATE)
    tab = order(inn, BOB, "b")
    await state_of(tab)
    await inn.room("lobby", Leave(BOB))
    await inn.settle()
    out = await resumed_by_bob(tab.ref)
    await inn.room("lobby", Add(BOB, MONITOR, present=True))
    await inn.settle()

    assert isinstance(out, RefusedError)
    assert isinstance(await resumed_by_bob(tab.ref), Resumed)


async def test_kicked_requester_finds_no_text_in_the_history() -> None:
    """What is no longer kept is looked for there, by the same rule."""
    shelf = Shelf()
    inn = Inn(store=shelf.ref, index=shelf.index(), answer_bytes=1)
    await inn.come(ANN, BOB)
    await inn.create("lobby", ANN, BOB, mode=M.IMMEDIATE)
    await inn.tavern()
    tab = order(inn, BOB, "b")
    await state_of(tab)
    tab.chunk("secret")
    tab.end()
    await tab.ended()
    await inn.settle()
    before = await resumed_by_bob(inn.house.answers)
    await inn.room("lobby", Kick(Target("bob"), ANN))
    await inn.settle()

    assert isinstance(before, Resumed)
    assert [output.final_text for output in before.outputs] == ["secret"]
    assert isinstance(await resumed_by_bob(inn.house.answers), NotFoundError)
