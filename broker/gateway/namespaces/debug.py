"""``/debug``: for operators."""

from __future__ import annotations

import asyncio
import logging
from typing import ClassVar

from actors.errors import RefusedError, UnavailableError
from broker.gateway.auditing import audited
from broker.gateway.dispatch import Call, Fields, handles
from broker.gateway.namespaces.console import ConsoleHandlers
from broker.gateway.namespaces.watching import WatchingHandlers
from broker.gateway.session import Session
from broker.protocol.client_frames import ReadLog
from broker.protocol.inbound import Untyped
from broker.protocol.packet import event
from broker.protocol.wire import Event, LogEvent, Namespace

logger = logging.getLogger(__name__)


class DebugHandlers(WatchingHandlers, ConsoleHandlers):
    """The events of ``/debug``."""

    name: ClassVar[Namespace] = Namespace.DEBUG

    @handles(Event.TOGGLE_DEBUG_MODE)
    @audited
    def toggle_debug_mode(self, call: Call, _frame: Untyped) -> Fields:
        """Log everything, or as much as the settings say again."""
        _must_be_staff(call.session)
        on = self.desk.journal.toggle_debug_mode()
        name = LogEvent.DEBUG_MODE_ENABLED if on else LogEvent.DEBUG_MODE_DISABLED
        extra = {"event": name, "fields": {"by": call.session.identity}}
        logger.info("debug mode is %s", "on" if on else "off", extra=extra)
        fields = {"debugMode": on}
        packet = event(self.name, Event.DEBUG_MODE_CHANGED, fields)
        for session in self.desk.doorman.registry.everyone_in(self.name):
            session.outbox.push(packet)
        return fields

    @handles(Event.SERVER_STATUS)
    async def server_status(self, call: Call, _frame: Untyped) -> Fields:
        """How the broker is."""
        _must_be_staff(call.session)
        return {"serverStatus": await self.desk.status.report()}

    @handles(Event.READ_LOG, frame=ReadLog)
    async def read_log(self, call: Call, frame: ReadLog) -> Fields:
        """A page of a log file."""
        if not call.session.handshake.is_monitor:
            raise RefusedError("only a monitor may read the logs")
        try:
            lines, total = await asyncio.to_thread(
                self.desk.journal.read,
                frame.filename,
                frame.level,
                frame.page,
                frame.page_size,
                frame.search,
            )
        except OSError as error:
            raise UnavailableError(
                f"{frame.filename} can not be read: {error.strerror}"
            ) from None
        return {
            "lines": lines,
            "total": total,
            "page": frame.page,
            "pageSize": frame.page_size,
            "level": frame.level,
        }


def _must_be_staff(session: Session) -> None:
    if not (session.handshake.is_monitor or session.handshake.is_silly_tavern):
        raise RefusedError("only monitors and SillyTaverns may do that")
