"""What a relay says of its request: statuses to who ordered, warnings to extensions.

Owns nothing but the words; the relay actor owns the instance and decides when.
"""

from __future__ import annotations

from actors.errors import Code
from actors.lifecycle import RequestState
from actors.outbound import Order, Outbound, StatusChanged, Warned


class Voice:
    """Speaks for one request."""

    __slots__ = ("_order", "_outbound", "_request")

    def __init__(self, request: str, order: Order, outbound: Outbound) -> None:
        self._request = request
        self._order = order
        self._outbound = outbound

    def say(  # noqa: PLR0913 - a status has as many sides
        self,
        state: RequestState,
        extension: str | None,
        *,
        position: int | None = None,
        error: str | None = None,
        code: int | None = None,
        response: str | None = None,
    ) -> None:
        """Tell the requester where the request, or one leg of it, is."""
        notice = StatusChanged(
            request=self._request,
            request_id=self._order.request_id,
            room=self._order.room,
            state=state,
            position=position,
            extension=extension,
            response_id=response,
            error=error,
            code=code,
        )
        self._outbound.publish(notice, [self._order.requester])

    def warn_stray_stream(self, extension: str) -> None:
        """Tell an extension that what it sent belongs to no open stream."""
        text = "that stream is not open: what it brings is dropped"
        self._warn(extension, Code.WARNING_UNKNOWN_STREAM, text)

    def warn_stray_answer(self, extension: str) -> None:
        """Tell an extension that its answer is not, or no longer, wanted."""
        text = "you were not asked for this request, or have answered it"
        self._warn(extension, Code.WARNING_NO_SUCH_REQUEST, text)

    def warn_missing_chunks(self, extension: str, stream: str) -> None:
        """Tell an extension that a stream ended with a gap."""
        text = f"stream {stream!r} ended with chunks missing"
        self._warn(extension, Code.WARNING_UNKNOWN_STREAM, text)

    def _warn(self, extension: str, code: Code, text: str) -> None:
        self._outbound.publish(Warned(code, text, self._request), [extension])
