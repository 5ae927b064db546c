"""What the assignments actor tells rooms.

It stands apart because rooms know the assignments actor, not the reverse. An own room
that nothing has happened in is no actor: the hall hears it in its place.
"""

from __future__ import annotations

import msgspec


class AssignmentChanged(msgspec.Struct, frozen=True):
    """The room may use other extensions than before."""

    room: str
    extensions: tuple[str, ...]
