"""``/debug``: for operators."""

from __future__ import annotations

from typing import ClassVar

from broker.gateway.namespaces.common import CommonHandlers
from broker.protocol.wire import Namespace


class DebugHandlers(CommonHandlers):
    """The events of ``/debug``."""

    name: ClassVar[Namespace] = Namespace.DEBUG
