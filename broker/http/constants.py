"""``/lib/constants.js``: the names of the wire as an ES module.

Made from ``protocol.wire`` and from nothing else, so that pages which import it can
never disagree with the broker. Its exports are those of the constants that
SillyTavern-NewAge ships; only ``streamed_data`` and ``streamed_end`` are the plain
names here, which both kinds of its clients listen to.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from broker.protocol.json_text import encode
from broker.protocol.wire import (
    AnswerEvent,
    Event,
    LogEvent,
    MemberStatus,
    MessageType,
    Namespace,
    StreamEvent,
)

HEAD: Final = "// The names of the protocol, made from the broker's own constants.\n"


def constants() -> dict[str, dict[str, str | int]]:
    """Every export of the module, by name."""
    answers = (AnswerEvent.STREAMED_DATA, AnswerEvent.STREAMED_END)
    return {
        "MSG_TYPE": {**_texts(Event), **{each.name: int(each) for each in MessageType}},
        "STREAM_EVENTS": {**_texts(StreamEvent), **{name: name for name in answers}},
        "NAMESPACES": _texts(Namespace),
        # Those that are sent, besides what the shipped constants have there.
        "EVENTS": {**_texts(Event), **_texts(LogEvent)},
        "MEMBER_STATUS": _texts(MemberStatus),
    }


def constants_module() -> bytes:
    """The module's text."""
    exports = (_export(name, values) for name, values in constants().items())
    return "\n".join((HEAD, *exports)).encode()


def _texts(
    names: type[Event | LogEvent | MemberStatus | Namespace | StreamEvent],
) -> dict[str, str | int]:
    return {each.name: each.value for each in names}


def _export(name: str, values: Mapping[str, str | int]) -> str:
    lines = (f"  {key}: {encode(value).decode()}," for key, value in values.items())
    body = "\n".join(lines)
    return f"export const {name} = Object.freeze({{\n{body}\n}});\n"
