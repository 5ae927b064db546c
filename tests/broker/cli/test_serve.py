"""``tapster serve``: how it starts, and in which words it does not."""

from __future__ import annotations

import json
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any, Final

import pytest

from actors import keyring
from broker import __version__
from broker.cli.database import open_database
from broker.storage import DATABASE
from tests.integration.harness import LISTENING, PROJECT, Broker

ENOUGH: Final = 10.0
FEW_SECONDS: Final = 5.0


class Served:
    """How a ``tapster serve`` ended that must not have begun."""

    def __init__(self, settings: Path, data: Path, *options: str) -> None:
        done = subprocess.run(  # noqa: S603 - our own command line
            command(settings, data, *options),
            cwd=PROJECT,
            capture_output=True,
            encoding="utf-8",
            check=False,
            timeout=ENOUGH,
        )
        self.code = done.returncode
        self.stdout = done.stdout
        self.stderr = done.stderr

    def sentence(self) -> str:
        """The one sentence on stderr."""
        assert "Traceback" not in self.stderr, self.stderr
        assert self.code == 1, self.stderr
        assert self.stdout == ""
        assert self.stderr.startswith("tapster: ")
        assert self.stderr.count("\n") == 1
        return self.stderr


def command(settings: Path, data: Path, *options: str) -> list[str]:
    """The command line of a broker."""
    serve = [sys.executable, "-m", "broker.cli", "serve"]
    if "--port" not in options:
        options = ("--port", "0", *options)
    return [*serve, "--settings", str(settings), "--data", str(data), *options]


def console_token(broker: Broker) -> str:
    """The token of the link on the second line."""
    second = (broker.root / "stdout").read_text().splitlines()[1]
    head, _, token = second.partition("#sign-in=")
    assert head == f"Console, opens once and within an hour: {broker.url}/"
    return token


def sign_in(broker: Broker, token: str) -> dict[str, str]:
    """What the page is given for a token."""
    request = urllib.request.Request(  # noqa: S310 - our own broker
        f"{broker.url}/console/sign-in",
        json.dumps({"token": token}).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=ENOUGH) as response:  # noqa: S310
        answer: dict[str, str] = json.load(response)
    return answer


def write(settings: Path, content: Any) -> Path:
    """Write the server's settings."""
    settings.mkdir()
    path = settings / "server_settings.json"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_first_line_on_stdout_says_where_it_listens(broker: Broker) -> None:
    """Scripts read it."""
    first = (broker.root / "stdout").read_text().splitlines()[0]

    assert LISTENING.match(first)
    assert first == f"Tapster {__version__} listening on {broker.url}"


def test_second_line_signs_in_as_long_as_no_monitor_has_a_key(broker: Broker) -> None:
    """To the console; nothing of it is logged, and a key ends it."""
    token = console_token(broker)
    answer = sign_in(broker, token)
    broker.stop()
    broker.restart()
    logs = "".join(path.read_text() for path in (broker.data / "logs").glob("*.log"))
    spoken = (broker.root / "stderr").read_text()

    assert answer["clientId"] == "console"
    assert answer["key"].startswith("tap_")
    assert (broker.root / "stdout").read_text().count("\n") == 1
    assert [word for word in (token, answer["key"]) if word in logs + spoken] == []


def test_key_of_somebody_else_does_not_end_it(broker: Broker) -> None:
    """He could not sign in with it."""
    with open_database(broker.data) as database:
        database.keys.ask(keyring.Issue("guest"), block=True)
    broker.stop()
    broker.restart()

    assert console_token(broker)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_it_in_peace(
    tmp_path: Path, settings: Path, data: Path, number: signal.Signals
) -> None:
    """With exit code 0, within a few seconds, without a word."""
    with (
        (tmp_path / "stderr").open("w+b") as errors,
        subprocess.Popen(  # noqa: S603 - our own command line
            command(settings, data),
            cwd=PROJECT,
            stdout=subprocess.PIPE,
            stderr=errors,
        ) as process,
    ):
        assert process.stdout is not None
        line = process.stdout.readline().decode()
        process.send_signal(number)
        process.stdout.readline()  # how to open the console
        rest = process.stdout.read()
        code = process.wait(FEW_SECONDS)
        errors.seek(0)
        complaints = errors.read().decode()

    assert LISTENING.match(line)
    assert (code, rest) == (0, b"")
    assert "Traceback" not in complaints


def test_new_installation_gets_its_files(broker: Broker) -> None:
    """A monitor's settings, and a database."""
    assert (broker.settings / "monitor-settings.json").exists()
    assert (broker.data / DATABASE).exists()


