"""Section 10 with a real broker and real clients: what is called, and by whom."""

from __future__ import annotations

import json
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from .harness import Broker, Heard, Names, Node, StartBroker

FUNCTIONS: Final = """
from broker.functions import Context, function


@function
def double(context: Context, number: float) -> float:
    return 2 * number


@function
async def ask_back(context: Context, word: str) -> str:
    who = context.caller.identity
    await context.send(who, "ding", {"word": word})
    return await context.call(who, "question", word)


@function
def ask_back_in_a_thread(context: Context, word: str) -> str:
    who = context.caller.identity
    context.send(who, "ding", {"word": word})
    return context.call(who, "question", word)
"""


def code_of(answer: Heard) -> int:
    """The code of a refusal, which must be in the envelope of section 2."""
    assert answer["success"] is False, answer
    code: int = answer["error"]["code"]
    return code


def get(broker: Broker, path: str) -> tuple[int, str]:
    """Return the status and body of a URL."""
    address = urlsplit(broker.url)
    assert address.hostname is not None
    connection = HTTPConnection(address.hostname, address.port, timeout=10)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def many(node: Node, broker: Broker, client_id: str, *calls: Any, **auth: Any) -> Heard:
    """Call functions one after the other; their acks."""
    return node(
        "functions",
        "many",
        url=broker.url,
        auth={"clientId": client_id, **auth},
        calls=calls,
    )


# Files


def test_own_file_is_saved_and_read(node: Node, broker: Broker, names: Names) -> None:
    """Both envelopes say success; what was sent first is done first."""
    client_id = names.client()
    path = f"settings/{client_id}-settings.json"

    result = node(
        "functions",
        "saveThenRead",
        url=broker.url,
        auth={"clientId": client_id},
        path=f"./{path}",
    )

    assert [answer["success"] for answer in result["saves"]] == [True] * 3
    assert [answer["result"]["result"]["n"] for answer in result["saves"]] == [1, 2, 3]
    assert result["seen"]["requestId"] == "readJsonFromFile-1"
    assert result["seen"]["result"] == {
        "success": True,
        "result": {"clientId": client_id, "isTrust": True, "n": 3},
    }
    written = (broker.root / path).read_text("utf-8")
    assert json.loads(written) == {"clientId": client_id, "isTrust": True, "n": 3}


def test_what_may_not_be_saved_is_refused_in_both_envelopes(
    node: Node, broker: Broker, names: Names
) -> None:
    """201, 202, 103, 106, 6, 3, 503: with ``success: false`` in both."""
    client_id, other_id = names.clients(2)
    own = f"settings/{client_id}-settings.json"
    tried: list[tuple[str, list[Any], int]] = [
        ("saveJsonToFile", ["../x.json", {}], 201),
        ("saveJsonToFile", ["settings/%2e%2e/x.json", {}], 201),
        ("saveJsonToFile", ["/etc/x.json", {}], 202),
        ("saveJsonToFile", ["settings/functions/evil.py", {}], 202),
        ("saveJsonToFile", [f"settings/{other_id}-settings.json", {"a": 1}], 103),
        ("saveJsonToFile", ["settings/server_settings.json", {"timeout": 1}], 103),
        ("saveJsonToFile", [7, {}], 106),
        ("saveJsonToFile", [own, {"mayServeFiles": True}], 6),
        ("saveJsonToFile", [own, {"streamNames": "loud"}], 3),
        ("saveJsonToFile", [own, [1]], 503),
        ("saveJsonToFile", [own], 503),
        ("readJsonFromFile", ["settings/../data/tapster.sqlite3"], 201),
        ("readJsonFromFile", ["data/tapster.sqlite3"], 202),
        ("readJsonFromFile", ["settings/absent.json"], 101),
    ]

    answers = many(node, broker, client_id, *[(name, args) for name, args, _ in tried])

    assert [code_of(answer) for answer in answers] == [code for *_, code in tried]
    for answer in answers:
        assert answer["result"] == {"success": False, "error": answer["error"]}


