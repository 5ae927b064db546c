"""What holds for all tests: no log of any broker holds a key."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Final

import pytest

from tests.secrets import SEEN_KEYS, Search, search

_SEARCH: Final = pytest.StashKey[Search]()


@pytest.fixture(scope="session", autouse=True)
def no_log_holds_a_key(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """When all tests are over, look for every key of theirs in every log."""
    folder = tmp_path_factory.getbasetemp()
    seen = folder / "seen_keys"
    os.environ[SEEN_KEYS] = str(seen)
    yield
    del os.environ[SEEN_KEYS]
    found = request.config.stash[_SEARCH] = search(folder, seen)

    assert not found.leaks, str(found)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say how much was looked for."""
    found = config.stash.get(_SEARCH, None)
    if found is not None and found.logs:
        terminalreporter.write_line(f"secrets: {found}")
