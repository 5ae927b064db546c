"""Every setting, once: name, default, unit and range.

``settings/server_settings.json`` is ``ServerSettings`` written out; a file for each
client that is trusted stands beside it (``settings_file`` reads both). Names are those
of the files people already have. Only this module reads the environment.
"""

from __future__ import annotations

import os
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from actors.house import HouseRules, Patience
from actors.modes import RequestMode

Seconds = Annotated[float, Meta(gt=0, le=86_400)]
Count = Annotated[int, Meta(ge=1, le=1_000_000_000)]
Port = Annotated[int, Meta(ge=0, le=65_535)]

SERVER_FILE: Final = "server_settings.json"
CLIENT_SUFFIX: Final = "-settings.json"
FAST_LANE_VARIABLE: Final = "TAPSTER_FAST_LANE"
CHAOS_VARIABLE: Final = "TAPSTER_CHAOS"

FORMER_KEYS: Final = frozenset(
    {
        "autoConnect",
        "clientKeys",
        "extensionRooms",
        "queryParameters",
    }
)
"""Keys of installations of SillyTavern-NewAge; accepted with a warning."""

PUBLIC_FIELDS: Final = (
    "serverAddress",
    "serverPort",
    "socketIOPath",
    "transport",
    "timeout",
    "reconnectAttempts",
    "reconnectDelay",
    "networkSafe",
)
"""What everybody may read of the server's settings."""


class SettingsError(Exception):
    """A settings file can not be used: which, where in it, and why."""