def test_rights_saved_by_a_monitor_count(node: Node, start_broker: StartBroker) -> None:
    """A monitor lets a client in, which then connects."""
    own = start_broker({"monitor": {"clientType": "monitor"}}, monitorsMayGetKey=True)
    path = "settings/newcomer-settings.json"

    answers = many(
        node,
        own,
        "monitor",
        ("saveJsonToFile", [path, {"clientId": "newcomer", "isTrust": "yes"}]),
        ("saveJsonToFile", [path, {"clientId": "newcomer", "isTrust": True}]),
        ("readJsonFromFile", ["settings/server_settings.json"]),
        clientType="monitor",
    )
    refusal = node(
        "handshake",
        "untilTrusted",
        url=own.url,
        auth={"clientId": "newcomer"},
        milliseconds=5000,
    )

    assert [answer["success"] for answer in answers] == [False, True, True]
    assert refusal is None


def test_without_a_key_only_ones_own_file_and_the_public_fields_are_read(
    node: Node, broker: Broker, names: Names
) -> None:
    """Section 1, rule 5."""
    client_id, other_id = names.clients(2)

    own, server, others, saved, listed, called = node(
        "functions",
        "unverified",
        url=broker.url,
        auth={"clientId": client_id},
        calls=[
            ("readJsonFromFile", [f"settings/{client_id}-settings.json"], "server"),
            ("readJsonFromFile", ["settings/server_settings.json"], "server"),
            ("readJsonFromFile", [f"settings/{other_id}-settings.json"], "server"),
            ("saveJsonToFile", [f"settings/{client_id}-settings.json", {}], "server"),
            ("listFunctions", [], "server"),
            ("anything", [], other_id),
        ],
    )

    assert own["result"]["result"]["clientId"] == client_id
    assert server["success"] is True
    assert code_of(others) == 202
    assert [code_of(each) for each in (saved, listed, called)] == [5, 5, 5]


# Static resources


def test_added_files_are_served_and_stay_so(
    node: Node, start_broker: StartBroker
) -> None:
    """Section 10: by who may, not under what is served already; after a restart."""
    own = start_broker({"page": {"mayServeFiles": True}, "guest": {}})
    (own.root / "client").mkdir()
    (own.root / "client" / "page.html").write_text("<p>mine</p>")
    wanted = [{"/my/page.html": "client/page.html"}]

    [refused] = many(node, own, "guest", ("addStaticResources", wanted))
    before = get(own, "/my/page.html")
    answers = many(
        node,
        own,
        "page",
        ("addStaticResources", wanted),
        ("addStaticResources", [{"/lib/x.js": "client/page.html"}]),
        ("addStaticResources", [{"/x": "settings/page-settings.json"}]),
    )
    after = get(own, "/my/page.html")
    own.stop()
    own.restart()

    assert code_of(refused) == 6
    assert "result" not in refused
    assert before[0] == 404
    assert answers[0]["success"] is True
    assert code_of(answers[1]) == 4
    assert code_of(answers[2]) == 202
    assert after == get(own, "/my/page.html") == (200, "<p>mine</p>")
    assert get(own, "/client/page.html") == (200, "<p>mine</p>")
    assert get(own, "/client/")[0] == 404
    assert get(own, "/settings/page-settings.json")[0] == 404


# The operator's functions


def functions_of(broker: Broker, content: str, name: str = "own.py") -> Path:
    """Write a file of functions."""
    path = broker.settings / "functions" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(content)
    return path


