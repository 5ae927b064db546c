"""What is said in a room: recorded, shown, edited, deleted, cleared, read again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from actors import relay_events
from actors.base import ask
from actors.errors import Code
from actors.hall_events import Away, Came, CreateRoom, ask_room
from actors.message import MessageKind
from actors.modes import RequestMode
from actors.records import Committed, Unwritten
from actors.roles import Caller, Role, Target
from actors.room_events import (
    Add,
    Clear,
    DeleteMessages,
    Edit,
    GetHistory,
    Leave,
    Mute,
    PassOn,
    Said,
    SetMode,
    SetStatus,
    Speak,
)
from actors.room_notices import (
    MemberStatusChanged,
    MessagesCleared,
    MessagesDeleted,
    MessageUpdated,
    Passed,
)
from actors.room_records import (
    AddMessage,
    CountMessages,
    HistoryView,
    ReadMessages,
    StoredRoom,
)
from actors.transcript import TAIL, Transcript
from tests.actors.inn import (
    ANN,
    BOB,
    CAT,
    MONITOR,
    Clock,
    Disk,
    Inn,
    Shelf,
    code_of,
    gone_store,
)
from tests.actors.recording import ENOUGH, Tab

M = RequestMode


def words(by: Caller, text: str = "hi", **more: Any) -> Speak:
    """Something said."""
    return Speak(
        caller=by, namespace="/llm", name="message", data={"data": text, **more}
    )


async def say(inn: Inn, by: Caller, text: str = "hi", **more: Any) -> str:
    """Say something in the lobby; gives its id."""
    said: Said = await inn.room("lobby", words(by, text, **more))
    return said.message_id


async def open_inn(**times: Any) -> Inn:
    """A kept lobby with Ann as master, Bob and Cat as guests."""
    inn = Inn(store=Shelf().ref, clock=Clock(0.0), **times)
    await inn.come(ANN, BOB, CAT)
    await inn.create("lobby", ANN, BOB, CAT, keep=True, mode=M.IMMEDIATE)
    return inn


@pytest.fixture
async def inn() -> Inn:
    """A lobby."""
    return await open_inn()


@pytest.fixture
async def disk(tmp_path: Path) -> AsyncIterator[Disk]:
    """A real database."""
    disk = Disk(tmp_path / "test.sqlite3")
    yield disk
    await disk.close()


async def said_in(inn: Inn, by: Caller = MONITOR, **view: Any) -> list[str]:
    """What people and extensions have said, as somebody may read it."""
    said = await inn.history("lobby", by, **view)
    return [m.get("message") or m["data"] for m in said if not m.get("isSystem")]


async def ask_and_answer(inn: Inn, by: Caller = BOB, name: str = "r") -> None:
    """An order of somebody, ``ask``, and its answer, ``reply``."""
    tab = Tab(
        inn,
        name,
        request_id=name,
        requester=by.identity,
        client=by.client,
        room="lobby",
        message="ask",
    )
    await tab.begin()
    tab.chunk("reply")
    tab.end()
    await tab.ended()
    await inn.settle()


# -- said


async def test_what_is_said_is_recorded_and_shown_to_all(inn: Inn) -> None:
    """Who said it has it shown as well, as the broker stamped it."""
    message_id = await say(inn, BOB, "hi", mood="merry")

    expected = {
        "messageId": message_id,
        "roomName": "lobby",
        "identity": "bob",
        "clientId": "bob",
        "timestamp": "1970-01-01T00:00:00.000Z",
        "fromClient": True,
        "role": "guest",
        "data": "hi",
        "mood": "merry",
    }
    assert inn.shown(ANN)[-1] == inn.shown(BOB)[-1] == expected
    assert (await inn.history("lobby"))[-1] == expected


async def test_the_others_hear_it_under_its_own_name(inn: Inn) -> None:
    """Who said it does not."""
    await say(inn, BOB, "hi")

    (passed,) = inn.told(ANN, Passed)
    assert (passed.namespace, passed.name) == ("/llm", "message")
    assert passed.data == {"data": "hi"}
    assert inn.told(BOB, Passed) == []


async def test_nobody_poses_as_somebody_else(inn: Inn) -> None:
    """What the broker stamps, it alone stamps."""
    await say(
        inn,
        BOB,
        messageId="mine",
        roomName="other",
        identity="ann",
        clientId="ann",
        timestamp="never",
        fromLlm=True,
        isSystem=True,
        role="master",
    )
    shown = inn.shown(ANN)[-1]

    assert [shown[f] for f in ("identity", "clientId", "role")] == [
        "bob",
        "bob",
        "guest",
    ]
    assert shown["roomName"] == "lobby"
    assert shown["messageId"] != "mine"
    assert shown["timestamp"] != "never"
    assert "fromLlm" not in shown
    assert "isSystem" not in shown


async def test_an_event_of_ones_own_is_passed_on_and_not_recorded(inn: Inn) -> None:
    """To all the others."""
    event = PassOn(caller=BOB, namespace="/llm", name="dice", data={"eyes": 6})
    await inn.room("lobby", event)

    assert [n.name for n in inn.told(ANN, Passed)] == ["dice"]
    assert inn.told(BOB, Passed) == []
    assert await said_in(inn) == []


async def test_a_rule_brings_words_of_strangers(inn: Inn) -> None:
    """An operator's; without it a stranger is refused."""
    eve = Caller("eve", "eve")
    routed = Speak(
        caller=eve, namespace="/llm", name="message", data={"data": "x"}, routed=True
    )

    assert await inn.outcome("lobby", words(eve)) == Code.ROOM_ACCESS_DENIED
    assert await inn.outcome("lobby", routed) == 0
    assert inn.shown(ANN)[-1]["role"] == "guest"


