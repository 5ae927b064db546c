"""Fixtures: a broker all may share, brokers of one's own, and Node."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from .harness import Broker, Names, Node, StartBroker


@pytest.fixture(scope="session")
def names() -> Names:
    """Ids that the shared broker trusts, each handed out once."""
    return Names()


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """Run the broker that tests share, with settings as shipped."""
    trusted: dict[str, dict[str, Any]] = {
        name: {} for name in Names.all_clients() + Names.all_extensions()
    }
    shared = Broker(tmp_path_factory.mktemp("shared"), clients=trusted)
    shared.start()
    yield shared
    shared.stop()


@pytest.fixture(scope="session")
def monitored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """Run a second one that tests share, where the monitor may ask for a key."""
    trusted: dict[str, dict[str, Any]] = {
        name: {} for name in Names.all_clients() + Names.all_extensions()
    }
    shared = Broker(
        tmp_path_factory.mktemp("monitored"),
        clients=trusted | {"monitor": {"clientType": "monitor"}},
        server={"monitorsMayGetKey": True, "newKeysPerMinute": 10_000},
    )
    shared.start()
    yield shared
    shared.stop()


@pytest.fixture
def party(broker: Broker, names: Names) -> dict[str, str]:
    """Name a client and an extension of the shared broker that nobody else uses."""
    return {
        "url": broker.url,
        "clientId": names.client(),
        "extension": names.extension(),
    }


@pytest.fixture
def start_broker(tmp_path: Path) -> Iterator[StartBroker]:
    """Start brokers with settings of one's own; all of them end with the test."""
    with ExitStack() as running:

        def start(clients: dict[str, dict[str, Any]], **server: Any) -> Broker:
            root = tmp_path / f"broker-{len(list(tmp_path.iterdir()))}"
            own = Broker(root, server=server, clients=clients)
            own.start()
            running.callback(own.stop)
            return own

        yield start


@pytest.fixture(scope="session")
def node() -> Node:
    """Run a scenario in Node and return what was heard."""
    return Node()