def test_operators_functions_are_loaded_while_the_broker_runs(
    node: Node, start_broker: StartBroker
) -> None:
    """Loaded, changed, broken: the old ones stay, and the log says where."""
    own = start_broker({"guest": {}})
    line = "from broker.functions import function\n@function\n"

    def until(result: int) -> Heard:
        return node(
            "functions",
            "untilResult",
            url=own.url,
            auth={"clientId": "guest"},
            name="f",
            wanted=result,
        )

    functions_of(own, f"{line}def f(context): return 1\n")
    until(1)
    functions_of(own, f"{line}def f(context): return 22\n")
    until(22)
    functions_of(own, "this is no Python\n")
    functions_of(own, f"{line}def g(context): return 3\n", "second.py")
    answers = many(node, own, "guest", ("f", []), ("nothing", []), ("f", [1, 2]))
    # What is loaded after the broken file proves that this has been looked at.
    node(
        "functions",
        "untilResult",
        url=own.url,
        auth={"clientId": "guest"},
        name="g",
        wanted=3,
    )
    listed = many(node, own, "guest", ("listFunctions", []), ("f", []))

    assert answers[0]["result"] == 22
    assert [code_of(answer) for answer in answers[1:]] == [501, 503]
    assert {each["name"] for each in listed[0]["result"]} >= {
        "readJsonFromFile",
        "saveJsonToFile",
        "addStaticResources",
        "listFunctions",
        "f",
        "g",
    }
    assert listed[1]["result"] == 22


def test_operators_functions_call_those_who_call(
    node: Node, start_broker: StartBroker
) -> None:
    """Section 10: the context has ``call`` and ``send``, in async def and in def."""
    own = start_broker({"guest": {}})
    functions_of(own, FUNCTIONS)
    own.stop()
    own.restart()

    for name in ("ask_back", "ask_back_in_a_thread"):
        result = node(
            "functions",
            "callBack",
            url=own.url,
            auth={"clientId": "guest"},
            name=name,
            args=["Why"],
        )

        assert result["answer"]["result"] == "Why!"
        assert result["calls"][0]["source"] == "server"
        assert result["told"] == {"word": "Why", "source": "server"}
    [doubled] = many(node, own, "guest", ("double", [21]))
    assert doubled == {"requestId": "double-1", "success": True, "result": 42}


# Calls to others


def test_clients_call_each_other(node: Node, broker: Broker, names: Names) -> None:
    """Section 10: by identity and by clientId; bare answers and enveloped ones."""
    client_id, other_id = names.clients(2)

    result = node(
        "functions",
        "eachOther",
        url=broker.url,
        clientId=client_id,
        otherId=other_id,
    )

    answers = result["answers"]
    assert answers["add"] == {"requestId": "add-1", "success": True, "result": 5}
    assert answers["byIdentity"]["result"] == 7
    assert answers["keys"]["result"] == ["a", "b"]
    assert answers["wrapped"] == {
        "requestId": "wrapped-1",
        "success": True,
        "result": ["w"],
    }
    assert answers["failing"] == {
        "requestId": "failing-1",
        "success": False,
        "error": {"message": "not today", "code": 502},
    }
    assert answers["nothing"]["result"] is None
    assert code_of(answers["unknown"]) == 401
    assert result["first"] == {
        "requestId": "add-1",
        "functionName": "add",
        "args": [2, 3],
        "target": other_id,
        "note": "kept",
        "source": client_id,
        "clientId": client_id,
    }


def test_newest_instance_of_a_client_is_called(
    node: Node, broker: Broker, names: Names
) -> None:
    """A clientId may have several identities."""
    client_id, other_id = names.clients(2)

    answer = node(
        "functions", "newest", url=broker.url, clientId=client_id, otherId=other_id
    )

    assert answer["result"] == "second"


def test_callee_that_does_not_answer_or_leaves(
    node: Node, start_broker: StartBroker
) -> None:
    """Code 8 after ``functionTimeout``, code 11 at once."""
    own = start_broker({"one": {}, "other": {}}, functionTimeout=3)

    result = node("functions", "silence", url=own.url, clientId="one", otherId="other")

    assert code_of(result["late"]) == 8
    assert code_of(result["lost"]) == 11
    assert own.reached("functionTimeout") == 1
    assert result["milliseconds"] < 2_000
