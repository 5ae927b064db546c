"""Every name and number of the wire, once.

No other file of the project spells an event, a namespace or a message type. The
names are those of the SillyTavern-NewAge protocol; ``docs/protocol.md`` tells what
each is for.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import Final


class Namespace(StrEnum):
    """The Socket.IO namespaces a client may join."""

    DEFAULT = "/"
    AUTH = "/auth"
    LLM = "/llm"
    FUNCTION_CALL = "/function_call"
    ROOMS = "/rooms"
    CLIENTS = "/clients"
    SILLY_TAVERN = "/sillytavern"
    DEBUG = "/debug"


class MessageType(IntEnum):
    """The ``type`` of messages that carry an answer."""

    NON_STREAM = 0
    STREAM_START = 1
    STREAM_DATA = 2
    STREAM_END = 3
    STREAM_DATA_FIRST = 4
    STREAM_DATA_MIDDLE = 5
    STREAM_DATA_LAST = 6
    STREAM_DATA_RETRY = 7
    STREAM_DATA_FAILED = 8


class MemberStatus(StrEnum):
    """What a member of a room is doing."""

    IDLE = "idle"
    TYPING = "typing"
    PROCESSING = "processing"
    THINKING_PAUSED = "paused"


class StreamEvent(StrEnum):
    """What a SillyTavern sends while it answers: the names of the shipped constants."""

    DATA_FAILED = "CLIENT_STREAM_DATA_FAILED"
    DATA_FIRST = "CLIENT_STREAM_DATA_FIRST"
    DATA_LAST = "CLIENT_STREAM_DATA_LAST"
    DATA_MIDDLE = "CLIENT_STREAM_DATA_MIDDLE"
    DATA_RETRY = "CLIENT_STREAM_DATA_RETRY"
    END = "CLIENT_STREAM_END"
    START = "CLIENT_STREAM_START"


class PlainStreamEvent(StrEnum):
    """The same events under the names that the documents use."""

    DATA_FAILED = "STREAM_DATA_FAILED"
    DATA_FIRST = "STREAM_DATA_FIRST"
    DATA_LAST = "STREAM_DATA_LAST"
    DATA_MIDDLE = "STREAM_DATA_MIDDLE"
    DATA_RETRY = "STREAM_DATA_RETRY"
    END = "STREAM_END"
    START = "STREAM_START"


class AnswerEvent(StrEnum):
    """What readers of an answer get, under both spellings clients listen to."""

    STREAMED_DATA = "streamed_data"
    STREAMED_END = "streamed_end"
    SERVER_STREAM_DATA = "SERVER_STREAM_DATA"
    SERVER_STREAM_END = "SERVER_STREAM_END"
    MESSAGE = "message"


class LibraryEvent(StrEnum):
    """The events of the stream library ``@sap_oss/node-socketio-stream``."""

    OPEN = "$stream"
    READ = "$stream-read"
    WRITE = "$stream-write"
    END = "$stream-end"
    ERROR = "$stream-error"


class Event(StrEnum):
    """Every other event."""

    ADD_CLIENT_TO_ROOM = "ADD_CLIENT_TO_ROOM"
    ASSIGN_EXTENSION_TO_CLIENT = "ASSIGN_EXTENSION_TO_CLIENT"
    AVAILABLE_EXTENSIONS = "AVAILABLE_EXTENSIONS"
    CANCEL_REQUEST = "CANCEL_REQUEST"
    CHARACTERS_UPDATED = "CHARACTERS_UPDATED"
    CLEAR_MESSAGES = "CLEAR_MESSAGES"
    CLIENT_DISCONNECTED = "CLIENT_DISCONNECTED"
    CLIENT_KEY = "CLIENT_KEY"
    CLIENT_KEY_ASSIGNED = "CLIENT_KEY_ASSIGNED"
    CLIENT_SETTINGS = "CLIENT_SETTINGS"
    CONNECTED_CLIENTS_UPDATE = "CONNECTED_CLIENTS_UPDATE"
    CREATE_ROOM = "CREATE_ROOM"
    DEBUG_MODE_CHANGED = "DEBUG_MODE_CHANGED"
    DELETE_MESSAGE = "DELETE_MESSAGE"
    DELETE_ROOM = "DELETE_ROOM"
    EDIT_MESSAGE = "EDIT_MESSAGE"
    ERROR = "ERROR"
    FUNCTION_CALL = "FUNCTION_CALL"
    GENERATE_CLIENT_KEY = "GENERATE_CLIENT_KEY"
    GET_ALL_CLIENT_KEYS = "GET_ALL_CLIENT_KEYS"
    GET_ASSIGNMENTS = "GET_ASSIGNMENTS"
    GET_ASSIGNMENTS_FOR_ROOM = "GET_ASSIGNMENTS_FOR_ROOM"
    GET_CLIENTS_IN_ROOM = "GET_CLIENTS_IN_ROOM"
    GET_CLIENT_KEY = "GET_CLIENT_KEY"
    GET_CLIENT_LIST = "GET_CLIENT_LIST"
    GET_CONNECTED_CLIENT_ROOMS = "GET_CONNECTED_CLIENT_ROOMS"
    GET_CONNECTED_EXTENSIONS = "GET_CONNECTED_EXTENSIONS"
    GET_CONNECTION_POLICY = "GET_CONNECTION_POLICY"
    GET_FULL_CONTEXT = "GET_FULL_CONTEXT"
    GET_OFFLINE_MESSAGES = "GET_OFFLINE_MESSAGES"
    GET_ROOMS = "GET_ROOMS"
    GET_SHARED_SETTINGS = "GET_SHARED_SETTINGS"
    GET_SILLYTAVERN_EXTENSION = "GET_SILLYTAVERN_EXTENSION"
    IDENTIFY_SILLYTAVERN = "IDENTIFY_SILLYTAVERN"
    JOIN_ROOM = "JOIN_ROOM"
    KICK_MEMBER = "KICK_MEMBER"
    LEAVE_ROOM = "LEAVE_ROOM"
    LLM_REQUEST = "LLM_REQUEST"
    LLM_RESPONSE = "LLM_RESPONSE"
    LOGIN = "LOGIN"
    MEMBER_JOINED = "MEMBER_JOINED"
    MEMBER_LEFT = "MEMBER_LEFT"
    MEMBER_MUTED = "MEMBER_MUTED"
    MEMBER_ROLE_CHANGED = "MEMBER_ROLE_CHANGED"
    MEMBER_STATUS_UPDATE = "MEMBER_STATUS_UPDATE"
    MEMBER_UNMUTED = "MEMBER_UNMUTED"
    MESSAGES_CLEARED = "MESSAGES_CLEARED"
    MESSAGES_DELETED = "MESSAGES_DELETED"
    MESSAGE_UPDATED = "MESSAGE_UPDATED"
    MUTE_MEMBER = "MUTE_MEMBER"
    NEW_MESSAGE = "NEW_MESSAGE"
    OFFLINE_MESSAGES = "OFFLINE_MESSAGES"
    READ_LOG = "READ_LOG"
    REMOVE_CLIENT_FROM_ROOM = "REMOVE_CLIENT_FROM_ROOM"
    REMOVE_CLIENT_KEY = "REMOVE_CLIENT_KEY"
    REQUEST_STATUS_UPDATE = "REQUEST_STATUS_UPDATE"
    RESUME_STREAM = "RESUME_STREAM"
    ROOM_MODE_CHANGED = "ROOM_MODE_CHANGED"
    SAVE_SHARED_SETTINGS = "SAVE_SHARED_SETTINGS"
    SERVER_STATUS = "SERVER_STATUS"
    SET_CONNECTION_POLICY = "SET_CONNECTION_POLICY"
    SET_MEMBER_ROLE = "SET_MEMBER_ROLE"
    SET_MESSAGE_REQUEST_MODE = "SET_MESSAGE_REQUEST_MODE"
    SET_ROOM_MESSAGE_REQUEST_MODE = "SET_ROOM_MESSAGE_REQUEST_MODE"
    SHARED_SETTINGS_UPDATED = "SHARED_SETTINGS_UPDATED"
    SILLYTAVERN_EVENT = "SILLYTAVERN_EVENT"
    START_PROCESSING = "START_PROCESSING"
    START_TYPING = "START_TYPING"
    STOP_PROCESSING = "STOP_PROCESSING"
    STOP_TYPING = "STOP_TYPING"
    SUBSCRIBE_EVENTS = "SUBSCRIBE_EVENTS"
    TEMP_ROOM_ASSIGNED = "TEMP_ROOM_ASSIGNED"
    TOGGLE_DEBUG_MODE = "TOGGLE_DEBUG_MODE"
    UNMUTE_MEMBER = "UNMUTE_MEMBER"
    UPDATE_CONNECTED_CLIENTS = "UPDATE_CONNECTED_CLIENTS"
    UPDATE_CONTEXT = "UPDATE_CONTEXT"
    UPDATE_CONTEXT_PAGE = "UPDATE_CONTEXT_PAGE"
    WARNING = "WARNING"


STREAM_EVENT_TYPES: Final[dict[str, MessageType]] = {
    StreamEvent.START: MessageType.STREAM_START,
    StreamEvent.DATA_FIRST: MessageType.STREAM_DATA_FIRST,
    StreamEvent.DATA_MIDDLE: MessageType.STREAM_DATA_MIDDLE,
    StreamEvent.DATA_LAST: MessageType.STREAM_DATA_LAST,
    StreamEvent.DATA_RETRY: MessageType.STREAM_DATA_RETRY,
    StreamEvent.DATA_FAILED: MessageType.STREAM_DATA_FAILED,
    StreamEvent.END: MessageType.STREAM_END,
    PlainStreamEvent.START: MessageType.STREAM_START,
    PlainStreamEvent.DATA_FIRST: MessageType.STREAM_DATA_FIRST,
    PlainStreamEvent.DATA_MIDDLE: MessageType.STREAM_DATA_MIDDLE,
    PlainStreamEvent.DATA_LAST: MessageType.STREAM_DATA_LAST,
    PlainStreamEvent.DATA_RETRY: MessageType.STREAM_DATA_RETRY,
    PlainStreamEvent.DATA_FAILED: MessageType.STREAM_DATA_FAILED,
    PlainStreamEvent.END: MessageType.STREAM_END,
}
"""Both spellings of every stream event, and the type they mean."""

RESERVED_EVENTS: Final = frozenset({"connect", "disconnect", "connect_error"})
"""Names Socket.IO keeps for itself; a client that sends one is forging."""

EVENT_ALIASES: Final = {"CLIENT_DISCONNETED": Event.CLIENT_DISCONNECTED}
"""Misspellings that clients in use send."""

SILLY_TAVERN_TYPE: Final = "SillyTavern"
MONITOR_TYPE: Final = "monitor"
CLIENT_TYPE_ALIASES: Final = {"extension": SILLY_TAVERN_TYPE}

ASK_FOR_KEY: Final = "getKey"
"""What stands in the handshake's ``key`` when the client wants one."""

SERVER: Final = "server"
"""The ``source`` of what the broker says, and its name as a target."""

AUTO_TARGET: Final = "auto"
MONITOR_ROOM: Final = "monitor-room"
RESERVED_NAMES: Final = frozenset({SERVER, "all", AUTO_TARGET, MONITOR_ROOM})
"""Names that no identity and no room may take."""

LIVENESS_QUESTION: Final = "Connection active?"
LIVENESS_ANSWER: Final = "Yes,connection is fine."
