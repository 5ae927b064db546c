"""The certificate: what is taken, what is not, and in which words."""

from __future__ import annotations

import logging
import ssl
from pathlib import Path

import pytest

from broker.security.certificate import Certificate, CertificateError, TlsFiles

from .pem import make_certificate, put_in_place


@pytest.fixture
def files(tmp_path: Path) -> TlsFiles:
    """A certificate and its key."""
    return make_certificate(tmp_path, "first")


def shown(certificate: Certificate) -> bytes:
    """What a client that connects now is shown."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server_side = certificate.context.wrap_bio(to_server, to_client, server_side=True)
    client_side = client.wrap_bio(to_client, to_server)
    for _ in range(3):
        for side in (client_side, server_side):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    return client_side.getpeercert(binary_form=True) or b""


def of(files: TlsFiles) -> bytes:
    """The certificate of a file."""
    return ssl.PEM_cert_to_DER_cert(files.cert.read_text())


def refusal(files: TlsFiles) -> str:
    """The sentence with which files are not taken."""
    with pytest.raises(CertificateError) as raised:
        Certificate(files)
    return str(raised.value)


def test_clients_are_shown_the_certificate(files: TlsFiles) -> None:
    """The one of the file, whether or not they say whom they want."""
    assert shown(Certificate(files)) == of(files)


def test_changed_certificate_is_shown_from_then_on(
    files: TlsFiles, tmp_path: Path
) -> None:
    """To new connections."""
    certificate = Certificate(files)
    put_in_place(make_certificate(tmp_path, "second"), files)
    before = shown(certificate)
    certificate.look()

    assert before != of(files)
    assert shown(certificate) == of(files)


def test_half_written_change_leaves_the_certificate_in_force(
    files: TlsFiles, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A new key beside the old certificate; told once, and taken when it is whole."""
    caplog.set_level(logging.WARNING)
    certificate, first = Certificate(files), of(files)
    second = make_certificate(tmp_path, "second")
    files.key.write_bytes(second.key.read_bytes())
    certificate.look()
    certificate.look()
    meanwhile = shown(certificate)
    put_in_place(second, files)
    certificate.look()

    assert meanwhile == first
    assert caplog.text.count("the certificate in force stays") == 1
    assert shown(certificate) == of(second)


def test_files_that_go_away_leave_the_certificate_in_force(
    files: TlsFiles, caplog: pytest.LogCaptureFixture
) -> None:
    """They are on their way, perhaps."""
    certificate, first = Certificate(files), of(files)
    files.cert.unlink()
    certificate.look()

    assert shown(certificate) == first
    assert f"{files.cert}: can not be read" in caplog.text


def test_missing_file_is_named(files: TlsFiles) -> None:
    """Either of the two."""
    nowhere = files.cert.with_name("nowhere.pem")
    sentence = f"{nowhere}: can not be read: No such file or directory"

    assert refusal(TlsFiles(nowhere, files.key)) == sentence
    assert refusal(TlsFiles(files.cert, nowhere)) == sentence


def test_folder_is_no_certificate(files: TlsFiles, tmp_path: Path) -> None:
    """As whoever means the folder of a certificate is told."""
    assert f"{tmp_path}: can not be read" in refusal(TlsFiles(tmp_path, files.key))


def test_file_that_is_no_certificate_is_named(files: TlsFiles) -> None:
    """OpenSSL says of neither file which it was."""
    files.cert.write_text("beer")

    assert refusal(files) == f"{files.cert}: this is no certificate in PEM"


def test_file_that_is_no_key_is_named(files: TlsFiles) -> None:
    """The certificate is fine."""
    files.key.write_text("beer")

    assert refusal(files).startswith(f"{files.key}: this is no key in PEM")


def test_key_of_another_certificate_is_told_apart(
    files: TlsFiles, tmp_path: Path
) -> None:
    """The two files belong together."""
    other = make_certificate(tmp_path, "other")

    sentence = f"{other.key}: the key is not that of {files.cert}"
    assert refusal(TlsFiles(files.cert, other.key)) == sentence


def test_key_with_a_password_is_refused_unasked(tmp_path: Path) -> None:
    """A broker has nobody at its terminal."""
    locked = make_certificate(tmp_path, "locked", password="beer")

    assert (
        refusal(locked) == f"{locked.key}: the key has a password: save it without one"
    )
