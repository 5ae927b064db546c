"""``tapster keys``: make, rotate, list and revoke keys."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from actors import client_records, keyring
from actors.errors import BrokerError
from broker.cli.clients import ClientId
from broker.cli.database import Database, client_name, open_database
from broker.cli.duration import seconds
from broker.cli.options import (
    DATA_FOLDER,
    SETTINGS_FOLDER,
    Data,
    Settings,
    plain_errors,
)
from broker.security.trust import TrustRegistry
from broker.start import StartError

app = typer.Typer(
    help="Make, rotate, list and revoke keys of clients.", no_args_is_help=True
)

Expires = Annotated[
    str | None,
    typer.Option(metavar="TIME", help="How long it is good: 30d, 24h. Default: ever."),
]
Overlap = Annotated[
    str, typer.Option(metavar="TIME", help="How long the others stay good.")
]


@app.command()
def make(
    client: ClientId,
    expires: Expires = None,
    settings: Settings = SETTINGS_FOLDER,
    data: Data = DATA_FOLDER,
) -> None:
    """Make a key for a client, and trust it. The key is shown this once."""
    with plain_errors():
        issue = keyring.Issue(client_name(client), lifetime=_lifetime(expires))
        with open_database(data) as database:
            _trust(client, settings, database)
            issued = _ask(database, issue)
    print(issued.key)


@app.command()
def rotate(
    client: ClientId,
    overlap: Overlap = "24h",
    expires: Expires = None,
    data: Data = DATA_FOLDER,
) -> None:
    """Make a new key for a client; its others are good for a while yet."""
    with plain_errors():
        message = keyring.Rotate(client, seconds(overlap), _lifetime(expires))
        with open_database(data) as database:
            if all(row.client != client for row in database.contents.keys):
                raise StartError(
                    f"{client} has no key to rotate: tapster keys make {client}"
                )
            rotated: keyring.Rotated = _ask(database, message)
    print(rotated.key)
    for row in rotated.expiring:
        print(f"{row.id} is good until {_end(row)}", file=sys.stderr)


@app.command("list")
def list_keys(
    client: Annotated[
        str | None, typer.Argument(metavar="[CLIENT]", help="Only of this client.")
    ] = None,
    data: Data = DATA_FOLDER,
) -> None:
    """List keys by their ids; the keys themselves are not kept."""
    table = Table("client", "key id", "made", "last used", "good until")
    with plain_errors(), open_database(data) as database:
        rows = database.contents.keys
    for row in sorted(rows, key=lambda row: (row.client, row.created_at)):
        if client in (None, row.client):
            made, used = _moment(row.created_at), _moment(row.last_used_at)
            table.add_row(row.client, row.id, made, used, _end(row))
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
        row = client_records.ClientRow(client, "", time.time())
        database.writer.ask(client_records.TrustClient(row))


def _ask(database: Database, message: keyring.Issue | keyring.Rotate) -> Any:
    try:
        return database.keys.ask(message, block=True)
    except BrokerError as error:
        raise StartError(error.message) from None


def _lifetime(expires: str | None) -> float | None:
    if expires is None:
        return None
    lifetime = seconds(expires)
    if not lifetime:
        raise StartError("a key must be good for a second at least")
    return lifetime


def _end(row: client_records.KeyRow) -> str:
    if row.expires_at is None:
        return "revoked"
    moment = _moment(row.expires_at)
    return moment if row.is_good(time.time()) else f"{moment} (expired)"


def _moment(seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, UTC).astimezone()
    return moment.strftime("%Y-%m-%d %H:%M")
