"""The command ``tapster`` itself."""

from __future__ import annotations

import subprocess
import sys

from typer.testing import CliRunner

from broker import __version__
from broker.cli import make_app


def test_version_is_told() -> None:
    """And nothing else is done."""
    result = CliRunner().invoke(make_app(), ["--version"])

    assert (result.exit_code, result.stdout) == (0, f"Tapster {__version__}\n")


def test_help_lists_every_command() -> None:
    """For whoever types ``tapster`` and no more."""
    result = CliRunner().invoke(make_app(), ["--help"])

    for name in ("serve", "demo", "clients", "keys", "config"):
        assert name in result.stdout


def test_importing_the_cli_does_nothing() -> None:
    """No file, no log handler, no word."""
    code = (
        "import logging, broker.cli; assert not logging.getLogger().handlers;"
        "assert not logging.getLogger('broker').handlers"
    )
    done = subprocess.run(  # noqa: S603 - our own words
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        check=False,
        timeout=30,
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
