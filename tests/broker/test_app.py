"""The composition root: what is started, how it ends, and what is watched."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import sqlite3
from pathlib import Path
from typing import Any, Final

import aiohttp
import pytest

from actors import client_records, keyring
from actors.routing import NO_RULES
from broker import app, watching
from broker.app import running_broker
from broker.cli.database import open_database
from broker.config import ServerSettings, SettingsError
from broker.gateway.steward import Steward
from broker.routes import RoutesFile
from broker.start import StartError, Where
from broker.storage import open_data

from .gateway.raw_client import ENOUGH, connected

MS: Final = 0.001


@pytest.fixture
def where(tmp_path: Path) -> Where:
    """Listen anywhere, with folders of one's own."""
    settings = tmp_path / "settings"
    settings.mkdir()
    return Where(
        host="127.0.0.1",
        port=0,
        settings_folder=settings,
        data_folder=tmp_path / "data",
    )


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look every few milliseconds instead of every second."""
    monkeypatch.setattr(watching, "WATCH_EVERY", 5 * MS)


def write_client(where: Where, client: str, **fields: Any) -> Path:
    """Write a client's settings file."""
    path = where.settings_folder / f"{client}-settings.json"
    path.write_text(json.dumps({"clientId": client, "isTrust": True, **fields}))
    return path


async def knock(url: str, **auth: Any) -> int:
    """The code of a refusal; 0: let in."""
    async with connected(url) as raw:
        return int((await raw.join(**auth)).get("code", 0))


async def becomes(url: str, code: int, **auth: Any) -> None:
    """Knock until the answer has this code."""
    async with asyncio.timeout(ENOUGH):
        while await knock(url, **auth) != code:
            pass


async def test_running_broker_answers_at_its_url(where: Where) -> None:
    """Once it takes connections, and with its page."""
    async with (
        running_broker(ServerSettings(), where) as url,
        aiohttp.ClientSession() as session,
        session.get(url) as response,
    ):
        assert response.content_type == "text/html"
        assert 'id="app"' in await response.text()


async def test_socket_io_is_where_the_settings_say(where: Where) -> None:
    """``socketIOPath``."""
    settings = ServerSettings(socket_io_path="/tap/io")
    async with (
        running_broker(settings, where) as url,
        aiohttp.ClientSession() as session,
        session.get(f"{url}/tap/io/?EIO=4&transport=polling") as there,
        session.get(f"{url}/socket.io/?EIO=4&transport=polling") as elsewhere,
    ):
        assert (there.status, elsewhere.status) == (200, 404)
        assert (await there.text()).startswith("0{")


async def test_ended_broker_listens_no_more(where: Where) -> None:
    """The port is free for the next."""
    async with running_broker(ServerSettings(), where) as url:
        port = int(url.rpartition(":")[2])
    with socket.create_server(("127.0.0.1", port)):
        pass


async def test_ended_broker_closes_its_connections(where: Where) -> None:
    """A client hears of it at once."""
    write_client(where, "guest")
    async with running_broker(ServerSettings(), where) as url, asyncio.timeout(ENOUGH):
        connection = connected(url)
        raw = await connection.__aenter__()
        await raw.join(clientId="guest")
        listening = asyncio.create_task(raw.closed())
    await listening
    await connection.__aexit__(None, None, None)


async def test_broker_can_be_started_again_over_its_folders(where: Where) -> None:
    """Nothing is locked or left half-written."""
    for _ in range(2):
        async with running_broker(ServerSettings(), where) as url:
            assert url


async def test_ipv6_url_has_brackets(where: Where) -> None:
    """As URLs have it."""
    where = Where(
        host="::1",
        port=0,
        settings_folder=where.settings_folder,
        data_folder=where.data_folder,
    )
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            pass
    except OSError:
        pytest.skip("this machine has no IPv6")
    async with running_broker(ServerSettings(), where) as url:
        assert url.startswith("http://[::1]:")