async def test_a_monitor_speaks_as_a_master(inn: Inn) -> None:
    """In any room, without being in it."""
    await say(inn, MONITOR)

    assert inn.shown(ANN)[-1]["role"] == "master"


# -- edited


async def test_a_message_is_edited(inn: Inn) -> None:
    """A text is its new text; everybody is shown it, with the time."""
    message_id = await say(inn, BOB, "hi", mood="merry")
    stored = await inn.room("lobby", Edit(BOB, message_id, "bye"))
    (updated,) = inn.told(ANN, MessageUpdated)
    body = msgspec.json.decode(updated.body)

    assert stored is True
    assert (body["data"], body["mood"]) == ("bye", "merry")
    assert body["lastEdited"] == "1970-01-01T00:00:00.000Z"
    assert (await inn.history("lobby"))[-1] == body
    assert (updated.room, body["messageId"]) == ("lobby", message_id)


async def test_fields_of_a_message_are_edited(inn: Inn) -> None:
    """Those that are named, and new ones."""
    message_id = await say(inn, BOB, "hi", mood="merry")
    await inn.room("lobby", Edit(BOB, message_id, {"mood": "sad", "pinned": True}))
    body = (await inn.history("lobby"))[-1]

    assert (body["data"], body["mood"], body["pinned"]) == ("hi", "sad", True)


async def test_a_request_is_edited_where_its_text_is(inn: Inn) -> None:
    """An order's is its ``message``."""
    await inn.tavern()
    await ask_and_answer(inn)
    (request,) = [m for m in await inn.history("lobby") if m.get("message") == "ask"]
    await inn.room("lobby", Edit(BOB, request["messageId"], "asked"))

    assert await said_in(inn) == ["asked", "reply"]


@pytest.mark.parametrize(
    "field",
    [
        "messageId",
        "roomName",
        "identity",
        "clientId",
        "timestamp",
        "fromClient",
        "fromLlm",
        "isSystem",
        "role",
        "requestId",
        "responseId",
        "outputId",
        "status",
        "lastEdited",
    ],
)
async def test_what_is_fixed_is_not_edited(inn: Inn, field: str) -> None:
    """Not even by a monitor; the same value again is no change."""
    message_id = await say(inn, BOB, "hi")
    before = (await inn.history("lobby"))[-1]
    same = {field: before[field]} if field in before else {}

    for caller in (BOB, ANN, MONITOR):
        edit = Edit(caller, message_id, {field: "forged"})
        assert await inn.outcome("lobby", edit) == Code.INVALID_PARAMETER
    assert (await inn.history("lobby"))[-1] == before
    assert await inn.outcome("lobby", Edit(BOB, message_id, same)) == 0


