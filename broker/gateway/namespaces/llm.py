"""``/llm``: orders and answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from actors import answers, client, room_events
from actors.acceptance import Accepted
from actors.base import LoopRef, ask
from actors.directory import Kind
from actors.errors import BrokerError, Code, NotFoundError, RefusedError
from actors.hall_events import ask_room, tell_room
from actors.outbound import Resumed
from actors.relay_events import Cancel, ProcessingStopped, StreamFailed, WholeCame
from broker.gateway.dispatch import DEFERRED, Call, Deferred, Fields, Result, handles
from broker.gateway.intake import warn_unknown_request
from broker.gateway.namespaces.messages import MessageHandlers
from broker.gateway.namespaces.speaking import SpeakingHandlers, must_be_verified
from broker.gateway.namespaces.subscribing import SubscriptionHandlers
from broker.gateway.outbound import SocketOutbound
from broker.gateway.session import Session
from broker.gateway.speech import routed
from broker.protocol import outbound
from broker.protocol.inbound import (
    CancelRequest,
    ExtensionError,
    LlmRequest,
    Message,
    ResumeStream,
    Untyped,
    check_text,
    make_order,
    read_stream_event,
)
from broker.protocol.json_text import encode, piece_of
from broker.protocol.room_frames import Processing
from broker.protocol.wire import (
    LIVENESS_ANSWER,
    LIVENESS_QUESTION,
    SERVER,
    STREAM_EVENT_TYPES,
    AnswerEvent,
    Event,
    LibraryEvent,
    MessageType,
    Namespace,
)


class LlmHandlers(SubscriptionHandlers, MessageHandlers, SpeakingHandlers):
    """The events of ``/llm``."""

    name: ClassVar[Namespace] = Namespace.LLM

    def joined(self, session: Session) -> None:
        """Tell what has ended, and go on with the answers that the handshake named."""
        if session.verified:
            self.desk.outbound.tell_untold(session)
            for wish in session.handshake.resume:
                port = _EventPort(session, wish.request_id, self.desk.outbound)
                question = ResumeStream(request_id=wish.request_id, start=wish.start)
                self._resume(session, question, port)

    # -- orders

    @handles(Event.LLM_REQUEST, frame=LlmRequest)
    def llm_request(self, call: Call, frame: LlmRequest) -> Result:
        """Order an answer."""
        session = call.session
        if session.handshake.is_silly_tavern:
            raise RefusedError("a SillyTavern answers, it does not order")
        limit = self.desk.settings.message_text
        order = make_order(frame, call.fields, session.caller, limit)
        order = routed(order, session, call.fields, self.desk.routes.rules)
        ref = self.desk.doorman.client(session)
        placed: client.PlaceOrder | client.FindOrder = client.PlaceOrder(order)
        if self.desk.server.draining:
            placed = client.FindOrder(frame.request_id)
        return self._accepted(self._ask(ref, placed), frame)

    async def _accepted(self, pending: Any, frame: LlmRequest) -> Fields:
        accepted: Accepted = await pending
        fields: dict[str, Any] = {
            "message": f"the request is {accepted.state}",
            "requestId": frame.request_id,
            "state": accepted.state,
        }
        if accepted.position is not None:
            fields["position"] = accepted.position
        if accepted.warning is not None:
            fields["warning"] = accepted.warning
        return fields

    @handles(Event.CANCEL_REQUEST, frame=CancelRequest)
    def cancel_request(self, call: Call, frame: CancelRequest) -> Result:
        """Call a request off."""
        session, room = call.session, frame.room_name
        if session.handshake.is_silly_tavern and room is None:
            asked = self._stopped(session, frame.request_id)
        elif room is None:
            ref = self.desk.doorman.client(session)
            asked = self._ask(ref, client.Cancel(frame.request_id))
        else:
            message = room_events.Cancel(
                frame.request_id, session.caller, frame.requester
            )
            asked = ask_room(self.desk.house, room, message)
        return self._cancelled(asked, frame)

    def _stopped(self, session: Session, request: str) -> Any:
        """An extension's user has stopped it; the id is the broker's own."""
        ref = self.desk.house.directory.find(Kind.REQUEST, request)
        if ref is None:
            raise NotFoundError(
                "there is no such request, or it has ended",
                Code.WARNING_NO_SUCH_REQUEST,
            )
        return self._ask(ref, Cancel(session.identity))

    async def _cancelled(self, pending: Any, frame: CancelRequest) -> Fields:
        return {"requestId": frame.request_id, "state": await pending}

    @handles(Event.RESUME_STREAM, frame=ResumeStream)
    def resume_stream(self, call: Call, frame: ResumeStream) -> Deferred:
        """Go on reading an answer; the ack goes out before the next live chunk."""
        port = _AckPort(call, self.desk.outbound)
        self._resume(call.session, frame, port)
        return DEFERRED

    def _resume(
        self,
        session: Session,
        frame: ResumeStream,
        port: _AckPort | _EventPort,
    ) -> None:
        message = answers.Resume(
            request_id=frame.request_id,
            reader=session.identity,
            room=frame.room_name,
            requester=frame.requester,
            start=frame.start,
            port=port,
            entitled=session.handshake.is_monitor,
        )
        if frame.room_name is None:
            self.desk.doorman.client(session).tell(message)
        else:
            tell_room(self.desk.house, frame.room_name, message)

    # -- answers

    @handles(*STREAM_EVENT_TYPES, frame=Untyped)
    def stream_event(self, call: Call, _frame: Untyped) -> Fields:
        """Part of an answer that did not take the fast lane."""
        event = read_stream_event(call.name, call.data)
        if not self.desk.intake.stream_event(call.session, event):
            raise RefusedError("only a SillyTavern may answer")
        return None

    @handles(Event.LLM_RESPONSE, frame=Message)
    def llm_response(self, call: Call, frame: Message) -> Fields:
        """A whole answer."""
        return self._whole(call.session, frame)

    @handles(AnswerEvent.MESSAGE, frame=Message, unverified=True)
    def message(self, call: Call, frame: Message) -> Result:
        """A whole answer, or words to the server."""
        session = call.session
        text = frame.data if frame.data is not None else frame.message
        if text == LIVENESS_QUESTION and frame.target in (None, SERVER):
            answer = {"data": LIVENESS_ANSWER, "source": SERVER}
            session.emit(AnswerEvent.MESSAGE, answer)
            return {"data": LIVENESS_ANSWER}
        must_be_verified(call)
        if frame.type == MessageType.NON_STREAM and frame.request_id is not None:
            return self._whole(session, frame)
        data = call.data if isinstance(call.data, dict) else {"data": text}
        check_text(data, self.desk.settings.message_text)
        return self.speak(call, data)

    def _whole(self, session: Session, frame: Message) -> Fields:
        ref = self._answered(session, frame.request_id)
        if ref is not None:
            text = frame.data if frame.data is not None else frame.message
            if not isinstance(text, str):
                text = encode(text).decode()
            output = frame.output_id or frame.request_id or ""
            ref.tell(WholeCame(session.identity, output, piece_of(text)))
        return None

    @handles(Event.STOP_PROCESSING, frame=Processing)
    def stop_processing(self, call: Call, frame: Processing) -> Result:
        """An extension is done with a request, or with whatever it did in a room."""
        result = super().stop_processing(call, frame)
        if frame.request_id is not None:
            ref = self._answered(call.session, frame.request_id)
            if ref is not None:
                ref.tell(ProcessingStopped(call.session.identity))
        return result

    @handles(Event.ERROR, frame=ExtensionError)
    def error(self, call: Call, frame: ExtensionError) -> Fields:
        """An extension could not answer."""
        ref = self._answered(call.session, frame.request_id)
        if ref is not None:
            code = Code.LLM_REQUEST_FAILED if frame.code is None else frame.code
            ref.tell(StreamFailed(call.session.identity, frame.message, code))
        return None

    # -- the stream library

    @handles(LibraryEvent.READ, LibraryEvent.END, LibraryEvent.ERROR, frame=Untyped)
    def library_event(self, call: Call, _frame: Untyped) -> Fields:
        """A peer's library wants to read, has read all, or has failed."""
        if not isinstance(call.data, str):
            return None
        if call.name == LibraryEvent.READ:
            self.desk.intake.library_read(call.session, call.data)
        else:
            call.session.forget_stream(call.data)
        return None

    # -- whom it is told

    def _answered(self, session: Session, request: str | None) -> LoopRef[Any] | None:
        """The relay of a request that an extension answers."""
        if not session.handshake.is_silly_tavern:
            raise RefusedError("only a SillyTavern may answer")
        ref = self.desk.house.directory.find(Kind.REQUEST, request or "")
        if ref is None:
            warn_unknown_request(session, request or "")
        return ref

    def _ask(self, ref: LoopRef[Any], message: Any) -> Any:
        return ask(ref, message, timeout=self.desk.house.patience.ask_timeout)


class _AckPort:
    """Answers a ``RESUME_STREAM`` by its ack."""

    def __init__(self, call: Call, port: SocketOutbound) -> None:
        self._call = call
        self._outbound = port

    def resumed(self, result: Resumed | BrokerError) -> None:
        if isinstance(result, BrokerError):
            self._call.refuse(result)
        else:
            self._call.reply(outbound.resumed(result))
            self._outbound.announce(self._call.session, result)


class _EventPort:
    """Answers the handshake's ``resume`` by an event in the shape of the ack."""

    def __init__(self, session: Session, request_id: str, port: SocketOutbound) -> None:
        self._session = session
        self._request_id = request_id
        self._outbound = port

    def resumed(self, result: Resumed | BrokerError) -> None:
        fields: Mapping[str, Any]
        if isinstance(result, BrokerError):
            fields = outbound.refusal(result)
        else:
            fields = outbound.ok(outbound.resumed(result))
        answer = {"requestId": self._request_id, **fields}
        self._session.emit(Event.RESUME_STREAM, answer)
        if isinstance(result, Resumed):
            self._outbound.announce(self._session, result)
