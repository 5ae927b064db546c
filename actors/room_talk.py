"""What is said in one room, and what becomes of it: edited, deleted, cleared, read.

A part of the room actor, which owns the instance and hands it its messages. A message
that is not at hand is asked of the store; whoever changes something is answered once
that is on disk.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, assert_never

import msgspec

from actors.base import ask
from actors.errors import (
    BrokerError,
    Code,
    NotFoundError,
    ProtocolError,
    RefusedError,
)
from actors.future import LoopFuture
from actors.members import IDLE
from actors.message import Message, MessageKind, edited, timestamp
from actors.premises import Premises
from actors.promises import Promises
from actors.roles import Action, Caller, Role
from actors.room_events import (
    Clear,
    DeleteMessages,
    Edit,
    GetHistory,
    PassOn,
    Said,
    SetStatus,
    Speak,
    TalkMessage,
)
from actors.room_notices import (
    MemberStatusChanged,
    MessageAdded,
    MessagesCleared,
    MessagesDeleted,
    MessageUpdated,
    Passed,
)
from actors.room_records import ClearMessages, FindMessages, HistoryView, ReplaceMessage
from actors.room_records import DeleteMessages as DropMessages

REQUESTS: Final = (MessageKind.REQUEST, MessageKind.SPOKEN)
ANSWERS: Final = (MessageKind.ANSWER,)
_KINDS: Final[dict[bool | None, tuple[MessageKind, ...]]] = {
    None: (*REQUESTS, *ANSWERS),
    True: ANSWERS,
    False: REQUESTS,
}
"""Which messages are meant, by whether they are to come from an LLM."""


LARGEST_EDITED: Final = 1024 * 1024
"""Bytes of a message: each edit may add fields to those of the edits before."""

_ADDRESS: Final = frozenset({"source", "target", "targetRoom"})
"""What of a message is no part of what is said."""


class Found(msgspec.Struct, frozen=True):
    """The store's answer, back in the room."""

    then: Callable[[], None]


