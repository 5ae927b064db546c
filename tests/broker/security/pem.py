"""Certificates for tests, made by the openssl command."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from broker.security.certificate import TlsFiles


def make_certificate(folder: Path, name: str, *, password: str = "") -> TlsFiles:
    """A certificate of this machine, signed by itself, and its key."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("certificates for tests need the openssl command")
    made = TlsFiles(folder / f"{name}.pem", folder / f"{name}-key.pem")
    locked = ("-passout", f"pass:{password}") if password else ("-noenc",)
    options = (
        *("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
        *("-subj", f"/CN={name}", "-days", "2"),
        *("-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"),
        *("-keyout", str(made.key), "-out", str(made.cert), *locked),
    )
    subprocess.run(  # noqa: S603 - our own command line
        [openssl, "req", "-x509", *options], check=True, capture_output=True
    )
    return made


def put_in_place(new: TlsFiles, old: TlsFiles) -> None:
    """Renew a certificate as its tools do: one file after the other."""
    old.key.write_bytes(new.key.read_bytes())
    old.cert.write_bytes(new.cert.read_bytes())