async def test_an_edited_message_is_context_as_it_is_now(inn: Inn) -> None:
    """Extensions are not told what is no longer said."""
    await inn.tavern()
    message_id = await say(inn, BOB, "hi")
    await inn.room("lobby", Edit(BOB, message_id, "bye"))
    verdict, _ = await inn.submit("lobby", ANN)

    assert isinstance(verdict, relay_events.Cleared)
    assert [msgspec.json.decode(b)["data"] for b in verdict.order.context] == ["bye"]


async def test_who_is_muted_says_nothing_by_editing(inn: Inn) -> None:
    """Or a mute would be none."""
    message_id = await say(inn, BOB)
    await inn.room("lobby", Mute(Target("bob"), 0, ANN))

    edit = Edit(BOB, message_id, "new")
    assert await inn.outcome("lobby", edit) == Code.AUTHORISATION_FAILED


async def test_only_what_was_said_can_be_edited(inn: Inn) -> None:
    """7 for the unknown, and for what the broker itself has said."""
    (system, *_) = await inn.history("lobby")

    for message_id in ("unknown", system["messageId"]):
        edit = Edit(MONITOR, message_id, "new")
        assert await inn.outcome("lobby", edit) == Code.NOT_FOUND
        delete = DeleteMessages(MONITOR, (message_id,))
        assert await inn.outcome("lobby", delete) == Code.NOT_FOUND


async def test_from_llm_limits_an_edit_to_answers_or_to_requests(inn: Inn) -> None:
    """What is the other is as good as not there."""
    await inn.tavern()
    await ask_and_answer(inn)
    request, answer = (
        m["messageId"] for m in await inn.history("lobby") if not m.get("isSystem")
    )

    assert await inn.outcome("lobby", Edit(ANN, request, "x", from_llm=True)) == 7
    assert await inn.outcome("lobby", Edit(ANN, answer, "x", from_llm=False)) == 7
    assert await inn.outcome("lobby", Edit(ANN, answer, "new", from_llm=True)) == 0
    assert await inn.outcome("lobby", Edit(ANN, request, "q", from_llm=False)) == 0
    assert await said_in(inn) == ["q", "new"]


# -- deleted


async def test_messages_are_deleted(inn: Inn) -> None:
    """The answer names those that were there; everybody is told."""
    first, second, third = [await say(inn, BOB, text) for text in "abc"]
    gone = await inn.room("lobby", DeleteMessages(BOB, (first, "unknown", third)))

    assert gone == (first, third)
    assert inn.told(ANN, MessagesDeleted) == [MessagesDeleted("lobby", (first, third))]
    assert await said_in(inn) == ["b"]
    assert await inn.outcome("lobby", Edit(BOB, first, "x")) == Code.NOT_FOUND
    assert second not in gone


async def test_all_or_none_are_deleted(inn: Inn) -> None:
    """Where one of them is somebody else's."""
    mine, others = await say(inn, BOB, "mine"), await say(inn, CAT, "others")
    delete = DeleteMessages(BOB, (mine, others))

    assert await inn.outcome("lobby", delete) == Code.AUTHORISATION_FAILED
    assert await said_in(inn) == ["mine", "others"]


async def test_from_llm_limits_what_is_deleted(inn: Inn) -> None:
    """To answers, or to requests."""
    await inn.tavern()
    await ask_and_answer(inn)
    ids = tuple(m["messageId"] for m in await inn.history("lobby"))
    await inn.room("lobby", DeleteMessages(ANN, ids, from_llm=True))

    assert await said_in(inn) == ["ask"]


