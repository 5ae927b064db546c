"""The dashboard and the documents name the metrics there are, and all of them."""

from __future__ import annotations

import json
import re
from itertools import combinations
from pathlib import Path
from typing import Any, Final

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from broker.app import running_broker
from broker.config import ServerSettings
from broker.start import Where

DOCS: Final = Path(__file__).parents[3] / "docs"
DASHBOARD: Final[dict[str, Any]] = json.loads(
    (DOCS / "grafana.json").read_text("utf-8")
)
PANELS: Final[list[dict[str, Any]]] = DASHBOARD["panels"]
NAME: Final = re.compile(r"\b(?:tapster|process)_\w+")
COLUMNS: Final = 24

SUFFIXES: Final = {
    "counter": ("_total",),
    "gauge": ("",),
    "histogram": ("_bucket", "_sum", "_count"),
}


@pytest.fixture
async def exported(tmp_path: Path) -> dict[str, str]:
    """The kinds of all metrics of a running broker, by name."""
    (tmp_path / "settings").mkdir()
    where = Where(
        host="127.0.0.1",
        port=0,
        settings_folder=tmp_path / "settings",
        data_folder=tmp_path / "data",
    )
    async with (
        running_broker(ServerSettings(), where) as url,
        aiohttp.request("GET", f"{url}/metrics") as answer,
    ):
        text = await answer.text()
    return {each.name: each.type for each in text_string_to_metric_families(text)}


def expressions() -> str:
    """All that the dashboard asks of Prometheus."""
    asked = [target["expr"] for panel in PANELS for target in panel.get("targets", [])]
    variables = [each.get("definition", "") for each in DASHBOARD["templating"]["list"]]
    return "\n".join([*asked, *variables])


async def test_dashboard_shows_every_metric_and_no_other(
    exported: dict[str, str],
) -> None:
    """Those of the process as far as the system tells them."""
    samples = {
        name: {f"{name}{suffix}" for suffix in SUFFIXES[kind]}
        for name, kind in exported.items()
    }
    named = set(NAME.findall(expressions()))
    ours = {name for name in named if name.startswith("tapster_")}
    unseen = [
        name
        for name, each in samples.items()
        if name.startswith("tapster_") and not each & named
    ]

    assert ours - set().union(*samples.values()) == set()
    assert unseen == []
    if any(name.startswith("process_") for name in exported):
        assert named - set().union(*samples.values()) == set()


@pytest.mark.parametrize("page", ["operations.md", "operations.zh-CN.md"])
async def test_documents_explain_every_metric_and_its_kind(
    exported: dict[str, str], page: str
) -> None:
    """A row for each, in both languages."""
    row = re.compile(
        r"^\| `(tapster_\w+?)(?:_total)?(?:\{\w+\})?` \| (\w+) \|", re.MULTILINE
    )
    explained = dict(row.findall((DOCS / page).read_text("utf-8")))

    assert explained == {
        name: kind for name, kind in exported.items() if name.startswith("tapster_")
    }


def test_panels_have_what_grafana_wants() -> None:
    """An id and a place of their own, a title, and the data source one chooses."""
    ids = [panel["id"] for panel in PANELS]
    shown = [panel for panel in PANELS if panel["type"] != "row"]

    assert len(set(ids)) == len(ids)
    assert DASHBOARD["schemaVersion"] >= 30
    for panel in shown:
        assert panel["title"]
        assert panel["description"]
        letters = [target["refId"] for target in panel["targets"]]
        assert len(set(letters)) == len(letters)
        sources = [panel, *panel["targets"]]
        assert {each["datasource"]["uid"] for each in sources} == {"${datasource}"}


def test_panels_do_not_overlap() -> None:
    """Each within the width there is."""

    def cells(panel: dict[str, Any]) -> set[tuple[int, int]]:
        place = panel["gridPos"]
        rows = range(place["y"], place["y"] + place["h"])
        columns = range(place["x"], place["x"] + place["w"])
        return {(row, column) for row in rows for column in columns}

    places = [cells(panel) for panel in PANELS]

    assert all(column < COLUMNS for place in places for _, column in place)
    assert not any(one & other for one, other in combinations(places, 2))
