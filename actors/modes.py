"""Message request modes: what becomes of a request, by its room's mode and its role.

Pure: tables. Who is what in a room is the room actor's.
"""

from __future__ import annotations

from enum import Enum, StrEnum
from typing import Final

from actors.errors import ProtocolError
from actors.roles import Role


class RequestMode(StrEnum):
    """How a room treats the requests of its members."""

    DEFAULT = "Default"
    IMMEDIATE = "Immediate"
    MASTER_ONLY = "MasterOnly"
    SEPARATE = "Separate"
    CONVERSATIONAL = "Conversational"


MODE_ALIASES: Final = {"HostSubmit": RequestMode.DEFAULT}
"""Other names of modes that clients send."""


def mode_of(name: str) -> RequestMode:
    """The mode of a name.

    Raises:
        ProtocolError: there is no such mode.
    """
    try:
        return MODE_ALIASES.get(name) or RequestMode(name)
    except ValueError:
        known = ", ".join(RequestMode)
        raise ProtocolError(f"there is no mode {name!r}: use one of {known}") from None


class Treatment(Enum):
    """What becomes of a request."""

    SEND = "goes to an extension, with what is held"
    HOLD = "waits until somebody who rules the room sends"
    RECORD = "is kept as context and not sent"


def treatment(mode: RequestMode, role: Role, *, has_target: bool) -> Treatment:
    """What a mode does with a request of a role."""
    if mode is RequestMode.CONVERSATIONAL:
        return Treatment.SEND if has_target else Treatment.RECORD
    if role.rules:
        return Treatment.SEND
    if mode is RequestMode.DEFAULT:
        return Treatment.HOLD
    if mode is RequestMode.MASTER_ONLY:
        return Treatment.RECORD
    return Treatment.SEND
