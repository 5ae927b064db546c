"""The certificate the broker shows, and its key: read, checked, and read anew.

Owns the TLS contexts. A certificate is taken whole or not at all: connections that
are open keep theirs, and a broken file leaves the one that is in force.
"""

from __future__ import annotations

import contextlib
import logging
import ssl
from pathlib import Path
from typing import Any, Final, TypeAlias

import msgspec

logger = logging.getLogger(__name__)

_FOREIGN_KEY: Final = "KEY_VALUES_MISMATCH"
"""OpenSSL's word for a key that is another certificate's."""

Stamp: TypeAlias = tuple[tuple[int, int, int], ...]
"""What changes with a file, of both."""


class CertificateError(Exception):
    """A certificate can not be used: which file, and why."""


class TlsFiles(msgspec.Struct, frozen=True):
    """Where a certificate and its key are, both in PEM."""

    cert: Path
    key: Path


class Certificate:
    """What a broker proves its name with, for as long as it runs."""

    def __init__(self, files: TlsFiles) -> None:
        """Read the files.

        Raises:
            CertificateError: they can not be used.
        """
        self._files = files
        self._seen = _stamp(files)
        self._current = _load(files)
        self.context = _load(files)
        """What a server is given; each new connection gets the current one."""
        self.context.sni_callback = self._hand_over

    def look(self) -> None:
        """Read the files again if they have changed."""
        stamp = _stamp(self._files)
        if stamp == self._seen:
            return
        self._seen = stamp
        try:
            self._current = _load(self._files)
        except CertificateError as error:
            logger.warning("%s: the certificate in force stays", error)
        else:
            logger.info("%s is the certificate from now on", self._files.cert)

    def _hand_over(self, connection: ssl.SSLObject, *_: Any) -> None:
        connection.context = self._current


def _stamp(files: TlsFiles) -> Stamp:
    """What tells whether files have changed; of a missing one nothing."""
    stamps = []
    for path in (files.cert, files.key):
        with contextlib.suppress(OSError):
            found = path.stat()
            stamps.append((found.st_mtime_ns, found.st_size, found.st_ino))
    return tuple(stamps)


def _load(files: TlsFiles) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["http/1.1"])
    for path in (files.cert, files.key):
        _must_be_readable(path)
    try:
        context.load_cert_chain(files.cert, files.key, password=_refuse_to_guess)
    except _LockedKeyError:
        raise CertificateError(
            f"{files.key}: the key has a password: save it without one"
        ) from None
    except (ssl.SSLError, OSError) as error:
        raise CertificateError(_why(files, error)) from error
    return context


def _must_be_readable(path: Path) -> None:
    try:
        with path.open("rb"):
            pass
    except OSError as error:
        raise CertificateError(f"{path}: can not be read: {error.strerror}") from error


def _why(files: TlsFiles, error: OSError) -> str:
    """Which of two files OpenSSL did not like; it says so of neither."""
    if isinstance(error, ssl.SSLError) and error.reason == _FOREIGN_KEY:
        return f"{files.key}: the key is not that of {files.cert}"
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_verify_locations(files.cert)
    except (ssl.SSLError, OSError):
        return f"{files.cert}: this is no certificate in PEM"
    return f"{files.key}: this is no key in PEM that fits {files.cert}"


class _LockedKeyError(Exception):
    """A key asks for its password."""


def _refuse_to_guess() -> str:
    """Be asked for a password: OpenSSL would ask at the terminal."""
    raise _LockedKeyError
