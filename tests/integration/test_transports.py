"""Long-polling, and the upgrade from it."""

from __future__ import annotations

from .harness import Node

TEXTS = ["Über ", "🍺 ", "漢字 ", *(f"{number} " for number in range(100))]


def test_answer_streams_over_long_polling(node: Node, party: dict[str, str]) -> None:
    """Section 1: HTTP long-polling is a transport of its own."""
    result = node("transports", "polling", **party, texts=TEXTS)

    assert result["transport"] == "polling"
    assert result["text"] == "".join(TEXTS)
    assert [end["chunks"] for end in result["ends"]] == [len(TEXTS)]
    assert result["terminal"] == ["completed"]


def test_library_streams_over_long_polling(node: Node, party: dict[str, str]) -> None:
    """Section 1: the library needs no WebSocket."""
    result = node("transports", "pollingLibrary", **party, texts=TEXTS)

    assert result["transport"] == "polling"
    assert result["state"] == "ended"
    assert result["text"] == "".join(TEXTS)


def test_upgrade_in_the_middle_of_an_answer_loses_nothing(
    node: Node, party: dict[str, str]
) -> None:
    """Section 1: upgrade from polling to WebSocket."""
    result = node("transports", "upgrade", **party, count=150)

    assert (result["before"], result["after"]) == ("polling", "websocket")
    assert result["text"] == "".join(f"{number} " for number in range(150))
    assert result["terminal"] == ["completed"]
