"""What the audits said, and what nobody has looked at."""

from __future__ import annotations

import json
from typing import Any

import pytest
from audit import judge_npm, judge_python


def python(*packages: dict[str, Any]) -> str:
    """What pip-audit prints."""
    return json.dumps({"dependencies": list(packages), "fixes": []})


def test_flaw_of_a_package_is_told() -> None:
    """By its id."""
    sound = {"name": "msgspec", "version": "0.22", "vulns": []}
    flawed = {"name": "aiohttp", "version": "3.0", "vulns": [{"id": "PYSEC-1"}]}
    verdict = judge_python(python(sound, flawed))

    assert verdict == (2, ("aiohttp 3.0: PYSEC-1",), "")


def test_package_that_the_service_does_not_know_is_not_sound() -> None:
    """So it is where the service can not be reached."""
    verdict = judge_python(python({"name": "yarl", "skip_reason": "not found"}))

    assert verdict.checked == 0
    assert "1 packages are unknown" in verdict.skipped


def test_flaw_of_npm_is_told() -> None:
    """With how grave it is."""
    said = {
        "vulnerabilities": {"ws": {"severity": "high"}},
        "metadata": {"dependencies": {"total": 7}},
    }

    assert judge_npm(json.dumps(said)) == (7, ("ws: high",), "")


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ('{"message": "405 Method Not Allowed"}', "405 Method Not Allowed"),
        ("npm: command not found", "command not found"),
        ("", "no answer"),
    ],
)
def test_audit_without_an_answer_is_skipped_visibly(said: str, reason: str) -> None:
    """Nothing was looked at, and it says why."""
    for verdict in (judge_npm(said), judge_python(said)):
        assert (verdict.checked, verdict.flaws) == (0, ())
    assert reason in judge_npm(said).skipped
    assert "no answer" in judge_python(said).skipped