class ServerSettings(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How the broker behaves. Times in seconds where nothing else is said."""

    server_address: str = "http://127.0.0.1"
    """The address to listen on, as clients write it."""
    server_port: Port = 4_000
    """The port; 0: any free one."""
    socket_io_path: str = msgspec.field(default="/socket.io", name="socketIOPath")
    """The path of the Socket.IO endpoint."""

    tls_cert: str = ""
    """The file of the certificate, its chain included; empty: no encryption."""
    tls_key: str = ""
    """The file of its key."""

    transport: Literal["websocket", "polling"] = "websocket"
    """What clients are advised to connect with; both are served."""
    timeout: Count = 20_000
    """Milliseconds clients are advised to wait for a connection."""
    reconnect_attempts: Annotated[int, Meta(ge=0)] = 1_000_000
    """How often clients are advised to try again."""
    reconnect_delay: Count = 1_000
    """Milliseconds clients are advised to wait between attempts."""

    network_safe: bool = True
    """Whether local clients may ask for a key without having one."""
    trust_on_first_use: bool = True
    """Whether a new local SillyTavern is trusted by itself."""
    monitors_may_get_key: bool = False
    """Whether monitors get a key that way too: they rule the house."""
    trusted_networks: list[str] = []
    """Networks (CIDR) that count as local."""
    trusted_proxies: list[str] = []
    """Networks (CIDR) of reverse proxies whose word on an address counts."""
    allowed_origins: list[str] = []
    """Further web origins that may connect; * for all."""
    allowed_hosts: list[str] = []
    """Further names this server may be called by in the Host header."""
    public_health: bool = False
    """Whether /healthz answers everybody, from wherever they ask."""
    stream_names: Literal["plain", "server", "both"] = "plain"
    """The event names answers are streamed under, where a client says nothing."""

    rooms_by_monitors_only: bool = False
    """Whether only monitors (and SillyTaverns, if they may) create rooms."""
    extensions_manage_rooms: bool = True
    """Whether SillyTaverns may create and delete rooms, and add and remove clients."""
    extensions_manage_keys: bool = True
    """Whether SillyTaverns may make and remove the keys of clients."""
    custom_events: bool = True
    """Whether events that the protocol does not know are passed on."""
    default_room_message_request_mode: RequestMode = RequestMode.DEFAULT
    """The mode of rooms made from now on, unless a monitor has set another."""
    context_messages: Annotated[int, Meta(ge=0, le=100)] = 20
    """Messages of the room that an order brings along, unless asked otherwise."""
    context_bytes: Count = 128 * 1024
    """What these may take together."""
    answer_limit: Count = 8 * 1024 * 1024
    """Bytes of memory for all that one SillyTavern says to one request."""
    context_page_size: Annotated[int, Meta(ge=1, le=1_000)] = 50
    """Messages of a room's history on one page."""
    context_send_delay: Annotated[float, Meta(ge=0, le=60)] = 0.05
    """Between two pages."""
    think_after: Seconds = 60
    """At the earliest, a SillyTavern is asked to join a conversation so long after
    the last message."""
    think_before: Seconds = 300
    """At the latest."""
    function_timeout: Seconds = 30
    """For a function called at a client or a SillyTavern."""

    reconnect_grace: Seconds = 30
    """How long who drops out keeps their place."""
    first_token_timeout: Seconds = 120
    """From a request's sending to the first of its answer."""
    chunk_timeout: Seconds = 60
    """Between two chunks of an answer."""
    request_timeout: Seconds = 1_200
    """For a request as a whole."""
    output_idle_timeout: Seconds = 15
    """After which an older extension's answer counts as whole."""
    max_attempts: Count = 3
    """Extensions a request is tried with before its first chunk."""
    requests_in_flight: Count = 16
    """Per identity."""
    queued_per_extension: Count = 256
    """Requests that wait for one SillyTavern."""
    members_per_room: Count = 10_000
    """Per room."""
    rooms_per_identity: Count = 1_000
    """That one identity has created."""
    message_text: Count = 256 * 1024
    """Bytes of the text of one message."""
    history_per_room: Count = 100_000
    """Messages kept of one room; the oldest are dropped."""
    gap_chunks: Count = 1_000
    """Chunks of a stream that wait for a missing one."""
    gap_bytes: Count = 256 * 1024
    """What these may take together."""
    answer_ttl: Seconds = 600
    """How long an ended answer can be resumed."""
    answer_cache: Count = 64 * 1024 * 1024
    """Bytes of ended answers that are kept for it."""

    handshake_timeout: Seconds = 10
    """In which a connection must have joined a namespace."""
    read_timeout: Seconds = 30
    """In which the body of an HTTP request, or all attachments, must have come."""
    write_timeout: Seconds = 10
    """After which a socket that takes nothing is cut."""
    ping_interval: Seconds = 25
    """Between two signs of life."""
    ping_timeout: Seconds = 20
    """After which a silent connection is given up."""
    max_packet: Count = 1024 * 1024
    """Bytes of one packet."""
    max_depth: Annotated[int, Meta(ge=4, le=256)] = 64
    """Levels of nesting in a packet."""
    max_attachments: Annotated[int, Meta(ge=0, le=1_000)] = 10
    """Binary attachments of one packet, together at most as large as a packet."""
    outbox_limit: Count = 4 * 1024 * 1024
    """Bytes that wait for one socket before it is closed."""
    library_window: Count = 64 * 1024
    """Bytes of one library stream that may be unacknowledged."""
    new_keys_per_minute: Count = 10
    """Keys issued to one client."""
    wrong_keys_per_minute: Count = 10
    """From one address, before it is refused for a while."""
    wrong_keys_ban: Seconds = 60
    """How long that is the first time; each time again, twice as long."""
    wrong_keys_longest_ban: Seconds = 3_600
    """How long it is at most."""
    events_per_second: Count = 200
    """From one connection; beyond the burst an event is refused."""
    events_burst: Count = 400
    """Events that may come at once."""
    stream_events_per_second: Count = 5_000
    """From one SillyTavern; beyond it, reading from its connection pauses."""
    connections_per_address: Count = 50
    """Open at once from one address that is not of this machine."""
    max_connections: Count = 10_000
    """Open at once in all."""

    drain_timeout: Seconds = 30
    """How long running answers have to end after SIGTERM."""

    log_level: Literal["debug", "info", "warn", "error"] = "info"
    """The least that is written to the log files and the terminal."""
    log_file_size: Annotated[int, Meta(ge=64 * 1024, le=1 << 40)] = 10 * 1024 * 1024
    """Bytes of a log file, before a new one is begun."""
    log_files: Annotated[int, Meta(ge=1, le=1_000)] = 5
    """Files kept of each log, the current one included."""

    @property
    def host(self) -> str:
        """The address to listen on, without scheme and port."""
        address = self.server_address
        return urlsplit(address).hostname or address if "://" in address else address

    def rules(self) -> HouseRules:
        """What the operator lets people do in rooms."""
        return HouseRules(
            rooms_by_monitors_only=self.rooms_by_monitors_only,
            extensions_manage_rooms=self.extensions_manage_rooms,
        )

    def patience(self) -> Patience:
        """The times and limits that are the actors'."""
        return Patience(
            reconnect_grace=self.reconnect_grace,
            first_token_timeout=self.first_token_timeout,
            chunk_timeout=self.chunk_timeout,
            request_timeout=self.request_timeout,
            output_idle_timeout=self.output_idle_timeout,
            max_attempts=self.max_attempts,
            requests_in_flight=self.requests_in_flight,
            queued_per_extension=self.queued_per_extension,
            members_per_room=self.members_per_room,
            rooms_per_identity=self.rooms_per_identity,
            message_text=self.message_text,
            history_per_room=self.history_per_room,
            gap_chunks=self.gap_chunks,
            gap_bytes=self.gap_bytes,
            answer_limit=self.answer_limit,
            context_messages=self.context_messages,
            context_bytes=self.context_bytes,
            think_after=self.think_after,
            think_before=self.think_before,
            answer_ttl=self.answer_ttl,
            answer_bytes=self.answer_cache,
        )


class ClientSettings(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What the broker reads in ``settings/<clientId>-settings.json``.

    The file may hold more, which is the client's own.
    """

    client_id: str
    is_trust: bool = False
    """Whether the client may connect at all."""
    client_type: str | None = None
    """``monitor`` or ``SillyTavern`` where the client may be that."""
    silly_tavern_pass_word: str | None = None
    """A SillyTavern's password; replaced by its bcrypt hash at start."""
    origins: list[str] = []
    """Web origins from which this client may ask for a key."""
    stream_names: Literal["plain", "server", "both"] | None = None
    """The event names this client's answers are streamed under."""
    may_serve_files: bool = False
    """Whether the client may have files served over HTTP."""
    trusted_on_first_use: bool = False
    """Written by the broker where nobody but itself decided so."""


def fast_lane_enabled() -> bool:
    """Whether chunks take the fast lane; the plain one is for comparing."""
    return os.environ.get(FAST_LANE_VARIABLE, "1") != "0"


def chaos_pause() -> float | None:
    """Seconds between two crashes that are made on purpose; None: there are none.

    Raises:
        SettingsError: the environment names no such time.
    """
    value = os.environ.get(CHAOS_VARIABLE, "")
    if not value:
        return None
    try:
        return msgspec.convert(value, Seconds, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsError(f"{CHAOS_VARIABLE}: {error}, not {value!r}") from None
