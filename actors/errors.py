"""The errors that are answers, and the numbers they carry on the wire.

::

    BrokerError              code, message       sent to the peer as it stands
    ├── ProtocolError        the peer broke the protocol
    ├── RefusedError         understood, denied
    ├── NotFoundError        what was named is not there
    └── UnavailableError     temporary; the same thing may work later

A ``BrokerError`` raised by an actor goes to whoever asked, and the actor lives.
Anything else is a fault of ours: see ``actors.base``.
"""

from __future__ import annotations

from enum import IntEnum


class Code(IntEnum):
    """What went wrong, as a number that clients can switch on."""

    UNKNOWN = 1
    INTERNAL = 2
    INVALID_PARAMETER = 3
    INVALID_REQUEST = 4
    AUTHENTICATION_FAILED = 5
    AUTHORISATION_FAILED = 6
    NOT_FOUND = 7
    TIMEOUT = 8
    UNAVAILABLE = 9
    CLIENT_DISCONNECTED = 11

    WARNING_UNKNOWN = 51
    WARNING_EXISTS_ALREADY = 52
    WARNING_NO_SUCH_KEY = 61
    WARNING_UNKNOWN_STREAM = 71
    WARNING_NO_SUCH_REQUEST = 72

    FILE_NOT_FOUND = 101
    FILE_ACCESS_DENIED = 103
    FILE_READ = 104
    FILE_WRITE = 105
    INVALID_PATH = 106
    PATH_TRAVERSAL = 201
    RESTRICTED_FILE = 202

    ROOM_EXISTS = 301
    ROOM_NOT_FOUND = 302
    ROOM_ACCESS_DENIED = 303
    ALREADY_IN_ROOM = 304
    NOT_IN_ROOM = 305

    CLIENT_NOT_FOUND = 401
    INVALID_CLIENT_KEY = 402

    FUNCTION_NOT_FOUND = 501
    FUNCTION_FAILED = 502
    INVALID_ARGUMENTS = 503

    LLM_KEY_MISSING = 10400
    LLM_REQUEST_FAILED = 10401
    LLM_REFUSED = 10403
    TOO_MANY_REQUESTS = 10429
    LLM_SERVER_ERROR = 10500
    NO_LLM_AVAILABLE = 10503


class BrokerError(Exception):
    """An answer that is an error: one clear sentence and its code."""

    default_code = Code.INTERNAL

    def __init__(self, message: str, code: int | None = None) -> None:
        """Take the sentence for the peer, and a code if not the class's own."""
        super().__init__(message)
        self.message = message
        self.code = self.default_code if code is None else code


class ProtocolError(BrokerError):
    """The peer sent what the protocol does not allow."""

    default_code = Code.INVALID_PARAMETER


class RefusedError(BrokerError):
    """The peer asked for what it may not have."""

    default_code = Code.AUTHORISATION_FAILED


class NotFoundError(BrokerError):
    """The peer named something that does not exist."""

    default_code = Code.NOT_FOUND


class UnavailableError(BrokerError):
    """Not now; the same request may succeed later."""

    default_code = Code.UNAVAILABLE


class TimeoutExpiredError(UnavailableError):
    """Nobody answered within the time there was."""

    default_code = Code.TIMEOUT
