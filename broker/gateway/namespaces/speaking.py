"""Words between people, and events of one's own, in ``/llm`` and ``/sillytavern``."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

from actors.errors import Code, NotFoundError, ProtocolError, RefusedError
from actors.future import LoopFuture
from actors.hall_events import ask_room
from actors.room_events import PassOn, Said, Speak
from broker.gateway.dispatch import (
    DEFERRED,
    Call,
    Deferred,
    Fields,
    Later,
    Result,
)
from broker.gateway.forwarding import forward
from broker.gateway.namespaces.common import CommonHandlers
from broker.gateway.namespaces.messages import STORE_DOWN
from broker.gateway.speech import (
    CUSTOM_EVENT,
    Addressed,
    addressed,
    name_of,
    stamped,
)
from broker.protocol.inbound import check_text
from broker.protocol.wire import EVENTS, EVERYBODY, SERVER

DROPPED = "a routing rule of this server keeps it from going anywhere"


class SpeakingHandlers(CommonHandlers):
    """What people say to each other."""

    def speak(self, call: Call, data: Mapping[str, Any]) -> Result:
        """Bring a message to whom it is for, and record it in rooms."""
        session = call.session
        whom = addressed(session, call.name, data, self.desk.routes.rules)
        said = stamped(session, data)
        pending = self._bring(whom, Speak, call, said)
        return self._at_once(whom) if pending is None else Later(pending, _spoken)

    def unknown(self, call: Call) -> Result | Deferred:
        """Pass on an event that the protocol does not have.

        Raises:
            BrokerError: such are not passed on, or it is for nobody.
        """
        self._must_be_custom(call)
        session, data = call.session, call.fields
        check_text(data, self.desk.settings.message_text)
        whom = addressed(session, call.name, data, self.desk.routes.rules)
        said = stamped(session, data)
        only = whom.target if whom.room is None else None
        if call.wants_ack and only not in (None, SERVER, EVERYBODY):
            answer = self._ask_one(call, said, only)
            self._copy(whom, PassOn, call, said)
            return answer
        pending = self._bring(whom, PassOn, call, said)
        return self._at_once(whom) if pending is None else Later(pending, _passed)

    def _must_be_custom(self, call: Call) -> None:
        if not self.desk.settings.custom_events or call.name in EVENTS:
            super().unknown(call)
        if not CUSTOM_EVENT.match(call.name):
            raise ProtocolError(
                "the name of an event is a letter, then up to 63 of letters, digits,"
                " _ : . -",
                Code.INVALID_REQUEST,
            )
        if not call.fields.get("target") and not call.fields.get("targetRoom"):
            raise ProtocolError(
                f"there is no event {call.name!r}: to have it passed on, "
                "say to whom by target or targetRoom",
                Code.INVALID_REQUEST,
            )

    def _ask_one(self, call: Call, said: dict[str, Any], target: str) -> Deferred:
        """Bring the ack of the one who gets it back."""
        callee = self.desk.postman.sessions(target, call.session.namespace)[-1]
        seconds = self.desk.settings.function_timeout
        call.follow(forward(callee, call.name, [said], seconds))
        return DEFERRED

    def _bring(
        self, whom: Addressed, message: type[PassOn], call: Call, said: dict[str, Any]
    ) -> LoopFuture[Any] | None:
        """Bring words to all they are for; a room's answer is returned."""
        if whom.target is not None:
            self.desk.postman.deliver(call.session, call.name, said, whom.target)
        pending = None
        if whom.room is not None:
            pending = self._say_in(whom.room, message, call, said, routed=whom.routed)
        self._copy(whom, message, call, said)
        return pending

    def _at_once(self, whom: Addressed) -> Fields:
        return {"warning": DROPPED} if whom.dropped else None

    def _copy(
        self, whom: Addressed, message: type[PassOn], call: Call, said: dict[str, Any]
    ) -> None:
        """Bring words where a rule wants them as well, if somebody is there."""
        if whom.copy is None:
            return
        if whom.copy.room is not None:
            self._say_in(whom.copy.room, message, call, said, routed=True)
            return
        with contextlib.suppress(NotFoundError):
            target = name_of(whom.copy)
            self.desk.postman.deliver(call.session, call.name, said, target)

    def _say_in(
        self,
        room: str,
        message: type[PassOn],
        call: Call,
        said: dict[str, Any],
        *,
        routed: bool,
    ) -> LoopFuture[Any]:
        words = message(
            caller=call.session.caller,
            namespace=call.session.namespace,
            name=call.name,
            data=said,
            routed=routed,
        )
        return ask_room(self.desk.house, room, words)


def must_be_verified(call: Call) -> None:
    """Let only those speak who have shown a key.

    Raises:
        RefusedError: this one has not.
    """
    if not call.session.verified:
        raise RefusedError("that needs a key", Code.AUTHENTICATION_FAILED)


def _spoken(said: Said) -> Fields:
    fields = {"messageId": said.message_id}
    return fields if said.stored else {**fields, "warning": STORE_DOWN}


def _passed(_answer: None) -> Fields:
    return None
