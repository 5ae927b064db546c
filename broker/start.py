"""What a broker is told before it starts, and why it can not.

Apart from what starts it, so that each part can say that it can not begin, and a
command can say so without a broker.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from broker.security.certificate import TlsFiles


class StartError(Exception):
    """The broker can not start, and one sentence why."""


class Where(msgspec.Struct, frozen=True, kw_only=True):
    """Where a broker listens and keeps its things."""

    host: str
    port: int
    settings_folder: Path
    data_folder: Path
    tls: TlsFiles | None = None
    """The certificate to show; without one nothing is encrypted."""
