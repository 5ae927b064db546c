"""Messages of rooms, in ``/llm`` and ``/rooms`` alike: edited, deleted, read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from actors import room_events
from actors.directory import Kind
from actors.errors import ProtocolError, RefusedError
from actors.future import LoopFuture
from actors.hall_events import ask_room
from actors.records import Unwritten
from actors.relay_events import StatusCame
from broker.gateway.auditing import audited_of_monitors
from broker.gateway.dispatch import Call, Later, Result, handles
from broker.gateway.namespaces.common import CommonHandlers
from broker.gateway.pages import send_pages, send_whole
from broker.protocol.inbound import check_text
from broker.protocol.room_frames import (
    ClearMessages,
    DeleteMessage,
    EditMessage,
    GetHistory,
    Processing,
    Typing,
)
from broker.protocol.wire import Event, MemberStatus

STORE_DOWN: Final = "the store is down: this would not survive a restart"


class MessageHandlers(CommonHandlers):
    """What one does with what was said, and what one is doing."""

    @handles(Event.EDIT_MESSAGE, frame=EditMessage)
    def edit_message(self, call: Call, frame: EditMessage) -> Result:
        """Change a message."""
        changes = frame.changes
        said = {"message": changes} if isinstance(changes, str) else changes
        check_text(said, self.desk.settings.message_text)
        message = room_events.Edit(
            call.session.caller, frame.message_id, changes, frame.from_llm
        )
        return stored(ask_room(self.desk.house, frame.room_name, message))

    @handles(Event.DELETE_MESSAGE, frame=DeleteMessage)
    @audited_of_monitors
    def delete_message(self, call: Call, frame: DeleteMessage) -> Result:
        """Delete messages."""
        message = room_events.DeleteMessages(
            call.session.caller, frame.ids, frame.from_llm
        )
        deleted = ask_room(self.desk.house, frame.room_name, message)
        return Later(deleted, lambda ids: durably(ids, lambda ids: {"messageIds": ids}))

    @handles(Event.CLEAR_MESSAGES, frame=ClearMessages)
    @audited_of_monitors
    def clear_messages(self, call: Call, frame: ClearMessages) -> Result:
        """Delete all requests, all answers, or both."""
        requests, answers = frame.what
        message = room_events.Clear(call.session.caller, requests, answers)
        return stored(ask_room(self.desk.house, frame.room_name, message))

    # -- the history

    @handles(Event.GET_FULL_CONTEXT, frame=GetHistory)
    def get_full_context(self, call: Call, frame: GetHistory) -> Result:
        """All that was said in a room, in pages."""
        message = room_events.GetHistory(call.session.caller, frame.since)
        return self._send(call, frame, message, offline=False)

    @handles(Event.GET_OFFLINE_MESSAGES, frame=GetHistory)
    def get_offline_messages(self, call: Call, frame: GetHistory) -> Result:
        """What was said since a message, or since one was last here."""
        message = room_events.GetHistory(call.session.caller, frame.since, absence=True)
        return self._send(call, frame, message, offline=True)

    def _send(
        self,
        call: Call,
        frame: GetHistory,
        message: room_events.GetHistory,
        *,
        offline: bool,
    ) -> Result:
        pending = ask_room(self.desk.house, frame.room_name, message)
        send = send_whole if frame.whole else send_pages
        return send(self.desk, call, pending, offline=offline)

    # -- what one is doing

    @handles(Event.START_TYPING, frame=Typing)
    def start_typing(self, call: Call, frame: Typing) -> Result:
        """Somebody is typing."""
        return self._is(call, frame, MemberStatus.TYPING)

    @handles(Event.STOP_TYPING, frame=Typing)
    def stop_typing(self, call: Call, frame: Typing) -> Result:
        """Somebody has stopped."""
        return self._is(call, frame, MemberStatus.IDLE)

    @handles(Event.START_PROCESSING, frame=Processing)
    def start_processing(self, call: Call, frame: Processing) -> Result:
        """An extension is at work."""
        return self._is_at_work(call, frame, MemberStatus.PROCESSING)

    @handles(Event.STOP_PROCESSING, frame=Processing)
    def stop_processing(self, call: Call, frame: Processing) -> Result:
        """An extension has stopped."""
        return self._is_at_work(call, frame, MemberStatus.IDLE)

    def _is(self, call: Call, frame: Typing, status: MemberStatus) -> Result:
        room = frame.target_room or frame.room_name or call.session.identity
        message = room_events.SetStatus(call.session.caller, status)
        return stored(ask_room(self.desk.house, room, message))

    def _is_at_work(
        self, call: Call, frame: Processing, status: MemberStatus
    ) -> Result:
        """Show an extension's state where it works: in its request's room."""
        if not call.session.handshake.is_silly_tavern:
            raise RefusedError("only a SillyTavern says that it is at work")
        status = frame.status or status
        request = frame.request_id
        if request is not None:
            ref = self.desk.house.directory.find(Kind.REQUEST, request)
            if ref is not None:
                ref.tell(StatusCame(call.session.caller, status))
            return None
        if frame.target_room is None and frame.room_name is None:
            raise ProtocolError("targetRoom or requestId must say where")
        return self._is(call, frame, status)


def stored(done: LoopFuture[Any]) -> Later:
    """An ack, with a warning where what it is for is not on disk."""
    return Later(done, lambda ok: durably(ok, lambda _: {}))


def durably(answer: Any, fields: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
    """The fields of an answer, with a warning where what it is for is not on disk."""
    if isinstance(answer, Unwritten):
        return {**fields(answer.answer), "warning": STORE_DOWN}
    return (
        {**fields(answer), "warning": STORE_DOWN} if answer is False else fields(answer)
    )