async def test_a_deleted_message_is_no_context(inn: Inn) -> None:
    """Extensions are not told of it."""
    kept, gone = await say(inn, BOB, "kept"), await say(inn, BOB, "gone")
    await inn.room("lobby", DeleteMessages(BOB, (gone,)))
    verdict, _ = await inn.submit("lobby", ANN)

    assert isinstance(verdict, relay_events.Cleared)
    (body,) = verdict.order.context
    assert msgspec.json.decode(body)["messageId"] == kept


# -- cleared


@pytest.mark.parametrize(
    ("requests", "answers", "left"),
    [
        (True, False, ["reply"]),
        (False, True, ["ask", "hi"]),
        (True, True, []),
    ],
)
async def test_messages_are_cleared(
    inn: Inn, *, requests: bool, answers: bool, left: list[str]
) -> None:
    """Requests, with what people said; answers; or both, with all the rest."""
    await inn.tavern()
    await ask_and_answer(inn)
    await say(inn, BOB, "hi")
    stored = await inn.room("lobby", Clear(ANN, requests=requests, answers=answers))
    verdict, _ = await inn.submit("lobby", ANN)

    assert stored is True
    assert sorted(await said_in(inn)) == sorted(left)
    told = MessagesCleared("lobby", requests, answers)
    assert inn.told(CAT, MessagesCleared) == [told]
    assert isinstance(verdict, relay_events.Cleared)
    assert len(verdict.order.context) == len(left)
    system = [m for m in await inn.history("lobby") if m.get("isSystem")]
    assert bool(system) is not (requests and answers)


# -- seen


async def secret(inn: Inn) -> str:
    """A request of Bob's that he alone may see; gives its id."""
    await inn.set_mode("lobby", M.SEPARATE)
    await ask_and_answer(inn)
    await inn.set_mode("lobby", M.IMMEDIATE)
    said = [m for m in await inn.history("lobby") if m.get("message") == "ask"]
    return str(said[0]["messageId"])


async def test_a_hidden_message_is_not_there_for_others(inn: Inn) -> None:
    """Nor for a master; a monitor and whose it is change it, and nobody is told."""
    await inn.tavern()
    message_id = await secret(inn)
    for message in (
        Edit(ANN, message_id, "x"),
        DeleteMessages(ANN, (message_id,)),
        GetHistory(ANN, since=message_id),
    ):
        assert await inn.outcome("lobby", message) == Code.NOT_FOUND
    await inn.room("lobby", Edit(BOB, message_id, "changed"))
    await inn.room("lobby", DeleteMessages(MONITOR, (message_id,)))

    assert (
        len(inn.told(BOB, MessageUpdated)) == len(inn.told(BOB, MessagesDeleted)) == 1
    )
    assert inn.told(ANN, MessageUpdated) == inn.told(ANN, MessagesDeleted) == []


async def test_a_view_shows_what_its_reader_may_see(inn: Inn) -> None:
    """And a monitor everything."""
    await inn.tavern()
    await secret(inn)
    await say(inn, CAT, "public")

    assert await said_in(inn, ANN) == ["public"]
    assert await said_in(inn, BOB) == ["ask", "reply", "public"]
    assert await said_in(inn, MONITOR) == ["ask", "reply", "public"]
    view = HistoryView("lobby", "ann")
    assert await ask(inn.house.store, CountMessages(view), timeout=ENOUGH) == len(
        await inn.history("lobby", ANN)
    )


async def test_a_view_begins_behind_a_message(inn: Inn) -> None:
    """Which must be there."""
    await say(inn, BOB, "one")
    message_id = await say(inn, BOB, "two")
    await say(inn, BOB, "three")

    assert await said_in(inn, BOB, since=message_id) == ["three"]
    unknown = GetHistory(BOB, since="unknown")
    assert await inn.outcome("lobby", unknown) == Code.NOT_FOUND


