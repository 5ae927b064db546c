"""Where the figures come from: the parts of a running broker that count."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import pykka

from actors.histogram import Histogram
from actors.house import House
from broker.gateway.client_list import ClientList
from broker.gateway.loop_lag import LoopLag
from broker.gateway.outbound import SocketOutbound
from broker.gateway.server import TapsterServer
from broker.security.attempts import Refusals


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for figures."""

    house: House
    server: TapsterServer
    outbound: SocketOutbound
    clients: ClientList
    refusals: Refusals
    lag: LoopLag
    commits: Histogram
    """Seconds that the store's commits took."""
    staff: Mapping[str, pykka.ActorRef[Any]]
    """The actors of which there is one, by what they are called."""