class RoomTalk:
    """The messages of one room."""

    def __init__(
        self,
        premises: Premises,
        promises: Promises,
        on_speech: Callable[[], None],
    ) -> None:
        """Have ``on_speech`` called whenever somebody has said something."""
        self._premises = premises
        self._promises = promises
        self._on_speech = on_speech

    def receive(self, message: TalkMessage) -> Any:
        """Handle one of the room's messages."""
        match message:
            case Speak():
                return self._speak(message)
            case PassOn():
                return self._pass_on(message)
            case SetStatus():
                return self._set_status(message)
            case Edit():
                return self._edit(message)
            case DeleteMessages():
                return self._delete(message)
            case Clear():
                return self._clear(message)
            case GetHistory():
                return self._view(message)
            case _:
                assert_never(message)

    def _speak(self, message: Speak) -> LoopFuture[Any]:
        """Say something to everybody."""
        self._pass_on(message)
        premises, caller = self._premises, message.caller
        said = premises.transcript.add(
            {k: v for k, v in message.data.items() if k not in _ADDRESS},
            author=caller.identity,
            client=caller.client,
            role=premises.members.role_of(caller) or Role.GUEST,
            kind=MessageKind.SPOKEN,
        )
        premises.publish(MessageAdded(premises.name, said.body))
        self._on_speech()
        answer = self._promises.make()
        premises.when_committed(
            premises.message_write(said), lambda ok: answer.set(Said(said.id, ok))
        )
        return answer

    def _pass_on(self, message: PassOn) -> None:
        """Give an event to everybody else."""
        if not message.routed:
            self._must_be_heard(message.caller)
        others = [
            identity
            for identity in self._premises.members.present()
            if identity != message.caller.identity
        ]
        notice = Passed(message.namespace, message.name, message.data)
        self._premises.publish(notice, others)

    def _set_status(self, message: SetStatus) -> None:
        """Tell the others what somebody is doing."""
        premises, identity = self._premises, message.caller.identity
        if message.status == IDLE and not message.at_work:
            premises.members.allow(Action.SPEAK, message.caller)
        elif not message.at_work:
            self._must_be_heard(message.caller)
        member = premises.members.get(identity)
        if member is not None:
            if member.status == message.status:
                return
            member.status = message.status
        premises.publish(
            MemberStatusChanged(
                premises.name,
                identity,
                message.status,
                timestamp(premises.house.clock()),
            )
        )

    def _edit(self, message: Edit) -> LoopFuture[Any]:
        """Change a message of one's own, or another's; who is muted changes none."""
        self._must_be_heard(message.caller)
        wanted = _KINDS[message.from_llm]

        def change(found: tuple[Message, ...], answer: LoopFuture[Any]) -> None:
            old = self._reachable(found, message.caller, wanted, Action.EDIT_OTHERS)[0]
            body = edited(old.body, message.changes, self._premises.house.clock())
            if len(body) > max(len(old.body), LARGEST_EDITED):
                raise ProtocolError(
                    f"edited so, the message would have {len(body)} bytes, it may have"
                    f" {LARGEST_EDITED}",
                    Code.INVALID_REQUEST,
                )
            new = msgspec.structs.replace(old, body=body)
            self._premises.transcript.replace(new)
            self._premises.committed(ReplaceMessage(new), answer)
            self._premises.publish(
                MessageUpdated(self._premises.name, body),
                self._premises.viewers(new.viewer),
            )

        return self._with_messages((message.message_id,), change)

    def _delete(self, message: DeleteMessages) -> LoopFuture[Any]:
        """Delete messages of one's own, or others'."""
        self._premises.members.allow(Action.READ, message.caller)
        wanted = _KINDS[message.from_llm]

        def drop(found: tuple[Message, ...], answer: LoopFuture[Any]) -> None:
            old = self._reachable(found, message.caller, wanted, Action.DELETE_OTHERS)
            ids = tuple(each.id for each in old)
            self._premises.transcript.forget(ids)
            drop_them = DropMessages(self._premises.name, ids)
            self._premises.answered(drop_them, answer, ids)
            for viewer in dict.fromkeys(each.viewer for each in old):
                seen = tuple(each.id for each in old if each.viewer == viewer)
                self._premises.publish(
                    MessagesDeleted(self._premises.name, seen),
                    self._premises.viewers(viewer),
                )

        return self._with_messages(message.ids, drop)

    def _clear(self, message: Clear) -> LoopFuture[Any]:
        """Delete all requests, all answers, or both."""
        premises = self._premises
        premises.members.allow(Action.CLEAR, message.caller)
        kinds: tuple[MessageKind, ...] = ()
        if message.requests:
            kinds += REQUESTS
        if message.answers:
            kinds += ANSWERS
        if message.requests and message.answers:
            kinds += (MessageKind.SYSTEM,)
        premises.transcript.clear(kinds)
        premises.publish(
            MessagesCleared(premises.name, message.requests, message.answers)
        )
        return premises.committed(
            ClearMessages(premises.name, kinds), self._promises.make()
        )

    def _view(self, message: GetHistory) -> HistoryView | LoopFuture[Any]:
        """What somebody may read."""
        premises, caller = self._premises, message.caller
        premises.members.allow(Action.READ, caller)
        viewer = None if caller.monitors else caller.identity
        view = HistoryView(premises.name, viewer)
        if message.since is not None:
            return self._since(message.since, view)
        if message.absence:
            member = premises.members.get(caller.identity)
            after = 0 if member is None else member.seen
            return msgspec.structs.replace(view, after=after)
        return view

    # -- how

    def _must_be_heard(self, caller: Caller) -> None:
        self._premises.members.allow(Action.SPEAK, caller)
        member = self._premises.members.get(caller.identity)
        if member is not None and member.muted and not caller.monitors:
            raise RefusedError(f"you are muted in room {self._premises.name}")

    def _since(self, message_id: str, view: HistoryView) -> LoopFuture[Any]:
        def place(found: tuple[Message, ...], answer: LoopFuture[Any]) -> None:
            if not found or not found[0].seen_by(view.viewer):
                raise _no_message()
            answer.set(msgspec.structs.replace(view, after=found[0].seq))

        return self._with_messages((message_id,), place)

    def _reachable(
        self,
        found: tuple[Message, ...],
        caller: Caller,
        kinds: tuple[MessageKind, ...],
        to_others: Action,
    ) -> list[Message]:
        """Those messages that a caller sees; all of them must be theirs to change."""
        viewer = None if caller.monitors else caller.identity
        seen = [m for m in found if m.kind in kinds and m.seen_by(viewer)]
        if not seen:
            raise _no_message()
        if any(m.author != caller.identity for m in seen):
            self._premises.members.allow(to_others, caller)
        return seen

    def _with_messages(
        self,
        ids: tuple[str, ...],
        then: Callable[[tuple[Message, ...], LoopFuture[Any]], None],
    ) -> LoopFuture[Any]:
        """Go on with messages, at once where they are at hand."""
        answer = self._promises.make()
        at_hand = [self._premises.transcript.find(each) for each in ids]
        known = tuple(message for message in at_hand if message is not None)
        if len(known) == len(ids):
            _settle(then, known, answer)
            return answer
        room = self._premises
        asked = ask(
            room.house.store,
            FindMessages(room.name, ids),
            timeout=room.house.patience.ask_timeout,
        )

        def back(done: LoopFuture[Any]) -> None:
            error = done.error()
            if error is not None:
                answer.fail(error)
                return
            found = done.result()
            room.ref.tell(Found(lambda: _settle(then, found, answer)))

        asked.when_done(back)
        return answer


def _settle(
    then: Callable[[tuple[Message, ...], LoopFuture[Any]], None],
    found: tuple[Message, ...],
    answer: LoopFuture[Any],
) -> None:
    try:
        then(found, answer)
    except BrokerError as error:
        answer.fail(error)


def _no_message() -> NotFoundError:
    return NotFoundError("there is no such message here", Code.NOT_FOUND)
