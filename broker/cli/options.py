"""Options that several commands share, and how they end when something is wrong."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.logging import RichHandler

from broker.config import ServerSettings, SettingsError
from broker.logs import record
from broker.security.certificate import TlsFiles
from broker.settings_file import ensure_settings, read_server_settings
from broker.staff import StaffLostError
from broker.start import StartError, Where


class LogLevel(StrEnum):
    """How much is said on stderr."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


Settings = Annotated[
    Path, typer.Option("--settings", metavar="DIR", help="Folder of the settings.")
]
Data = Annotated[
    Path, typer.Option("--data", metavar="DIR", help="Folder of the database.")
]
Host = Annotated[
    str | None, typer.Option(help="Address to listen on. Default: the settings'.")
]
Port = Annotated[
    int | None,
    typer.Option(help="Port to listen on, 0 for any. Default: the settings'."),
]
TlsCert = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Certificate in PEM, its chain included."),
]
TlsKey = Annotated[
    Path | None, typer.Option(metavar="FILE", help="The certificate's key in PEM.")
]
Level = Annotated[
    LogLevel | None,
    typer.Option(help="How much to say on stderr. Default: the settings'."),
]

MAX_PORT = 65_535
SETTINGS_FOLDER = Path("settings")
DATA_FOLDER = Path("data")


@contextmanager
def plain_errors() -> Iterator[None]:
    """Say in one sentence what is wrong, and exit with 1."""
    try:
        yield
    except (SettingsError, StartError, StaffLostError) as error:
        print(f"tapster: {error}", file=sys.stderr)
        raise typer.Exit(1) from None


def set_up_logging(level: LogLevel | None) -> None:
    """Log to stderr: in colours for people, plainly for files and services.

    What the settings say of logging counts as soon as they are read, unless the
    command line names a level.
    """
    handler = _rich() if sys.stderr.isatty() else _plain()
    if level is not None:
        handler.setLevel(level.upper())
    root = (level or LogLevel.INFO).upper()
    logging.basicConfig(level=root, handlers=[handler], force=True)
    for library in ("socketio.server", "engineio.server", "pykka"):
        logging.getLogger(library).setLevel(logging.ERROR)


def follow_settings(values: ServerSettings, level: LogLevel | None) -> None:
    """Say on stderr as much as the settings say, unless a level was named."""
    if level is None:
        logging.getLogger().setLevel(record.Level(values.log_level).number)


def _rich() -> logging.Handler:
    handler = RichHandler(console=Console(stderr=True), show_path=False)
    handler.setFormatter(logging.Formatter("%(message)s"))
    return handler


def _plain() -> logging.Handler:
    handler = logging.StreamHandler()
    handler.setFormatter(record.LineFormatter())
    return handler


def load(
    settings: Path, data: Path, host: str | None, port: int | None
) -> tuple[ServerSettings, Where]:
    """Read the settings, writing those of a new installation first.

    Raises:
        SettingsError: a file is broken or can not be written.
        StartError: the port is none.
    """
    if port is not None and not 0 <= port <= MAX_PORT:
        raise StartError(f"{port} is no port: it must be 0 to {MAX_PORT}")
    ensure_settings(settings)
    values, warnings = read_server_settings(settings)
    for warning in warnings:
        logging.getLogger(__name__).warning("%s", warning)
    return values, Where(
        host=host or values.host,
        port=values.server_port if port is None else port,
        settings_folder=settings,
        data_folder=data,
    )


def find_tls(
    values: ServerSettings, settings: Path, cert: Path | None, key: Path | None
) -> TlsFiles | None:
    """The certificate of the command line, else that of the settings, if there is one.

    What the settings name lies in their folder, unless they say where.

    Raises:
        StartError: there is only one of the two files.
    """
    names = "--tls-cert and --tls-key"
    if cert is None and key is None:
        names = "tlsCert and tlsKey"
        cert = settings / values.tls_cert if values.tls_cert else None
        key = settings / values.tls_key if values.tls_key else None
    if cert is not None and key is not None:
        return TlsFiles(cert, key)
    if cert is None and key is None:
        return None
    raise StartError(f"{names} go together: name both files")
