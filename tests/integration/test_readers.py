"""More than one who reads."""

from __future__ import annotations

from .harness import Broker, Names, Node


def test_tabs_of_one_client_get_each_its_own_answer(
    node: Node, broker: Broker, names: Names
) -> None:
    """Section 1: all routing, rooms and roles go by identity."""
    result = node(
        "readers",
        "twoTabs",
        url=broker.url,
        clientId=names.client(),
        extension=names.extension(),
    )

    assert result["left"]["text"] == "You said left"
    assert result["right"]["text"] == "You said right"
    assert result["left"]["terminal"] == result["right"]["terminal"] == ["completed"]


def test_all_sockets_of_an_identity_read_its_answer(
    node: Node, broker: Broker, names: Names
) -> None:
    """Section 1: this instance of the client, however many sockets it has."""
    results = node(
        "readers",
        "twoSockets",
        url=broker.url,
        clientId=names.client(),
        extension=names.extension(),
    )

    assert [result["text"] for result in results] == ["for both"] * 2
    assert [len(result["ends"]) for result in results] == [1, 1]
    assert [result["terminal"] for result in results] == [["completed"]] * 2


def test_ten_readers_of_a_room_get_the_same_stream(
    node: Node, broker: Broker, names: Names
) -> None:
    """Section 5: to all members of the room, each chunk as soon as it comes."""
    texts = [f"word-{number} " for number in range(50)]
    results = node(
        "readers",
        "roomOfReaders",
        url=broker.url,
        clientIds=names.clients(10),
        extension=names.extension(),
        texts=texts,
    )

    assert len(results) == 10
    assert {result["text"] for result in results} == {"".join(texts)}
    assert {len(result["ends"]) for result in results} == {1}
    assert {result["ends"][0]["chunks"] for result in results} == {len(texts)}


def test_stranger_hears_nothing(node: Node, broker: Broker, names: Names) -> None:
    """Section 5: to the members of the room, and to nobody else."""
    result = node(
        "readers",
        "stranger",
        url=broker.url,
        clientId=names.client(),
        strangerId=names.client(),
        extension=names.extension(),
    )

    assert result["text"] == ""
    assert "streamed_data" not in result["events"]
    assert "streamed_end" not in result["events"]
    assert "$stream" not in result["events"]
    assert "NEW_MESSAGE" not in result["events"]
