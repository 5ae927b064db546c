"""What the fuzz tries share: payloads that look nearly right, and who sends them.

Nothing here sleeps: each try ends with a question whose answer is the barrier.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator
from typing import Any, Final

import pytest
from hypothesis import strategies as st

from broker.protocol import (
    client_frames,
    console_frames,
    function_frames,
    inbound,
    room_frames,
    silly_tavern_frames,
)
from broker.protocol.wire import (
    AUTO_TARGET,
    EVENTS,
    LIVENESS_QUESTION,
    MONITOR_TYPE,
    SERVER,
    SILLY_TAVERN_TYPE,
    AnswerEvent,
    Event,
    Namespace,
)
from tests.broker.gateway.in_process import Broker, Wire

BYSTANDER: Final = "bystander"
CAST: Final[dict[str, dict[str, Any]]] = {
    "guest": {"clientType": "web-app"},
    "SillyTavern-1": {"clientType": SILLY_TAVERN_TYPE},
    "monitor": {"clientType": MONITOR_TYPE},
}
"""Who sends."""
OURS: Final = frozenset({"actors", "broker", "asyncio"})
LIMITS: Final[dict[str, Any]] = {
    "monitors_may_get_key": True,
    "new_keys_per_minute": 1_000_000,
    "events_per_second": 1_000_000,
    "events_burst": 1_000_000,
}
FRAMES: Final = (
    client_frames,
    console_frames,
    function_frames,
    inbound,
    room_frames,
    silly_tavern_frames,
)


def field_names() -> list[str]:
    """The wire names of the fields of all frames."""
    names = {"source", "clientId", "identity", "type", "streamId", "from"}
    for module in FRAMES:
        for frame in vars(module).values():
            names |= set(getattr(frame, "__struct_encode_fields__", ()))
    return sorted(names)


# Leaving on purpose and falling out with each other are no faults of a connection.
NAMES: Final = [
    *sorted(EVENTS - {Event.CLIENT_DISCONNECTED}),
    "my:event",
    "",
    "connect",
]
KNOWN: Final = [
    *(BYSTANDER, "lobby", SERVER, AUTO_TARGET, "all", "guest ", "think-1", "plain"),
    *("readJsonFromFile", "saveJsonToFile", "addStaticResources", "listFunctions"),
    *("settings/x.json", "../../etc/passwd", "Immediate", "Balanced", "newMessage"),
    *(LIVENESS_QUESTION, "master", "0" * 12, "x" * 200),
    *("\u0000", "\ud83c", "\udf7a", "\u202e"),
]
LEAVES: Final = (
    st.sampled_from(KNOWN)
    | st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([0, 1, 3, -1, 2**31, 2**53, 2**64, 10**300])
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
)
FIELDS: Final = st.sampled_from(field_names()) | st.text(max_size=8)
VALUES: Final = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(FIELDS, inner, max_size=6)
    ),
    max_leaves=12,
)
PAYLOADS: Final = st.dictionaries(FIELDS, VALUES, max_size=10) | VALUES


class Complaints(logging.Handler):
    """Keeps what the log says of faults that nobody has handled.

    Libraries call a peer's fault an error, once for each kind; that is none of ours.
    """

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.heard: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep an error, or a traceback of whatever level."""
        traceback = record.exc_info is not None and record.exc_info[0] is not None
        ours = record.name.split(".")[0] in OURS and record.levelno >= logging.ERROR
        if ours or traceback:
            self.heard.append(logging.Formatter().format(record))


@pytest.fixture
def complaints() -> Iterator[Complaints]:
    """Listen to the whole log."""
    handler = Complaints()
    logging.getLogger().addHandler(handler)
    yield handler
    logging.getLogger().removeHandler(handler)


class Sender:
    """One of the cast, in all namespaces."""

    def __init__(self, broker: Broker, name: str) -> None:
        self._broker = broker
        self._name = name
        self._wire: Wire | None = None

    async def send(self, namespace: str, name: str, payload: Any, *more: Any) -> bool:
        """Send an event, wait until it is handled; says whether one is connected."""
        wire = await self._present()
        wire.send(f"42{_room(namespace)}7{json.dumps([name, payload, *more])}")
        return await self._asked(wire)

    async def _asked(self, wire: Wire) -> bool:
        question = {"target": SERVER, "data": LIVENESS_QUESTION}
        words = json.dumps([AnswerEvent.MESSAGE, question])
        wire.send(f"42{Namespace.LLM},99{words}")
        hearing = asyncio.ensure_future(wire.hear(f"43{Namespace.LLM},99["))
        while not hearing.done():
            await asyncio.wait({hearing}, timeout=0.5)
            if wire.is_closing():
                hearing.cancel()
                self._wire = None
                return False
        await hearing
        return True

    async def _present(self) -> Wire:
        if self._wire is None:
            self._wire = await self._broker.visitor()
            auth = {"clientId": self._name, "key": "getKey", **CAST[self._name]}
            await self._wire.join(Namespace.AUTH, **auth)
            await self._wire.hear(f'"{Event.CLIENT_KEY}"')
            for namespace in Namespace:
                if namespace not in (Namespace.AUTH, Namespace.DEFAULT):
                    await self._wire.join(namespace, **auth)
        return self._wire


def _room(namespace: str) -> str:
    return "" if namespace == Namespace.DEFAULT else f"{namespace},"
