"""``tapster keys``: make, list and revoke keys."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from actors import keyring, store
from actors.errors import BrokerError
from broker.app import StartError
from broker.cli.clients import ClientId
from broker.cli.database import Database, client_name, open_database
from broker.cli.options import (
    DATA_FOLDER,
    SETTINGS_FOLDER,
    Data,
    Settings,
    plain_errors,
)
from broker.security.trust import TrustRegistry

app = typer.Typer(help="Make, list and revoke keys of clients.", no_args_is_help=True)


@app.command()
def make(
    client: ClientId, settings: Settings = SETTINGS_FOLDER, data: Data = DATA_FOLDER
) -> None:
    """Make a key for a client, and trust it. The key is shown this once."""
    with plain_errors(), open_database(data) as database:
        _trust(client_name(client), settings, database)
        try:
            issued = database.keys.ask(keyring.Issue(client), block=True)
        except BrokerError as error:
            raise StartError(error.message) from None
    print(issued.key)


@app.command("list")
def list_keys(
    client: Annotated[
        str | None, typer.Argument(metavar="[CLIENT]", help="Only of this client.")
    ] = None,
    data: Data = DATA_FOLDER,
) -> None:
    """List keys by their ids; the keys themselves are not kept."""
    table = Table("client", "key id", "made", "last used")
    with plain_errors(), open_database(data) as database:
        rows = database.contents.keys
    for row in sorted(rows, key=lambda row: (row.client, row.created_at)):
        if client in (None, row.client):
            used = _moment(row.last_used_at)
            table.add_row(row.client, row.id, _moment(row.created_at), used)
    Console().print(table)


@app.command()
def revoke(
    client: ClientId,
    key_id: Annotated[
        str | None, typer.Argument(metavar="[KEY_ID]", help="Only this key.")
    ] = None,
    data: Data = DATA_FOLDER,
) -> None:
    """Revoke a client's keys, or one of them."""
    with plain_errors(), open_database(data) as database:
        dropped = database.keys.ask(keyring.Revoke(client, key_id), block=True)
        if not dropped:
            which = f"a key {key_id}" if key_id else "any key"
            raise StartError(f"{client} does not have {which}")
    print(f"Revoked: {', '.join(dropped)}")


def _trust(client: str, settings: Settings, database: Database) -> None:
    registry = TrustRegistry(settings)
    registry.refresh()
    registry.replace_stored(database.contents.clients)
    if registry.find(client) is None:
        row = store.ClientRow(client, "", time.time())
        database.writer.ask(store.TrustClient(row))


def _moment(seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, UTC).astimezone()
    return moment.strftime("%Y-%m-%d %H:%M")