async def test_taken_port_is_a_start_error(where: Where) -> None:
    """And everything that was started is stopped again."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        where = Where(
            host="127.0.0.1",
            port=port,
            settings_folder=where.settings_folder,
            data_folder=where.data_folder,
        )
        with pytest.raises(StartError, match=f"port {port} on 127.0.0.1"):
            async with running_broker(ServerSettings(), where):
                pytest.fail("it started")


async def test_password_in_plain_is_hashed_before_anybody_connects(
    where: Where,
) -> None:
    """No password stands in plain in a settings file."""
    path = write_client(where, "SillyTavern", sillyTavernPassWord="beer")
    async with running_broker(ServerSettings(), where):
        written = json.loads(path.read_text())

    assert written["sillyTavernPassWord"].startswith("$2")
    assert written["isTrust"] is True


async def test_key_of_an_earlier_run_is_good(where: Where) -> None:
    """Keys outlive the process."""
    with open_database(where.data_folder) as database:
        database.writer.ask(
            client_records.TrustClient(client_records.ClientRow("guest", "", 0))
        )
        issued = database.keys.ask(keyring.Issue("guest"), block=True)
    async with running_broker(ServerSettings(network_safe=False), where) as url:
        assert await knock(url, clientId="guest", key=issued.key) == 0
        assert await knock(url, clientId="guest") == 5


async def test_settings_file_that_comes_later_is_seen(where: Where) -> None:
    """The folder is watched."""
    async with running_broker(ServerSettings(), where) as url:
        before = await knock(url, clientId="guest")
        write_client(where, "guest")
        await becomes(url, 0, clientId="guest")

    assert before == 6


async def test_settings_file_that_goes_is_missed(where: Where) -> None:
    """Who deletes it withdraws the trust."""
    path = write_client(where, "guest")
    async with running_broker(ServerSettings(), where) as url:
        before = await knock(url, clientId="guest")
        path.unlink()
        await becomes(url, 6, clientId="guest")

    assert before == 0


async def test_what_another_process_stores_is_seen(where: Where) -> None:
    """The command line writes to the same database."""
    async with running_broker(ServerSettings(), where) as url:
        connection = open_data(where.data_folder)
        connection.execute("INSERT INTO clients VALUES ('guest', '', 0)")
        await becomes(url, 0, clientId="guest")
        connection.execute("DELETE FROM clients")
        await becomes(url, 6, clientId="guest")
        connection.close()


@pytest.mark.parametrize(
    "error",
    [
        OSError("gone"),
        SettingsError("broken"),
        sqlite3.OperationalError("disk I/O error"),
        TypeError("a fault of ours"),
    ],
    ids=["file", "settings", "database", "our own"],
)
async def test_watching_goes_on_after_a_look_that_failed(
    where: Where,
    error: Exception,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A broker that no longer sees revoked keys is worse than one that complains."""
    looks = 0
    looked_again = asyncio.Event()

    async def look(*_args: Any) -> None:
        nonlocal looks
        looks += 1
        if looks == 1:
            raise error
        looked_again.set()

    monkeypatch.setattr(Steward, "expire_keys", look)
    async with (
        running_broker(ServerSettings(), where),
        asyncio.timeout(ENOUGH / 5),
    ):
        await looked_again.wait()

    assert any(record.levelno >= logging.WARNING for record in caplog.records)


async def test_bad_password_does_not_hide_what_was_stored(
    where: Where, caplog: pytest.LogCaptureFixture
) -> None:
    """Section 9: a password over 72 bytes is refused; keys are seen all the same."""
    async with running_broker(ServerSettings(), where) as url:
        write_client(where, "SillyTavern", sillyTavernPassWord="x" * 73)
        while "sillyTavernPassWord" not in caplog.text:
            await knock(url, clientId="guest")
        connection = open_data(where.data_folder)
        connection.execute("INSERT INTO clients VALUES ('guest', '', 0)")
        connection.close()
        async with asyncio.timeout(ENOUGH / 5):
            await becomes(url, 0, clientId="guest")


async def test_request_that_a_crash_cut_off_has_failed(where: Where) -> None:
    """Section 7: too late is an error that says so, never silence."""
    write_client(where, "guest")
    connection = open_data(where.data_folder)
    connection.execute(
        """INSERT INTO requests (request, requester, request_id, room, opened_at)
        VALUES ('req', 'guest', 'r', 'guest', 0)"""
    )
    connection.close()
    with open_database(where.data_folder) as database:
        issued = database.keys.ask(keyring.Issue("guest"), block=True)
    async with (
        running_broker(ServerSettings(), where) as url,
        connected(url) as raw,
    ):
        await raw.join(clientId="guest", key=issued.key)
        answer = await raw.ask("/llm", "RESUME_STREAM", {"requestId": "r", "from": 0})

    assert (answer["status"], answer["state"]) == ("ok", "failed")
    assert "restarted" in answer["error"]["message"]


RULE: Final = '{"match": {}, "action": "drop"}'


async def test_bad_routing_rules_stop_the_start(where: Where) -> None:
    """Before anything else is begun: no database is made."""
    (where.settings_folder / "routes.json").write_text("[{}]")
    with pytest.raises(SettingsError, match="line 1: rule 1: "):
        async with running_broker(ServerSettings(), where):
            pytest.fail("it runs")

    assert not where.data_folder.exists()


async def test_routing_rules_are_watched(
    where: Where, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Section 8: hot-reloaded; a bad file is refused whole and the old rules stay."""
    files: list[RoutesFile] = []

    def remember(folder: Path) -> RoutesFile:
        files.append(RoutesFile(folder))
        return files[-1]

    monkeypatch.setattr(app, "RoutesFile", remember)
    path = where.settings_folder / "routes.json"
    path.write_text(f"[{RULE}]")
    async with running_broker(ServerSettings(), where) as url:
        (routes,) = files
        numbers = [len(routes.rules.rules)]
        async with asyncio.timeout(ENOUGH):
            path.write_text(f"[{RULE}, {RULE}]")
            while len(routes.rules.rules) == 1:
                await knock(url, clientId="guest")
            path.write_text("[{}, 1, 2]")
            while "the routing rules stay as they were" not in caplog.text:
                await knock(url, clientId="guest")
            numbers.append(len(routes.rules.rules))
            path.unlink()
            while routes.rules is not NO_RULES:
                await knock(url, clientId="guest")

    assert numbers == [1, 2]
