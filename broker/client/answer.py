"""The answer to an order, as it comes in. Pure: it neither sends nor waits.

Owns the outputs and where the request stands. The book of orders hands in, in the
order of the wire, what the broker says; readers follow the ledgers.

While a resumption is under way, live events are not for us: all they say was said
before its ack, and the ack has it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from actors.lifecycle import TERMINAL, RequestState
from broker.client.errors import (
    CODE_OF_END,
    BrokerRefusedError,
    OrderError,
    accepted,
    complaint,
)
from broker.client.ledger import Ledger
from broker.client.notice import Chunk, OutputEnd, Resumed, StatusUpdate, Whole
from broker.client.output import GapError, Output

GOOD_ENDS: Final = frozenset({RequestState.COMPLETED, RequestState.RECORDED})
"""The ends that are no error to the one who ordered."""


class Answer:
    """What came of one request until now."""

    def __init__(
        self,
        request_id: str,
        on_gap: Callable[[], None],
        start: int | Mapping[str, int] = 0,
    ) -> None:
        """Begin with nothing.

        Args:
            request_id: the request that it answers.
            on_gap: called when something is missing and a resumption is due.
            start: the index to read from, for all outputs or for each.
        """
        self.ack: dict[str, Any] = {}
        self.status = ""
        self.position: int | None = None
        self.extension: str | None = None
        self.outputs: dict[str, Output] = {}
        self.pieces: Ledger[str] = Ledger()
        self.statuses: Ledger[str] = Ledger()
        self.acks: Ledger[dict[str, Any]] = Ledger()
        self._request_id = request_id
        self._on_gap = on_gap
        self._start = start
        self._resuming = False
        self._held: StatusUpdate | None = None
        self._error: Any = None

    @property
    def text(self) -> str:
        """The text until now; several outputs are joined by a blank line."""
        texts = (output.text for output in self.outputs.values())
        return "\n\n".join(text for text in texts if text)

    @property
    def ended(self) -> bool:
        """Whether nothing can come any more."""
        return self.pieces.closed

    @property
    def begun(self) -> bool:
        """Whether the broker has shown that it knows of the request."""
        return bool(self.ack or self.outputs or self.status)

    def resume(self) -> int | dict[str, int]:
        """Ignore live events from now on; returns what to resume from."""
        self._resuming = True
        if self.outputs:
            return {name: output.next for name, output in self.outputs.items()}
        return self._start if isinstance(self._start, int) else dict(self._start)

    def placed(self, ack: Any) -> None:
        """Take the ack of the request."""
        if not self._confirm(ack):
            return
        state = str(self.ack.get("state", ""))
        if state == RequestState.RECORDED:
            self._move(StatusUpdate(request_id=self._request_id, status=state))
        elif state in TERMINAL and not self.ended:
            self._on_gap()
        elif not self.status:
            # Where updates came before the ack, they are the newer ones.
            self._note(state)
            self.position = self.ack.get("position")

    def resumed(self, ack: Any) -> None:
        """Take the ack of a resumption: what was missed.

        Raises:
            msgspec.ValidationError: it is not one.
        """
        if not self._confirm(ack):
            return
        answer = msgspec.convert(self.ack, Resumed)
        self._resuming = False
        for missed in answer.outputs:
            self._pour(self._output(missed.output_id).resume(missed))
        update, self._held = self._held, None
        if answer.state in TERMINAL or update is None:
            update = StatusUpdate(
                request_id=self._request_id, status=answer.state, error=answer.error
            )
        self._move(update)

    def start_over(self) -> None:
        """Listen to live events again: the broker does not know the request."""
        self._resuming = False

    def take_chunk(self, chunk: Chunk) -> None:
        """Take a live chunk."""
        output = self._output(chunk.output_id)
        self._try(lambda: output.take(chunk))

    def take_end(self, end: OutputEnd) -> None:
        """Take the end of one output."""
        output = self._output(end.output_id)
        self._try(lambda: output.end(end.final_text, end.chunks))

    def take_whole(self, whole: Whole) -> None:
        """Take an output that came at once."""
        output = self._output(whole.output_id)
        self._try(lambda: output.end(whole.data))

    def take_status(self, update: StatusUpdate) -> None:
        """Take a change of status; it waits for what is being resumed."""
        if self._resuming:
            self._held = update
        else:
            self._move(update)

    def take_error(self, data: Mapping[str, Any]) -> None:
        """Take the reason for which the request is about to fail."""
        self._error = data

    def fail(self, message: str, code: int, status: str = RequestState.FAILED) -> None:
        """End in an error, unless it has ended."""
        if not self.ended:
            self._end(status, OrderError(message, code, status, self.text))

    def _confirm(self, ack: Any) -> bool:
        try:
            self.ack = accepted(ack)
        except BrokerRefusedError as refusal:
            self.fail(refusal.message, refusal.code)
            return False
        self.acks.append(self.ack)
        return True

    def _move(self, update: StatusUpdate) -> None:
        self.position = update.position
        self.extension = update.extension or self.extension
        if update.status in GOOD_ENDS:
            self._end(update.status)
        elif update.status in TERMINAL:
            code = CODE_OF_END[RequestState(update.status)]
            reason = f"The request ended as {update.status}."
            details = {"error": update.error or self._error}
            self.fail(*complaint(details, reason, code), update.status)
        else:
            self._note(update.status)

    def _end(self, status: str, error: OrderError | None = None) -> None:
        self._note(status)
        self.pieces.close(error)
        self.acks.close(error)
        self.statuses.close()

    def _note(self, status: str) -> None:
        if status and status != self.status and not self.ended:
            self.status = status
            self.statuses.append(status)

    def _output(self, output_id: str) -> Output:
        if output_id not in self.outputs:
            start = self._start
            first = start if isinstance(start, int) else start.get(output_id, 0)
            self.outputs[output_id] = Output(first)
        return self.outputs[output_id]

    def _try(self, step: Callable[[], str]) -> None:
        if self._resuming:
            return
        try:
            self._pour(step())
        except GapError:
            self._on_gap()

    def _pour(self, piece: str) -> None:
        if piece:
            self.pieces.append(piece)
