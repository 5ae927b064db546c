"""Fixtures: brokers of one's own; every test of this folder is marked ``torture``."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from tests.integration.conftest import start_broker

__all__ = ["start_broker"]

HERE: Final = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave them out of ``make test``: they take minutes."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.torture)