def test_taken_port_is_one_sentence(settings: Path, data: Path) -> None:
    """It names the port and the way out."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        sentence = Served(settings, data, "--port", str(port)).sentence()

    assert f"port {port} on 127.0.0.1" in sentence
    assert "(address already in use)" in sentence
    assert "--port" in sentence


def test_host_that_nobody_knows_is_one_sentence(settings: Path, data: Path) -> None:
    """The reason is the resolver's, not the number of another error."""
    sentence = Served(settings, data, "--host", "tavern.invalid").sentence()

    assert "tavern.invalid" in sentence
    assert "Unknown error" not in sentence


def test_host_that_is_none_of_ours_is_one_sentence(settings: Path, data: Path) -> None:
    """An address of another machine can not be listened on."""
    sentence = Served(settings, data, "--host", "203.0.113.9").sentence()

    assert "203.0.113.9" in sentence


def test_port_that_is_none_is_no_traceback(settings: Path, data: Path) -> None:
    """70000 is a number, but no port."""
    served = Served(settings, data, "--port", "70000")

    assert served.code in {1, 2}
    assert "Traceback" not in served.stderr
    assert served.stdout == ""
    assert "70000" in served.stderr


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ('{\n"serverPort": }', "line 2"),
        ({"prot": 1}, "$.prot"),
        ({"serverPort": "4000"}, "$.serverPort"),
        ([], "object"),
        (b'{"serverAddress": "\xff"}', "line 1"),
        ({"trustedNetworks": ["here"]}, "trustedNetworks"),
        ({"serverAddress": "http://[::1"}, "serverAddress"),
    ],
    ids=["JSON", "unknown", "type", "list", "no UTF-8", "network", "address"],
)
def test_broken_settings_file_is_one_sentence(
    settings: Path, data: Path, content: Any, named: str
) -> None:
    """File, line and field."""
    write(settings, content)

    assert named in Served(settings, data).sentence()


def test_former_keys_do_not_keep_it_from_starting(tmp_path: Path) -> None:
    """Accepted with a warning in the log."""
    broker = Broker(tmp_path, server={"autoConnect": True})
    broker.start()
    broker.stop()

    complaints = re.sub(r"\s+", " ", (tmp_path / "stderr").read_text())
    assert "autoConnect is a setting of former versions" in complaints


def test_broken_client_file_does_not_keep_it_from_starting(tmp_path: Path) -> None:
    """One client's file is not the broker's."""
    broker = Broker(tmp_path)
    (broker.settings / "guest-settings.json").write_text("{")
    broker.start()
    broker.stop()

    assert "guest-settings.json" in (tmp_path / "stderr").read_text()


def test_password_in_plain_is_hashed_at_start(tmp_path: Path) -> None:
    """It is replaced by its bcrypt hash."""
    broker = Broker(tmp_path, clients={"SillyTavern": {"sillyTavernPassWord": "beer"}})
    broker.start()
    broker.stop()

    path = broker.settings / "SillyTavern-settings.json"
    assert json.loads(path.read_text())["sillyTavernPassWord"].startswith("$2")


def test_password_too_long_to_hash_is_no_traceback(settings: Path, data: Path) -> None:
    """Section 9: passwords over 72 bytes are refused; the file is named."""
    settings.mkdir()
    path = settings / "SillyTavern-settings.json"
    path.write_text(
        json.dumps(
            {
                "clientId": "SillyTavern",
                "isTrust": True,
                "sillyTavernPassWord": "x" * 73,
            }
        )
    )

    assert path.name in Served(settings, data).sentence()


def test_settings_folder_that_can_not_be_written_is_one_sentence(
    settings: Path, data: Path
) -> None:
    """Where a file stands in its place."""
    settings.write_text("")

    assert str(settings) in Served(settings, data).sentence()


@pytest.mark.parametrize("name", ["data", "data/deeper"])
def test_data_folder_that_can_not_be_written_is_one_sentence(
    tmp_path: Path, settings: Path, name: str
) -> None:
    """Where a file stands in its way."""
    (tmp_path / "data").write_text("")
    folder = tmp_path / name

    assert f"the data folder {folder}" in Served(settings, folder).sentence()


def test_newer_database_is_one_sentence(settings: Path, data: Path) -> None:
    """It is left as it is; the way out is an upgrade."""
    with open_database(data):
        pass
    connection = sqlite3.connect(data / DATABASE)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    sentence = Served(settings, data).sentence()

    assert "newer Tapster" in sentence
    assert "schema 99" in sentence


def test_file_that_is_no_database_is_one_sentence(settings: Path, data: Path) -> None:
    """It is not overwritten either."""
    data.mkdir()
    (data / DATABASE).write_bytes(b"precious" * 1_000)

    assert str(data / DATABASE) in Served(settings, data).sentence()
    assert (data / DATABASE).read_bytes() == b"precious" * 1_000


def test_folder_in_place_of_the_database_is_one_sentence(
    settings: Path, data: Path
) -> None:
    """It can not be opened."""
    (data / DATABASE).mkdir(parents=True)

    assert str(data / DATABASE) in Served(settings, data).sentence()
