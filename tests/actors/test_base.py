"""The actor runtime: mailboxes, answers, crashes and ends."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
import pykka
import pytest

from actors import base
from actors.base import (
    ActorCrashedError,
    BlockingActor,
    LoopActor,
    LoopRef,
    MailboxFullError,
    ask,
    dead_letters,
    stop,
    watch,
)
from actors.errors import BrokerError, Code, RefusedError, TimeoutExpiredError
from actors.future import ActorEndedError, LoopFuture
from tests.actors.recording import ENOUGH, MS, SHORT, Neighbour


class Keep(msgspec.Struct, frozen=True):
    """Note a value."""

    value: int


class GetKept(msgspec.Struct, frozen=True):
    """Answers with the values noted."""


class Refuse(msgspec.Struct, frozen=True):
    """Raises an error that is an answer."""


class Crash(msgspec.Struct, frozen=True):
    """Raises ``error``, which is a fault of ours."""

    error: type[BaseException] = ZeroDivisionError


class Defer(msgspec.Struct, frozen=True):
    """Is answered later, if ever."""


class AnswerDeferred(msgspec.Struct, frozen=True):
    """Answer what was deferred."""

    value: int


class AskOther(msgspec.Struct, frozen=True):
    """Answers with what another actor answers."""

    other: LoopRef[Any]
    message: Any


class TellYourself(msgspec.Struct, frozen=True):
    """Note a value, in a message of its own."""

    value: int


class End(msgspec.Struct, frozen=True):
    """Stops the actor by its own hand."""


class KeepLater(msgspec.Struct, frozen=True):
    """Note a value after some time."""

    seconds: float
    value: int


class Notebook(LoopActor):
    """An actor that does everything an actor can do."""

    def __init__(self, hooks: list[str] | None = None) -> None:
        super().__init__()
        self._hooks = [] if hooks is None else hooks
        self._kept: list[int] = []
        self._open: LoopFuture[int] | None = None

    def on_stop(self) -> None:
        """Note that it ended."""
        self._hooks.append("on_stop")

    def on_failure(self, *_exc_info: Any) -> None:
        """Note that it crashed."""
        self._hooks.append("on_failure")

    def on_receive(self, message: Any) -> Any:
        """Handle one message."""
        match message:
            case Keep(value):
                return self._kept.append(value)
            case GetKept():
                return tuple(self._kept)
            case Refuse():
                raise RefusedError("no")
            case Crash(error):
                raise error
            case Defer():
                self._open = self.defer()
                return self._open
            case AnswerDeferred(value):
                if self._open is not None:
                    self._open.set(value)
                return None
            case AskOther(other, question):
                return ask(other, question, timeout=ENOUGH)
            case End():
                return self.stop()
            case TellYourself(value):
                return self.actor_ref.tell(Keep(value))
            case KeepLater(seconds, value):
                self.tell_later(seconds, Keep(value))
                return None
            case _:
                raise NotImplementedError


class Echo(pykka.ThreadingActor):
    """Pykka's own actor with a thread."""

    def on_receive(self, message: Any) -> Any:
        """Give back what came, or raise it."""
        if isinstance(message, Exception):
            raise message
        return message


class Gate(BlockingActor):
    """Our actor with a thread; blocks as long as a test wants."""

    def on_receive(self, message: Any) -> Any:
        """Wait for an event, or give back what came."""
        if isinstance(message, threading.Event):
            message.wait(ENOUGH)
        return message


class BadStart(LoopActor):
    """Can not start."""

    def on_start(self) -> None:
        """Fail."""
        raise RuntimeError("no start")


class BadEnd(Notebook):
    """Fails while it cleans up."""

    def on_failure(self, *_exc_info: Any) -> None:
        """Fail as well."""
        raise RuntimeError("no clean-up")


@pytest.fixture
async def notebook() -> LoopRef[Notebook]:
    """A living actor."""
    return Notebook.start()


@pytest.fixture
async def echo() -> AsyncIterator[pykka.ActorRef[Echo]]:
    """A living actor of Pykka's own."""
    ref = Echo.start()
    yield ref
    await stop(ref, timeout=ENOUGH)


@pytest.fixture
async def gate() -> AsyncIterator[pykka.ActorRef[Gate]]:
    """A living actor with a thread."""
    ref = Gate.start()
    yield ref
    await stop(ref, timeout=ENOUGH)


