"""The index arithmetic of one output."""

from __future__ import annotations

from typing import Any

import pytest

from broker.client.notice import Chunk, ResumedOutput
from broker.client.output import GapError, Output


def chunk(index: int, data: str, **more: Any) -> Chunk:
    """A live chunk."""
    return Chunk(request_id="r", output_id="o", index=index, data=data, **more)


def test_a_chunk_that_is_known_adds_nothing() -> None:
    """A reader drops what has an index below its own."""
    output = Output()
    output.take(chunk(0, "a"))

    assert output.take(chunk(0, "a")) == ""
    assert output.text == "a"


def test_a_joined_chunk_counts_as_all_that_are_in_it() -> None:
    """``firstIndex`` to ``index``."""
    output = Output()

    assert output.take(chunk(2, "abc", first_index=0)) == "abc"
    assert output.next == 3


@pytest.mark.parametrize(("first", "last"), [(2, 2), (0, 3)])
def test_a_chunk_that_does_not_fit_is_a_gap(first: int, last: int) -> None:
    """Neither one too far on, nor one that holds text we have, can be used."""
    output = Output()
    output.take(chunk(0, "a"))
    with pytest.raises(GapError):
        output.take(chunk(last, "xyz", first_index=first))

    assert output.text == "a"


def test_an_end_that_counts_more_chunks_is_a_gap() -> None:
    """The last chunk of all leaves no later one to betray that it is missing."""
    output = Output()
    output.take(chunk(0, "a"))
    with pytest.raises(GapError):
        output.end(None, chunks=2)

    assert (
        output.resume(ResumedOutput(output_id="o", next=2, text="b", done=True)) == "b"
    )
    assert output.done


def test_a_final_text_that_goes_on_yields_its_rest() -> None:
    """Pieces then add up to the text."""
    output = Output()
    output.take(chunk(0, "Hel"))

    assert output.end("Hello") == "lo"
    assert output.text == "Hello"


def test_a_final_text_tells_a_late_reader_nothing_new() -> None:
    """Who began in the middle can not know which part of it is new."""
    output = Output(start=3)

    assert output.end("Hello") == ""
    assert output.text == "Hello"
