"""The command line, and a broker that runs beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest
from typer.testing import CliRunner, Result

from broker.cli import make_app
from tests.integration.harness import Broker

Tapster: TypeAlias = Callable[..., Result]


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    """The settings folder of the commands."""
    return tmp_path / "settings"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The data folder of the commands."""
    return tmp_path / "data"


@pytest.fixture
def tapster(settings: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> Tapster:
    """Run ``tapster`` with the folders that each command knows of."""
    monkeypatch.setenv("COLUMNS", "200")

    def run(*words: str) -> Result:
        options = []
        if words[:2] not in {
            ("clients", "trust"),
            ("keys", "list"),
            ("keys", "rotate"),
            ("keys", "revoke"),
        }:
            options += ["--settings", str(settings)]
        if words[0] != "config":
            options += ["--data", str(data)]
        return CliRunner().invoke(make_app(), [*words, *options])

    return run


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """Run a broker over the same folders."""
    running = Broker(tmp_path, clients={"guest": {}})
    running.start()
    yield running
    running.stop()
