"""The three addresses, of a whole broker in this process."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from broker.app import running_broker
from broker.config import ServerSettings
from broker.gateway.server import TapsterServer
from broker.start import Where

AFAR: Final = {"X-Forwarded-For": "203.0.113.9"}
PATHS: Final = ("/healthz", "/readyz", "/metrics")


@pytest.fixture
def where(tmp_path: Path) -> Where:
    """Listen anywhere, with folders of one's own."""
    (tmp_path / "settings").mkdir()
    return Where(
        host="127.0.0.1",
        port=0,
        settings_folder=tmp_path / "settings",
        data_folder=tmp_path / "data",
    )


async def asked(url: str, **request: Any) -> tuple[int, str, str]:
    """The status, the type and the text of an answer."""
    async with aiohttp.request("GET", url, **request) as answer:
        return answer.status, answer.headers["Content-Type"], await answer.text()


async def test_living_broker_says_so(where: Where) -> None:
    """Shortly."""
    async with running_broker(ServerSettings(), where) as url:
        status, kind, text = await asked(f"{url}/healthz")

    assert (status, kind, text) == (200, "text/plain; charset=utf-8", "ok")


async def test_ready_broker_says_what_it_looked_at(where: Where) -> None:
    """As JSON."""
    async with running_broker(ServerSettings(), where) as url:
        status, kind, text = await asked(f"{url}/readyz")
    verdict = json.loads(text)

    assert (status, kind) == (200, "application/json")
    assert verdict["ready"] is True
    assert {name: check["ok"] for name, check in verdict["checks"].items()} == {
        "store": True,
        "loop": True,
        "draining": True,
    }


async def test_broker_that_is_not_ready_answers_503(
    where: Where, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For those who look at nothing else."""
    monkeypatch.setattr("broker.http.readiness.LAG_LIMIT", -1.0)
    async with running_broker(ServerSettings(), where) as url:
        status, _, text = await asked(f"{url}/readyz")

    assert status == 503
    assert json.loads(text)["ready"] is False


async def test_broker_that_stops_says_that_it_does(
    where: Where, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As long as it can be asked: its connections are closed first."""
    answers = []
    shut = TapsterServer.shut

    async def shut_and_look(server: TapsterServer) -> None:
        await shut(server)
        answers.append(await asked(f"{url}/readyz"))

    monkeypatch.setattr(TapsterServer, "shut", shut_and_look)
    async with running_broker(ServerSettings(), where) as url:
        pass
    ((status, _, text),) = answers

    assert status == 503
    detail = json.loads(text)["checks"]["draining"]["detail"]
    assert detail == "the broker stops: it takes no connections and no orders"


async def test_metrics_are_in_prometheus_format(where: Where) -> None:
    """Version 0.0.4, which every Prometheus reads."""
    async with running_broker(ServerSettings(), where) as url:
        status, kind, text = await asked(f"{url}/metrics")
    families = {each.name: each for each in text_string_to_metric_families(text)}

    assert (status, kind) == (200, "text/plain; version=0.0.4; charset=utf-8")
    assert families["tapster_requests"].type == "counter"
    assert families["tapster_loop_lag_seconds"].type == "histogram"


@pytest.mark.parametrize("path", PATHS)
async def test_stranger_sees_nothing(where: Where, path: str) -> None:
    """By default, not even that the broker lives."""
    async with running_broker(ServerSettings(), where) as url:
        status, _, text = await asked(f"{url}{path}", headers=AFAR)

    assert status == 401
    assert text.startswith("from here it takes a monitor's key")


async def test_public_health_is_health_alone(where: Where) -> None:
    """``publicHealth``: whoever asks, by whatever name."""
    everybody = {**AFAR, "Host": "balancer.example", "Origin": "https://page.example"}
    async with running_broker(ServerSettings(public_health=True), where) as url:
        answers = [await asked(f"{url}{path}", headers=everybody) for path in PATHS]

    assert [status for status, _, _ in answers] == [200, 403, 403]


@pytest.mark.parametrize("path", PATHS)
async def test_nothing_can_be_sent_there(where: Where, path: str) -> None:
    """They are for looking at."""
    async with (
        running_broker(ServerSettings(), where) as url,
        aiohttp.request("POST", f"{url}{path}") as answer,
    ):
        assert answer.status == 405
