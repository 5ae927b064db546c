"""Who may import whom, who may spell what, and how an actor's file begins.

Walks the sources; nothing is imported but the list of wire names.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

import pytest

from broker.protocol.wire import (
    AnswerEvent,
    Event,
    LibraryEvent,
    PlainStreamEvent,
    StreamEvent,
)

ROOT = Path(__file__).parents[1]

ACTORS = sorted((ROOT / "actors").rglob("*.py"))
BROKER = sorted((ROOT / "broker").rglob("*.py"))
PROTOCOL = sorted((ROOT / "broker" / "protocol").glob("*.py"))
WIRE = ROOT / "broker" / "protocol" / "wire.py"

PURE = {
    "actors.errors",
    "actors.lifecycle",
    "actors.limits",
    "actors.outbound",
    "actors.output",
    "actors.roles",
    "actors.room_notices",
}
"""What the protocol may know of the actors: words, no mailboxes."""

IO = {
    "aiohttp",
    "asyncio",
    "engineio",
    "http",
    "logging",
    "os",
    "pathlib",
    "pykka",
    "random",
    "socket",
    "socketio",
    "sqlite3",
    "subprocess",
    "threading",
    "time",
    "urllib",
}
"""Sockets, clocks, files and threads."""

SERVER_LIBRARIES = {"aiohttp", "engineio", "socketio"}

EVENTS: tuple[type[StrEnum], ...] = (
    Event,
    StreamEvent,
    PlainStreamEvent,
    AnswerEvent,
    LibraryEvent,
)

EXEMPT = {
    "$stream": "the field that holds a stream's id, too",
    "message": "the name of a field of many frames, too",
    "ERROR": "a level of the log, too",
    "WARNING": "a level of the log, too",
    "LOGIN": "a word a person may read, too",
}
"""Names of events that are other things as well, and which."""

CARD = ("Owns", "Receives", "Sends", "Stops")

RUNTIME = {"base.py"}
"""Defines what an actor is, and is none."""


def name_of(path: Path) -> str:
    """A file as people speak of it."""
    return str(path.relative_to(ROOT))


def parse(path: Path) -> ast.Module:
    """The tree of a file."""
    return ast.parse(path.read_text(encoding="utf-8"), name_of(path))


def imports(path: Path) -> Iterator[str]:
    """Every module a file imports; for ``from a import b`` both a and a.b."""
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name_of(path)} imports relatively"
            module = node.module or ""
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def packages(path: Path) -> set[str]:
    """The top-level packages a file imports."""
    return {module.partition(".")[0] for module in imports(path)}


def docstrings(tree: ast.Module) -> set[int]:
    """The constants that are docstrings, those beneath fields included."""
    return {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }


def spelt_events(path: Path) -> list[str]:
    """The names of events that a file spells, and where."""
    names = {event.value for events in EVENTS for event in events} - EXEMPT.keys()
    tree = parse(path)
    skip = docstrings(tree)
    return [
        f"{name_of(path)}:{node.lineno} {node.value!r}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and node.value in names
        and id(node) not in skip
    ]


def is_actor(path: Path) -> bool:
    """Whether a file defines an actor."""
    bases = {"LoopActor", "BlockingActor", "ThreadingActor"}
    return path.name not in RUNTIME and any(
        isinstance(node, ast.ClassDef)
        and any(isinstance(base, ast.Name) and base.id in bases for base in node.bases)
        for node in ast.walk(parse(path))
    )


@pytest.mark.parametrize("path", ACTORS, ids=name_of)
def test_actors_never_import_the_broker(path: Path) -> None:
    """Imports go one way."""
    assert "broker" not in packages(path)


@pytest.mark.parametrize("path", ACTORS, ids=name_of)
def test_actors_know_nothing_of_the_transport(path: Path) -> None:
    """Neither Socket.IO nor HTTP."""
    assert not packages(path) & SERVER_LIBRARIES


@pytest.mark.parametrize("path", PROTOCOL, ids=name_of)
def test_the_protocol_does_no_io(path: Path) -> None:
    """Sockets, clocks and tasks live elsewhere."""
    assert not packages(path) & IO


@pytest.mark.parametrize("path", PROTOCOL, ids=name_of)
def test_the_protocol_imports_of_ours_only_what_does_no_io(path: Path) -> None:
    """Words of the actors, and the protocol itself."""
    ours = {m for m in imports(path) if m.partition(".")[0] in {"actors", "broker"}}
    parents = {"actors", "broker", "broker.protocol"}
    allowed = tuple(f"{module}." for module in PURE | {"broker.protocol"})

    assert {
        module
        for module in ours - PURE - parents
        if not module.startswith(allowed)
    } == set()  # fmt: skip


@pytest.mark.parametrize("path", BROKER, ids=name_of)
def test_only_the_gateway_serves_socket_io(path: Path) -> None:
    """The SDK may use its client."""
    folder = path.relative_to(ROOT / "broker").parts[0]
    libraries = packages(path) & {"engineio", "socketio"}
    if folder == "client":
        server = {m for m in imports(path) if m.endswith("Server")}

        assert libraries <= {"socketio"}
        assert server == set()
    elif folder != "gateway":
        assert libraries == set()


@pytest.mark.parametrize("path", BROKER, ids=name_of)
def test_only_the_outermost_rooms_serve_http(path: Path) -> None:
    """``gateway``, ``http``, and ``site.py``, which puts them together."""
    folder = path.relative_to(ROOT / "broker").parts[0]
    server = {module for module in imports(path) if module.startswith("aiohttp.web")}

    assert folder in {"gateway", "http", "site.py"} or server == set()


@pytest.mark.parametrize("path", [p for p in ACTORS + BROKER if p != WIRE], ids=name_of)
def test_no_event_is_spelt_twice(path: Path) -> None:
    """``wire.py`` has every name, once."""
    assert spelt_events(path) == []


def test_every_exempt_name_is_one_of_an_event() -> None:
    """The list of exceptions does not outlive its reasons."""
    names = {event.value for events in EVENTS for event in events}

    assert EXEMPT.keys() <= names


@pytest.mark.parametrize("path", [p for p in ACTORS if is_actor(p)], ids=name_of)
def test_the_file_of_an_actor_begins_with_its_card(path: Path) -> None:
    """What it owns, receives and sends, and when it stops, in this order."""
    lines = (ast.get_docstring(parse(path)) or "").splitlines()
    words = [line.split(maxsplit=1)[0] for line in lines if line and line[0] != " "]
    card = [word for word in words if word in CARD]

    assert lines[0].startswith("The ")
    assert card == list(CARD)


@pytest.mark.parametrize("path", [p for p in ACTORS if is_actor(p)], ids=name_of)
def test_the_file_of_an_actor_has_one_actor(path: Path) -> None:
    """Its messages are on top."""
    classes = [node for node in parse(path).body if isinstance(node, ast.ClassDef)]
    actors = [
        node.name
        for node in classes
        if any(
            isinstance(base, ast.Name) and base.id.endswith("Actor")
            for base in node.bases
        )
    ]

    assert len(actors) == 1
