"""What SillyTaverns share and announce: events others subscribe to, and settings.

Pure. What comes in are typed frames, what goes out is made here into packets; the
data of an event and the value of a setting are whatever their owners make of them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Annotated, Any, ClassVar, Final

import msgspec

from actors.errors import ProtocolError
from broker.protocol.handshake import MAX_NAME
from broker.protocol.inbound import Frame
from broker.protocol.json_text import encode
from broker.protocol.packet import event
from broker.protocol.wire import Event, Namespace

MAX_EVENT_NAME: Final = 64
"""Characters of the name of a SillyTavern's event."""

MAX_EVENT_NAMES: Final = 64
"""Events of one SillyTavern that somebody can subscribe to."""

MAX_SHARED_VALUE: Final = 256 * 1024
"""Bytes of a shared setting as JSON."""

MAX_VERSION: Final = 2**53 - 1
"""The greatest whole number that JavaScript can tell from the next."""

EventName = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_EVENT_NAME)]
SettingName = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_NAME)]
Version = Annotated[int, msgspec.Meta(ge=0, le=MAX_VERSION)]


class SubscribeEvents(Frame, frozen=True):
    """Whose events, and which; the list replaces what was wanted before."""

    target: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_NAME)]
    events: Annotated[list[EventName], msgspec.Meta(max_length=MAX_EVENT_NAMES)]


class SillyTavernEvent(Frame, frozen=True):
    """Something has happened in a SillyTavern."""

    event: EventName
    data: Any = None


class SaveSharedSettings(Frame, frozen=True):
    """A setting that all SillyTaverns are to have."""

    name: SettingName
    value: Any
    version: Version


class GetSharedSettings(Frame, frozen=True):
    """A setting by its name."""

    bare_field: ClassVar[str | None] = "name"
    name: SettingName


def shared_text(value: Any) -> str:
    """A setting's value as JSON.

    Raises:
        ProtocolError: it is too long.
    """
    text = encode(value)
    if len(text) > MAX_SHARED_VALUE:
        raise ProtocolError(f"value has at most {MAX_SHARED_VALUE // 1024} KiB as JSON")
    return text.decode()


def shared_value(text: str) -> msgspec.Raw:
    """The value that such a text means; only encoding it is of use."""
    return msgspec.Raw(text.encode())


def wanted(names: Collection[str]) -> bytes:
    """To an extension: the names of the events that somebody wants."""
    data = {"events": sorted(names)}
    return event(Namespace.SILLY_TAVERN, Event.SUBSCRIBE_EVENTS, data)


def announced(fields: Mapping[str, Any], identity: str, client: str) -> bytes:
    """To subscribers: an extension's event, and whose it is."""
    data = {**fields, "source": identity, "clientId": client}
    return event(Namespace.LLM, Event.SILLYTAVERN_EVENT, data)


def updated(name: str, text: str, version: int, source: str) -> bytes:
    """To the other SillyTaverns: somebody has saved a setting."""
    value = shared_value(text)
    data = {"name": name, "value": value, "version": version, "source": source}
    return event(Namespace.SILLY_TAVERN, Event.SHARED_SETTINGS_UPDATED, data)