async def test_a_view_begins_where_one_went(inn: Inn) -> None:
    """What was said while one was there is left out."""
    await say(inn, ANN, "before")
    await inn.go(BOB)
    await say(inn, ANN, "meanwhile")
    await inn.come(BOB)
    await say(inn, ANN, "after")

    assert await said_in(inn, BOB, absence=True) == ["meanwhile", "after"]
    assert await said_in(inn, ANN, absence=True) == ["before", "meanwhile", "after"]


async def test_an_absence_begins_when_the_last_socket_is_lost(inn: Inn) -> None:
    """Not when the grace time ends: what is said in that was missed too."""
    await say(inn, ANN, "before")
    inn.house.hall.tell(Away("bob"))
    await inn.settle()
    await say(inn, ANN, "in the grace time")
    await inn.go(BOB)
    await say(inn, ANN, "after it")
    await inn.come(BOB)

    missed = ["in the grace time", "after it"]
    assert await said_in(inn, BOB, absence=True) == missed


async def test_an_absence_is_remembered_across_a_restart(disk: Disk) -> None:
    """Though everything that was said has been cleared meanwhile."""
    inn = await disk.inn()
    await inn.come(ANN, BOB)
    await inn.create("lobby", ANN, BOB, keep=True)
    for _ in range(5):
        await say(inn, ANN, "before")
    await inn.go(BOB)
    await inn.room("lobby", Clear(ANN, requests=True, answers=True))
    inn = await disk.restart()
    await inn.come(ANN)
    await say(inn, ANN, "meanwhile")
    await inn.come(BOB)

    assert await said_in(inn, BOB, absence=True) == ["meanwhile"]


# -- what one is doing


async def test_who_is_muted_may_stop_typing_and_not_start(inn: Inn) -> None:
    """Nobody would stay typing for as long as a mute lasts."""
    await inn.room("lobby", SetStatus(BOB, "typing"))
    await inn.room("lobby", Mute(Target("bob"), 0, ANN))
    await inn.room("lobby", SetStatus(BOB, "idle"))
    again = await inn.outcome("lobby", SetStatus(BOB, "typing"))

    told = [n.status for n in inn.told(ANN, MemberStatusChanged)]
    assert told == ["typing", "idle"]
    assert again == Code.AUTHORISATION_FAILED


# -- no longer at hand


async def talkative(inn: Inn) -> str:
    """Say so much that the first of it is no longer at hand; gives its id."""
    first = await say(inn, BOB, "first")
    for number in range(TAIL):
        await say(inn, CAT, f"{number}")
    return first


async def test_a_message_that_is_not_at_hand_is_edited(inn: Inn) -> None:
    """The store has it."""
    first = await talkative(inn)
    refused = await inn.outcome("lobby", Edit(CAT, first, "forged"))
    await inn.room("lobby", Edit(BOB, first, "changed"))

    assert refused == Code.AUTHORISATION_FAILED
    assert (await said_in(inn))[0] == "changed"
    assert len(inn.told(ANN, MessageUpdated)) == 1


async def test_a_message_that_is_not_at_hand_is_deleted(inn: Inn) -> None:
    """Together with one that is."""
    first = await talkative(inn)
    last = await say(inn, BOB, "last")
    gone = await inn.room("lobby", DeleteMessages(BOB, (last, first)))

    assert set(gone) == {first, last}
    assert {"first", "last"}.isdisjoint(await said_in(inn))


async def test_a_view_begins_behind_a_message_that_is_not_at_hand(inn: Inn) -> None:
    """As behind any other."""
    first = await talkative(inn)

    assert len(await said_in(inn, ANN, since=first)) == TAIL


async def test_messages_from_before_a_restart_are_edited(disk: Disk) -> None:
    """By their author, who is the same."""
    inn = await disk.inn()
    await inn.come(ANN, BOB)
    await inn.create("lobby", ANN, BOB, keep=True)
    message_id = await say(inn, BOB, "before")
    inn = await disk.restart()
    await inn.come(ANN, BOB)
    await inn.room("lobby", Edit(BOB, message_id, "after"))

    assert await said_in(inn) == ["after"]


