"""The Relay actor: one LLM request, from the order to its one end.

Owns      the request's state, its legs, the text of its answers, who reads them
Receives  Begin, GetState, Cancel, Resume, ResumeOutput, and ``actors.relay_events``
Sends     chunks and statuses through Outbound; to extensions, assignments, the
          room and the answers cache, what becomes of the request
Stops     when the last leg is over; then its answers are the cache's

The way of a chunk is ``_chunk`` here and ``Pour.chunk``: keep both short.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, Final, TypeAlias, assert_never

import msgspec

from actors import answers, assignments, extension, relay_events, room_events
from actors.acceptance import Acceptance, Accepted
from actors.alarms import Alarms
from actors.base import LoopActor, LoopRef
from actors.errors import BrokerError, Code, RefusedError
from actors.future import LoopFuture
from actors.hall_events import tell_room
from actors.house import House
from actors.leg import Leg, recorded
from actors.lifecycle import (
    TERMINAL,
    TRANSITIONS,
    LegEvent,
    RequestState,
    outcome,
)
from actors.limits import Limit, reached
from actors.members import not_in
from actors.outbound import Order, Resumed
from actors.output import GapTooLargeError
from actors.pour import Pour, Readers, StrayError
from actors.records import Committed
from actors.roles import Caller
from actors.voice import Voice

_STREAMING: Final = RequestState.STREAMING
"""Looked at for every chunk, and an enum's members are slow to find."""

_CODES: Final = {
    LegEvent.EXPIRED: Code.TIMEOUT,
    LegEvent.FAILED: Code.UNAVAILABLE,
}
"""What those are told whose request is ended before its time."""


class Begin(msgspec.Struct, frozen=True):
    """Go ahead; answers with ``Accepted`` once the request is placed and stored."""


class GetState(msgspec.Struct, frozen=True):
    """Answers with ``Accepted``, as things stand."""


class _Watch(msgspec.Struct, frozen=True):
    """Look whether a leg is past its deadline."""

    extension: str


class _Idle(msgspec.Struct, frozen=True):
    """Look whether an older extension has said all it had to say."""

    extension: str
    output: str
    mark: int


class _Expired(msgspec.Struct, frozen=True):
    """The whole request has had its time."""


Message: TypeAlias = (
    Begin
    | GetState
    | relay_events.Cancel
    | answers.Resume
    | answers.ResumeOutput
    | assignments.Placed
    | assignments.NotPlaced
    | Committed
    | relay_events.ChunkCame
    | relay_events.AnswerEvent
    | relay_events.QueueEvent
    | relay_events.RoomVerdict
    | relay_events.ReadersChanged
    | relay_events.OverhearersChanged
    | relay_events.StatusCame
    | relay_events.RequesterPutOut
    | relay_events.RequesterGone
    | relay_events.GetProgress
    | relay_events.End
    | _Watch
    | _Idle
    | _Expired
)


