"""``/function_call``: functions of the server."""

from __future__ import annotations

from typing import Any, ClassVar

from actors.errors import BrokerError, Code, NotFoundError, RefusedError
from broker.gateway.dispatch import Call, Envelope, Fields, handles
from broker.gateway.namespaces.common import CommonHandlers
from broker.protocol.inbound import FunctionCall
from broker.protocol.wire import SERVER, Event, Namespace


class FunctionEnvelope(Envelope):
    """The shape of acks of this namespace."""

    def good(self, call: Call, fields: dict[str, Any]) -> dict[str, Any]:
        """A result."""
        request_id = call.fields.get("requestId")
        return {"requestId": request_id, "success": True, **fields}

    def bad(self, call: Call, error: BrokerError) -> dict[str, Any]:
        """An error, in the function's own envelope too where it has one."""
        details = {"message": error.message, "code": int(error.code)}
        return {
            "requestId": call.fields.get("requestId"),
            "success": False,
            "error": details,
            "result": {"success": False, "error": details},
        }


class FunctionCallHandlers(CommonHandlers):
    """The events of ``/function_call``."""

    name: ClassVar[Namespace] = Namespace.FUNCTION_CALL
    envelope: ClassVar[Envelope] = FunctionEnvelope()

    @handles(Event.FUNCTION_CALL, frame=FunctionCall, unverified=True)
    def function_call(self, call: Call, frame: FunctionCall) -> Fields:
        """Call a function."""
        session = call.session
        reads = frame.function_name == "readJsonFromFile" and frame.target == SERVER
        if not session.verified and not reads:
            raise RefusedError("calling that needs a key", Code.AUTHENTICATION_FAILED)
        if not reads:
            raise NotFoundError(
                f"there is no function {frame.function_name!r} at {frame.target!r}",
                Code.FUNCTION_NOT_FOUND,
            )
        path = frame.args[0] if isinstance(frame.args, list) and frame.args else None
        reader = self.desk.settings_reader
        return {"result": {"success": True, "result": reader.read(path, session)}}
