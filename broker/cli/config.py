"""``tapster config``: see what is in force, and whether the files are sound."""

from __future__ import annotations

import sys

import msgspec
import typer
from rich.console import Console

from broker.cli.options import SETTINGS_FOLDER, Settings, plain_errors
from broker.config import CLIENT_SUFFIX, SettingsError
from broker.routes import RoutesFile
from broker.settings_file import read_client_settings, read_server_settings

app = typer.Typer(help="See and check the settings.", no_args_is_help=True)


@app.command()
def show(settings: Settings = SETTINGS_FOLDER) -> None:
    """Print the server's settings in force, defaults included."""
    with plain_errors():
        values, _ = read_server_settings(settings)
    Console().print_json(msgspec.json.encode(values).decode())


@app.command()
def check(settings: Settings = SETTINGS_FOLDER) -> None:
    """Check all settings files; exits with 1 where one is broken."""
    broken = 0
    try:
        _, warnings = read_server_settings(settings)
    except SettingsError as error:
        warnings, broken = [str(error)], 1
    for warning in warnings:
        print(warning, file=sys.stderr)
    files = sorted(settings.glob(f"*{CLIENT_SUFFIX}"))
    for file in files:
        try:
            read_client_settings(file)
        except SettingsError as error:
            broken += 1
            print(error, file=sys.stderr)
    try:
        RoutesFile(settings).read()
    except SettingsError as error:
        broken += 1
        print(error, file=sys.stderr)
    if broken:
        raise typer.Exit(1)
    print(f"{settings}: sound, {len(files)} client files.")
