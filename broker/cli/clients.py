"""``tapster clients``: who is trusted."""

from __future__ import annotations

import sys
import time
from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from actors import client_records
from broker.cli.database import client_name, open_database
from broker.cli.options import (
    DATA_FOLDER,
    SETTINGS_FOLDER,
    Data,
    Settings,
    plain_errors,
)
from broker.config import CLIENT_SUFFIX
from broker.protocol.wire import MONITOR_TYPE, SILLY_TAVERN_TYPE
from broker.security.trust import Trust, TrustRegistry
from broker.start import StartError

app = typer.Typer(
    help="See and decide which clients are trusted.", no_args_is_help=True
)

ClientId = Annotated[str, typer.Argument(metavar="CLIENT", help="The clientId.")]


class Kind(StrEnum):
    """What a client may be beside a plain one."""

    MONITOR = MONITOR_TYPE
    SILLY_TAVERN = SILLY_TAVERN_TYPE


ClientType = Annotated[
    Kind | None, typer.Option("--type", help="What else the client may be.")
]


@app.command()
def trust(client: ClientId, kind: ClientType = None, data: Data = DATA_FOLDER) -> None:
    """Trust a client: it may connect, with a key."""
    with plain_errors(), open_database(data) as database:
        row = client_records.ClientRow(client_name(client), kind or "", time.time())
        database.writer.ask(client_records.TrustClient(row))
    print(f"{client} is trusted. Make a key for it with: tapster keys make {client}")


@app.command()
def forget(
    client: ClientId, settings: Settings = SETTINGS_FOLDER, data: Data = DATA_FOLDER
) -> None:
    """Trust a client no longer, and drop its keys."""
    with plain_errors(), open_database(data) as database:
        contents = database.contents
        holders = {row.client for row in contents.keys}
        if client not in holders | {row.client for row in contents.clients}:
            raise StartError(f"the database has no client {client}")
        database.writer.ask(client_records.ForgetClient(client))
    print(f"{client} is forgotten, and its keys with it.")
    registry = TrustRegistry(settings)
    registry.refresh()
    if registry.find(client) is not None:
        file = settings / f"{client}{CLIENT_SUFFIX}"
        print(f"{file} still trusts it: delete the file too.", file=sys.stderr)


@app.command("list")
def list_clients(
    settings: Settings = SETTINGS_FOLDER, data: Data = DATA_FOLDER
) -> None:
    """List the clients that are trusted."""
    registry = TrustRegistry(settings)
    registry.refresh()
    table = Table("client", "type", "trusted by", "keys")
    with plain_errors(), open_database(data) as database:
        contents = database.contents
    stored = {
        row.client: Trust(row.client, row.type or None) for row in contents.clients
    }
    in_files = registry.in_files()
    for client, known in sorted((stored | in_files).items()):
        keys = sum(row.client == client for row in contents.keys)
        source = "settings file" if client in in_files else "database"
        table.add_row(client, known.type or "", source, str(keys))
    Console().print(table)