class Relay(LoopActor):
    """One LLM request."""

    def __init__(self, house: House, request: str, order: Order) -> None:
        super().__init__()
        self._house = house
        self._patience = house.patience
        self._request = request
        self._order = order
        self._now = asyncio.get_running_loop().time
        self._readers = Readers(order)
        self._legs: dict[str, Leg] = {}
        self._tried: list[str] = []
        self._state = RequestState.HELD
        self._acceptance = Acceptance(house, self._legs)
        self._put_out = False
        self._leaving: tuple[Leg, Callable[[], None]] | None = None
        self._alarms = Alarms(self.actor_ref)
        self._voice = Voice(request, order, house.outbound)
        # Who resumes in the moment of the end must not be left without an answer.
        self.actor_inbox.leave_to(partial(_resume_later, house.answers))

    def on_receive(self, message: Message) -> Any:
        """Handle one message."""
        match message:
            case relay_events.ChunkCame():
                return self._chunk(message)
            case Begin():
                return self._begin()
            case GetState():
                return self._acceptance.as_things_stand(self._state)
            case relay_events.Cancel(by, entitled):
                return self._cancel(by, entitled=entitled)
            case answers.Resume() | answers.ResumeOutput():
                return message.port.resumed(self._resume(message))
            case assignments.Placed(placements):
                return self._place(placements)
            case assignments.NotPlaced(error):
                return self._not_placed(error)
            case Committed(ok):
                return self._committed(ok=ok)
            case relay_events.Cleared() | relay_events.Held() | relay_events.Recorded():
                return self._room_says(message)
            case relay_events.Barred() | relay_events.EndShared():
                return self._room_says(message)
            case relay_events.ReadersChanged() | relay_events.OverhearersChanged():
                return self._readers_changed(message)
            case relay_events.RequesterPutOut():
                return self._readers_changed(message)
            case relay_events.StatusCame(caller, status):
                return self._pass_status(caller, status)
            case relay_events.RequesterGone():
                return self._requester_gone()
            case relay_events.GetProgress():
                return self._progress()
            case relay_events.End():
                return self._end_all(LegEvent.FAILED, "the broker stops")
            case _Watch(name):
                return self._watch(name)
            case _Idle(name, output, mark):
                return self._idle(name, output, mark)
            case _Expired():
                return self._end_all(LegEvent.EXPIRED, "the request took too long")
            case _:
                return self._leg_event(message)

    def on_stop(self) -> None:
        """Leave no timer behind."""
        self._alarms.silence()

    def on_failure(self, *_exc_info: Any) -> None:
        """End as failed: a fault of ours must not leave anybody waiting."""
        self._alarms.silence()
        if self._state in TERMINAL:
            return
        for leg in self._legs.values():
            if leg.apply(LegEvent.FAILED):
                leg.ref.tell(extension.Withdraw(self._request))
                leg.pour.end_all(leg.state)
        self._conclude(RequestState.FAILED, "internal error", Code.INTERNAL)

    # -- from the order to its legs

    def _begin(self) -> LoopFuture[Accepted]:
        begun = self.defer()
        self._acceptance.owe(begun)
        self._tell_room(room_events.Submit(self._request, self._order, self.actor_ref))
        seconds = self._patience.request_timeout
        if self._order.timeout is not None:
            seconds = min(seconds, self._order.timeout)
        self._alarms.set("whole", seconds, _Expired())
        return begun

    def _room_says(self, verdict: relay_events.RoomVerdict) -> None:
        match verdict:
            case relay_events.Cleared(order):
                self._cleared(order)
            case relay_events.Held():
                self._voice.say(RequestState.HELD, None)
                self._expect_commit()
            case relay_events.Recorded(reason):
                self._acceptance.note_recorded(reason)
                self._expect_commit()
            case relay_events.Barred(error):
                self._acceptance.refuse(error)
                self.stop()
            case relay_events.EndShared(state, reason, code):
                self._conclude(state, reason, code)
                self.stop()
            case _:
                assert_never(verdict)

    def _cleared(self, order: Order) -> None:
        """The room lets the request go: look for who answers it."""
        self._order = order
        self._readers.order = order
        self._ask_for_place(order.targets)

    def _ask_for_place(self, targets: tuple[str, ...]) -> None:
        place = assignments.Place(
            self._request,
            targets,
            self.actor_ref,
            room=self._order.room,
            avoid=tuple(self._tried),
        )
        self._house.assignments.tell(place)

    def _place(self, placements: tuple[assignments.Placement, ...]) -> None:
        first_time = not self._tried
        if not first_time and not self._leave_for(placements):
            return
        for placement in placements:
            pour = Pour(
                self._request, self._readers, self._house.outbound, self._patience
            )
            self._legs[placement.identity] = Leg(placement, pour)
            self._tried.append(placement.identity)
            self._readers.exclude(placement.identity)
            placement.ref.tell(
                extension.Enqueue(self._request, self._order, self.actor_ref)
            )
        if first_time:
            opened = room_events.RequestOpened(
                self._request, self._order, self.actor_ref
            )
            self._tell_room(opened)
            self._expect_commit()

    def _expect_commit(self) -> None:
        """A disk that hangs must hold up nobody: after a while it counts as down."""
        seconds = self._patience.store_timeout
        self._alarms.set("stored", seconds, Committed(ok=False))

    def _not_placed(self, error: BrokerError) -> None:
        if self._leaving is not None:
            (_, otherwise), self._leaving = self._leaving, None
            otherwise()
        elif not self._tried:
            self._acceptance.refuse(error)
            self._close_in_room(RequestState.FAILED, None, None, placed=False)
            self.stop()

    def _committed(self, *, ok: bool) -> None:
        """The request is stored, or the store is down."""
        self._alarms.cancel("stored")
        self._acceptance.note_stored(ok=ok)
        if self._acceptance.only_recorded:
            self._conclude(RequestState.RECORDED, None, None)
            self.stop()
        else:
            self._acceptance.give(self._state)

    # -- what the extensions and their actors say

    def _chunk(self, message: relay_events.ChunkCame) -> None:
        leg = self._legs.get(message.extension)
        if leg is None or leg.state is not _STREAMING:
            if leg is None or not leg.running:
                self._voice.warn_stray_answer(message.extension)
                return
            self._first_chunk(leg)
        leg.deadline = self._now() + self._patience.chunk_timeout
        try:
            leg.pour.chunk(
                message.stream,
                message.output,
                message.index,
                message.piece,
                first=message.first,
            )
        except StrayError:
            self._voice.warn_stray_stream(leg.extension)
        except GapTooLargeError:
            reached[Limit.GAP_CHUNKS] += 1
            reason = (
                f"a chunk of stream {message.stream!r} was missing for too long: "
                f"at most {self._patience.gap_chunks} chunks and "
                f"{self._patience.gap_bytes} bytes wait behind one"
            )
            self._stop_at(leg, reason)
        else:
            if leg.pour.room < 0:
                self._stop_too_long(leg)

    def _first_chunk(self, leg: Leg) -> None:
        leg.ref.tell(extension.Answering(self._request))
        self._advance(leg, LegEvent.ANSWERED)
        self._expect(leg, self._patience.chunk_timeout)

    def _leg_event(
        self, message: relay_events.QueueEvent | relay_events.AnswerEvent
    ) -> None:
        leg = self._legs.get(message.extension)
        if isinstance(message, relay_events.AnswerEvent):
            if leg is not None and leg.running:
                self._answer_event(leg, message)
            else:
                self._voice.warn_stray_answer(message.extension)
        elif leg is not None and not leg.over:
            self._queue_event(leg, message)

    def _queue_event(self, leg: Leg, message: relay_events.QueueEvent) -> None:
        match message:
            case relay_events.Queued(_, position):
                moved, leg.position = leg.position != position, position
                self._advance(leg, LegEvent.ENQUEUED, again=moved)
            case relay_events.Dispatched(_, versioned):
                leg.position, leg.versioned = 0, versioned
                self._advance(leg, LegEvent.DISPATCHED)
                self._expect(leg, self._patience.first_token_timeout)
            case relay_events.QueueFull():
                most = self._patience.queued_per_extension
                reason = f"{most} requests wait for {leg.extension} already: try later"
                self._fail(leg, reason, Code.TOO_MANY_REQUESTS)
            case relay_events.ExtensionLost():
                self._leave(leg, self._stay)
            case relay_events.ExtensionForgot() | relay_events.ExtensionGone():
                self._leave(leg, partial(self._lose, leg))
            case relay_events.Superseded():
                self._advance(leg, LegEvent.FINISHED)
            case _:
                assert_never(message)

    def _answer_event(self, leg: Leg, message: relay_events.AnswerEvent) -> None:
        try:
            match message:
                case relay_events.StreamStarted(_, stream, output):
                    leg.pour.start(stream, output)
                case relay_events.StreamEnded():
                    self._stream_ended(leg, message)
                case relay_events.WholeCame(_, output, piece):
                    leg.pour.whole(output, piece, leg.client)
                    self._finish_if_whole(leg)
                case relay_events.StreamFailed(_, reason, code):
                    self._fail(leg, reason, code)
                case relay_events.ProcessingStopped():
                    self._advance(leg, LegEvent.FINISHED)
                case _:
                    assert_never(message)
        except StrayError:
            self._voice.warn_stray_stream(leg.extension)
        if leg.pour.room < 0 and leg.running:
            self._stop_too_long(leg)

    def _stop_too_long(self, leg: Leg) -> None:
        reached[Limit.ANSWER_LIMIT] += 1
        limit = self._patience.answer_limit
        self._stop_at(leg, f"the answer is too long: it may take {limit} bytes")

    def _stop_at(self, leg: Leg, reason: str) -> None:
        """Have an extension stop, and fail what it said."""
        leg.ref.tell(extension.Withdraw(self._request))
        self._fail(leg, reason, Code.LLM_REQUEST_FAILED)

    def _stream_ended(self, leg: Leg, message: relay_events.StreamEnded) -> None:
        if message.final:
            leg.pour.start(message.stream, message.output)
        if leg.pour.end_stream(message.stream, message.output):
            self._voice.warn_missing_chunks(leg.extension, message.stream)
        if message.final:
            leg.pour.end_output(
                message.output, RequestState.COMPLETED, message.final_text
            )
            self._finish_if_whole(leg)
        elif not leg.versioned:
            mark = leg.pour.idle_mark(message.output)
            if mark is not None:
                idle = _Idle(leg.extension, message.output, mark)
                name = ("idle", leg.extension, message.output)
                self._alarms.set(name, self._patience.output_idle_timeout, idle)

    def _finish_if_whole(self, leg: Leg) -> None:
        if leg.pour.finished:
            self._advance(leg, LegEvent.FINISHED)

    def _idle(self, name: str, output: str, mark: int) -> None:
        leg = self._legs.get(name)
        if leg is not None and leg.running and leg.pour.idle_mark(output) == mark:
            leg.pour.end_output(output, RequestState.COMPLETED)
            self._finish_if_whole(leg)

    # -- from one extension to another

    def _leave(self, leg: Leg, otherwise: Callable[[], None]) -> None:
        """Look for another extension for a leg; do ``otherwise`` where none is.

        Only what the policy placed moves, only before its first chunk.
        """
        spent = len(self._tried) >= self._patience.max_attempts
        if not leg.by_policy or spent or leg.state is RequestState.STREAMING:
            otherwise()
            return
        asked, self._leaving = self._leaving, (leg, otherwise)
        if asked is None:
            self._ask_for_place(())

    def _leave_for(self, placements: tuple[assignments.Placement, ...]) -> bool:
        """Take leave of an extension, if there is still a reason to."""
        leaving, self._leaving = self._leaving, None
        if leaving is None or not leaving[0].apply(LegEvent.MOVED):
            for placement in placements:
                self._release(placement.identity)
            return False
        leg = leaving[0]
        leg.pour.end_all(RequestState.FAILED)
        leg.ref.tell(extension.Withdraw(self._request))
        self._release(leg.extension)
        del self._legs[leg.extension]
        return True

    def _stay(self) -> None:
        """Stay with an extension that was lost: it may come back in its grace time."""

    def _lose(self, leg: Leg) -> None:
        self._fail(leg, f"{leg.extension} was lost", Code.NO_LLM_AVAILABLE)

    def _give_up(self, leg: Leg) -> None:
        leg.ref.tell(extension.Withdraw(self._request))
        leg.error, leg.code = f"{leg.extension} fell silent", Code.TIMEOUT
        self._advance(leg, LegEvent.EXPIRED)

    # -- ends

    def _advance(self, leg: Leg, event: LegEvent, *, again: bool = False) -> None:
        """Let a leg follow the table, tell the requester, and end what is over."""
        changed = leg.apply(event)
        if not changed and not (again and not leg.over):
            return
        if leg.over:
            self._close_leg(leg)
        else:
            self._state = leg.state
            position = leg.position or None
            self._voice.say(leg.state, leg.extension, position=position)
            self._acceptance.give(self._state)

    def _fail(self, leg: Leg, reason: str, code: int) -> None:
        leg.error, leg.code = reason, code
        self._advance(leg, LegEvent.FAILED)

    def _close_leg(self, leg: Leg) -> None:
        """Tidy up after a leg that is over; after the last one, conclude."""
        leg.pour.end_all(leg.state)
        if not self._order.streaming:
            leg.pour.send_whole(leg.client)
        leg.ref.tell(extension.Finished(self._request))
        self._release(leg.extension)
        legs = self._legs.values()
        if not all(other.over for other in legs):
            return
        state = outcome([other.state for other in legs])
        ended = next(other for other in legs if other.state is state)
        self._conclude(state, ended.error, ended.code)
        self.stop()

    def _end_all(self, event: LegEvent, reason: str) -> None:
        """End every leg that still runs, and have its extension stop."""
        code = _CODES.get(event)
        for leg in list(self._legs.values()):
            if not leg.over:
                leg.ref.tell(extension.Withdraw(self._request))
                leg.error, leg.code = reason, code
                self._advance(leg, event)
        if self._state not in TERMINAL:  # it was between two extensions
            state = TRANSITIONS[RequestState.HELD][event]
            self._conclude(state, reason, code)
            self.stop()

    def _conclude(
        self, state: RequestState, error: str | None, code: int | None
    ) -> None:
        """Say the one terminal word and hand the answers over."""
        self._state = state
        late = self._acceptance.conclude(state, error, code)
        if late is not None:
            self.promises.leave_behind(late)
        extension_name = next(iter(self._legs)) if len(self._legs) == 1 else None
        response = self._close_in_room(state, error, code)
        self._voice.say(
            state, extension_name, error=error, code=code, response=response
        )
        self._house.assignments.tell(assignments.Forget(self._request))
        self._house.answers.tell(answers.Keep(self._finished(error)))

    def _close_in_room(
        self,
        state: RequestState,
        error: str | None,
        code: int | None,
        *,
        placed: bool = True,
    ) -> str | None:
        """Have the room record the answers; gives the id of the last of them."""
        said = tuple(a for leg in self._legs.values() for a in recorded(leg))
        closed = room_events.RequestClosed(
            request=self._request,
            order=self._order,
            state=state,
            error=error,
            code=code,
            answers=said,
            placed=placed,
        )
        self._tell_room(closed)
        return said[-1].message_id if said else None

    def _finished(self, error: str | None) -> answers.FinishedRequest:
        return answers.FinishedRequest(
            request=self._request,
            request_id=self._order.request_id,
            requester=self._order.requester,
            room=self._order.room,
            viewer=self._order.viewer,
            state=self._state,
            put_out=self._put_out,
            error=error,
            outputs=tuple(
                output
                for leg in self._legs.values()
                for output in leg.pour.finished_outputs()
            ),
        )

    def _cancel(self, by: str, *, entitled: bool) -> RequestState:
        leg = self._legs.get(by)
        if leg is not None and leg.running:
            return self._stopped(leg)
        if not entitled and by != self._order.requester:
            raise RefusedError("only who ordered it may cancel this request")
        self._end_all(LegEvent.CANCELLED, f"cancelled by {by}")
        return self._state

    def _stopped(self, leg: Leg) -> RequestState:
        """Its own user has stopped an extension: what came is kept."""
        leg.error = f"stopped at {leg.extension}"
        self._advance(leg, LegEvent.CANCELLED)
        return leg.state

    def _requester_gone(self) -> None:
        if set(self._readers.members) <= {self._order.requester}:
            self._end_all(LegEvent.CANCELLED, "the requester did not come back")

    # -- time

    def _expect(self, leg: Leg, seconds: float) -> None:
        leg.deadline = self._now() + seconds
        self._watch_in(seconds, leg.extension)

    def _watch_in(self, seconds: float, name: str) -> None:
        self._alarms.set(("watch", name), seconds, _Watch(name))

    def _watch(self, name: str) -> None:
        """One timer a leg, set again when it rings early: chunks only move a date."""
        leg = self._legs.get(name)
        if leg is None or not leg.running:
            return
        left = leg.deadline - self._now()
        if left > 0:
            self._watch_in(left, name)
        else:
            self._leave(leg, partial(self._give_up, leg))

    # -- words to others

    def _readers_changed(
        self,
        message: relay_events.ReadersChanged
        | relay_events.OverhearersChanged
        | relay_events.RequesterPutOut,
    ) -> None:
        match message:
            case relay_events.ReadersChanged(members):
                self._readers.set_members(members)
                if self._order.requester in members:
                    self._put_out = False
            case relay_events.OverhearersChanged(others):
                self._readers.set_others(others)
            case relay_events.RequesterPutOut():
                self._put_out = True
            case _:
                assert_never(message)

    def _resume(
        self, message: answers.Resume | answers.ResumeOutput
    ) -> Resumed | BrokerError:
        pours = [leg.pour for leg in self._legs.values()]
        if isinstance(message, answers.ResumeOutput):
            missed = [m for pour in pours for m in pour.missed(0, message.key)]
        elif self._put_out and message.room is None:
            return not_in(self._order.room)
        elif answers.may_read(message, self._order.viewer, self._order.requester):
            missed = [m for pour in pours for m in pour.missed(message.start)]
        else:
            return RefusedError("you do not read this request")
        return Resumed(self._state, tuple(missed))

    def _progress(self) -> relay_events.Progress:
        chunks = sum(leg.pour.chunks for leg in self._legs.values())
        return relay_events.Progress(chunks)

    def _release(self, extension_name: str) -> None:
        self._house.assignments.tell(assignments.Release(self._request, extension_name))

    def _pass_status(self, caller: Caller, status: str) -> None:
        """Show the room what the extension that answers is doing."""
        if caller.identity in self._legs:
            self._tell_room(room_events.SetStatus(caller, status, at_work=True))

    def _tell_room(self, message: room_events.Message) -> None:
        tell_room(self._house, self._order.room, message)


def _resume_later(kept: LoopRef[answers.Answers], message: Any) -> bool:
    """Give who came too late for the relay to the cache that has its answers."""
    if isinstance(message, answers.Resume | answers.ResumeOutput):
        kept.tell(message)
        return True
    return False
