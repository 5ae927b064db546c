"""What clients send in ``/clients`` and ``/debug``, as typed frames. Pure."""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec

from broker.protocol.handshake import MAX_NAME
from broker.protocol.inbound import Frame
from broker.protocol.wire import LogFile, LogFilter

ClientName = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_NAME)]


class TargetClient(Frame, frozen=True, kw_only=True):
    """A client whose keys are meant."""

    bare_field: ClassVar[str | None] = "targetClientId"
    target_client_id: ClientName


class RemoveKey(TargetClient, frozen=True, kw_only=True):
    """A client, and which of its keys; None: all of them."""

    key_id: str | None = None


class ReadLog(Frame, frozen=True, kw_only=True):
    """Which page of which log; without anything, the newest of everything."""

    bare_field: ClassVar[str | None] = "filename"
    filename: LogFile = LogFile.COMBINED
    level: LogFilter = LogFilter.ALL
    page: Annotated[int, msgspec.Meta(ge=1, le=1_000_000_000)] = 1
    page_size: Annotated[int, msgspec.Meta(ge=1, le=100)] = 50
    search: Annotated[str, msgspec.Meta(max_length=200)] = ""
    """Only records that hold this text; case does not count."""