async def kept(ref: LoopRef[Notebook]) -> tuple[int, ...]:
    """What a notebook holds."""
    values: tuple[int, ...] = await ask(ref, GetKept(), timeout=ENOUGH)
    return values


# -- telling and asking


async def test_messages_are_handled_in_the_order_they_were_told(
    notebook: LoopRef[Notebook],
) -> None:
    """A mailbox is a queue; an ask stands in it like everything else."""
    for value in range(3):
        notebook.tell(Keep(value))

    assert await kept(notebook) == (0, 1, 2)


async def test_telling_does_not_run_the_actor_at_once(
    notebook: LoopRef[Notebook],
) -> None:
    """A message is handled in a later callback, never inside ``tell``."""
    answer = ask(notebook, GetKept(), timeout=ENOUGH)

    assert not answer.waiter.done()
    assert await answer == ()


async def test_idle_actor_handles_what_is_delivered_at_once(
    notebook: LoopRef[Notebook],
) -> None:
    """From outside all actors: nobody is to be woken for it."""
    notebook.deliver(Keep(1))
    answer = ask(notebook, GetKept(), timeout=ENOUGH)
    notebook.deliver(Keep(2))

    assert await answer == (1,)
    assert await kept(notebook) == (1, 2)


async def test_delivery_waits_behind_what_was_told_before(
    notebook: LoopRef[Notebook],
) -> None:
    """A mailbox is a queue, whichever way messages come."""
    notebook.tell(Keep(1))
    notebook.deliver(Keep(2))
    notebook.tell(Keep(3))

    assert await kept(notebook) == (1, 2, 3)


async def test_what_an_actor_tells_itself_during_a_delivery_is_handled(
    notebook: LoopRef[Notebook],
) -> None:
    """It waits for a turn of its own, and gets one."""
    notebook.deliver(TellYourself(7))

    assert await kept(notebook) == (7,)


async def test_crash_during_a_delivery_is_a_crash_like_any(
    notebook: LoopRef[Notebook],
) -> None:
    """It does not reach who delivered; the actor has ended."""
    taken = notebook.deliver(Crash())

    assert (taken, notebook.is_alive()) == (True, False)


async def test_nothing_is_delivered_to_a_dead_actor(
    notebook: LoopRef[Notebook],
) -> None:
    """Who delivers is told, and it is no dead letter."""
    await stop(notebook, timeout=ENOUGH)
    before = dead_letters.count

    assert not notebook.deliver(Keep(1))
    assert dead_letters.count == before


async def test_pykkas_own_actor_is_asked_from_the_loop(
    echo: pykka.ActorRef[Echo],
) -> None:
    """Its answer is awaited, and the loop goes on meanwhile."""
    assert await ask(echo, "hello", timeout=ENOUGH) == "hello"


async def test_a_blocking_actor_is_asked_from_the_loop(
    gate: pykka.ActorRef[Gate],
) -> None:
    """The same for ours."""
    assert await ask(gate, "hello", timeout=ENOUGH) == "hello"


async def test_an_error_of_an_actor_with_a_thread_reaches_the_asker(
    echo: pykka.ActorRef[Echo],
) -> None:
    """What it raises is raised where its answer is awaited."""
    with pytest.raises(RefusedError, match="no"):
        await ask(echo, RefusedError("no"), timeout=ENOUGH)


async def test_another_thread_may_tell_a_loop_actor(
    notebook: LoopRef[Notebook],
) -> None:
    """``tell`` is safe from everywhere."""
    await asyncio.to_thread(notebook.tell, Keep(1))

    assert await kept(notebook) == (1,)


async def test_a_deferred_answer_comes_when_it_is_set(
    notebook: LoopRef[Notebook],
) -> None:
    """An actor may answer later and handles other messages meanwhile."""
    answer = ask(notebook, Defer(), timeout=ENOUGH)
    notebook.tell(AnswerDeferred(7))

    assert await answer == 7


async def test_an_answer_may_be_that_of_another_actor(
    notebook: LoopRef[Notebook],
) -> None:
    """Returning another actor's answer hands it on."""
    other = Notebook.start()
    other.tell(Keep(3))

    assert await ask(notebook, AskOther(other, GetKept()), timeout=ENOUGH) == (3,)


