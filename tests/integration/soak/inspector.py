"""Looks into every room as a monitor, and holds what it finds against the model."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from broker.client import BrokerRefusedError, TapsterClient
from broker.protocol.wire import Event, Namespace

from .ledger import Body
from .place import Place
from .rules import RoomState

PATIENCE = 60.0
"""Seconds until the last page of a history is there."""

BUSY = ("active", "queued")
"""The figures of requests that are 0 at rest."""


class Reader:
    """Reads histories page by page; one at a time of each room."""

    def __init__(self, client: TapsterClient) -> None:
        self._client = client
        self._pages: defaultdict[str, list[Body]] = defaultdict(list)
        self._read: dict[str, asyncio.Future[list[Body]]] = {}
        client.listen(Namespace.ROOMS, Event.UPDATE_CONTEXT_PAGE, self._page_came)

    def _page_came(self, page: dict[str, Any]) -> None:
        room = page["roomName"]
        if room not in self._read:  # another reader's
            return
        self._pages[room] += page["contextPage"]
        if page["isLastPage"]:
            self._read.pop(room).set_result(self._pages.pop(room))

    async def history(self, room: str) -> list[Body]:
        """All that this one may see."""
        read: asyncio.Future[list[Body]]
        read = asyncio.get_running_loop().create_future()
        self._read[room] = read
        async with asyncio.timeout(PATIENCE):
            await self._client.call(
                Namespace.ROOMS, Event.GET_FULL_CONTEXT, {"roomName": room}
            )
            return await read


class Inspector:
    """Sees everything."""

    def __init__(self, monitor: TapsterClient) -> None:
        self._monitor = monitor
        self._reader = Reader(monitor)

    async def rooms(self, places: Iterable[Place]) -> list[str]:
        """What the list of rooms says that the model does not."""
        found = await self._monitor.call(Namespace.ROOMS, Event.GET_ROOMS)
        details = {
            room["roomName"]: room
            for room in found["details"]
            if room["roomName"] != room["master"]  # an own room is none of the model
        }
        expected = {p.name: _detail(p) for p in places if p.state.exists}
        return [
            f"GET_ROOMS has {details.get(name)}, not {expected.get(name)}"
            for name in sorted(details.keys() | expected.keys())
            if details.get(name) != expected.get(name)
        ]

    async def differences(self, place: Place) -> list[str]:
        """What is in one room that the model does not have, and what is not."""
        if not place.state.exists:
            return []
        state, history = await self.look(place)
        said = place.ledger.differences(history)
        return [
            f"{place.name}: {what}"
            for what in (*_state_differences(state, place.state), *said)
        ]

    async def own_view(self, place: Place, member: TapsterClient) -> list[str]:
        """What a member sees of a history that it should not, and what it misses."""
        everything = {b["messageId"]: b for b in await self._reader.history(place.name)}
        seen = {b["messageId"]: b for b in await Reader(member).history(place.name)}
        hidden = [everything[each] for each in everything.keys() - seen.keys()]
        strange = seen.keys() - everything.keys()
        return [
            *(f"{place.name}: {member.identity} sees {each}" for each in strange),
            *(
                f"{place.name}: {member.identity} does not see {body}"
                for body in hidden
                if not body.get("requestId") or body["identity"] == member.identity
            ),
        ]

    async def at_rest(self) -> list[str]:
        """What still goes on where nothing should."""
        status = await self._monitor.call(Namespace.DEBUG, Event.SERVER_STATUS)
        requests = status["serverStatus"]["requests"]
        house = await self._monitor.call(
            Namespace.AUTH, Event.GET_SILLYTAVERN_EXTENSION
        )
        wrong = [f"{requests[name]} {name}" for name in BUSY if requests[name]]
        return wrong + [
            f"{one['identity']} has {one['queued']} queued, busy is {one['busy']}"
            for one in house["details"]
            if one["queued"] or one["busy"]
        ]

    async def look(self, place: Place) -> tuple[RoomState, list[Body]]:
        """A room as the broker has it, as far as it shows."""
        data = {"roomName": place.name}
        try:
            found = await self._monitor.call(
                Namespace.ROOMS, Event.GET_CLIENTS_IN_ROOM, data
            )
        except BrokerRefusedError:
            return RoomState(), []
        rooms = await self._monitor.call(Namespace.ROOMS, Event.GET_ROOMS)
        (detail,) = [r for r in rooms["details"] if r["roomName"] == place.name]
        history = await self._reader.history(place.name)
        state = RoomState(
            exists=True,
            keep=detail["keep"],
            mode=detail["mode"],
            roles={c["identity"]: c["role"] for c in found["clients"]},
            muted=frozenset(
                c["identity"] for c in found["clients"] if "mutedUntil" in c
            ),
            told=tuple(b["message"] for b in history if b.get("isSystem")),
        )
        return state, history


def _detail(place: Place) -> dict[str, Any]:
    state = place.state
    return {
        "roomName": place.name,
        "mode": state.mode,
        "members": len(state.roles),
        "master": state.master,
        "open": True,
        "keep": state.keep,
    }


def _state_differences(found: RoomState, expected: RoomState) -> Iterator[str]:
    shown = {
        "keep": (found.keep, expected.keep),
        "mode": (found.mode, expected.mode),
        "members": ([*found.roles.items()], [*expected.roles.items()]),
        "muted": (found.muted, expected.muted & expected.roles.keys()),
        "system messages": (found.told, expected.told),
    }
    for name, (has, should) in shown.items():
        if has != should:
            yield f"the {name} are {has}, not {should}"
