"""The server's functions by their names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from actors.errors import BrokerError, Code
from broker.functions.library import EMPTY, Library
from broker.functions.remote import Remote
from broker.functions.runner import Runner
from broker.functions.server_functions import (
    BUILT_IN,
    DESCRIPTIONS,
    OWN_ENVELOPE,
    ServerFunctions,
)
from broker.functions.settings_reader import SettingsReader
from broker.functions.settings_writer import SettingsWriter
from broker.functions.static_resources import StaticResources
from broker.gateway.registry import SessionRegistry
from broker.security.paths import ServerRoot

from .conftest import GUEST, MONITOR, read

SHIPPED = Path(__file__).parents[3] / "settings" / "functions"
OWN = "settings/guest-settings.json"


@pytest.fixture
def functions(root: ServerRoot, settings: Path) -> ServerFunctions:
    """All there are, with the example that is shipped."""
    library = Library(SHIPPED, BUILT_IN)
    library.take(library.look(EMPTY))
    return ServerFunctions(
        reader=SettingsReader(root),
        writer=SettingsWriter(root, set),
        resources=StaticResources(root, settings.parent / "data"),
        library=library,
        runner=Runner(Remote(SessionRegistry(), 5), 5),
    )


async def test_read_answers_in_its_own_envelope(functions: ServerFunctions) -> None:
    """Section 10: ``result: {success, result}``."""
    answer = await functions.call("readJsonFromFile", [OWN], GUEST)

    assert answer["success"] is True
    assert answer["result"]["clientId"] == "guest"


async def test_save_answers_in_its_own_envelope_with_what_is_there_now(
    functions: ServerFunctions, settings: Path
) -> None:
    """Without passwords, as reading it would show."""
    answer = await functions.call("saveJsonToFile", [OWN, {"a": 1}], GUEST)

    assert answer["success"] is True
    assert answer["result"]["a"] == 1
    assert "sillyTavernPassWord" not in answer["result"]
    assert read(settings / "guest-settings.json")["a"] == 1


async def test_added_resources_are_told(functions: ServerFunctions) -> None:
    """Their URLs."""
    wanted = {"/a.json": "public/list.json"}

    answer = await functions.call("addStaticResources", [wanted], MONITOR)

    assert answer == {"success": True, "urls": ["/a.json"]}


async def test_functions_are_listed(functions: ServerFunctions) -> None:
    """Section 10: the server's own first, then the operator's."""
    listed = await functions.call("listFunctions", [], GUEST)

    assert [each["name"] for each in listed] == [*BUILT_IN, "roll_dice"]
    assert all(each["description"] for each in listed)
    assert listed[1]["parameters"] == ["path", "object"]
    assert listed[-1]["parameters"] == ["dice=1", "sides=6"]


def test_every_built_in_function_is_described() -> None:
    """And those with an envelope of their own are among them."""
    assert BUILT_IN.keys() == DESCRIPTIONS.keys()
    assert BUILT_IN.keys() >= OWN_ENVELOPE


@pytest.mark.parametrize("name", ["", "nothing", "__class__", "readjsonfromfile", "é"])
async def test_unknown_function_is_not_found(
    functions: ServerFunctions, name: str
) -> None:
    """Section 2: 501."""
    with pytest.raises(BrokerError) as refused:
        await functions.call(name, [], MONITOR)

    assert refused.value.code == Code.FUNCTION_NOT_FOUND


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("readJsonFromFile", []),
        ("readJsonFromFile", [OWN, 1]),
        ("saveJsonToFile", [OWN]),
        ("saveJsonToFile", [OWN, {}, 1]),
        ("addStaticResources", []),
        ("listFunctions", [1]),
        ("roll_dice", [1, 2, 3]),
    ],
)
async def test_wrong_number_of_arguments_is_refused(
    functions: ServerFunctions, name: str, args: list[Any]
) -> None:
    """Section 2: 503, with the way to call it."""
    with pytest.raises(BrokerError, match=rf"{name}\(") as refused:
        await functions.call(name, args, MONITOR)

    assert refused.value.code == Code.INVALID_ARGUMENTS


async def roll(functions: ServerFunctions, *args: Any) -> dict[str, Any]:
    """Roll the example's dice."""
    raw = await functions.call("roll_dice", list(args), GUEST)
    rolled: dict[str, Any] = msgspec.json.decode(raw)
    return rolled


async def test_example_rolls_dice(functions: ServerFunctions) -> None:
    """As many as asked for, each within its sides."""
    rolled = await roll(functions, 100, 2)

    assert len(rolled["rolls"]) == 100
    assert set(rolled["rolls"]) == {1, 2}
    assert rolled["total"] == sum(rolled["rolls"])
    assert rolled["by"] == "guest#1"


@pytest.mark.parametrize(
    "args", [[0], [1, 0], [101], [1, 10**9], ["2"], [None], [1.5], [[1]]]
)
async def test_example_looks_at_what_it_is_sent(
    functions: ServerFunctions, args: list[Any]
) -> None:
    """Clients send what they like."""
    assert "error" in await roll(functions, *args)