async def test_an_error_of_another_actor_is_handed_on(
    notebook: LoopRef[Notebook],
) -> None:
    """So is what it refuses."""
    question = AskOther(Notebook.start(), Refuse())

    with pytest.raises(RefusedError):
        await ask(notebook, question, timeout=ENOUGH)


async def test_an_ask_that_nobody_answers_times_out(
    notebook: LoopRef[Notebook],
) -> None:
    """Nobody waits for ever."""
    with pytest.raises(TimeoutExpiredError) as caught:
        await ask(notebook, Defer(), timeout=MS)

    assert caught.value.code == Code.TIMEOUT


async def test_an_answer_after_the_time_out_is_ignored(
    notebook: LoopRef[Notebook],
) -> None:
    """The asker has given up: setting the answer then does no harm."""
    with pytest.raises(TimeoutExpiredError):
        await ask(notebook, Defer(), timeout=MS)
    notebook.tell(AnswerDeferred(7))

    assert await kept(notebook) == ()


async def test_a_loop_future_refuses_to_block(notebook: LoopRef[Notebook]) -> None:
    """``get`` would stop the loop it waits for."""
    answer = ask(notebook, GetKept(), timeout=ENOUGH)

    with pytest.raises(RuntimeError, match="await"):
        answer.get(timeout=1)
    await answer


async def test_an_actor_lets_the_loop_have_its_turn(
    notebook: LoopRef[Notebook],
) -> None:
    """A flood in one mailbox holds up the loop for ``TURN`` messages at most."""
    told = 2 * base.TURN
    for number in range(told - 1):
        notebook.tell(Keep(number))
    handled_by_then: list[int] = []
    asyncio.get_running_loop().call_soon(
        lambda: handled_by_then.append(told - len(notebook.actor_inbox))
    )
    await kept(notebook)

    assert handled_by_then == [base.TURN]


async def test_loop_actors_are_not_in_pykkas_registry(
    notebook: LoopRef[Notebook],
) -> None:
    """Its ``stop_all`` would end them all at any ``CancelledError``."""
    registered = pykka.ActorRegistry.get_by_urn(notebook.actor_urn)

    assert registered is None


# -- bounds


