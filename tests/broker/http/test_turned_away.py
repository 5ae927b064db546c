"""Connections for which there is no place, when there are very many of them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from broker.http.places import SPARE
from broker.http.turned_away import AT_ONCE
from tests.broker.gateway.in_process import broker_in_process


async def test_not_even_those_who_are_to_be_told_take_all_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So many wait to be told at a time, and the others are closed untold."""
    async with broker_in_process(tmp_path, monkeypatch, max_connections=1) as broker:
        inside = [broker.line() for _ in range(1 + SPARE)]
        waiting = [broker.line() for _ in range(AT_ONCE)]
        untold = broker.line()

        assert not any(line.is_closing() for line in inside + waiting)
        assert untold.is_closing()

        waiting[0].feed(b"GET / HTTP/1.1\r\n")
        assert "503" in await waiting[0].hear("too many connections")
        await asyncio.sleep(0)  # it is gone in the next turn of the loop
        told = broker.line()
        told.feed(b"?")
        assert "503" in await told.hear("too many connections")
