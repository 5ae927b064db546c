"""``/debug``: the house, live, for monitors."""

from __future__ import annotations

from actors.errors import RefusedError
from broker.gateway.dispatch import Call, Fields, Result, handles
from broker.gateway.namespaces.common import CommonHandlers
from broker.gateway.session import Session
from broker.protocol.house_frames import GetRequests
from broker.protocol.inbound import Untyped
from broker.protocol.wire import Event


class WatchingHandlers(CommonHandlers):
    """The events of those who watch."""

    @handles(Event.WATCH_HOUSE)
    def watch_house(self, call: Call, _frame: Untyped) -> Result:
        """Show everything now, and from now on what changes."""
        _must_be_monitor(call.session)
        return self.desk.feed.watch(call.session)

    @handles(Event.UNWATCH_HOUSE)
    def unwatch_house(self, call: Call, _frame: Untyped) -> Fields:
        """Show no more."""
        _must_be_monitor(call.session)
        self.desk.feed.unwatch(call.session)
        return None

    @handles(Event.GET_REQUESTS, frame=GetRequests)
    def get_requests(self, call: Call, frame: GetRequests) -> Fields:
        """Requests in flight and ended, a page of them."""
        _must_be_monitor(call.session)
        found = self.desk.outbound.book.newest(frame.limit, frame.before)
        return {"requests": found}


def _must_be_monitor(session: Session) -> None:
    if not session.handshake.is_monitor:
        raise RefusedError("only a monitor may watch the house")