async def test_a_full_mailbox_raises_at_the_sender(
    notebook: LoopRef[Notebook], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over the bound the sender is told, not the memory."""
    monkeypatch.setattr(base, "MAILBOX_LIMIT", 2)
    notebook.tell(Keep(1))
    notebook.tell(Keep(2))

    with pytest.raises(MailboxFullError):
        notebook.tell(Keep(3))
    monkeypatch.undo()
    assert await kept(notebook) == (1, 2)


async def test_a_full_mailbox_of_a_thread_raises_instead_of_blocking(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The loop must not wait until a thread has room."""
    monkeypatch.setattr(base, "BLOCKING_MAILBOX_LIMIT", 1)
    gate = Gate.start()
    opened = threading.Event()
    busy = ask(gate, opened, timeout=ENOUGH)

    def fill() -> None:
        for _ in range(3):  # the thread may take one of them out
            gate.tell("more")

    try:
        with pytest.raises(MailboxFullError):
            fill()
    finally:
        opened.set()
        await busy
        await ask_until_free(gate)
        await stop(gate, timeout=ENOUGH)


async def ask_until_free(ref: pykka.ActorRef[Any]) -> None:
    """Ask until the mailbox has room again."""
    async with asyncio.timeout(ENOUGH):
        while True:
            try:
                await ask(ref, "ready?", timeout=ENOUGH)
            except MailboxFullError:
                await asyncio.to_thread(lambda: None)
            else:
                return


# -- errors and crashes


async def test_a_broker_error_is_an_answer_and_the_actor_lives(
    notebook: LoopRef[Notebook],
) -> None:
    """To refuse is no fault."""
    with pytest.raises(RefusedError):
        await ask(notebook, Refuse(), timeout=ENOUGH)

    assert await kept(notebook) == ()


async def test_a_broker_error_that_nobody_asked_for_is_logged(
    notebook: LoopRef[Notebook], caplog: pytest.LogCaptureFixture
) -> None:
    """A told message has no asker; the log is INFO, for it is a peer's fault."""
    caplog.set_level("INFO", logger="actors.base")
    notebook.tell(Refuse())
    await kept(notebook)

    assert [record.levelname for record in caplog.records] == ["INFO"]


async def test_a_crash_answers_who_asked(notebook: LoopRef[Notebook]) -> None:
    """The peer learns that it was our fault, and nothing more."""
    with pytest.raises(ActorCrashedError) as caught:
        await ask(notebook, Crash(), timeout=ENOUGH)

    assert (caught.value.message, caught.value.code) == ("internal error", 2)


async def test_a_crash_fails_the_answers_that_were_deferred(
    notebook: LoopRef[Notebook],
) -> None:
    """Who waits for a crashed actor gets an error at once."""
    waiting = ask(notebook, Defer(), timeout=ENOUGH)
    notebook.tell(Crash())

    with pytest.raises(ActorCrashedError):
        await waiting


async def test_what_waits_behind_a_crash_is_returned(
    notebook: LoopRef[Notebook],
) -> None:
    """It was never looked at: the sender may try again."""
    notebook.tell(Crash())
    behind = ask(notebook, GetKept(), timeout=ENOUGH)

    with pytest.raises(ActorEndedError):
        await behind


async def test_a_crash_is_logged_with_the_message_that_caused_it(
    notebook: LoopRef[Notebook], caplog: pytest.LogCaptureFixture
) -> None:
    """Our bugs are errors, with their traceback."""
    with pytest.raises(ActorCrashedError):
        await ask(notebook, Crash(), timeout=ENOUGH)
    error = next(record for record in caplog.records if record.levelname == "ERROR")

    assert "Crash" in error.getMessage()
    assert error.exc_info is not None


async def test_a_crash_calls_on_failure_and_not_on_stop() -> None:
    """The two ends of an actor have a hook each."""
    hooks: list[str] = []
    with pytest.raises(ActorCrashedError):
        await ask(Notebook.start(hooks), Crash(), timeout=ENOUGH)

    assert hooks == ["on_failure"]


async def test_a_clean_up_that_fails_is_survived() -> None:
    """Watchers hear of the end even so."""
    ref = BadEnd.start()
    ended: list[pykka.ActorRef[Any]] = []
    watch(ref, ended.append)
    with pytest.raises(ActorCrashedError):
        await ask(ref, Crash(), timeout=ENOUGH)

    assert ended == [ref]


async def test_an_actor_that_can_not_start_has_crashed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """``start`` gives a ref all the same, of a dead actor."""
    ref = BadStart.start()

    assert not ref.is_alive()
    assert [record.levelname for record in caplog.records] == ["ERROR"]


async def test_a_cancelled_error_crashes_only_the_actor_that_raised_it(
    notebook: LoopRef[Notebook],
) -> None:
    """Pykka would stop all actors at it."""
    other = Notebook.start()
    with pytest.raises(ActorCrashedError):
        await ask(notebook, Crash(asyncio.CancelledError), timeout=ENOUGH)

    assert not notebook.is_alive()
    assert await kept(other) == ()


# -- ends


async def test_stop_is_handled_in_order(notebook: LoopRef[Notebook]) -> None:
    """What was told before it is handled, what comes behind it is returned."""
    before = ask(notebook, GetKept(), timeout=ENOUGH)
    notebook.tell(End())
    behind = ask(notebook, GetKept(), timeout=ENOUGH)

    assert await before == ()
    with pytest.raises(ActorEndedError):
        await behind


async def test_stopping_waits_until_the_mailbox_is_done() -> None:
    """``stop`` returns when ``on_stop`` has run."""
    hooks: list[str] = []
    ref = Notebook.start(hooks)
    ref.tell(Keep(1))
    await stop(ref, timeout=ENOUGH)

    assert hooks == ["on_stop"]
    assert not ref.is_alive()


async def test_stopping_a_dead_actor_is_nothing(notebook: LoopRef[Notebook]) -> None:
    """Undoing twice does no harm."""
    await stop(notebook, timeout=ENOUGH)
    await stop(notebook, timeout=ENOUGH)

    assert not notebook.is_alive()


async def test_an_actor_with_a_thread_is_stopped_from_the_loop() -> None:
    """``stop`` works for both kinds."""
    ref = Gate.start()
    await stop(ref, timeout=ENOUGH)

    assert not ref.is_alive()


@pytest.mark.parametrize("last", [End(), Crash()], ids=["stop", "crash"])
async def test_watchers_are_told_once(notebook: LoopRef[Notebook], last: Any) -> None:
    """However an actor ends, its end is one."""
    ended: list[pykka.ActorRef[Any]] = []
    watch(notebook, ended.append)
    notebook.tell(last)
    notebook.tell(last)
    with pytest.raises(ActorEndedError):
        await ask(notebook, GetKept(), timeout=ENOUGH)
    await stop(notebook, timeout=ENOUGH)

    assert ended == [notebook]


async def test_who_watches_a_dead_actor_is_told_at_once(
    notebook: LoopRef[Notebook],
) -> None:
    """There is no moment in which an end can be missed."""
    await stop(notebook, timeout=ENOUGH)
    ended: list[pykka.ActorRef[Any]] = []
    watch(notebook, ended.append)

    assert ended == [notebook]


async def test_a_message_to_a_dead_actor_is_counted_and_dropped(
    notebook: LoopRef[Notebook],
) -> None:
    """Telling never raises because somebody is gone."""
    await stop(notebook, timeout=ENOUGH)
    before = dead_letters.count
    notebook.tell(Keep(1))
    notebook.tell(Keep(2))

    assert dead_letters.count == before + 2


async def test_what_waits_behind_the_end_is_counted_too(
    notebook: LoopRef[Notebook],
) -> None:
    """A letter that came in time but was never read is a dead one."""
    before = dead_letters.count
    notebook.tell(End())
    notebook.tell(Keep(1))
    await stop(notebook, timeout=ENOUGH)

    assert dead_letters.count == before + 1


async def test_asking_a_dead_actor_fails_at_once(
    notebook: LoopRef[Notebook],
) -> None:
    """Without waiting for the timeout."""
    await stop(notebook, timeout=ENOUGH)
    answer = ask(notebook, GetKept(), timeout=ENOUGH)

    assert answer.waiter.done()
    with pytest.raises(ActorEndedError):
        await answer


async def test_asking_a_dead_actor_with_a_thread_fails_at_once() -> None:
    """The same holds for Pykka's."""
    ref = Gate.start()
    await stop(ref, timeout=ENOUGH)

    with pytest.raises(ActorEndedError):
        await ask(ref, "hello", timeout=ENOUGH)


# -- later, and after the end


async def test_a_message_told_later_comes(notebook: LoopRef[Notebook]) -> None:
    """``tell_later`` is the actors' clock."""
    timekeeper = Neighbour()
    notebook.tell(KeepLater(MS, 5))
    await kept(notebook)
    asyncio.get_running_loop().call_later(SHORT, timekeeper.ref.tell, "time")
    await timekeeper.hears(str)

    assert await kept(notebook) == (5,)


async def test_a_message_told_later_does_not_come_after_the_end(
    notebook: LoopRef[Notebook],
) -> None:
    """A timer of a dead actor is not even a dead letter."""
    timekeeper = Neighbour()
    notebook.tell(KeepLater(MS, 5))
    await kept(notebook)
    await stop(notebook, timeout=ENOUGH)
    before = dead_letters.count
    asyncio.get_running_loop().call_later(SHORT, timekeeper.ref.tell, "time")
    await timekeeper.hears(str)

    assert dead_letters.count == before


def inherit(heir: Neighbour) -> Callable[[Any], bool]:
    """An executor that wants numbers only."""

    def execute(message: Any) -> bool:
        if isinstance(message, Keep):
            heir.ref.tell(message)
            return True
        return False

    return execute


async def test_messages_after_the_end_go_to_the_executor(
    notebook: LoopRef[Notebook],
) -> None:
    """Both those that came too late and those that were not read in time."""
    heir = Neighbour()
    notebook.actor_inbox.leave_to(inherit(heir))
    notebook.tell(End())
    notebook.tell(Keep(1))
    await stop(notebook, timeout=ENOUGH)
    notebook.tell(Keep(2))
    await heir.hears(Keep, times=2)

    assert heir.items == [Keep(1), Keep(2)]


async def test_what_the_executor_does_not_want_is_a_dead_letter(
    notebook: LoopRef[Notebook],
) -> None:
    """It is asked first and returns what it leaves."""
    notebook.actor_inbox.leave_to(inherit(Neighbour()))
    await stop(notebook, timeout=ENOUGH)
    before = dead_letters.count

    with pytest.raises(BrokerError):
        await ask(notebook, GetKept(), timeout=ENOUGH)
    assert dead_letters.count == before + 1
