"""``/``: understands all that ``/auth`` does; monitors hear of the house here."""

from __future__ import annotations

from typing import ClassVar

from broker.gateway.namespaces.auth import AuthHandlers
from broker.protocol.wire import Namespace


class DefaultHandlers(AuthHandlers):
    """The events of ``/``."""

    name: ClassVar[Namespace] = Namespace.DEFAULT
