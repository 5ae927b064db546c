"""The house: opened with what the last process left in the database.

Owns the order in which its actors begin, and what becomes of requests that a crash cut
off: they have failed, for those who come back for them and those who ordered them.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterable
from typing import Any

import pykka

from actors import (
    answers,
    assignment_records,
    hall_events,
    request_records,
    room_records,
    store,
)
from actors.answers import Answers, FinishedRequest
from actors.assignments import Assignments
from actors.base import LoopRef
from actors.directory import Directory
from actors.errors import Code
from actors.hall import Hall
from actors.house import House
from actors.lifecycle import RequestState
from actors.outbound import StatusChanged
from actors.shared_settings import ReadSettings, SharedSettings
from broker.config import ServerSettings
from broker.gateway.outbound import SocketOutbound
from broker.gateway.untold import UntoldEnds
from broker.staff import employed
from broker.storage import Storage, recall


@contextlib.asynccontextmanager
async def open_house(
    settings: ServerSettings, outbound: SocketOutbound, storage: Storage
) -> AsyncIterator[House]:
    """Start what every actor is given, and stop it at the end.

    Raises:
        StartError: what was stored can not be read.
    """
    patience, database = settings.patience(), storage.database
    size, seconds = patience.answer_bytes, patience.answer_ttl
    mode = settings.default_room_message_request_mode
    crashed = storage.contents.crashed
    _tell_ends(outbound.untold, crashed)
    remembered = await recall(database, assignment_records.Recall())
    async with (
        employed(
            Assignments.start(database, remembered, patience.reconnect_grace)
        ) as assignments,
        employed(Answers.start(size, seconds, database)) as kept,
        employed(Hall.start(mode)) as hall,
    ):
        _keep_ends(kept, crashed)
        index = await recall(database, room_records.LoadIndex())
        house = House(
            directory=Directory(),
            outbound=outbound,
            patience=patience,
            assignments=assignments,
            answers=kept,
            hall=hall,
            store=database,
            rules=settings.rules(),
        )
        hall.tell(hall_events.Open(house, index))
        yield house


@contextlib.asynccontextmanager
async def open_shared_settings(
    database: pykka.ActorRef[store.Store],
) -> AsyncIterator[LoopRef[SharedSettings]]:
    """Start the actor of the settings that clients share, with what is stored.

    Raises:
        StartError: that can not be read.
    """
    stored = await recall(database, ReadSettings())
    async with employed(SharedSettings.start(stored, database)) as ref:
        yield ref


def staff_of(
    house: House, storage: Storage, shared_settings: LoopRef[Any]
) -> dict[str, pykka.ActorRef[Any]]:
    """The actors of which there is one, by what they are called."""
    return {
        "assignments": house.assignments,
        "answers": house.answers,
        "hall": house.hall,
        "store": storage.database,
        "keyring": storage.keys,
        "shared_settings": shared_settings,
    }


def _tell_ends(
    untold: UntoldEnds, crashed: Iterable[request_records.RequestRow]
) -> None:
    """Have an end to be told to those who ordered what the last process dropped."""
    for row in crashed:
        end = StatusChanged(
            request=row.request,
            request_id=row.request_id,
            room=row.room,
            state=RequestState.FAILED,
            error=store.CRASHED,
            code=Code.UNAVAILABLE,
        )
        untold.keep(row.requester, end)


def _keep_ends(
    kept: LoopRef[Answers], crashed: Iterable[request_records.RequestRow]
) -> None:
    """Have an answer for those who come back for what the last process dropped."""
    for row in crashed:
        finished = FinishedRequest(
            request=row.request,
            request_id=row.request_id,
            requester=row.requester,
            room=row.room,
            state=RequestState.FAILED,
            outputs=(),
            error=store.CRASHED,
        )
        kept.tell(answers.Keep(finished))
