"""The ``auth`` object of a namespace connection: who says they are whom.

Pure. What is malformed is refused here; who may come in is ``broker.security``'s.
"""

from __future__ import annotations

import re
from typing import Any, Final, Literal

import msgspec

from actors.errors import Code, ProtocolError
from broker.protocol.json_text import LONE_SURROGATE, without_surrogates
from broker.protocol.wire import (
    CLIENT_TYPE_ALIASES,
    MONITOR_TYPE,
    SILLY_TAVERN_TYPE,
)

MAX_NAME: Final = 128
"""Characters of a clientId, an identity, a room or a request id."""

MAX_FREE_TEXT: Final = 4 * 1024
"""Bytes of each text that a client says of itself: lists repeat them to others."""

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")

StreamNames = Literal["plain", "server", "both"]


class ResumeWish(msgspec.Struct, frozen=True, rename={"start": "from"}):
    """A request whose answer the client wants to go on reading."""

    request_id: str = msgspec.field(name="requestId")
    start: int | dict[str, int] = 0


class Handshake(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Who a client says it is."""

    client_id: str
    claimed_identity: str | None = msgspec.field(default=None, name="identity")
    client_type: str = ""
    key: str | None = None
    password: str | None = None
    desc: str = ""
    html: str = ""
    name: str = ""
    avatar: str = ""
    stream_names: StreamNames | None = None
    resume: list[ResumeWish] = []

    @property
    def identity(self) -> str:
        """Which instance of the client it is; the only one where it says nothing."""
        return (
            self.client_id if self.claimed_identity is None else self.claimed_identity
        )

    @property
    def is_silly_tavern(self) -> bool:
        """Whether it offers answers."""
        return self.client_type == SILLY_TAVERN_TYPE

    @property
    def is_monitor(self) -> bool:
        """Whether it wants to rule the house."""
        return self.client_type == MONITOR_TYPE


def is_name(text: str) -> bool:
    """Whether a text can name a client, an identity, a room or a request."""
    return (
        0 < len(text) <= MAX_NAME
        and _CONTROL.search(text) is None
        and LONE_SURROGATE.search(text) is None
    )


def read_handshake(auth: Any) -> Handshake:
    """Understand an ``auth`` object.

    Raises:
        ProtocolError: it is none, or a name in it is malformed.
    """
    try:
        handshake = msgspec.convert(auth, Handshake)
    except msgspec.ValidationError as error:
        raise ProtocolError(
            f"the auth object of the connection is malformed: {error}",
            Code.INVALID_PARAMETER,
        ) from None
    named = {"clientId": handshake.client_id, "identity": handshake.identity}
    for field, value in named.items():
        if not is_name(value):
            raise ProtocolError(
                f"{field} must have 1 to {MAX_NAME} characters, no control characters"
            )
    handshake = msgspec.convert(without_surrogates(auth), Handshake)
    _check_texts(handshake)
    kind = CLIENT_TYPE_ALIASES.get(handshake.client_type, handshake.client_type)
    return msgspec.structs.replace(handshake, client_type=kind)


def _check_texts(handshake: Handshake) -> None:
    if len(handshake.client_type) > MAX_NAME:
        raise ProtocolError(f"clientType must have at most {MAX_NAME} characters")
    for field in ("desc", "html", "name", "avatar"):
        if len(getattr(handshake, field).encode()) > MAX_FREE_TEXT:
            raise ProtocolError(f"{field} must have at most {MAX_FREE_TEXT} bytes")
