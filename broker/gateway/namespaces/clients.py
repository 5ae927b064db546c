"""``/clients``: who is here, and their keys."""

from __future__ import annotations

from typing import ClassVar

from broker.gateway.namespaces.common import KeyHandlers
from broker.protocol.wire import Namespace


class ClientsHandlers(KeyHandlers):
    """The events of ``/clients``."""

    name: ClassVar[Namespace] = Namespace.CLIENTS
