"""What becomes of rounds: medians, ratios, rows, tables and the picture."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import chart
import pytest
import result
import table
from figure import Figure
from peer import NODE, TAPSTER
from result import Row, ScenarioResult
from scenario import Entry, Goal, Scenario
from scenarios import FULL, LOOP_LAG, QUICK
from start_up import StartUp

CPU = Figure.CPU_PER_CHUNK
WORK = StartUp(messages=1)


def a_goal(limit: float, against: str | None = "node") -> Goal:
    """What tapster's CPU may be."""
    return Goal(row="20", entry="tapster", figure=CPU, limit=limit, against=against)


def measured(*goals: Goal) -> ScenarioResult:
    """Three rounds of tapster, with a median of 6, and one of node, with 10."""
    entries = tuple(
        Entry(name=peer.name, peer=peer, work=WORK) for peer in (TAPSTER, NODE)
    )
    outcome = ScenarioResult(Scenario(name="20 streams", entries=entries, goals=goals))
    for cpu, lag in ((6.0, 30.0), (5.0, 2.0), (9.0, 3.0)):
        outcome.add("tapster", {CPU: cpu, Figure.LOOP_LAG: lag})
    outcome.add("node", {CPU: 10.0})
    return outcome


@pytest.mark.parametrize(("limit", "reached"), [(0.6, True), (0.59, False)])
def test_goal_with_a_peer_is_judged_by_the_ratio_of_medians(
    limit: float,
    reached: bool,  # noqa: FBT001 - a column of the table above
) -> None:
    """A shared machine's absolute times mean little."""
    (row,) = measured(a_goal(limit)).rows()

    assert (row.value, row.ratio) == (6.0, 0.6)
    assert row.reached is reached


def test_goal_without_a_peer_is_judged_by_the_figure() -> None:
    """Latencies and times have limits of their own."""
    (row,) = measured(a_goal(12, against=None)).rows()

    assert (row.ratio, row.used, row.reached) == (None, 0.5, True)


def test_goal_whose_peer_did_not_run_has_no_row() -> None:
    """With ``--only tapster`` there is nothing to hold it against."""
    assert measured(a_goal(0.1, against="plain")).rows() == []


def test_loop_lag_is_that_of_the_worst_scenario() -> None:
    """Under all of it, and each scenario by the median of its rounds."""
    late = measured()
    for figures in ({Figure.LOOP_LAG: 80.0}, {Figure.LOOP_LAG: 90.0}):
        late.add("tapster", figures)

    (row,) = result.rows([measured(), late], LOOP_LAG)

    assert row.value == 30.0
    assert not row.reached


def test_written_results_can_be_read_again(tmp_path: Path) -> None:
    """As JSON and as a picture; a quick run does not replace the newest full one."""
    results = [measured(a_goal(0.6))]
    rows = result.rows(results, LOOP_LAG)
    report = result.report(results, rows, quick=True)

    written = result.write(report, "<svg/>", tmp_path)

    read = json.loads(written.read_text())
    goal = read["goals"][0]
    assert (goal["value"], goal["ratio"], goal["reached"]) == (6.0, 0.6, True)
    assert read["scenarios"][0]["figures"][CPU]["tapster"]["rounds"] == [6, 5, 9]
    assert {path.name for path in tmp_path.iterdir()} == {
        written.name,
        written.with_suffix(".svg").name,
        "quick.json",
        "quick.svg",
    }


def bars(rows: list[Row]) -> list[tuple[str, float]]:
    """The kind and width of each bar of a picture."""
    text = chart.draw(rows, title="<&>", note="today")
    picture = ET.fromstring(text)  # noqa: S314 - our own
    found = [
        (each.get("class", ""), float(each.get("width", 0)))
        for each in picture.iter()
        if each.tag.endswith("rect")
    ]
    return [bar for bar in found if bar[0] != "track"]


def test_picture_shows_how_much_of_what_is_allowed_was_used() -> None:
    """One line is the goal of all rows, half-way along the bars."""
    rows = measured(a_goal(1.2), a_goal(0.6), a_goal(0.4), a_goal(0.01)).rows()

    assert bars(rows) == [
        ("reached", chart.BARS / 4),
        ("reached", chart.BARS / 2),
        ("missed", chart.BARS * 0.75),
        ("missed", chart.BARS),
    ]


@pytest.mark.parametrize(
    ("goal", "words"),
    [
        (a_goal(0.6), "≤ 0.6 × node"),
        (a_goal(1 / 15), "≤ 1/15 × node"),
        (a_goal(60, against=None), "≤ 60 µs"),
    ],
)
def test_goals_are_put_in_words(goal: Goal, words: str) -> None:
    """As PERFORMANCE.md says them."""
    assert table.limit(goal.limit, goal.against, goal.figure) == words


@pytest.mark.parametrize("scenario", [*FULL, *QUICK], ids=lambda each: each.name)
def test_goals_name_entries_that_are_there(scenario: Scenario) -> None:
    """Else a row would silently be missing."""
    names = {entry.name for entry in scenario.entries}

    for goal in scenario.goals:
        assert {goal.entry, goal.against or goal.entry} <= names
