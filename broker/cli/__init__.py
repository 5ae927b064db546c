"""The command ``tapster``; one file a command. Importing it does nothing."""

from __future__ import annotations

import typer

from broker import __version__
from broker.cli import clients, config, demo, extension, keys, serve


def main() -> None:
    """Run the command line."""
    make_app()()


def make_app() -> typer.Typer:
    """Put the commands together."""
    app = typer.Typer(
        help="Tapster: a message broker that streams SillyTavern's answers.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    app.callback()(_options)
    app.command()(serve.serve)
    app.command()(demo.demo)
    app.add_typer(clients.app, name="clients")
    app.add_typer(keys.app, name="keys")
    app.add_typer(config.app, name="config")
    app.add_typer(extension.app, name="extension")
    return app


def _options(
    version: bool = typer.Option(  # noqa: FBT001
        False,  # noqa: FBT003
        "--version",
        help="Print the version.",
        is_eager=True,
        callback=lambda wanted: _print_version() if wanted else None,
    ),
) -> None:
    del version


def _print_version() -> None:
    print(f"Tapster {__version__}")
    raise typer.Exit
