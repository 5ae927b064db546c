"""Words between people, and events of one's own, in ``/llm`` and ``/sillytavern``."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

from actors.errors import Code, NotFoundError, ProtocolError, RefusedError
from actors.hall_events import ask_room
from actors.room_events import PassOn, Said, Speak
from broker.gateway.dispatch import DEFERRED, Call, Deferred, Fields, Result
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
        for target in whom.targets:
            self.desk.postman.deliver(session, call.name, said, target)
        pending = [
            self._say_in(room, Speak, call, said, routed=routed)
            for room, routed in _rooms(whom)
        ]
        self._copy(whom, Speak, call, said)
        return self._spoken(whom, pending)

    async def _spoken(self, whom: Addressed, pending: list[Any]) -> Fields:
        if whom.dropped:
            return {"warning": DROPPED}
        fields: dict[str, Any] = {}
        for each in pending:
            said: Said = await each
            fields["messageId"] = said.message_id
            if not said.stored:
                fields["warning"] = STORE_DOWN
        return fields

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
        if call.wants_ack and not (whom.rooms or whom.ruled_rooms or whom.dropped):
            (only,) = whom.targets
            if only not in (SERVER, EVERYBODY):
                answer = self._ask_one(call, said, only)
                self._copy(whom, PassOn, call, said)
                return answer
        for target in whom.targets:
            self.desk.postman.deliver(session, call.name, said, target)
        pending = [
            self._say_in(room, PassOn, call, said, routed=routed)
            for room, routed in _rooms(whom)
        ]
        self._copy(whom, PassOn, call, said)
        return self._passed(whom, pending)

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

    async def _passed(self, whom: Addressed, pending: list[Any]) -> Fields:
        for each in pending:
            await each
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
    ) -> Any:
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


def _rooms(whom: Addressed) -> list[tuple[str, bool]]:
    named = [(room, False) for room in whom.rooms]
    return [*named, *((room, True) for room in whom.ruled_rooms)]
