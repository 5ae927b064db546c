"""SocketOutbound: who hears an answer, and who hears it no more."""

from __future__ import annotations

import asyncio
from typing import Any

from actors.lifecycle import RequestState
from actors.outbound import OutputChunk, OutputEnded, OutputStarted
from broker.gateway.client_list import ClientList
from broker.gateway.outbound import SocketOutbound
from broker.gateway.readers import stream_ids
from broker.gateway.registry import SessionRegistry

from .fakes import OUTPUT, FakeConnection

BOTH = ("ann", "ben")
ANN = ("ann",)


class Room:
    """Two who hear an answer; ``ben`` reads it with the stream library."""

    def __init__(self) -> None:
        registry = SessionRegistry()
        clients = ClientList(1_000_000, asyncio.get_running_loop())
        self.outbound = SocketOutbound(registry, clients)
        self.connections = {name: FakeConnection() for name in BOTH}
        self.sessions = {
            name: connection.session(client_id=name)
            for name, connection in self.connections.items()
        }
        for session in self.sessions.values():
            registry.add(session)
        self.registry = registry
        self.outbound.publish(OutputStarted(OUTPUT, "s"), BOTH)
        self.say("Hi", 0, BOTH)

    def say(self, text: str, index: int, readers: tuple[str, ...]) -> None:
        """Pour a chunk."""
        self.outbound.pour(OutputChunk(OUTPUT, "s", text.encode(), index), readers)

    def end(self, readers: tuple[str, ...]) -> None:
        """End the answer."""
        ended = OutputEnded(OUTPUT, "s", RequestState.COMPLETED, 2, None)
        self.outbound.publish(ended, readers)

    def heard(self, name: str) -> list[Any]:
        """What somebody heard by now."""
        return [data for _, data in self.connections[name].sent()]


async def test_who_left_is_told_that_its_stream_is_over() -> None:
    """The library would wait for the end for ever."""
    room = Room()
    room.say(" there", 1, ANN)

    assert room.heard("ben")[-2:] == [
        ["$stream-end", stream_ids(OUTPUT)[0]],
        ["$stream-end", stream_ids(OUTPUT)[1]],
    ]
    assert not room.sessions["ben"].readers


async def test_who_left_before_the_last_words_is_told_at_the_end() -> None:
    """No chunk came after it left."""
    room = Room()
    room.end(ANN)

    assert not room.sessions["ben"].readers
    assert [name for name, *_ in room.heard("ben")].count("streamed_end") == 0


async def test_who_reads_on_is_told_nothing() -> None:
    """Somebody else has come or gone: the registry has changed."""
    room = Room()
    room.registry.remove(room.sessions["ben"])
    room.say(" there", 1, BOTH)

    assert [event[0] for event in room.heard("ann")][-1] == "streamed_data"
    assert [*room.sessions["ann"].readers] == [OUTPUT.key]
