"""What the assignments actor tells rooms.

It stands apart because rooms know the assignments actor, not the reverse.
"""

from __future__ import annotations

import msgspec


class AssignmentChanged(msgspec.Struct, frozen=True):
    """The room may use other extensions than before."""

    extensions: tuple[str, ...]
