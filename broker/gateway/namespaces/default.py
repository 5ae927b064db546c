"""``/``: where monitors hear of the house."""

from __future__ import annotations

from typing import ClassVar

from broker.gateway.namespaces.common import CommonHandlers
from broker.protocol.wire import Namespace


class DefaultHandlers(CommonHandlers):
    """The events of ``/``."""

    name: ClassVar[Namespace] = Namespace.DEFAULT
