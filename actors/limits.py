"""Every limit by its name, and how often each was reached since the start.

The names are those of the settings, or stand for a row of the table in
``docs/protocol.md``, section 19, where that has none or shares one. Whoever enforces a
limit counts it there, in the line before the refusal, the closing or the wait; never
on the way of an ordinary chunk. Each is counted by one thread alone.
"""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from typing import Final


class Limit(StrEnum):
    """What there may be only so much of."""

    MAX_PACKET = "maxPacket"
    MAX_ATTACHMENTS = "maxAttachments"
    MAX_DEPTH = "maxDepth"
    PACKETS_PER_BODY = "packetsPerBody"
    EVENTS_PER_SECOND = "eventsPerSecond"
    JOINS_PER_SECOND = "joinsPerSecond"
    STREAM_EVENTS_PER_SECOND = "streamEventsPerSecond"
    CONNECTIONS_PER_ADDRESS = "connectionsPerAddress"
    MAX_CONNECTIONS = "maxConnections"
    TCP_CONNECTIONS_PER_ADDRESS = "tcpConnectionsPerAddress"
    HANDSHAKE_TIMEOUT = "handshakeTimeout"
    TLS_HANDSHAKE_TIME = "tlsHandshakeTime"
    HTTP_REQUEST_TIME = "httpRequestTime"
    HTTP_ANSWER_TIME = "httpAnswerTime"
    ATTACHMENTS_TIME = "attachmentsTime"
    WRITE_TIMEOUT = "writeTimeout"
    OUTBOX_LIMIT = "outboxLimit"
    LIBRARY_WINDOW = "libraryWindow"
    WRONG_KEYS_PER_MINUTE = "wrongKeysPerMinute"
    NEW_KEYS_PER_MINUTE = "newKeysPerMinute"
    KEYS_PER_CLIENT = "keysPerClient"
    KEY_LENGTH = "keyLength"
    KEYS_BEING_CHECKED = "keysBeingChecked"
    REQUESTS_IN_FLIGHT = "requestsInFlight"
    QUEUED_PER_EXTENSION = "queuedPerExtension"
    MESSAGE_TEXT = "messageText"
    GAP_CHUNKS = "gapChunks"
    ANSWER_LIMIT = "answerLimit"
    ROOMS_PER_IDENTITY = "roomsPerIdentity"
    MEMBERS_PER_ROOM = "membersPerRoom"
    HISTORY_PER_ROOM = "historyPerRoom"
    HISTORIES_PER_SESSION = "historiesPerSession"
    ANSWER_CACHE = "answerCache"
    CALLS_PER_SESSION = "callsPerSession"
    CALLS_PER_CALLEE = "callsPerCallee"
    FUNCTION_THREADS = "functionThreads"
    FUNCTION_TIMEOUT = "functionTimeout"
    JSON_FILE_SIZE = "jsonFileSize"
    FILES_PER_CLIENT = "filesPerClient"
    TRUSTED_ON_FIRST_USE = "trustedOnFirstUse"


reached: Final[Counter[Limit]] = Counter()
"""How often each limit was reached since the start of the process."""
