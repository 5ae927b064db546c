"""The Python SDK: order answers from a Tapster broker, or bring them.

::

    from broker.client import TapsterClient

    async with TapsterClient(url, client_id="web-app", key="getKey") as bar:
        async for piece in bar.order("hi", target="SillyTavern-8000"):
            print(piece, end="")

The parts, from the wire up: ``link`` is one connection and ``connection`` keeps
there being one; ``output`` and ``answer`` know what came of an order, ``order`` is
what the user holds, ``book`` has them all; ``pour`` and ``manner`` are how an
extension says its answers. ``client`` and ``extension`` put them together.

It owns no protocol: names are ``broker.protocol.wire``'s, and it must never import
the broker's own rooms, only what both sides share.
"""

from __future__ import annotations

from broker.client.answer import Answer
from broker.client.client import TapsterClient
from broker.client.errors import (
    BrokerRefusedError,
    EntryRefusedError,
    OrderError,
    TapsterError,
    UnreachableError,
)
from broker.client.extension import TapsterExtension
from broker.client.incoming import IncomingOrder
from broker.client.manner import LegacyManner, Manner, NewManner
from broker.client.order import Order
from broker.client.pour import Pour

__all__ = [
    "Answer",
    "BrokerRefusedError",
    "EntryRefusedError",
    "IncomingOrder",
    "LegacyManner",
    "Manner",
    "NewManner",
    "Order",
    "OrderError",
    "Pour",
    "TapsterClient",
    "TapsterError",
    "TapsterExtension",
    "UnreachableError",
]
