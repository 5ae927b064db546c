"""``/function_call``: functions of the server, of clients and of SillyTaverns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Coroutine
from typing import Any, ClassVar, Final

from actors.errors import BrokerError, Code, RefusedError, UnavailableError
from actors.limits import Limit, reached
from broker.config import SERVER_FILE
from broker.functions.server_functions import (
    ADD_RESOURCES,
    OWN_ENVELOPE,
    READ_JSON,
    SAVE_JSON,
)
from broker.functions.visitor import Visitor
from broker.gateway.auditing import watch
from broker.gateway.dispatch import Call, Envelope, Fields, Result, handles
from broker.gateway.namespaces.common import CommonHandlers, Desk
from broker.gateway.session import Session
from broker.protocol.function_frames import forwarded
from broker.protocol.inbound import FunctionCall
from broker.protocol.wire import SERVER, Event, Namespace

MAX_PENDING: Final = 64
"""Calls of one session that wait for their answers."""

MAX_PATH: Final = 256
"""Characters of a path that are written down."""


class FunctionEnvelope(Envelope):
    """The shape of acks of this namespace."""

    def good(self, call: Call, fields: dict[str, Any]) -> dict[str, Any]:
        """A result."""
        request_id = call.fields.get("requestId")
        return {"requestId": request_id, "success": True, **fields}

    def bad(self, call: Call, error: BrokerError) -> dict[str, Any]:
        """An error, in the function's own envelope too where it has one."""
        fields = call.fields
        details = {"message": error.message, "code": int(error.code)}
        answer = {
            "requestId": fields.get("requestId"),
            "success": False,
            "error": details,
        }
        of_server = fields.get("target", SERVER) == SERVER
        if of_server and fields.get("functionName") in tuple(OWN_ENVELOPE):
            answer["result"] = {"success": False, "error": details}
        return answer


class FunctionCallHandlers(CommonHandlers):
    """The events of ``/function_call``."""

    name: ClassVar[Namespace] = Namespace.FUNCTION_CALL
    envelope: ClassVar[Envelope] = FunctionEnvelope()

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._pending: Counter[str] = Counter()

    @handles(Event.FUNCTION_CALL, frame=FunctionCall, unverified=True)
    def function_call(self, call: Call, frame: FunctionCall) -> Result:
        """Call a function: the server's, or with a key anybody's."""
        session = call.session
        reads = frame.function_name == READ_JSON and frame.target == SERVER
        if not session.verified and not reads:
            raise RefusedError("calling that needs a key", Code.AUTHENTICATION_FAILED)
        if self._pending[session.sid] >= MAX_PENDING:
            reached[Limit.CALLS_PER_SESSION] += 1
            raise UnavailableError(
                f"{MAX_PENDING} of your calls wait for their answers already: call "
                "again when one has come",
                Code.TOO_MANY_REQUESTS,
            )
        if _is_of_the_house(session, frame):
            watch(self.desk.journal.audit, call, _told(frame))
        pending = self._begin(call, frame)
        self._pending[session.sid] += 1
        return self._finish(session, pending)

    def _begin(self, call: Call, frame: FunctionCall) -> Coroutine[Any, Any, Any]:
        session = call.session
        if frame.target != SERVER:
            told = forwarded(call.fields, session.identity, session.client)
            return self.desk.remote.call(frame.target, told)
        args = frame.args if isinstance(frame.args, list) else [frame.args]
        visitor = Visitor(
            session.caller, session.verified, session.trust.may_serve_files
        )
        return self.desk.functions.call(frame.function_name, args, visitor)

    async def _finish(
        self, session: Session, pending: Coroutine[Any, Any, Any]
    ) -> Fields:
        try:
            return {"result": await pending}
        finally:
            self._pending[session.sid] -= 1
            if not self._pending[session.sid]:
                del self._pending[session.sid]


def _is_of_the_house(session: Session, frame: FunctionCall) -> bool:
    """Whether a call changes what is more than the caller's own."""
    if frame.target != SERVER or frame.function_name not in (SAVE_JSON, ADD_RESOURCES):
        return False
    shaken = session.handshake
    path = str(_told(frame).get("path", ""))
    return shaken.is_monitor or (shaken.is_silly_tavern and SERVER_FILE in path)


def _told(frame: FunctionCall) -> dict[str, Any]:
    """What is written down of a call: which file, and the names of what changes."""
    args = frame.args if isinstance(frame.args, list) else [frame.args]
    told: dict[str, Any] = {"functionName": frame.function_name}
    for arg in args:
        if isinstance(arg, str):
            told["path"] = arg[:MAX_PATH]
        elif isinstance(arg, dict):
            told["fields"] = sorted(arg)
    return told
