"""The far end: clients that order, and SillyTaverns, who are cut off at random.

Says ``ready`` when it is there, waits for the broker's address, and says in the end
what came of the orders. The try runs it: ``unshare --net python -m …``.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import AsyncExitStack
from typing import Final

import msgspec

from broker.client import TapsterClient, TapsterExtension
from broker.protocol.wire import ASK_FOR_KEY, Event, Namespace
from tests.torture.evening import arrived, guest_names, tavern_names
from tests.torture.orders import Orders, Outcome, tell

AT_ONCE: Final = 2
"""Orders that each has under way."""
CUT_EVERY: Final = 2.0
"""Seconds between two cuts, besides those of the cable that all share."""
TRANSPORTS: Final = ["websocket"]


async def order(url: str, customers: int, number: int) -> Outcome:
    """Have that many order so often, whoever is cut off meanwhile."""
    orders = Orders(number, CUT_EVERY)
    clients = [
        TapsterClient(url, client_id=name, key=ASK_FOR_KEY, transports=TRANSPORTS)
        for name in guest_names(customers)
    ]
    taverns = [
        TapsterExtension(
            url,
            client_id=name,
            answer=tell,
            transports=TRANSPORTS,
            capacity=customers * AT_ONCE,
        )
        for name in tavern_names()
    ]
    async with AsyncExitStack() as house:
        await asyncio.gather(
            *(house.enter_async_context(arrived(each)) for each in (*taverns, *clients))
        )
        for client in clients:
            client.listen(Namespace.LLM, Event.REQUEST_STATUS_UPDATE, orders.heard)
        accidents = asyncio.create_task(orders.cut_somebody([*clients, *taverns]))
        await asyncio.gather(
            *(orders.place(client) for client in clients for _ in range(AT_ONCE))
        )
        assert not accidents.done(), accidents
        accidents.cancel()
    return orders.outcome()


def main() -> None:
    """Order: ``customers.py CUSTOMERS REQUESTS``."""
    customers, requests = map(int, sys.argv[1:])
    print("ready", flush=True)  # noqa: T201 - the try reads it
    url = sys.stdin.readline().strip()
    outcome = asyncio.run(order(url, customers, requests))
    print(msgspec.json.encode(outcome).decode(), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
