"""Actions of those who rule the house, on their way into the audit log.

Owns the names of what is written down of them. Must never pass on what people said, a
password or a key: of an event only the fields named here are told.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Final, TypeVar, cast

import msgspec

from actors.errors import BrokerError
from actors.keyring import key_id
from broker.gateway.dispatch import Call
from broker.gateway.session import Session
from broker.logs.audit import Action, Audit
from broker.protocol.inbound import Frame

ABOUT: Final = frozenset(
    {
        "clearRequests",
        "clearResponses",
        "clientId",
        "clientRoom",
        "drain",
        "duration",
        "extensions",
        "fromLlm",
        "identity",
        "keyId",
        "messageId",
        "messageIds",
        "mode",
        "monitor",
        "policy",
        "role",
        "roomName",
        "targetClientId",
        "targetIdentity",
        "trusted",
    }
)
"""Fields of events that say whom and what an action concerns."""

RESULTS: Final = ("debugMode", "keyId", "removed", "state", "warning")
"""Fields of answers that say what came of it."""

M = TypeVar("M", bound=Callable[..., Any])


class Witness:
    """Sees what becomes of one action."""

    def __init__(self, audit: Audit, action: Action) -> None:
        self._audit = audit
        self._action = action

    def saw_reply(self, fields: dict[str, Any]) -> None:
        """It was done."""
        result: dict[str, Any] = {
            name: fields[name] for name in RESULTS if name in fields
        }
        key = fields.get("key")
        if isinstance(key, str):
            result["keyId"] = key_id(key)
        self._audit.done(self._action, result)

    def saw_refusal(self, error: BrokerError) -> None:
        """It was not."""
        self._audit.refused(self._action, error)


def audited(method: M) -> M:
    """Have an event written down when a monitor or a SillyTavern sends it."""
    return _noting(method, _is_staff)


def audited_of_monitors(method: M) -> M:
    """Have an event written down when a monitor sends it: others do so as members."""
    return _noting(method, _is_monitor)


def watch(audit: Audit, call: Call, about: dict[str, Any]) -> None:
    """Have this one call written down, and what becomes of it."""
    session = call.session
    action = Action(
        who=session.identity,
        client=session.client,
        address=session.socket.peer.address,
        what=call.name,
        about=about,
    )
    call.witness = Witness(audit, action)


def _noting(method: M, concerns: Callable[[Session], bool]) -> M:
    @functools.wraps(method)
    def noting(self: Any, call: Call, frame: Frame) -> Any:
        if concerns(call.session):
            watch(self.desk.journal.audit, call, _about(frame))
        return method(self, call, frame)

    return cast("M", noting)


def _about(frame: Frame) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.to_builtins(frame)
    return {
        name: value
        for name, value in fields.items()
        if name in ABOUT and value is not None
    }


def _is_monitor(session: Session) -> bool:
    return session.handshake.is_monitor


def _is_staff(session: Session) -> bool:
    return session.handshake.is_monitor or session.handshake.is_silly_tavern