# -- bounds


async def test_the_history_has_a_limit() -> None:
    """The oldest make room for the new, in the store."""
    shelf = Shelf()
    inn = Inn(store=shelf.ref, history_per_room=5)
    await inn.create("lobby", ANN)
    for number in range(9):
        await say(inn, ANN, f"{number}")

    assert await said_in(inn) == ["4", "5", "6", "7", "8"]
    assert shelf.tables()["messages"] == 5


def transcript(max_bytes: int = 10**6) -> Transcript:
    """An empty one."""
    return Transcript("lobby", max_bytes, lambda: 0.0)


def add(tail: Transcript, text: str, kind: MessageKind = MessageKind.SPOKEN) -> str:
    """Have something said; gives its id."""
    said = tail.add({"data": text}, author="a", client="a", role="guest", kind=kind)
    return said.id


def at_hand(tail: Transcript) -> list[str]:
    """What is at hand."""
    return [msgspec.json.decode(body)["data"] for body in tail.context(None, ())]


def test_only_so_many_messages_are_at_hand() -> None:
    """The oldest are only in the store."""
    tail = transcript()
    for number in range(TAIL + 5):
        add(tail, f"{number}")

    assert at_hand(tail) == [f"{number}" for number in range(5, TAIL + 5)]


def test_only_so_many_bytes_are_at_hand() -> None:
    """One message that is larger than all of them is not at hand at all."""
    tail = transcript(max_bytes=1_000)
    for letter in "abc":
        add(tail, letter * 300)
    some = [text[0] for text in at_hand(tail)]
    add(tail, "d" * 2_000)
    none = at_hand(tail)
    add(tail, "e")

    assert some == ["b", "c"]
    assert none == []
    assert at_hand(tail) == ["e"]


def test_what_is_edited_counts_with_its_new_size() -> None:
    """The oldest go where that is too much."""
    tail = transcript(max_bytes=1_000)
    for letter in "ab":
        add(tail, letter * 200)
    old = tail.find(add(tail, "c"))
    assert old is not None
    tail.replace(msgspec.structs.replace(old, body=b'{"data":"%b"}' % (b"C" * 900)))

    assert [text[0] for text in at_hand(tail)] == ["C"]


def test_what_was_forgotten_leaves_its_bytes_to_others() -> None:
    """Or the tail would shrink for good."""
    tail = transcript(max_bytes=1_000)
    tail.forget({add(tail, "a" * 500)})
    add(tail, "b" * 500)
    tail.clear({MessageKind.SPOKEN})
    for letter in "cd":
        add(tail, letter * 300)

    assert [text[0] for text in at_hand(tail)] == ["c", "d"]


def test_what_the_broker_says_takes_no_place_among_the_rest() -> None:
    """It is no context; its place in the history counts."""
    tail = transcript()
    add(tail, "hi")
    for _ in range(TAIL):
        add(tail, "came in", MessageKind.SYSTEM)

    assert at_hand(tail) == ["hi"]
    assert tail.last_seq == TAIL + 1


def test_a_transcript_goes_on_where_it_was_left() -> None:
    """With the next place, and what is stored at hand."""
    before, after = transcript(), transcript()
    found = before.find(add(before, "hi"))
    assert found is not None
    stored = StoredRoom(row=None, members=(), last_seq=7, tail=(found,))  # type: ignore[arg-type]
    after.restore(stored)
    add(after, "again")

    assert after.last_seq == 8
    assert at_hand(after) == ["hi", "again"]


async def test_a_page_has_a_limit_of_bytes_and_at_least_one_message(inn: Inn) -> None:
    """Or a reader would never get past a large one."""
    for letter in "ab":
        await say(inn, BOB, letter * 500)
    view = HistoryView("lobby", None, after=3)
    pages = []
    while True:
        page = await ask(
            inn.house.store, ReadMessages(view, limit=10, max_bytes=10), timeout=ENOUGH
        )
        if not page.bodies:
            break
        pages.append([msgspec.json.decode(body)["data"][0] for body in page.bodies])
        view = msgspec.structs.replace(view, after=page.last)

    assert pages == [["a"], ["b"]]


