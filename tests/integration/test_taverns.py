"""What SillyTaverns tell of themselves, and clients are told of them."""

from __future__ import annotations

from .harness import Node


def test_silly_tavern_tells_more_of_itself(node: Node, party: dict[str, str]) -> None:
    """Section 12: CHARACTERS_UPDATED and CLIENT_SETTINGS; nobody else may."""
    result = node("taverns", "described", **party)
    before, after = result["before"], result["after"]

    assert (before["characters"], before["current"]) == (["Ann"], "Ann")
    assert before["model"] == "small"
    assert [ack["status"] for ack in result["acks"]] == ["ok", "ok"]
    assert (after["characters"], after["current"]) == (["Ann", "Bob"], "Bob")
    assert after["model"] == "large"
    assert result["stranger"]["code"] == 6
    assert result["malformed"]["code"] == 3


def test_errors_of_llms_are_passed_on_as_they_are(
    node: Node, party: dict[str, str]
) -> None:
    """Section 2: 1 and the 104xx and 105xx of extensions only pass through."""
    codes = [1, 10400, 10401, 10403, 10429, 10500, 10503, 10599]
    heard = node("taverns", "errors", **party, codes=codes)

    assert {status["status"] for status in heard} == {"failed"}
    assert [status["error"]["code"] for status in heard] == codes
    assert {10400, 10403} < {status["error"]["code"] for status in heard}
    assert {status["error"]["message"] for status in heard} == {"the LLM says no"}


def test_silly_tavern_that_is_known_gets_a_further_key_and_a_warning(
    node: Node, party: dict[str, str]
) -> None:
    """Section 12: status warning when it comes back unverified; section 2: code 52."""
    first, second = node("taverns", "forgetful", **party)

    assert first["status"] == "ok"
    assert (second["status"], second["code"]) == ("warning", 52)
    assert first["key"] != second["key"]
