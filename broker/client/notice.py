"""What the broker says about an order, read into types. Pure.

The fields are those of sections 4, 5 and 7 of the protocol; unknown ones are let
pass, so a newer broker can say more.
"""

from __future__ import annotations

from typing import Any, Self, TypeVar

import msgspec

N = TypeVar("N", bound="Notice")


class Notice(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Anything that belongs to one request."""

    request_id: str

    @classmethod
    def read(cls, data: Any) -> Self:
        """The notice in what came over the wire.

        Raises:
            msgspec.ValidationError: it is not one.
        """
        return msgspec.convert(data, cls)


class Chunk(Notice, frozen=True, kw_only=True, rename="camel"):
    """A piece of an output; joined ones reach from ``first_index`` to ``index``."""

    output_id: str
    data: str
    index: int
    first_index: int | None = None

    @property
    def first(self) -> int:
        """The first index that is in it."""
        return self.index if self.first_index is None else self.first_index


class OutputEnd(Notice, frozen=True, kw_only=True, rename="camel"):
    """No more of an output will come; ``chunks`` is how many there were."""

    output_id: str
    chunks: int | None = None
    final_text: str | None = None


class Whole(Notice, frozen=True, kw_only=True, rename="camel"):
    """An output that came at once."""

    data: str
    output_id: str = ""


class StatusUpdate(Notice, frozen=True, kw_only=True, rename="camel"):
    """Where the request is now."""

    status: str
    position: int | None = None
    extension: str | None = None
    error: Any = None


class ResumedOutput(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What was missed of one output, and the index that comes next."""

    output_id: str
    next: int
    text: str = ""
    final_text: str | None = None
    done: bool = False


class Resumed(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The ack of a resumption."""

    outputs: list[ResumedOutput] = []
    state: str = ""
    error: Any = None