# -- on disk


async def test_the_ack_of_what_was_said_waits_for_the_disk() -> None:
    """It is shown at once."""
    inn = Inn(store_ok=None)
    await inn.come(ANN)
    pending = ask_room(inn.house, "ann", words(ANN))
    write = await inn.store.hears(AddMessage)
    shown, early = inn.shown(ANN), pending.waiter.done()
    assert write.reply_to is not None
    write.reply_to.tell(Committed(ok=True, token=write.token))
    said = await pending

    assert (len(shown), early) == (1, False)
    assert said == Said(write.message.id, stored=True)


async def everything(inn: Inn) -> list[Any]:
    """What Ann is answered to all that one does with messages in her own room."""
    said: Said = await inn.room("ann", words(ANN))
    return [
        said.stored,
        await inn.room("ann", Edit(ANN, said.message_id, "new")),
        await inn.room("ann", SetMode(M.IMMEDIATE, ANN)),
        await inn.room("ann", Add(BOB, ANN)),
        await inn.room("ann", Mute(Target("bob"), 0, ANN)),
        await inn.room("ann", Leave(BOB)),
        await inn.room("ann", DeleteMessages(ANN, (said.message_id,))),
        await inn.room("ann", Clear(ANN, requests=True, answers=True)),
    ]


@pytest.mark.parametrize("gone", [False, True], ids=["down", "gone"])
async def test_a_store_that_is_down_is_said_and_harms_nothing(*, gone: bool) -> None:
    """False or unwritten: it is done, and would not survive a restart."""
    inn = Inn(store=await gone_store()) if gone else Inn(store_ok=False)
    inn.house.hall.tell(Came(ANN.identity, ANN.client, ANN.kind))
    answers = await everything(inn)
    message_ids = answers[6].answer

    assert len(message_ids) == 1
    assert answers == [
        False,
        False,
        False,
        Unwritten(Role.GUEST),
        False,
        False,
        Unwritten(message_ids),
        False,
    ]
    assert [n.room for n in inn.told(ANN, MessagesCleared)] == ["ann"]


async def test_a_room_is_created_though_the_store_is_gone() -> None:
    """It lives as long as the process."""
    inn = Inn(store=await gone_store())
    inn.house.hall.tell(Came(ANN.identity, ANN.client, ANN.kind))
    role = await inn.hall(CreateRoom(name="lobby", caller=ANN))

    assert role == Unwritten(Role.MASTER)
    assert await inn.roles("lobby") == {"ann": "master"}


async def test_what_is_not_at_hand_can_not_be_changed_while_the_store_is_gone() -> None:
    """9, and the room lives on."""
    inn = Inn(store=await gone_store())
    inn.house.hall.tell(Came(ANN.identity, ANN.client, ANN.kind))
    code = await inn.outcome("ann", Edit(ANN, "unknown", "new"))

    assert code == Code.UNAVAILABLE
    assert await inn.roles("ann") == {"ann": "master"}


async def test_who_waits_for_the_disk_is_told_when_the_room_ends() -> None:
    """Nobody waits in vain."""
    inn = Inn(store_ok=None)
    await inn.come(ANN)
    pending = ask_room(inn.house, "ann", words(ANN))
    await inn.store.hears(AddMessage)
    ask_room(inn.house, "ann", "nonsense")

    assert await code_of(pending) == Code.INTERNAL


async def test_nobody_silences_a_monitor(inn: Inn) -> None:
    """It may everything, everywhere: it speaks and orders though it is muted."""
    await inn.room("lobby", Add(MONITOR, ANN))
    await inn.room("lobby", Mute(Target("boss"), 0, ANN))
    verdict, _ = await inn.submit("lobby", MONITOR)

    assert await inn.outcome("lobby", words(MONITOR)) == 0
    assert isinstance(verdict, relay_events.Cleared)
