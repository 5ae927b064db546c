"""``tapster serve`` with a certificate: encrypted, renewed, and refused in words."""

from __future__ import annotations

import asyncio
import json
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import aiohttp
import pytest

from broker.security.certificate import TlsFiles
from tests.broker.gateway.raw_client import RawSocket, connected
from tests.broker.security.pem import make_certificate, put_in_place

from .harness import PROJECT, Broker

PATIENCE: Final = 15.0


@pytest.fixture
def files(tmp_path: Path) -> TlsFiles:
    """A certificate of this machine."""
    return make_certificate(tmp_path, "first")


@asynccontextmanager
async def running(tmp_path: Path, **server: Any) -> AsyncIterator[Broker]:
    """Run a broker with these settings."""
    broker = Broker(tmp_path / "broker", server=server, clients={"guest": {}})
    await asyncio.to_thread(broker.start)
    try:
        yield broker
    finally:
        await asyncio.to_thread(broker.stop)


def settings_of(files: TlsFiles) -> dict[str, Any]:
    """A certificate as settings name it."""
    return {"tlsCert": str(files.cert), "tlsKey": str(files.key)}


def trusting(files: TlsFiles) -> ssl.SSLContext:
    """A client that takes this certificate and no other."""
    return ssl.create_default_context(cafile=files.cert)


async def alive(guest: RawSocket) -> bool:
    """Whether a connection still works."""
    answer = await guest.ask("/llm", "message", {"data": "Connection active?"})
    return bool(answer["status"] == "ok")


async def test_clients_connect_encrypted(tmp_path: Path, files: TlsFiles) -> None:
    """By polling and WebSocket; the printed address says https."""
    async with (
        asyncio.timeout(PATIENCE),
        running(tmp_path, **settings_of(files)) as broker,
        aiohttp.ClientSession() as session,
        connected(broker.url, ssl=trusting(files)) as guest,
    ):
        path = "/socket.io/?EIO=4&transport=polling"
        async with session.get(f"{broker.url}{path}", ssl=trusting(files)) as polled:
            opening = await polled.text()
        await guest.join("/llm", clientId="guest")
        spoken = await alive(guest)

    assert broker.url.startswith("https://")
    assert opening.startswith("0{")
    assert spoken


async def test_renewed_certificate_is_shown_and_nobody_is_dropped(
    tmp_path: Path, files: TlsFiles
) -> None:
    """Without a restart."""
    second = make_certificate(tmp_path, "second")
    async with (
        asyncio.timeout(PATIENCE),
        running(tmp_path, **settings_of(files)) as broker,
        connected(broker.url, ssl=trusting(files)) as guest,
    ):
        await guest.join("/llm", clientId="guest")
        put_in_place(second, files)
        while not await _takes(broker, second):
            pass
        spoken = await alive(guest)

    assert spoken


async def _takes(broker: Broker, files: TlsFiles) -> bool:
    """Whether a client that trusts these gets in."""
    try:
        async with connected(broker.url, ssl=trusting(files)):
            return True
    except aiohttp.ClientConnectorCertificateError:
        return False


async def test_old_and_plain_connections_are_refused(
    tmp_path: Path, files: TlsFiles
) -> None:
    """TLS 1.2 is the least, and what is not encrypted gets no answer."""
    async with (
        asyncio.timeout(PATIENCE),
        running(tmp_path, **settings_of(files)) as broker,
        aiohttp.ClientSession() as session,
    ):
        plain = broker.url.replace("https", "http")
        with pytest.raises(aiohttp.ClientError):
            await session.get(plain)
        old = trusting(files)
        old.set_ciphers("DEFAULT:@SECLEVEL=0")
        with pytest.warns(DeprecationWarning, match="TLSv1"):
            old.maximum_version = ssl.TLSVersion.TLSv1_1
        with pytest.warns(DeprecationWarning, match="TLSv1"):
            old.minimum_version = ssl.TLSVersion.TLSv1
        with pytest.raises(aiohttp.ClientError):
            await session.get(broker.url, ssl=old)


def served(folder: Path, *options: str, **server: Any) -> str:
    """The sentence with which a broker does not start."""
    settings = folder / "settings"
    settings.mkdir(exist_ok=True)
    (settings / "server_settings.json").write_text(json.dumps(server))
    folders = ("--settings", str(settings), "--data", str(folder / "data"))
    done = subprocess.run(  # noqa: S603 - our own command line
        [
            sys.executable,
            "-m",
            "broker.cli",
            "serve",
            "--port",
            "0",
            *folders,
            *options,
        ],
        cwd=PROJECT,
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=PATIENCE,
    )
    lines = [line for line in done.stderr.splitlines() if line.startswith("tapster: ")]

    assert (done.returncode, done.stdout, len(lines)) == (1, "", 1), done.stderr
    assert "Traceback" not in done.stderr
    return lines[0]


def test_options_go_before_settings(tmp_path: Path, files: TlsFiles) -> None:
    """The key named there is another's, and is the one complained of."""
    other = make_certificate(tmp_path, "other")
    options = ("--tls-cert", str(files.cert), "--tls-key", str(other.key))

    sentence = f"tapster: {other.key}: the key is not that of {files.cert}"
    assert served(tmp_path, *options, **settings_of(files)) == sentence


def test_one_file_alone_is_one_sentence(tmp_path: Path) -> None:
    """On the command line and in the settings."""
    by_option = served(tmp_path, "--tls-cert", "cert.pem")
    by_setting = served(tmp_path, tlsKey="key.pem")

    assert by_option == "tapster: --tls-cert and --tls-key go together: name both files"
    assert by_setting == "tapster: tlsCert and tlsKey go together: name both files"


def test_relative_file_of_the_settings_lies_in_their_folder(tmp_path: Path) -> None:
    """Wherever the broker is started."""
    sentence = served(tmp_path, tlsCert="cert.pem", tlsKey="key.pem")

    assert f"{tmp_path / 'settings' / 'cert.pem'}: can not be read" in sentence
