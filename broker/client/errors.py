"""What can go wrong for a patron of the broker, and the ack that says so.

::

    TapsterError              code, message
    ├── EntryRefusedError     the broker did not let us into a namespace
    ├── UnreachableError      there is no connection, or it broke, or was closed
    ├── BrokerRefusedError    an ack said ``status: "error"``
    └── OrderError            an order ended other than completed: status, text

The codes are the broker's own (``actors.errors.Code``), so a caller can switch on
them wherever the error was noticed.
"""

from __future__ import annotations

from typing import Any

from actors.errors import Code
from actors.lifecycle import RequestState


class TapsterError(Exception):
    """Anything the SDK raises of its own: one sentence and its code."""

    def __init__(self, message: str, code: int = Code.UNKNOWN) -> None:
        """Take the sentence and the number that goes with it."""
        super().__init__(message)
        self.message = message
        self.code = code


class EntryRefusedError(TapsterError):
    """The broker refused the connection to a namespace."""

    def __init__(self, namespace: str, message: str, code: int) -> None:
        """Take where the door was shut, and the broker's words."""
        super().__init__(message, code)
        self.namespace = namespace


class UnreachableError(TapsterError):
    """There is no connection to the broker, or it broke under the call."""

    def __init__(self, message: str, code: int = Code.UNAVAILABLE) -> None:
        """Take the sentence; the code is that of what may work later."""
        super().__init__(message, code)


class BrokerRefusedError(TapsterError):
    """The broker answered a call with an error; ``ack`` is its whole answer."""

    def __init__(self, message: str, code: int, ack: dict[str, Any]) -> None:
        """Take the broker's words and the ack that held them."""
        super().__init__(message, code)
        self.ack = ack


class OrderError(TapsterError):
    """An order ended without being completed."""

    def __init__(self, message: str, code: int, status: str, text: str) -> None:
        """Take why and how it ended, and the text that came until then."""
        super().__init__(message, code)
        self.status = status
        self.text = text


CODE_OF_END = {
    RequestState.CANCELLED: Code.UNKNOWN,
    RequestState.TIMEOUT: Code.TIMEOUT,
    RequestState.FAILED: Code.LLM_REQUEST_FAILED,
}
"""The code of an end for which the broker named none."""


def accepted(ack: Any) -> dict[str, Any]:
    """The ack as a dict, if it says that all went well.

    Raises:
        BrokerRefusedError: it says ``status: "error"``, or ``success: false``.
    """
    answer: dict[str, Any] = ack if isinstance(ack, dict) else {"result": ack}
    if answer.get("status") == "error" or answer.get("success") is False:
        message, code = complaint(answer, "The broker refused without a word.")
        raise BrokerRefusedError(message, code, answer)
    return answer


def complaint(
    data: dict[str, Any], otherwise: str, code: int = Code.UNKNOWN
) -> tuple[str, int]:
    """The sentence and code in what the broker sent, wherever they stand in it.

    Acks have them at top level, ``FUNCTION_CALL`` and status updates under
    ``error``, which may also be a bare sentence; a refused connection under
    ``data``.
    """
    for detail in (data.get("error"), data.get("data"), data):
        if isinstance(detail, str) and detail:
            return detail, code
        if isinstance(detail, dict) and detail.get("message"):
            found = detail.get("code")
            return str(detail["message"]), found if isinstance(found, int) else code
    return otherwise, code
